/**
 * Cron expressions of five fields (minute, hour, day of the month, month, day of the week) as wall-clock times of a zone: when one fired in
 * the past, which a scheduler in memory cannot say, and whether it ever will. A time that a zone skips fires when the clocks have moved on;
 * one that comes twice fires the first time.
 */

export type Cron = {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  /** 0 to 6, Sunday first. */
  readonly weekdays: ReadonlySet<number>;
  /** Both days and weekdays are narrowed: then either is enough, as cron has always read it. */
  readonly either: boolean;
};

const FIELDS = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day of the month', 1, 31],
  ['month', 1, 12],
  ['day of the week', 0, 7],
] as const;

/** Throws RangeError with what is wrong, for a person. */
export function parseCron(text: string): Cron {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== FIELDS.length)
    throw new RangeError(
      `has ${parts.length} fields; a cron expression has five: minute, hour, day, month, weekday`,
    );
  const [minutes, hours, days, months, weekdays] = FIELDS.map(([name, least, most], at) =>
    numbersOf(parts[at]!, name, least, most),
  );
  const cron: Cron = {
    minutes: minutes!,
    hours: hours!,
    days: new Set(days),
    months: new Set(months),
    weekdays: new Set(weekdays!.map((day) => day % 7)),
    either: !parts[2]!.startsWith('*') && !parts[4]!.startsWith('*'),
  };
  if (cron.minutes.length > 1) throw new RangeError('fires more than once an hour; name one minute');
  return cron;
}

function numbersOf(part: string, name: string, least: number, most: number): number[] {
  const found = new Set<number>();
  for (const item of part.split(',')) {
    const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(item);
    if (match === null) throw new RangeError(`has "${item.slice(0, 20)}" as ${name}`);
    const [, first, last, every] = match;
    const from = first === undefined ? least : Number(first);
    const to =
      first === undefined ? most : last === undefined ? (every === undefined ? from : most) : Number(last);
    const step = every === undefined ? 1 : Number(every);
    if (from < least || to > most || from > to || step === 0)
      throw new RangeError(`has "${item}" as ${name}, which goes from ${least} to ${most}`);
    for (let value = from; value <= to; value += step) found.add(value);
  }
  return [...found].toSorted((a, b) => a - b);
}

function firesOn(cron: Cron, day: Temporal.PlainDate): boolean {
  if (!cron.months.has(day.month)) return false;
  const byDay = cron.days.has(day.day);
  const byWeekday = cron.weekdays.has(day.dayOfWeek % 7);
  return cron.either ? byDay || byWeekday : byDay && byWeekday;
}

/** A time on the clocks of the zone, and the instant it falls on. */
export type Firing = { readonly wall: Temporal.PlainDateTime; readonly atMs: number };

/** Firings after `fromMs` and up to `toMs`, ascending by the clock on the wall. */
export function* firings(cron: Cron, zone: string, fromMs: number, toMs: number): Generator<Firing> {
  const dayOf = (ms: number) =>
    Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone).toPlainDate();
  const last = dayOf(toMs);
  // A day earlier: a skipped time fires later than the wall says.
  for (
    let day = dayOf(fromMs).subtract({ days: 1 });
    Temporal.PlainDate.compare(day, last) <= 0;
    day = day.add({ days: 1 })
  ) {
    if (!firesOn(cron, day)) continue;
    for (const hour of cron.hours)
      for (const minute of cron.minutes) {
        const wall = day.toPlainDateTime({ hour, minute });
        const atMs = wall.toZonedDateTime(zone).epochMilliseconds;
        if (atMs > fromMs && atMs <= toMs) yield { wall, atMs };
      }
  }
}

/** A leap day is missing for eight years where a century is none. */
const HORIZON_DAYS = 8 * 366;

/** The first firing after an instant; undefined where there is none for eight years, so none ever. */
export function nextFiring(cron: Cron, zone: string, afterMs: number): Firing | undefined {
  let day = Temporal.Instant.fromEpochMilliseconds(afterMs).toZonedDateTimeISO(zone).toPlainDate();
  for (let ahead = 0; ahead <= HORIZON_DAYS; ahead++, day = day.add({ days: 1 })) {
    if (!firesOn(cron, day)) continue;
    const begin = day.toZonedDateTime(zone).epochMilliseconds;
    const end = day.add({ days: 2 }).toZonedDateTime(zone).epochMilliseconds;
    for (const firing of firings(cron, zone, Math.max(afterMs, begin - 1), end)) return firing;
  }
  return undefined;
}
