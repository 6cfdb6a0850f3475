/** What falls due when: stages of campaigns and obligations ahead of time, and how they follow a rule that is published anew. */
import type { CampaignId, EventRowId, ObligationId } from '../domain/ids.ts';
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';

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

const REPUBLISHED = 'live_version IS NOT NULL AND live_version IS DISTINCT FROM scheduled_version';

/** Rules whose live version is not the one that schedules were last made from. */
export async function republishedRules(sql: Sql): Promise<{ id: string; version: number }[]> {
  const { rows } = await sql.query<{ id: string; version: number }>(
    `SELECT id, live_version AS version FROM rules WHERE ${REPUBLISHED} ORDER BY id`,
  );
  return rows;
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
