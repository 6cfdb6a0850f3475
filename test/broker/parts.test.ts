import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EachBatchPayload } from 'kafkajs';
import { assignPartitions } from '../../broker/assignment.ts';
import type { NewRecord, TopicPartition } from '../../broker/broker.ts';
import { rounds } from '../../broker/kafka-append.ts';
import { type Bounds, createKafkaPartition, recordOf } from '../../broker/kafka-partition.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { murmur2, partitionOf } from '../../domain/murmur2.ts';
import { isTransient } from '../../domain/transient.ts';

describe('murmur2', () => {
  // The vectors of Kafka's own test, UtilsTest#testMurmur2.
  test.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is %d', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
    expect(partitionOf(key, 8)).toBe((hash & 0x7fffffff) % 8);
  });

  test.each([
    '',
    'é',
    '가나-1',
    'c-\ud800',
    'x'.repeat(63),
    'x'.repeat(64),
    'x'.repeat(65),
    `${'x'.repeat(63)}é`,
  ])('of the text %j is that of its bytes', (key) => {
    // Something longer stood before in the place where keys are spelt.
    partitionOf('z'.repeat(64), 32);
    expect(partitionOf(key, 65_521)).toBe(partitionOf(Buffer.from(key, 'utf8'), 65_521));
  });
});

describe('a Kafka record', () => {
  const at = { topic: 't', partition: 0 };
  const message = (key: Buffer | null, headers: Record<string, Buffer | Buffer[]>) =>
    recordOf(at, { key, value: null, timestamp: '0', offset: '7', attributes: 0, headers } as never);

  test('of text alone has no flaws, though it holds the replacement character', () => {
    const record = message(Buffer.from('키\ufffd'), { ce_id: Buffer.from('é') });
    expect(record).toMatchObject({ key: '키\ufffd', headers: { ce_id: 'é' } });
    expect(record).not.toHaveProperty('flaws');
  });

  test('whose key and headers are no text, or repeated, says which, and keeps the bytes', () => {
    const bad = Buffer.from([0x61, 0xff]);
    const record = message(bad, { ce_id: [Buffer.from('1'), Buffer.from('2')], trace: bad });
    expect(record.headers['ce_id']).toBe('2');
    expect(record.flaws).toEqual({
      notUtf8: ['trace', 'key'],
      repeated: ['ce_id'],
      rawKey: bad,
      rawHeaders: [
        ['ce_id', Buffer.from('1')],
        ['ce_id', Buffer.from('2')],
        ['trace', bad],
      ],
    });
  });
});

describe('the assignment', () => {
  const groups = fc.record({
    topics: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
    members: fc.integer({ min: 1, max: 6 }),
    coPartitioned: fc.boolean(),
  });

  test('gives every partition to one member, to within one unit, and leaves what it can where it is', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 6 }), ({ topics, members, coPartitioned }, later) => {
        const counts = new Map(topics.map((partitions, at) => [`t${at}`, partitions]));
        const unit = (at: TopicPartition) =>
          coPartitioned ? `${at.partition}` : `${at.topic}/${at.partition}`;
        const units = (list: readonly TopicPartition[]) => new Set(list.map(unit));
        const ids = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `m${at}`, held: [] }));
        const first = assignPartitions(counts, ids(members), coPartitioned);
        const all = [...first.values()].flat();
        expect(all).toHaveLength(topics.reduce((sum, partitions) => sum + partitions, 0));
        const loads = [...first.values()].map((list) => units(list).size);
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1);
        expect(loads.reduce((sum, load) => sum + load, 0)).toBe(units(all).size);

        const again = assignPartitions(
          counts,
          ids(later).map(({ id }) => ({ id, held: first.get(id) ?? [] })),
          coPartitioned,
        );
        const total = units(all).size;
        for (const { id } of ids(Math.min(members, later))) {
          const before = units(first.get(id) ?? []);
          const kept = [...units(again.get(id) ?? [])].filter((at) => before.has(at));
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(before.size, Math.floor(total / later)));
        }
      }),
    );
  });
});

describe('an append to Kafka', () => {
  test('is cut into rounds that keep the order and fit into a record batch', () => {
    const records: NewRecord[] = Array.from({ length: 60 }, (_, at) => ({
      key: 'k',
      value: null,
      partition: at % 3,
    }));
    const sizes = records.map((_, at) => (at % 7 === 0 ? 1_000_000 : 90_000));
    const sent = rounds(records, sizes, 3, () => 0);
    for (const partition of [0, 1, 2]) {
      const places = sent.map((round) => round.filter((placed) => placed.partition === partition));
      const order = places.flat().map((placed) => placed.index);
      expect(order).toEqual(records.map((_, at) => at).filter((at) => at % 3 === partition));
      for (const batch of places) {
        const bytes = batch.reduce((sum, placed) => sum + sizes[placed.index]!, 0);
        expect(batch.length === 1 || bytes <= 900_000).toBe(true);
      }
    }
  });
});

