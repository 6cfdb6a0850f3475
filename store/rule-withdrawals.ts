/**
 * A live rule taken back: nothing new begins under it, what it had ahead is dropped, and what is planned already is cancelled or left to go
 * out, as the person says. Its version cannot come back; another may be published.
 */
import type { Sql } from '../domain/sql.ts';
import { bumpRevision } from './catalogue.ts';
import { noteStep } from './rule-versions.ts';

/** Campaigns that can still send something: what they planned is not older than retries, holds and cascades take. */
const RECENT = `interval '30 days'`;
const OPEN = `c.rule_id = $1 AND c.cancelled_at IS NULL
  AND (c.event_id IS NOT NULL AND c.superseded_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $2)
    OR c.event_id IS NULL AND c.accepted_at > $2::timestamptz - ${RECENT})`;

export type WithdrawalEffect = {
  /** That go on, or have not left entirely. */
  readonly campaigns: number;
  /** Stages ahead, of campaigns and of single people. */
  readonly stages: number;
};

/** What a withdrawal would end now. */
export async function withdrawalEffect(sql: Sql, rule: string, nowMs: number): Promise<WithdrawalEffect> {
  const { rows } = await sql.query<WithdrawalEffect>(
    `SELECT (SELECT count(*) FROM campaigns c WHERE ${OPEN})::int AS campaigns,
       (SELECT count(*) FROM schedules s WHERE s.rule_id = $1)::int AS stages`,
    [rule, new Date(nowMs)],
  );
  return rows[0]!;
}

/** The version that is live, locked with its rule; undefined where none is. */
export async function lockLiveVersion(
  sql: Sql,
  rule: string,
): Promise<{ version: number; hash: string; agency: string } | undefined> {
  const { rows } = await sql.query<{ version: number; hash: string; agency: string }>(
    `SELECT v.version, v.hash, r.agency_id AS agency FROM rules r JOIN rule_versions v ON v.rule_id = r.id AND v.version = r.live_version
     WHERE r.id = $1 FOR UPDATE OF r, v`,
    [rule],
  );
  return rows[0];
}

/** Part of a transaction that holds lockLiveVersion. Cancelled campaigns are swept in the background (cancellations.ts). */
export async function withdrawRule(
  sql: Sql,
  rule: string,
  live: { readonly version: number; readonly hash: string },
  given: { readonly by: string; readonly reason: string; readonly planned: 'cancel' | 'leave' },
  nowMs: number,
): Promise<WithdrawalEffect> {
  const effect = await withdrawalEffect(sql, rule, nowMs);
  const at = new Date(nowMs);
  await sql.query(`UPDATE rule_versions SET state = 'withdrawn' WHERE rule_id = $1 AND version = $2`, [
    rule,
    live.version,
  ]);
  await sql.query(
    'UPDATE rules SET live_version = NULL, scheduled_version = NULL, withdrawn_at = $2, withdrawals = withdrawals + 1 WHERE id = $1',
    [rule, at],
  );
  await sql.query('DELETE FROM schedules WHERE rule_id = $1', [rule]);
  if (given.planned === 'cancel')
    await sql.query(
      `UPDATE campaigns c SET cancelled_at = $2, cancelled_by = $3, cancel_reason = $4, superseded_at = coalesce(superseded_at, $2) WHERE ${OPEN}`,
      [rule, at, given.by, given.reason],
    );
  await noteStep(sql, {
    rule,
    version: live.version,
    step: 'withdrawn',
    by: given.by,
    hash: live.hash,
    reason: given.reason,
  });
  await bumpRevision(sql);
  return effect;
}

/**
 * What an intake that had not heard of the withdrawal yet opened under the rule, within a second of it: ended as well. Idempotent; returns
 * how many there were.
 */
export async function endLateCampaigns(sql: Sql, nowMs: number): Promise<number> {
  const { rowCount } = await sql.query({
    name: 'end-late-campaigns',
    text: `UPDATE campaigns c SET cancelled_at = $1, cancelled_by = 'allim', cancel_reason = 'the rule had been withdrawn', superseded_at = coalesce(superseded_at, $1)
      FROM rules r WHERE r.live_version IS NULL AND r.withdrawn_at > $1::timestamptz - interval '10 minutes'
        AND c.rule_id = r.id AND c.accepted_at >= r.withdrawn_at AND c.cancelled_at IS NULL`,
    values: [new Date(nowMs)],
  });
  return rowCount ?? 0;
}
