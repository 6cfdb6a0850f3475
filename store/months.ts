/**
 * Months of the ledger: tables partitioned by `month`, one partition a month each (`notifications_202607`). A month that is over and has
 * nothing open is detached, concurrently, so that nobody waits, and moved to the schema `archive`; from there it is written to files and
 * dropped (store/month-files.ts). Each step can be interrupted: how far a month has come is read from the catalogue, and the next run goes on.
 * Callers hold `withMonthsLock`, so two never work at once.
 */
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sql, SqlClient, SqlPool } from '../domain/sql.ts';

/** `detaching`: a concurrent detach was interrupted. `detached`: not yet moved to the schema `archive`. */
export type PartState = 'attached' | 'detaching' | 'detached' | 'archived';
export type MonthPart = {
  /** The partitioned table. */
  readonly parent: string;
  readonly state: PartState;
  readonly bytes: number;
};
/** By month, YYYY-MM-01, oldest first. */
export type Months = ReadonlyMap<string, readonly MonthPart[]>;

const LOCK = 'allim-months';
/** Nobody must wait behind us for longer: queries that look over all months would. */
const LOCK_TIMEOUT = '3s';

/**
 * Runs `work` on a connection of its own under a lock that one process has at a time; undefined where another has it. The server lets go of
 * the lock when the process dies.
 */
export async function withMonthsLock<T>(
  pool: SqlPool,
  work: (sql: SqlClient) => Promise<T>,
): Promise<T | undefined> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      'SELECT pg_try_advisory_lock(hashtext($1)) AS locked',
      [LOCK],
    );
    if (rows[0]?.locked !== true) return undefined;
    try {
      await client.query(`SET lock_timeout = '${LOCK_TIMEOUT}'`);
      return await work(client);
    } finally {
      await client
        .query('RESET lock_timeout')
        .then(() => client.query('SELECT pg_advisory_unlock(hashtext($1))', [LOCK]))
        .catch((error: Error) => {
          broken = error;
        });
    }
  } finally {
    client.release(broken);
  }
}

/** What is there of each month. */
export async function readMonths(sql: Sql): Promise<Months> {
  const { rows } = await sql.query<MonthPart & { month: string }>(
    `SELECT p.relname AS parent, to_date(right(c.relname, 6), 'YYYYMM')::text AS month, pg_total_relation_size(c.oid) AS bytes,
       CASE WHEN c.relnamespace <> p.relnamespace THEN 'archived' WHEN i.inhrelid IS NULL THEN 'detached'
         WHEN i.inhdetachpending THEN 'detaching' ELSE 'attached' END AS state
     FROM pg_partitioned_table t JOIN pg_class p ON p.oid = t.partrelid
     JOIN pg_attribute a ON a.attrelid = p.oid AND a.attnum = t.partattrs[0] AND a.attname = 'month'
     JOIN pg_class c ON c.relkind = 'r' AND c.relname ~ ('^' || p.relname || '_[0-9]{6}$')
       AND (c.relnamespace = p.relnamespace OR c.relnamespace = to_regnamespace('archive'))
     LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhparent = p.oid
     WHERE t.partstrat = 'r' AND p.relnamespace = current_schema()::regnamespace ORDER BY 2, 1, c.relnamespace = p.relnamespace`,
  );
  return Map.groupBy(rows, (row) => row.month);
}

export function partitionName(parent: string, month: string): string {
  return `${parent}_${month.slice(0, 7).replace('-', '')}`;
}

/** YYYY-MM-01 of so many months after (or before) one. */
export function addMonths(month: string, count: number): string {
  return Temporal.PlainDate.from(month).add({ months: count }).toString();
}

/**
 * Why a month is not over: what of it may still be planned, sent or answered. Empty where nothing is open. The cheap questions come first,
 * and the rows of the month are read only where nothing else speaks against it.
 */
export async function openOf(sql: Sql, month: string): Promise<string[]> {
  const questions: readonly (readonly [says: string, text: string])[] = [
    [
      'fan-outs that are asked',
      `SELECT 1 FROM fanouts f JOIN stage_runs s ON s.id = f.stage_run_id WHERE f.state = 'asked' AND s.month = $1`,
    ],
    [
      'events that wait for their person',
      'SELECT 1 FROM unresolved u JOIN stage_runs s ON s.id = u.stage_run_id WHERE s.month = $1',
    ],
    // Due in that month and not started yet: an outage may have been long.
    [
      'stages that are overdue',
      `SELECT 1 FROM schedules WHERE due_at < (($1::date + interval '1 month') AT TIME ZONE 'UTC') + interval '14 hours'`,
    ],
    ['deliveries that wait', 'SELECT 1 FROM waiting WHERE month = $1'],
    ['batches that are ready', `SELECT 1 FROM batches WHERE month = $1 AND state = 'ready'`],
    ['batches that are queued', `SELECT 1 FROM batches WHERE month = $1 AND state = 'queued'`],
    [
      'deliveries that are not ended',
      `SELECT 1 FROM deliveries WHERE month = $1 AND status IN ('planned', 'waiting', 'sending')`,
    ],
  ];
  const open: string[] = [];
  for (const [says, text] of questions) {
    if (open.length > 0) break;
    const { rows } = await sql.query<{ found: boolean }>(`SELECT EXISTS (${text}) AS found`, [month]);
    if (rows[0]?.found === true) open.push(says);
  }
  return open;
}

