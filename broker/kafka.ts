/**
 * The event log on Kafka, through kafkajs 2.2.4, which nothing else in the tree uses. Appends with acks = all; consumes without
 * committing to Kafka (positions are the ledger's); stops a partition rather than skip a record. It never makes a topic unasked.
 */
import type { ConnectionOptions } from 'node:tls';
import kafkajs, {
  type Admin,
  type ISocketFactory,
  type KafkaConfig,
  type Consumer as KafkajsConsumer,
  type Producer,
  type SASLOptions,
} from 'kafkajs';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import { assignPartitions } from './assignment.ts';
import type { Broker, Consumer, Subscription, TopicPartition } from './broker.ts';
import { leaveWhenAbandoned } from './kafka-abandon.ts';
import { createAppender } from './kafka-append.ts';
import { calmKafkajs } from './kafka-calm.ts';
import { createKafkaConsumer } from './kafka-consumer.ts';
import { translated, unavailable } from './kafka-errors.ts';
import type { Bounds } from './kafka-partition.ts';
import { openSocket, watchful } from './kafka-socket.ts';
import { partitionCounts, prepareTopics } from './kafka-topics.ts';
import { backOffMs, pauseFor } from './partition-loop.ts';

/** `mechanism` is plain, scram-sha-256 or scram-sha-512. */
export type KafkaSasl = Extract<SASLOptions, { username: string }>;

export type KafkaBrokerOptions = {
  /** host:port, one or more. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: KafkaSasl;
  /** For topics that `prepare` makes; the cluster's default unless told. */
  readonly replicationFactor?: number;
  /** How sockets to the brokers are opened, for those behind a proxy. */
  readonly socketFactory?: ISocketFactory;
  readonly logger: Logger;
};

const { AssignerProtocol, Kafka, logLevel } = kafkajs;

const APPEND_RETRY = { initialRetryTime: 50, maxRetryTime: 1_000, retries: 5 };
/** Longer than a broker holds any request back: a member that joins waits for the others, as long as the rebalance time-out. */
const REQUEST_MS = paced(20_000, 6_000);
/** A member that is silent for so long is taken for dead. */
const SESSION_MS = paced(6_000, 3_000);
const ASK_RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 };
const MOST_TRIES = 6;

export function createKafkaBroker(options: KafkaBrokerOptions): Broker {
  calmKafkajs();
  leaveWhenAbandoned();
  const { logger } = options;
  const config: KafkaConfig = {
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: paced(3_000, 1_500),
    requestTimeout: REQUEST_MS,
    logLevel: logLevel.INFO,
    logCreator: () => logTo(logger.child({ part: 'kafkajs' })),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
    socketFactory: watchful(options.socketFactory ?? openSocket, REQUEST_MS),
  };
  const kafka = new Kafka(config);
  const admin: Admin = kafka.admin({ retry: ASK_RETRY });
  const producer: Producer = kafka.producer({
    allowAutoTopicCreation: false,
    retry: APPEND_RETRY,
    // Partitions are computed before (domain/murmur2.ts), so that both adapters agree; kafkajs is not to choose.
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition!,
  });
  const counts = new Map<string, number>();
  const consumers = new Set<Consumer>();
  const stopping = new AbortController();
  const append = createAppender({ producer, logger, signal: stopping.signal, partitionsOf });
  let started: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  async function partitionsOf(topic: string): Promise<number> {
    const known = counts.get(topic);
    if (known !== undefined) return known;
    const found = (await partitionCounts(admin, [topic])).get(topic);
    if (found === undefined)
      throw new AllimError('topic-invalid', `topic ${topic} does not exist`, { ids: { topic } });
    counts.set(topic, found);
    return found;
  }
  /** kafkajs trips over itself where it asks about a topic while metadata that do not have it yet are still being fetched for another. */
  async function offsetsOf(topic: string): ReturnType<typeof admin.fetchTopicOffsets> {
    for (let tries = 1; ; tries++) {
      try {
        return await admin.fetchTopicOffsets(topic);
      } catch (error) {
        if (!(error instanceof TypeError) || tries === MOST_TRIES || stopping.signal.aborted) throw error;
        await pauseFor(backOffMs(tries), stopping.signal);
      }
    }
  }
  async function bounds(topic: string): Promise<readonly Bounds[]> {
    const offsets = await offsetsOf(topic);
    const result: Bounds[] = [];
    for (const { partition, low, high } of offsets)
      result[partition] = { begin: Number(low), end: Number(high) };
    return result;
  }

  function kafkajsConsumer(
    subscription: Subscription,
    held: () => readonly TopicPartition[],
  ): KafkajsConsumer {
    return kafka.consumer({
      groupId: subscription.group,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: SESSION_MS / 4,
      rebalanceTimeout: paced(10_000, 4_000),
      minBytes: 1,
      maxWaitTimeInMs: 1_000,
      maxBytesPerPartition: 1_048_576,
      // Room for every partition in one fetch, so that none starves behind the first ones.
      maxBytes: 67_108_864,
      allowAutoTopicCreation: false,
      metadataMaxAge: 60_000,
      // kafkajs's own restart would keep state of the crashed run; kafka-consumer.ts makes a new consumer instead.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 8, restartOnFailure: async () => false },
      partitionAssigners: [stickyAssigner(subscription.coPartitioned === true, held)],
    });
  }

  return {
    start() {
      started ??= Promise.all([admin.connect(), producer.connect()]).then(
        () => {},
        (error) => {
          started = undefined;
          throw unavailable(error);
        },
      );
      return started;
    },
    stop() {
      stopped ??= (async () => {
        stopping.abort();
        await Promise.all([...consumers].map((consumer) => consumer.stop()));
        // Whoever started it knows that it failed; what is there is stopped all the same.
        await started?.catch(() => {});
        await Promise.all([producer.disconnect(), admin.disconnect()]);
      })();
      return stopped;
    },
    async prepare(topics, { create }) {
      await translated(() =>
        prepareTopics(admin, topics, {
          create,
          replicationFactor: options.replicationFactor ?? -1,
          signal: stopping.signal,
        }),
      );
    },
    append: (topic, records) => translated(() => append(topic, records)),
    topics: (prefix) =>
      translated(async () =>
        (await admin.listTopics()).filter((topic) => topic.startsWith(prefix)).toSorted(),
      ),
    ends: (topic) => translated(async () => (await bounds(topic)).map((at) => at.end)),
    begins: (topic) => translated(async () => (await bounds(topic)).map((at) => at.begin)),
    subscribe(subscription) {
      const consumer = createKafkaConsumer({
        subscription,
        logger,
        create: (held) => kafkajsConsumer(subscription, held),
        bounds,
      });
      consumers.add(consumer);
      return {
        ...consumer,
        async stop() {
          await consumer.stop();
          consumers.delete(consumer);
        },
      };
    },
    async ping() {
      await translated(() => admin.describeCluster());
    },
  };
}

