/**
 * The event log on Postgres tables (store/migrations/0002_event_log.sql), for whoever runs no Kafka. Keeps the contract of broker.ts:
 * order, at-least-once, no record skipped, compaction. Appends are transactions of their own, never part of a business transaction,
 * which would hold a partition's counter for as long as it lasts.
 */
import { randomUUID } from 'node:crypto';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { SqlPool } from '../domain/sql.ts';
import { isTransient } from '../domain/transient.ts';
import type { Appended, Broker, Consumer, NewRecord } from './broker.ts';
import { clean } from './embedded-clean.ts';
import { createEmbeddedConsumer } from './embedded-consumer.ts';
import { createEmbeddedGroup } from './embedded-group.ts';
import {
  appendRecords,
  createTopic,
  findTopic,
  readBounds,
  type Topic,
  topicNames,
  unknownTopic,
} from './embedded-log.ts';
import { createWakes } from './embedded-wake.ts';
import { backOffMs, keyOf, pauseFor } from './partition-loop.ts';
import { checkedSizes } from './record-size.ts';

export type EmbeddedBrokerOptions = {
  /** One connection of it is held for LISTEN; each partition that is being read takes one for a moment. */
  readonly pool: SqlPool;
  readonly logger: Logger;
  /** Begins the ids of this process's group members; random unless told. */
  readonly memberId?: string;
  /** A member silent for this long loses its partitions; 5 s unless told. It sends a heartbeat five times as often. */
  readonly sessionMs?: number;
  /** How long records of topics that are not compacted stay; 30 days unless told, null for ever. */
  readonly retentionMs?: number | null;
};

export type EmbeddedBroker = Broker & {
  /** Compacts every compacted topic now; resolves with the number of records removed. It runs by itself as well. */
  compact(): Promise<number>;
};

const CLEAN_EVERY_MS = 60_000;
/** After a long time off, whoever was behind gets an hour to read before anything is removed for its age. */
const NO_RETENTION_FOR_MS = 3_600_000;
const APPEND_WITHIN_MS = 30_000;
const DEFAULT_RETENTION_MS = 30 * 86_400_000;

export function createEmbeddedBroker(options: EmbeddedBrokerOptions): EmbeddedBroker {
  const { pool } = options;
  const logger = options.logger.child({ part: 'event log' });
  const sessionMs = options.sessionMs ?? 5_000;
  const process = options.memberId ?? randomUUID();
  const wakes = createWakes(pool, logger);
  const topics = new Map<string, Topic>();
  const consumers = new Set<Consumer>();
  const stopping = new AbortController();
  const bornAt = performance.now();
  let members = 0;
  let spread = 0;
  let cleaner: NodeJS.Timeout | undefined;
  let cleaning: Promise<unknown> = Promise.resolve();
  let stopped: Promise<void> | undefined;

  async function topicOf(name: string): Promise<Topic> {
    const known = topics.get(name);
    if (known !== undefined) return known;
    const found = await findTopic(pool, name);
    if (found === undefined) throw unknownTopic(name);
    topics.set(name, found);
    return found;
  }

  function cleanNow(): void {
    const old = performance.now() - bornAt > NO_RETENTION_FOR_MS;
    const retentionMs = options.retentionMs === undefined ? DEFAULT_RETENTION_MS : options.retentionMs;
    cleaning = clean(pool, { all: false, retentionMs: old ? retentionMs : null }).then(
      (removed) => {
        if (removed > 0) logger.info({ removed }, 'event log cleaned');
      },
      (error: unknown) => logger.warn({ error: messageOf(error) }, 'event log not cleaned'),
    );
  }

  async function append(name: string, records: readonly NewRecord[]): Promise<readonly Appended[]> {
    const sizes = checkedSizes(name, records);
    const topic = { name, ...(await topicOf(name)) };
    const wrong = records.find(({ partition: p }) => p !== undefined && !(p >= 0 && p < topic.partitions));
    if (wrong !== undefined)
      throw new AllimError(
        'topic-invalid',
        `${name} has ${topic.partitions} partitions, none numbered ${wrong.partition}`,
      );
    const appended = await appendRecords(pool, topic, records, sizes, () => spread++);
    wakes.wake(new Set(appended.map(keyOf)));
    return appended;
  }

  return {
    async start() {
      await ping();
      wakes.start();
      cleaner ??= setInterval(cleanNow, CLEAN_EVERY_MS);
      cleaner.unref();
    },
    stop() {
      stopped ??= (async () => {
        stopping.abort();
        clearInterval(cleaner);
        await Promise.all([...consumers].map((consumer) => consumer.stop()));
        await cleaning;
        await wakes.stop();
      })();
      return stopped;
    },
    async prepare(specs, { create }) {
      await unavailable(async () => {
        if (create) for (const spec of specs) await createTopic(pool, spec);
        const differences: string[] = [];
        for (const spec of specs) {
          const found = await findTopic(pool, spec.topic);
          if (found === undefined) {
            differences.push(`${spec.topic} does not exist`);
            continue;
          }
          if (found.partitions !== spec.partitions)
            differences.push(
              `${spec.topic} has ${found.partitions} partitions instead of ${spec.partitions}`,
            );
          if (found.compacted !== spec.compacted)
            differences.push(`${spec.topic} is ${found.compacted ? '' : 'not '}compacted`);
        }
        if (differences.length > 0) throw new AllimError('topic-invalid', differences.join('; '));
      });
    },
    append: (topic, records) => retried(() => append(topic, records)),
    topics: (prefix) => unavailable(() => topicNames(pool, prefix)),
    ends: (topic) => unavailable(async () => (await boundsOf(topic)).map((at) => at.next)),
    begins: (topic) => unavailable(async () => (await boundsOf(topic)).map((at) => at.first)),
    subscribe(subscription) {
      const consumer = createEmbeddedConsumer({
        pool,
        subscription,
        wakes,
        sessionMs,
        beatMs: sessionMs / 5,
        logger,
        topic: topicOf,
        group: createEmbeddedGroup(pool, {
          group: subscription.group,
          member: `${process}-${members++}`,
          sessionMs,
          coPartitioned: subscription.coPartitioned === true,
        }),
      });
      consumers.add(consumer);
      return consumer;
    },
    ping,
    compact: () => unavailable(() => clean(pool, { all: true, retentionMs: null })),
  };

  async function ping(): Promise<void> {
    await unavailable(() => pool.query('SELECT 1'));
  }
  async function boundsOf(topic: string) {
    const bounds = await readBounds(pool, topic);
    if (bounds.length === 0) throw unknownTopic(topic);
    return bounds;
  }
  /** A server that restarts is waited for, as a Kafka broker is; what was half done comes twice, which at-least-once allows. */
  async function retried<T>(work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + APPEND_WITHIN_MS;
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error)) throw error;
        if (stopping.signal.aborted || performance.now() > deadline)
          return unavailable(() => Promise.reject(error));
        await pauseFor(Math.min(1_000, backOffMs(failures)), stopping.signal);
      }
    }
  }
}

async function unavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isTransient(error) || error instanceof AllimError) throw error;
    throw new AllimError('broker-unavailable', `event log: ${messageOf(error)}`, { cause: error });
  }
}
