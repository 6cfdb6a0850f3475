/**
 * Compaction and retention of the embedded log. Compaction keeps the newest record of each key and drops tombstones whose time is
 * over; it never touches offsets, so what it takes away is a hole that readers step over. Retention moves `first` before it deletes,
 * so that a reader left behind hears `offset-out-of-range` instead of missing records in silence.
 */
import type { SqlPool } from '../domain/sql.ts';

type Partition = {
  topic_id: number;
  partition: number;
  compacted: boolean;
  delete_retention_ms: number;
  next: number;
  dirty: number;
  kept: number;
  idle_days: number;
};

const LOCK = 7_262_000_000;
/** Like Kafka's min.cleanable.dirty.ratio: rewriting pays when half is new. */
const DIRTY_RATIO = 0.5;
const DIRTY_AT_LEAST = 1_000;
/** A tombstone's time ends without anything being appended, so everything is looked at once a day. */
const DAYS_UNTIL_ANYWAY = 1;

const COMPACT = `
WITH ranked AS (
  SELECT record_offset, value IS NULL AND at_ms < (extract(epoch FROM now()) * 1000)::bigint - $4::bigint AS spent,
         lead(record_offset) OVER (PARTITION BY key ORDER BY record_offset) AS newer
    FROM log_records WHERE topic_id = $1 AND partition = $2 AND record_offset < $3 AND key IS NOT NULL
)
DELETE FROM log_records r USING ranked k
 WHERE r.topic_id = $1 AND r.partition = $2 AND r.record_offset = k.record_offset AND (k.newer IS NOT NULL OR k.spent)`;

/**
 * Cleans what is worth it, or everything with `all`; returns the number of records removed. Where another process is at it, does
 * nothing. Retention concerns topics that are not compacted.
 */
export async function clean(
  pool: SqlPool,
  options: { readonly all: boolean; readonly retentionMs: number | null },
): Promise<number> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const lock = await client.query<{ got: boolean }>('SELECT pg_try_advisory_lock($1) AS got', [LOCK]);
    if (lock.rows[0]?.got !== true) return 0;
    let removed = 0;
    const { rows } = await client.query<Partition>(
      `SELECT p.topic_id, p.partition, t.compacted, t.delete_retention_ms, p.next, p.next - p.cleaned AS dirty, p.kept,
              extract(epoch FROM now() - p.cleaned_at)::float8 / 86400 AS idle_days
         FROM log_partitions p JOIN log_topics t ON t.id = p.topic_id ORDER BY 1, 2`,
    );
    for (const at of rows) {
      if (at.compacted) {
        const worth = at.dirty >= DIRTY_AT_LEAST && at.dirty >= (at.dirty + at.kept) * DIRTY_RATIO;
        if (!options.all && !worth && at.idle_days < DAYS_UNTIL_ANYWAY) continue;
        const place = [at.topic_id, at.partition, at.next];
        const { rowCount } = await client.query(COMPACT, [...place, at.delete_retention_ms]);
        removed += rowCount ?? 0;
        await client.query(
          `UPDATE log_partitions SET cleaned = $3, cleaned_at = now(), kept =
             (SELECT count(*) FROM log_records WHERE topic_id = $1 AND partition = $2 AND record_offset < $3)
            WHERE topic_id = $1 AND partition = $2`,
          place,
        );
      } else if (options.retentionMs !== null) {
        const place = [at.topic_id, at.partition];
        const { rows: moved } = await client.query<{ first: number }>(
          `UPDATE log_partitions SET first = o.keep FROM (
             SELECT coalesce(min(record_offset), $4) AS keep FROM log_records
              WHERE topic_id = $1 AND partition = $2 AND record_offset < $4
                AND at_ms >= (extract(epoch FROM now()) * 1000)::bigint - $3::bigint) o
            WHERE topic_id = $1 AND partition = $2 AND o.keep > first RETURNING first`,
          [...place, options.retentionMs, at.next],
        );
        const first = moved[0]?.first;
        if (first === undefined) continue;
        const { rowCount } = await client.query(
          'DELETE FROM log_records WHERE topic_id = $1 AND partition = $2 AND record_offset < $3',
          [...place, first],
        );
        removed += rowCount ?? 0;
      }
    }
    return removed;
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch((error: Error) => {
      broken = error;
    });
    client.release(broken);
  }
}
