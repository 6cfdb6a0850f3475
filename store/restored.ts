/**
 * What a restore left undecided. A delivery is suspect when its event came before the restore was noticed and it fell due before then, be it in
 * the restored rows or planned anew from events that were read again. It becomes `ambiguous` with the code `restore` and waits for a person:
 * `resend` makes it due, flagged as unclear, `leave` ends it.
 */
import type { Sql, SqlPool } from '../domain/sql.ts';
import { transaction } from '../domain/sql.ts';
import type { Category, Channel } from '../domain/statuses.ts';
import { openRestore, RESTORE_STOP, type Restore } from './restores.ts';

const BATCHES = 50;
const ROWS = 2_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** The event was read again within a moment of its stage's falling due: the stage was due at once, when the event first came. */
const SUSPECT = `coalesce(e.received_at < $2 AND r.due_at < greatest($2, e.accepted_at + interval '1 minute'), r.due_at < $2)
  AND d.code IS DISTINCT FROM 'restore-resend'`;
const JOINS = `JOIN notifications n ON n.id = d.notification_id AND n.month = d.month JOIN stage_runs r ON r.id = n.stage_run_id
  JOIN campaigns c ON c.id = r.campaign_id LEFT JOIN events e ON e.id = n.event_id`;
const MARKED = `marked AS (
    UPDATE deliveries d SET status = 'ambiguous', code = 'restore', finished_at = $3 FROM mine m
    WHERE d.id = m.id AND d.month = m.month RETURNING d.id, d.month, d.batch_id, d.agency_id, d.channel, m.category
  ), kept AS (
    INSERT INTO restored_deliveries (delivery_id, month, restore_id, agency_id, channel, category)
    SELECT id, month, $4, agency_id, channel, category FROM marked ON CONFLICT DO NOTHING
  )`;

type Cursor = { readonly at: string; readonly id: string };
type Step = { readonly marked: number; readonly next: Cursor | null };

/** One pass over everything that is planned or waits, in short transactions. Returns how many deliveries it made ambiguous. */
export async function markRestored(
  sql: Sql,
  restore: Restore,
  nowMs: number,
  mayGoOn: () => boolean = () => true,
): Promise<number> {
  let marked = 0;
  for (const step of [markPlanned, markWaiting])
    for (let from: Cursor | null = { at: '-infinity', id: FIRST_ID }; from !== null && mayGoOn(); ) {
      const done: Step = await step(sql, restore, from, nowMs);
      marked += done.marked;
      from = done.next;
    }
  return marked;
}

async function markPlanned(sql: Sql, restore: Restore, from: Cursor, nowMs: number): Promise<Step> {
  const { rows } = await sql.query<{ marked: number; seen: number; id: string }>({
    name: 'restore-planned',
    text: `WITH seen AS MATERIALIZED (
        SELECT id, month, delivery_ids FROM batches WHERE (state = 'ready' OR state = 'queued') AND id > $1 ORDER BY id LIMIT ${BATCHES}
      ), mine AS (
        SELECT d.id, d.month, c.category FROM seen b CROSS JOIN LATERAL unnest(b.delivery_ids) AS x(id)
        JOIN deliveries d ON d.id = x.id AND d.month = b.month ${JOINS}
        WHERE d.batch_id = b.id AND d.status = 'planned' AND ${SUSPECT} ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
      ), ${MARKED}, closed AS (
        UPDATE batches b SET open = greatest(0, b.open - m.n), state = CASE WHEN b.open <= m.n THEN 'ended' ELSE b.state END
        FROM (SELECT batch_id, month, count(*) AS n FROM marked GROUP BY 1, 2) m
        WHERE b.id = m.batch_id AND b.month = m.month AND b.state <> 'ended'
      )
      SELECT (SELECT count(*) FROM marked)::int AS marked, (SELECT count(*) FROM seen)::int AS seen, id FROM seen ORDER BY id DESC LIMIT 1`,
    values: [from.id, restore.noticedAt, new Date(nowMs), restore.id],
  });
  const [row] = rows;
  return {
    marked: row?.marked ?? 0,
    next: row === undefined || row.seen < BATCHES ? null : { at: from.at, id: row.id },
  };
}

/** What would have waited until after the restore has not been sent before it, but for what the stop itself or a dead session put there. */
async function markWaiting(sql: Sql, restore: Restore, from: Cursor, nowMs: number): Promise<Step> {
  const { rows } = await sql.query<{ marked: number; seen: number; at: string; id: string }>({
    name: 'restore-waiting',
    text: `WITH seen AS MATERIALIZED (
        SELECT due_at, delivery_id, month, reason FROM waiting WHERE (due_at, delivery_id) > ($5::timestamptz, $1::uuid)
        ORDER BY due_at, delivery_id LIMIT ${ROWS}
      ), mine AS (
        SELECT d.id, d.month, c.category FROM seen w JOIN deliveries d ON d.id = w.delivery_id AND d.month = w.month ${JOINS}
        WHERE d.status = 'waiting' AND (w.due_at < $2 OR w.reason IN ('stopped', 'ambiguous')) AND ${SUSPECT}
        ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
      ), ${MARKED}, gone AS (DELETE FROM waiting w USING marked m WHERE w.delivery_id = m.id)
      SELECT (SELECT count(*) FROM marked)::int AS marked, (SELECT count(*) FROM seen)::int AS seen, due_at::text AS at, delivery_id AS id
      FROM seen ORDER BY due_at DESC, delivery_id DESC LIMIT 1`,
    values: [from.id, restore.noticedAt, new Date(nowMs), restore.id, from.at],
  });
  const [row] = rows;
  return {
    marked: row?.marked ?? 0,
    next: row === undefined || row.seen < ROWS ? null : { at: row.at, id: row.id },
  };
}

