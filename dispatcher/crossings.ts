/**
 * Takes in who entered or left an open broadcast (rules/run/announcer.ts), a group of records in one transaction with the position it moves.
 * Whoever left is sent nothing more of it that is planned and unsent. Whoever entered is asked about once, for the newest stage that was due,
 * as of today: the shard judges again, and the answer is planned like any other, under the same keys, so nobody is told twice. What was said
 * last of a citizen stands in `crossings`: said again, or overtaken, it is no news.
 */
import type { Broker } from '../broker/broker.ts';
import { type Clock, dayOf, instantOf } from '../domain/clock.ts';
import { eventRowId } from '../domain/cloud-events.ts';
import type { CloudEvent } from '../domain/event.ts';
import type { CampaignId, ObligationId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import type { Metrics } from '../domain/metrics.ts';
import { type Crossing, TOPICS } from '../domain/records.ts';
import type { Rule } from '../domain/rule.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { dueOf, isImmediate, type WorkingDays } from '../domain/timeline.ts';
import { broadcastCampaignId } from '../store/campaigns.ts';
import type { Catalogue } from '../store/catalogue.ts';
import {
  type CrossedCampaign,
  type CrossingRow,
  endLeft,
  noteCrossings,
  openCrossed,
} from '../store/crossings.ts';
import { loadEvents } from '../store/events.ts';
import { saveFanouts, saveStageRuns, takeRequestNumbers, unplannedPairs } from '../store/fanouts.ts';
import { changeObligations, obligationId } from '../store/obligations.ts';
import { lockObligations } from '../store/plan.ts';
import { advancePosition } from '../store/positions.ts';
import { type AgencyPace, URGENT_PAIRS } from './agency-pace.ts';
import type { Ask, Requests } from './requests.ts';
import { type PairOfRun, stageRunOf, targetedFanouts } from './stage-runs.ts';

type Slice = Parameters<typeof advancePosition>[2];
type Crossed = { readonly row: CrossingRow; readonly campaign: CrossedCampaign };

export type CrossingsParts = {
  readonly broker: Broker;
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  readonly requests: Requests;
  readonly pace: AgencyPace;
};

/** The stage that was due last; undefined where none was. One whose time had passed when the event came was dropped, for everybody. */
export function newestDue(
  rule: Rule,
  event: Pick<CloudEvent, 'data'>,
  acceptedMs: number,
  calendar: WorkingDays,
  nowMs: number,
): string | undefined {
  let newest: { kind: string; dueMs: number } | undefined;
  for (const stage of rule.stages) {
    const immediate = isImmediate(stage);
    const dueMs = immediate
      ? acceptedMs
      : dueOf(rule, stage, { data: event.data, arrivedMs: acceptedMs }, calendar);
    if (dueMs === null || dueMs > nowMs || dueMs < acceptedMs) continue;
    if (newest === undefined || dueMs >= newest.dueMs) newest = { kind: stage.kind, dueMs };
  }
  return newest?.kind;
}

export function createCrossings(parts: CrossingsParts) {
  const { broker, pool, catalogue, calendar, clock, logger, requests } = parts;

  return async function take(group: string, crossings: readonly Crossing[], slice: Slice): Promise<void> {
    const nowMs = clock.nowMs();
    const ends = await broker.ends(TOPICS.profiles);
    const done = await transaction(pool, async (sql) => {
      await advancePosition(sql, group, slice);
      const news = await noted(sql, crossings, slice.partition, nowMs);
      const ended = await leave(
        sql,
        news.filter(({ row }) => row.kind === 'left'),
        nowMs,
      );
      const entered = news.filter(({ row }) => row.kind === 'entered');
      const bodies = await loadEvents(sql, [...new Set(entered.map(({ campaign }) => campaign.event))]);
      const asks = await enter(sql, entered, bodies, ends, nowMs);
      mark('crossing:before-commit');
      return { asks, bodies, ended, news };
    });
    mark('crossing:committed');
    for (const { row } of done.news) parts.metrics?.add('crossings', { kind: row.kind });
    if (done.ended > 0) logger.debug({ deliveries: done.ended }, 'what was planned for those who left ended');
    if (done.asks.length > 0) await requests.send(done.asks, done.bodies);
  };

  /** The last word on each campaign and citizen, where the campaign goes on and it is news. */
  async function noted(
    sql: Sql,
    crossings: readonly Crossing[],
    shard: number,
    nowMs: number,
  ): Promise<Crossed[]> {
    const last = new Map<string, { crossing: Crossing; campaign: CampaignId }>();
    for (const crossing of crossings) {
      const campaign = broadcastCampaignId(eventRowId(crossing.event), crossing.rule);
      const key = `${campaign}/${crossing.citizen}`;
      const before = last.get(key)?.crossing;
      if (before === undefined || isLater(crossing, before)) last.set(key, { crossing, campaign });
    }
    const open = await openCrossed(sql, [...new Set([...last.values()].map((one) => one.campaign))], nowMs);
    const rows = [...last.values()].flatMap(({ crossing, campaign }): Crossed[] => {
      const found = open.get(campaign);
      if (found === undefined) return [];
      const { kind, citizen, profileOffset, overlayOffset, asOf } = crossing;
      const row = {
        campaign,
        citizen,
        agency: found.agency,
        shard,
        position: profileOffset,
        overlays: overlayOffset,
        day: asOf,
        kind,
      };
      return [{ row, campaign: found }];
    });
    const news = await noteCrossings(
      sql,
      rows.map(({ row }) => row),
      nowMs,
    );
    return rows.filter(({ row }) => news.has(`${row.campaign}/${row.citizen}`));
  }

  /** The obligation is opened where it is not there yet: it is the lock that a page about to be planned wants too. */
  async function leave(sql: Sql, left: readonly Crossed[], nowMs: number): Promise<number> {
    const about = left.map(({ row, campaign }) => ({
      row,
      campaign,
      obligation: obligationOf(campaign, row.citizen),
    }));
    // Rules may share an obligation: each is named once.
    const changes = new Map(
      about.map(({ row, campaign, obligation }) => [
        obligation,
        {
          id: obligation,
          agency: campaign.agency,
          kind: campaign.obligationKind,
          ref: campaign.obligationRef,
          citizen: row.citizen,
          version: campaign.version,
          state: 'open' as const,
          event: campaign.event,
          deadline: campaign.deadline,
        },
      ]),
    );
    await changeObligations(sql, [...changes.values()], nowMs);
    await lockObligations(sql, [...changes.keys()]);
    return endLeft(
      sql,
      about.map(({ row, obligation }) => ({ obligation, campaign: row.campaign })),
      nowMs,
    );
  }

  async function enter(
    sql: Sql,
    entered: readonly Crossed[],
    bodies: ReadonlyMap<string, CloudEvent>,
    ends: readonly number[],
    nowMs: number,
  ): Promise<Ask[]> {
    // All who enter on one day share a run for each stage, as of that day.
    const today = instantOf(dayOf(nowMs), '00:00');
    const pairs: PairOfRun[] = [];
    for (const { row, campaign } of entered) {
      const live = catalogue.current().rules.get(campaign.rule);
      const event = bodies.get(campaign.event);
      const kind =
        live === undefined || event === undefined
          ? undefined
          : newestDue(live.rule, event, campaign.acceptedMs, calendar, nowMs);
      // Not due yet: whoever is in when it is will be found by it.
      if (live === undefined || event === undefined || kind === undefined) continue;
      const run = stageRunOf(campaign, live, kind, today);
      pairs.push({ run, rule: live.rule, row: campaign.event, event, citizen: row.citizen });
    }
    if (pairs.length === 0) return [];
    const agencies = [...new Set(pairs.map((pair) => pair.run.agency))];
    const unplanned = await unplannedPairs(sql, agencies, URGENT_PAIRS);
    const asks = await targetedFanouts(pairs, ends, { pace: parts.pace, unplanned, nowMs }, (count) =>
      takeRequestNumbers(sql, count),
    );
    await saveStageRuns(sql, [...new Map(asks.map((ask) => [ask.run.id, ask.run])).values()]);
    await saveFanouts(
      sql,
      asks.map((ask) => ask.fanout),
      nowMs,
    );
    return asks;
  }
}

function obligationOf(campaign: CrossedCampaign, citizen: string): ObligationId {
  return obligationId(campaign.agency, campaign.obligationKind, campaign.obligationRef, citizen);
}

function isLater(a: Crossing, b: Crossing): boolean {
  if (a.profileOffset !== b.profileOffset) return a.profileOffset > b.profileOffset;
  if (a.overlayOffset !== b.overlayOffset) return a.overlayOffset > b.overlayOffset;
  return a.asOf > b.asOf;
}
