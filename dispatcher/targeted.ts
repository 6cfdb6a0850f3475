/** Part of T1: what events about one person start. All that one rule took on one day share a campaign, and travel as pairs. */
import type { EventRowId, ObligationId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import { dueOf, isImmediate } from '../domain/timeline.ts';
import { type Campaign, saveCampaigns, targetedCampaignId } from '../store/campaigns.ts';
import { saveFanouts, saveStageRuns, takeRequestNumbers, unplannedPairs } from '../store/fanouts.ts';
import { type Schedule, saveSchedules } from '../store/schedules.ts';
import { URGENT_PAIRS } from './agency-pace.ts';
import type { OpenContext } from './broadcasts.ts';
import type { Opening } from './obligation-changes.ts';
import type { Ask } from './requests.ts';
import { type PairOfRun, stageRunOf, targetedFanouts } from './stage-runs.ts';

/** The stage of a correction: reserved, has no anchor, and takes the place of the immediate stages for those already told. */
export const CORRECTED = 'corrected';

export async function openTargeted(
  sql: Sql,
  openings: readonly Opening[],
  attempted: ReadonlyMap<ObligationId, EventRowId>,
  context: OpenContext,
): Promise<Ask[]> {
  if (openings.length === 0) return [];
  const campaigns = new Map<string, Campaign>();
  const pairs: PairOfRun[] = [];
  const schedules: Schedule[] = [];
  for (const opening of openings) {
    const { live, row, event, citizen, obligation } = opening;
    const { rule } = live;
    let campaign = campaigns.get(rule.id);
    if (campaign === undefined) {
      campaign = {
        id: targetedCampaignId(rule.id, context.day, live.withdrawals),
        agency: rule.agency,
        rule: rule.id,
        category: rule.category,
        event: null,
        day: context.day,
        obligationKind: null,
        obligationRef: null,
        version: 0n,
        deadline: null,
        expiresAtMs: null,
      };
      campaigns.set(rule.id, campaign);
    }
    const corrected = attempted.has(obligation) && rule.templates[CORRECTED] !== undefined;
    const now = corrected ? [CORRECTED] : rule.stages.filter(isImmediate).map((stage) => stage.kind);
    for (const kind of now)
      pairs.push({ run: stageRunOf(campaign, live, kind, context.nowMs), rule, row, event, citizen });
    for (const stage of rule.stages) {
      if (isImmediate(stage)) continue;
      const dueMs = dueOf(rule, stage, { data: event.data, arrivedMs: context.nowMs }, context.calendar);
      if (dueMs !== null && dueMs > context.nowMs)
        schedules.push({
          agency: rule.agency,
          campaign: campaign.id,
          obligation,
          event: row,
          citizen,
          rule: rule.id,
          stageKind: stage.kind,
          dueMs,
        });
    }
  }
  const unplanned = await unplannedPairs(
    sql,
    [...new Set(openings.map((o) => o.live.rule.agency))],
    URGENT_PAIRS,
  );
  const asks = await targetedFanouts(pairs, context.profileEnds, { ...context, unplanned }, (count) =>
    takeRequestNumbers(sql, count),
  );
  await saveCampaigns(sql, [...campaigns.values()], context.nowMs);
  await saveSchedules(sql, schedules);
  await saveStageRuns(sql, [...new Map(asks.map((ask) => [ask.run.id, ask.run])).values()]);
  await saveFanouts(
    sql,
    asks.map((ask) => ask.fanout),
    context.nowMs,
  );
  return asks;
}
