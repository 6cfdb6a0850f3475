/**
 * The dispatcher's role: decides who gets what, when, on which channel, and keeps the ledger. Takes events in (T1), plans the pages that
 * shards answer with (T2), moves batches into the queue (T3), and does what falls due. Several may run: they share partitions, and every
 * task takes what it works on under a lock. Tells agencies what became of their notices. Never talks to a provider and never evaluates a
 * condition.
 */
import { type ScheduledTask, schedule as scheduleCron } from 'node-cron';
import type { Broker, Consumer } from '../broker/broker.ts';
import type { Repeats } from '../domain/ambiguity.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import type { Metrics } from '../domain/metrics.ts';
import { paced } from '../domain/pace.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import { type Channel, LANES } from '../domain/statuses.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { Queue } from '../queue/queue.ts';
import { sweepCampaign, unsweptCampaigns } from '../store/cancellations.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { claimPositions } from '../store/positions.ts';
import { sweepReaderWaits } from '../store/reader-waits.ts';
import { forgetReceipts } from '../store/receipts.ts';
import { markRestored } from '../store/restored.ts';
import { openRestore } from '../store/restores.ts';
import { endLateCampaigns } from '../store/rule-withdrawals.ts';
import { endDeadSessions, sweepSessions } from '../store/sessions.ts';
import { forgetSmsReferences } from '../store/sms-references.ts';
import { createAgencyPace } from './agency-pace.ts';
import { createAgencyTopics } from './agency-topics.ts';
import { createCourtesy } from './courtesy.ts';
import { createCrossings } from './crossings.ts';
import { createDue } from './due.ts';
import { createIntake, INTAKE_GROUP } from './intake.ts';
import { createLinked } from './linked.ts';
import { createMaintenance } from './maintenance.ts';
import { createPages, PLAN_GROUPS } from './pages.ts';
import { createPlanner } from './planner.ts';
import { createPump } from './pump.ts';
import { createReadersFirst } from './readers-first.ts';
import { createReceipts } from './receipts.ts';
import { createRepublish } from './republish.ts';
import { createRequests } from './requests.ts';
import { createStatusRelay } from './status-relay.ts';
import { createTask, type Task } from './task.ts';
import type { CallOptions } from './webhook-call.ts';
import { createWebhooks } from './webhooks.ts';

export type DispatcherParts = {
  readonly broker: Broker;
  readonly pool: SqlPool;
  readonly queue: Queue;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly sealer: Sealer;
  /** What each channel's provider makes of the same delivery sent again. */
  readonly repeats: Readonly<Record<Channel, Repeats>>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly chance: () => number;
  /** How agencies' webhooks are called. */
  readonly webhooks: CallOptions;
  readonly metrics?: Metrics;
  /** Partitions of agencies' topics to make where they are missing; null in production, where operators make them. */
  readonly createAgencyTopics: { readonly partitions: number } | null;
  /** By agency, and `shared` for what comes over the shared topic. */
  readonly weights?: ReadonlyMap<string, number>;
  /** Deliveries a second that may leave on a channel, over all workers. */
  readonly rates?: ReadonlyMap<Channel, number>;
  /** Whole months before this one that stay in the ledger. */
  readonly keepMonths: number;
};

const PAGES_A_BATCH = 50;
/**
 * A question is sent right after the commit that saved it; later than this its dispatcher is taken for dead. One that was only slow has its
 * question asked twice, which costs a run and changes nothing; a fan-out whose dispatcher died goes on within seconds.
 */
const RELAY_AFTER_MS = paced(5_000);
// Looks cost the machine the same at any pace, so a fast one has fewer of them.
const LOOK_MS = paced(1_000, 500);
const WAITING_LOOK_MS = paced(500, 250);
const RECEIPTS_LOOK_MS = paced(500, 250);
/** A few at a time and all day, so that what a busy day left does not go in one statement. */
const FORGET_LOOK_MS = 60_000;
const FORGET_A_RUN = 5_000;

