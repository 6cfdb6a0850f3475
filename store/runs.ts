/**
 * Fan-outs and the runs that answer them, as T2 counts them (dispatcher/planner.ts): locked, their pages registered once, their equations
 * held, and closed.
 */
import type { CampaignId, EventRowId, FanoutId, RunId, StageRunId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Lane } from '../domain/statuses.ts';

/** A fan-out with everything its pages are planned by. */
export type FanoutContext = {
  readonly fanout: FanoutId;
  readonly shard: number;
  readonly state: 'asked' | 'complete' | 'failed';
  readonly lane: Lane;
  readonly reason: string | null;
  readonly pairEvents: readonly EventRowId[] | null;
  readonly agency: string;
  readonly stageRun: StageRunId;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly stageKind: string;
  /** The day that its pages were judged as of. */
  readonly asOf: string;
  readonly month: string;
  readonly campaign: CampaignId;
  /** null for targeted events. */
  readonly event: EventRowId | null;
  readonly obligationKind: string | null;
  readonly obligationRef: string | null;
  readonly version: bigint;
  readonly deadline: string | null;
  readonly expiresAtMs: number | null;
  readonly superseded: boolean;
  /** By a person: nothing more of it is planned. */
  readonly cancelled: boolean;
  /** An older version of the same broadcast exists, so some may have been told of it. */
  readonly corrects: boolean;
};

/** Locks the fan-outs, in id order, against another dispatcher that plans pages of them. */
export async function lockFanouts(sql: Sql, ids: readonly FanoutId[]): Promise<Map<FanoutId, FanoutContext>> {
  type Row = Omit<FanoutContext, 'version' | 'expiresAtMs'> & { version: string; expiresAt: Date | null };
  const { rows } = await sql.query<Row>({
    name: 'lock-fanouts',
    text: `SELECT f.id AS fanout, f.shard, f.state, f.lane, f.reason, f.pair_events::text[] AS "pairEvents", f.agency_id AS agency, r.id AS "stageRun",
        r.rule_id AS rule, r.rule_version AS "ruleVersion", r.stage_kind AS "stageKind", r.as_of AS "asOf", r.month, c.id AS campaign, c.event_id AS event,
        c.obligation_kind AS "obligationKind", c.obligation_ref AS "obligationRef", c.version::text, c.deadline, c.expires_at AS "expiresAt",
        c.superseded_at IS NOT NULL AS superseded, c.cancelled_at IS NOT NULL AS cancelled,
        c.event_id IS NOT NULL AND EXISTS (SELECT 1 FROM campaigns o WHERE o.agency_id = c.agency_id AND o.obligation_kind = c.obligation_kind
          AND o.obligation_ref = c.obligation_ref AND o.rule_id = c.rule_id AND o.event_id IS NOT NULL AND o.version < c.version) AS corrects
      FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
      WHERE f.id = ANY($1::uuid[]) ORDER BY f.id FOR UPDATE OF f`,
    values: [ids],
  });
  return new Map(
    rows.map(({ version, expiresAt, ...row }) => [
      row.fanout,
      { ...row, version: BigInt(version), expiresAtMs: expiresAt === null ? null : expiresAt.getTime() },
    ]),
  );
}

export type PageKey = {
  readonly fanout: FanoutId;
  readonly run: RunId;
  readonly page: number;
  readonly agency: string;
};

/** Registers pages; returns those that were not planned before, by `run/page`. */
export async function startPages(sql: Sql, pages: readonly PageKey[], nowMs: number): Promise<Set<string>> {
  const { rows } = await sql.query<{ run_id: RunId; page: number }>({
    name: 'start-pages',
    text: `WITH run AS (
        INSERT INTO runs (fanout_id, run_id, agency_id) SELECT DISTINCT f, r, a FROM unnest($1::uuid[], $2::uuid[], $4::text[]) u(f, r, a)
        ORDER BY 1, 2 ON CONFLICT DO NOTHING
      )
      INSERT INTO pages (run_id, page, agency_id, planned_at)
      SELECT r, p, a, $5 FROM unnest($2::uuid[], $3::int[], $4::text[]) u(r, p, a) ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING run_id, page`,
    values: [
      pages.map((p) => p.fanout),
      pages.map((p) => p.run),
      pages.map((p) => p.page),
      pages.map((p) => p.agency),
      new Date(nowMs),
    ],
  });
  return new Set(rows.map((row) => `${row.run_id}/${row.page}`));
}

