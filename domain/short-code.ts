/**
 * The short verification code of a notice, `K7Q2-93`: a citizen types it into our site together with the last four digits of the telephone
 * number and sees the true text. It is not a secret and not unique (30^6 codes): whoever looks one up finds every notice that carries it.
 */
import { hash } from 'node:crypto';
import type { NotificationId } from './ids.ts';

/** No 0 O, 1 I L, U: they are misread aloud or on paper. */
const ALPHABET = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 6;
const CODES = ALPHABET.length ** LENGTH;

export const SHORT_CODE = /^[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{2}$/;

/** Hashed rather than cut from the id: ids travel in topics and logs, and a code shown on a telephone must not name one. */
export function shortCode(id: NotificationId): string {
  // 48 bits: exact in a double, and 400,000 times the number of codes, so that the remainder's bias does not matter.
  let rest = Number.parseInt(hash('sha256', `short-code\u001f${id}`, 'hex').slice(0, 12), 16) % CODES;
  let code = '';
  for (let i = 0; i < LENGTH; i++) {
    code += ALPHABET[rest % ALPHABET.length];
    rest = Math.floor(rest / ALPHABET.length);
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** The number behind a code, as `notice_code` of the database computes it (migration 0022). */
export function numberOfShortCode(code: string): number {
  let number = 0;
  for (const letter of code.replace('-', '').split('').reverse())
    number = number * ALPHABET.length + ALPHABET.indexOf(letter);
  return number;
}

/** What a person typed, in the form we store, or null: lower case, missing or other dashes and blanks are forgiven. */
export function parseShortCode(typed: string): string | null {
  const plain = typed.toUpperCase().replaceAll(/[\s\-‐-―]/gu, '');
  const code = `${plain.slice(0, 4)}-${plain.slice(4)}`;
  return SHORT_CODE.test(code) ? code : null;
}
