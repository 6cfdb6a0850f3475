/**
 * Days as integers (days since 1970-01-01, proleptic Gregorian), because columns hold them and comparisons of them are one
 * subtraction. Temporal is the oracle in the tests and not used here: it costs about a microsecond a call, this 3-10 ns.
 * "Unknown" is NaN throughout and never throws: a date outside the years 1 to 9999 is unknown.
 */

const FIRST_DAY = -719_162; // 0001-01-01
const LAST_DAY = 2_932_896; // 9999-12-31
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export type Civil = { year: number; month: number; day: number };

export function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

export function daysInMonth(year: number, month: number): number {
  return month === 2 && isLeapYear(year) ? 29 : MONTH_DAYS[month - 1]!;
}

/** Years are counted from 1 March, so that the leap day is the last of its year and months need no table. */
export function dayNumberOf(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

export function civilOf(dayNumber: number): Civil {
  const shifted = dayNumber + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1_460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const m = Math.floor((5 * dayOfYear + 2) / 153);
  const month = m < 10 ? m + 3 : m - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * m + 2) / 5) + 1,
  };
}

function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** The day number of exactly `YYYY-MM-DD`; NaN for anything else, 2026-02-30 included. */
export function parseDay(text: string): number {
  if (text.length !== 10 || text[4] !== '-' || text[7] !== '-') return Number.NaN;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  // Negated, so that NaN fails too.
  if (!(year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month)))
    return Number.NaN;
  return dayNumberOf(year, month, day);
}

export function dayText(dayNumber: number): string {
  const { year, month, day } = civilOf(dayNumber);
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function inRange(dayNumber: number): number {
  return dayNumber >= FIRST_DAY && dayNumber <= LAST_DAY ? dayNumber : Number.NaN;
}

/**
 * Full years (만 나이). One born on 29 February comes of age on 1 March in common years, which is what comparing month and day gives
 * and Temporal answers. Before birth it is negative, so that it falls without a step as the birth date grows.
 */
export function ageOn(birth: number, asOf: number): number {
  if (Number.isNaN(birth) || Number.isNaN(asOf)) return Number.NaN;
  const [born, year] = [yearOf(birth), yearOf(asOf)];
  return year - born - (placeInYear(asOf, year) >= placeInYear(birth, born) ? 0 : 1);
}

/** 0 for 1 January to 365 for 31 December, 29 February counted in every year: it orders days by month and day. */
function placeInYear(dayNumber: number, year: number): number {
  const day = dayNumber - firstDayOf(year);
  return day >= 59 && !isLeapYear(year) ? day + 1 : day;
}

/**
 * Full months, as Temporal counts from a birth to a later day. Born on the 31st: a month is full on the 31st, or on the following 1st
 * where the month has none. Before birth it is negative and falls without a step, as `ageOn` does.
 */
export function ageMonthsOn(birth: number, asOf: number): number {
  if (Number.isNaN(birth) || Number.isNaN(asOf)) return Number.NaN;
  const b = civilOf(birth);
  const a = civilOf(asOf);
  return (a.year - b.year) * 12 + (a.month - b.month) - (a.day < b.day ? 1 : 0);
}

/** Month × 100 + day: 31 January is 131, 25 December 1225. */
export function monthDayOf(dayNumber: number): number {
  if (Number.isNaN(dayNumber)) return Number.NaN;
  const { month, day } = civilOf(dayNumber);
  return month * 100 + day;
}

/** Where most days lie, looked up in a table of first days, which is less than reckoning the whole date. */
const TABLE_FROM = 1800;
const TABLE_TO = 2200;
const FIRST_DAYS = Int32Array.from({ length: TABLE_TO - TABLE_FROM + 1 }, (_, at) =>
  dayNumberOf(TABLE_FROM + at, 1, 1),
);
const TABLE_BEGINS = FIRST_DAYS[0]!;
const TABLE_ENDS = FIRST_DAYS.at(-1)!;

function firstDayOf(year: number): number {
  return year >= TABLE_FROM && year <= TABLE_TO ? FIRST_DAYS[year - TABLE_FROM]! : dayNumberOf(year, 1, 1);
}

export function yearOf(dayNumber: number): number {
  if (dayNumber >= TABLE_BEGINS && dayNumber < TABLE_ENDS) {
    // One too many at most, in the last days of a year.
    const at = ((dayNumber - TABLE_BEGINS) * (400 / 146_097) + 0.01) | 0;
    return TABLE_FROM + (FIRST_DAYS[at]! > dayNumber ? at - 1 : at);
  }
  return Number.isNaN(dayNumber) ? Number.NaN : civilOf(dayNumber).year;
}

export function addDays(dayNumber: number, days: number): number {
  return inRange(dayNumber + days);
}

/** The same day of another month, or its last day where that month is shorter (31 January + 1 month = 28 or 29 February). */
export function addMonths(dayNumber: number, months: number): number {
  if (Number.isNaN(dayNumber) || Number.isNaN(months)) return Number.NaN;
  const { year, month, day } = civilOf(dayNumber);
  const index = year * 12 + (month - 1) + months;
  const newYear = Math.floor(index / 12);
  const newMonth = index - newYear * 12 + 1;
  if (newYear < 1 || newYear > 9999) return Number.NaN;
  return dayNumberOf(newYear, newMonth, Math.min(day, daysInMonth(newYear, newMonth)));
}

export function addYears(dayNumber: number, years: number): number {
  return addMonths(dayNumber, years * 12);
}
