/**
 * Working days in Korea: weekends, public holidays with lunar and substitute days (npm date-holidays), and what days-off.json adds or
 * takes away: election days, temporary holidays, new laws. Days are YYYY-MM-DD; 2024 to 2030 are held by a test against the official list.
 * A deadline on a day off moves to the next working day (Civil Act art. 161, Framework Act on National Taxes art. 5).
 */
import { readFileSync } from 'node:fs';
import Holidays from 'date-holidays';

type DaysOff = {
  readonly yearly: readonly { readonly monthDay: string; readonly from: number; readonly name: string }[];
  readonly add: readonly { readonly day: string; readonly name: string }[];
  readonly remove: readonly { readonly day: string }[];
};

const amendments = JSON.parse(readFileSync(new URL('./days-off.json', import.meta.url), 'utf8')) as DaysOff;
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
  for (const { monthDay, from, name } of amendments.yearly) {
    if (year >= from) days.set(`${year}-${monthDay}`, name);
  }
  for (const { day, name } of amendments.add) if (day.startsWith(`${year}-`)) days.set(day, name);
  for (const { day } of amendments.remove) days.delete(day);
  years.set(year, days);
  return days;
}

/** Days that were asked for: every notice of a fan-out asks for the same few. */
const known = new Map<string, boolean>();
const KNOWN_DAYS = 2_000;

/** Saturday, Sunday or a public holiday. A RangeError where the text is no day. */
export function isDayOff(day: string): boolean {
  let off = known.get(day);
  if (off === undefined) {
    const date = Temporal.PlainDate.from(day);
    off = date.dayOfWeek >= 6 || holidaysOf(date.year).has(day);
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
