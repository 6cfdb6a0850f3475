/** Stage runs and their fan-outs: what of a campaign is due, asked of which shard, and how far it is. */
import type { CampaignId, EventRowId, FanoutId, StageRunId } from '../domain/ids.ts';
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Lane } from '../domain/statuses.ts';

export type StageRun = {
  readonly id: StageRunId;
  readonly agency: string;
  readonly campaign: CampaignId;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly stageKind: string;
  readonly dueMs: number;
  /** The day the condition is judged as of. */
  readonly asOf: string;
  readonly month: string;
};

export function stageRunId(campaign: CampaignId, stageKind: string, dueMs: number): StageRunId {
  return keyId<StageRunId>('stage-run', campaign, stageKind, dueMs);
}

export async function saveStageRuns(sql: Sql, runs: readonly StageRun[]): Promise<void> {
  if (runs.length === 0) return;
  await sql.query({
    name: 'save-stage-runs',
    text: `INSERT INTO stage_runs (id, agency_id, campaign_id, rule_id, rule_version, stage_kind, due_at, as_of, month)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::timestamptz[], $8::date[], $9::date[]) u
      ORDER BY 1 ON CONFLICT (id) DO NOTHING`,
    values: [
      runs.map((r) => r.id),
      runs.map((r) => r.agency),
      runs.map((r) => r.campaign),
      runs.map((r) => r.rule),
      runs.map((r) => r.ruleVersion),
      runs.map((r) => r.stageKind),
      runs.map((r) => new Date(r.dueMs)),
      runs.map((r) => r.asOf),
      runs.map((r) => r.month),
    ],
  });
}

export type Fanout = {
  readonly id: FanoutId;
  readonly agency: string;
  readonly stageRun: StageRunId;
  readonly shard: number;
  /** 0 for a broadcast, else from the sequence `request_numbers`. */
  readonly request: number;
  readonly lane: Lane;
  readonly minProfileOffset: number;
  readonly pairs: readonly { readonly event: EventRowId; readonly citizen: string }[] | null;
};

export function fanoutId(stageRun: StageRunId, shard: number, request: number): FanoutId {
  return keyId<FanoutId>('fanout', stageRun, shard, request);
}

/** Numbers for targeted requests: unique, so that two dispatchers never make the same fan-out of different pairs. */
export async function takeRequestNumbers(sql: Sql, count: number): Promise<number[]> {
  if (count === 0) return [];
  const { rows } = await sql.query<{ n: number }>({
    name: 'request-numbers',
    text: `SELECT nextval('request_numbers') AS n FROM generate_series(1, $1::int)`,
    values: [count],
  });
  return rows.map((row) => row.n);
}

/** `reason` 'arrived': asked again about events that waited for their person. */
export async function saveFanouts(
  sql: Sql,
  fanouts: readonly Fanout[],
  nowMs: number,
  reason: 'arrived' | null = null,
): Promise<void> {
  if (fanouts.length === 0) return;
  // Arrays of different lengths cannot be unnested in parallel, so pairs travel as array literals.
  await sql.query({
    name: 'save-fanouts',
    text: `INSERT INTO fanouts (id, agency_id, stage_run_id, shard, request, lane, min_profile_offset, pair_events, pair_citizens, created_at, reason)
      SELECT id, agency, run, shard, request, lane, min_offset, events::uuid[], citizens::text[], $10, $11
      FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::bigint[], $6::text[], $7::bigint[], $8::text[], $9::text[])
        u(id, agency, run, shard, request, lane, min_offset, events, citizens)
      ORDER BY id ON CONFLICT DO NOTHING`,
    values: [
      fanouts.map((f) => f.id),
      fanouts.map((f) => f.agency),
      fanouts.map((f) => f.stageRun),
      fanouts.map((f) => f.shard),
      fanouts.map((f) => f.request),
      fanouts.map((f) => f.lane),
      fanouts.map((f) => f.minProfileOffset),
      fanouts.map((f) => (f.pairs === null ? null : arrayLiteral(f.pairs.map((p) => p.event)))),
      fanouts.map((f) => (f.pairs === null ? null : arrayLiteral(f.pairs.map((p) => p.citizen)))),
      new Date(nowMs),
      reason,
    ],
  });
}

