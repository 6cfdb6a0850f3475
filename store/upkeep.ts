/**
 * What is not by month and would grow for ever: which rows may go, and their going, a few blocks at a time (docs/adr/0019, docs/operations.md).
 * A table is read through from its first block to its last, some of it an hour, in the order in which its rows lie: no index is needed to find
 * what is old, nothing waits (rows that somebody holds are passed over), and a step that is interrupted is done again.
 */
import type { Sql } from '../domain/sql.ts';

/** A rule: rows of `table` go that `gone` names (over alias t), given the instants as SQL literals. */
export type Rule = {
  readonly table: string;
  readonly gone: (at: Horizons) => string;
  /** Deletes what hangs on the rows too; `doomed` holds their ids. */
  readonly also?: string;
};

export type Horizons = {
  /** 400 days, and as long as any month is kept: what could bring a notice about again is older. */
  readonly ledger: string;
  readonly days90: string;
  readonly days30: string;
  readonly days2: string;
  readonly now: string;
};

const DAY_MS = 86_400_000;
/** An event older than this is refused (producers/event-check.ts), so nothing can bring about again what it had. */
const LEDGER_DAYS = 400;

export function horizons(nowMs: number, keepMonths: number): Horizons {
  const ago = (days: number) => `timestamptz '${new Date(nowMs - days * DAY_MS).toISOString()}'`;
  return {
    ledger: ago(Math.max(LEDGER_DAYS, 31 * (keepMonths + 1))),
    days90: ago(90),
    days30: ago(30),
    days2: ago(2),
    now: ago(0),
  };
}

export const RULES: readonly Rule[] = [
  // A fan-out of one person's events is of no use to anybody once it is closed; a broadcast's counts are its report.
  {
    table: 'fanouts',
    gone: ({ ledger, days90 }) =>
      `t.state <> 'asked' AND t.finished_at < CASE WHEN t.pair_events IS NULL THEN ${ledger} ELSE ${days90} END`,
    also: `counted AS (DELETE FROM runs r USING doomed d WHERE r.fanout_id = d.id RETURNING r.run_id),
      paged AS (DELETE FROM pages p USING counted c WHERE p.run_id = c.run_id),
      adopted AS (DELETE FROM run_adoptions a USING counted c WHERE a.run_id = c.run_id)`,
  },
  // Keys go by their stage run, which goes after them: one that is missing went long ago.
  ...Array.from({ length: 8 }, (_, part) => ({
    table: `told_${part}`,
    gone: ({ ledger }: Horizons) =>
      `NOT EXISTS (SELECT 1 FROM stage_runs s WHERE s.id = t.stage_run_id AND s.due_at >= ${ledger})`,
  })),
  {
    table: 'stage_runs',
    gone: ({ ledger }) =>
      `t.due_at < ${ledger} - interval '60 days' AND NOT EXISTS (SELECT 1 FROM fanouts f WHERE f.stage_run_id = t.id)
       AND to_regclass('notifications_' || to_char(t.month, 'YYYYMM')) IS NULL`,
  },
  {
    table: 'obligations',
    gone: ({ ledger }) =>
      `t.updated_at < ${ledger} AND (t.deadline IS NULL OR t.deadline < (${ledger})::date)
       AND NOT EXISTS (SELECT 1 FROM schedules s WHERE s.obligation_id = t.id)`,
  },
  // A broadcast that is over is neither entered nor left.
  {
    table: 'crossings',
    gone: ({ days30 }) =>
      `NOT EXISTS (SELECT 1 FROM campaigns c WHERE c.id = t.campaign_id AND c.superseded_at IS NULL AND c.expires_at > ${days30})`,
  },
  { table: 'unresolved', gone: ({ ledger }) => `t.created_at < ${ledger}` },
  { table: 'failing_stages', gone: ({ ledger }) => `t.judged_at < ${ledger}` },
  // Each as long as it may count at the most; what has ended otherwise is gone already.
  {
    table: 'sessions',
    gone: ({ now }) =>
      `(t.ends_at < ${now} OR (t.kind = 'staff' AND t.seen_at < ${now} - interval '30 minutes'))`,
  },
  { table: 'sign_ins', gone: ({ now }) => `t.created_at < ${now} - interval '10 minutes'` },
  { table: 'worker_sessions', gone: ({ days30 }) => `t.swept_at < ${days30}` },
  // An agency that has not taken a report in a month will not; the delivery's row says what became of it.
  { table: 'outbox', gone: ({ days30 }) => `t.created_at < ${days30}` },
  { table: 'webhook_calls', gone: ({ days30 }) => `t.state = 'given-up' AND t.created_at < ${days30}` },
  { table: 'simulated_sends', gone: ({ days30 }) => `t.sent_at < ${days30}` },
  { table: 'idempotency_keys', gone: ({ days2 }) => `t.started_at < ${days2}` },
  // A process that has not read for a day reads everything anew.
  { table: 'reach_changes', gone: ({ days2 }) => `t.at < ${days2}` },
  { table: 'question_sets', gone: ({ days90 }) => `t.at < ${days90}` },
  { table: 'questions', gone: ({ ledger }) => `t.at < ${ledger}` },
  { table: 'simulations', gone: ({ days30 }) => `t.updated_at < ${days30}` },
  // How many were asked for in a day is counted by them; what they were sent to is of no use afterwards.
  { table: 'contact_codes', gone: ({ days2 }) => `t.created_at < ${days2}` },
  { table: 'notice_reads', gone: ({ ledger }) => `t.read_at < ${ledger}` },
  { table: 'redrives', gone: ({ ledger }) => `t.at < ${ledger}` },
  { table: 'restores', gone: ({ ledger }) => `t.closed_at < ${ledger}` },
  {
    table: 'quarantine',
    gone: ({ days90 }) => `t.state <> 'open' AND coalesce(t.closed_at, t.created_at) < ${days90}`,
  },
];

