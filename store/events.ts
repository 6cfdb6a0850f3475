/** Events as the ledger keeps them: whole, once, with how far each came. */
import { eventHash, eventRowId } from '../domain/cloud-events.ts';
import type { CloudEvent } from '../domain/event.ts';
import { sequenceOf } from '../domain/event.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';

export type EventRow = {
  readonly row: EventRowId;
  readonly agency: string;
  readonly event: CloudEvent;
  readonly hash: Buffer;
  /** When the log got it; what it says later than now, or does not say, is now. */
  readonly receivedMs?: number;
};

export function eventRow(event: CloudEvent, agency: string): EventRow {
  return { row: eventRowId(event), agency, event, hash: eventHash(event) };
}

/** `fresh`: we have it now and had not before; `known`: the same was there; `conflict`: the same id with another content. */
export type Taken = 'fresh' | 'known' | 'conflict';

/** Between the values of a column, which are sent as one text: a text array costs an escape of every quote, here and in the database. */
const SEPARATOR = '\u001f';
/** No value holds the separator: attributes are refused with control characters, and JSON escapes them. */
const column = (values: readonly string[]): string => values.join(SEPARATOR);

/**
 * Writes events in `state`; rows need distinct ids. Accepting turns a `received` or `refused` row of the same content into `accepted`
 * (fresh); receiving again what was refused gives it another turn (fresh).
 * Sorted by id, so that two writers of the same events wait for each other instead of deadlocking.
 */
export async function takeEvents(
  sql: Sql,
  state: 'received' | 'accepted',
  events: readonly EventRow[],
  nowMs: number,
): Promise<Map<EventRowId, Taken>> {
  const sorted = events.toSorted((a, b) => (a.row < b.row ? -1 : 1));
  const at = new Date(nowMs);
  const receivedMs = sorted.map((e) => String(Math.min(nowMs, e.receivedMs ?? nowMs)));
  const { rows } = await sql.query<{ id: EventRowId }>({
    name: `take-events-${state}`,
    text: `INSERT INTO events AS e (id, agency_id, source, event_id, type, sequence, state, hash, body, received_at, accepted_at, expires_at)
      SELECT id::uuid, agency, source, event_id, type, sequence::bigint, $9, decode(hash, 'hex'), body::jsonb, to_timestamp(received::double precision / 1000),
        CASE WHEN $9 = 'accepted' THEN $10::timestamptz END, to_timestamp(nullif(expires, '-')::double precision / 1000)
      FROM unnest(string_to_array($1, $12), string_to_array($2, $12), string_to_array($3, $12), string_to_array($4, $12),
        string_to_array($5, $12), string_to_array($6, $12), string_to_array($7, $12), string_to_array($8, $12), string_to_array($11, $12),
        string_to_array($13, $12)) u(id, agency, source, event_id, type, sequence, hash, body, expires, received)
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, accepted_at = excluded.accepted_at,
          relayed_at = CASE WHEN excluded.state = 'accepted' THEN e.relayed_at END
        WHERE e.hash = excluded.hash AND (e.state = 'refused' OR e.state = 'received' AND excluded.state = 'accepted')
      RETURNING id`,
    values: [
      column(sorted.map((e) => e.row)),
      column(sorted.map((e) => e.agency)),
      column(sorted.map((e) => e.event.source)),
      column(sorted.map((e) => e.event.id)),
      column(sorted.map((e) => e.event.type)),
      column(sorted.map((e) => sequenceOf(e.event).toString())),
      column(sorted.map((e) => e.hash.toString('hex'))),
      column(sorted.map((e) => JSON.stringify(e.event))),
      state,
      at,
      // Milliseconds, since the database reads some texts otherwise than we did.
      column(
        sorted.map((e) =>
          e.event.expirytime === undefined
            ? '-'
            : String(Temporal.Instant.from(e.event.expirytime).epochMilliseconds),
        ),
      ),
      SEPARATOR,
      column(receivedMs),
    ],
  });
  const taken = new Map<EventRowId, Taken>(rows.map(({ id }) => [id, 'fresh']));
  const others = sorted.filter((e) => !taken.has(e.row));
  if (others.length > 0) {
    const found = await sql.query<{ id: EventRowId; hash: Buffer }>(
      'SELECT id, hash FROM events WHERE id = ANY($1::uuid[])',
      [others.map((e) => e.row)],
    );
    const hashes = new Map(found.rows.map((row) => [row.id, row.hash]));
    for (const e of others) taken.set(e.row, hashes.get(e.row)?.equals(e.hash) ? 'known' : 'conflict');
  }
  return taken;
}

/** A lower sequence than we know: recorded, never planned. */
export async function markSuperseded(sql: Sql, rows: readonly EventRowId[]): Promise<void> {
  if (rows.length > 0)
    await sql.query(`UPDATE events SET state = 'superseded' WHERE id = ANY($1::uuid[])`, [rows]);
}

/**
 * Ends what was taken by HTTP and is refused now that its turn has come (it expired, its type changed): nothing is planned of it. Why,
 * says the quarantine row that is written with it.
 */
export async function markRefused(sql: Sql, events: readonly EventRow[]): Promise<void> {
  if (events.length === 0) return;
  const sorted = events.toSorted((a, b) => (a.row < b.row ? -1 : 1));
  await sql.query(
    `WITH ending AS (
       SELECT e.id FROM unnest($1::uuid[], $2::bytea[]) u(id, hash) JOIN events e ON e.id = u.id AND e.hash = u.hash
       WHERE e.state = 'received' ORDER BY e.id FOR UPDATE OF e
     )
     UPDATE events e SET state = 'refused' FROM ending x WHERE e.id = x.id AND e.state = 'received'`,
    [sorted.map((e) => e.row), sorted.map((e) => e.hash)],
  );
}

export async function loadEvents(sql: Sql, rows: readonly string[]): Promise<Map<string, CloudEvent>> {
  const { rows: found } = await sql.query<{ id: string; body: CloudEvent }>(
    'SELECT id, body FROM events WHERE id = ANY($1::uuid[])',
    [rows],
  );
  return new Map(found.map(({ id, body }) => [id, body]));
}

/** Received by HTTP and not yet acknowledged by Kafka, oldest first. */
export async function unrelayedEvents(
  sql: Sql,
  olderThan: Date,
  limit: number,
): Promise<{ row: EventRowId; event: CloudEvent }[]> {
  const { rows } = await sql.query<{ id: EventRowId; body: CloudEvent }>(
    `SELECT id, body FROM events WHERE state = 'received' AND relayed_at IS NULL AND received_at < $1 ORDER BY received_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows.map(({ id, body }) => ({ row: id, event: body }));
}

/** How many events of each agency wait for the relay; counts no more than `limit` rows, so that a long backlog costs no more than a short one. */
export async function countUnrelayedByAgency(sql: Sql, limit: number): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ agency: string; n: number }>(
    `SELECT agency_id AS agency, count(*) AS n FROM (
       SELECT agency_id FROM events WHERE state = 'received' AND relayed_at IS NULL LIMIT $1) u GROUP BY 1`,
    [limit],
  );
  return new Map(rows.map(({ agency, n }) => [agency, n]));
}

/** Those that the dispatcher has taken in meanwhile need no mark, which spares them a write. */
export async function markRelayed(sql: Sql, rows: readonly EventRowId[]): Promise<void> {
  await sql.query(
    `UPDATE events SET relayed_at = now() WHERE id = ANY($1::uuid[]) AND relayed_at IS NULL AND state = 'received'`,
    [rows],
  );
}
