/**
 * Working days in Korea: weekends, public holidays with lunar and substitute days (npm date-holidays), and what days-off.json adds or
 * takes away: election days, temporary holidays, new laws. Days are YYYY-MM-DD; 2024 to 2030 are held by a test against the official list.
 * A deadline on a day off moves to the next working day (Civil Act art. 161, Framework Act on National Taxes art. 5).
 */
import { readFileSync } from 'node:fs';
import Holidays from 'date-holidays';
import { readDaysOff } from './days-off.ts';

const amendments = readDaysOff(
  JSON.parse(readFileSync(new URL('./days-off.json', import.meta.url), 'utf8')) as unknown,
);
const calendar = new Holidays('KR', { languages: ['ko'] });
const DAY_MS = 86_400_000;
const SEOLLAL = '설날';

const years = new Map<number, ReadonlyMap<string, string>>();

function addDays(day: string, count: number): string {
  return Temporal.PlainDate.from(day).add({ days: count }).toString();
}

/** Day → name of every public holiday of a year. 6 ms the first time, then kept. */
export function holidaysOf(year: number): ReadonlyMap<string, string> {
  const known = years.get(year);
  if (known) return known;
  const days = new Map<string, string>();
  for (const holiday of calendar.getHolidays(year)) {
    if (holiday.type !== 'public') continue;
    const first = holiday.date.slice(0, 10);
    const length = Math.max(1, Math.round((holiday.end.getTime() - holiday.start.getTime()) / DAY_MS));
    // The library lets the three days of Seollal begin on the day itself; they begin on its eve.
    const shift = holiday.name === SEOLLAL && !holiday.substitute && length === 3 ? -1 : 0;
    for (let i = 0; i < length; i++) days.set(addDays(first, i + shift), holiday.name);
  }
  for (const { day, name } of amendments.add) if (day.startsWith(`${year}-`)) days.set(day, name);
  addYearly(year, days);
  for (const { day } of amendments.remove) days.delete(day);
  years.set(year, days);
  return days;
}

/** Holidays of each year, and the day after one that falls on a day off: the first that is none (공휴일에 관한 법률 제3조). */
function addYearly(year: number, days: Map<string, string>): void {
  for (const { monthDay, from, to = Number.POSITIVE_INFINITY, name, substitute } of amendments.yearly) {
    const day = `${year}-${monthDay}`;
    if (year < from || year > to) continue;
    const isOff = days.has(day) || isWeekend(day);
    days.set(day, name);
    if (substitute !== true || !isOff) continue;
    let next = addDays(day, 1);
    while (days.has(next) || isWeekend(next)) next = addDays(next, 1);
    days.set(next, `${name} (대체공휴일)`);
  }
}

function isWeekend(day: string): boolean {
  return Temporal.PlainDate.from(day).dayOfWeek >= 6;
}

/** Days that were asked for: every notice of a fan-out asks for the same few. */
const known = new Map<string, boolean>();
const KNOWN_DAYS = 2_000;

/** Saturday, Sunday or a public holiday. A RangeError where the text is no day. */
export function isDayOff(day: string): boolean {
  let off = known.get(day);
  if (off === undefined) {
    off = isWeekend(day) || holidaysOf(Temporal.PlainDate.from(day).year).has(day);
    if (known.size >= KNOWN_DAYS) known.clear();
    known.set(day, off);
  }
  return off;
}

/** The day itself when it is a working day, else the first one after it. */
export function nextWorkingDay(day: string): string {
  let at = day;
  while (isDayOff(at)) at = addDays(at, 1);
  return at;
}

/** The day itself when it is a working day, else the last one before it. */
export function previousWorkingDay(day: string): string {
  let at = day;
  while (isDayOff(at)) at = addDays(at, -1);
  return at;
}
