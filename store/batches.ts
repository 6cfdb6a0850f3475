/** Batches of deliveries and rows that wait: what the reconciler and the regrouping of the dispatcher do to them; the pump is in pump.ts. */
import type { BatchId, DeliveryId, NotificationId } from '../domain/ids.ts';
import { randomId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel, Lane } from '../domain/statuses.ts';

export type QueuedBatch = { readonly batch: BatchId; readonly generation: number };
/** As it goes to the queue: a worker that knows the month need not look for the batch in all of them. */
export type PumpedBatch = QueuedBatch & { readonly month: string };

/** Batches that were queued before `olderThan`, whose jobs may be gone. */
export async function staleQueued(
  sql: Sql,
  channel: Channel,
  lane: Lane,
  olderThan: Date,
  limit: number,
): Promise<QueuedBatch[]> {
  const { rows } = await sql.query<{ id: BatchId; generation: number }>({
    name: 'stale-queued',
    text: `SELECT id, generation FROM batches WHERE channel = $1 AND lane = $2 AND state = 'queued' AND queued_at < $3 ORDER BY queued_at LIMIT $4`,
    values: [channel, lane, olderThan, limit],
  });
  return rows.map((row) => ({ batch: row.id, generation: row.generation }));
}

/** Of a batch whose job does not say it. Undefined where there is no such batch. */
export async function monthOfBatch(sql: Sql, batch: BatchId): Promise<string | undefined> {
  const { rows } = await sql.query<{ month: string }>({
    name: 'month-of-batch',
    text: 'SELECT month FROM batches WHERE id = $1',
    values: [batch],
  });
  return rows[0]?.month;
}

/** Rows of a queued batch that nobody has claimed, be they locked by somebody at the moment or not. */
export async function countPlanned(sql: Sql, { batch, generation }: QueuedBatch): Promise<number> {
  const { rows } = await sql.query<{ planned: number }>({
    name: 'count-planned',
    text: `SELECT count(d.id)::int AS planned FROM batches b
      JOIN deliveries d ON d.id = ANY(b.delivery_ids) AND d.month = b.month AND d.batch_id = b.id AND d.status = 'planned'
      -- Not "= 'queued'", lest it be looked for among all that are (store/turn.ts).
      WHERE b.id = $1 AND b.generation = $2 AND b.state NOT IN ('ready', 'ended')`,
    values: [batch, generation],
  });
  return rows[0]?.planned ?? 0;
}

/**
 * Batches whose job is gone: ended where nothing of them is planned or under way, ready again where something is planned. What is only
 * under way stays queued until its session ends it. Returns how many became ready.
 */
export async function requeueBatches(sql: Sql, batches: readonly QueuedBatch[]): Promise<number> {
  const { rows } = await sql.query<{ state: string }>(
    `UPDATE batches b SET open = x.planned + x.sending,
       state = CASE WHEN x.planned > 0 THEN 'ready' WHEN x.sending > 0 THEN 'queued' ELSE 'ended' END
     FROM unnest($1::uuid[], $2::int[]) u(id, generation)
     JOIN batches c ON c.id = u.id AND c.generation = u.generation AND c.state = 'queued'
     CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE d.status = 'planned') AS planned, count(*) FILTER (WHERE d.status = 'sending') AS sending
       FROM deliveries d WHERE d.id = ANY(c.delivery_ids) AND d.month = c.month AND d.batch_id = c.id
     ) x
     WHERE b.id = c.id AND b.month = c.month AND b.generation = u.generation AND b.state = 'queued' RETURNING b.state`,
    [batches.map((b) => b.batch), batches.map((b) => b.generation)],
  );
  return rows.filter((row) => row.state === 'ready').length;
}

/**
 * Puts due rows of `waiting` into new batches of at most 100. Rows under a stop that is in force stay. Delivery rows are locked before
 * waiting rows, as everywhere. A row whose delivery no longer waits is an orphan and goes: who ended the delivery while its row was being
 * written did not see it. Returns how many rows were dealt with, orphans included, so that a full page is looked at again.
 */
