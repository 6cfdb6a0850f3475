/** What a literal and a path into an event may be in the language of conditions. */
import { CONTROL } from '../../domain/control-characters.ts';
import type { EventType } from '../../domain/event.ts';
import { parseDay } from '../calendar.ts';
import { type EventRef, LIMITS, type Literal, type ScalarType } from '../language.ts';
import { type RuleFault, refusal } from '../refusals.ts';

export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

export const isNumeric = (type: ScalarType): boolean => type === 'integer' || type === 'number';
/** An integer may stand where a number is wanted; that is the only widening. */
export const fits = (type: ScalarType, want: ScalarType): boolean =>
  type === want || (type === 'integer' && want === 'number');

/** A part of a JSON pointer. What was given may hold anything; pointers are logged and stored. */
export function escapePointer(part: string | number): string {
  const text = String(part);
  const cut = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  const safe = cut.toWellFormed().replaceAll('\0', '\uFFFD');
  return safe.replaceAll('~', '~0').replaceAll('/', '~1');
}

type Refuse = (fault: RuleFault) => undefined;

/** A literal of the wanted type, or undefined after saying what is wrong with it. */
export function readLiteral(
  json: unknown,
  pointer: string,
  want: ScalarType | undefined,
  refuse: Refuse,
): Literal | undefined {
  const wrong = (wanted: ScalarType): undefined => refuse(refusal('literal-wrong', pointer, json, wanted));
  if (json === null) return refuse(refusal('null-literal', pointer));
  if (Array.isArray(json)) return refuse(refusal('list-misplaced', pointer));
  if (typeof json === 'boolean') {
    if (want !== undefined && want !== 'boolean') return wrong(want);
    return { kind: 'literal', type: 'boolean', value: json ? 1 : 0 };
  }
  if (typeof json === 'number') {
    if (!Number.isFinite(json) || Math.abs(json) > Number.MAX_SAFE_INTEGER)
      return refuse(refusal('number-out-of-range', pointer));
    const type = Number.isInteger(json) ? 'integer' : 'number';
    if (want !== undefined && !fits(type, want)) return wrong(want);
    // Plus zero makes a plain zero of minus zero.
    return { kind: 'literal', type: want ?? type, value: json + 0 };
  }
  if (typeof json !== 'string') return refuse(refusal('not-json', pointer, typeof json));
  if (json.length > LIMITS.text) return refuse(refusal('text-too-long', pointer, LIMITS.text));
  if (CONTROL.test(json) || !json.isWellFormed()) return refuse(refusal('text-unreadable', pointer));
  if (want === 'date') {
    const day = parseDay(json);
    if (Number.isNaN(day)) return refuse(refusal('day-unknown', pointer, json));
    return { kind: 'literal', type: 'date', value: day };
  }
  if (want !== undefined && want !== 'text') return wrong(want);
  return { kind: 'literal', type: 'text', value: json };
}

/** The scalar type of a JSON Schema, where it has one; `null` beside it is a missing value. */
function schemaType(schema: unknown): { type: ScalarType; values?: readonly string[] } | undefined {
  if (!isObject(schema)) return undefined;
  const given = schema['type'];
  const names = (Array.isArray(given) ? given : [given]).filter((name) => name !== 'null');
  if (names.length !== 1) return undefined;
  switch (names[0]) {
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: names[0] };
    case 'string': {
      const { format, enum: values } = schema;
      if (format === 'date') return { type: 'date' };
      if (Array.isArray(values)) return { type: 'text', values: values.filter((v) => typeof v === 'string') };
      return { type: 'text' };
    }
    default:
      return undefined;
  }
}

/** A path into the event's data, typed by its schema; undefined after saying what is wrong with it. */
export function readEventPath(
  path: readonly string[],
  pointer: string,
  eventType: EventType,
  refuse: Refuse,
): EventRef | undefined {
  const written = `event.${path.join('.')}`;
  let schema: unknown = eventType.schema;
  for (const part of path) {
    const properties = isObject(schema) ? schema['properties'] : undefined;
    if (!isObject(properties) || !Object.hasOwn(properties, part))
      return refuse(refusal('event-path-unknown', pointer, written, eventType.type));
    schema = properties[part];
  }
  const scalar = schemaType(schema);
  if (scalar !== undefined) return { kind: 'event', path, list: false, ...scalar };
  const items = isObject(schema) && schema['type'] === 'array' ? schemaType(schema['items']) : undefined;
  if (items !== undefined) return { kind: 'event', path, list: true, ...items };
  return refuse(refusal('event-path-untyped', pointer, written, eventType.type));
}
