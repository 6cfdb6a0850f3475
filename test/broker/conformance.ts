/** What every event log must do, whatever it is made of. Each adapter's test file calls `brokerConformance` and adds what only it can do. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Batch,
  type Broker,
  type Consumer,
  type LogRecord,
  MAX_RECORD_BYTES,
  type StartPosition,
  type Subscription,
  type TopicPartition,
} from '../../broker/broker.ts';
import { handleIsolated } from '../../broker/isolate.ts';
import { keyOf } from '../../broker/partition-loop.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { eventually } from '../support/eventually.ts';

export type BrokerUnderTest = {
  /** Called once before and once after all tests. `stop` takes down what `start` made, the brokers included. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** A started broker, as another process would have it; `stop` stops it too. */
  broker(): Promise<Broker>;
  /** Removes records below an offset, as retention would. */
  truncate(at: TopicPartition, before: number): Promise<void>;
  /** Deletes a topic and makes it again, empty. */
  recreate(topic: string, partitions: number): Promise<void>;
  /** Cuts a fresh broker off for `ms`, starting now; resolves when it is back. */
  outage(): Promise<{ broker: Broker; cut(ms: number): Promise<void> }>;
};

/** Positions as the ledger keeps them: moved with the work, fenced by a token that every assignment renews. */
export class Ledger {
  readonly positions = new Map<string, number>();
  readonly fences = new Map<string, number>();
  readonly records: LogRecord[] = [];
  readonly batches: Pick<Batch, 'topic' | 'partition' | 'from' | 'next'>[] = [];

  assigned = async (partitions: readonly TopicPartition[]): Promise<StartPosition[]> =>
    partitions.flatMap((at) => {
      const fence = (this.fences.get(keyOf(at)) ?? 0) + 1;
      this.fences.set(keyOf(at), fence);
      return [{ ...at, offset: this.positions.get(keyOf(at)) ?? 0, fence }];
    });

  /** Throws like the update of `consumer_offsets` does. */
  commit = (batch: Batch): void => {
    const key = keyOf(batch);
    if (this.fences.get(key) !== batch.fence)
      throw new AllimError('position-fenced', `${key} is somebody else's`);
    const position = this.positions.get(key) ?? 0;
    if (position !== batch.from)
      throw new AllimError('position-gap', `${key} is at ${position}, not at ${batch.from}`);
    this.positions.set(key, batch.next);
    this.records.push(...batch.records);
    const { topic, partition, from, next } = batch;
    this.batches.push({ topic, partition, from, next });
  };

  values(): string[] {
    return this.records.map((record) => String(record.value));
  }
}

