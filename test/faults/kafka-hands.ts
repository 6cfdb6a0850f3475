/** What hands other than the product's do to its topics: copy records, write rubbish, move leaders, join its groups. Past the proxies. */
import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin, type IHeaders, type Kafka } from 'kafkajs';
import { createKafkaBroker } from '../../broker/kafka.ts';
import { silentLogger } from '../../domain/logger.ts';
import { eventually } from '../support/eventually.ts';
import type { Stage } from './fault.ts';
import { pick, shuffled, within } from './outage.ts';

export type Raw = {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
};

const { AssignerProtocol, logLevel } = kafkajs;

export async function withKafka<T>(
  stage: Stage,
  work: (kafka: Kafka, admin: Admin) => Promise<T>,
): Promise<T> {
  const kafka = new kafkajs.Kafka({
    brokers: stage.services.kafka.direct.split(','),
    clientId: 'fault',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 10 },
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(kafka, admin);
  } finally {
    await admin.disconnect();
  }
}

/** Up to `most` records of each partition, the last ones there are now. */
export async function lastRecords(kafka: Kafka, admin: Admin, topic: string, most: number): Promise<Raw[]> {
  const wanted = new Map<number, { from: number; to: number }>();
  for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
    const from = Math.max(Number(low), Number(high) - most);
    if (from < Number(high)) wanted.set(partition, { from, to: Number(high) });
  }
  const records: Raw[] = [];
  if (wanted.size === 0) return records;
  const groupId = `fault-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000 });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      async eachBatch({ batch }) {
        const range = wanted.get(batch.partition);
        if (range === undefined) return;
        for (const { offset, key, value, headers } of batch.messages)
          if (Number(offset) >= range.from && Number(offset) < range.to)
            records.push({ topic, partition: batch.partition, key, value, headers: headers ?? {} });
        if (Number(batch.lastOffset()) + 1 >= range.to) wanted.delete(batch.partition);
      },
    });
    for (const [partition, { from }] of wanted) consumer.seek({ topic, partition, offset: String(from) });
    await eventually(() => wanted.size === 0, { timeoutMs: 30_000, everyMs: 50 });
  } finally {
    await consumer.disconnect();
    await admin.deleteGroups([groupId]).catch(() => {});
  }
  return records;
}

export type Place = { readonly topic: string; readonly partition: number; readonly offset: number };

/** In this order, where they say. Returns where they lie, in no order. */
export async function write(kafka: Kafka, records: readonly Raw[]): Promise<readonly Place[]> {
  const places: Place[] = [];
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    for (let at = 0; at < records.length; at += 500) {
      const byTopic = Map.groupBy(records.slice(at, at + 500), ({ topic }) => topic);
      const sent = await producer.sendBatch({
        acks: -1,
        topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages: [...messages] })),
      });
      for (const { topicName: topic, partition, baseOffset } of sent) {
        const count = byTopic.get(topic)!.filter((record) => record.partition === partition).length;
        for (let after = 0; after < count; after++)
          places.push({ topic, partition, offset: Number(baseOffset) + after });
      }
    }
  } finally {
    await producer.disconnect();
  }
  return places;
}

/** Writes records of a topic once more, in another order; `anywhere` also on other partitions than theirs. */
export async function repeatRecords(
  stage: Stage,
  topics: readonly string[],
  most: number,
  anywhere: boolean,
): Promise<void> {
  await withKafka(stage, async (kafka, admin) => {
    for (const topic of topics) {
      const records = shuffled(stage, await lastRecords(kafka, admin, topic, most));
      const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition);
      await write(
        kafka,
        records.map((record) => (anywhere ? { ...record, partition: pick(stage, partitions) } : record)),
      );
      stage.say(`${records.length} records of ${topic} again`);
    }
  });
}

type Layout = Map<string, { partition: number; leader: number; replicas: number[] }[]>;

async function layout(admin: Admin): Promise<Layout> {
  const { topics } = await admin.fetchTopicMetadata();
  return new Map(
    topics
      .filter(({ name }) => !name.startsWith('__'))
      .map(({ name, partitions }) => [
        name,
        partitions.map(({ partitionId, leader, replicas }) => ({ partition: partitionId, leader, replicas })),
      ]),
  );
}

async function reassign(admin: Admin, wanted: Layout): Promise<void> {
  await admin.alterPartitionReassignments({
    topics: [...wanted].map(([topic, partitions]) => ({
      topic,
      partitionAssignment: partitions.map(({ partition, replicas }) => ({ partition, replicas })),
    })),
    timeout: 10_000,
  });
  await eventually(
    async () => (await admin.listPartitionReassignments({ timeout: 10_000 })).topics.length === 0,
    {
      timeoutMs: 60_000,
      everyMs: 100,
    },
  );
}

/** Each partition of ours gets another leader: its own is taken from its replicas, and put back as the last of them. */
export async function moveLeaders(stage: Stage): Promise<void> {
  await withKafka(stage, async (_kafka, admin) => {
    const before = await layout(admin);
    const without = new Map(
      [...before].map(([topic, partitions]) => [
        topic,
        partitions.map((one) => ({ ...one, replicas: one.replicas.filter((node) => node !== one.leader) })),
      ]),
    );
    const back = new Map(
      [...without].map(([topic, partitions]) => [
        topic,
        partitions.map((one) => ({ ...one, replicas: [...shuffled(stage, one.replicas), one.leader] })),
      ]),
    );
    try {
      await reassign(admin, without);
    } finally {
      await reassign(admin, back);
    }
    const moved = [...(await layout(admin))].flatMap(([topic, partitions]) =>
      partitions.filter((one) =>
        before.get(topic)?.some((old) => old.partition === one.partition && old.leader !== one.leader),
      ),
    );
    stage.say(`${moved.length} partitions have another leader`);
  });
}

type Group = { readonly group: string; readonly topics: readonly string[]; readonly coPartitioned: boolean };

async function groupsOf(admin: Admin): Promise<readonly Group[]> {
  const { groups } = await admin.listGroups();
  const ours = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith('allim-'));
  const described = await admin.describeGroups(ours);
  return described.groups.flatMap(({ groupId, protocol, members }) => {
    const topics = new Set(
      members.flatMap(
        ({ memberMetadata }) => AssignerProtocol.MemberMetadata.decode(memberMetadata)?.topics ?? [],
      ),
    );
    return topics.size === 0
      ? []
      : [{ group: groupId, topics: [...topics], coPartitioned: protocol === 'allim-copartitioned' }];
  });
}

/** Members that hold partitions and do nothing with them join the product's groups and leave again, several at a time, for `forMs` at the run's pace. */
export async function storm(stage: Stage, forMs: number): Promise<void> {
  const groups = await withKafka(stage, (_kafka, admin) => groupsOf(admin));
  let over = false;
  const ended = stage.pause(forMs).then(() => {
    over = true;
  });
  let joined = 0;
  const guest = async () => {
    while (!over) {
      const { group, topics, coPartitioned } = pick(stage, groups);
      const broker = createKafkaBroker({
        brokers: stage.services.kafka.direct.split(','),
        clientId: 'fault-guest',
        logger: silentLogger,
      });
      const consumer = broker.subscribe({
        group,
        topics,
        coPartitioned,
        // From the beginning, for it does nothing.
        assigned: async () => [],
        handle: async () => {},
      });
      try {
        await broker.start();
        await consumer.start();
        joined++;
        await stage.pause(within(stage, 1_000, 5_000));
      } finally {
        await broker.stop();
      }
    }
  };
  await Promise.all([guest(), guest(), guest()]);
  await ended;
  stage.say(`${joined} guests in ${groups.length} groups`);
}
