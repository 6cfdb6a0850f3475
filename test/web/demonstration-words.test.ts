import { describe, expect, test } from '@jest/globals';
import { partOfAddress } from '../../web/demonstration/previews.ts';
import { clockTime, dayName, languageName, languageOf, WORDS } from '../../web/demonstration/words.ts';
import { html, lines } from '../../web/pages/html.ts';

describe('HTML', () => {
  test('escapes every text in elements and attributes, and takes only HTML as it is', () => {
    const hostile = `"><script>alert('1')</script>&`;
    const escaped = '&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;';
    expect(html`<p title="${hostile}">${hostile}${html`<b>${hostile}</b>`}</p>`.markup).toBe(
      `<p title="${escaped}">${escaped}<b>${escaped}</b></p>`,
    );
    expect(lines(`${hostile}\n2`).markup).toBe(`${escaped}<br>2`);
    expect(html`${[1, ['<', null, false, undefined]]}`.markup).toBe('1&lt;');
  });
});

describe('the language', () => {
  test.each([
    [undefined, undefined, 'ko'],
    [undefined, 'en-US,en;q=0.9,ko;q=0.8', 'en'],
    [undefined, 'ko-KR,ko;q=0.9,en;q=0.8', 'ko'],
    [undefined, 'fr, en;q=0.3, ko;q=0.5', 'ko'],
    [undefined, 'en;q=0, *', 'ko'],
    [undefined, 'vi', 'ko'],
    ['en', 'ko', 'en'],
    ['ko', 'en', 'ko'],
    ['de', 'en', 'en'],
  ] as const)('asked %s, accepting %s, is %s', (asked, accept, expected) => {
    expect(languageOf(asked, accept)).toBe(expected);
  });

  test('is called as its readers call it', () => {
    expect([languageName('ko'), languageName('en')]).toEqual(['한국어', 'English']);
  });

  test('writes days and times of Seoul', () => {
    const at = new Date('2026-11-22T15:30:00Z');
    expect([clockTime(at, 'ko'), clockTime(at, 'en', true)]).toEqual(['00:30', '00:30:00']);
    expect([dayName('2026-11-17', 'ko'), dayName('2026-11-17', 'en')]).toEqual([
      '11월 17일(화)',
      'Tue 17 November',
    ]);
    expect(dayName('soon', 'en')).toBe('soon');
  });

  test('has no word left in the other language', () => {
    const texts = (words: object): string[] =>
      Object.values(words).flatMap((word) =>
        typeof word === 'string' ? [word] : typeof word === 'object' ? texts(word as object) : [],
      );
    const foreign = texts(WORDS.en).filter((text) => /\p{Script=Hangul}/u.test(text));
    expect(foreign).toEqual([]);
    expect(texts(WORDS.ko).filter((text) => !/\p{Script=Hangul}/u.test(text))).toEqual([]);
  });
});

test('addresses are shown in part', () => {
  expect(partOfAddress('sms', '+821000271828')).toBe('+82 10-0•••-1828');
  expect(partOfAddress('email', 'abcdef@mail.example.kr')).toBe('ab•••@mail.example.kr');
  expect(partOfAddress('push', '{"endpoint":"https://push.example.kr/c-1"}')).toBe('push.example.kr');
});