export type RunCounts = {
  matched: number;
  notified: number;
  told: number;
  done: number;
  superseded: number;
  nobody: number;
  optedOut: number;
  recipients: number;
  planned: number;
  toldRecipients: number;
  optedRecipients: number;
  noAddress: number;
  unknown: number;
};

export function noCounts(): RunCounts {
  return {
    matched: 0,
    notified: 0,
    told: 0,
    done: 0,
    superseded: 0,
    nobody: 0,
    optedOut: 0,
    recipients: 0,
    planned: 0,
    toldRecipients: 0,
    optedRecipients: 0,
    noAddress: 0,
    unknown: 0,
  };
}

export type RunState = {
  readonly fanout: FanoutId;
  readonly run: RunId;
  /** All its pages are planned. */
  readonly complete: boolean;
  /** Its equations hold. */
  readonly balanced: boolean;
  readonly runsOfFanout: number;
};

export type PageCounts = {
  readonly page: PageKey;
  readonly counts: RunCounts;
  /** On the last page of the run. */
  readonly total: { readonly pages: number; readonly matched: number } | null;
};

const COUNTED = [
  'matched',
  'notified',
  'told',
  'done',
  'superseded',
  'nobody',
  'optedOut',
  'recipients',
  'planned',
  'toldRecipients',
  'optedRecipients',
  'noAddress',
  'unknown',
] as const satisfies readonly (keyof RunCounts)[];

/**
 * Adds the counts of pages to their runs, one run a fan-out, and completes the fan-outs of runs that are whole, balanced and their fan-out's
 * only one: nearly all. The others are for finishFanout.
 */
export async function countPages(sql: Sql, pages: readonly PageCounts[], nowMs: number): Promise<RunState[]> {
  type Sum = { fanout: FanoutId; run: RunId; pages: number; total: PageCounts['total']; counts: RunCounts };
  const sums = new Map<string, Sum>();
  for (const { page, counts, total } of pages) {
    const sum = sums.get(page.run) ?? {
      fanout: page.fanout,
      run: page.run,
      pages: 0,
      total: null,
      counts: noCounts(),
    };
    sum.pages++;
    sum.total ??= total;
    for (const name of COUNTED) sum.counts[name] += counts[name];
    sums.set(page.run, sum);
  }
  const rows = [...sums.values()].sort((a, b) => (a.fanout < b.fanout ? -1 : 1));
  const states = await sql.query<RunState>({
    name: 'count-pages',
    text: `WITH sum AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
          $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
          u(fanout, run, pages, pages_total, matched_total, matched, notified, told, done, superseded, nobody, opted_out, recipients, planned,
            told_recipients, opted_recipients, no_address, unknown)
      ), counted AS (
        UPDATE runs r SET pages_planned = r.pages_planned + s.pages, pages_total = coalesce(s.pages_total, r.pages_total),
          matched_total = coalesce(s.matched_total, r.matched_total), matched = r.matched + s.matched, notified = r.notified + s.notified,
          told = r.told + s.told, done = r.done + s.done, superseded = r.superseded + s.superseded, nobody = r.nobody + s.nobody,
          opted_out = r.opted_out + s.opted_out, recipients = r.recipients + s.recipients, planned = r.planned + s.planned,
          told_recipients = r.told_recipients + s.told_recipients, opted_recipients = r.opted_recipients + s.opted_recipients,
          no_address = r.no_address + s.no_address, unknown = r.unknown + s.unknown
        FROM sum s WHERE r.fanout_id = s.fanout AND r.run_id = s.run RETURNING r.*, s.pages AS new_pages
      ), state AS (
        SELECT fanout_id, run_id, new_pages, coalesce(pages_planned = pages_total, false) AS complete,
          coalesce(matched = matched_total AND matched = notified + told + done + superseded + nobody + opted_out
            AND recipients = planned + told_recipients + opted_recipients, false) AS balanced,
          (SELECT count(*) FROM runs x WHERE x.fanout_id = c.fanout_id) AS runs
        FROM counted c
      ), finished AS (
        UPDATE fanouts f SET pages_planned = f.pages_planned + s.new_pages,
          state = CASE WHEN s.complete AND s.balanced AND s.runs = 1 THEN 'complete' ELSE f.state END,
          run_id = CASE WHEN s.complete AND s.balanced AND s.runs = 1 THEN s.run_id ELSE f.run_id END,
          finished_at = CASE WHEN s.complete AND s.balanced AND s.runs = 1 THEN $6::timestamptz ELSE f.finished_at END
        FROM state s WHERE f.id = s.fanout_id
      )
      SELECT fanout_id AS fanout, run_id AS run, complete, balanced, runs AS "runsOfFanout" FROM state`,
    values: [
      rows.map((r) => r.fanout),
      rows.map((r) => r.run),
      rows.map((r) => r.pages),
      rows.map((r) => r.total?.pages ?? null),
      rows.map((r) => r.total?.matched ?? null),
      new Date(nowMs),
      ...COUNTED.map((name) => rows.map((r) => r.counts[name])),
    ],
  });
  return states.rows;
}

