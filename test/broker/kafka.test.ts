import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import kafkajs from 'kafkajs';
import type { Broker } from '../../broker/broker.ts';
import { createKafkaBroker, type KafkaBrokerOptions } from '../../broker/kafka.ts';
import { watchful } from '../../broker/kafka-socket.ts';
import { silentLogger } from '../../domain/logger.ts';
import { createFaultyProxy } from '../faults/tcp.ts';
import { eventually } from '../support/eventually.ts';
import { describeWith, kafkaBrokers } from '../support/services.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { brokerConformance, Ledger, uniqueTopic } from './conformance.ts';

const { Kafka, logLevel } = kafkajs;
/** ConfigResourceTypes.BROKER of the Kafka protocol. */
const BROKER_RESOURCE = 4;

describeWith('kafka', 'the event log on Kafka', () => {
  const servers = () => kafkaBrokers().split(',');
  const brokers: Broker[] = [];
  const proxies: TcpProxy[] = [];
  let kafka: kafkajs.Kafka;
  let admin: kafkajs.Admin;
  let broker: Broker;

  async function open(more: Partial<KafkaBrokerOptions> = {}): Promise<Broker> {
    const opened = createKafkaBroker({
      brokers: servers(),
      clientId: 'conformance',
      logger: silentLogger,
      ...more,
    });
    brokers.push(opened);
    await opened.start();
    return opened;
  }
  async function consume(topic: string, ledger: Ledger, group = topic, stopped?: (error: Error) => void) {
    const consumer = broker.subscribe({
      group,
      topics: [topic],
      assigned: ledger.assigned,
      handle: async (batch) => ledger.commit(batch),
      stopped: (_at, error) => stopped?.(error),
    });
    await consumer.start();
    return consumer;
  }

  brokerConformance({
    async start() {
      kafka = new Kafka({ brokers: servers(), clientId: 'conformance-oracle', logLevel: logLevel.NOTHING });
      admin = kafka.admin();
      await admin.connect();
      broker = await open();
    },
    async stop() {
      await Promise.all(brokers.map((opened) => opened.stop()));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await admin.disconnect();
    },
    broker: () => open(),
    async truncate({ topic, partition }, before) {
      // Only a topic that was asked about has its leaders known to this admin client.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
    },
    async recreate(topic, partitions) {
      await admin.deleteTopics({ topics: [topic] });
      await eventually(async () => !(await admin.listTopics()).includes(topic));
      await eventually(() =>
        admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true }),
      );
    },
    async outage() {
      // The brokers' metadata names their real addresses, so every connection is led to the proxy and not only the first.
      const behind = new Map<number, TcpProxy>();
      for (const server of servers()) {
        const port = Number(server.split(':')[1]);
        behind.set(port, await createTcpProxy(port));
      }
      proxies.push(...behind.values());
      return {
        broker: await open({
          socketFactory: ({ port, onConnect }) =>
            connect({ host: '127.0.0.1', port: behind.get(port)!.port }, onConnect),
        }),
        async cut(ms) {
          const all = [...behind.values()];
          await Promise.all(all.map((proxy) => proxy.cut()));
          await delay(ms);
          await Promise.all(all.map((proxy) => proxy.mend()));
        },
      };
    },
  });

  test('steps over what transactions leave: markers, and records that were aborted', async () => {
    const topic = uniqueTopic('transactions');
    await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const send = async (values: string[], end: 'commit' | 'abort') => {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: values.map((value) => ({ key: 'k', value })) });
      await transaction[end]();
    };
    const ledger = new Ledger();
    await consume(topic, ledger);
    await send(['a', 'b'], 'commit');
    await send(['never'], 'abort');
    await broker.append(topic, [{ key: 'k', value: 'c' }]);
    await send(['nor this'], 'abort');
    const [end] = await eventually(async () => {
      const ends = await broker.ends(topic);
      expect(ledger.positions.get(`${topic}/0`)).toBe(ends[0]);
      expect(ends[0]).toBe(8);
      return ends;
    });
    expect(ledger.values()).toEqual(['a', 'b', 'c']);

    // Again in one go, where markers and records arrive in the same fetch; the chain is held by Ledger.commit.
    const anew = new Ledger();
    await consume(topic, anew, uniqueTopic('again'));
    await eventually(() => anew.positions.get(`${topic}/0`) === end);
    expect(anew.values()).toEqual(['a', 'b', 'c']);
    await producer.disconnect();
  });

  test('steps over what compaction took away, and sees the newest of each key and the tombstones', async () => {
    const topic = uniqueTopic('compacted');
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        {
          topic,
          numPartitions: 1,
          configEntries: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'segment.ms', value: '50' },
            { name: 'min.cleanable.dirty.ratio', value: '0.001' },
            { name: 'max.compaction.lag.ms', value: '1' },
            { name: 'delete.retention.ms', value: '86400000' },
          ],
        },
      ],
    });
    await broker.prepare([{ topic, partitions: 1, compacted: true }], { create: false });
    // The cleaner looks every 15 s by default.
    const cluster = await admin.describeCluster();
    await admin.alterConfigs({
      validateOnly: false,
      resources: cluster.brokers.map(({ nodeId }) => ({
        type: BROKER_RESOURCE,
        name: String(nodeId),
        configEntries: [{ name: 'log.cleaner.backoff.ms', value: '500' }],
      })),
    });
    const round = (value: string | null) =>
      Array.from({ length: 10 }, (_, at) => ({ key: `k-${at}`, value }));
    await broker.append(topic, [...round('old'), ...round('new'), { key: 'k-3', value: null }]);
    const expected = {
      ...Object.fromEntries(round('new').map(({ key, value }) => [key, value])),
      'k-3': null,
    };
    let ticks = 0;
    // A segment rolls at the first append after segment.ms, and the cleaner runs when it likes. Whatever it has done by then,
    // the chain over its holes must hold (Ledger.commit) and the newest of each key must be there.
    const sizes = await eventually(
      async () => {
        ticks++;
        await broker.append(topic, [{ key: 'tick', value: `${ticks}` }]);
        const ledger = new Ledger();
        await consume(topic, ledger, uniqueTopic('reader'));
        await eventually(() => ledger.values().includes(`${ticks}`));
        const kept = ledger.records.filter(({ key }) => key !== 'tick');
        expect(Object.fromEntries(kept.map(({ key, value }) => [key, value?.toString() ?? null]))).toEqual(
          expected,
        );
        expect(ledger.positions.get(`${topic}/0`)).toBe(21 + ticks);
        expect(kept.length).toBeLessThan(21);
        return kept.length;
      },
      { timeoutMs: 25_000, everyMs: 500 },
    );
    expect(sizes).toBeGreaterThanOrEqual(10);
  }, 40_000);

  test('finds, while it runs, that a topic was made anew', async () => {
    const topic = uniqueTopic('remade');
    await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const ledger = new Ledger();
    const stopped: Error[] = [];
    const consumer = await consume(topic, ledger, topic, (error) => stopped.push(error));
    await broker.append(
      topic,
      ['a', 'b', 'c'].map((value) => ({ key: 'k', value })),
    );
    await eventually(() => ledger.records.length === 3);
    await admin.deleteTopics({ topics: [topic] });
    await eventually(async () => !(await admin.listTopics()).includes(topic));
    await eventually(() =>
      admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true }),
    );
    const other = await open();
    await other.append(topic, [{ key: 'k', value: 'of another life' }]);
    await eventually(() => stopped.length > 0, { timeoutMs: 20_000 });
    expect(stopped[0]).toMatchObject({ code: 'offset-out-of-range' });
    expect(ledger.values()).toEqual(['a', 'b', 'c']);
    expect(consumer.healthy()).toBe(false);
    // Somebody moves the position: it goes on by itself.
    ledger.positions.set(`${topic}/0`, 0);
    await eventually(() => ledger.values().includes('of another life'), { timeoutMs: 20_000 });
    expect(consumer.healthy()).toBe(true);
  }, 40_000);

  test('a connection that the other side has forgotten is made anew', async () => {
    const topic = uniqueTopic('forgotten');
    await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const wire = await createFaultyProxy(Number(servers()[0]!.split(':')[1]));
    const through = watchful(
      ({ onConnect }) => connect({ host: '127.0.0.1', port: wire.port }, onConnect),
      1_000,
    );
    const other = await open({ socketFactory: through });
    await other.append(topic, [{ key: 'k', value: 'before' }]);
    wire.forget();
    await other.append(topic, [{ key: 'k', value: 'after' }]);
    // What asks beside it has a connection of its own, which is noticed by its first question.
    await eventually(async () => expect(await other.ends(topic)).toEqual([2]), { timeoutMs: 20_000 });
    await other.stop();
    await wire.close();
  }, 40_000);

  test('a consumer that is stopped while it joins does not join afterwards', async () => {
    const topic = uniqueTopic('abandoned');
    await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const wire = await createFaultyProxy(Number(servers()[0]!.split(':')[1]));
    const other = await open({
      socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: wire.port }, onConnect),
    });
    let joins = 0;
    // JoinGroup is key 11. Its answer does not come until the consumer was given up.
    wire.cutAfter((chunk) => {
      if (chunk.length > 6 && chunk.readInt16BE(4) === 11 && ++joins === 1) wire.silence('to-client');
      return false;
    });
    const consumer = other.subscribe({
      group: topic,
      topics: [topic],
      assigned: async (partitions) => partitions.map((at) => ({ ...at, offset: 0, fence: 1 })),
      handle: async () => {},
    });
    const starting = consumer.start();
    await eventually(() => joins > 0);
    const stopping = consumer.stop();
    await stopping;
    wire.mend();
    await starting;
    const members = async () => (await admin.describeGroups([topic])).groups[0]?.members.length;
    await eventually(async () => (await members()) === 0, { timeoutMs: 20_000, everyMs: 200 });
    await other.stop();
    await wire.close();
  }, 60_000);

  test('tells of headers that are repeated and of text that is none', async () => {
    const topic = uniqueTopic('flawed');
    await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const ledger = new Ledger();
    await consume(topic, ledger);
    const producer = kafka.producer();
    await producer.connect();
    const bad = Buffer.from([0x61, 0xff]);
    await producer.send({
      topic,
      messages: [{ key: bad, value: 'v', headers: { ce_id: ['1', '2'], ce_type: bad, fine: 'é' } }],
    });
    await producer.disconnect();
    await eventually(() => ledger.records.length === 1);
    const [record] = ledger.records;
    expect(record?.headers).toMatchObject({ ce_id: '2', fine: 'é' });
    expect(record?.flaws).toMatchObject({ notUtf8: ['ce_type', 'key'], repeated: ['ce_id'] });
    expect(Buffer.from(record!.flaws!.rawKey!)).toEqual(bad);
  });

  test('hands a record over within milliseconds when idle', async () => {
    const topic = uniqueTopic('prompt');
    await broker.prepare([{ topic, partitions: 1, compacted: false }], { create: true });
    const waits: number[] = [];
    const consumer = broker.subscribe({
      group: topic,
      topics: [topic],
      assigned: async () => [],
      async handle(batch) {
        for (const record of batch.records) waits.push(performance.now() - Number(record.value));
      },
    });
    await consumer.start();
    for (let sent = 1; sent <= 30; sent++) {
      await broker.append(topic, [{ key: 'k', value: String(performance.now()) }]);
      await eventually(() => waits.length === sent, { everyMs: 1 });
    }
    // 2.4 ms where nothing else runs; the bound only tells fetching at once from waiting for maxWaitTimeInMs.
    expect(waits.sort((a, b) => a - b)[15]).toBeLessThan(100);
  });
});
