import { describe, expect, test } from '@jest/globals';
import { readDaysOff } from '../../domain/kr/days-off.ts';
import { holidaysOf, isDayOff, nextWorkingDay, previousWorkingDay } from '../../domain/kr/holidays.ts';
import { particleAfter, withParticle } from '../../domain/kr/particles.ts';
import { measureSms, smsBytes } from '../../domain/kr/sms-bytes.ts';
import { isE164, isTextable, toE164 } from '../../domain/kr/telephone.ts';

describe('particles', () => {
  test.each([
    ['건강검진', '은/는', '건강검진은'],
    ['재산세', '은/는', '재산세는'],
    ['국세청', '이/가', '국세청이'],
    ['보건소', '이/가', '보건소가'],
    ['132,000원', '을/를', '132,000원을'],
    ['서울', '으로/로', '서울로'],
    ['부산', '으로/로', '부산으로'],
    ['제주', '으로/로', '제주로'],
    ['사과', '과/와', '사과와'],
    ['수박', '와/과', '수박과'],
  ] as const)('after Hangul: %s with %s is %s', (word, particle, expected) => {
    expect(withParticle(word, particle)).toBe(expected);
  });

  test.each([
    ['2026', '이'], // 이천이십육
    ['2', '가'],
    ['10', '이'], // 십
    ['132,000', '이'], // 천
    ['30000', '이'], // 만
    ['1000000000000', '가'], // 조
    ['0', '이'], // 영
    ['3.2', '가'],
    ['1577-1004', '가'], // 사
    ['1577-1000', '이'], // 공, not 천: a telephone number
  ] as const)('numbers as they are read: %s%s', (word, expected) => {
    expect(particleAfter(word, '이/가')).toBe(expected);
  });

  test('ㄹ takes 로, in digits too', () => {
    expect(['7', '8', '1', '3', '6'].map((digit) => particleAfter(digit, '으로/로'))).toEqual([
      '로',
      '로',
      '로',
      '으로',
      '으로',
    ]);
  });

  test.each([
    ['SMS', '를'],
    ['URL', '을'],
    ['PIN', '을'],
    ['app', '을'],
    ['email', '을'],
    ['Kakao', '를'],
    ['30%', '를'],
    ['80kg', '을'],
    ['5㎡', '를'],
  ] as const)('Latin letters and units: %s%s', (word, expected) => {
    expect(particleAfter(word, '을/를')).toBe(expected);
  });

  test.each([
    ['7월 31일(금)', '으로/로', '로'],
    ['국세청(세종)', '이/가', '이'],
    ['“재산세”', '을/를', '를'],
    ['『알림』', '을/를', '을'],
    ['검진 [필수]', '은/는', '은'],
    ['(주)', '은/는', '는'],
  ] as const)('what stands in brackets is not read: %s', (word, particle, expected) => {
    expect(particleAfter(word, particle)).toBe(expected);
  });

  test('a word that cannot be read takes the form after a vowel', () => {
    expect(particleAfter('', '을/를')).toBe('를');
    expect(particleAfter('★', '이/가')).toBe('가');
  });
});

describe('SMS length', () => {
  test('counts one byte for ASCII and two for Hangul, as the published examples', () => {
    expect(
      smsBytes('[국민건강보험] 올해 건강검진 대상입니다. 12/31까지 받으세요. 문의 1577-1000 확인 K7Q2-93'),
    ).toBe(88);
    expect(smsBytes('[강남구청] 재산세 132,000원, 7/31까지. 문의 02-3423-5114 확인 R2HC-77')).toBe(69);
  });

  test('tells SMS from LMS at 90 and 2,000 bytes', () => {
    expect(measureSms('가'.repeat(45)).kind).toBe('sms');
    expect(measureSms(`${'가'.repeat(45)}a`).kind).toBe('lms');
    expect(measureSms('가'.repeat(1_000)).kind).toBe('lms');
    expect(measureSms('가'.repeat(1_001)).kind).toBe('too long');
  });

  test('names what EUC-KR cannot hold, each once', () => {
    expect(measureSms('끝 — 끝 — 😀').lost).toEqual(['“—” U+2014', '“😀” U+1F600']);
    const rare = measureSms('뷁');
    expect(rare).toMatchObject({ bytes: 2, lost: [], extended: ['“뷁” U+BDC1'] });
    expect(measureSms('가나다 ① → ℃').lost).toEqual([]);
  });
});

