import { describe, expect, test } from '@jest/globals';
import type { AllimError } from '../../domain/errors.ts';
import {
  chooseLocale,
  inLocale,
  localesFor,
  NO_FALLBACKS,
  readLocaleFallbacks,
  textKeyOfFile,
} from '../../domain/locales.ts';

const TABLE = readLocaleFallbacks({ ko: ['en'], en: ['ko'], uz: ['ru', 'en', 'ko'], '*': ['en', 'ko'] });

describe('the chain of a reader', () => {
  test.each([
    ['ko', ['ko', 'en']],
    ['ko-KR', ['ko-KR', 'ko', 'en']],
    ['en-GB', ['en-GB', 'en', 'ko']],
    ['vi', ['vi', 'en', 'ko']],
    ['uz', ['uz', 'ru', 'en', 'ko']],
    ['zh-TW', ['zh-TW', 'zh', 'en', 'ko']],
  ])('%s', (wanted, chain) => {
    expect(localesFor(wanted, TABLE)).toEqual(chain);
  });

  test('without a table ends in the language of the state', () => {
    expect(localesFor('vi', NO_FALLBACKS)).toEqual(['vi', 'ko']);
  });
});

test('a language counts only with every channel, and reach for itself', () => {
  const texts = new Set(
    ['ko.push', 'ko.sms', 'en.push', 'en.sms', 'vi.sms']
      .map((name) => `${name}.certain`)
      .concat('vi.push.possible'),
  );
  expect(chooseLocale('vi', texts, ['sms'], 'certain', TABLE)).toBe('vi');
  expect(chooseLocale('vi', texts, ['push', 'sms'], 'certain', TABLE)).toBe('en');
  expect(chooseLocale('vi', texts, ['push'], 'possible', TABLE)).toBe('vi');
  // Nothing is there: the wanted one stays, and rendering names what is missing.
  expect(chooseLocale('zh', texts, ['email'], 'certain', TABLE)).toBe('zh');
});

test('a name is found along the same chain', () => {
  expect(inLocale({ ko: '국세청', en: 'NTS' }, 'th', TABLE)).toBe('NTS');
  expect(inLocale({ ko: '국세청' }, 'th', TABLE)).toBe('국세청');
  expect(inLocale({ de: 'x' }, 'th', TABLE)).toBeUndefined();
  expect(inLocale(undefined, 'th', TABLE)).toBeUndefined();
});

test('files are texts by their name', () => {
  expect(textKeyOfFile('vi.sms.possible.hbs')).toBe('vi.sms.possible');
  expect(textKeyOfFile('zh-TW.push.hbs')).toBe('zh-TW.push.certain');
  expect(textKeyOfFile('meta.json')).toBeUndefined();
});

test.each([
  [{}, '/*'],
  [null, '/*'],
  [{ '*': ['en'] }, '/*'],
  [{ '*': 'ko' }, '/*'],
  [{ '*': ['ko'], klingon: ['ko'] }, '/klingon'],
  [{ '*': ['ko'], vi: ['ko', 7] }, '/vi'],
])('the table %j is refused', (table, pointer) => {
  try {
    readLocaleFallbacks(table);
  } catch (error) {
    expect((error as AllimError).code).toBe('config-invalid');
    expect((error as AllimError).faults.map((fault) => fault.pointer)).toEqual([pointer]);
    return;
  }
  throw new Error('was taken');
});