export function uniqueTopic(name: string): string {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

export function brokerConformance(under: BrokerUnderTest): void {
  let broker: Broker;
  const consumers: Consumer[] = [];

  async function topicOf(name: string, partitions: number, compacted = false): Promise<string> {
    const topic = uniqueTopic(name);
    await broker.prepare([{ topic, partitions, compacted }], { create: true });
    return topic;
  }
  async function consume(
    ledger: Ledger,
    topics: readonly string[],
    more: Partial<Subscription> = {},
    on: Broker = broker,
  ): Promise<Consumer> {
    const consumer = on.subscribe({
      group: `g-${topics.join('-')}`,
      topics,
      assigned: ledger.assigned,
      async handle(batch) {
        ledger.commit(batch);
      },
      ...more,
    });
    consumers.push(consumer);
    await consumer.start();
    return consumer;
  }

  /** Ten seconds that the other tests need not wait for: begun before them, looked at after them. */
  let gone: ReturnType<typeof goForTenSeconds> | undefined;
  async function goForTenSeconds() {
    const { broker: shaky, cut } = await under.outage();
    const topic = await topicOf('outage', 1);
    const ledger = new Ledger();
    const consumer = await consume(ledger, [topic], {}, shaky);
    await shaky.append(topic, [{ key: 'k', value: 'before' }]);
    await eventually(() => ledger.values().includes('before'), { timeoutMs: 20_000 });
    const back = cut(10_000);
    const during = shaky.append(topic, [{ key: 'k', value: 'during' }]);
    await broker.append(topic, [{ key: 'k', value: 'meanwhile' }]);
    await back;
    await during;
    await shaky.append(topic, [{ key: 'k', value: 'after' }]);
    await eventually(() => ledger.values().includes('after'), { timeoutMs: 20_000 });
    return { shaky, consumer, ledger };
  }
  function outage() {
    gone ??= goForTenSeconds();
    return gone;
  }

  beforeAll(async () => {
    await under.start();
    broker = await under.broker();
    // What goes wrong with it is the last test's to tell.
    outage().catch(() => {});
  });
  afterAll(async () => {
    await under.stop();
    // Whoever stops a broker stops its consumers.
    expect(consumers.flatMap((consumer) => consumer.assignment())).toEqual([]);
  });

  describe('appending', () => {
    test('places keys by murmur2 and answers with the offsets', async () => {
      const topic = await topicOf('placed', 5);
      const keys = ['21', 'foobar', 'c-7f3a9e', '시민'];
      const first = await broker.append(
        topic,
        keys.map((key) => ({ key, value: 'a' })),
      );
      expect(first).toEqual(
        keys.map((key) => ({ topic, partition: partitionOf(key, 5), offset: expect.any(Number) })),
      );
      const explicit = await broker.append(topic, [
        { key: 'anything', value: 'b', partition: 3 },
        { key: 'anything', value: 'c', partition: 3 },
      ]);
      expect(explicit.map((at) => at.partition)).toEqual([3, 3]);
      expect(explicit[1]!.offset).toBe(explicit[0]!.offset + 1);
      const ends = await broker.ends(topic);
      expect(ends.reduce((sum, end) => sum + end, 0)).toBe(6);
      expect(ends[3]).toBe(explicit[1]!.offset + 1);
      expect(await broker.begins(topic)).toEqual([0, 0, 0, 0, 0]);
    });

    test('refuses a topic that does not exist and a partition it does not have', async () => {
      await expect(broker.append(uniqueTopic('missing'), [{ key: 'a', value: 'a' }])).rejects.toMatchObject({
        code: 'topic-invalid',
      });
      const topic = await topicOf('small', 2);
      await expect(broker.append(topic, [{ key: 'a', value: 'a', partition: 2 }])).rejects.toMatchObject({
        code: 'topic-invalid',
      });
    });

    test('names every difference between a topic and what it should be', async () => {
      const topic = await topicOf('checked', 2);
      const missing = uniqueTopic('unmade');
      const specs = [
        { topic, partitions: 3, compacted: true },
        { topic: missing, partitions: 1, compacted: false },
      ];
      const error = await broker.prepare(specs, { create: false }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'topic-invalid' });
      expect(String(error)).toContain(`${topic} has 2 partitions instead of 3`);
      expect(String(error)).toMatch(/compact/);
      expect(String(error)).toContain(`${missing} does not exist`);
      await broker.prepare([{ topic, partitions: 2, compacted: false }], { create: false });
    });

    test('takes a record of 1 MiB with its headers, and refuses one of 2 MB before anything is sent', async () => {
      const topic = await topicOf('large', 1);
      const headers = { ce_id: '이벤트-1', 'content-type': 'application/json', empty: '' };
      const overhead =
        'k'.length +
        Object.entries(headers)
          .flat()
          .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
      const value = Buffer.alloc(MAX_RECORD_BYTES - overhead, 7);
      const tooLarge = [
        { key: 'k', value: 'small' },
        { key: 'k', value: Buffer.alloc(2_000_000) },
      ];
      await expect(broker.append(topic, tooLarge)).rejects.toMatchObject({
        code: 'record-too-large',
        retryable: false,
      });
      expect(await broker.ends(topic)).toEqual([0]);
      const before = Date.now() - 60_000;
      await broker.append(topic, [
        { key: 'k', value, headers },
        { key: null, value: '' },
        { key: '', value: null },
        ...Array.from({ length: 6 }, (_, at) => ({ key: `fill-${at}`, value: Buffer.alloc(300_000, at) })),
      ]);
      const ledger = new Ledger();
      await consume(ledger, [topic]);
      await eventually(() => ledger.records.length === 9);
      const [large, empty, tombstone] = ledger.records;
      expect(large!.value!.equals(value)).toBe(true);
      expect(large!.headers).toEqual(headers);
      expect(large!.timestampMs).toBeGreaterThan(before);
      expect(empty).toMatchObject({ key: null, headers: {}, offset: 1 });
      expect(empty!.value).toHaveLength(0);
      expect(tombstone).toMatchObject({ key: '', value: null });
      expect(ledger.records.map((record) => record.offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    });

    test('lets 8 producers write at once without a record skipped, and keeps the order of each', async () => {
      const topic = await topicOf('many', 2);
      const ledger = new Ledger();
      await consume(ledger, [topic], { maxBatchRecords: 50 });
      const producers = Array.from({ length: 8 }, async (_, producer) => {
        for (let from = 0; from < 250; from += 25) {
          const records = Array.from({ length: 25 }, (_, at) => ({
            key: `k-${(from + at) % 7}`,
            value: `${producer}:${from + at}`,
          }));
          await broker.append(topic, records);
        }
      });
      await Promise.all(producers);
      await eventually(() => ledger.records.length >= 2_000);
      expect(new Set(ledger.values()).size).toBe(2_000);
      expect(ledger.records).toHaveLength(2_000);
      const last = new Map<string, number>();
      for (const record of ledger.records) {
        const [producer, number] = String(record.value).split(':');
        const key = `${producer}/${record.key}`;
        expect(Number(number)).toBeGreaterThan(last.get(key) ?? -1);
        last.set(key, Number(number));
      }
      expect(Math.max(...ledger.batches.map((batch) => batch.next - batch.from))).toBeLessThanOrEqual(50);
    });
  });

  describe('consuming', () => {
    test('begins at the position it is given, and at the earliest where none is given', async () => {
      const topic = await topicOf('sought', 2);
      for (const partition of [0, 1])
        await broker.append(
          topic,
          Array.from({ length: 6 }, (_, at) => ({ key: 'k', value: `${partition}-${at}`, partition })),
        );
      const seen: string[] = [];
      const fences: number[] = [];
      await consume(new Ledger(), [topic], {
        assigned: async () => [{ topic, partition: 1, offset: 4, fence: 42 }],
        async handle(batch) {
          seen.push(...batch.records.map((record) => String(record.value)));
          if (batch.partition === 1) fences.push(batch.fence);
        },
      });
      await eventually(() => seen.length >= 8);
      expect(seen.sort()).toEqual(['0-0', '0-1', '0-2', '0-3', '0-4', '0-5', '1-4', '1-5']);
      expect(new Set(fences)).toEqual(new Set([42]));
    });

    test('brings a batch again that a crash kept from being recorded, and nothing that was recorded', async () => {
      const topic = await topicOf('crash', 1);
      await broker.append(
        topic,
        Array.from({ length: 20 }, (_, at) => ({ key: 'k', value: `${at}` })),
      );
      const ledger = new Ledger();
      const done: string[] = [];
      const other = await under.broker();
      const started = Promise.withResolvers<void>();
      const crashed = await consume(
        ledger,
        [topic],
        {
          maxBatchRecords: 5,
          async handle(batch) {
            done.push(...batch.records.map((record) => String(record.value)));
            if (batch.from >= 10) {
              started.resolve();
              await new Promise<void>((resolve) => batch.signal.addEventListener('abort', () => resolve()));
              throw new Error('killed before the commit');
            }
            ledger.commit(batch);
          },
        },
        other,
      );
      await started.promise;
      await crashed.stop();
      expect(ledger.values()).toHaveLength(10);
      await consume(ledger, [topic]);
      await eventually(() => ledger.records.length >= 20);
      expect(ledger.values()).toEqual(Array.from({ length: 20 }, (_, at) => `${at}`));
      expect(done.filter((value) => value === '12')).toHaveLength(1);
    });

    test('repeats a failing batch after a back-off, in order, while the other partition goes on', async () => {
      const topic = await topicOf('failing', 2);
      const ledger = new Ledger();
      let failures = 0;
      const consumer = await consume(ledger, [topic], {
        async handle(batch) {
          if (batch.partition === 0 && batch.records.length > 0 && failures < 4) {
            failures++;
            throw new Error('not now');
          }
          ledger.commit(batch);
        },
      });
      await broker.append(topic, [{ key: 'k', value: 'first', partition: 0 }]);
      await eventually(() => failures > 0);
      await broker.append(topic, [{ key: 'k', value: 'other', partition: 1 }]);
      await eventually(() => ledger.values().includes('other'));
      expect(failures).toBeLessThan(4);
      await broker.append(topic, [{ key: 'k', value: 'second', partition: 0 }]);
      await eventually(() => ledger.values().includes('second'));
      expect(failures).toBe(4);
      expect(ledger.values().filter((value) => value !== 'other')).toEqual(['first', 'second']);
      expect(consumer.healthy()).toBe(true);
    });

    test('asks for the position again when it was fenced, and brings only the rest after advance()', async () => {
      const topic = await topicOf('fenced', 1);
      await broker.append(
        topic,
        Array.from({ length: 10 }, (_, at) => ({ key: 'k', value: `${at}` })),
      );
      const ledger = new Ledger();
      const froms: number[] = [];
      await consume(ledger, [topic], {
        async handle(batch) {
          froms.push(batch.from);
          if (froms.length === 1) {
            ledger.fences.set(keyOf(batch), 99);
            ledger.positions.set(keyOf(batch), 4);
          }
          if (batch.from === 4 && batch.next === 10 && !froms.includes(7)) {
            ledger.commit({ ...batch, next: 7, records: batch.records.slice(0, 3) });
            batch.advance(7);
            throw new Error('failed half-way');
          }
          ledger.commit(batch);
        },
      });
      await eventually(() => ledger.records.length >= 6);
      expect(froms).toEqual([0, 4, 7]);
      expect(ledger.values()).toEqual(['4', '5', '6', '7', '8', '9']);
      expect(ledger.fences.get(`${topic}/0`)).toBe(100);
    });

    test('quarantines the record that fails three times alone, and the partition goes on', async () => {
      const topic = await topicOf('isolated', 1);
      await broker.append(
        topic,
        ['a', 'bad', 'c'].map((value) => ({ key: 'k', value })),
      );
      const ledger = new Ledger();
      const quarantined: string[] = [];
      let alone = 0;
      let outages = 1;
      await consume(ledger, [topic], {
        handle: (batch) =>
          handleIsolated(batch, {
            logger: silentLogger,
            async handle(slice) {
              const values = slice.records.map((record) => String(record.value));
              if (values.length === 1 && values[0] === 'bad') alone++;
              if (values.includes('bad')) throw new Error('cannot be understood');
              if (values.includes('c') && outages-- > 0)
                throw new AllimError('store-unavailable', 'gone for a moment');
              ledger.commit({ ...batch, ...slice });
            },
            async quarantine(record, error, slice) {
              quarantined.push(`${record.value}: ${error.message}`);
              ledger.commit({ ...batch, ...slice, records: [] });
            },
          }),
      });
      await broker.append(topic, [{ key: 'k', value: 'd' }]);
      await eventually(() => ledger.values().includes('d'));
      expect(ledger.values()).toEqual(['a', 'c', 'd']);
      expect(quarantined).toEqual(['bad: cannot be understood']);
      expect(alone).toBe(3);
      expect(ledger.positions.get(`${topic}/0`)).toBe(4);
    });

    test('hands over nothing of a paused partition until it is resumed', async () => {
      const topic = await topicOf('paused', 2);
      const ledger = new Ledger();
      const consumer = await consume(ledger, [topic]);
      await eventually(() => consumer.assignment().length === 2);
      consumer.pause([{ topic, partition: 0 }]);
      await broker.append(topic, [{ key: 'k', value: 'held', partition: 0 }]);
      await broker.append(topic, [{ key: 'k', value: 'free', partition: 1 }]);
      await eventually(() => ledger.records.length > 0);
      await broker.append(topic, [{ key: 'k', value: 'free again', partition: 1 }]);
      await eventually(() => ledger.records.length > 1);
      expect(ledger.values()).toEqual(['free', 'free again']);
      consumer.resume([{ topic, partition: 0 }]);
      await eventually(() => ledger.values().includes('held'));
    });

    test('waits on stop for the handler that runs, and hands over nothing after', async () => {
      const topic = await topicOf('stopping', 1);
      await broker.append(topic, [{ key: 'k', value: 'a' }]);
      const entered = Promise.withResolvers<AbortSignal>();
      const leave = Promise.withResolvers<void>();
      let ended = false;
      let revoked: readonly TopicPartition[] = [];
      const consumer = await consume(new Ledger(), [topic], {
        async handle(batch) {
          entered.resolve(batch.signal);
          await leave.promise;
          ended = true;
        },
        async revoked(partitions) {
          expect(ended).toBe(true);
          revoked = partitions;
        },
      });
      const signal = await entered.promise;
      const stopping = consumer.stop();
      await eventually(() => signal.aborted);
      expect(ended).toBe(false);
      leave.resolve();
      await stopping;
      expect(revoked).toEqual([{ topic, partition: 0 }]);
      await consumer.stop();
    });
  });

  describe('groups', () => {
    test('two members share the partitions, keep both topics of a number together, and take over from one another', async () => {
      const left = await topicOf('left', 4);
      const right = await topicOf('right', 4);
      const other = await under.broker();
      const ledger = new Ledger();
      const overlapping: string[] = [];
      const running = new Set<string>();
      const handle = async (batch: Batch) => {
        const key = keyOf(batch);
        if (running.has(key)) overlapping.push(key);
        running.add(key);
        try {
          await Promise.resolve();
          ledger.commit(batch);
        } finally {
          running.delete(key);
        }
      };
      const revoked: TopicPartition[] = [];
      const more = { coPartitioned: true, group: uniqueTopic('pair'), handle };
      const one = await consume(ledger, [left, right], {
        ...more,
        async revoked(partitions) {
          revoked.push(...partitions);
        },
      });
      await eventually(() => one.assignment().length === 8);
      const append = (from: number, on: Broker = broker) =>
        Promise.all(
          [left, right].map((topic) =>
            on.append(
              topic,
              Array.from({ length: 40 }, (_, at) => ({
                key: `k-${from + at}`,
                value: `${topic}:${from + at}`,
              })),
            ),
          ),
        );
      await append(0);
      await eventually(() => ledger.records.length === 80);

      const two = await consume(ledger, [left, right], more, other);
      await eventually(() => one.assignment().length === 4 && two.assignment().length === 4, {
        timeoutMs: 15_000,
      });
      const numbers = (consumer: Consumer, topic: string) =>
        consumer
          .assignment()
          .filter((at) => at.topic === topic)
          .map((at) => at.partition)
          .sort();
      for (const consumer of [one, two]) expect(numbers(consumer, left)).toEqual(numbers(consumer, right));
      expect([...numbers(one, left), ...numbers(two, left)].sort()).toEqual([0, 1, 2, 3]);
      expect(revoked.map(keyOf).sort()).toEqual(two.assignment().map(keyOf).sort());
      await append(40, other);
      await eventually(() => ledger.records.length === 160, { timeoutMs: 15_000 });

      await one.stop();
      await eventually(() => two.assignment().length === 8, { timeoutMs: 15_000 });
      await append(80);
      await eventually(() => ledger.records.length === 240, { timeoutMs: 15_000 });
      expect(new Set(ledger.values()).size).toBe(240);
      expect(overlapping).toEqual([]);
    });
  });

  describe('what cannot be read', () => {
    test('stops the partition whose position is out of range; the others go on', async () => {
      const topic = await topicOf('range', 3);
      for (const partition of [0, 1, 2])
        await broker.append(
          topic,
          Array.from({ length: 5 }, (_, at) => ({ key: 'k', value: `${partition}-${at}`, partition })),
        );
      await under.truncate({ topic, partition: 0 }, 3);
      expect(await broker.begins(topic)).toEqual([3, 0, 0]);
      const ledger = new Ledger();
      ledger.positions.set(`${topic}/0`, 1);
      ledger.positions.set(`${topic}/1`, 77);
      const stopped: string[] = [];
      const consumer = await consume(ledger, [topic], {
        stopped: (at, error) => stopped.push(`${at.partition} ${(error as AllimError).code}`),
      });
      await eventually(() => ledger.records.length === 5 && stopped.length === 2);
      expect(stopped.sort()).toEqual(['0 offset-out-of-range', '1 offset-out-of-range']);
      await broker.append(
        topic,
        [0, 1, 2].map((partition) => ({ key: 'k', value: `${partition}-last`, partition })),
      );
      await eventually(() => ledger.values().includes('2-last'));
      expect(ledger.values()).toEqual(['2-0', '2-1', '2-2', '2-3', '2-4', '2-last']);
      expect(consumer.healthy()).toBe(false);
      await consumer.stop();
      // With the positions mended, the same partitions assigned anew are well again.
      ledger.positions.set(`${topic}/0`, 3);
      ledger.positions.set(`${topic}/1`, 5);
      const mended = await consume(ledger, [topic]);
      await eventually(() => ['0-last', '1-last'].every((value) => ledger.values().includes(value)));
      expect(mended.healthy()).toBe(true);
    });

    test('refuses the gap when records vanish below a running consumer', async () => {
      const topic = await topicOf('gap', 1);
      const ledger = new Ledger();
      const stopped: Error[] = [];
      const more = { stopped: (_at: TopicPartition, error: Error) => stopped.push(error) };
      const consumer = await consume(ledger, [topic], more);
      await broker.append(topic, [{ key: 'k', value: 'read' }]);
      await eventually(() => ledger.records.length === 1);
      await consumer.stop();
      await broker.append(
        topic,
        Array.from({ length: 9 }, (_, at) => ({ key: 'k', value: `unread ${at}` })),
      );
      await under.truncate({ topic, partition: 0 }, 5);
      await consume(ledger, [topic], more);
      await eventually(() => stopped.length === 1);
      expect(stopped[0]).toMatchObject({ code: 'offset-out-of-range', ids: { offset: 1, begin: 5 } });
      expect(ledger.values()).toEqual(['read']);
    });

    test('takes a topic made anew under the same name for an error, not for an empty one', async () => {
      const topic = await topicOf('anew', 1);
      const ledger = new Ledger();
      await broker.append(
        topic,
        Array.from({ length: 5 }, (_, at) => ({ key: 'k', value: `${at}` })),
      );
      const consumer = await consume(ledger, [topic]);
      await eventually(() => ledger.records.length === 5);
      await consumer.stop();
      await under.recreate(topic, 1);
      const stopped: Error[] = [];
      const other = await under.broker();
      const again = await consume(ledger, [topic], { stopped: (_at, error) => stopped.push(error) }, other);
      await eventually(() => stopped.length === 1);
      expect(stopped[0]).toMatchObject({ code: 'offset-out-of-range' });
      expect(String(stopped[0])).toContain('made anew');
      expect(again.healthy()).toBe(false);
    });
  });

  test('survives a broker that is gone for ten seconds: nothing lost, nothing out of order', async () => {
    const { shaky, consumer, ledger } = await outage();
    const values = [...new Set(ledger.values())];
    expect(values.filter((value) => value !== 'meanwhile')).toEqual(['before', 'during', 'after']);
    expect(values).toContain('meanwhile');
    expect(consumer.healthy()).toBe(true);
    await shaky.ping();
  }, 60_000);
}
