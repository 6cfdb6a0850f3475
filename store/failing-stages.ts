/**
 * Stages of campaigns whose deliveries fail through us. One row a stage that had such a failure, with whose; judged once: a person who
 * lifts the stop has decided, and is not overruled by the failures that were known.
 */
import type { CampaignId, DeliveryId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Category } from '../domain/statuses.ts';

export type FailingStage = {
  readonly campaign: CampaignId;
  readonly stageKind: string;
  readonly agency: string;
  readonly category: Category;
  readonly code: string;
};

export type Judgement = {
  readonly verdict: 'paused' | 'kept' | 'passed';
  /** False where it had been judged before. */
  readonly now: boolean;
  readonly failed: number;
  readonly called: number;
};

/** The first so many of a fan-out decide. */
const FIRST = 1_000;
/** More than this many of them failed: over 1 %. Fewer never pause, so that one poisoned citizen in a fan-out of twenty does not. */
const TOLERATED = FIRST / 100;
/** As whom the stop stands; the agency may lift it as well as the administrator. */
export const PAUSED_BY = 'allim';

/**
 * Deliveries that had a call, as far as FIRST and some: of each run the first that were planned, which are the first that are called.
 * Bounded, because a fan-out of a million may be planned of which nothing else has been called.
 */
const CALLED = `
SELECT count(*)::int AS called FROM (
  SELECT 1 FROM stage_runs s JOIN fanouts f ON f.stage_run_id = s.id JOIN runs r ON r.fanout_id = f.id
  CROSS JOIN LATERAL (
    SELECT d.attempt FROM notifications n JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
    WHERE n.run_id = r.run_id AND n.month = s.month LIMIT ${2 * FIRST}
  ) x
  WHERE s.campaign_id = $1 AND s.stage_kind = $2 AND x.attempt > 0 LIMIT ${2 * FIRST}
) c`;

/** In a transaction. null while too few have failed to judge. */
export async function noteFailing(
  sql: Sql,
  stage: FailingStage,
  deliveries: readonly DeliveryId[],
  nowMs: number,
): Promise<Judgement | null> {
  const key = [stage.campaign, stage.stageKind];
  const noted = await sql.query<{ failed: number }>(
    `INSERT INTO failing_stages AS s (campaign_id, stage_kind, agency_id, failed) VALUES ($1, $2, $3, $4)
     ON CONFLICT (campaign_id, stage_kind) DO UPDATE SET failed = ARRAY(SELECT DISTINCT unnest(s.failed || excluded.failed))
       WHERE s.verdict IS NULL
     RETURNING cardinality(failed) AS failed`,
    [...key, stage.agency, deliveries],
  );
  const failed = noted.rows[0]?.failed;
  if (failed === undefined) return { verdict: 'passed', now: false, failed: 0, called: 0 };
  if (failed <= TOLERATED) return null;
  const { rows } = await sql.query<{ called: number }>(CALLED, key);
  const called = Math.max(rows[0]?.called ?? 0, failed);
  const over = failed * 100 > Math.max(called, FIRST);
  // Whom it reaches it may save; those whom it cannot reach are not helped by silence.
  const verdict = !over ? 'passed' : stage.category === 'emergency' ? 'kept' : 'paused';
  await sql.query(
    'UPDATE failing_stages SET verdict = $3, called = $4, judged_at = $5 WHERE campaign_id = $1 AND stage_kind = $2',
    [...key, verdict, called, new Date(nowMs)],
  );
  if (verdict === 'paused')
    await sql.query(
      `INSERT INTO stops (scope, agency_id, reason, created_by, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scope) DO NOTHING`,
      [
        `campaign:${stage.campaign}`,
        stage.agency,
        `${failed} of the first ${called} deliveries of stage ${stage.stageKind} failed through us (${stage.code}); over 1 % pauses`,
        PAUSED_BY,
        new Date(nowMs),
      ],
    );
  return { verdict, now: true, failed, called };
}
