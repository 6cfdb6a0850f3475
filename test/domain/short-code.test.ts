import { expect, test } from '@jest/globals';
import { keyId, type NotificationId } from '../../domain/ids.ts';
import { parseShortCode, SHORT_CODE, shortCode } from '../../domain/short-code.ts';

const id = (n: number) => keyId<NotificationId>('notification', n);

test('a code is six unambiguous characters, the same for the same notice', () => {
  for (let n = 0; n < 2_000; n++) expect(shortCode(id(n))).toMatch(SHORT_CODE);
  expect(shortCode(id(1))).toBe(shortCode(id(1)));
});

test('codes spread: 2,000 notices make hardly a collision, and every character occurs in every place', () => {
  const codes = Array.from({ length: 2_000 }, (_, n) => shortCode(id(n)));
  expect(new Set(codes).size).toBeGreaterThan(1_995);
  for (const place of [0, 1, 2, 3, 5, 6]) expect(new Set(codes.map((code) => code[place])).size).toBe(30);
});

test('what a person types is forgiven, what is no code is not', () => {
  expect(parseShortCode('k7q2 93')).toBe('K7Q2-93');
  expect(parseShortCode('K7Q2–93')).toBe('K7Q2-93');
  expect(parseShortCode('K7Q293')).toBe('K7Q2-93');
  expect(parseShortCode('K7Q2-9')).toBeNull();
  expect(parseShortCode('O7Q2-93')).toBeNull();
});
