import { describe, expect, test } from '@jest/globals';
import {
  addDays,
  addMonths,
  addYears,
  ageOn,
  civilOf,
  dayNumberOf,
  dayText,
  parseDay,
} from '../../rules/calendar.ts';

const EPOCH = Temporal.PlainDate.from('1970-01-01');
const day = (date: Temporal.PlainDate): number => EPOCH.until(date, { largestUnit: 'days' }).days;

/** Every day from the 27th of a month to the 2nd of the next, over years that are leap, common, and centuries. */
const edges = [1896, 1900, 1999, 2000, 2003, 2004, 2024, 2026, 2100].flatMap((year) =>
  Array.from({ length: 12 }, (_, index) =>
    Temporal.PlainDate.from({ year, month: index + 1, day: 27 }),
  ).flatMap((start) => Array.from({ length: 7 }, (_, days) => start.add({ days }))),
);

describe('days', () => {
  test('have the number and the text that Temporal gives, from 1800 to 2199', () => {
    let date = Temporal.PlainDate.from('1800-01-01');
    const wrong: string[] = [];
    for (let number = day(date); date.year < 2200; number++, date = date.add({ days: 1 })) {
      const civil = civilOf(number);
      const same =
        civil.year === date.year &&
        civil.month === date.month &&
        civil.day === date.day &&
        dayNumberOf(date.year, date.month, date.day) === number;
      if (!same) wrong.push(date.toString());
    }
    expect(wrong).toEqual([]);
  });

  test.each(['0001-01-01', '1600-02-29', '1969-12-31', '1970-01-01', '2026-11-22', '9999-12-31'])(
    '%s is read and written',
    (text) => {
      expect(parseDay(text)).toBe(day(Temporal.PlainDate.from(text)));
      expect(dayText(parseDay(text))).toBe(text);
    },
  );

  test.each([
    '2026-02-30',
    '2025-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '0000-01-01',
    '2026-1-01',
    '20260101',
    '2026-01-01T00:00:00Z',
    ' 2026-01-01',
    '2026-01-0a',
    '２０２６-01-01',
    '',
  ])('%j is no day', (text) => {
    expect(parseDay(text)).toBeNaN();
  });

  test('age is full years, for every birth around month ends and every later edge', () => {
    const wrong: string[] = [];
    for (const birth of edges)
      for (const asOf of edges) {
        if (Temporal.PlainDate.compare(birth, asOf) > 0) continue;
        const wanted = birth.until(asOf, { largestUnit: 'years' }).years;
        if (ageOn(day(birth), day(asOf)) !== wanted) wrong.push(`${birth} ${asOf}`);
      }
    expect(wrong).toEqual([]);
  }, 60_000);

  test('a 29 February birthday comes of age on 1 March in common years', () => {
    expect(ageOn(parseDay('2008-02-29'), parseDay('2027-02-28'))).toBe(18);
    expect(ageOn(parseDay('2008-02-29'), parseDay('2027-03-01'))).toBe(19);
    expect(ageOn(parseDay('2008-02-29'), parseDay('2028-02-29'))).toBe(20);
  });

  test('months and years are added as Temporal does, and leaving the calendar is unknown', () => {
    const wrong: string[] = [];
    for (const date of edges)
      for (const amount of [-1201, -13, -12, -1, 0, 1, 2, 11, 12, 13, 48, 1201]) {
        if (addMonths(day(date), amount) !== day(date.add({ months: amount })))
          wrong.push(`${date} ${amount} months`);
        if (Math.abs(amount) < 200 && addYears(day(date), amount) !== day(date.add({ years: amount })))
          wrong.push(`${date} ${amount} years`);
      }
    expect(wrong).toEqual([]);
    expect(addDays(parseDay('9999-12-31'), 1)).toBeNaN();
    expect(addYears(parseDay('2026-01-01'), 8000)).toBeNaN();
    expect(addMonths(Number.NaN, 1)).toBeNaN();
  });
});
