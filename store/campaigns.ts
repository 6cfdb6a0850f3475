/** Campaigns, their schedules, stage runs and fan-outs: what an event started and what of it is due. */
import type { CampaignId, EventRowId, FanoutId, ObligationId, StageRunId } from '../domain/ids.ts';
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Category, Lane } from '../domain/statuses.ts';

export type Campaign = {
  readonly id: CampaignId;
  readonly agency: string;
  readonly rule: string;
  readonly category: Category;
  /** Broadcast: its event. */
  readonly event: EventRowId | null;
  /** Targeted: the day its events were accepted. */
  readonly day: string | null;
  readonly obligationKind: string | null;
  readonly obligationRef: string | null;
  readonly version: bigint;
  readonly deadline: string | null;
  readonly expiresAtMs: number | null;
};

export function broadcastCampaignId(event: EventRowId, rule: string): CampaignId {
  return keyId<CampaignId>('campaign', event, rule);
}
export function targetedCampaignId(rule: string, day: string): CampaignId {
  return keyId<CampaignId>('campaign-day', rule, day);
}

export async function saveCampaigns(sql: Sql, campaigns: readonly Campaign[], nowMs: number): Promise<void> {
  if (campaigns.length === 0) return;
  await sql.query({
    name: 'save-campaigns',
    text: `INSERT INTO campaigns (id, agency_id, rule_id, event_id, day, obligation_kind, obligation_ref, version, deadline, expires_at, accepted_at, category)
      SELECT id, agency, rule, event, day, kind, ref, version, deadline, expires, $11, category
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::date[], $6::text[], $7::text[], $8::bigint[], $9::date[], $10::timestamptz[], $12::text[])
        u(id, agency, rule, event, day, kind, ref, version, deadline, expires, category)
      ORDER BY id ON CONFLICT (id) DO NOTHING`,
    values: [
      campaigns.map((c) => c.id),
      campaigns.map((c) => c.agency),
      campaigns.map((c) => c.rule),
      campaigns.map((c) => c.event),
      campaigns.map((c) => c.day),
      campaigns.map((c) => c.obligationKind),
      campaigns.map((c) => c.obligationRef),
      campaigns.map((c) => c.version.toString()),
      campaigns.map((c) => c.deadline),
      campaigns.map((c) => (c.expiresAtMs === null ? null : new Date(c.expiresAtMs))),
      new Date(nowMs),
      campaigns.map((c) => c.category),
    ],
  });
}

/** What a broadcast's events are about: agency, kind and reference. */
export type BroadcastKey = Pick<Campaign, 'agency' | 'obligationKind' | 'obligationRef'>;

/**
 * Until the transaction ends, nobody else opens or ends broadcasts about these: of two events that arrive at once in two dispatchers, the
 * second sees the first. Sorted, so that two batches about the same things wait for each other instead of deadlocking.
 */
export async function lockBroadcasts(sql: Sql, keys: readonly BroadcastKey[]): Promise<void> {
  const names = new Set(keys.map((k) => JSON.stringify([k.agency, k.obligationKind, k.obligationRef])));
  for (const name of [...names].sort())
    await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`broadcast ${name}`]);
}

/**
 * Of the broadcast campaigns of one obligation and rule, only the highest version goes on, and none that an accepted event has ended,
 * whether that came before or after: the others are marked and their schedules dropped. A settlement ends every version, a withdrawal
 * those up to its own, one without a sequence all. Needs lockBroadcasts. Returns those that stopped here, and why: `superseded` by a
 * higher version, `ended` by an event.
 */
export async function supersedeCampaigns(
  sql: Sql,
  campaigns: readonly Campaign[],
  nowMs: number,
): Promise<Map<CampaignId, 'superseded' | 'ended'>> {
  const lost = new Map<CampaignId, 'superseded' | 'ended'>();
  const keys = new Set(
    campaigns.map((c) => JSON.stringify([c.agency, c.obligationKind, c.obligationRef, c.rule])),
  );
  for (const key of keys) {
    const [agency, kind, ref, rule] = JSON.parse(key) as [string, string, string, string];
    const { rows } = await sql.query<{ id: CampaignId; ended: boolean }>(
      `WITH mine AS (
         SELECT id, version, superseded_at FROM campaigns
         WHERE agency_id = $1 AND obligation_kind = $2 AND obligation_ref = $3 AND rule_id = $4 AND event_id IS NOT NULL
       ), ending AS (
         SELECT e.sequence, t.definition->>'effect' AS effect FROM events e JOIN event_types t ON t.type = e.type
         WHERE e.body->>'allimobligation' = $2 || '/' || $3 AND e.body->>'subject' IS NULL AND e.body->>'allimsubjectkey' IS NULL
           AND e.agency_id = $1 AND e.state = 'accepted' AND t.definition->>'effect' IN ('settles', 'withdraws')
       ), judged AS (
         SELECT m.id, m.version < (SELECT max(version) FROM mine) AS lower, EXISTS (
           SELECT 1 FROM ending e WHERE e.effect = 'settles' OR e.sequence = 0 OR e.sequence >= m.version) AS ended
         FROM mine m WHERE m.superseded_at IS NULL
       ), marked AS (
         UPDATE campaigns c SET superseded_at = $5 FROM judged j WHERE c.id = j.id AND (j.lower OR j.ended) RETURNING c.id, j.ended
       ), dropped AS (DELETE FROM schedules s USING marked WHERE s.campaign_id = marked.id)
       SELECT id, ended FROM marked`,
      [agency, kind, ref, rule, new Date(nowMs)],
    );
    for (const { id, ended } of rows) lost.set(id, ended ? 'ended' : 'superseded');
  }
  return lost;
}

