/** Makes and checks topics through kafkajs's admin client. */
import type { Admin } from 'kafkajs';
import { AllimError } from '../domain/errors.ts';
import type { TopicSpec } from './broker.ts';
import { isPassing } from './kafka-errors.ts';
import { backOffMs, pauseFor } from './partition-loop.ts';

/** ConfigResourceTypes.TOPIC of the Kafka protocol. */
const TOPIC_RESOURCE = 2;
/** A record may have 1 MiB; its framing comes on top, and Kafka's default limit leaves 12 bytes for that. */
const MAX_MESSAGE_BYTES = 1_310_720;
/** Brokers hear of a new topic one after the other. */
const LED_WITHIN_MS = 15_000;

export async function partitionCounts(admin: Admin, topics: readonly string[]): Promise<Map<string, number>> {
  const existing = new Set(await admin.listTopics());
  const known = topics.filter((topic) => existing.has(topic));
  if (known.length === 0) return new Map();
  const metadata = await admin.fetchTopicMetadata({ topics: known });
  return new Map(metadata.topics.map((topic) => [topic.name, topic.partitions.length]));
}

export async function prepareTopics(
  admin: Admin,
  specs: readonly TopicSpec[],
  options: { create: boolean; replicationFactor: number; signal: AbortSignal },
): Promise<void> {
  const names = specs.map((spec) => spec.topic);
  let counts = await partitionCounts(admin, names);
  const missing = specs.filter((spec) => !counts.has(spec.topic));
  if (options.create && missing.length > 0) {
    await admin.createTopics({
      // kafkajs's own waiting fails on a broker that has not yet heard of the topic.
      waitForLeaders: false,
      topics: missing.map((spec) => ({
        topic: spec.topic,
        numPartitions: spec.partitions,
        replicationFactor: options.replicationFactor,
        configEntries: [
          { name: 'cleanup.policy', value: spec.compacted ? 'compact' : 'delete' },
          { name: 'max.message.bytes', value: String(MAX_MESSAGE_BYTES) },
          ...(spec.deleteRetentionMs === undefined
            ? []
            : [{ name: 'delete.retention.ms', value: String(spec.deleteRetentionMs) }]),
        ],
      })),
    });
    await ledTopics(
      admin,
      missing.map((spec) => spec.topic),
      options.signal,
    );
    counts = await partitionCounts(admin, names);
  }
  const policies = await cleanupPolicies(
    admin,
    names.filter((name) => counts.has(name)),
  );
  const differences = specs.flatMap((spec) => {
    const partitions = counts.get(spec.topic);
    if (partitions === undefined) return [`${spec.topic} does not exist`];
    const found: string[] = [];
    if (partitions !== spec.partitions)
      found.push(`${spec.topic} has ${partitions} partitions instead of ${spec.partitions}`);
    const policy = policies.get(spec.topic) ?? 'delete';
    if (policy.split(',').includes('compact') !== spec.compacted)
      found.push(
        `${spec.topic} has cleanup.policy ${policy} instead of ${spec.compacted ? 'compact' : 'delete'}`,
      );
    return found;
  });
  if (differences.length > 0) throw new AllimError('topic-invalid', differences.join('; '));
}

/** Until each of these new topics is known and each of its partitions led; throws what kafkajs said last when that takes too long. */
async function ledTopics(admin: Admin, topics: readonly string[], signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + LED_WITHIN_MS;
  for (let tries = 1; ; tries++) {
    try {
      const metadata = await admin.fetchTopicMetadata({ topics: [...topics] });
      const led = new Map(
        metadata.topics.map(({ name, partitions }) => [
          name,
          partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
        ]),
      );
      if (topics.every((topic) => led.get(topic) === true)) return;
      if (signal.aborted || performance.now() > deadline)
        throw new AllimError(
          'broker-unavailable',
          `Kafka: no leader yet for partitions of ${topics.join(', ')}`,
        );
    } catch (error) {
      if (signal.aborted || !isPassing(error) || performance.now() > deadline) throw error;
    }
    await pauseFor(Math.min(500, backOffMs(tries)), signal);
  }
}

async function cleanupPolicies(admin: Admin, topics: readonly string[]): Promise<Map<string, string>> {
  if (topics.length === 0) return new Map();
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: ['cleanup.policy'] })),
  });
  return new Map(
    resources.map((resource) => [
      resource.resourceName,
      resource.configEntries.find((entry) => entry.configName === 'cleanup.policy')?.configValue ?? 'delete',
    ]),
  );
}