describe('the chain of fetches', () => {
  const at = { topic: 't', partition: 0 };

  function partitionWith(bounds: Bounds) {
    const seeks: number[] = [];
    const stopped: Error[] = [];
    const partition = createKafkaPartition(
      at,
      {
        seek: (_, offset) => seeks.push(offset),
        pause() {},
        resume() {},
        bounds: async () => bounds,
        stopped: (_, error) => stopped.push(error),
      },
      silentLogger,
    );
    expect(partition.begin({ ...at, offset: 5, fence: 1 }, { begin: 0, end: 100 })).toBe(true);
    return { partition, seeks, stopped };
  }
  function fetch(from: number, offsets: readonly number[], last = offsets.at(-1)!): EachBatchPayload {
    const messages = offsets.map((offset) => ({
      offset: String(offset),
      key: null,
      value: null,
      timestamp: '0',
    }));
    const batch = { ...at, fetchedOffset: String(from), messages, lastOffset: () => String(last) };
    return { batch, heartbeat: async () => {} } as unknown as EachBatchPayload;
  }
  const taken = async (partition: ReturnType<typeof createKafkaPartition>) => {
    const chunk = await partition.queue.take(AbortSignal.timeout(50));
    return (
      chunk && { from: chunk.from, next: chunk.next, offsets: chunk.records.map((record) => record.offset) }
    );
  };

  test('follows fetch positions, whatever holes the records have', async () => {
    const { partition, seeks } = partitionWith({ begin: 0, end: 100 });
    await partition.fetched(fetch(0, [0, 1, 2, 3, 4, 5]));
    await partition.fetched(fetch(5, [9, 12], 14));
    partition.filtered({ firstOffset: '15', lastOffset: '19' });
    await partition.fetched(fetch(20, [20]));
    // What waits goes together, over the holes between.
    expect(await taken(partition)).toEqual({ from: 5, next: 21, offsets: [9, 12, 20] });
    expect(await taken(partition)).toBeUndefined();
    expect(seeks).toEqual([5, 15, 20, 21]);
  });

  test('refuses a fetch that starts beyond the position, and seeks again', async () => {
    const { partition, seeks, stopped } = partitionWith({ begin: 0, end: 100 });
    await partition.fetched(fetch(8, [8]));
    await partition.fetched(fetch(8, [8]));
    expect(await taken(partition)).toBeUndefined();
    expect(seeks).toEqual([5, 5]);
    expect(stopped).toEqual([]);
    await partition.fetched(fetch(5, [5]));
    expect(await taken(partition)).toEqual({ from: 5, next: 6, offsets: [5] });
  });

  test('stops when the log has lost what comes next, markers in its place or not', async () => {
    const lost = partitionWith({ begin: 8, end: 100 });
    await lost.partition.fetched(fetch(8, [8]));
    await lost.partition.fetched(fetch(8, [8]));
    expect(lost.stopped).toMatchObject([{ code: 'offset-out-of-range' }]);
    const marked = partitionWith({ begin: 8, end: 100 });
    marked.partition.filtered({ firstOffset: '8', lastOffset: '9' });
    await marked.partition.fetched(fetch(10, [10]));
    expect(marked.stopped).toMatchObject([{ code: 'offset-out-of-range' }]);
    expect(marked.partition.over()).toBe(true);
    expect(await taken(marked.partition)).toBeUndefined();
  });

  test('accepts a hole before markers that compaction left', async () => {
    const { partition, stopped } = partitionWith({ begin: 0, end: 100 });
    partition.filtered({ firstOffset: '8', lastOffset: '9' });
    await partition.fetched(fetch(10, [10]));
    expect(await taken(partition)).toEqual({ from: 5, next: 11, offsets: [10] });
    expect(await taken(partition)).toBeUndefined();
    expect(stopped).toEqual([]);
  });
});

test('only faults outside of the record are transient', () => {
  const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more });
  for (const code of ['08006', '57P01', '53300', '40001', '40P01', 'ECONNREFUSED', 'EPIPE'])
    expect(isTransient(coded(code))).toBe(true);
  expect(isTransient(coded('ENOENT', { syscall: 'connect' }))).toBe(true);
  expect(isTransient(new Error('wrapped', { cause: coded('ECONNRESET') }))).toBe(true);
  expect(isTransient(new AllimError('store-unavailable', 'gone'))).toBe(true);
  for (const code of ['23505', '22P02', '42703', 'ENOENT']) expect(isTransient(coded(code))).toBe(false);
  expect(isTransient(new AllimError('record-corrupt', 'not JSON'))).toBe(false);
  expect(isTransient(new TypeError('undefined is not a function'))).toBe(false);
  expect(isTransient(undefined)).toBe(false);
});
