/** Part of T1: what an event without a person starts or ends. Its obligations come into being page by page, in T2. */
import type { CloudEvent, EventType } from '../domain/event.ts';
import { sequenceOf } from '../domain/event.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import { deadlineOf, dueOf, endOfDay, isImmediate, type WorkingDays } from '../domain/timeline.ts';
import {
  type BroadcastKey,
  broadcastCampaignId,
  type Campaign,
  endCampaigns,
  lockBroadcasts,
  saveCampaigns,
  supersedeCampaigns,
} from '../store/campaigns.ts';
import type { LiveRule, Snapshot } from '../store/catalogue.ts';
import { markSuperseded } from '../store/events.ts';
import { saveFanouts, saveStageRuns } from '../store/fanouts.ts';
import { saveSchedules } from '../store/schedules.ts';
import type { AgencyPace } from './agency-pace.ts';
import { obligationKey, splitObligation } from './obligation-changes.ts';
import type { Ask } from './requests.ts';
import { broadcastFanouts, stageRunOf } from './stage-runs.ts';

export type OpenContext = {
  readonly snapshot: Snapshot;
  readonly calendar: WorkingDays;
  /** End of citizen-profiles by shard. */
  readonly profileEnds: readonly number[];
  readonly nowMs: number;
  /** Today in the zone of the state. */
  readonly day: string;
  readonly pace: AgencyPace;
};

type Broadcast = { readonly row: EventRowId; readonly event: CloudEvent; readonly type: EventType };

/**
 * Opens and ends campaigns. The order within the batch does not matter, nor which of two events comes first: what is opened is held
 * against every accepted event that ends it, those of this batch among them.
 */
export async function openBroadcasts(
  sql: Sql,
  events: readonly Broadcast[],
  context: OpenContext,
): Promise<Ask[]> {
  const opened: { campaign: Campaign; live: LiveRule; broadcast: Broadcast }[] = [];
  const endings: { key: BroadcastKey; upTo: bigint | null }[] = [];
  for (const broadcast of events) {
    const { row, event, type } = broadcast;
    if (type.effect === 'settles' || type.effect === 'withdraws') {
      const { kind, ref } = splitObligation(event.allimobligation ?? '');
      const version = sequenceOf(event);
      endings.push({
        key: { agency: type.agency, obligationKind: kind, obligationRef: ref },
        upTo: type.effect === 'settles' || version === 0n ? null : version,
      });
      continue;
    }
    for (const live of context.snapshot.rulesByEventType.get(type.type) ?? []) {
      const { kind, ref } = obligationKey(live.rule, event, row);
      const deadline = deadlineOf(live.rule, event.data, context.calendar);
      opened.push({
        live,
        broadcast,
        campaign: {
          id: broadcastCampaignId(row, live.rule.id),
          agency: type.agency,
          rule: live.rule.id,
          category: live.rule.category,
          event: row,
          day: null,
          obligationKind: kind,
          obligationRef: ref,
          version: sequenceOf(event),
          deadline,
          expiresAtMs: expiryOf(event, deadline),
        },
      });
    }
  }
  await lockBroadcasts(sql, [...endings.map((e) => e.key), ...opened.map((o) => o.campaign)]);
  for (const { key, upTo } of endings) await endCampaigns(sql, key, upTo, context.nowMs);
  if (opened.length === 0) return [];
  await saveCampaigns(
    sql,
    opened.map((o) => o.campaign),
    context.nowMs,
  );
  const lost = await supersedeCampaigns(
    sql,
    opened.map((o) => o.campaign),
    context.nowMs,
  );
  await markSuperseded(
    sql,
    opened.filter((o) => lost.get(o.campaign.id) === 'superseded').map((o) => o.broadcast.row),
  );
  return startStages(
    sql,
    opened.filter((o) => !lost.has(o.campaign.id)),
    context,
  );
}

async function startStages(
  sql: Sql,
  opened: readonly { campaign: Campaign; live: LiveRule; broadcast: Broadcast }[],
  context: OpenContext,
): Promise<Ask[]> {
  const asks: Ask[] = [];
  const schedules: Parameters<typeof saveSchedules>[1][number][] = [];
  for (const { campaign, live, broadcast } of opened) {
    for (const stage of live.rule.stages) {
      if (isImmediate(stage)) {
        const run = stageRunOf(campaign, live, stage.kind, context.nowMs);
        asks.push(...broadcastFanouts(run, broadcast.row, live.rule, context.profileEnds));
        continue;
      }
      const dueMs = dueOf(
        live.rule,
        stage,
        { data: broadcast.event.data, arrivedMs: context.nowMs },
        context.calendar,
      );
      // A stage whose time has passed is dropped: who learns of it now is told once, by the stage that leaves now.
      if (dueMs !== null && dueMs > context.nowMs)
        schedules.push({
          agency: campaign.agency,
          campaign: campaign.id,
          obligation: null,
          event: null,
          citizen: null,
          rule: live.rule.id,
          stageKind: stage.kind,
          dueMs,
        });
    }
  }
  await saveSchedules(sql, schedules);
  await saveStageRuns(sql, [...new Map(asks.map((ask) => [ask.run.id, ask.run])).values()]);
  await saveFanouts(
    sql,
    asks.map((ask) => ask.fanout),
    context.nowMs,
  );
  return asks;
}

/** Pointless after its own expiry, else after its deadline's day. */
export function expiryOf(event: CloudEvent, deadline: string | null): number | null {
  if (event.expirytime !== undefined) return Temporal.Instant.from(event.expirytime).epochMilliseconds;
  return deadline === null ? null : endOfDay(deadline);
}
