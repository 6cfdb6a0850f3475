/** What a literal and a path into an event may be in the language of conditions, and the words faults are told in. */
import { CONTROL } from '../../domain/control-characters.ts';
import type { EventType } from '../../domain/event.ts';
import { parseDay } from '../calendar.ts';
import { type EventRef, LIMITS, type Literal, type ScalarType } from '../language.ts';

export const NAMES: Readonly<Record<ScalarType, string>> = {
  boolean: 'true or false',
  integer: 'an integer',
  number: 'a number',
  date: 'a date (YYYY-MM-DD)',
  text: 'a text',
};

export function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

export const isNumeric = (type: ScalarType): boolean => type === 'integer' || type === 'number';
/** An integer may stand where a number is wanted; that is the only widening. */
export const fits = (type: ScalarType, want: ScalarType): boolean =>
  type === want || (type === 'integer' && want === 'number');

export function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function wrong(json: unknown, want: ScalarType): { fault: string } {
  return { fault: `${shown(String(json))} stands where ${NAMES[want]} is wanted` };
}

/** A literal of the wanted type, or what is wrong with it. */
export function readLiteral(
  json: unknown,
  want: ScalarType | undefined,
): Literal | { readonly fault: string } {
  if (json === null)
    return { fault: 'null is no value: what is missing makes a condition unknown by itself' };
  if (Array.isArray(json)) return { fault: 'a list may stand only in the second place of "in"' };
  if (typeof json === 'boolean') {
    if (want !== undefined && want !== 'boolean') return wrong(json, want);
    return { kind: 'literal', type: 'boolean', value: json ? 1 : 0 };
  }
  if (typeof json === 'number') {
    if (!Number.isFinite(json) || Math.abs(json) > Number.MAX_SAFE_INTEGER)
      return { fault: 'is out of the range of numbers' };
    const type = Number.isInteger(json) ? 'integer' : 'number';
    if (want !== undefined && !fits(type, want)) return wrong(json, want);
    return { kind: 'literal', type: want ?? type, value: json };
  }
  if (typeof json !== 'string') return { fault: `${typeof json} is no JSON value` };
  if (CONTROL.test(json)) return { fault: 'holds a control character' };
  if (json.length > LIMITS.text) return { fault: `is longer than ${LIMITS.text} characters` };
  if (want === 'date') {
    const day = parseDay(json);
    if (Number.isNaN(day)) return { fault: `${shown(json)} is not a day of the calendar (YYYY-MM-DD)` };
    return { kind: 'literal', type: 'date', value: day };
  }
  if (want !== undefined && want !== 'text') return wrong(json, want);
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

/** A path into the event's data, typed by its schema, or what is wrong with it. */
export function readEventPath(
  path: readonly string[],
  eventType: EventType,
): EventRef | { readonly fault: string } {
  let schema: unknown = eventType.schema;
  for (const part of path) {
    const properties = isObject(schema) ? schema['properties'] : undefined;
    if (!isObject(properties) || !Object.hasOwn(properties, part))
      return { fault: `${shown(`event.${path.join('.')}`)} is not in the schema of ${eventType.type}` };
    schema = properties[part];
  }
  const scalar = schemaType(schema);
  if (scalar !== undefined) return { kind: 'event', path, list: false, ...scalar };
  const items = isObject(schema) && schema['type'] === 'array' ? schemaType(schema['items']) : undefined;
  if (items !== undefined) return { kind: 'event', path, list: true, ...items };
  return { fault: `the schema of ${eventType.type} gives no single type for it` };
}
