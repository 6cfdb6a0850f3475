/** A real Kafka under topics of this run alone, and everything that lies in them, read back by another client than ours. */
import kafkajs from 'kafkajs';
import type { Broker, Subscription, TopicPartition } from '../../../broker/broker.ts';
import { createKafkaBroker } from '../../../broker/kafka.ts';
import type { Logger } from '../../../domain/logger.ts';

const { Kafka, logLevel } = kafkajs;

export type KafkaLog = {
  readonly broker: Broker;
  /** Key, value and headers of every record, by the topic's own name. */
  texts(): Promise<(readonly [topic: string, text: string])[]>;
  /** Deletes the topics. The broker is stopped. */
  remove(): Promise<void>;
};

export function createKafkaLog(servers: readonly string[], run: string, logger: Logger): KafkaLog {
  const prefix = `${run}.`;
  const inner = createKafkaBroker({ brokers: servers, clientId: run, logger });
  const kafka = new Kafka({ brokers: [...servers], clientId: `${run}-reader`, logLevel: logLevel.NOTHING });
  return {
    broker: renamed(inner, prefix),
    texts: () => readBack(kafka, prefix),
    async remove() {
      const admin = kafka.admin();
      await admin.connect();
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
      await admin.disconnect();
    },
  };
}

/** The same broker, whose topics and groups have the prefix outside and not inside. */
function renamed(broker: Broker, prefix: string): Broker {
  const there = (topic: string): string => `${prefix}${topic}`;
  const here = <T extends TopicPartition>(at: T): T => ({ ...at, topic: at.topic.slice(prefix.length) });
  const outside = <T extends TopicPartition>(at: T): T => ({ ...at, topic: there(at.topic) });
  return {
    start: () => broker.start(),
    stop: () => broker.stop(),
    ping: () => broker.ping(),
    prepare: (specs, how) =>
      broker.prepare(
        specs.map((spec) => ({ ...spec, topic: there(spec.topic) })),
        how,
      ),
    append: async (topic, records) => (await broker.append(there(topic), records)).map(here),
    topics: async (begin) => (await broker.topics(there(begin))).map((topic) => topic.slice(prefix.length)),
    ends: (topic) => broker.ends(there(topic)),
    begins: (topic) => broker.begins(there(topic)),
    subscribe(given: Subscription) {
      const consumer = broker.subscribe({
        ...given,
        group: there(given.group),
        topics: given.topics.map(there),
        assigned: async (partitions) => (await given.assigned(partitions.map(here))).map(outside),
        handle: (batch) => given.handle({ ...here(batch), records: batch.records.map(here) }),
        revoked: async (partitions) => given.revoked?.(partitions.map(here)),
        stopped: (at, error) => given.stopped?.(here(at), error),
      });
      return {
        start: () => consumer.start(),
        stop: () => consumer.stop(),
        pause: (partitions) => consumer.pause(partitions.map(outside)),
        resume: (partitions) => consumer.resume(partitions.map(outside)),
        assignment: () => consumer.assignment().map(here),
        healthy: () => consumer.healthy(),
      };
    },
  };
}

const text = (value: Buffer | string | null | undefined): string =>
  value == null ? '' : Buffer.from(value as Buffer).toString('utf8');

/** Up to where each partition ends when it begins to read. */
async function readBack(
  kafka: kafkajs.Kafka,
  prefix: string,
): Promise<(readonly [topic: string, text: string])[]> {
  const admin = kafka.admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
  const left = new Map<string, number>();
  for (const topic of topics)
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
      if (Number(high) > Number(low)) left.set(`${topic}/${partition}`, Number(high));
  await admin.disconnect();
  const found: (readonly [string, string])[] = [];
  if (left.size === 0) return found;
  const consumer = kafka.consumer({ groupId: `${prefix}reader` });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { topic, partition, messages } }) => {
      for (const { key, value, headers } of messages) {
        const named = Object.entries(headers ?? {}).map(
          ([name, said]) =>
            `${name}: ${[said]
              .flat()
              .map((one) => text(one as Buffer))
              .join(', ')}`,
        );
        found.push([topic.slice(prefix.length), [text(key), text(value), ...named].join(' ')]);
      }
      const at = `${topic}/${partition}`;
      if (Number(messages.at(-1)?.offset ?? -1) + 1 >= (left.get(at) ?? 0)) left.delete(at);
      if (left.size === 0) resolve();
    },
  });
  await promise;
  await consumer.disconnect();
  return found;
}
