/**
 * A member of a consumer group on kafkajs. Guarantees that nothing is handed over before the position of this assignment was
 * given and sought, that handlers of a partition never overlap, and that a crashed or silent kafkajs consumer is replaced.
 * It commits nothing to Kafka. kafkajs only fetches here: handlers run beside its fetch rounds, so a slow or failing one costs
 * neither the membership nor the other partitions.
 */
import type { ConsumerCrashEvent, ConsumerGroupJoinEvent, Consumer as KafkajsConsumer } from 'kafkajs';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import type { Consumer, StartPosition, Subscription, TopicPartition } from './broker.ts';
import {
  type Bounds,
  createKafkaPartition,
  type KafkaPartition,
  type PartitionClient,
} from './kafka-partition.ts';
import { backOffMs, keyOf, pauseFor, startPartitionLoop } from './partition-loop.ts';

export type KafkaConsumerOptions = {
  readonly subscription: Subscription;
  readonly logger: Logger;
  /** A fresh kafkajs consumer, not connected; `held` says what this member holds, for the sticky assignment. */
  create(held: () => readonly TopicPartition[]): KafkajsConsumer;
  /** Bounds of every partition of a topic, by partition. */
  bounds(topic: string): Promise<readonly Bounds[]>;
};

const REPLACE_AFTER_SILENCE_MS = paced(20_000, 8_000);
const UNHEALTHY_AFTER_SILENCE_MS = paced(30_000, 12_000);
/** As the rebalance time-out: a handler that runs longer has lost its partition anyway. */
/** A person may have moved the position of a partition that stopped. */
const LOOK_AGAIN_MS = paced(10_000, 2_000);
const END_WITHIN_MS = paced(10_000, 4_000);

