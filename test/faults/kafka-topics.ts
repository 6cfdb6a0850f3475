/**
 * Topics whose records vanish. On a topic of one agency, with records that nobody can read, so that nobody is told anything by them; what was read of
 * them the stored position says.
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

async function writeUnreadable(kafka: Kafka, count: number): Promise<number> {
  const places = await write(
    kafka,
    Array.from({ length: count }, () => ({
      topic: TOPIC,
      partition: PARTITION,
      key: Buffer.from(`fault-${randomUUID()}`),
      value: Buffer.from('no event'),
      headers: {},
    })),
  );
  return Math.max(...places.map(({ offset }) => offset)) + 1;
}

/** For store/positions.ts. */
function sqlOf(stage: Stage) {
  return {
    query: async <R>(text: unknown, values: readonly unknown[] = []) => {
      const rows = (await stage.sql(String(text), values)) as R[];
      return { rows, rowCount: rows.length };
    },
  };
}

async function positionOf(stage: Stage) {
  const all = await readPositions(sqlOf(stage));
  return all.find(({ topic, partition }) => topic === TOPIC && partition === PARTITION);
}

async function awaitRead(stage: Stage, upTo: number): Promise<void> {
  await eventually(async () => (await positionOf(stage))?.offset === upTo, READ);
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
  const begin = (await admin.fetchTopicOffsets(TOPIC)).find(({ partition }) => partition === PARTITION)!.low;
  const at = await positionOf(stage);
  await movePosition(sqlOf(stage), at!.group, { topic: TOPIC, partition: PARTITION }, Number(begin));
}

async function putAside(stage: Stage): Promise<void> {
  const rows = await stage.sql<{ id: string }>(
    `SELECT id FROM quarantine WHERE state = 'open' AND topic = $1`,
    [TOPIC],
  );
  for (const { id } of rows) await stage.api('POST', `/api/v1/quarantine/${id}/drop`);
}

export async function remakeTopic(stage: Stage): Promise<void> {
  await withKafka(stage, async (kafka, admin) => {
    try {
      await eventually(async () => (await admin.listTopics()).includes(TOPIC), READ);
      const old = await writeUnreadable(kafka, 20);
      await awaitRead(stage, old);
      const partitions = (await admin.fetchTopicOffsets(TOPIC)).length;
      await admin.deleteTopics({ topics: [TOPIC] });
      // A dispatcher makes the topics that agencies lack, and may be first.
      await eventually(async () => {
        if ((await admin.listTopics()).includes(TOPIC)) return true;
        return await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: partitions }] });
      }, READ);
      const end = await eventually(() => writeUnreadable(kafka, 5), READ);
      await awaitSaid(stage);
      if ((await positionOf(stage))?.offset !== old)
        throw new Error('records of the new topic were read from the old position');
      await moveToBegin(stage, admin);
      await awaitRead(stage, end);
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
      const read = await writeUnreadable(kafka, 3);
      await awaitRead(stage, read);
      for (const name of dispatchers) stage.processes.freeze(name);
      await writeUnreadable(kafka, 20);
      const { high } = (await admin.fetchTopicOffsets(TOPIC)).find(
        ({ partition }) => partition === PARTITION,
      )!;
      await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: PARTITION, offset: high }] });
      const end = await writeUnreadable(kafka, 5);
      for (const name of dispatchers) stage.processes.thaw(name);
      await awaitSaid(stage);
      if ((await positionOf(stage))?.offset !== read)
        throw new Error('what follows deleted records was read as if they had never been');
      await moveToBegin(stage, admin);
      await awaitRead(stage, end);
    } finally {
      for (const name of dispatchers) stage.processes.thaw(name);
      await putAside(stage);
    }
  });
}
