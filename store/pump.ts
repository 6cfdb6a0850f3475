/**
 * T3: moves ready batches into the window of one channel and lane, shared out between agencies. Hot: one statement a round, by keys and
 * two partial indexes.
 */
import type { BatchId } from '../domain/ids.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { Channel, Lane } from '../domain/statuses.ts';
import type { PumpedBatch } from './batches.ts';

export type LetOut = PumpedBatch & {
  /** Its agency holds far less of the window than another: it goes before what is queued already. */
  readonly ahead: boolean;
};

export type PumpResult = {
  /** False where another dispatcher is pumping this channel and lane now. */
  readonly locked: boolean;
  readonly queued: readonly LetOut[];
  /** Deliveries of `queued`. */
  readonly rows: number;
  /** True where ready batches stayed behind because the window is full. */
  readonly more: boolean;
  /** Deliveries open in the window before this round. */
  readonly open: number;
  /** Deliveries worked off, ever, as far as is known. */
  readonly workedOff: number;
};

export type PumpRound = {
  readonly channel: Channel;
  readonly lane: Lane;
  /** Deliveries that may be open in the queue. */
  readonly window: number;
  /** Batches of one round. */
  readonly limit: number;
  /** Deliveries that the channel's rate allows now, to the next whole batch. */
  readonly credit: number;
  /** Parts of the window that an agency has for each one of an agency that is not named. */
  readonly weights: ReadonlyMap<string, number>;
  readonly nowMs: number;
};

/** What stands for a rate without limit. */
export const NO_LIMIT = 2_000_000_000;

/**
 * Moves ready batches into the window: `queued`, with the next generation. Whoever holds least of it, in relation to its weight, is next, and
 * each agency finds room for its share, also where others have filled the window. What is stopped stays ready: queued, its rows would
 * be claimed only to be put aside. One statement, whose lock ends with it; a batch that another moved between this statement's
 * snapshot and its lock is no longer `ready` when it is updated, and stays as it is.
 */