/** 2 MB a statement: some ten thousand rows, some tens of milliseconds. */
const BLOCKS_A_STEP = 256;
/** Of each table an hour: 256 MB. A table of 100 GB is read through in seventeen days. */
const BLOCKS_A_RUN = 32_768;

export type Swept = { readonly table: string; readonly rows: number };

/** Goes on with every table where the last run ended. `goOn` false ends it between two steps. Returns what was deleted, by table. */
export async function sweep(sql: Sql, at: Horizons, goOn: () => boolean): Promise<Swept[]> {
  const swept: Swept[] = [];
  for (const rule of RULES) {
    const rows = await walk(sql, rule.table, goOn, (from, to) => deleteBlocks(sql, rule, at, from, to));
    if (rows > 0) swept.push({ table: rule.table, rows });
  }
  const events = await walk(sql, 'events', goOn, (from, to) => deleteEvents(sql, at, from, to));
  if (events > 0) swept.push({ table: 'events', rows: events });
  const campaigns = goOn() ? await deleteCampaigns(sql, at) : 0;
  if (campaigns > 0) swept.push({ table: 'campaigns', rows: campaigns });
  return swept;
}

/** Steps over a table's blocks from where the last run ended, at most once through. */
async function walk(
  sql: Sql,
  table: string,
  goOn: () => boolean,
  step: (from: number, to: number) => Promise<number>,
): Promise<number> {
  const name = `upkeep/${table}`;
  const { rows } = await sql.query<{ blocks: number; at: number }>(
    `SELECT pg_relation_size($1::regclass) / current_setting('block_size')::bigint AS blocks,
       coalesce((SELECT (value #>> '{}')::bigint FROM settings WHERE name = $2), 0) AS at`,
    [table, name],
  );
  const { blocks = 0, at: begin = 0 } = rows[0] ?? {};
  let at = begin >= blocks ? 0 : begin;
  let deleted = 0;
  for (let left = Math.min(blocks, BLOCKS_A_RUN); left > 0 && goOn(); left -= BLOCKS_A_STEP) {
    deleted += await step(at, at + BLOCKS_A_STEP);
    at += BLOCKS_A_STEP;
    if (at >= blocks) at = 0;
  }
  if (at !== begin)
    await sql.query(
      'INSERT INTO settings (name, value) VALUES ($1, to_jsonb($2::bigint)) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      [name, at],
    );
  return deleted;
}