export function createDispatcher(parts: DispatcherParts) {
  const { broker, pool, clock, logger } = parts;
  const requests = createRequests(parts);
  const pump = createPump(parts);
  const pace = createAgencyPace();
  const courtesy = createCourtesy();
  const intake = createIntake({ ...parts, requests, pace, courtesy });
  const readersFirst = createReadersFirst(parts);
  const planner = createPlanner({ ...parts, courtesy, readersFirst, wake: pump.wake });
  const planPages = createPages({
    ...parts,
    planner,
    crossings: createCrossings({ ...parts, requests, pace }),
  });
  const maintenance = createMaintenance(parts);
  const due = createDue({ ...parts, requests, pace, wake: pump.wake });

  const consumers: Consumer[] = [
    broker.subscribe({
      group: INTAKE_GROUP,
      topics: [TOPICS.events],
      maxBatchRecords: 500,
      assigned: intake.assigned,
      handle: intake.handle,
    }),
    ...LANES.map((lane) =>
      broker.subscribe({
        group: PLAN_GROUPS[lane],
        topics: [TOPICS.audiences[lane]],
        maxBatchRecords: PAGES_A_BATCH,
        assigned: (partitions) =>
          claimPositions(pool, PLAN_GROUPS[lane], partitions, (topic) => broker.begins(topic)),
        handle: (batch) => planPages(PLAN_GROUPS[lane], batch),
      }),
    ),
  ];

  const webhooks = createWebhooks({ ...parts, call: parts.webhooks, wake: () => calling.wake() });
  const calling = createTask('webhooks', LOOK_MS, webhooks.run, logger);
  const tellAgencies = createStatusRelay({ ...parts, wake: calling.wake });
  const agencyTopics = createAgencyTopics({
    broker,
    catalogue: parts.catalogue,
    logger,
    create: parts.createAgencyTopics,
    // Small, so that a transaction holds events of several.
    subscription: { maxBatchRecords: 100, assigned: intake.assigned, handle: intake.handle },
  });

  const tasks: Task[] = [
    calling,
    createTask('status back', LOOK_MS, tellAgencies, logger),
    createTask('relay of questions', LOOK_MS, relayQuestions, logger),
    createTask('due stages', LOOK_MS, due.startStages, logger),
    createTask('waiting deliveries', WAITING_LOOK_MS, due.regroup, logger),
    createTask('next channels', WAITING_LOOK_MS, due.nextChannels, logger),
    createTask('unresolved events', LOOK_MS, due.askArrived, logger),
    createTask('linked events', LOOK_MS, createLinked({ ...parts, requests, pace }), logger),
    createTask('republished rules', LOOK_MS, createRepublish(parts), logger),
    createTask('dead sessions', LOOK_MS, endSessions, logger),
    createTask('receipts', RECEIPTS_LOOK_MS, createReceipts(parts), logger),
    createTask('old receipts', FORGET_LOOK_MS, forgetReceived, logger),
    createTask('cancelled campaigns', LOOK_MS, sweepCancelled, logger),
    createTask('restored deliveries', LOOK_MS, sweepRestored, logger),
  ];
  let cron: ScheduledTask | undefined;
  /** Long tasks of many steps look at it between two. */
  let stopping = false;

  async function relayQuestions(): Promise<boolean> {
    const repeated = await requests.repeat(clock.nowMs() - RELAY_AFTER_MS, 200, clock.nowMs());
    if (repeated > 0) logger.info({ fanouts: repeated }, 'questions that a crash had left were asked');
    return repeated === 200;
  }

  async function endSessions(): Promise<boolean> {
    const ended = await endDeadSessions(pool);
    const swept = await transaction(pool, (sql) => sweepSessions(sql, parts.repeats, clock.nowMs()));
    if (swept.length > 0) mark('sweep:committed');
    for (const { channel, decision, count } of swept)
      parts.metrics?.add('ambiguous', { channel, decision }, count);
    if (ended.length > 0 || swept.length > 0)
      logger.warn(
        { sessions: ended, ambiguous: swept },
        'sessions ended; nobody knows how the calls under them did',
      );
    return false;
  }

  async function forgetReceived(): Promise<boolean> {
    const nowMs = clock.nowMs();
    await sweepReaderWaits(pool);
    const receipts = await forgetReceipts(pool, nowMs, FORGET_A_RUN);
    return Math.max(receipts, await forgetSmsReferences(pool, nowMs, FORGET_A_RUN)) === FORGET_A_RUN;
  }

  async function sweepRestored(): Promise<boolean> {
    const restore = await openRestore(pool);
    if (restore === null) return false;
    const marked = await markRestored(pool, restore, clock.nowMs(), () => !stopping);
    if (marked > 0)
      logger.warn(
        { deliveries: marked },
        'what was due before the database was restored waits for a decision',
      );
    return false;
  }

  async function sweepCancelled(): Promise<boolean> {
    const late = await endLateCampaigns(pool, clock.nowMs());
    if (late > 0) logger.warn({ campaigns: late }, 'what began under a rule that had been withdrawn ended');
    for (const campaign of await unsweptCampaigns(pool)) {
      const ended = await sweepCampaign(pool, campaign, clock.nowMs(), () => !stopping);
      if (ended > 0)
        logger.info(
          { campaign: campaign.id, deliveries: ended },
          'what was planned of a cancelled campaign ended',
        );
    }
    return false;
  }

  return {
    async start(): Promise<void> {
      if (cron !== undefined) return;
      stopping = false;
      await maintenance.prepare();
      cron = scheduleCron('17 * * * *', () => maintenance.run());
      void maintenance.run();
      pump.start();
      for (const task of tasks) task.start();
      // At once: each waits for its group to hand partitions over, which members notice at their next heartbeat only.
      await Promise.all(consumers.map((consumer) => consumer.start()));
      agencyTopics.start();
    },
    async stop(): Promise<void> {
      stopping = true;
      await Promise.all([agencyTopics.stop(), ...consumers.map((consumer) => consumer.stop())]);
      await Promise.all(tasks.map((task) => task.stop()));
      await pump.stop();
      await webhooks.settled();
      await requests.settle();
      await cron?.destroy();
      cron = undefined;
      await maintenance.stop();
    },
    /** False when a consumer cannot heal itself: readiness fails. */
    healthy: () => agencyTopics.healthy() && consumers.every((consumer) => consumer.healthy()),
  };
}