export async function pumpBatches(sql: Sql, round: PumpRound): Promise<PumpResult> {
  const { rows } = await sql.query<{
    locked: boolean;
    ready: number;
    open: number;
    let_out: number;
    id: BatchId | null;
    generation: number;
    month: string;
    size: number;
    ahead: boolean;
  }>({
    name: 'pump',
    text: `WITH lock AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(hashtext('allim-pump'), hashtext($1 || '-' || $2)) AS locked),
      weight AS MATERIALIZED (SELECT * FROM unnest($7::text[], $8::int[]) u(agency, parts)),
      held AS MATERIALIZED (
        SELECT b.agency_id AS agency, sum(b.open)::bigint AS open, coalesce((SELECT parts FROM weight w WHERE w.agency = b.agency_id), 1) AS parts
        FROM batches b WHERE b.channel = $1 AND b.lane = $2 AND b.state = 'queued' GROUP BY 1
      ), total AS MATERIALIZED (SELECT coalesce(sum(open), 0)::bigint AS open, coalesce(max(open / parts), 0) AS most FROM held),
      ready AS MATERIALIZED (
        SELECT b.id, b.month, b.open, b.created_at, a.id AS agency, p.parts,
          (coalesce(p.open, 0) + sum(b.open) OVER (PARTITION BY a.id ORDER BY b.created_at, b.id) - b.open) / p.parts AS holds
        FROM lock CROSS JOIN agencies a CROSS JOIN LATERAL (
          SELECT id, month, open, created_at FROM batches WHERE channel = $1 AND lane = $2 AND state = 'ready' AND agency_id = a.id
          ORDER BY created_at LIMIT $4
        ) b CROSS JOIN LATERAL (
          SELECT (SELECT h.open FROM held h WHERE h.agency = a.id) AS open, coalesce((SELECT w.parts FROM weight w WHERE w.agency = a.id), 1) AS parts
        ) p WHERE lock.locked
          AND NOT EXISTS (SELECT 1 FROM stops s WHERE s.scope IN ('all', 'agency:' || a.id, 'channel:' || $1))
      ), share AS MATERIALIZED (
        -- Of those who hold or want something, for each part.
        SELECT $3::bigint / greatest(1, sum(parts)) AS one FROM (SELECT agency, parts FROM ready UNION SELECT agency, parts FROM held) x
      ), picked AS (
        SELECT id, month, open, holds * 2 < (SELECT most FROM total) AS ahead FROM (
          SELECT *, sum(open) OVER (ORDER BY holds, created_at, id) - open AS before FROM ready ORDER BY holds, created_at, id LIMIT $4
        ) r WHERE r.before < $6::bigint
          AND (r.before + (SELECT open FROM total) < $3::bigint OR r.holds < (SELECT one FROM share))
      ), moved AS (
        UPDATE batches b SET state = 'queued', generation = generation + 1, queued_at = $5 FROM picked p
        WHERE b.id = p.id AND b.month = p.month AND b.state = 'ready' RETURNING b.id, b.generation, b.month, b.open, p.ahead
      ), counted AS (
        UPDATE pumps SET let_out = let_out + (SELECT sum(open) FROM moved)
        WHERE channel = $1 AND lane = $2 AND EXISTS (SELECT 1 FROM moved)
      )
      SELECT l.locked, (SELECT count(*) FROM ready)::int AS ready, (SELECT open FROM total) AS open,
        coalesce((SELECT let_out FROM pumps WHERE channel = $1 AND lane = $2), 0) AS let_out, m.id, m.generation, m.month, m.open AS size, m.ahead
      FROM lock l LEFT JOIN moved m ON true`,
    values: [
      round.channel,
      round.lane,
      round.window,
      round.limit,
      new Date(round.nowMs),
      round.credit,
      [...round.weights.keys()],
      [...round.weights.values()],
    ],
  });
  const [first] = rows;
  const queued = rows.flatMap(({ id, generation, month, ahead }) =>
    id === null ? [] : [{ batch: id, generation, month, ahead }],
  );
  return {
    locked: first!.locked,
    queued,
    rows: rows.reduce((sum, { id, size }) => sum + (id === null ? 0 : size), 0),
    more: first!.ready > queued.length,
    open: first!.open,
    // Both are of the statement's snapshot, before what it moves itself.
    workedOff: first!.let_out - first!.open,
  };
}

/**
 * The same where a person limited the channel: the pump lets out no more than `perSecond`, over all dispatchers and both lanes. What was
 * not used is lost but for `burstMs` of it. The row is locked to the commit, so two lanes never spend the same credit.
 */
export function pumpLimited(
  pool: SqlPool,
  round: Omit<PumpRound, 'credit'>,
  rate: { readonly perSecond: number; readonly burstMs: number },
): Promise<PumpResult> {
  const { channel, nowMs } = round;
  return transaction(pool, async (sql) => {
    await sql.query(
      'INSERT INTO channel_rates (channel, spent_until) VALUES ($1, $2) ON CONFLICT (channel) DO NOTHING',
      [channel, new Date(nowMs)],
    );
    const { rows } = await sql.query<{ spent_until: Date }>(
      'SELECT spent_until FROM channel_rates WHERE channel = $1 FOR UPDATE',
      [channel],
    );
    const spentMs = Math.max(nowMs, rows[0]!.spent_until.getTime());
    const credit = Math.floor(((nowMs + rate.burstMs - spentMs) * rate.perSecond) / 1_000);
    const result = await pumpBatches(sql, { ...round, credit: Math.max(0, credit) });
    if (result.rows > 0)
      await sql.query('UPDATE channel_rates SET spent_until = $2 WHERE channel = $1', [
        channel,
        new Date(spentMs + (result.rows * 1_000) / rate.perSecond),
      ]);
    return result;
  });
}
