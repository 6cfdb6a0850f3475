/** The things in the world that notices are about, and what ends when one is settled or changed. */
import type { EventRowId, ObligationId } from '../domain/ids.ts';
import { placedId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import { idArray, plainArray, textArray } from './arrays.ts';
import { groupRows } from './groups.ts';

export type ObligationState = 'open' | 'done' | 'cancelled';

export type ObligationChange = {
  readonly id: ObligationId;
  readonly agency: string;
  readonly kind: string;
  readonly ref: string;
  readonly citizen: string;
  /** The event's sequence, decimal. */
  readonly version: bigint;
  readonly state: ObligationState;
  readonly event: EventRowId;
  readonly deadline: string | null;
};

export function obligationId(agency: string, kind: string, ref: string, citizen: string): ObligationId {
  return placedId<ObligationId>('obligation', [agency, kind, ref], citizen);
}

export type Changed = {
  readonly id: ObligationId;
  readonly state: ObligationState;
  readonly event: EventRowId;
  readonly existed: boolean;
};

/**
 * Opens, raises, settles or cancels, and locks every row named, in id order. Returns what changed. Ids must be distinct.
 * Done is final, unless it is the person's own word (store/own-done.ts): then a newer version counts. Cancelled opens again under a higher
 * version. Otherwise the higher version wins and an equal one changes nothing.
 */
export async function changeObligations(
  sql: Sql,
  changes: readonly ObligationChange[],
  nowMs: number,
): Promise<Changed[]> {
  if (changes.length === 0) return [];
  const sorted = changes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { groups, of } = groupRows(
    sorted,
    (c) => `${c.agency}/${c.event}/${c.kind}/${c.ref}/${c.version}/${c.state}/${c.deadline}`,
  );
  const { rows } = await sql.query<{
    fresh: number;
    id: ObligationId | null;
    state: ObligationState;
    event_id: EventRowId;
    existed: boolean;
  }>({
    name: 'change-obligations',
    // Where all are new, which they nearly always are of a page, they stand as they were given, and that is said in one row.
    text: `WITH changed AS (
      INSERT INTO obligations AS o (id, agency_id, kind, ref, citizen_id, version, state, event_id, deadline, updated_at)
      SELECT id, ($4::text[])[g], ($5::text[])[g], ($6::text[])[g], citizen, ($7::bigint[])[g], ($8::text[])[g], ($9::uuid[])[g],
        ($10::date[])[g], $11
      FROM unnest($1::uuid[], $2::int[], $3::text[]) u(id, g, citizen)
      ON CONFLICT (id) DO UPDATE SET
        state = excluded.state,
        version = greatest(o.version, excluded.version),
        event_id = CASE WHEN excluded.state = 'open' THEN excluded.event_id ELSE o.event_id END,
        deadline = CASE WHEN excluded.state = 'open' THEN excluded.deadline ELSE o.deadline END,
        said_done_at = NULL,
        updated_at = excluded.updated_at
      WHERE (o.state <> 'done' OR o.said_done_at IS NOT NULL) AND (excluded.state = 'done'
        OR (excluded.state = 'cancelled' AND (o.state = 'open' OR o.said_done_at IS NOT NULL) AND excluded.version >= o.version)
        OR (excluded.state = 'open' AND excluded.version > o.version))
      RETURNING id, state, event_id, xmax <> 0 AS existed
      )
      SELECT t.fresh, c.* FROM (SELECT count(*) FILTER (WHERE NOT existed) AS fresh FROM changed) t
      LEFT JOIN changed c ON t.fresh < cardinality($1::uuid[])`,
    values: [
      idArray(sorted.map((c) => c.id)),
      plainArray(of),
      textArray(sorted.map((c) => c.citizen)),
      groups.map((c) => c.agency),
      groups.map((c) => c.kind),
      groups.map((c) => c.ref),
      groups.map((c) => c.version.toString()),
      groups.map((c) => c.state),
      groups.map((c) => c.event),
      groups.map((c) => c.deadline),
      new Date(nowMs),
    ],
  });
  if (rows[0]?.fresh === sorted.length)
    return sorted.map(({ id, state, event }) => ({ id, state, event, existed: false }));
  return rows.flatMap(({ id, state, event_id: event, existed }) =>
    id === null ? [] : [{ id, state, event, existed }],
  );
}

/**
 * Ends what is unsent about these obligations (their rows are locked by the caller), in id order, and their schedules.
 * `below`, in parallel, spares notifications of that version and later; null ends all.
 * Meets the claim on the delivery row: what was claimed first stays, and is reported as attempted.
 * Returns, for each obligation with an attempt, the event its person was last told of.
 */
export async function endUnsent(
  sql: Sql,
  ids: readonly ObligationId[],
  below: readonly (bigint | null)[],
  code: 'done' | 'withdrawn' | 'superseded',
  nowMs: number,
): Promise<Map<ObligationId, EventRowId>> {
  if (ids.length === 0) return new Map();
  const versions = below.map((version) => version?.toString() ?? null);
  await sql.query({
    name: 'end-unsent',
    text: `WITH ending AS (
        SELECT d.id, d.month FROM unnest($1::uuid[], $2::bigint[]) u(obligation, below)
        JOIN notifications n ON n.obligation_id = u.obligation AND (u.below IS NULL OR n.version < u.below)
        JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
        WHERE d.status IN ('planned', 'waiting') ORDER BY d.id FOR UPDATE OF d
      ), ended AS (
        UPDATE deliveries d SET status = 'cancelled', code = $3, finished_at = $4 FROM ending e
        WHERE d.id = e.id AND d.month = e.month AND d.status IN ('planned', 'waiting') RETURNING d.id
      )
      DELETE FROM waiting w USING ended e WHERE w.delivery_id = e.id`,
    values: [ids, versions, code, new Date(nowMs)],
  });
  // A statement of its own: its snapshot sees the claims that the one above waited for.
  const { rows } = await sql.query<{ obligation: ObligationId; event_id: EventRowId }>({
    name: 'attempted-obligations',
    text: `SELECT DISTINCT ON (n.obligation_id) n.obligation_id AS obligation, n.event_id
      FROM unnest($1::uuid[], $2::bigint[]) u(obligation, below)
      JOIN notifications n ON n.obligation_id = u.obligation AND (u.below IS NULL OR n.version < u.below)
      JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
      WHERE d.attempt > 0 ORDER BY n.obligation_id, n.version DESC`,
    values: [ids, versions],
  });
  return new Map(rows.map((row) => [row.obligation, row.event_id]));
}

export async function dropSchedulesOf(sql: Sql, ids: readonly ObligationId[]): Promise<void> {
  if (ids.length > 0) await sql.query('DELETE FROM schedules WHERE obligation_id = ANY($1::uuid[])', [ids]);
}
