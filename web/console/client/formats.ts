/** Numbers, days and times as people read them here: counts with their unit, a date with its weekday, times in the zone of the state. */
import { ZONE } from '../../../domain/jurisdiction.ts';
import type { Language } from './words.ts';

const LOCALES = { ko: 'ko-KR', en: 'en-GB' } as const satisfies Record<Language, string>;

const cached = new Map<string, Intl.DateTimeFormat | Intl.NumberFormat>();

function dates(language: Language, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  const known = cached.get(key);
  if (known !== undefined) return known as Intl.DateTimeFormat;
  const made = new Intl.DateTimeFormat(LOCALES[language], options);
  cached.set(key, made);
  return made;
}

export const formatNumber = (value: number, language: Language): string =>
  value.toLocaleString(LOCALES[language]);

/** `12.4 %`; of nothing, nothing. */
export const formatShare = (part: number, whole: number, language: Language): string =>
  `${(whole === 0 ? 0 : (100 * part) / whole).toLocaleString(LOCALES[language], { maximumFractionDigits: 1 })} %`;

const UTC_DAY = { timeZone: 'UTC' } as const;

/** `2026-12-31` as `2026년 12월 31일(목)`, `Thu 31 December 2026`. */
export function formatDay(day: string, language: Language): string {
  return withWeekday(day, language, { year: 'numeric', month: 'long', day: 'numeric' });
}

/** Korean has the weekday behind, in brackets; English before. */
function withWeekday(day: string, language: Language, options: Intl.DateTimeFormatOptions): string {
  const date = new Date(`${day}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return day;
  const said = dates(language, { ...UTC_DAY, ...options }).format(date);
  const weekday = dates(language, { ...UTC_DAY, weekday: 'short' }).format(date);
  return language === 'ko' ? `${said}(${weekday})` : `${weekday} ${said}`;
}

/** Without the year: `12월 31일(목)`. */
export function formatShortDay(day: string, language: Language): string {
  return withWeekday(day, language, { month: 'short', day: 'numeric' });
}

export function formatMonth(day: string, language: Language): string {
  return dates(language, { ...UTC_DAY, year: 'numeric', month: 'long' }).format(new Date(`${day}T00:00:00Z`));
}

/** An instant, RFC 3339: `11월 23일(월) 14:02`, `Mon 23 Nov 14:02`; with its year where that is another one. */
export function formatTime(instant: string | number, language: Language): string {
  const day = today(new Date(instant));
  const said =
    day.slice(0, 4) === today().slice(0, 4) ? formatShortDay(day, language) : formatDay(day, language);
  return `${said} ${formatClock(instant, language)}`;
}

/** The time of the day alone: `14:02`. */
export function formatClock(instant: string | number, language: Language): string {
  const options = { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return dates(language, options).format(new Date(instant));
}

/** The day of an instant in the zone of the state; of now unless told. */
export function today(at: Date = new Date()): string {
  // Swedes write days as ISO 8601 does.
  return new Intl.DateTimeFormat('sv-SE', { timeZone: ZONE }).format(at).slice(0, 10);
}
