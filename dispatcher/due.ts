/**
 * What falls due: stages of broadcasts and of obligations, retries and holds, next channels, events whose person has arrived. Each run is
 * one short transaction that takes rows out and puts their consequence in, so that a crash leaves either and two dispatchers share.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { dayOf } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import { besideId, type DeliveryId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { TOPICS } from '../domain/records.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { dueOf, type WorkingDays } from '../domain/timeline.ts';
import { planIntoBatches, regroupWaiting, takeFailedChannels } from '../store/batches.ts';
import { loadCampaignEvents } from '../store/campaigns.ts';
import { cancelledOf } from '../store/cancellations.ts';
import type { Catalogue, LiveRule } from '../store/catalogue.ts';
import { insertNextDeliveries } from '../store/deliveries.ts';
import { loadEvents } from '../store/events.ts';
import {
  loadStageRuns,
  type StageRun,
  saveFanouts,
  saveStageRuns,
  takeRequestNumbers,
  unplannedPairs,
} from '../store/fanouts.ts';
import { loadPeople } from '../store/people.ts';
import { anyScheduleDue, type Schedule, saveSchedules, takeDueSchedules } from '../store/schedules.ts';
import { anyUnresolvedDue, markLooked, takePendingUnresolved } from '../store/unresolved.ts';
import { type AgencyPace, URGENT_PAIRS } from './agency-pace.ts';
import { usableContactPoints } from './recipients.ts';
import type { Ask, EventBodies, Requests } from './requests.ts';
import { broadcastFanouts, type PairOfRun, stageRunOf, targetedFanouts } from './stage-runs.ts';

export type DueParts = {
  readonly broker: Broker;
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requests: Requests;
  readonly pace: AgencyPace;
  readonly wake: () => void;
};

const SCHEDULES_A_RUN = 5_000;
const WAITING_A_RUN = 2_000;
const UNRESOLVED_A_RUN = 2_000;

export function createDue(parts: DueParts) {
  const { broker, pool, catalogue, calendar, clock, logger, requests } = parts;

  /** Starts due stages. Returns true where more may be due. */
  async function startStages(): Promise<boolean> {
    const nowMs = clock.nowMs();
    if (!(await anyScheduleDue(pool, nowMs))) return false;
    // A stage is dropped where its rule has it no longer, so what the rule has must not be a second old.
    await catalogue.refresh();
    const ends = await broker.ends(TOPICS.profiles);
    const done = await transaction(pool, async (sql) => {
      const due = await takeDueSchedules(sql, nowMs, SCHEDULES_A_RUN);
      if (due.length === 0) return { count: 0, asks: [], bodies: new Map() as EventBodies };
      const broadcastEvents = await loadCampaignEvents(
        sql,
        due.filter((s) => s.obligation === null).map((s) => s.campaign),
      );
      const eventRows = [
        ...new Set([...due.flatMap((s) => (s.event === null ? [] : [s.event])), ...broadcastEvents.values()]),
      ];
      const bodies = await loadEvents(sql, eventRows);
      const cancelled = await cancelledOf(
        sql,
        due.map((s) => s.campaign),
      );
      const goOn = cancelled.size === 0 ? due : due.filter((s) => !cancelled.has(s.campaign));
      const asks = await openDue(sql, goOn, broadcastEvents, bodies, ends, nowMs);
      return { count: due.length, asks, bodies };
    });
    if (done.asks.length > 0) await requests.send(done.asks, done.bodies);
    return done.count === SCHEDULES_A_RUN;
  }

  /** The rule may have been published anew since a schedule was written: a stage it lacks is dropped, one it has later is moved. */
  async function openDue(
    sql: Sql,
    due: readonly Schedule[],
    broadcastEvents: ReadonlyMap<string, Schedule['event']>,
    bodies: EventBodies,
    ends: readonly number[],
    nowMs: number,
  ): Promise<Ask[]> {
    const moved: Schedule[] = [];
    const asks: Ask[] = [];
    const pairs: PairOfRun[] = [];
    for (const schedule of due) {
      const live = catalogue.current().rules.get(schedule.rule);
      const event = schedule.event ?? broadcastEvents.get(schedule.campaign) ?? null;
      const body = event === null ? undefined : bodies.get(event);
      const stage = live?.rule.stages.find((s) => s.kind === schedule.stageKind);
      if (live === undefined || event === null || body === undefined || stage === undefined) {
        logger.info(
          { campaign: schedule.campaign, stage: schedule.stageKind },
          'a due stage was dropped: its rule has it no longer',
        );
        continue;
      }
      try {
        const dueMs =
          stage.anchor === 'event'
            ? schedule.dueMs
            : dueOf(live.rule, stage, { data: body.data, arrivedMs: nowMs }, calendar);
        if (dueMs !== null && dueMs > nowMs) {
          moved.push({ ...schedule, dueMs });
          continue;
        }
        const run = stageRunOf(
          { id: schedule.campaign, agency: schedule.agency },
          live,
          schedule.stageKind,
          schedule.dueMs,
        );
        if (schedule.obligation === null) asks.push(...broadcastFanouts(run, event, live.rule, ends));
        else if (schedule.citizen !== null)
          pairs.push({ run, rule: live.rule, row: event, event: body, citizen: schedule.citizen });
      } catch (error) {
        // Nothing above asks the database: it would fail the same way in every run, and what is due beside it with it.
        logger.error(
          {
            rule: schedule.rule,
            campaign: schedule.campaign,
            stage: schedule.stageKind,
            err: messageOf(error),
          },
          'a due stage was dropped: it cannot be evaluated',
        );
      }
    }
    asks.push(...(await askPairs(sql, pairs, ends)));
    await saveSchedules(sql, moved);
    await saveAsks(sql, asks, nowMs, null);
    return asks;
  }

  async function askPairs(sql: Sql, pairs: readonly PairOfRun[], ends: readonly number[]): Promise<Ask[]> {
    if (pairs.length === 0) return [];
    const unplanned = await unplannedPairs(
      sql,
      [...new Set(pairs.map((pair) => pair.run.agency))],
      URGENT_PAIRS,
    );
    return targetedFanouts(pairs, ends, { pace: parts.pace, unplanned, nowMs: clock.nowMs() }, (count) =>
      takeRequestNumbers(sql, count),
    );
  }

  async function saveAsks(
    sql: Sql,
    asks: readonly Ask[],
    nowMs: number,
    reason: 'arrived' | null,
  ): Promise<void> {
    await saveStageRuns(sql, [...new Map(asks.map((ask) => [ask.run.id, ask.run])).values()]);
    await saveFanouts(
      sql,
      asks.map((ask) => ask.fanout),
      nowMs,
      reason,
    );
  }

  /** Puts retries and ended holds into new batches. */
  async function regroup(): Promise<boolean> {
    const count = await transaction(pool, async (sql) => {
      const regrouped = await regroupWaiting(sql, clock.nowMs(), WAITING_A_RUN);
      if (regrouped > 0) mark('regroup:before-commit');
      return regrouped;
    });
    if (count > 0) {
      mark('regroup:committed');
      parts.wake();
    }
    return count === WAITING_A_RUN;
  }

  /** An address failed for good: the next contact point that the rule and the person allow, if there is one. */
  async function nextChannels(): Promise<boolean> {
    const nowMs = clock.nowMs();
    const count = await transaction(pool, async (sql) => {
      const failed = await takeFailedChannels(sql, nowMs, WAITING_A_RUN);
      if (failed.length === 0) return 0;
      const people = await loadPeople(sql, [...new Set(failed.map((f) => f.recipient))]);
      const rows: Parameters<typeof insertNextDeliveries>[1][number][] = [];
      for (const f of failed) {
        const live: LiveRule | undefined = await catalogue.ruleVersion(f.rule, f.ruleVersion);
        const person = people.get(f.recipient);
        if (live === undefined || person === undefined) continue;
        const next = usableContactPoints(live.rule, person).find((point) => !f.tried.includes(point.id));
        if (next === undefined) continue;
        rows.push({
          id: besideId<DeliveryId>('delivery', f.notification, next.id),
          month: f.month,
          agency: f.agency,
          notification: f.notification,
          contactPoint: next.id,
          channel: next.channel,
          lane: f.lane,
          expiresAt: f.expiresAt,
        });
      }
      const inserted = await insertNextDeliveries(sql, rows);
      await planIntoBatches(sql, inserted, nowMs);
      return failed.length;
    });
    if (count > 0) parts.wake();
    return count === WAITING_A_RUN;
  }

  /** Asks again about events whose person was not known, where the shard has moved on or has seen the person. */
  async function askArrived(): Promise<boolean> {
    const nowMs = clock.nowMs();
    if (!(await anyUnresolvedDue(pool, nowMs))) return false;
    const ends = await broker.ends(TOPICS.profiles);
    const done = await transaction(pool, async (sql) => {
      const pending = await takePendingUnresolved(sql, nowMs, UNRESOLVED_A_RUN);
      if (pending.length === 0) return { count: 0, asks: [] as Ask[], bodies: new Map() as EventBodies };
      const ask = pending.filter(
        (p) => p.state === 'arrived' || (ends[partitionOf(p.citizen, ends.length)] ?? 0) > p.askedOffset,
      );
      const asked = new Set(ask.map((p) => p.id));
      await markLooked(
        sql,
        [...asked],
        pending.filter((p) => !asked.has(p.id)).map((p) => p.id),
        nowMs,
      );
      const bodies = await loadEvents(sql, [...new Set(ask.map((p) => p.event))]);
      const runs = await loadStageRuns(sql, [...new Set(ask.map((p) => p.stageRun))]);
      const pairs: PairOfRun[] = [];
      for (const p of ask) {
        const run: StageRun | undefined = runs.get(p.stageRun)?.run;
        const live = run === undefined ? undefined : await catalogue.ruleVersion(run.rule, run.ruleVersion);
        const event = bodies.get(p.event);
        if (run !== undefined && live !== undefined && event !== undefined)
          pairs.push({ run, rule: live.rule, row: p.event, event, citizen: p.citizen });
      }
      const asks = await askPairs(sql, pairs, ends);
      await saveAsks(sql, asks, nowMs, 'arrived');
      return { count: pending.length, asks, bodies };
    });
    if (done.asks.length > 0) {
      logger.info(
        { day: dayOf(nowMs), questions: done.asks.length },
        'events whose person arrived are judged',
      );
      await requests.send(done.asks, done.bodies);
    }
    return done.count === UNRESOLVED_A_RUN;
  }

  return { startStages, regroup, nextChannels, askArrived };
}