const RESTORED = 'month-restored/';

/** Keeps a month that a person brought back from being detached again until then. */
export async function keepMonth(sql: Sql, month: string, untilMs: number): Promise<void> {
  await sql.query(
    'INSERT INTO settings (name, value) VALUES ($1, to_jsonb($2::bigint)) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    [`${RESTORED}${month}`, untilMs],
  );
}

async function keptMonths(sql: Sql, nowMs: number): Promise<ReadonlySet<string>> {
  await sql.query(`DELETE FROM settings WHERE name LIKE $1 AND (value #>> '{}')::bigint < $2`, [
    `${RESTORED}%`,
    nowMs,
  ]);
  const { rows } = await sql.query<{ name: string }>('SELECT name FROM settings WHERE name LIKE $1', [
    `${RESTORED}%`,
  ]);
  return new Set(rows.map((row) => row.name.slice(RESTORED.length)));
}

/**
 * Detaches every month before `oldest` (YYYY-MM-01) in which nothing is open, and goes on with what was interrupted. Returns the months that are
 * in the archive now and were not before. One that cannot be detached now is told and tried again the next time.
 */
export async function detachMonths(
  sql: SqlClient,
  oldest: string,
  nowMs: number,
  logger: Logger,
): Promise<string[]> {
  const done: string[] = [];
  const kept = await keptMonths(sql, nowMs);
  for (const [month, parts] of await readMonths(sql)) {
    if (parts.every((part) => part.state === 'archived')) continue;
    const begun = parts.some((part) => part.state !== 'attached');
    if (!begun && (month >= oldest || kept.has(month))) continue;
    if (new Set(parts.map((part) => part.parent)).size < parts.length) {
      // A stage of long ago began after its month had gone.
      logger.warn(
        { month },
        'a month is in the ledger and in the archive: write the archived one to files and drop it',
      );
      continue;
    }
    const open = begun ? [] : await openOf(sql, month);
    if (open.length > 0) {
      logger.warn({ month, open }, 'a month past its time is not detached: something of it is open');
      continue;
    }
    try {
      for (const part of parts) await detachPart(sql, month, part);
      if (await openInArchive(sql, month)) {
        await attachMonth(sql, month);
        logger.warn({ month }, 'a month was attached again: something of it was opened meanwhile');
        continue;
      }
      done.push(month);
      logger.info({ month }, 'a month was detached; `months archive` writes it to files');
    } catch (error) {
      logger.warn({ month, err: messageOf(error) }, 'a month could not be detached and is tried again');
    }
  }
  return done;
}

async function detachPart(sql: Sql, month: string, { parent, state }: MonthPart): Promise<void> {
  const name = partitionName(parent, month);
  if (state === 'archived') return;
  // Concurrently: only what reads this very month waits, and that for a moment. Not in a transaction, so a kill may leave it half done.
  if (state === 'attached') await sql.query(`ALTER TABLE ${parent} DETACH PARTITION ${name} CONCURRENTLY`);
  if (state === 'detaching') await sql.query(`ALTER TABLE ${parent} DETACH PARTITION ${name} FINALIZE`);
  await sql.query(`ALTER TABLE ${name} SET SCHEMA archive`);
}

/** Whether rows of a detached month are open: attached, they would be sent. */
export async function openInArchive(sql: Sql, month: string): Promise<boolean> {
  const { rows } = await sql.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM archive.${partitionName('deliveries', month)} WHERE status IN ('planned', 'waiting', 'sending'))
       OR EXISTS (SELECT 1 FROM archive.${partitionName('batches', month)} WHERE state <> 'ended') AS found`,
  );
  return rows[0]?.found === true;
}

/** Attaches what stands in the archive of a month, all of it or nothing. Indexes that it lacks are made. */
export async function attachMonth(sql: Sql, month: string): Promise<void> {
  const parts = (await readMonths(sql)).get(month) ?? [];
  const home = await sql.query<{ schema: string }>('SELECT quote_ident(current_schema()) AS schema');
  await sql.query('BEGIN');
  try {
    for (const { parent, state } of parts) {
      if (state !== 'archived') continue;
      const name = partitionName(parent, month);
      await sql.query(`ALTER TABLE archive.${name} SET SCHEMA ${home.rows[0]!.schema}`);
      await sql.query(
        `ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES FROM ('${month}') TO ('${addMonths(month, 1)}')`,
      );
    }
    await sql.query('COMMIT');
  } catch (error) {
    await sql.query('ROLLBACK');
    throw error;
  }
}
