/** Every birth day of 1900 to 2030 against Temporal, at month ends and around 29 February; every day off against stepping from day to day. */
import { expect, test } from '@jest/globals';
import { isDayOff } from '../../domain/kr/holidays.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import { addMonths, ageMonthsOn, ageOn, dayNumberOf, dayText, parseDay } from '../../rules/calendar.ts';
import { reckoningOf } from '../../rules/working-days.ts';

const EPOCH = Temporal.PlainDate.from('1970-01-01');
const numberOf = (date: Temporal.PlainDate): number => EPOCH.until(date, { largestUnit: 'days' }).days;
const days = ['2024-02-29', '2026-02-28', '2026-03-01', '2030-12-31'].map((text) => ({
  text,
  date: Temporal.PlainDate.from(text),
  day: parseDay(text),
}));
const births = Array.from(
  { length: dayNumberOf(2031, 1, 1) - dayNumberOf(1900, 1, 1) },
  (_, i) => dayNumberOf(1900, 1, 1) + i,
);

test('ages in years and months', () => {
  const wrong: string[] = [];
  for (const birth of births) {
    const born = Temporal.PlainDate.from(dayText(birth));
    for (const { text, date, day } of days) {
      if (birth > day) continue;
      const { years, months } = born.until(date, { largestUnit: 'years' });
      if (ageOn(birth, day) !== years || ageMonthsOn(birth, day) !== years * 12 + months)
        wrong.push(`${born} as of ${text}`);
    }
  }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(births).toHaveLength(47_847);
}, 60_000);

test('ages never turn back from one birth day to the next', () => {
  for (const { day } of days)
    for (const age of [ageOn, ageMonthsOn])
      expect(births.filter((birth) => age(birth, day) > age(birth - 1, day))).toEqual([]);
});

test('months added', () => {
  const wrong: string[] = [];
  for (const birth of births) {
    const born = Temporal.PlainDate.from(dayText(birth));
    for (const months of [1, 780])
      if (addMonths(birth, months) !== numberOf(born.add({ months }))) wrong.push(`${born} ${months}`);
  }
  expect(wrong.slice(0, 5)).toEqual([]);
}, 60_000);

test('working days on every day of 2024 to 2030', () => {
  const { add, move } = reckoningOf(WORKING_DAYS);
  const step = (day: number, by: 1 | -1): number => {
    let at = day + by;
    while (isDayOff(dayText(at))) at += by;
    return at;
  };
  const wrong: string[] = [];
  for (let day = dayNumberOf(2024, 1, 1); day < dayNumberOf(2031, 1, 1); day++) {
    const off = isDayOff(dayText(day));
    const [next, previous] = [step(day, 1), step(day, -1)];
    const same =
      add(day, 0) === day &&
      add(day, 1) === next &&
      add(day, -1) === previous &&
      add(day, 3) === step(step(next, 1), 1) &&
      add(day, -3) === step(step(previous, -1), -1) &&
      move(day, 'next') === (off ? next : day) &&
      move(day, 'previous') === (off ? previous : day);
    if (!same) wrong.push(dayText(day));
  }
  expect(wrong).toEqual([]);
});

test('working days are unknown where the calendar is, and beyond what is reckoned', () => {
  const { add, move } = reckoningOf(WORKING_DAYS);
  for (const text of ['1969-12-31', '2100-01-01']) {
    expect(add(parseDay(text), 1)).toBeNaN();
    expect(move(parseDay(text), 'next')).toBeNaN();
  }
  expect(add(parseDay('2026-01-01'), 1_001)).toBeNaN();
  expect(add(Number.NaN, 1)).toBeNaN();
  expect(add(parseDay('2026-01-01'), Number.NaN)).toBeNaN();
  // Over the end of the last year as over any other.
  expect(add(parseDay('2099-12-31'), 1)).toBeGreaterThan(parseDay('2100-01-01'));
});