/** Closes a fan-out. What an abandoned run planned and this one lacks is cancelled if unsent, else counted as left behind. */
export async function finishFanout(
  sql: Sql,
  context: FanoutContext,
  state: RunState,
  nowMs: number,
): Promise<void> {
  const at = new Date(nowMs);
  if (!state.balanced) {
    await sql.query(
      `UPDATE fanouts SET state = 'failed', reason = 'the counts of its run do not add up', finished_at = $2 WHERE id = $1`,
      [context.fanout, at],
    );
    return;
  }
  if (state.runsOfFanout > 1)
    await sql.query(
      `WITH abandoned AS (
         SELECT n.id, n.month FROM runs r JOIN notifications n ON n.run_id = r.run_id AND n.month = $4
         WHERE r.fanout_id = $1 AND r.run_id <> $2
           AND NOT EXISTS (SELECT 1 FROM run_adoptions a WHERE a.run_id = $2 AND a.notification_id = n.id)
       ), forgotten AS (
         DELETE FROM run_adoptions a USING runs r WHERE r.fanout_id = $1 AND a.run_id = r.run_id
       ), rows AS (
         SELECT d.id, d.month, d.status, d.attempt FROM abandoned a JOIN deliveries d ON d.notification_id = a.id AND d.month = a.month
         ORDER BY d.id FOR UPDATE OF d
       ), ended AS (
         UPDATE deliveries d SET status = 'cancelled', code = 'left', finished_at = $3 FROM rows
         WHERE d.id = rows.id AND d.month = rows.month AND d.status IN ('planned', 'waiting') RETURNING d.id
       ), dropped AS (DELETE FROM waiting w USING ended WHERE w.delivery_id = ended.id)
       UPDATE runs SET left_behind = (SELECT count(*) FROM rows WHERE attempt > 0) WHERE fanout_id = $1 AND run_id = $2`,
      [context.fanout, state.run, at, context.month],
    );
  await sql.query({
    name: 'finish-fanout',
    text: `UPDATE fanouts SET state = 'complete', run_id = $2, finished_at = $3 WHERE id = $1 AND state <> 'complete'`,
    values: [context.fanout, state.run, at],
  });
}