export function createKafkaConsumer(options: KafkaConsumerOptions): Consumer {
  const { subscription } = options;
  const logger = options.logger.child({ group: subscription.group });
  const stopping = new AbortController();
  const paused = new Set<string>();
  /** Partitions of this assignment that cannot go on; a new assignment asks for their positions again. */
  const halted = new Set<string>();
  let kafkajs: KafkajsConsumer | undefined;
  let partitions = new Map<string, KafkaPartition>();
  let memberId: string | undefined;
  /** Counts assignments: whatever belongs to an older one must not act. */
  let round = 0;
  let settled: Promise<void> = Promise.resolve();
  let polledAt = performance.now();
  let crashes = 0;
  let replacing: Promise<void> | undefined;
  let watch: NodeJS.Timeout | undefined;
  let looking: NodeJS.Timeout | undefined;
  let stopped: Promise<void> | undefined;

  const held = () => [...partitions.values()].map(({ at }) => at);
  const polled = () => {
    polledAt = performance.now();
  };

  function clientOf(consumer: KafkajsConsumer): PartitionClient {
    const mine = round;
    const attempt = (change: () => void) => {
      try {
        if (consumer === kafkajs) change();
      } catch {
        // kafkajs throws once it has stopped; what this would have changed is gone then.
      }
    };
    const one = (at: TopicPartition) => [{ topic: at.topic, partitions: [at.partition] }];
    return {
      seek: (at, offset) => attempt(() => consumer.seek({ ...at, offset: String(offset) })),
      pause: (at) => attempt(() => consumer.pause(one(at))),
      resume: (at) => attempt(() => consumer.resume(one(at))),
      async bounds(at) {
        const found = (await options.bounds(at.topic))[at.partition];
        if (found === undefined) throw new AllimError('broker-unavailable', `no bounds for ${keyOf(at)}`);
        return found;
      },
      stopped(at, error) {
        if (mine === round) halted.add(keyOf(at));
        logger.error({ ...at, error: error.message }, 'partition stopped');
        subscription.stopped?.(at, error);
      },
    };
  }

  async function endAll(which: readonly KafkaPartition[]): Promise<void> {
    for (const partition of which) partition.end();
    await Promise.all(which.map((partition) => partition.loop?.end()));
  }
  async function revoke(gone: readonly TopicPartition[]): Promise<void> {
    if (gone.length === 0) return;
    for (const at of gone) paused.delete(keyOf(at));
    try {
      await subscription.revoked?.(gone);
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'revoked() failed');
    }
  }

  /** Runs in kafkajs's GROUP_JOIN, before it fetches: from here on no fetch passes without a sought position. */
  function joined(consumer: KafkajsConsumer, event: ConsumerGroupJoinEvent): void {
    if (consumer !== kafkajs || stopping.signal.aborted) return;
    polled();
    crashes = 0;
    const mine = ++round;
    const before = partitions;
    const sameMember = memberId === event.payload.memberId;
    memberId = event.payload.memberId;
    const client = clientOf(consumer);
    partitions = new Map();
    halted.clear();
    for (const [topic, numbers] of Object.entries(event.payload.memberAssignment)) {
      for (const partition of numbers) {
        const at = { topic, partition };
        partitions.set(keyOf(at), createKafkaPartition(at, client, logger));
      }
    }
    const now = partitions;
    logger.info({ round: mine, partitions: now.size, keptMember: sameMember }, 'assigned');
    const ended = endAll([...before.values()]);
    settled = settled
      .then(() => Promise.race([ended, pauseFor(END_WITHIN_MS, stopping.signal)]))
      .then(async () => {
        const gone = [...before].filter(([key]) => !sameMember || !now.has(key)).map(([, old]) => old.at);
        await revoke(gone);
        if (now.size > 0) await begin(mine, now, before);
      });
  }

  /** Asks for the positions until they are given, seeks them, and lets the handlers begin. */
  async function begin(
    mine: number,
    now: ReadonlyMap<string, KafkaPartition>,
    before: ReadonlyMap<string, KafkaPartition>,
    begun?: (key: string, partition: KafkaPartition) => void,
  ): Promise<void> {
    for (let failures = 1; mine === round && !stopping.signal.aborted; failures++) {
      const waiting = [...now.values()].filter(
        (partition) => partition.loop === undefined && !partition.over(),
      );
      if (waiting.length === 0) return;
      try {
        const [starts, bounds] = await Promise.all([
          subscription.assigned(waiting.map((partition) => partition.at)),
          boundsOf([...new Set(waiting.map((partition) => partition.at.topic))]),
        ]);
        if (mine !== round || stopping.signal.aborted) return;
        const startOf = new Map(starts.map((start) => [keyOf(start), start]));
        for (const partition of waiting) {
          const key = keyOf(partition.at);
          const limits = bounds.get(partition.at.topic)?.[partition.at.partition];
          if (limits === undefined) throw new AllimError('broker-unavailable', `no bounds for ${key}`);
          if (partition.over()) continue;
          const start = startOf.get(key) ?? { ...partition.at, offset: limits.begin, fence: 0 };
          if (!partition.begin(start, limits)) continue;
          begun?.(key, partition);
          // A handler of the assignment before that ignores its signal still keeps its successor waiting.
          const previous = before.get(key)?.loop?.end();
          if (previous === undefined) run(partition, start);
          else void previous.then(() => run(partition, start));
        }
        return;
      } catch (error) {
        logger.warn({ failures, error: messageOf(error) }, 'no positions for the assignment yet');
        await pauseFor(backOffMs(failures), stopping.signal);
      }
    }
  }

  /** Stopped partitions begin anew where their positions are in the log by now; the others stop again, and say so again. */
  async function lookAgain(): Promise<void> {
    const consumer = kafkajs;
    if (halted.size === 0 || consumer === undefined || replacing !== undefined) return;
    const mine = round;
    const before = new Map<string, KafkaPartition>();
    const now = new Map<string, KafkaPartition>();
    for (const key of halted) {
      const old = partitions.get(key);
      if (old === undefined) continue;
      before.set(key, old);
      now.set(key, createKafkaPartition(old.at, clientOf(consumer), logger));
    }
    await begin(mine, now, before, (key, partition) => {
      halted.delete(key);
      partitions.set(key, partition);
    });
  }

  async function boundsOf(topics: readonly string[]): Promise<Map<string, readonly Bounds[]>> {
    const found = topics.map(async (topic) => [topic, await options.bounds(topic)] as const);
    return new Map(await Promise.all(found));
  }

  function run(partition: KafkaPartition, start: StartPosition): void {
    if (partition.over()) return;
    const { at } = partition;
    partition.loop = startPartitionLoop({
      start,
      source: partition.queue,
      subscription,
      paused: paused.has(keyOf(at)),
      logger,
      // Fetch rounds keep the membership alive while handlers run beside them; what can fail here is that the partition was lost.
      async heartbeat() {
        if (partition.over()) throw new AllimError('position-fenced', `${keyOf(at)} was revoked`);
      },
      async positionAgain() {
        const [again] = await subscription.assigned([at]);
        if (again !== undefined) return again;
        return { ...at, offset: (await options.bounds(at.topic))[at.partition]?.begin ?? 0, fence: 0 };
      },
    });
  }

  async function launch(): Promise<void> {
    const consumer = options.create(held);
    kafkajs = consumer;
    memberId = undefined;
    polled();
    consumer.on(consumer.events.GROUP_JOIN, (event) => joined(consumer, event));
    consumer.on(consumer.events.REBALANCING, () => {
      if (consumer === kafkajs) void endAll([...partitions.values()]);
    });
    consumer.on(consumer.events.FETCH, () => {
      if (consumer === kafkajs) polled();
    });
    consumer.on(consumer.events.START_BATCH_PROCESS, ({ payload }) => {
      if (consumer !== kafkajs || payload.batchSize > 0) return;
      partitions.get(keyOf(payload))?.filtered(payload);
    });
    consumer.on(consumer.events.CRASH, ({ payload }: ConsumerCrashEvent) => {
      if (consumer === kafkajs) replace(messageOf(payload.error));
    });
    try {
      await begun(consumer);
    } catch (error) {
      // One that was given up meanwhile says nothing about its successor.
      if (consumer === kafkajs) throw error;
    }
    // It was given up before it had anything that could be stopped.
    if (consumer !== kafkajs) await disconnect(consumer);
  }

  async function begun(consumer: KafkajsConsumer): Promise<void> {
    await consumer.connect();
    if (consumer !== kafkajs) return;
    await consumer.subscribe({ topics: [...subscription.topics], fromBeginning: true });
    if (consumer !== kafkajs) return;
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 1_000,
      async eachBatch(payload) {
        if (consumer !== kafkajs) return;
        const heartbeat = () => {
          polled();
          return payload.heartbeat();
        };
        await partitions.get(keyOf(payload.batch))?.fetched({ ...payload, heartbeat });
      },
    });
  }

  /** Everything held is lost; a new kafkajs consumer joins after a back-off. */
  function replace(reason: string): void {
    if (replacing !== undefined || stopping.signal.aborted) return;
    const broken = kafkajs;
    kafkajs = undefined;
    round++;
    crashes++;
    const lost = partitions;
    partitions = new Map();
    halted.clear();
    logger.warn({ reason, crashes, backOffMs: backOffMs(crashes) }, 'consumer crashed, starting it again');
    replacing = (async () => {
      if (broken !== undefined) void disconnect(broken);
      await Promise.race([endAll([...lost.values()]), pauseFor(END_WITHIN_MS, stopping.signal)]);
      await revoke([...lost.values()].map((partition) => partition.at));
      await pauseFor(backOffMs(crashes), stopping.signal);
    })().then(async () => {
      replacing = undefined;
      if (stopping.signal.aborted) return;
      try {
        await launch();
      } catch (error) {
        replace(messageOf(error));
      }
    });
  }

  async function disconnect(consumer: KafkajsConsumer): Promise<void> {
    const late = new AbortController();
    const left = consumer
      .disconnect()
      .catch((error: unknown) => logger.debug({ error: messageOf(error) }, 'disconnect'));
    await Promise.race([left, pauseFor(END_WITHIN_MS, late.signal)]);
    late.abort();
  }

  return {
    async start() {
      if (watch !== undefined || stopped !== undefined) return;
      watch = setInterval(() => {
        if (performance.now() - polledAt > REPLACE_AFTER_SILENCE_MS)
          replace(`no fetch for ${REPLACE_AFTER_SILENCE_MS} ms`);
      }, paced(2_000));
      watch.unref();
      looking = setInterval(() => {
        settled = settled.then(lookAgain);
      }, LOOK_AGAIN_MS);
      looking.unref();
      try {
        await launch();
      } catch (error) {
        replace(messageOf(error));
      }
    },
    stop() {
      stopped ??= (async () => {
        stopping.abort();
        clearInterval(watch);
        clearInterval(looking);
        const last = [...partitions.values()];
        await endAll(last);
        await settled;
        await revoke(last.map((partition) => partition.at));
        partitions = new Map();
        await replacing;
        const consumer = kafkajs;
        kafkajs = undefined;
        if (consumer !== undefined) await disconnect(consumer);
      })();
      return stopped;
    },
    pause(which) {
      for (const at of which) {
        paused.add(keyOf(at));
        partitions.get(keyOf(at))?.loop?.pause();
      }
    },
    resume(which) {
      for (const at of which) {
        paused.delete(keyOf(at));
        partitions.get(keyOf(at))?.loop?.resume();
      }
    },
    assignment: held,
    healthy: () =>
      halted.size === 0 && crashes < 5 && performance.now() - polledAt < UNHEALTHY_AFTER_SILENCE_MS,
  };
}
