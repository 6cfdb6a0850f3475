/**
 * Workers' sessions: what a worker has in flight belongs to one, and is taken from it when its heart stops. Times are the database's,
 * so that the clocks of two machines need not agree.
 */
import { AMBIGUITY, type Repeats } from '../domain/ambiguity.ts';
import type { DeliveryId, SessionId } from '../domain/ids.ts';
import { paced } from '../domain/pace.ts';
import type { Sql } from '../domain/sql.ts';
import { CATEGORIES, CHANNELS, type Channel } from '../domain/statuses.ts';

export const SESSION_DEAD_MS = paced(5_000, 2_000);

export async function openSession(sql: Sql, id: SessionId, host: string, pid: number): Promise<void> {
  await sql.query('INSERT INTO worker_sessions (id, host, pid) VALUES ($1, $2, $3)', [id, host, pid]);
}

/** Beats never overlap: one whose answer is lost must not keep the next back until the session is long dead. */
const BEAT_ANSWER_MS = paced(3_000, 1_000);

/** False where the session has been declared dead: it must not be used again. */
export async function beat(sql: Sql, id: SessionId): Promise<boolean> {
  const { rowCount } = await sql.query({
    name: 'beat',
    text: 'UPDATE worker_sessions SET heartbeat_at = clock_timestamp() WHERE id = $1 AND ended_at IS NULL',
    values: [id],
    query_timeout: BEAT_ANSWER_MS,
  });
  return rowCount === 1;
}

export async function closeSession(sql: Sql, id: SessionId): Promise<void> {
  await sql.query(
    'UPDATE worker_sessions SET ended_at = clock_timestamp() WHERE id = $1 AND ended_at IS NULL',
    [id],
  );
}

/**
 * Ends sessions whose heart stopped. A claim under way holds its session FOR KEY SHARE; SKIP LOCKED passes over such a session until the
 * next look, so that no claim can commit after its session was swept, and nobody waits for one.
 */
export async function endDeadSessions(sql: Sql): Promise<SessionId[]> {
  const { rows } = await sql.query<{ id: SessionId }>(
    `WITH dead AS (
       SELECT id FROM worker_sessions WHERE ended_at IS NULL AND heartbeat_at < clock_timestamp() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED
     )
     UPDATE worker_sessions s SET ended_at = clock_timestamp() FROM dead WHERE s.id = dead.id RETURNING s.id`,
    [SESSION_DEAD_MS / 1000],
  );
  return rows.map((row) => row.id);
}

/** What was decided about rows that were in flight under sessions that ended, by channel: again later, or left. */
export type Swept = {
  readonly channel: Channel;
  readonly decision: 'again' | 'left';
  readonly count: number;
};

/**
 * What was in flight under ended sessions is ambiguous: a call may have been made. What is done about it stands in domain/ambiguity.ts, by
 * the row's category and by what its channel's provider makes of repetitions. Whether anything of a row had been flushed nobody wrote down,
 * and no more rows are claimed than are in flight.
 */
