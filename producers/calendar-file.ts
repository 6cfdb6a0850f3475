/**
 * A file of windows that open: `{ "windows": [ … ] }`. Each says which event is published, when, and until when it stands. What is wrong is
 * told by its place, and costs only its window.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parseEvent } from '../domain/cloud-events.ts';
import { AllimError, type Fault } from '../domain/errors.ts';
import type { CloudEvent } from '../domain/event.ts';
import { type EventTypes, faultsOf } from '../domain/event-types.ts';
import { ZONE } from '../domain/kr/jurisdiction.ts';
import { type Cron, type Firing, firings, nextFiring, parseCron } from './cron.ts';

export type Window = {
  /** Its place in the file. */
  readonly index: number;
  readonly id: string;
  readonly zone: string;
  /** By a cron expression; else it opens once. */
  readonly repeats: boolean;
  /** Firings after one instant and up to another. */
  firings(fromMs: number, toMs: number): Iterable<Firing>;
  next(afterMs: number): Firing | undefined;
  /** The event of a firing, and when the window closes. Throws `event-invalid` where it closes before it opens. */
  event(firing: Firing): { readonly event: CloudEvent; readonly closesAtMs: number };
};

type Given = {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly obligation?: string;
  readonly revision?: number;
  readonly opens: {
    readonly on?: string;
    readonly time?: string;
    readonly cron?: string;
    readonly zone?: string;
  };
  readonly closesOn?: string;
  readonly closesAfter?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

const MAX_WINDOWS = 1_000;

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const;
const WINDOW = {
  type: 'object',
  required: ['id', 'type', 'source', 'opens', 'data'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: '^[a-z0-9][a-z0-9.-]{0,39}$' },
    type: text(128),
    source: text(256),
    obligation: text(160),
    revision: { type: 'integer', minimum: 1, maximum: 999_999 },
    opens: {
      type: 'object',
      additionalProperties: false,
      properties: {
        on: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}$' },
        time: { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' },
        cron: text(100),
        zone: { type: 'string', pattern: '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$' },
      },
    },
    closesOn: text(40),
    closesAfter: { type: 'string', pattern: '^P(?:\\d{1,3}Y)?(?:\\d{1,3}M)?(?:\\d{1,3}W)?(?:\\d{1,4}D)?$' },
    data: { type: 'object' },
  },
} as const;
const checkWindow = new Ajv2020({ allErrors: true }).compile<Given>(WINDOW);

export type CalendarFile = { readonly windows: readonly Window[]; readonly faults: readonly Fault[] };

/** `name` is the file's, without its ending; with the window's id it makes the ids of events. Never throws. */
export function readCalendar(name: string, source: string, types: EventTypes, nowMs: number): CalendarFile {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch {
    return { windows: [], faults: [{ pointer: '', message: 'is not JSON' }] };
  }
  const given = (json as { windows?: unknown } | null)?.windows;
  if (!Array.isArray(given))
    return { windows: [], faults: [{ pointer: '/windows', message: 'must be an array' }] };
  if (given.length > MAX_WINDOWS)
    return { windows: [], faults: [{ pointer: '/windows', message: `must have at most ${MAX_WINDOWS}` }] };
  const windows: Window[] = [];
  const faults: Fault[] = [];
  const ids = new Set<string>();
  for (const [index, value] of given.entries()) {
    const at = `/windows/${index}`;
    try {
      if (!checkWindow(value)) throw invalid(faultsOf(checkWindow.errors));
      if (ids.has(value.id)) throw invalid([{ pointer: '/id', message: 'stands at another window as well' }]);
      ids.add(value.id);
      const window = readWindow(name, index, value);
      tryOut(window, types, nowMs);
      windows.push(window);
    } catch (error) {
      const found = error instanceof AllimError ? error.faults : [];
      if (found.length === 0) throw error;
      faults.push(...found.map(({ pointer, message }) => ({ pointer: `${at}${pointer}`, message })));
    }
  }
  return { windows, faults };
}

function invalid(faults: readonly Fault[]): AllimError {
  return new AllimError('event-invalid', 'the window cannot be opened', { faults });
}
const fault = (pointer: string, message: string) => invalid([{ pointer, message }]);

function readWindow(name: string, index: number, given: Given): Window {
  const { on, cron, time, zone = ZONE } = given.opens;
  needZone(zone);
  if ((on === undefined) === (cron === undefined)) throw fault('/opens', 'must say either on or cron');
  if ((given.closesOn === undefined) === (given.closesAfter === undefined))
    throw fault('/closesOn', 'is needed, or closesAfter, and not both');
  const event = (firing: Firing) => eventOf(name, given, zone, firing);
  if (cron !== undefined) {
    if (time !== undefined) throw fault('/opens/time', 'stands in the cron expression already');
    const parsed = readCron(cron);
    return {
      index,
      id: given.id,
      zone,
      repeats: true,
      event,
      firings: (fromMs, toMs) => firings(parsed, zone, fromMs, toMs),
      next: (afterMs) => nextFiring(parsed, zone, afterMs),
    };
  }
  const once = onlyFiring(on!, time ?? '09:00', zone);
  return {
    index,
    id: given.id,
    zone,
    repeats: false,
    event,
    firings: (fromMs, toMs) => (once.atMs > fromMs && once.atMs <= toMs ? [once] : []),
    next: (afterMs) => (once.atMs > afterMs ? once : undefined),
  };
}

