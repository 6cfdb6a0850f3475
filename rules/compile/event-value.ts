/** What a path into an event's data holds. A value of the wrong type is unknown: events are checked at intake, and nothing is coerced here either. */
import { parseDay } from '../calendar.ts';
import type { EventRef, ScalarType } from '../language.ts';

export type EventData = Readonly<Record<string, unknown>>;

export function eventValue(path: readonly string[], data: EventData): unknown {
  let value: unknown = data;
  for (const part of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** NaN where it is not of the type, and for texts. */
export function numberOf(type: ScalarType, value: unknown): number {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? Number(value) : Number.NaN;
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) : Number.NaN;
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : Number.NaN;
    case 'date':
      return typeof value === 'string' ? parseDay(value) : Number.NaN;
    case 'text':
      return Number.NaN;
  }
}

const isOfType = (type: ScalarType, value: unknown): boolean =>
  type === 'text' ? typeof value === 'string' : !Number.isNaN(numberOf(type, value));

/** A list with a foreign member is unknown as a whole, and undefined here. */
export function eventList(ref: EventRef, data: EventData): readonly (number | string)[] | undefined {
  const items = eventValue(ref.path, data);
  if (!Array.isArray(items) || !items.every((item) => isOfType(ref.type, item))) return undefined;
  return ref.type === 'text' ? items : items.map((item) => numberOf(ref.type, item));
}

export function isKnownInEvent(ref: EventRef, data: EventData): boolean {
  return ref.list ? eventList(ref, data) !== undefined : isOfType(ref.type, eventValue(ref.path, data));
}
