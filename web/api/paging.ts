/** Lists by cursor: `?limit=…&cursor=…`, and `next` in the answer until the end. */
import { Type } from 'typebox';
import { isInstant } from '../../domain/cloud-events.ts';
import type { Cursor } from '../../store/inbox.ts';
import { invalid } from './endpoint.ts';

/** Query values are strings; nothing is coerced. */
export const PageQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|1[0-9][0-9]|200)$' })),
    cursor: Type.Optional(Type.String({ maxLength: 200 })),
  },
  { additionalProperties: false },
);

const AT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A time that is on the calendar, and that Postgres has too: it knows no year 0. */
function isTime(text: string): boolean {
  return AT.test(text) && !text.startsWith('0000') && isInstant(text);
}

/** What a rule's id looks like, where that and not a uuid is the second half of the cursor. */
export const NAMED = /^[a-z0-9-]{1,64}$/;

export function readPage(
  query: { readonly limit?: string; readonly cursor?: string },
  id: RegExp = UUID,
): {
  readonly limit: number;
  readonly after: Cursor | null;
} {
  const limit = query.limit === undefined ? 50 : Number(query.limit);
  return {
    limit,
    after: query.cursor === undefined ? null : readCursor(query.cursor, '/querystring/cursor', id),
  };
}

export function readCursor(cursor: string, pointer: string, shape: RegExp = UUID): Cursor {
  const [at, id] = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  if (at === undefined || id === undefined || !isTime(at) || !shape.test(id))
    throw invalid(pointer, 'is not a cursor of this list');
  return { at, id };
}

export function cursorOf({ at, id }: Cursor): string {
  return Buffer.from(`${at}|${id}`).toString('base64url');
}

/** Rows were asked for with one more than the limit, which says whether there is a next page. */
export function pageOf<R extends Cursor>(
  rows: readonly R[],
  limit: number,
): { rows: R[]; next: string | null } {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return {
    rows: rows.slice(0, limit),
    next: last === undefined ? null : cursorOf(last),
  };
}
