import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { Broker } from '../../broker/broker.ts';
import { createEmbeddedBroker, type EmbeddedBroker } from '../../broker/embedded.ts';
import { createEmbeddedConsumer } from '../../broker/embedded-consumer.ts';
import { createWakes } from '../../broker/embedded-wake.ts';
import { silentLogger } from '../../domain/logger.ts';
import { createPool, type Pool } from '../../store/postgres.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { brokerConformance, Ledger, uniqueTopic } from './conformance.ts';

let database: TestDatabase;
let embedded: EmbeddedBroker;
const brokers: Broker[] = [];
const pools: Pool[] = [];
const proxies: TcpProxy[] = [];

async function open(pool: Pool, sessionMs = 2_000): Promise<EmbeddedBroker> {
  const broker = createEmbeddedBroker({ pool, logger: silentLogger, sessionMs });
  brokers.push(broker);
  await broker.start();
  return broker;
}

/** Where the bundled server listens: a Unix socket's folder in `?host=`, or host and port. */
function serverAt(url: string): number | string {
  const parsed = new URL(url);
  const folder = parsed.searchParams.get('host');
  const port = parsed.port || parsed.searchParams.get('port') || '5432';
  return folder?.startsWith('/') ? `${folder}/.s.PGSQL.${port}` : Number(port);
}