function needZone(zone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
  } catch {
    throw fault('/opens/zone', `is not a time zone, for example ${ZONE}`);
  }
}

function readCron(cron: string): Cron {
  try {
    return parseCron(cron);
  } catch (error) {
    throw fault('/opens/cron', (error as Error).message);
  }
}

/** A person wrote this time, so one that the clocks skip is theirs to correct; of one that comes twice the first is meant. */
function onlyFiring(on: string, time: string, zone: string): Firing {
  let wall: Temporal.PlainDateTime;
  try {
    wall = Temporal.PlainDate.from(on, { overflow: 'reject' }).toPlainDateTime(time);
  } catch {
    throw fault('/opens/on', 'is no day of the calendar');
  }
  const zoned = wall.toZonedDateTime(zone);
  if (!zoned.toPlainDateTime().equals(wall))
    throw fault(
      '/opens/time',
      `is skipped in ${zone} on that day: the clocks go on to ${zoned.toPlainTime().toString().slice(0, 5)}`,
    );
  return { wall, atMs: zoned.epochMilliseconds };
}

/** The first event that it would publish, held against its type: a mistake shows when the file is read, not on the day. */
function tryOut(window: Window, types: EventTypes, nowMs: number): void {
  const [past] = window.repeats ? [] : window.firings(Number.NEGATIVE_INFINITY, nowMs);
  const firing = window.next(nowMs) ?? past;
  if (firing === undefined) throw fault('/opens/cron', 'never fires');
  const { event } = window.event(firing);
  try {
    types.check(event);
  } catch (error) {
    if (!(error instanceof AllimError)) throw error;
    throw invalid(
      error.faults.map(({ pointer, message }) => ({
        pointer: pointer.replace(/^\/allimobligation/, '/obligation'),
        message,
      })),
    );
  }
}

/** The same firing gives the same event, byte for byte, whoever makes it and when. */
function eventOf(
  name: string,
  given: Given,
  zone: string,
  { wall, atMs }: Firing,
): { event: CloudEvent; closesAtMs: number } {
  const day = wall.toPlainDate();
  const closes = closingDay(given, day);
  if (Temporal.PlainDate.compare(closes, day) < 0)
    throw fault('/closesOn', `lies before the day on which it opens (${closes} before ${day})`);
  const closing = closes.add({ days: 1 }).toZonedDateTime(zone).subtract({ seconds: 1 });
  const places: Places = { ...placesOf(day), opensOn: day.toString(), closesOn: closes.toString() };
  const once = given.opens.cron === undefined ? '' : `/${wall.toString().slice(0, 16)}`;
  const revision = given.revision ?? 1;
  const event = parseEvent({
    specversion: '1.0',
    id: `calendar/${name}/${given.id}${once}${revision === 1 ? '' : `/r${revision}`}`,
    source: given.source,
    type: given.type,
    time: Temporal.Instant.fromEpochMilliseconds(atMs).toString(),
    expirytime: closing.toInstant().toString(),
    sequence: String(revision),
    ...(given.obligation === undefined ? {} : { allimobligation: String(filled(given.obligation, places)) }),
    data: filled(given.data, places),
  });
  return { event, closesAtMs: closing.epochMilliseconds };
}

function closingDay(given: Given, opens: Temporal.PlainDate): Temporal.PlainDate {
  if (given.closesAfter !== undefined) return opens.add(given.closesAfter);
  const text = String(filled(given.closesOn, placesOf(opens)));
  try {
    return Temporal.PlainDate.from(text, { overflow: 'reject' });
  } catch {
    throw fault('/closesOn', 'is no day of the calendar');
  }
}

type Places = Readonly<Record<string, string | number>>;

function placesOf(day: Temporal.PlainDate): Places {
  return { year: day.year, month: day.month, day: day.day, parity: day.year % 2 };
}

/** `{year}` and the like in strings; a string that is nothing else becomes what stands there, so `"{year}"` is a number. */
function filled(value: unknown, places: Places): unknown {
  if (typeof value === 'string') {
    const whole = /^\{(\w+)\}$/.exec(value)?.[1];
    if (whole !== undefined && Object.hasOwn(places, whole)) return places[whole];
    return value.replaceAll(/\{(\w+)\}/g, (all, name: string) =>
      Object.hasOwn(places, name)
        ? String(places[name]).padStart(name === 'year' || name === 'parity' ? 1 : 2, '0')
        : all,
    );
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, places));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, filled(item, places)]));
  return value;
}
