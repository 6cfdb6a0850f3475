/**
 * Working days in SQL: days off are a parameter, and the working ones are looked for day by day. A day off that is no Saturday or Sunday is
 * listed, and a Saturday or Sunday on which work is done.
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import { civilOf } from '../calendar.ts';
import { LIMITS } from '../language.ts';
import { FIRST_WORKING_DAY, LAST_WORKING_DAY } from '../working-days.ts';
import type { SqlValue } from './sql-values.ts';

export type Parameter = (value: SqlValue, type: string) => string;

type DaysOff = {
  /** Monday to Friday. */
  readonly off: readonly string[];
  /** Saturdays and Sundays. */
  readonly on: readonly string[];
  /** One of so many days in a row is a working day. */
  readonly stretch: number;
};

/** First and last year in which days are reckoned; outside them the result is not known. */
export type WorkingYears = readonly [first: number, last: number];
export type WorkingCalendar = { readonly days: WorkingDays; readonly years: WorkingYears };

/** Those that every other reading knows. */
export const WORKING_YEARS: WorkingYears = [civilOf(FIRST_WORKING_DAY).year, civilOf(LAST_WORKING_DAY).year];
/** Counting may end beyond the days from which it may begin. */
const YEARS_BEYOND = 5;
const known = new WeakMap<WorkingDays, Map<string, DaysOff>>();

/** Some 10 ms a year the first time a calendar is asked. */
function daysOffOf({ days, years }: WorkingCalendar): DaysOff {
  const listed = known.get(days) ?? new Map<string, DaysOff>();
  known.set(days, listed);
  const key = years.join();
  const found = listed.get(key) ?? readDaysOff(days, years);
  listed.set(key, found);
  return found;
}

function readDaysOff(calendar: WorkingDays, [first, last]: WorkingYears): DaysOff {
  const off: string[] = [];
  const on: string[] = [];
  let longest = 0;
  let row = 0;
  let day = new Temporal.PlainDate(first - YEARS_BEYOND, 1, 1);
  for (; day.year <= last + YEARS_BEYOND; day = day.add({ days: 1 })) {
    const text = day.toString();
    const isOff = calendar.isDayOff(text);
    row = isOff ? row + 1 : 0;
    longest = Math.max(longest, row);
    if (isOff && day.dayOfWeek <= 5) off.push(text);
    else if (!isOff && day.dayOfWeek > 5) on.push(text);
  }
  return { off, on, stretch: longest + 1 };
}

function isWorkingDay({ off, on }: DaysOff, parameter: Parameter): string {
  const ordinary = `(extract(isodow FROM day) < 6 AND day <> ALL (${parameter(off, 'date[]')}))`;
  return on.length === 0 ? ordinary : `(${ordinary} OR day = ANY (${parameter(on, 'date[]')}))`;
}

const isReckoned = (date: string, [first, last]: WorkingYears): string =>
  `extract(year FROM ${date}) BETWEEN ${first} AND ${last}`;

/** The day itself, or the working day nearest to it on one side. `date` is repeated. */
export function moveToWorkingDay(
  date: string,
  next: boolean,
  calendar: WorkingCalendar,
  parameter: Parameter,
): string {
  const days = daysOffOf(calendar);
  const [sign, nearest] = next ? ['+', 'min'] : ['-', 'max'];
  const candidates = `(SELECT ${date} ${sign} n AS day FROM generate_series(0, ${days.stretch}) AS n) AS days`;
  const found = `(SELECT ${nearest}(day) FROM ${candidates} WHERE ${isWorkingDay(days, parameter)})`;
  return `(CASE WHEN ${isReckoned(date, calendar.years)} THEN ${found} END)`;
}

/** The working day that is the n-th after the day, or before it. Both are repeated. */
export function addWorkingDays(
  date: string,
  count: string,
  calendar: WorkingCalendar,
  parameter: Parameter,
): string {
  const days = daysOffOf(calendar);
  const works = isWorkingDay(days, parameter);
  const nth = (sign: '+' | '-', order: 'ASC' | 'DESC'): string =>
    `(SELECT day FROM (SELECT ${date} ${sign} n AS day FROM generate_series(1, (abs(${count}) % 10000)::integer * ${days.stretch}) AS n) AS days
      WHERE ${works} ORDER BY day ${order} OFFSET abs(${count}) - 1 LIMIT 1)`;
  const moved = `CASE WHEN ${count} = 0 THEN ${date} WHEN ${count} > 0 THEN ${nth('+', 'ASC')} ELSE ${nth('-', 'DESC')} END`;
  return `(CASE WHEN ${isReckoned(date, calendar.years)} AND ${count} BETWEEN -${LIMITS.workingDays} AND ${LIMITS.workingDays} THEN ${moved} END)`;
}