/** Says what it holds when it joins (the group protocol's user data), so that whoever leads can leave it there. */
function stickyAssigner(
  coPartitioned: boolean,
  held: () => readonly TopicPartition[],
): kafkajs.PartitionAssigner {
  const name = coPartitioned ? 'allim-copartitioned' : 'allim-sticky';
  return ({ cluster }) => ({
    name,
    version: 0,
    protocol: ({ topics }) => ({
      name,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: 0,
        topics,
        userData: Buffer.from(JSON.stringify(held())),
      }),
    }),
    async assign({ members, topics }) {
      const partitions = new Map(
        topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]),
      );
      const claims = members.map(({ memberId, memberMetadata }) => ({
        id: memberId,
        held: heldOf(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData),
      }));
      const assigned = assignPartitions(partitions, claims, coPartitioned);
      return [...assigned].map(([memberId, list]) => {
        const assignment: Record<string, number[]> = {};
        for (const { topic, partition } of list) {
          assignment[topic] ??= [];
          assignment[topic].push(partition);
        }
        const memberAssignment = AssignerProtocol.MemberAssignment.encode({
          version: 0,
          assignment,
          userData: Buffer.alloc(0),
        });
        return { memberId, memberAssignment };
      });
    },
  });
}

/** Another member's claim comes over the network; one that is not a list of partitions claims nothing. */
function heldOf(userData: Buffer | undefined): TopicPartition[] {
  try {
    const claimed: unknown = JSON.parse(String(userData));
    return Array.isArray(claimed)
      ? claimed.filter((at) => typeof at?.topic === 'string' && Number.isInteger(at?.partition))
      : [];
  } catch {
    return [];
  }
}

/** kafkajs's log with ids and messages alone: its other fields may hold what was in a request. */
function logTo(logger: Logger): (entry: kafkajs.LogEntry) => void {
  return ({ level, namespace, log }) => {
    const { message, groupId, topic, partition, broker, error } = log;
    const fields = {
      namespace,
      groupId,
      topic,
      partition,
      broker,
      ...(typeof error === 'string' ? { error } : {}),
    };
    if (level === logLevel.ERROR) logger.warn(fields, message);
    else if (level === logLevel.WARN) logger.info(fields, message);
    else logger.debug(fields, message);
  };
}
