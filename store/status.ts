/** What is left to do now, and whether the database can be written to. */
import type { Sql, SqlPool } from '../domain/sql.ts';

export type LedgerBacklog = {
  /** Accepted over HTTP, not yet in the log. */
  readonly unrelayed: number;
  /** Fan-outs whose answer is not planned, and targeted events whose person has arrived. */
  readonly requests: number;
  readonly schedulesDue: number;
  /** In batches that are ready or queued, and rows whose waiting has ended. */
  readonly deliveries: number;
  readonly quarantine: number;
  /** Refused for a reason of which enough were kept (store/quarantine.ts). */
  readonly quarantineCounted: number;
  /** Turns' worth of reports to agencies that have not left. */
  readonly reports: number;
  /** Receipts that nobody has looked at; what waits for its delivery after a look may wait for days. */
  readonly receipts: number;
  /** Stored positions; a partition that nobody has claimed is absent. */
  readonly positions: readonly {
    readonly group: string;
    readonly topic: string;
    readonly partition: number;
    readonly position: number;
  }[];
};

export async function countUnrelayed(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT count(*) AS n FROM events WHERE state = 'received' AND relayed_at IS NULL`,
  );
  return rows[0]?.n ?? 0;
}

/** Files of rows that are not done. */
export async function countImports(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT count(*) AS n FROM imports WHERE state IN ('waiting', 'running')`,
  );
  return rows[0]?.n ?? 0;
}

/** One statement, so one snapshot: what moves on from one table to the next while it runs is counted in exactly one of them. */
export async function readLedgerBacklog(
  sql: Sql,
  topics: readonly string[],
  nowMs: number,
): Promise<LedgerBacklog> {
  const { rows } = await sql.query<LedgerBacklog>(
    `SELECT
       (SELECT count(*) FROM events WHERE state = 'received' AND relayed_at IS NULL)::int AS unrelayed,
       ((SELECT count(*) FROM fanouts WHERE state = 'asked')
         + (SELECT count(*) FROM unresolved WHERE state IN ('new', 'arrived') AND look_at <= $2))::int AS requests,
       (SELECT count(*) FROM schedules WHERE due_at <= $2)::int AS "schedulesDue",
       ((SELECT coalesce(sum(open), 0) FROM batches WHERE state = 'ready') + (SELECT coalesce(sum(open), 0) FROM batches WHERE state = 'queued')
         + (SELECT count(*) FROM waiting WHERE due_at <= $2))::int AS deliveries,
       (SELECT count(*) FROM quarantine WHERE state = 'open')::int AS quarantine,
       (SELECT coalesce(sum((value->>'count')::bigint), 0) FROM settings WHERE name LIKE 'quarantine-counted/%')::int AS "quarantineCounted",
       (SELECT count(*) FROM outbox)::int AS reports,
       (SELECT count(*) FROM receipts WHERE state = 'waiting' AND looks = 0 AND look_at <= $2)::int AS receipts,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('group', group_name, 'topic', topic, 'partition', partition, 'position', position)), '[]')
          FROM consumer_offsets WHERE topic = ANY($1::text[])) AS positions`,
    [topics, new Date(nowMs)],
  );
  return rows[0]!;
}

/** Rejects where the database does not take a write and keep it: a server in recovery and a full disk answer reads. */
export async function checkWrites(pool: SqlPool): Promise<void> {
  await pool.query(
    `INSERT INTO settings (name, value) VALUES ('last-readiness-check', to_jsonb(clock_timestamp()))
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  );
}
