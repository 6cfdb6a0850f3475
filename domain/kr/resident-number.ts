/**
 * Resident registration numbers (주민등록번호, and 외국인등록번호, which is built alike): six digits of a birth date, then seven of which the
 * first says century, sex and citizenship. Nobody may process them without a law that names it (Personal Information Protection Act
 * art. 24-2), and no text of ours needs one, so text that holds one is refused where it enters, before it is kept or logged.
 */

/**
 * Thirteen digits in two groups, with or without something between; not part of a longer number. The check digit is not asked: numbers given
 * since October 2020 have none.
 */
const NUMBER =
  /(?<![\p{Nd}])(\p{Nd}{2})(\p{Nd}{2})(\p{Nd}{2})[\s.·_‐-―-]{0,3}(\p{Nd})\p{Nd}{6}(?![\p{Nd}])/gu;
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Any decimal digit as its value: full-width digits are typed as well. */
function value(digits: string): number {
  return Number(digits.normalize('NFKC'));
}

/** Whether a text holds what can be a resident registration number. A number of thirteen digits whose beginning is no day is none. */
export function holdsResidentNumber(text: string): boolean {
  for (const [, , month = '', day = ''] of text.matchAll(NUMBER)) {
    const most = DAYS[value(month) - 1];
    if (most !== undefined && value(day) >= 1 && value(day) <= most) return true;
  }
  return false;
}
