/**
 * A whole installation in one process whose every step is taken by hand, so that a test decides what comes between two of them: events in
 * (T1), answers of the shards, pages planned (T2), batches queued (T3), batches delivered (T4, T5), what is due. The parts are the
 * product's own on a database of the file's; the clock stands still until it is moved, and the providers answer as they are told.
 */
import { randomBytes } from 'node:crypto';
import { CALENDAR, topicSpecs } from '../../app/context.ts';
import { createCrossingStore, createRulesStore } from '../../app/rules-store.ts';
import type { Batch, NewRecord } from '../../broker/broker.ts';
import { createEmbeddedBroker } from '../../broker/embedded.ts';
import { findTopic, readChunk } from '../../broker/embedded-log.ts';
import { createAgencyPace } from '../../dispatcher/agency-pace.ts';
import { createCourtesy } from '../../dispatcher/courtesy.ts';
import { createCrossings } from '../../dispatcher/crossings.ts';
import { createDue } from '../../dispatcher/due.ts';
import { createIntake, INTAKE_GROUP } from '../../dispatcher/intake.ts';
import { createLinked } from '../../dispatcher/linked.ts';
import { createPages, PLAN_GROUPS } from '../../dispatcher/pages.ts';
import { createPlanner } from '../../dispatcher/planner.ts';
import { createPump } from '../../dispatcher/pump.ts';
import { createReadersFirst } from '../../dispatcher/readers-first.ts';
import { createRepublish } from '../../dispatcher/republish.ts';
import { createRequests } from '../../dispatcher/requests.ts';
import type { Repeats } from '../../domain/ambiguity.ts';
import { parseEvent, recordOfEvent } from '../../domain/cloud-events.ts';
import type { Content } from '../../domain/content.ts';
import type { CloudEvent } from '../../domain/event.ts';
import { silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import { createSealer } from '../../domain/sealing.ts';
import { transaction } from '../../domain/sql.ts';
import { CHANNELS, type Channel, DELIVERY_TRANSITIONS, LANES } from '../../domain/statuses.ts';
import type { BatchJob, Queue, QueueName } from '../../queue/queue.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { Announcer } from '../../rules/run/announcer.ts';
import { entryOf } from '../../rules/run/entry.ts';
import { Runs } from '../../rules/run/runs.ts';
import { Shard } from '../../rules/run/shard.ts';
import { attachedMonths, audit } from '../../store/audit.ts';
import { createCatalogue } from '../../store/catalogue.ts';
import { type Preferences, saveCitizen, savePreferences } from '../../store/citizens.ts';
import { saveContactPoints } from '../../store/contact-points.ts';
import { claimPositions } from '../../store/positions.ts';
import { endDeadSessions, sweepSessions } from '../../store/sessions.ts';
import { createCoalescer } from '../../workers/coalescer.ts';
import { createDeliver } from '../../workers/deliver.ts';
import { createFailingStages, type FailingStages } from '../../workers/failing-stages.ts';
import { createRenderer } from '../../workers/message.ts';
import type { Outcome, OutgoingDelivery, Provider } from '../../workers/providers/provider.ts';
import { createSession } from '../../workers/session.ts';
import { createStopWatch, type StopWatch } from '../../workers/stop-watch.ts';
import { createDatabase } from './postgres.ts';

/** Noon in Seoul on a Friday, three weeks before the tax of the builders falls due. */
export const START = Date.parse('2026-07-10T12:00:00+09:00');

export type Sent = {
  readonly channel: Channel;
  readonly address: string;
  readonly delivery: string;
  readonly attempt: number;
  readonly content: Content;
  /** Everything a person reads of it. */
  readonly text: string;
};

export type CitizenOptions = {
  readonly id: string;
  readonly profile?: Record<string, unknown> | null;
  readonly locale?: string;
  readonly zone?: string;
  readonly sms?: string;
  readonly email?: string;
  readonly preferences?: Preferences;
};

export type EventOptions = Partial<CloudEvent> & { readonly id: string };

/** A tax notice unless told otherwise. */
export function taxEvent({ id, data, ...more }: EventOptions): CloudEvent {
  return parseEvent({
    specversion: '1.0',
    id,
    source: '/nts/property-tax',
    type: 'kr.nts.property-tax.assessed',
    ...more,
    data: data ?? { amount: 132_000, dueOn: '2026-07-31' },
  });
}

export function paidEvent(options: EventOptions): CloudEvent {
  return taxEvent({ type: 'kr.nts.property-tax.paid', data: {}, ...options });
}

/** A nationwide check-up window unless told otherwise. */
export function windowEvent({ id, data, ...more }: EventOptions): CloudEvent {
  return parseEvent({
    specversion: '1.0',
    id,
    source: '/nhis/checkup',
    type: 'kr.nhis.checkup-window.opened',
    allimobligation: 'checkup/2026',
    ...more,
    data: { year: 2026, parity: 0, area: 'all', closesOn: '2026-12-31', ...data },
  });
}

/** Born in an even year and not examined: the check-up of 2026 concerns this profile. */
export const PROFILE = {
  birthDate: '1980-05-05',
  sex: 'F',
  sido: '11',
  sigungu: '11680',
  insurance: 'regional',
  lastCheckupYear: 2024,
  student: 'none',
};

function textOf(content: Content): string {
  if (content.channel === 'sms') return content.text;
  return content.channel === 'push'
    ? `${content.title}\n${content.body}`
    : `${content.subject}\n${content.text}`;
}

/** Jobs in memory, as disposable as the queue's store: `wipe` loses them. */
export class MemoryQueue implements Queue {
  jobs = new Map<QueueName, BatchJob[]>();
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async add(queue: QueueName, jobs: readonly BatchJob[]): Promise<void> {
    this.jobs.set(queue, [...(this.jobs.get(queue) ?? []), ...jobs]);
  }
  async states(queue: QueueName, jobs: readonly BatchJob[]) {
    const here = new Set((this.jobs.get(queue) ?? []).map((job) => `${job.batch}/${job.generation}`));
    return jobs.map((job) => (here.has(`${job.batch}/${job.generation}`) ? 'pending' : 'missing') as never);
  }
  work(): never {
    throw new Error('jobs are taken by hand');
  }
  async fill(): Promise<number> {
    return 0;
  }
  async ping(): Promise<void> {}
  take(queue: QueueName): BatchJob[] {
    const jobs = this.jobs.get(queue) ?? [];
    this.jobs.delete(queue);
    return jobs;
  }
  wipe(): void {
    this.jobs.clear();
  }
}

const REPEATS_OF = { push: 'replaced', email: 'recognised', sms: 'blind' } as const;

/** Answers as told, by default that it was accepted; keeps what it was given. */
export class RecordingProvider implements Provider {
  readonly name = 'recording';
  readonly window = 800;
  /** As the product's own of this channel, SMPP for texts. */
  repeats: Repeats;
  ask?: NonNullable<Provider['ask']>;
  readonly sent: Sent[] = [];
  answer: (delivery: OutgoingDelivery, mayCall: () => boolean) => Outcome | Promise<Outcome> = () => ({
    kind: 'accepted',
    reference: null,
  });
  readonly channel: Channel;
  constructor(channel: Channel) {
    this.channel = channel;
    this.repeats = REPEATS_OF[channel];
  }
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome> {
    if (!mayCall()) return { kind: 'temporary', code: 'session-lost' };
    const { address, content, attempt } = delivery;
    this.sent.push({
      channel: this.channel,
      address,
      delivery: delivery.delivery,
      attempt,
      content,
      text: textOf(content),
    });
    return this.answer(delivery, mayCall);
  }
}

/** Checks every change of a delivery's status against the table of domain/statuses.ts, in the database, where nothing gets by it. */
const guard = `
CREATE TABLE allowed_transitions (a text, b text, PRIMARY KEY (a, b));
-- No key: two transactions that take the same transition must not wait for each other.
CREATE TABLE taken_transitions (a text, b text);
CREATE FUNCTION hold_transitions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status THEN
    IF NOT EXISTS (SELECT 1 FROM allowed_transitions t WHERE t.a = OLD.status::text AND t.b = NEW.status::text) THEN
      RAISE EXCEPTION 'a delivery must not go from % to %', OLD.status, NEW.status;
    END IF;
    INSERT INTO taken_transitions VALUES (OLD.status, NEW.status);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hold_transitions BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION hold_transitions();`;

export type Installation = Awaited<ReturnType<typeof install>>;

export async function install(options: { partitions?: number; queue?: Queue; chance?: () => number } = {}) {
  const partitions = options.partitions ?? 2;
  const database = await createDatabase({ max: 20, seeded: true });
  const { pool } = database;
  const logger = silentLogger;
  let now = START;
  const clock = { nowMs: () => now };
  const sealer = createSealer(randomBytes(32), randomBytes(32));
  const broker = createEmbeddedBroker({ pool, logger });
  await broker.prepare(topicSpecs(partitions), { create: true });
  await pool.query(guard);
  for (const [from, tos] of Object.entries(DELIVERY_TRANSITIONS))
    await pool.query('INSERT INTO allowed_transitions SELECT $1, unnest($2::text[])', [from, tos]);
  const catalogue = createCatalogue(pool, logger);
  await catalogue.start();
  const queue = options.queue ?? new MemoryQueue();
  const recording = () =>
    Object.fromEntries(CHANNELS.map((c) => [c, new RecordingProvider(c)])) as Record<
      Channel,
      RecordingProvider
    >;
  const providers = recording();
  const simulated = recording();
  const parts = { broker, pool, queue, catalogue, calendar: CALENDAR, sealer, clock, logger };
  const topicIds = new Map<string, number>();

  async function chunkOf(topic: string, partition: number, from: number, limit = 500) {
    if (!topicIds.has(topic)) topicIds.set(topic, (await findTopic(pool, topic))!.id);
    return readChunk(pool, { name: topic, id: topicIds.get(topic)! }, partition, from, limit);
  }

  /** A dispatcher's share in one topic, as a consumer would hold it. */
  async function follow(group: string, topic: string, handle: (batch: Batch) => Promise<void>) {
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    const held = await claimPositions(pool, group, all, (name) => broker.begins(name));
    const at = new Map(held.map((start) => [start.partition, { ...start }]));
    return async (limit = 500): Promise<number> => {
      let taken = 0;
      for (const start of at.values()) {
        const chunk = await chunkOf(topic, start.partition, start.offset, limit);
        if (chunk === undefined) continue;
        await handle({
          topic,
          partition: start.partition,
          ...chunk,
          fence: start.fence,
          heartbeat: async () => {},
          advance: (next) => {
            start.offset = next;
          },
          signal: new AbortController().signal,
        });
        start.offset = chunk.next;
        taken += chunk.records.length;
      }
      return taken;
    };
  }

  /** One dispatcher; another takes the partitions over, as after a rebalance. */
  async function dispatcher() {
    const requests = createRequests(parts);
    const pace = createAgencyPace();
    const pump = createPump(parts);
    const courtesy = createCourtesy();
    const readersFirst = createReadersFirst(parts);
    const planner = createPlanner({ ...parts, courtesy, readersFirst, wake: () => {} });
    const handlePages = createPages({
      ...parts,
      planner,
      crossings: createCrossings({ ...parts, requests, pace }),
    });
    const intake = createIntake({ ...parts, requests, pace, courtesy });
    const due = createDue({ ...parts, requests, pace, wake: () => {} });
    const planLane = await Promise.all(
      LANES.map((lane) =>
        follow(PLAN_GROUPS[lane], TOPICS.audiences[lane], (batch) => handlePages(PLAN_GROUPS[lane], batch)),
      ),
    );
    return {
      /** T1 over what is there. */
      intake: await follow(INTAKE_GROUP, TOPICS.events, intake.handle),
      /** T2 over what is there; `limit` records of each partition at most. */
      plan: async (limit?: number) => {
        let taken = 0;
        for (const step of planLane) taken += await step(limit);
        return taken;
      },
      requests,
      due,
      linked: createLinked({ ...parts, requests, pace }),
      republish: createRepublish(parts),
      async pump(): Promise<number> {
        let queued = 0;
        for (const channel of CHANNELS)
          for (const lane of LANES) queued += (await pump.round(channel, lane)).added;
        return queued;
      },
      async reconcile(): Promise<void> {
        for (const channel of CHANNELS) for (const lane of LANES) await pump.reconcile(channel, lane);
      },
    };
  }

  const watches: StopWatch[] = [];
  const failures: FailingStages[] = [];

  /** One worker process, with a session of its own. */
  async function worker() {
    const session = createSession({ pool, logger });
    await session.start();
    const coalescer = createCoalescer({ pool, session, clock, logger });
    const stops = createStopWatch({ pool, logger });
    watches.push(stops);
    const renderer = createRenderer(parts);
    const failing = createFailingStages(parts);
    failures.push(failing);
    const chance = options.chance ?? (() => 0.5);
    const made = Object.fromEntries(
      CHANNELS.map((channel) => [
        channel,
        createDeliver(
          { ...parts, coalescer, session, stops, renderer, failing, providers, simulated, chance },
          channel,
          100,
        ),
      ]),
    ) as Record<Channel, (job: BatchJob) => Promise<void>>;
    return { session, coalescer, deliver: (channel: Channel, job: BatchJob) => made[channel](job) };
  }

  const store = createRulesStore(parts);
  const fields = shippedFields();
  const shards = Array.from(
    { length: partitions },
    (_, partition) => new Shard({ partition, partitions, fields, begin: 0, end: 0, placed: () => {} }),
  );
  const runs = new Runs({
    append: async (topic, partition, value) => {
      await broker.append(topic, [{ key: null, value, partition }]);
    },
    store,
    fields,
    shard: (partition) => shards[partition],
    answered: (partition, checked, version, event) =>
      announcer?.include(partition, entryOf(checked, version, event)),
    plannedPollMs: 5,
  });
  let announcer: Announcer | undefined;

  /** From here on who enters and leaves is announced; again, as by another process that takes over where the last one stored its position. */
  async function announce(): Promise<Announcer> {
    announcer = new Announcer({
      append: async (topic, partition, values) => {
        await broker.append(
          topic,
          values.map((value) => ({ key: null, value, partition })),
        );
      },
      store: createCrossingStore(parts),
      clock,
      logger,
      fields,
    });
    await readProfiles();
    const claimed = await announcer.claim(
      new Map(shards.map(({ partition, positions }) => [partition, positions])),
    );
    for (const [partition, at] of claimed) {
      const shard = shards[partition]!;
      await announcer.follow(shard, at, { begins: { profiles: 0, overlays: 0 }, ends: shard.positions });
    }
    return announcer;
  }
  const asked = new Map<string, number>();

  /** The shards read profiles. */
  async function readProfiles(): Promise<void> {
    for (const shard of shards) {
      for (;;) {
        const chunk = await chunkOf(TOPICS.profiles, shard.partition, shard.position);
        if (chunk === undefined) break;
        shard.apply({ topic: TOPICS.profiles, partition: shard.partition, fence: 0, ...chunk } as never);
      }
      await announcer?.send(shard.partition);
      if (shard.forgotten.length > 0) await store.profilesForgotten(shard.forgotten.splice(0));
      if (shard.arrived.length > 0) await store.profilesArrived(shard.arrived.splice(0));
      for (const { record, error } of shard.refused.splice(0))
        await store.quarantine({ ...record, key: record.key ?? null, error });
    }
  }

  /** The shards answer what they were asked. */
  async function answer(): Promise<number> {
    await readProfiles();
    let answered = 0;
    for (const lane of LANES)
      for (const shard of shards) {
        const topic = TOPICS.requests[lane];
        const key = `${topic}/${shard.partition}`;
        const chunk = await chunkOf(topic, shard.partition, asked.get(key) ?? 0);
        if (chunk === undefined) continue;
        for (const record of chunk.records) await runs.answer(record, new AbortController().signal);
        asked.set(key, chunk.next);
        answered += chunk.records.length;
      }
    return answered;
  }

  let first = await dispatcher();
  const hand = await worker();

  async function deliver(by = hand): Promise<number> {
    let jobs = 0;
    for (const channel of CHANNELS)
      for (const lane of LANES) {
        const taken = (queue as MemoryQueue).take(`${channel}-${lane}`);
        await Promise.all(taken.map((job) => by.deliver(channel, job)));
        jobs += taken.length;
      }
    // What failed through us is noted beside the results; a test wants it noted.
    for (const one of failures) await one.stop();
    return jobs;
  }

  /** Everything up to "planned": events taken in, answered, planned. */
  async function settle(): Promise<void> {
    while ((await first.intake()) + (await answer()) + (await first.plan()) > 0);
  }

  /** Everything that can be done without the clock moving. */
  async function idle(): Promise<void> {
    for (let round = 0; round < 50; round++) {
      await settle();
      await announcer?.look();
      const before = await activity();
      await first.republish();
      await first.due.startStages();
      await first.due.askArrived();
      await first.linked();
      await first.due.nextChannels();
      await first.due.regroup();
      await settle();
      const done = (await first.pump()) + (await deliver());
      if (done === 0 && (await activity()) === before) return;
    }
    throw new Error('it does not come to rest');
  }

  async function activity(): Promise<string> {
    const found = await pool.query(
      `SELECT (SELECT count(*) FROM fanouts) f, (SELECT count(*) FROM deliveries) d, (SELECT count(*) FROM batches) b,
        (SELECT count(*) FROM waiting WHERE due_at <= $1) w, (SELECT count(*) FROM pages) p`,
      [new Date(now)],
    );
    return JSON.stringify(found.rows[0]);
  }

  return {
    ...parts,
    database,
    providers,
    /** What agencies in trial would have sent. */
    simulated,
    dispatcher,
    /** A younger dispatcher takes every partition over and does the steps from here on; the positions may have been set back before. */
    async takeOver(): Promise<void> {
      first = await dispatcher();
    },
    get first() {
      return first;
    },
    worker,
    hand,
    shards,
    readProfiles,
    announce,
    answer,
    deliver,
    settle,
    idle,
    memory: queue as MemoryQueue,
    intake: () => first.intake(),
    plan: (limit?: number) => first.plan(limit),
    pump: () => first.pump(),
    /** Sets the clock to an instant, or forward by milliseconds. */
    at: (instant: string | number) => {
      now = typeof instant === 'string' ? Date.parse(instant) : now + instant;
    },
    /** The sessions whose heart stopped are ended and swept. Returns how many rows were in flight under them. */
    async endSessions(): Promise<number> {
      await endDeadSessions(pool);
      const repeats = {
        push: providers.push.repeats,
        email: providers.email.repeats,
        sms: providers.sms.repeats,
      };
      const swept = await transaction(pool, (sql) => sweepSessions(sql, repeats, now));
      return swept.reduce((sum, { count }) => sum + count, 0);
    },
    async citizen(given: CitizenOptions): Promise<string> {
      const points = [
        ...(given.sms === undefined ? [] : [{ channel: 'sms' as const, address: given.sms }]),
        ...(given.email === undefined ? [] : [{ channel: 'email' as const, address: given.email }]),
      ];
      await transaction(pool, async (sql) => {
        await saveCitizen(sql, given.id, given, now);
        await saveContactPoints(
          sql,
          sealer,
          given.id,
          points.map((point) => ({ ...point, content: point.address, verified: true })),
          now,
        );
        if (given.preferences !== undefined) await savePreferences(sql, given.id, given.preferences, now);
      });
      const { profile } = given;
      if (profile !== null)
        await broker.append(TOPICS.profiles, [
          { key: given.id, value: JSON.stringify({ ...PROFILE, ...profile }) },
        ]);
      return given.id;
    },
    async publish(...events: CloudEvent[]): Promise<void> {
      await broker.append(TOPICS.events, events.map(recordOfEvent));
    },
    async append(topic: string, ...records: NewRecord[]): Promise<void> {
      await broker.append(topic, records);
    },
    /** What does not add up in the ledger, as `npm run allim -- audit` finds it: nothing, whatever was done. */
    audit: async () => audit(pool, await attachedMonths(pool), now - 60_000),
    /** What the providers were given, in the order they were. */
    sent: (): Sent[] => CHANNELS.flatMap((channel) => providers[channel].sent),
    forgetSent(): void {
      for (const channel of CHANNELS) {
        providers[channel].sent.length = 0;
        simulated[channel].sent.length = 0;
        providers[channel].answer = () => ({ kind: 'accepted', reference: null });
        providers[channel].repeats = REPEATS_OF[channel];
        delete providers[channel].ask;
      }
    },
    async rows<R = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      return (await pool.query<R>(text, values)).rows;
    },
    /** `status/code` of a citizen's deliveries, with the stage, oldest first: `opened sms sent`. */
    async told(citizen: string): Promise<string[]> {
      const found = await pool.query<{ line: string }>(
        `SELECT n.stage_kind || coalesce(' ' || d.channel || ' ' || d.status || coalesce('/' || d.code, ''), ' no-address') AS line
         FROM notifications n LEFT JOIN deliveries d ON d.notification_id = n.id WHERE n.recipient_id = $1
         ORDER BY n.created_at, n.version, n.stage_kind, d.claimed_at NULLS LAST, d.channel`,
        [citizen],
      );
      return found.rows.map((row) => row.line);
    },
    /** Fails where the ledger does not add up after everything that the file did, unless the file itself wrote rows that do not. */
    async close({ audited = true }: { audited?: boolean } = {}): Promise<void> {
      // What a test left in the queue without a job is looked after as it would be in production.
      now += 20_000;
      await first.reconcile();
      const wrong = audited ? await audit(pool, await attachedMonths(pool), now - 60_000) : [];
      runs.stop();
      for (const watch of watches) await watch.stop();
      await hand.session.stop();
      await catalogue.stop();
      await broker.stop();
      await database.drop();
      if (wrong.length > 0) throw new Error(`the ledger does not add up: ${JSON.stringify(wrong)}`);
    },
  };
}
