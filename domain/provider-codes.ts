/** Codes of providers and gateways, as they may be kept and logged. */

/** What a code of a stranger is where it is none. */
const UNREADABLE = 'unreadable-code';
/** A word, and perhaps a short number: six digits in a row are part of a longer one, as more blanks or an @ are of a sentence or an address. */
const CODE = /^(?:0x[0-9a-f]{1,8}|(?!.*\d{6})[\w.:-]{1,64}(?: \d[\d.]{0,8})?)$/i;

/** The code, or a word that says that it was none: some put the very address that they refuse into it. */
export function readableCode(code: string): string {
  return CODE.test(code) ? code : UNREADABLE;
}
