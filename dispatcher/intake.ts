/**
 * T1: takes events in. One transaction for a batch of records writes the events, the position, what they do to obligations and campaigns,
 * the schedules, and the stage runs and fan-outs that are due at once; requests leave after the commit, and the relay repeats those that
 * a crash left. Never waits for a shard, never calls a provider. What cannot be taken in is quarantined in the same transaction.
 */
import type { Batch, Broker, LogRecord } from '../broker/broker.ts';
import { handleIsolated } from '../broker/isolate.ts';
import type { Clock } from '../domain/clock.ts';
import { dayOf } from '../domain/clock.ts';
import { createCombine } from '../domain/combine.ts';
import { messageOf } from '../domain/errors.ts';
import { isTargeted } from '../domain/event.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import type { Metrics } from '../domain/metrics.ts';
import { agencyOfTopic, TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { Catalogue, Snapshot } from '../store/catalogue.ts';
import { markRefused, takeEvents } from '../store/events.ts';
import { advancePosition, advancePositions, claimPositions } from '../store/positions.ts';
import { type Rejected, saveQuarantine } from '../store/quarantine.ts';
import { type Accepted, admit, conflict } from './admit.ts';
import type { AgencyPace } from './agency-pace.ts';
import { openBroadcasts } from './broadcasts.ts';
import type { Courtesy } from './courtesy.ts';
import { planTargeted } from './plan-targeted.ts';
import type { Ask, Requests } from './requests.ts';
import { resolveSubjects } from './subjects.ts';

export type IntakeParts = {
  readonly broker: Broker;
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  readonly requests: Requests;
  readonly pace: AgencyPace;
  /** Events of each topic's agency taken in for one of an agency with 1; `shared` is the shared topic. */
  readonly weights?: ReadonlyMap<string, number>;
  /** A transaction full of a flood begins after small ones that are under way. */
  readonly courtesy: Courtesy;
};

export const INTAKE_GROUP = 'allim-dispatcher-events';
/**
 * Events of one transaction, from as many partitions as have some. One at a time for each agency's topic: what comes of it meanwhile goes
 * together in the next. A second one takes what other agencies have, so that nobody waits for a transaction full of a flood.
 */
const EVENTS_A_TRANSACTION = 500;
const TRANSACTIONS = 2;
/** Of several topics: more is one topic's alone, and what others have goes beside it. */
const EVENTS_TOGETHER = 100;
/** Go before a transaction full of a flood. */
const FEW_EVENTS = 50;
/** The shared topic carries what all agencies send over HTTP. */
const SHARED = 'shared';
const SHARED_WEIGHT = 4;

type Slice = Parameters<typeof advancePosition>[2];
type Job = { readonly records: readonly LogRecord[]; readonly slice: Slice };

export function createIntake(parts: IntakeParts) {
  const { broker, pool, catalogue, clock, logger, courtesy } = parts;
  const takeIn = createCombine<Job>({
    width: TRANSACTIONS,
    apart: true,
    limit: EVENTS_A_TRANSACTION,
    mixed: EVENTS_TOGETHER,
    weight: (job) => job.records.length,
    queueOf: (job) => agencyOfTopic(job.slice.topic) ?? SHARED,
    shareOf: (queue) => parts.weights?.get(queue) ?? (queue === SHARED ? SHARED_WEIGHT : 1),
    run: async (jobs) => {
      const events = jobs.reduce((sum, job) => sum + job.records.length, 0);
      if (events <= FEW_EVENTS) return courtesy.first(() => takeJobs(jobs));
      await courtesy.after();
      await takeJobs(jobs);
    },
  });

  async function takeJobs(jobs: readonly Job[]): Promise<void> {
    const { accepted, rejected, refused } = await admit(
      catalogue,
      jobs.flatMap((job) => job.records),
      clock.nowMs(),
    );
    const snapshot = catalogue.current();
    // The end of every shard's profiles after the events were acknowledged: what was acknowledged before them is matched on.
    const profileEnds = accepted.length > 0 ? await broker.ends(TOPICS.profiles) : [];
    const asked = await transaction(pool, async (sql) => {
      await advancePositions(
        sql,
        INTAKE_GROUP,
        jobs.map((job) => job.slice),
      );
      const fresh = await acceptOnce(sql, accepted, rejected);
      await saveQuarantine(sql, parts.sealer, rejected);
      await markRefused(sql, refused);
      const asks = await plan(sql, fresh, snapshot, profileEnds);
      mark('intake:before-commit');
      return asks;
    });
    mark('intake:committed');
    parts.metrics?.add('events', { outcome: 'accepted' }, accepted.length);
    parts.metrics?.add('events', { outcome: 'quarantined' }, rejected.length);
    if (rejected.length > 0)
      logger.warn(
        {
          at: rejected.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`),
          quarantined: rejected.length,
        },
        'events were quarantined',
      );
    try {
      await parts.requests.send(asked, new Map(accepted.map((item) => [item.row as string, item.event])));
    } catch (error) {
      // The events are taken in and the fan-outs saved: the relay asks again.
      logger.warn(
        { fanouts: asked.length, err: messageOf(error) },
        'questions could not be sent; the relay will repeat them',
      );
    }
  }

  /** Writes the events and returns those that we had not. The first of two equal ids in a batch wins; another content is a conflict. */
  async function acceptOnce(
    sql: Sql,
    accepted: readonly Accepted[],
    rejected: Rejected[],
  ): Promise<Accepted[]> {
    const first = new Map<EventRowId, Accepted>();
    for (const item of accepted) {
      const same = first.get(item.row);
      if (same === undefined) first.set(item.row, item);
      else if (!same.hash.equals(item.hash)) rejected.push(conflict(item));
    }
    if (first.size === 0) return [];
    const taken = await takeEvents(
      sql,
      'accepted',
      [...first.values()].map((item) => ({ ...item, receivedMs: item.record.timestampMs })),
      clock.nowMs(),
    );
    for (const item of first.values()) if (taken.get(item.row) === 'conflict') rejected.push(conflict(item));
    return [...first.values()].filter((item) => taken.get(item.row) === 'fresh');
  }

  /** What fresh events change and start. Returns the fan-outs to ask for. */
  async function plan(
    sql: Sql,
    fresh: readonly Accepted[],
    snapshot: Snapshot,
    profileEnds: readonly number[],
  ): Promise<Ask[]> {
    const nowMs = clock.nowMs();
    const context = {
      snapshot,
      calendar: parts.calendar,
      profileEnds,
      nowMs,
      day: dayOf(nowMs),
      pace: parts.pace,
    };
    const targeted = await resolveSubjects(
      sql,
      parts.sealer,
      fresh.filter((item) => isTargeted(item.event)),
      nowMs,
    );
    const broadcast = fresh.filter((item) => !isTargeted(item.event));
    const asked = await planTargeted(sql, targeted, context);
    if (broadcast.length > 0) asked.push(...(await openBroadcasts(sql, broadcast, context)));
    return asked;
  }

  return {
    group: INTAKE_GROUP,
    assigned: (partitions: Parameters<typeof claimPositions>[2]) =>
      claimPositions(pool, INTAKE_GROUP, partitions, (topic) => broker.begins(topic)),
    handle: (batch: Batch) =>
      handleIsolated(batch, {
        handle: (chunk) => takeIn({ records: chunk.records, slice: { ...batch, ...chunk } }),
        async quarantine(record, error, chunk) {
          await transaction(pool, async (sql) => {
            await advancePosition(sql, INTAKE_GROUP, { ...batch, ...chunk });
            await saveQuarantine(sql, parts.sealer, [{ ...record, error }]);
          });
        },
        logger,
      }),
  };
}