describe('days off', () => {
  // Public holidays on weekdays: the government's yearly calendars (to 2027), the law as it stands for the years after.
  const WEEKDAYS_OFF: Record<number, string> = {
    2024: '01-01 02-09 02-12 03-01 04-10 05-01 05-06 05-15 06-06 08-15 09-16 09-17 09-18 10-01 10-03 10-09 12-25',
    2025: '01-01 01-27 01-28 01-29 01-30 03-03 05-01 05-05 05-06 06-03 06-06 08-15 10-03 10-06 10-07 10-08 10-09 12-25',
    2026: '01-01 02-16 02-17 02-18 03-02 05-01 05-05 05-25 06-03 07-17 08-17 09-24 09-25 10-05 10-09 12-25',
    2027: '01-01 02-08 02-09 03-01 05-03 05-05 05-13 07-19 08-16 09-14 09-15 09-16 10-04 10-11 12-27',
    2028: '01-26 01-27 01-28 03-01 04-12 05-01 05-02 05-05 06-06 07-17 08-15 10-02 10-03 10-04 10-05 10-09 12-25',
    2029: '01-01 02-12 02-13 02-14 03-01 05-01 05-07 05-21 06-06 07-17 08-15 09-21 09-24 10-03 10-09 12-25',
    2030: '01-01 02-04 02-05 03-01 03-27 05-01 05-06 05-09 06-06 06-12 07-17 08-15 09-11 09-12 09-13 10-03 10-09 12-25',
  };

  test.each(Object.entries(WEEKDAYS_OFF))(
    'the weekdays off of %s are exactly the official ones',
    (year, expected) => {
      const found = [...holidaysOf(Number(year)).keys()]
        .filter((day) => Temporal.PlainDate.from(day).dayOfWeek <= 5)
        .sort()
        .map((day) => day.slice(5));
      expect(found.join(' ')).toBe(expected);
    },
  );

  test.each([
    ['2026-05-31', '2026-06-01'], // Sunday
    ['2026-01-25', '2026-01-26'], // Sunday
    ['2026-07-25', '2026-07-27'], // Saturday
    ['2026-02-15', '2026-02-19'], // Sunday before the three days of Seollal
    ['2025-10-03', '2025-10-10'], // the long Chuseok of 2025
    ['2026-07-31', '2026-07-31'],
    ['2027-12-25', '2027-12-28'], // Saturday with a substitute on Monday
    ['2024-09-30', '2024-09-30'],
    ['2024-10-01', '2024-10-02'], // made a day off four weeks before
    ['2025-01-25', '2025-01-31'], // Saturday, and a Monday made a day off before the three days of Seollal
    ['2025-05-03', '2025-05-07'], // Children's Day and Buddha's birthday on one day, so one more
    ['2025-06-03', '2025-06-04'], // an election out of turn
    ['2027-05-01', '2027-05-04'], // Labour Day on a Saturday, its substitute on Monday
  ])('a deadline on %s moves to %s', (day, expected) => {
    expect(nextWorkingDay(day)).toBe(expected);
  });

  test('the previous working day goes the other way', () => {
    expect(previousWorkingDay('2026-05-31')).toBe('2026-05-29');
    expect(previousWorkingDay('2026-02-18')).toBe('2026-02-13');
    expect(previousWorkingDay('2026-06-01')).toBe('2026-06-01');
  });

  test('1 May is a day off for taxes, and a public holiday with a substitute since 2026', () => {
    expect(holidaysOf(2023).has('2023-05-01')).toBe(false);
    expect(holidaysOf(2025).get('2025-05-01')).toBe('근로자의 날');
    expect(holidaysOf(2026).get('2026-05-01')).toBe('노동절');
    expect(holidaysOf(2027).get('2027-05-03')).toBe('노동절 (대체공휴일)');
    // A Saturday before the law gave it a substitute would have had none: 2021 is not listed at all.
    expect(holidaysOf(2021).has('2021-05-03')).toBe(false);
    // Sunday in 2033; with Buddha's birthday in 2085, on a Tuesday.
    expect(holidaysOf(2033).get('2033-05-02')).toBe('노동절 (대체공휴일)');
    expect(holidaysOf(2085).get('2085-05-02')).toBe('노동절 (대체공휴일)');
  });

  test('election days are days off', () => {
    expect(isDayOff('2026-06-03')).toBe(true);
    expect(isDayOff('2026-06-04')).toBe(false);
  });

  test('a text that is no day is refused', () => {
    expect(() => isDayOff('2026-02-30')).toThrow('valid range');
  });
});