describe('the embedded event log', () => {
  brokerConformance({
    async start() {
      database = await createDatabase({ max: 20 });
      embedded = await open(database.pool);
    },
    async stop() {
      await Promise.all(brokers.map((broker) => broker.stop()));
      await Promise.all(pools.map((pool) => pool.end()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await database.drop();
    },
    broker: () => open(database.pool),
    async truncate({ topic, partition }, before) {
      await database.pool.query(
        'UPDATE log_partitions p SET first = $3 FROM log_topics t WHERE t.id = p.topic_id AND t.topic = $1 AND p.partition = $2',
        [topic, partition, before],
      );
      await database.pool.query(
        'DELETE FROM log_records r USING log_topics t WHERE t.id = r.topic_id AND t.topic = $1 AND r.partition = $2 AND record_offset < $3',
        [topic, partition, before],
      );
    },
    async recreate(topic, partitions) {
      await database.pool.query('DELETE FROM log_topics WHERE topic = $1', [topic]);
      await embedded.prepare([{ topic, partitions, compacted: false }], { create: true });
    },
    async outage() {
      const proxy = await createTcpProxy(serverAt(database.url));
      proxies.push(proxy);
      const url = new URL(database.url);
      url.searchParams.delete('host');
      url.searchParams.delete('port');
      url.hostname = '127.0.0.1';
      url.port = String(proxy.port);
      const pool = createPool({ url: url.toString(), max: 10, logger: silentLogger });
      pools.push(pool);
      return {
        broker: await open(pool),
        async cut(ms) {
          await proxy.cut();
          await delay(ms);
          await proxy.mend();
        },
      };
    },
  });

  test('compaction keeps the newest of each key, tombstones for their time, and leaves holes that readers step over', async () => {
    const topic = uniqueTopic('compacted');
    await embedded.prepare([{ topic, partitions: 1, compacted: true, deleteRetentionMs: 86_400_000 }], {
      create: true,
    });
    const round = (value: string | null) =>
      Array.from({ length: 10 }, (_, at) => ({ key: `k-${at}`, value }));
    await embedded.append(topic, [...round('old'), ...round('new'), { key: 'k-3', value: null }]);
    expect(await embedded.compact()).toBe(11);
    const ledger = new Ledger();
    const consumer = embedded.subscribe({
      group: topic,
      topics: [topic],
      assigned: ledger.assigned,
      handle: async (batch) => ledger.commit(batch),
    });
    await consumer.start();
    await eventually(() => ledger.records.length === 10);
    expect(ledger.records.map((record) => record.offset)).toEqual([10, 11, 12, 14, 15, 16, 17, 18, 19, 20]);
    expect(ledger.batches[0]).toMatchObject({ from: 0, next: 21 });
    expect(ledger.records.at(-1)).toMatchObject({ key: 'k-3', value: null });
    await consumer.stop();

    await database.pool.query(
      'UPDATE log_records SET at_ms = at_ms - 2 * 86400000 WHERE value IS NULL AND topic_id = (SELECT id FROM log_topics WHERE topic = $1)',
      [topic],
    );
    expect(await embedded.compact()).toBe(1);
    // The hole is at the end now: a reader from before it must still arrive at the end of the log.
    ledger.positions.set(`${topic}/0`, 20);
    const late = embedded.subscribe({
      group: topic,
      topics: [topic],
      assigned: ledger.assigned,
      handle: async (batch) => ledger.commit(batch),
    });
    await late.start();
    await eventually(() => ledger.positions.get(`${topic}/0`) === 21);
    expect(await embedded.ends(topic)).toEqual([21]);
    await late.stop();
  });

  test('a record appended by another process wakes the reader without waiting for the poll', async () => {
    const topic = uniqueTopic('woken');
    await embedded.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const other = await open(database.pool);
    const waits: number[] = [];
    const consumer = embedded.subscribe({
      group: topic,
      topics: [topic],
      assigned: async () => [],
      async handle(batch) {
        for (const record of batch.records) waits.push(performance.now() - Number(record.value));
      },
    });
    await consumer.start();
    for (let sent = 1; sent <= 20; sent++) {
      await other.append(topic, [{ key: 'k', value: String(performance.now()) }]);
      await eventually(() => waits.length === sent, { everyMs: 1 });
    }
    // One poll a second would make half a second the median.
    expect(waits.sort((a, b) => a - b)[10]).toBeLessThan(100);
    await consumer.stop();
    await other.stop();
  });

  test('a member that died is replaced when its session is over', async () => {
    const topic = uniqueTopic('died');
    await embedded.prepare([{ topic, partitions: 2, compacted: false }], { create: true });
    await database.pool.query(`INSERT INTO log_members VALUES ($1, 'dead', now() + interval '300 ms')`, [
      topic,
    ]);
    await database.pool.query(
      `INSERT INTO log_leases SELECT $1, $1, p, 'dead', 1 FROM generate_series(0, 1) p`,
      [topic],
    );
    const consumer = embedded.subscribe({
      group: topic,
      topics: [topic],
      assigned: async () => [],
      async handle() {},
    });
    await consumer.start();
    await eventually(() => consumer.assignment().length === 2);
    const { rows } = await database.pool.query(
      'SELECT DISTINCT generation FROM log_leases WHERE group_name = $1',
      [topic],
    );
    expect(rows).toEqual([{ generation: 2 }]);
    await consumer.stop();
  });

  test('a heartbeat that left in time and is answered too late costs the leases, and they come back', async () => {
    const topic = uniqueTopic('slow-answer');
    await embedded.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const at = { topic, partition: 0 };
    const { rows } = await database.pool.query<{ id: number }>('SELECT id FROM log_topics WHERE topic = $1', [
      topic,
    ]);
    const ledger = new Ledger();
    const begun = Promise.withResolvers<void>();
    const cutOff = Promise.withResolvers<void>();
    let held = false;
    let slow = false;
    const consumer = createEmbeddedConsumer({
      pool: database.pool,
      wakes: createWakes(database.pool, silentLogger),
      logger: silentLogger,
      sessionMs: 400,
      beatMs: 300,
      topic: async () => ({ id: rows[0]!.id, partitions: 1, compacted: false }),
      group: {
        async beat() {
          if (slow) await cutOff.promise;
          slow = false;
          return { mine: held ? [at] : [], free: held ? [] : [at], surplus: [] };
        },
        async take() {
          held = true;
          return [at];
        },
        async release() {
          held = false;
        },
        async leave() {},
      },
      subscription: {
        group: topic,
        topics: [topic],
        assigned: ledger.assigned,
        async handle(batch) {
          if (batch.fence > 1) return ledger.commit(batch);
          batch.signal.addEventListener('abort', () => cutOff.resolve());
          begun.resolve();
          await cutOff.promise;
          batch.signal.throwIfAborted();
        },
      },
    });
    await embedded.append(topic, [{ key: 'k', value: 'once' }]);
    await consumer.start();
    await begun.promise;
    slow = true;
    await eventually(() => ledger.values().length === 1);
    expect(ledger.fences.get(`${topic}/0`)).toBe(2);
    await consumer.stop();
  });
});
