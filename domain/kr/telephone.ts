/**
 * Korean telephone numbers in E.164. Only the shape is judged: whether a number exists, and whose it is, only a carrier knows.
 */
/** +82, no leading 0: mobile (1x), Seoul (2), areas and internet telephony (3x to 7x), 8 to 10 digits in all after the code. */
const KOREAN = /^\+82(?:1[016-9]\d{7,8}|2\d{7,8}|[3-6][1-5]\d{7,8}|70\d{8})$/;
const MOBILE = /^\+82(?:10\d{8}|1[16-9]\d{7,8})$/;
const E164 = /^\+[1-9]\d{7,14}$/;

/** In normal form: `+` and 8 to 15 digits; a Korean one also with a plan that exists. */
export function isE164(number: string): boolean {
  return number.startsWith('+82') ? KOREAN.test(number) : E164.test(number);
}

/** Can receive a text message. Numbers of other countries are given the benefit of the doubt. */
export function isTextable(number: string): boolean {
  return number.startsWith('+82') ? MOBILE.test(number) : isE164(number);
}

/** `010-1234-5678`, `+82 10 1234 5678` or `82-(0)10…` in normal form, or null where it is no number. */
export function toE164(written: string): string | null {
  const plain = written
    .trim()
    .replace(/\(0\)/u, '')
    .replaceAll(/[\s().-]/gu, '');
  const number = plain.startsWith('+')
    ? plain.replace(/^\+820/u, '+82')
    : plain.startsWith('0')
      ? `+82${plain.slice(1)}`
      : null;
  return number !== null && isE164(number) ? number : null;
}
