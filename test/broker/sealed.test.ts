/** Sealed topics on the embedded log: what lies there, who can read it, and what happens while keys change. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Broker, LogRecord } from '../../broker/broker.ts';
import { createEmbeddedBroker } from '../../broker/embedded.ts';
import { createSealedBroker, SEALED_HEADER, sealPurpose } from '../../broker/sealed.ts';
import { silentLogger } from '../../domain/logger.ts';
import { createSealer } from '../../domain/sealing.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const TOPIC = 'citizen-profiles';
const index = Buffer.alloc(32, 9);
const first = Buffer.alloc(32, 1);
const second = Buffer.alloc(32, 2);
const topics = new Set([TOPIC]);

let database: TestDatabase;
let log: Broker;

beforeAll(async () => {
  database = await createDatabase();
  log = createEmbeddedBroker({ pool: database.pool, logger: silentLogger });
  await log.start();
});
afterAll(async () => {
  await log.stop();
  await database.drop();
});

const sealedBy = (key: Buffer, older: readonly Buffer[] = [], seal = true): Broker =>
  createSealedBroker(log, { sealer: createSealer(key, index, older), seal, topics, logger: silentLogger });

let groups = 0;
/** Everything of a topic from its beginning, as a broker hands it to whoever consumes. */
function reading(broker: Broker, topic = TOPIC) {
  const records: LogRecord[] = [];
  const consumer = broker.subscribe({
    group: `reads-${groups++}`,
    topics: [topic],
    assigned: async () => [],
    async handle(batch) {
      records.push(...batch.records);
    },
  });
  return { records, consumer };
}
async function readAll(broker: Broker, count: number, topic = TOPIC): Promise<readonly LogRecord[]> {
  const { records, consumer } = reading(broker, topic);
  await consumer.start();
  try {
    await eventually(() => expect(records.length).toBeGreaterThanOrEqual(count));
  } finally {
    await consumer.stop();
  }
  return records;
}
const textOf = (record: LogRecord | undefined) => record?.value?.toString();

async function fresh(broker: Broker = log): Promise<string> {
  const topic = `profiles-${groups++}`;
  await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
  topics.add(topic);
  return topic;
}

test('what is appended lies sealed in the log, under a key that its header names', async () => {
  const topic = await fresh();
  const broker = sealedBy(first);
  await broker.append(topic, [{ key: 'c-1', value: '{"sido":"11"}', headers: { 'allim-initial': '1' } }]);
  const [stored] = await readAll(log, 1, topic);
  expect(stored?.headers).toEqual({
    'allim-initial': '1',
    [SEALED_HEADER]: createSealer(first, index).keyId,
  });
  expect(textOf(stored)).not.toContain('sido');
  const [read] = await readAll(broker, 1, topic);
  expect(textOf(read)).toBe('{"sido":"11"}');
  expect(read?.headers).toEqual({ 'allim-initial': '1' });
});

test('tombstones and other topics stay as they are', async () => {
  const topic = await fresh();
  const plain = `plain-${groups++}`;
  const broker = sealedBy(first);
  await broker.prepare([{ topic: plain, partitions: 1, compacted: false }], { create: true });
  await broker.append(topic, [{ key: 'c-1', value: null }]);
  await broker.append(plain, [{ key: 'e-1', value: 'an event' }]);
  expect((await readAll(log, 1, topic))[0]).toMatchObject({ value: null, headers: {} });
  expect(textOf((await readAll(log, 1, plain))[0])).toBe('an event');
});

test('while keys change, plain values and those of both keys are read side by side', async () => {
  const topic = await fresh();
  await sealedBy(first, [], false).append(topic, [{ key: 'c-1', value: 'plain' }]);
  await sealedBy(first).append(topic, [{ key: 'c-1', value: 'under the first key' }]);
  const rotated = sealedBy(second, [first]);
  await rotated.append(topic, [{ key: 'c-1', value: 'under the second key' }]);
  const expected = ['plain', 'under the first key', 'under the second key'];
  expect((await readAll(rotated, 3, topic)).map(textOf)).toEqual(expected);
  // Switched off, what is sealed is still read.
  expect((await readAll(sealedBy(second, [first], false), 3, topic)).map(textOf)).toEqual(expected);
});

test('a record under a key that is not here stops its partition and readiness, and goes on with the key', async () => {
  const topic = await fresh();
  await sealedBy(first).append(topic, [{ key: 'c-1', value: 'kept' }]);
  const { records, consumer } = reading(sealedBy(second), topic);
  await consumer.start();
  await eventually(() => expect(consumer.healthy()).toBe(false));
  expect(records).toEqual([]);
  await consumer.stop();
  expect((await readAll(sealedBy(second, [first]), 1, topic)).map(textOf)).toEqual(['kept']);
});

test('a sealed value under another key of the topic does not open, and is handed on as it is', async () => {
  const topic = await fresh();
  const sealer = createSealer(first, index);
  await log.append(topic, [
    {
      key: 'c-2',
      value: sealer.seal(sealPurpose(topic, 'c-1'), 'of somebody else'),
      headers: { [SEALED_HEADER]: sealer.keyId },
    },
  ]);
  const [read] = await readAll(sealedBy(first), 1, topic);
  expect(textOf(read)).not.toContain('somebody else');
  expect(read?.headers[SEALED_HEADER]).toBe(sealer.keyId);
});
