/**
 * Arithmetic over working days as day numbers. Reckons from 1970 to 2099, for which the lunar calendar behind the holidays is known, and
 * is unknown (NaN) outside, as for more than LIMITS.workingDays at once. A year is looked up when first asked for and kept.
 */
import type { WorkingDays } from '../domain/timeline.ts';
import { civilOf, dayNumberOf, dayText } from './calendar.ts';
import { type Direction, LIMITS } from './language.ts';

export const FIRST_WORKING_DAY = dayNumberOf(1970, 1, 1);
export const LAST_WORKING_DAY = dayNumberOf(2099, 12, 31);

/** The day's own year: its 1 January, its working days in order, and how many there are up to and with each day. */
type Year = { readonly first: number; readonly days: readonly number[]; readonly upTo: Uint16Array };

export type Reckoning = {
  /** The n-th working day after the day, or before it where n is negative; the day itself for 0. Never turns back as the day grows. */
  add(day: number, n: number): number;
  /** The day itself where it is a working day, else the next or previous one. */
  move(day: number, direction: Direction): number;
};

const reckonings = new WeakMap<WorkingDays, Reckoning>();

/** One a calendar, whoever asks. */
export function reckoningOf(calendar: WorkingDays): Reckoning {
  let found = reckonings.get(calendar);
  if (found === undefined) {
    found = reckon(calendar);
    reckonings.set(calendar, found);
  }
  return found;
}

function reckon(calendar: WorkingDays): Reckoning {
  const years = new Map<number, Year>();
  const yearAt = (year: number): Year => {
    let found = years.get(year);
    if (found === undefined) {
      found = yearOfWork(year, calendar);
      years.set(year, found);
    }
    return found;
  };
  const isOff = (day: number): boolean => {
    const { first, upTo } = yearAt(civilOf(day).year);
    const before = day === first ? 0 : upTo[day - first - 1]!;
    return upTo[day - first]! === before;
  };
  const add = (day: number, n: number): number => {
    if (!(day >= FIRST_WORKING_DAY && day <= LAST_WORKING_DAY && Math.abs(n) <= LIMITS.workingDays))
      return Number.NaN;
    if (n === 0) return day;
    let { year } = civilOf(day);
    let at = yearAt(year);
    let target = at.upTo[day - at.first]! + n + (n < 0 && !isOff(day) ? 0 : n < 0 ? 1 : 0);
    for (; target > at.days.length; at = yearAt(++year)) target -= at.days.length;
    while (target < 1) {
      at = yearAt(--year);
      target += at.days.length;
    }
    return at.days[target - 1]!;
  };
  return {
    add,
    move: (day, direction) =>
      day >= FIRST_WORKING_DAY && day <= LAST_WORKING_DAY
        ? isOff(day)
          ? add(day, direction === 'next' ? 1 : -1)
          : day
        : Number.NaN,
  };
}

function yearOfWork(year: number, calendar: WorkingDays): Year {
  const first = dayNumberOf(year, 1, 1);
  const length = dayNumberOf(year + 1, 1, 1) - first;
  const days: number[] = [];
  const upTo = new Uint16Array(length);
  for (let i = 0; i < length; i++) {
    if (!calendar.isDayOff(dayText(first + i))) days.push(first + i);
    upTo[i] = days.length;
  }
  return { first, days, upTo };
}
