/**
 * Resident registration numbers (주민등록번호, and 외국인등록번호, which is built alike): six digits of a birth date, then seven of which the
 * first says century, sex and citizenship. Nobody may process them without a law that names it (Personal Information Protection Act
 * art. 24-2), and no text of ours needs one, so text that holds one is refused where it enters, before it is kept or logged.
 */

/** Shorter text has no room for one. */
const DIGITS = 13;
/** What some put between every two digits. Not a hyphen: ids are written with them. */
const WITHIN = '[\\s.]?';
const digits = (count: number) => Array<string>(count).fill('\\p{Nd}').join(WITHIN);
/**
 * Thirteen digits in two groups, with or without something between; not part of a longer number. The check digit is not asked: numbers given
 * since October 2020 have none.
 */
const NUMBER = new RegExp(`(?<!\\p{Nd})(${digits(6)})[\\s\\p{P}\\p{S}]{0,5}${digits(7)}(?!\\p{Nd})`, 'gu');
/** Nobody sees them, and they part digits all the same: soft hyphens, joiners, marks of direction. */
const UNSEEN = /\p{Cf}/gu;
const ASCII = /^[\0-\x7f]*$/;
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Whether a text holds what can be a resident registration number. A number of thirteen digits whose beginning is no day is none. */
export function holdsResidentNumber(text: string): boolean {
  if (text.length < DIGITS) return false;
  // Digits and hyphens of full width, in circles and raised are typed as well.
  const plain = ASCII.test(text) ? text : text.normalize('NFKC').replaceAll(UNSEEN, '');
  for (const [, birth = ''] of plain.matchAll(NUMBER)) {
    const date = birth.replaceAll(/[^\p{Nd}]/gu, '');
    // Digits of other scripts say a day that is not worked out here.
    if (!ASCII.test(date)) return true;
    const most = DAYS[Number(date.slice(2, 4)) - 1];
    const day = Number(date.slice(4));
    if (most !== undefined && day >= 1 && day <= most) return true;
  }
  return false;
}
