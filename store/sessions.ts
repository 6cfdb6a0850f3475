/**
 * Workers' sessions: what a worker has in flight belongs to one, and is taken from it when its heart stops. Times are the database's,
 * so that the clocks of two machines need not agree.
 */
import type { SessionId } from '../domain/ids.ts';
import { paced } from '../domain/pace.ts';
import type { Sql } from '../domain/sql.ts';

export const SESSION_DEAD_MS = 5_000;

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

/**
 * What was in flight under ended sessions is ambiguous: a call may have been made. It is made once more and flagged; the second time it
 * stays ambiguous. Returns how many rows there were.
 */
export async function sweepSessions(sql: Sql, nowMs: number): Promise<number> {
  const sessions = await sql.query<{ id: SessionId }>(
    'SELECT id FROM worker_sessions WHERE ended_at IS NOT NULL AND swept_at IS NULL ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED',
  );
  const ids = sessions.rows.map((row) => row.id);
  if (ids.length === 0) return 0;
  const { rows } = await sql.query<{ n: number }>(
    `WITH named AS MATERIALIZED (
       SELECT DISTINCT x.id, b.month FROM batches b CROSS JOIN LATERAL unnest(b.delivery_ids) AS x(id)
       -- A ready batch that was never queued was never claimed from.
       WHERE b.state = 'queued' OR (b.state = 'ready' AND b.generation > 0) ORDER BY x.id
     ), flying AS (
       -- One by one by key: a join lets the planner read the whole month for the sake of its order.
       SELECT f.id, f.month FROM named n CROSS JOIN LATERAL (
         SELECT d.id, d.month FROM deliveries d
         WHERE d.id = n.id AND d.month = n.month AND d.status = 'sending' AND d.session_id = ANY($1::uuid[]) FOR UPDATE
       ) f
     ), ended AS (
       UPDATE deliveries d SET unclear = d.unclear + 1, finished_at = $2, code = 'session-lost',
         status = CASE WHEN d.unclear = 0 THEN 'waiting' ELSE 'ambiguous' END::delivery_status
       FROM flying f WHERE d.id = f.id AND d.month = f.month
       RETURNING d.id, d.month, d.agency_id, d.channel, d.lane, d.status, d.attempt, d.session_id, d.claimed_at
     ), kept AS (
       INSERT INTO attempts (delivery_id, number, month, agency_id, session_id, claimed_at, finished_at, outcome, code)
       SELECT id, attempt, month, agency_id, session_id, claimed_at, $2, 'ambiguous', 'session-lost' FROM ended ON CONFLICT DO NOTHING
     ), again AS (
       INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
       SELECT $2, id, month, agency_id, channel, lane, 'ambiguous' FROM ended WHERE status = 'waiting' ON CONFLICT DO NOTHING
     ), reported AS (
       INSERT INTO outbox (agency_id, reports, created_at)
       SELECT e.agency_id, jsonb_agg(jsonb_build_array(e.id, e.month, e.status, 'session-lost')), $2 FROM ended e
       WHERE e.status = 'ambiguous' AND EXISTS (SELECT 1 FROM report_subscriptions s WHERE s.agency_id = e.agency_id) GROUP BY e.agency_id
     )
     SELECT count(*) AS n FROM ended`,
    [ids, new Date(nowMs)],
  );
  await sql.query('UPDATE worker_sessions SET swept_at = clock_timestamp() WHERE id = ANY($1::uuid[])', [
    ids,
  ]);
  return rows[0]?.n ?? 0;
}
