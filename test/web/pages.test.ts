/** What all pages share: words in every language, escaping, fields of forms, calendar files. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { calendarFile, foldLine, timeOfDeadline } from '../../web/citizen/calendar-file.ts';
import { readForm } from '../../web/pages/forms.ts';
import { readPages } from '../../web/pages/render.ts';
import { acceptedLanguage, loadWords } from '../../web/pages/words.ts';

const languages = await loadWords();
const WEB = path.join(import.meta.dirname, '..', '..', 'web');

function texts(words: unknown, at = ''): [string, string][] {
  if (typeof words === 'string') return [[at, words]];
  if (typeof words === 'function')
    return [[at, String((words as (...given: string[]) => string)('1', '2', '3'))]];
  return Object.entries(words as object).flatMap(([name, value]) => texts(value, `${at}/${name}`));
}

describe('words', () => {
  test('are there in Korean, English and Vietnamese, and none is empty', () => {
    expect(languages.codes).toEqual(['ko', 'en', 'vi']);
    const places = texts(languages.words('ko')).map(([at]) => at);
    for (const code of languages.codes) {
      const all = texts(languages.words(code));
      expect(all.map(([at]) => at)).toEqual(places);
      expect(all.filter(([, text]) => text.trim() === '')).toEqual([]);
    }
  });

  test('have no exclamation mark, and no word of one language is left in another', () => {
    for (const code of languages.codes)
      for (const [at, text] of texts(languages.words(code))) {
        expect([at, text.includes('!')]).toEqual([at, false]);
        if (code !== 'ko') expect([at, /[가-힣]/.test(text)]).toEqual([at, false]);
      }
  });

  test('are chosen by what a browser wants, by its weights', () => {
    const codes = languages.codes;
    expect(acceptedLanguage('vi-VN,vi;q=0.9,en;q=0.8', codes)).toBe('vi');
    expect(acceptedLanguage('de, en;q=0.5, ko;q=0.7', codes)).toBe('ko');
    expect(acceptedLanguage('de', codes)).toBeNull();
    expect(acceptedLanguage(undefined, codes)).toBeNull();
    expect(acceptedLanguage('en;q=0', codes)).toBeNull();
  });
});

describe('pages', () => {
  test('put in nothing that is not escaped, and refuse a source that would', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'pages-'));
    try {
      writeFileSync(path.join(folder, 'good.hbs'), '<p title="{{a}}">{{a}}</p>');
      expect(readPages([folder]).render('good', { a: `"><script>'&` })).toBe(
        '<p title="&quot;&gt;&lt;script&gt;&#x27;&amp;">&quot;&gt;&lt;script&gt;&#x27;&amp;</p>',
      );
      expect(() => readPages([folder]).render('good', {})).toThrow('"a" not defined');
      for (const raw of ['{{{a}}}', '{{&a}}', '{{~&a}}']) {
        writeFileSync(path.join(folder, 'bad.hbs'), raw);
        expect(() => readPages([folder])).toThrow('not escaped');
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('have no script, style or handler of their own', () => {
    const sources = ['pages', 'citizen/pages', 'public/pages'].flatMap((folder) =>
      readdirSync(path.join(WEB, folder))
        .filter((name) => name.endsWith('.hbs'))
        .map((name) => [name, readFileSync(path.join(WEB, folder, name), 'utf8')] as const),
    );
    expect(sources.length).toBeGreaterThan(10);
    for (const [name, source] of sources) {
      expect([name, /\son\w+=|<style|\sstyle=|javascript:/i.test(source)]).toEqual([name, false]);
      // Every form that is sent has the page's token.
      for (const [form] of source.matchAll(/<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/g))
        expect([name, form.includes('name="_csrf"')]).toEqual([name, true]);
    }
  });
});

describe('a field of a form', () => {
  test.each(['a\0b', 'a\nb', 'x'.repeat(401), '\ud800', '900101-1234567'])('is not %j', (value) => {
    expect(() => readForm({ q: value })).toThrow('the request is not valid: /q');
    try {
      readForm({ q: value });
    } catch (error) {
      expect((error as Error).message).not.toContain(value);
    }
  });

  test('is the first of several, trimmed; what is no text is left out', () => {
    const form = readForm({ a: [' x ', 'y'], b: { c: 1 } });
    expect([form.text('a'), form.all('a'), form.text('b'), form.has('c')]).toEqual([
      'x',
      ['x', 'y'],
      '',
      false,
    ]);
  });
});

describe('a calendar file', () => {
  const entry = {
    uid: 'o-1@allim.example',
    title: '국가장학금, 12월 26일 18시까지; 신청\\확인',
    text: '첫 줄\n둘째 줄',
    reminder: '내일이 마지막 날입니다',
    url: 'https://allim.example/me/notices/1',
    day: '2026-12-26',
    time: null,
    sequence: 3,
    nowMs: Date.parse('2026-12-01T00:00:00Z'),
  };

  test('lasts the whole day and reminds at nine the day before', () => {
    const file = calendarFile(entry);
    expect(file).toContain('DTSTART;VALUE=DATE:20261226\r\nDTEND;VALUE=DATE:20261227\r\n');
    expect(file).toContain('TRIGGER:-PT15H\r\n');
    expect(file).toContain('DTSTAMP:20261201T000000Z\r\n');
    expect(file.replaceAll('\r\n ', '')).toContain(
      'SUMMARY:국가장학금\\, 12월 26일 18시까지\\; 신청\\\\확인\r\n',
    );
    expect(file.replaceAll('\r\n ', '')).toContain('DESCRIPTION:첫 줄\\n둘째 줄\r\n');
    expect(file.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });

  test('that has an hour has its zone', () => {
    const file = calendarFile({ ...entry, time: '18:00' });
    expect(file).toContain(
      'DTSTART;TZID=Asia/Seoul:20261226T170000\r\nDTEND;TZID=Asia/Seoul:20261226T180000\r\n',
    );
    expect(file).toContain('BEGIN:VTIMEZONE\r\nTZID:Asia/Seoul\r\n');
    expect(file).toContain('TZOFFSETTO:+0900\r\n');
    // From 17:00 back to 09:00 the day before.
    expect(file).toContain('TRIGGER:-PT32H0M\r\n');
  });

  test('has lines of at most 75 octets that part no character', () => {
    const line = `SUMMARY:${'가나다🎉'.repeat(40)}`;
    const folded = foldLine(line);
    for (const part of folded.split('\r\n')) {
      expect(Buffer.byteLength(part)).toBeLessThanOrEqual(75);
      expect(part.isWellFormed()).toBe(true);
    }
    expect(folded.replaceAll('\r\n ', '')).toBe(line);
  });

  test('takes the hour from beside the day', () => {
    expect(timeOfDeadline({ closesOn: '2026-12-26', closesTime: '18:00' }, '2026-12-26')).toBe('18:00');
    expect(timeOfDeadline({ closesOn: '2026-12-26', closesTime: '18:00' }, '2026-12-28')).toBeNull();
    expect(timeOfDeadline({ closesOn: '2026-12-26' }, '2026-12-26')).toBeNull();
  });
});