export async function regroupWaiting(sql: Sql, nowMs: number, limit: number): Promise<number> {
  const { rows } = await sql.query<{
    id: DeliveryId;
    month: string;
    agency_id: string;
    channel: Channel;
    lane: Lane;
    orphan: boolean;
  }>(
    `WITH due AS (
       SELECT w.due_at, w.delivery_id, w.month FROM waiting w
       WHERE w.due_at <= $1 AND w.reason <> 'next-channel'
         AND NOT EXISTS (SELECT 1 FROM stops s WHERE s.scope IN ('all', 'agency:' || w.agency_id, 'channel:' || w.channel))
         -- Rows of a stopped campaign too: put back, they would be refused at the claim and make a new batch every few seconds.
         AND (NOT EXISTS (SELECT 1 FROM stops s WHERE s.scope LIKE 'campaign:%') OR NOT EXISTS (
           SELECT 1 FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
           JOIN stage_runs r ON r.id = n.stage_run_id JOIN stops s ON s.scope = 'campaign:' || r.campaign_id::text
           WHERE d.id = w.delivery_id AND d.month = w.month))
       ORDER BY w.due_at LIMIT $2
     ), locked AS (
       SELECT d.id, d.month, d.agency_id, d.channel, d.lane FROM due JOIN deliveries d ON d.id = due.delivery_id AND d.month = due.month
       WHERE d.status = 'waiting' ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
     ), gone AS (DELETE FROM waiting w USING locked l WHERE w.delivery_id = l.id),
     orphan AS (
       DELETE FROM waiting w USING due, deliveries d
       WHERE w.due_at = due.due_at AND w.delivery_id = due.delivery_id AND d.id = due.delivery_id AND d.month = due.month
         AND d.status <> 'waiting' RETURNING w.delivery_id, w.month, w.agency_id, w.channel, w.lane
     )
     SELECT *, false AS orphan FROM locked UNION ALL SELECT *, true FROM orphan`,
    [new Date(nowMs), limit],
  );
  await planIntoBatches(
    sql,
    rows.filter((row) => !row.orphan),
    nowMs,
  );
  return rows.length;
}

/** Gives waiting deliveries new batches and makes them planned. The rows are locked by the caller. */
export async function planIntoBatches(
  sql: Sql,
  rows: readonly { id: DeliveryId; month: string; agency_id: string; channel: Channel; lane: Lane }[],
  nowMs: number,
): Promise<void> {
  if (rows.length === 0) return;
  const open = new Map<string, { batch: BatchId; size: number }>();
  const batches = rows.map((row) => {
    const bucket = `${row.agency_id}/${row.channel}/${row.lane}/${row.month}`;
    let current = open.get(bucket);
    if (current === undefined || current.size >= 100) {
      current = { batch: randomId<BatchId>(), size: 0 };
      open.set(bucket, current);
    }
    current.size++;
    return current.batch;
  });
  await sql.query(
    `WITH row AS (
       UPDATE deliveries d SET status = 'planned', batch_id = u.batch FROM unnest($1::uuid[], $2::date[], $3::uuid[]) u(id, month, batch)
       WHERE d.id = u.id AND d.month = u.month RETURNING d.id, d.month, d.agency_id, d.channel, d.lane, d.batch_id
     )
     INSERT INTO batches (id, month, agency_id, channel, lane, state, delivery_ids, open, created_at)
     SELECT batch_id, month, agency_id, channel, lane, 'ready', array_agg(id), count(*), $4 FROM row GROUP BY 1, 2, 3, 4, 5`,
    [rows.map((r) => r.id), rows.map((r) => r.month), batches, new Date(nowMs)],
  );
}

/** A delivery whose address failed for good, with what is needed to find the next contact point. */
export type FailedChannel = {
  readonly delivery: DeliveryId;
  readonly month: string;
  readonly lane: Lane;
  readonly agency: string;
  readonly notification: NotificationId;
  readonly recipient: string;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly expiresAt: Date | null;
  /** Contact points that this notification has been sent to, or tried. */
  readonly tried: readonly string[];
};

/** Takes due rows that want the next channel out of `waiting`. */
export async function takeFailedChannels(sql: Sql, nowMs: number, limit: number): Promise<FailedChannel[]> {
  const { rows } = await sql.query<FailedChannel>(
    `WITH due AS (
       SELECT w.due_at, w.delivery_id, w.month FROM waiting w WHERE w.due_at <= $1 AND w.reason = 'next-channel'
       ORDER BY w.due_at LIMIT $2 FOR UPDATE SKIP LOCKED
     ), gone AS (DELETE FROM waiting w USING due WHERE w.due_at = due.due_at AND w.delivery_id = due.delivery_id)
     SELECT d.id AS delivery, d.month, d.lane, d.agency_id AS agency, n.id AS notification, n.recipient_id AS recipient, r.rule_id AS rule,
       r.rule_version AS "ruleVersion", d.expires_at AS "expiresAt",
       ARRAY(SELECT x.contact_point_id::text FROM deliveries x WHERE x.notification_id = n.id AND x.month = n.month) AS tried
     FROM due JOIN deliveries d ON d.id = due.delivery_id AND d.month = due.month
     JOIN notifications n ON n.id = d.notification_id AND n.month = d.month JOIN stage_runs r ON r.id = n.stage_run_id`,
    [new Date(nowMs), limit],
  );
  return rows;
}