function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`;
}

/**
 * Pairs that were asked and are not planned yet, by agency; where there are more than `enough` fan-outs, some of them, which are at least as
 * many: counting all that a flood has left would cost more than taking its next events in.
 */
export async function unplannedPairs(
  sql: Sql,
  agencies: readonly string[],
  enough: number,
): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ agency_id: string; n: number }>({
    name: 'unplanned-pairs',
    text: `SELECT a AS agency_id, (SELECT coalesce(sum(x.n), 0) FROM (
        SELECT cardinality(f.pair_events) AS n FROM fanouts f
        WHERE f.state = 'asked' AND f.agency_id = a AND f.pair_events IS NOT NULL LIMIT $2) x)::bigint AS n
      FROM unnest($1::text[]) a`,
    values: [agencies, enough],
  });
  return new Map(rows.map((row) => [row.agency_id, row.n]));
}

export async function markRequested(sql: Sql, fanouts: readonly FanoutId[]): Promise<void> {
  await sql.query({
    name: 'mark-requested',
    // In id order, as planners lock them.
    text: `WITH locked AS MATERIALIZED (SELECT id FROM fanouts WHERE id = ANY($1::uuid[]) AND requested_at IS NULL ORDER BY id FOR UPDATE)
      UPDATE fanouts f SET requested_at = now() FROM locked l WHERE f.id = l.id`,
    values: [fanouts],
  });
}

/** Pages planned, over all runs, of each fan-out that is still open: the shard paces itself by it. */
export async function plannedPages(sql: Sql, fanouts: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ id: string; pages: number }>({
    name: 'planned-pages',
    text: `SELECT id, pages_planned AS pages FROM fanouts WHERE id = ANY($1::uuid[]) AND state = 'asked'`,
    values: [fanouts],
  });
  return new Map(rows.map((row) => [row.id, row.pages]));
}

type StageRunRow = {
  run_id: StageRunId;
  run_agency: string;
  campaign_id: CampaignId;
  rule_id: string;
  rule_version: number;
  stage_kind: string;
  due_at: Date;
  as_of: string;
  month: string;
  campaign_event: EventRowId | null;
};

/** The columns that readStageRun wants, over aliases r (stage_runs) and c (campaigns). */
const STAGE_RUN_COLUMNS = `r.id AS run_id, r.agency_id AS run_agency, r.campaign_id, r.rule_id, r.rule_version, r.stage_kind, r.due_at, r.as_of,
  r.month, c.event_id AS campaign_event`;

function readStageRun(row: StageRunRow): StageRun {
  return {
    id: row.run_id,
    agency: row.run_agency,
    campaign: row.campaign_id,
    rule: row.rule_id,
    ruleVersion: row.rule_version,
    stageKind: row.stage_kind,
    dueMs: row.due_at.getTime(),
    asOf: row.as_of,
    month: row.month,
  };
}

/** Fan-outs whose question was saved and perhaps never sent, oldest first, with their stage runs and the broadcast's event. */
export async function unrequestedFanouts(
  sql: Sql,
  olderThan: Date,
  limit: number,
): Promise<{ fanout: Fanout; run: StageRun; broadcast: EventRowId | null }[]> {
  const { rows } = await sql.query<
    StageRunRow & {
      id: FanoutId;
      agency_id: string;
      shard: number;
      request: number;
      lane: Lane;
      min_profile_offset: number;
      pair_events: EventRowId[] | null;
      pair_citizens: string[] | null;
    }
  >(
    `SELECT f.id, f.agency_id, f.shard, f.request, f.lane, f.min_profile_offset, f.pair_events::text[], f.pair_citizens, ${STAGE_RUN_COLUMNS}
     FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
     WHERE f.state = 'asked' AND f.requested_at IS NULL AND f.created_at < $1 ORDER BY f.created_at LIMIT $2`,
    [olderThan, limit],
  );
  return rows.map((row) => ({
    fanout: {
      id: row.id,
      agency: row.agency_id,
      stageRun: row.run_id,
      shard: row.shard,
      request: row.request,
      lane: row.lane,
      minProfileOffset: row.min_profile_offset,
      pairs:
        row.pair_events?.map((event, index) => ({ event, citizen: row.pair_citizens?.[index] ?? '' })) ??
        null,
    },
    run: readStageRun(row),
    broadcast: row.campaign_event,
  }));
}

/** Stage runs by id, with the event of a broadcast. */
export async function loadStageRuns(
  sql: Sql,
  ids: readonly StageRunId[],
): Promise<Map<StageRunId, { run: StageRun; broadcast: EventRowId | null }>> {
  const { rows } = await sql.query<StageRunRow>(
    `SELECT ${STAGE_RUN_COLUMNS} FROM stage_runs r JOIN campaigns c ON c.id = r.campaign_id WHERE r.id = ANY($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map((row) => [row.run_id, { run: readStageRun(row), broadcast: row.campaign_event }]));
}

/** Nobody will answer these any more. */
export async function failFanouts(
  sql: Sql,
  ids: readonly string[],
  reason: string,
  nowMs: number,
): Promise<void> {
  const uuids = ids.filter((id) => /^[0-9a-f-]{36}$/.test(id));
  if (uuids.length > 0)
    await sql.query(
      `UPDATE fanouts SET state = 'failed', reason = $2, finished_at = $3 WHERE id = ANY($1::uuid[]) AND state = 'asked'`,
      [uuids, reason.slice(0, 500), new Date(nowMs)],
    );
}