export type RestoreState = {
  readonly evidence: string;
  readonly noticedAt: Date;
  readonly lastAliveAt: Date | null;
  /** Events before the restore that are not read again yet. */
  readonly eventsBehind: number;
  /** Questions about such events that are not planned, and batches that somebody still has in hand. */
  readonly unplanned: number;
  readonly undecided: readonly {
    readonly agency: string;
    readonly category: Category;
    readonly channel: Channel;
    readonly deliveries: number;
  }[];
};

const INTAKE = 'allim-dispatcher-events';

/** null where no restore is open. */
export async function readRestore(sql: Sql): Promise<RestoreState | null> {
  const restore = await openRestore(sql);
  if (restore === null) return null;
  const { rows } = await sql.query<Pick<RestoreState, 'eventsBehind' | 'unplanned' | 'undecided'>>(
    `SELECT
       (SELECT coalesce(sum(greatest(0, p.stop::bigint - coalesce(o.position, 0))), 0) FROM jsonb_each($2::jsonb) t(topic, ends)
          CROSS JOIN LATERAL jsonb_array_elements_text(t.ends) WITH ORDINALITY p(stop, number)
          LEFT JOIN consumer_offsets o ON o.group_name = $3 AND o.topic = t.topic AND o.partition = p.number - 1)::int AS "eventsBehind",
       ((SELECT count(*) FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
          WHERE f.state = 'asked' AND (EXISTS (SELECT 1 FROM events e WHERE e.id = c.event_id AND e.received_at < $1)
            OR EXISTS (SELECT 1 FROM events e WHERE e.id = ANY(f.pair_events) AND e.received_at < $1)))
        + (SELECT count(*) FROM batches WHERE state = 'queued' AND open > 0))::int AS unplanned,
       (SELECT coalesce(jsonb_agg(x ORDER BY x.agency, x.category, x.channel), '[]') FROM (
          SELECT agency_id AS agency, category, channel, count(*) AS deliveries FROM restored_deliveries GROUP BY 1, 2, 3) x) AS undecided`,
    [restore.noticedAt, JSON.stringify(restore.ends), INTAKE],
  );
  const { evidence, noticedAt, lastAliveAt } = restore;
  return { evidence, noticedAt, lastAliveAt, ...rows[0]! };
}

export type Selection = {
  readonly agency?: string;
  readonly category?: Category;
  readonly channel?: Channel;
};

/** Decides on what is selected. Returns how many deliveries that were. */
export async function decideRestored(
  pool: SqlPool,
  decision: 'resend' | 'leave',
  { agency, category, channel }: Selection,
  nowMs: number,
): Promise<number> {
  const change =
    decision === 'resend'
      ? `changed AS (
          UPDATE deliveries d SET status = 'waiting', code = 'restore-resend', finished_at = NULL, unclear = d.unclear + 1 FROM chosen x
          WHERE d.id = x.delivery_id AND d.month = x.month AND d.status = 'ambiguous' RETURNING d.id, d.month, d.agency_id, d.channel, d.lane
        ), due AS (
          INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
          SELECT $4, id, month, agency_id, channel, lane, 'ambiguous' FROM changed ON CONFLICT DO NOTHING
        )`
      : `changed AS (
          UPDATE deliveries d SET code = 'restore-left' FROM chosen x
          WHERE d.id = x.delivery_id AND d.month = x.month AND d.status = 'ambiguous' RETURNING d.id, d.month, d.agency_id
        ), reported AS (
          INSERT INTO outbox (agency_id, reports, created_at)
          SELECT agency_id, jsonb_agg(jsonb_build_array(id, month, 'ambiguous', 'restore-left')), $4 FROM changed h
          WHERE EXISTS (SELECT 1 FROM report_subscriptions s WHERE s.agency_id = h.agency_id) GROUP BY 1
        )`;
  let decided = 0;
  for (;;) {
    const { rows } = await pool.query<{ n: number }>(
      `WITH some_rows AS (
         SELECT delivery_id, month FROM restored_deliveries
         WHERE ($1::text IS NULL OR agency_id = $1) AND ($2::text IS NULL OR category = $2) AND ($3::text IS NULL OR channel = $3)
         LIMIT ${ROWS}
       ), chosen AS (
         DELETE FROM restored_deliveries d USING some_rows s WHERE d.delivery_id = s.delivery_id AND d.month = s.month RETURNING d.delivery_id, d.month
       ), ${change} SELECT count(*) AS n FROM chosen`,
      [agency ?? null, category ?? null, channel ?? null, new Date(nowMs)],
    );
    const n = rows[0]?.n ?? 0;
    decided += n;
    if (n < ROWS) return decided;
  }
}

/** Lets go: only where everything from before was read again and planned, and decided on. False where something is left. */
export async function closeRestore(pool: SqlPool, by: string, nowMs: number): Promise<boolean> {
  return transaction(pool, async (sql) => {
    await sql.query(`SELECT pg_advisory_xact_lock(hashtext('allim-restore'))`);
    const restore = await openRestore(sql);
    if (restore === null) return true;
    if ((await markRestored(sql, restore, nowMs)) > 0) return false;
    const state = await readRestore(sql);
    if (state === null || state.eventsBehind + state.unplanned + state.undecided.length > 0) return false;
    await sql.query('UPDATE restores SET closed_at = $1, closed_by = $2 WHERE id = $3', [
      new Date(nowMs),
      by,
      restore.id,
    ]);
    // A stop that a person made meanwhile stays.
    await sql.query(`DELETE FROM stops WHERE scope = 'all' AND created_by = $1`, [RESTORE_STOP]);
    return true;
  });
}
