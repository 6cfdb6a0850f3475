/**
 * Topics whose records vanish. On a topic of one agency, with records that nobody can read: each that was taken in lies in quarantine, so that it
 * can be told what was read and what was not.
 */
import { randomUUID } from 'node:crypto';
import type { Admin, Kafka } from 'kafkajs';
import { movePosition, readPositions } from '../../store/positions.ts';
import { eventually } from '../support/eventually.ts';
import type { Stage } from './fault.ts';
import { withKafka, write } from './kafka-hands.ts';

const TOPIC = 'agency-events.nts';
const PARTITION = 0;
/** Looks at the list of topics every 20 s, and a group takes its time. */
const READ = { timeoutMs: 90_000, everyMs: 200 };

async function writeUnreadable(kafka: Kafka, count: number): Promise<ReadonlySet<string>> {
  const keys = Array.from({ length: count }, () => `fault-${randomUUID()}`);
  await write(
    kafka,
    keys.map((key) => ({
      topic: TOPIC,
      partition: PARTITION,
      key: Buffer.from(key),
      value: Buffer.from('no event'),
      headers: {},
    })),
  );
  return new Set(keys);
}

async function awaitRead(stage: Stage, keys: ReadonlySet<string>): Promise<void> {
  await eventually(async () => (await readOf(stage, keys)) === keys.size, READ);
}

async function readOf(stage: Stage, keys: ReadonlySet<string>): Promise<number> {
  const rows = await stage.sql<{ n: number }>(
    `SELECT count(*)::int AS n FROM quarantine WHERE state = 'open' AND key = ANY($1)`,
    [[...keys]],
  );
  return rows[0]?.n ?? 0;
}

/** Some dispatcher is not ready, because a partition of its stands still. */
async function awaitSaid(stage: Stage): Promise<void> {
  await eventually(async () => {
    for (const name of stage.processes.names('dispatcher')) {
      const answer = await fetch(`${stage.processes.url(name)}/readyz`, {
        signal: AbortSignal.timeout(5_000),
      });
      await answer.arrayBuffer();
      if (answer.status !== 200) return true;
    }
    return false;
  }, READ);
}

async function moveToBegin(stage: Stage, admin: Admin): Promise<void> {
  const sql = {
    query: async <R>(text: unknown, values: readonly unknown[] = []) => {
      const rows = (await stage.sql(String(text), values)) as R[];
      return { rows, rowCount: rows.length };
    },
  };
  const begin = (await admin.fetchTopicOffsets(TOPIC)).find(({ partition }) => partition === PARTITION)!.low;
  for (const { group, topic, partition } of await readPositions(sql))
    if (topic === TOPIC && partition === PARTITION)
      await movePosition(sql, group, { topic, partition }, Number(begin));
}

async function putAside(stage: Stage): Promise<void> {
  const rows = await stage.sql<{ id: string }>(
    `SELECT id FROM quarantine WHERE state = 'open' AND topic = $1 AND key LIKE 'fault-%'`,
    [TOPIC],
  );
  for (const { id } of rows) await stage.api('POST', `/api/v1/quarantine/${id}/drop`);
}

export async function remakeTopic(stage: Stage): Promise<void> {
  await withKafka(stage, async (kafka, admin) => {
    try {
      await eventually(async () => (await admin.listTopics()).includes(TOPIC), READ);
      await awaitRead(stage, await writeUnreadable(kafka, 20));
      const partitions = (await admin.fetchTopicOffsets(TOPIC)).length;
      await admin.deleteTopics({ topics: [TOPIC] });
      // A dispatcher makes the topics that agencies lack, and may be first.
      await eventually(async () => {
        if ((await admin.listTopics()).includes(TOPIC)) return true;
        return await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: partitions }] });
      }, READ);
      const keys = await eventually(() => writeUnreadable(kafka, 5), READ);
      await awaitSaid(stage);
      if ((await readOf(stage, keys)) > 0)
        throw new Error('records of the new topic were read from the old position');
      await moveToBegin(stage, admin);
      await awaitRead(stage, keys);
    } finally {
      await putAside(stage);
    }
  });
}

export async function deleteUnread(stage: Stage): Promise<void> {
  await withKafka(stage, async (kafka, admin) => {
    const dispatchers = stage.processes.names('dispatcher');
    try {
      await eventually(async () => (await admin.listTopics()).includes(TOPIC), READ);
      await awaitRead(stage, await writeUnreadable(kafka, 3));
      for (const name of dispatchers) stage.processes.freeze(name);
      await writeUnreadable(kafka, 20);
      const { high } = (await admin.fetchTopicOffsets(TOPIC)).find(
        ({ partition }) => partition === PARTITION,
      )!;
      await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: PARTITION, offset: high }] });
      const kept = await writeUnreadable(kafka, 5);
      for (const name of dispatchers) stage.processes.thaw(name);
      await awaitSaid(stage);
      if ((await readOf(stage, kept)) > 0)
        throw new Error('what follows deleted records was read as if they had never been');
      await moveToBegin(stage, admin);
      await awaitRead(stage, kept);
    } finally {
      for (const name of dispatchers) stage.processes.thaw(name);
      await putAside(stage);
    }
  });
}