describe('amendments of the days off', () => {
  const file = { about: 'test', yearly: [], add: [], remove: [] };
  const may = { monthDay: '05-01', from: 2026, name: '노동절', basis: '법' };

  test('are read as they are written', () => {
    expect(readDaysOff({ ...file, yearly: [may] }).yearly).toEqual([may]);
    expect(readDaysOff({ ...file, remove: [{ day: '2026-07-17', basis: '법' }] }).remove).toHaveLength(1);
  });

  test.each([
    [[], '', 'an object'],
    [{ ...file, add: undefined }, '/add', 'a list'],
    [{ ...file, added: [] }, '/added', 'not known'],
    [{ ...file, add: [{ day: '2027-5-3', name: 'x', basis: 'y' }] }, '/add/0/day', 'YYYY-MM-DD'],
    [{ ...file, add: [{ day: '2027-02-29', name: 'x', basis: 'y' }] }, '/add/0/day', 'YYYY-MM-DD'],
    [{ ...file, add: [{ day: '2027-05-03', name: '', basis: 'y' }] }, '/add/0/name', 'text'],
    [{ ...file, add: [{ day: '2027-05-03', name: 'x' }] }, '/add/0/basis', 'text'],
    [{ ...file, add: [{ day: '2027-05-03', name: 'x', basis: 'y', until: 2 }] }, '/add/0/until', 'not known'],
    [{ ...file, remove: [{ day: 20270503, basis: 'y' }] }, '/remove/0/day', 'YYYY-MM-DD'],
    [{ ...file, yearly: [{ ...may, monthDay: '5-1' }] }, '/yearly/0/monthDay', 'MM-DD'],
    [{ ...file, yearly: [{ ...may, monthDay: '02-29' }] }, '/yearly/0/monthDay', 'MM-DD'],
    [{ ...file, yearly: [{ ...may, from: '2026' }] }, '/yearly/0/from', 'year'],
    [{ ...file, yearly: [{ ...may, to: 2025 }] }, '/yearly/0/to', 'year'],
    [{ ...file, yearly: [{ ...may, substitute: 'yes' }] }, '/yearly/0/substitute', 'true'],
  ])('%j is refused at %s', (json, pointer, why) => {
    let said = '';
    try {
      readDaysOff(json);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toContain(`days-off.json${pointer}: `);
    expect(said).toContain(why);
  });
});

describe('telephone numbers', () => {
  test.each([
    ['010-1234-5678', '+821012345678'],
    ['+82 10 1234 5678', '+821012345678'],
    ['+82 (0)10-1234-5678', '+821012345678'],
    ['02-3423-5114', '+82234235114'],
    ['+1 202 555 0123', '+12025550123'],
    ['1577-1000', null],
    ['010-12-5678', null],
    ['hello', null],
    ['', null],
  ])('%s in normal form is %s', (written, expected) => {
    expect(toE164(written)).toBe(expected);
  });

  test('only normal forms are normal', () => {
    expect(isE164('+821012345678')).toBe(true);
    expect(isE164('01012345678')).toBe(false);
    expect(isE164('+8201012345678')).toBe(false);
    expect(isE164('+82101234567890')).toBe(false);
  });

  test('a text message goes to mobile numbers', () => {
    expect(isTextable('+821012345678')).toBe(true);
    expect(isTextable('+82234235114')).toBe(false);
  });
});