/**
 * A withdrawal or settlement for everybody: the campaigns of the obligation end, up to `version`; with null, all of them. Openings that
 * come later find the event itself (supersedeCampaigns). Needs lockBroadcasts.
 */
export async function endCampaigns(
  sql: Sql,
  key: BroadcastKey,
  version: bigint | null,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `WITH marked AS (
       UPDATE campaigns SET superseded_at = $5
       WHERE agency_id = $1 AND obligation_kind = $2 AND obligation_ref = $3 AND event_id IS NOT NULL AND superseded_at IS NULL
         AND ($4::bigint IS NULL OR version <= $4::bigint) RETURNING id
     )
     DELETE FROM schedules s USING marked WHERE s.campaign_id = marked.id`,
    [key.agency, key.obligationKind, key.obligationRef, version?.toString() ?? null, new Date(nowMs)],
  );
}

export type Schedule = {
  readonly agency: string;
  readonly campaign: CampaignId;
  readonly obligation: ObligationId | null;
  readonly event: EventRowId | null;
  readonly citizen: string | null;
  readonly rule: string;
  readonly stageKind: string;
  readonly dueMs: number;
};

/** One row per (campaign, or obligation and rule) and stage kind; saving it again moves it. */
export async function saveSchedules(sql: Sql, schedules: readonly Schedule[]): Promise<void> {
  if (schedules.length === 0) return;
  await sql.query({
    name: 'save-schedules',
    text: `INSERT INTO schedules (id, agency_id, campaign_id, obligation_id, event_id, citizen_id, rule_id, stage_kind, due_at)
      SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
        u(id, agency, campaign, obligation, event, citizen, rule, stage, due)
      ORDER BY id
      ON CONFLICT (id) DO UPDATE SET campaign_id = excluded.campaign_id, event_id = excluded.event_id, due_at = excluded.due_at`,
    values: [
      schedules.map((s) => keyId('schedule', s.obligation ?? s.campaign, s.rule, s.stageKind)),
      schedules.map((s) => s.agency),
      schedules.map((s) => s.campaign),
      schedules.map((s) => s.obligation),
      schedules.map((s) => s.event),
      schedules.map((s) => s.citizen),
      schedules.map((s) => s.rule),
      schedules.map((s) => s.stageKind),
      schedules.map((s) => new Date(s.dueMs)),
    ],
  });
}

export async function anyScheduleDue(sql: Sql, nowMs: number): Promise<boolean> {
  const { rows } = await sql.query<{ found: boolean }>({
    name: 'any-schedule-due',
    text: 'SELECT EXISTS (SELECT 1 FROM schedules WHERE due_at <= $1) AS found',
    values: [new Date(nowMs)],
  });
  return rows[0]?.found === true;
}

/** Takes due schedules out of the table; they come back if the transaction does not commit. */
export async function takeDueSchedules(sql: Sql, nowMs: number, limit: number): Promise<Schedule[]> {
  const { rows } = await sql.query<{
    agency_id: string;
    campaign_id: CampaignId;
    obligation_id: ObligationId | null;
    event_id: EventRowId | null;
    citizen_id: string | null;
    rule_id: string;
    stage_kind: string;
    due_at: Date;
  }>(
    `DELETE FROM schedules WHERE id IN (SELECT id FROM schedules WHERE due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
     RETURNING agency_id, campaign_id, obligation_id, event_id, citizen_id, rule_id, stage_kind, due_at`,
    [new Date(nowMs), limit],
  );
  return rows.map((row) => ({
    agency: row.agency_id,
    campaign: row.campaign_id,
    obligation: row.obligation_id,
    event: row.event_id,
    citizen: row.citizen_id,
    rule: row.rule_id,
    stageKind: row.stage_kind,
    dueMs: row.due_at.getTime(),
  }));
}

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