const blocksOf = (from: number, to: number) => `t.ctid >= '(${from},0)'::tid AND t.ctid < '(${to},0)'::tid`;

/** What somebody holds is passed over: it is in use, or comes up again in the next round. */
async function deleteBlocks(
  sql: Sql,
  { table, gone, also }: Rule,
  at: Horizons,
  from: number,
  to: number,
): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `WITH old AS MATERIALIZED (
       SELECT t.ctid AS at FROM ${table} t WHERE ${blocksOf(from, to)} AND ${gone(at)} FOR UPDATE OF t SKIP LOCKED
     ), doomed AS (
       DELETE FROM ${table} t WHERE t.ctid = ANY(ARRAY(SELECT at FROM old)) RETURNING t.*
     )${also === undefined ? '' : `, ${also}`} SELECT count(*) AS n FROM doomed`,
  );
  return rows[0]?.n ?? 0;
}

/** Asked in one pass over each table that may name them, since none has an index on it; only where there is something to ask about. */
const NAMED_BY: readonly string[] = [
  'SELECT event_id FROM obligations WHERE event_id = ANY($1::uuid[])',
  'SELECT event_id FROM schedules WHERE event_id = ANY($1::uuid[])',
  'SELECT event_id FROM campaigns WHERE event_id = ANY($1::uuid[])',
  'SELECT event_id FROM unresolved WHERE event_id = ANY($1::uuid[])',
  `SELECT e FROM fanouts f CROSS JOIN LATERAL unnest(f.pair_events) e WHERE f.state = 'asked' AND e = ANY($1::uuid[])`,
];

/** Old events that nothing names any more: no obligation, so no notice that anybody may still read, and nothing to come. */
async function deleteEvents(sql: Sql, at: Horizons, from: number, to: number): Promise<number> {
  const { rows } = await sql.query<{ id: string }>(
    `SELECT t.id FROM events t WHERE ${blocksOf(from, to)} AND greatest(t.received_at, t.accepted_at) < ${at.ledger}
       AND (t.state <> 'received' OR t.relayed_at IS NOT NULL)`,
  );
  let ids = rows.map((row) => row.id);
  for (const text of NAMED_BY) {
    if (ids.length === 0) return 0;
    const named = new Set(
      (await sql.query<{ event_id: string }>({ text, values: [ids] })).rows.map(
        (row) => Object.values(row)[0],
      ),
    );
    ids = ids.filter((id) => !named.has(id));
  }
  const { rowCount } = await sql.query(
    'DELETE FROM events WHERE id IN (SELECT id FROM events WHERE id = ANY($1::uuid[]) FOR UPDATE SKIP LOCKED)',
    [ids],
  );
  return rowCount ?? 0;
}

/** A few a day, so all at once: old ones without a run and without anything to come. */
async function deleteCampaigns(sql: Sql, at: Horizons): Promise<number> {
  const { rows } = await sql.query<{ id: string }>(
    `SELECT c.id FROM campaigns c WHERE c.accepted_at < ${at.ledger} AND NOT EXISTS (SELECT 1 FROM stage_runs r WHERE r.campaign_id = c.id) LIMIT 1000`,
  );
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return 0;
  const { rowCount } = await sql.query(
    `DELETE FROM campaigns WHERE id = ANY($1::uuid[]) AND id NOT IN (SELECT s.campaign_id FROM schedules s WHERE s.campaign_id = ANY($1::uuid[]))`,
    [ids],
  );
  return rowCount ?? 0;
}
