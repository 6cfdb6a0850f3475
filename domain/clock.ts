import { ZONE } from './jurisdiction.ts';

/** Time comes in through this port, so that every rule, plan and test can be run as of any instant. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  nowMs(): number;
}

let shiftMs = 0;

/** How far the system's clock is taken to be off, in milliseconds: for tests of a machine whose clock is wrong. Once, first thing in a process. */
export function shiftClock(byMs: number): void {
  shiftMs = byMs;
}

export const systemClock: Clock = { nowMs: () => Date.now() + shiftMs };

const QUARTER_MS = 900_000;
/** From here on every zone of the world differs from UTC by whole quarters of an hour, so days begin at one. */
const QUARTERS_FROM_MS = Date.UTC(1973, 0, 1);
const REMEMBERED = 1_000;
const days = new Map<string, string>();

/** The civil day (YYYY-MM-DD) of an instant in a zone. A page of an inbox asks some ten times, mostly of the same quarter of an hour: remembered. */
export function dayOf(instantMs: number, zone: string = ZONE): string {
  const key = instantMs < QUARTERS_FROM_MS ? null : `${zone}/${Math.floor(instantMs / QUARTER_MS)}`;
  const known = key === null ? undefined : days.get(key);
  if (known !== undefined) return known;
  const day = Temporal.Instant.fromEpochMilliseconds(instantMs)
    .toZonedDateTimeISO(zone)
    .toPlainDate()
    .toString();
  if (key !== null) {
    if (days.size >= REMEMBERED) days.clear();
    days.set(key, day);
  }
  return day;
}

/** The instant of a wall-clock time ("HH:MM") on a day in a zone. Skipped times move forward (Temporal's `compatible`). */
export function instantOf(day: string, time: string, zone: string = ZONE): number {
  return Temporal.PlainDate.from(day).toZonedDateTime({ timeZone: zone, plainTime: time }).epochMilliseconds;
}

/** The month (YYYY-MM-01) of an instant in the zone of the state: the partition of everything that a stage run makes. */
export function monthOf(instantMs: number): string {
  return `${dayOf(instantMs).slice(0, 7)}-01`;
}