/** Pairs that were asked and are not planned yet, by agency. */
export async function unplannedPairs(sql: Sql, agencies: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql.query<{ agency_id: string; n: number }>({
    name: 'unplanned-pairs',
    text: `SELECT agency_id, coalesce(sum(cardinality(pair_events)), 0)::bigint AS n FROM fanouts
      WHERE state = 'asked' AND agency_id = ANY($1::text[]) AND pair_events IS NOT NULL GROUP BY agency_id`,
    values: [agencies],
  });
  return new Map(rows.map((row) => [row.agency_id, row.n]));
}

export async function markRequested(sql: Sql, fanouts: readonly FanoutId[]): Promise<void> {
  await sql.query({
    name: 'mark-requested',
    text: 'UPDATE fanouts SET requested_at = now() WHERE id = ANY($1::uuid[]) AND requested_at IS NULL',
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

/** The event of each broadcast campaign that still goes on. */
export async function loadCampaignEvents(
  sql: Sql,
  campaigns: readonly CampaignId[],
): Promise<Map<string, EventRowId>> {
  if (campaigns.length === 0) return new Map();
  const { rows } = await sql.query<{ id: CampaignId; event_id: EventRowId }>(
    'SELECT id, event_id FROM campaigns WHERE id = ANY($1::uuid[]) AND event_id IS NOT NULL AND superseded_at IS NULL',
    [[...new Set(campaigns)]],
  );
  return new Map(rows.map((row) => [row.id, row.event_id]));
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

const REPUBLISHED = 'live_version IS NOT NULL AND live_version IS DISTINCT FROM scheduled_version';

/** Rules whose live version is not the one that schedules were last made from. */
export async function republishedRules(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ id: string }>(`SELECT id FROM rules WHERE ${REPUBLISHED} ORDER BY id`);
  return rows.map(({ id }) => id);
}

/** The live version of such a rule; the lock keeps a second dispatcher off until the commit. Undefined where one has it or has done it. */
export async function lockRepublishedRule(sql: Sql, rule: string): Promise<number | undefined> {
  const { rows } = await sql.query<{ version: number }>(
    `SELECT live_version AS version FROM rules WHERE id = $1 AND ${REPUBLISHED} FOR UPDATE SKIP LOCKED`,
    [rule],
  );
  return rows[0]?.version;
}

export async function markScheduled(sql: Sql, rule: string, version: number): Promise<void> {
  await sql.query('UPDATE rules SET scheduled_version = $2 WHERE id = $1', [rule, version]);
}

export type OpenCampaign = {
  readonly id: CampaignId;
  readonly agency: string;
  readonly event: EventRowId;
  readonly acceptedMs: number;
};

/** Broadcast campaigns of a rule that may still have stages ahead. */
export async function openCampaigns(sql: Sql, rule: string, nowMs: number): Promise<OpenCampaign[]> {
  const { rows } = await sql.query<{
    id: CampaignId;
    agency_id: string;
    event_id: EventRowId;
    accepted_at: Date;
  }>(
    `SELECT id, agency_id, event_id, accepted_at FROM campaigns
     WHERE rule_id = $1 AND event_id IS NOT NULL AND superseded_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
    [rule, new Date(nowMs)],
  );
  return rows.map((row) => ({
    id: row.id,
    agency: row.agency_id,
    event: row.event_id,
    acceptedMs: row.accepted_at.getTime(),
  }));
}

/** What is scheduled of a rule for obligations after `after` (an obligation id), one row an obligation, in id order. */
export async function scheduledObligations(
  sql: Sql,
  rule: string,
  after: string,
  limit: number,
): Promise<
  {
    agency: string;
    campaign: CampaignId;
    obligation: ObligationId;
    event: EventRowId;
    citizen: string;
    acceptedMs: number;
  }[]
> {
  const { rows } = await sql.query<{
    agency_id: string;
    campaign_id: CampaignId;
    obligation_id: ObligationId;
    event_id: EventRowId;
    citizen_id: string;
    accepted_at: Date;
  }>(
    `SELECT DISTINCT ON (s.obligation_id) s.agency_id, s.campaign_id, s.obligation_id, s.event_id, s.citizen_id, e.accepted_at
     FROM schedules s JOIN events e ON e.id = s.event_id
     WHERE s.rule_id = $1 AND s.obligation_id > $2::uuid ORDER BY s.obligation_id LIMIT $3`,
    [rule, after, limit],
  );
  return rows.map((row) => ({
    agency: row.agency_id,
    campaign: row.campaign_id,
    obligation: row.obligation_id,
    event: row.event_id,
    citizen: row.citizen_id,
    acceptedMs: row.accepted_at.getTime(),
  }));
}

/** Removes the scheduled stages of a rule that `kinds` does not name. */
export async function dropOtherStages(sql: Sql, rule: string, kinds: readonly string[]): Promise<void> {
  await sql.query('DELETE FROM schedules WHERE rule_id = $1 AND NOT stage_kind = ANY($2::text[])', [
    rule,
    kinds,
  ]);
}
