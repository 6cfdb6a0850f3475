/**
 * The few helpers a template may call, one set per locale. Each takes plain values and gives plain text; a missing or ill-typed value is
 * an error, never an empty string: a notice without its date must not leave.
 */
import { CURRENCY } from '../domain/jurisdiction.ts';
import { isParticle, PARTICLES, particleAfter } from '../domain/kr/particles.ts';
import { MONTHS_EN } from '../domain/month-names.ts';

type Helper = (...args: readonly unknown[]) => string;

const WEEKDAYS_KO = ['월', '화', '수', '목', '금', '토', '일'] as const;
const WEEKDAYS_EN = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

/** A day (YYYY-MM-DD) or an instant that begins with one, as it was written: no zone moves it. */
function dayOf(value: unknown): Temporal.PlainDate {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}(?:T|$)/.test(value))
    throw new TypeError('wants a day (YYYY-MM-DD)');
  return Temporal.PlainDate.from(value.slice(0, 10), { overflow: 'reject' });
}

function timeOf(value: unknown): { hour: number; minute: string } {
  const match = typeof value === 'string' ? /(?:^|T)([01]\d|2[0-4]):([0-5]\d)/.exec(value) : null;
  if (!match) throw new TypeError('wants a time (HH:MM)');
  return { hour: Number(match[1]), minute: match[2]! };
}

function wholeNumber(value: unknown, separator = ','): string {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new TypeError('wants a whole number');
  // By hand: the expression that puts commas in one go takes a third of the time of a whole notice.
  let rest = String(Math.abs(value));
  let grouped = '';
  for (; rest.length > 3; rest = rest.slice(0, -3)) grouped = `${separator}${rest.slice(-3)}${grouped}`;
  return `${value < 0 ? '-' : ''}${rest}${grouped}`;
}

/** A campaign says the same day a million times; the last few answers are kept. */
function remembered(make: (value: unknown) => string): Helper {
  const known = new Map<unknown, string>();
  return (value) => {
    let text = known.get(value);
    if (text === undefined) {
      text = make(value);
      if (known.size >= 256) known.clear();
      known.set(value, text);
    }
    return text;
  };
}

function josa(word: unknown, particle: unknown): string {
  if (typeof particle !== 'string' || !isParticle(particle))
    throw new TypeError(`knows the particles ${PARTICLES.join(' ')}`);
  if (typeof word !== 'string' && typeof word !== 'number') throw new TypeError('wants a word');
  return word + particleAfter(String(word), particle);
}

const korean: Readonly<Record<string, Helper>> = {
  date: remembered((value) => {
    const day = dayOf(value);
    return `${day.month}월 ${day.day}일(${WEEKDAYS_KO[day.dayOfWeek - 1]})`;
  }),
  shortDate: remembered((value) => {
    const day = dayOf(value);
    return `${day.month}/${day.day}`;
  }),
  time: remembered((value) => {
    const { hour, minute } = timeOf(value);
    return minute === '00' ? `${hour}시` : `${hour}시 ${Number(minute)}분`;
  }),
  money: (amount) => wholeNumber(amount) + CURRENCY.ko,
  count: (value) => wholeNumber(value),
  josa,
};

/** English, and every locale that has no set of its own: dates are spelt out, since 7/8 is two days to two readers. */
const english: Readonly<Record<string, Helper>> = {
  date: remembered((value) => {
    const day = dayOf(value);
    return `${WEEKDAYS_EN[day.dayOfWeek - 1]}, ${day.day} ${MONTHS_EN[day.month - 1]}`;
  }),
  shortDate: remembered((value) => {
    const day = dayOf(value);
    return `${day.day} ${MONTHS_EN[day.month - 1]!.slice(0, 3)}`;
  }),
  time: remembered((value) => {
    const { hour, minute } = timeOf(value);
    return `${String(hour).padStart(2, '0')}:${minute}`;
  }),
  money: (amount) => wholeNumber(amount) + CURRENCY.en,
  count: (value) => wholeNumber(value),
  josa: (word) => String(word),
};

const WEEKDAYS_VI = ['thứ Hai', 'thứ Ba', 'thứ Tư', 'thứ Năm', 'thứ Sáu', 'thứ Bảy', 'Chủ nhật'] as const;

/** Vietnamese writes the day before the month and dots in numbers. `shortDate` and `time` have no letters, so an SMS may use them. */
const vietnamese: Readonly<Record<string, Helper>> = {
  date: remembered((value) => {
    const day = dayOf(value);
    return `${WEEKDAYS_VI[day.dayOfWeek - 1]}, ngày ${day.day} tháng ${day.month}`;
  }),
  shortDate: remembered((value) => {
    const day = dayOf(value);
    return `${day.day}/${day.month}`;
  }),
  time: remembered((value) => {
    const { hour, minute } = timeOf(value);
    return `${hour}:${minute}`;
  }),
  money: (amount) => wholeNumber(amount, '.') + CURRENCY.vi,
  count: (value) => wholeNumber(value, '.'),
  josa: (word) => String(word),
};

const LANGUAGES: Readonly<Record<string, Readonly<Record<string, Helper>>>> = {
  ko: korean,
  vi: vietnamese,
};

export function helpersFor(locale: string): Readonly<Record<string, Helper>> {
  return LANGUAGES[locale.split('-', 1)[0]!] ?? english;
}

/** Helpers that give text, and how many arguments each takes. */
export const TEXT_HELPERS: Readonly<Record<string, number>> = {
  date: 1,
  shortDate: 1,
  time: 1,
  money: 1,
  count: 1,
  josa: 2,
};
/** Blocks, likewise; `changed a b` shows its body where the two differ, `is a b` where they are the same. */
export const BLOCK_HELPERS: Readonly<Record<string, number>> = { if: 1, unless: 1, changed: 2, is: 2 };