export async function sweepSessions(
  sql: Sql,
  repeats: Readonly<Record<Channel, Repeats>>,
  nowMs: number,
): Promise<Swept[]> {
  const sessions = await sql.query<{ id: SessionId }>(
    'SELECT id FROM worker_sessions WHERE ended_at IS NOT NULL AND swept_at IS NULL ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED',
  );
  const ids = sessions.rows.map((row) => row.id);
  if (ids.length === 0) return [];
  const policies = CHANNELS.flatMap((channel) =>
    CATEGORIES.map((category) => ({ channel, category, ...AMBIGUITY[repeats[channel]][category] })),
  );
  const { rows } = await sql.query<Swept>(
    `WITH policy AS (
       SELECT channel, category, resend, make_interval(secs => hold_ms / 1000) AS hold
       FROM unnest($3::text[], $4::text[], $5::int[], $6::float8[]) u(channel, category, resend, hold_ms)
     ), named AS MATERIALIZED (
       SELECT DISTINCT x.id, b.month FROM batches b CROSS JOIN LATERAL unnest(b.delivery_ids) AS x(id)
       -- A ready batch that was never queued was never claimed from.
       WHERE b.state = 'queued' OR (b.state = 'ready' AND b.generation > 0) ORDER BY x.id
     ), flying AS (
       -- One by one by key: a join lets the planner read the whole month for the sake of its order.
       SELECT f.id, f.month, f.channel, f.notification_id, f.expires_at, f.unclear, f.claimed_at FROM named n CROSS JOIN LATERAL (
         SELECT d.id, d.month, d.channel, d.notification_id, d.expires_at, d.unclear, d.claimed_at FROM deliveries d
         WHERE d.id = n.id AND d.month = n.month AND d.status = 'sending' AND d.session_id = ANY($1::uuid[]) FOR UPDATE
       ) f
     ), decided AS (
       SELECT f.id, f.month, h.due, f.unclear + 1 <= p.resend AND (f.expires_at IS NULL OR h.due < f.expires_at) AS again
       FROM flying f
       LEFT JOIN notifications n ON n.id = f.notification_id AND n.month = f.month
       LEFT JOIN stage_runs r ON r.id = n.stage_run_id LEFT JOIN campaigns c ON c.id = r.campaign_id
       -- A digest is of no category of its own: it is treated as the least of them.
       JOIN policy p ON p.channel = f.channel AND p.category = coalesce(c.category, 'information')
       -- A receipt's time runs from the call, and finding the session dead has taken some of it. The worker's clock may be ahead of ours.
       CROSS JOIN LATERAL (SELECT least(greatest($2::timestamptz, f.claimed_at + p.hold), $2::timestamptz + p.hold) AS due) h
     ), ended AS (
       UPDATE deliveries d SET unclear = d.unclear + 1, finished_at = $2, code = 'session-lost',
         status = CASE WHEN x.again THEN 'waiting' ELSE 'ambiguous' END::delivery_status
       FROM decided x WHERE d.id = x.id AND d.month = x.month
       RETURNING d.id, d.month, d.agency_id, d.channel, d.lane, d.status, d.attempt, d.session_id, d.claimed_at, x.due
     ), kept AS (
       INSERT INTO attempts (delivery_id, number, month, agency_id, session_id, claimed_at, finished_at, outcome, code)
       SELECT id, attempt, month, agency_id, session_id, claimed_at, $2, 'ambiguous', 'session-lost' FROM ended ON CONFLICT DO NOTHING
     ), again AS (
       INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
       SELECT due, id, month, agency_id, channel, lane, 'ambiguous' FROM ended WHERE status = 'waiting' ON CONFLICT DO NOTHING
     ), reported AS (
       INSERT INTO outbox (agency_id, reports, created_at)
       SELECT e.agency_id, jsonb_agg(jsonb_build_array(e.id, e.month, e.status, 'session-lost')), $2 FROM ended e
       WHERE e.status = 'ambiguous' AND EXISTS (SELECT 1 FROM report_subscriptions s WHERE s.agency_id = e.agency_id) GROUP BY e.agency_id
     )
     SELECT channel, CASE WHEN status = 'waiting' THEN 'again' ELSE 'left' END AS decision, count(*)::int AS count FROM ended GROUP BY 1, 2`,
    [
      ids,
      new Date(nowMs),
      policies.map((p) => p.channel),
      policies.map((p) => p.category),
      policies.map((p) => p.resend),
      policies.map((p) => p.holdMs),
    ],
  );
  await sql.query('UPDATE worker_sessions SET swept_at = clock_timestamp() WHERE id = ANY($1::uuid[])', [
    ids,
  ]);
  return rows;
}

/**
 * Rows that are this session's by the ledger but that nobody here is calling: a claim whose answer never arrived. They were not called, so
 * they become planned again as if never claimed. Their batch may have been made ready again meanwhile, its job being gone. The caller makes sure that no turn is under way.
 */
export async function releaseUnheard(
  sql: Sql,
  session: SessionId,
  inFlight: readonly DeliveryId[],
): Promise<number> {
  const { rowCount } = await sql.query(
    `UPDATE deliveries d SET status = 'planned', attempt = d.attempt - 1, session_id = NULL, claimed_at = NULL
     FROM batches b CROSS JOIN LATERAL unnest(b.delivery_ids) AS x(id)
     WHERE (b.state = 'queued' OR (b.state = 'ready' AND b.generation > 0)) AND d.id = x.id AND d.month = b.month AND d.status = 'sending' AND d.session_id = $1 AND NOT d.id = ANY($2::uuid[])`,
    [session, inFlight],
  );
  return rowCount ?? 0;
}
