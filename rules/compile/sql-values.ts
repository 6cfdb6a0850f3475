/** What an event says, as parameters of a statement. Read apart from what closures read: the one is the oracle of the other. */
import type { EventRef, ScalarType } from '../language.ts';

export type SqlScalar = string | number | boolean;
export type SqlValue = SqlScalar | null | readonly SqlScalar[];

/**
 * Postgres keeps neither NUL nor half characters. A text with one is another text there, which no text of a profile is and which stays
 * different from every other; profiles have no control characters.
 */
export function textForSql(text: string): string {
  return text.includes('\0') || text.startsWith('\u0001') || !text.isWellFormed()
    ? `\u0001${JSON.stringify(text)}`
    : text;
}

/** A value that is not of the path's type is not known: null. So is a list with one such. */
export function eventParameter(ref: EventRef, event: Readonly<Record<string, unknown>>): SqlValue {
  let found: unknown = event;
  for (const part of ref.path) found = memberOf(found, part);
  if (!ref.list) return scalarOf(ref.type, found);
  if (!Array.isArray(found)) return null;
  const items: SqlScalar[] = [];
  for (const item of found as readonly unknown[]) {
    const scalar = scalarOf(ref.type, item);
    if (scalar === null) return null;
    items.push(scalar);
  }
  return items;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Object.getOwnPropertyDescriptor(value, name)?.value
    : undefined;
}

function scalarOf(type: ScalarType, value: unknown): SqlScalar | null {
  switch (typeof value) {
    case 'boolean':
      return type === 'boolean' ? value : null;
    case 'number':
      if (type === 'integer') return Number.isSafeInteger(value) ? value + 0 : null;
      return type === 'number' && Number.isFinite(value) ? value + 0 : null;
    case 'string':
      if (type === 'text') return textForSql(value);
      return type === 'date' && isDay(value) ? value : null;
    default:
      return null;
  }
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith('0000')) return false;
  const [year, month, day] = text.split('-').map(Number) as [number, number, number];
  try {
    Temporal.PlainDate.from({ year, month, day }, { overflow: 'reject' });
    return true;
  } catch {
    return false;
  }
}
