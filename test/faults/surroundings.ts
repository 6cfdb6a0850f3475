/**
 * Kafka, Redis and Postgres of a run's own, each behind proxies, so that each can be killed, frozen, filled up and cut off. What a killed run
 * left in the same folder is ended first.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  type KafkaBroker,
  kafkaRuns,
  killBroker,
  restartBroker,
  startKafka,
  stopBroker,
  stopKafka,
} from '../../scripts/services/kafka.ts';
import { end } from '../../scripts/services/process.ts';
import { type RedisServer, redisRuns, startRedis, stopRedis } from '../../scripts/services/redis.ts';
import type { Services } from './fault.ts';
import { type PostgresServer, startPostgresServer } from './postgres-server.ts';
import type { FaultyProxy } from './proxy.ts';
import { type Mounted, mountSmallDisk } from './small-disk.ts';
import { createFaultyProxy } from './tcp.ts';

const MIB = 1 << 20;
/** Tests' worth of data; what is not used costs nothing. */
const POSTGRES_DISK = 4_096 * MIB;
const KAFKA_DISK = 2_048 * MIB;

export type Surroundings = {
  readonly services: Services;
  readonly proxies: Readonly<Record<'postgres' | 'redis' | `kafka-${number}`, FaultyProxy>>;
  /** What the product is given: all through the proxies. */
  readonly env: Readonly<Record<'DATABASE_URL' | 'REDIS_URL' | 'KAFKA_BROKERS', string>>;
  /** Ends everything; what the servers logged stays in the folder. */
  stop(): Promise<void>;
};

type Left = { readonly kafka: readonly number[]; readonly redis: number; readonly postgres: number };

/** `folder` is the run's own, and its name tells it from others on the machine. About 10 s. */
export async function startSurroundings(
  folder: string,
  options: { readonly brokers: 1 | 3 },
): Promise<Surroundings> {
  await mkdir(folder, { recursive: true });
  const record = path.join(folder, 'servers.json');
  if (existsSync(record)) await endLeft(JSON.parse(readFileSync(record, 'utf8')) as Left);
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).toReversed()) await one();
    await rm(record, { force: true });
  };
  try {
    const nodes = Array.from({ length: options.brokers }, (_, index) => index + 1);
    const kafkaProxies = await Promise.all(nodes.map(() => createFaultyProxy(0)));
    stops.push(() => Promise.all(kafkaProxies.map((proxy) => proxy.close())));
    const disks = await Promise.all(
      nodes.map((node) => mountSmallDisk(path.join(folder, `kafka-data-${node}`), KAFKA_DISK)),
    );
    stops.push(() => Promise.all(disks.map((disk) => disk?.unmount())));
    const postgres = await startPostgresServer(folder, {
      name: path.basename(folder),
      diskBytes: POSTGRES_DISK,
    });
    stops.push(() => postgres.stop());
    // What would have to be ended is known once everything runs.
    let remember = async () => {};
    const redis = createRedis(path.join(folder, 'redis'), () => remember());
    stops.push(() => redis.stop());
    await redis.services.start();
    const brokers = [
      ...(await startKafka(path.join(folder, 'kafka'), options.brokers, {
        advertised: kafkaProxies.map(({ port }) => port),
        dataDirs: nodes.map((node) => path.join(folder, `kafka-data-${node}`, 'log')),
        settings: KAFKA_SETTINGS,
      })),
    ];
    stops.push(() => stopKafka(brokers));
    for (const [index, proxy] of kafkaProxies.entries()) proxy.target(brokers[index]!.port);
    const others = await Promise.all([createFaultyProxy(postgres.port), createFaultyProxy(redis.port())]);
    stops.push(() => Promise.all(others.map((proxy) => proxy.close())));
    const [postgresProxy, redisProxy] = others;
    remember = () => {
      const left: Left = { kafka: brokers.map(({ pid }) => pid), redis: redis.pid(), postgres: postgres.pid };
      return writeFile(record, JSON.stringify(left));
    };
    await remember();
    return {
      services: {
        kafka: kafkaServices(brokers, disks, remember),
        redis: redis.services,
        postgres: withStart(postgres, () => postgres.start().then(() => remember())),
      },
      proxies: {
        postgres: postgresProxy,
        redis: redisProxy,
        ...Object.fromEntries(kafkaProxies.map((proxy, index) => [`kafka-${index + 1}`, proxy])),
      },
      env: {
        DATABASE_URL: postgres.url.replace(`:${postgres.port}/`, `:${postgresProxy.port}/`),
        REDIS_URL: `redis://127.0.0.1:${redisProxy.port}`,
        KAFKA_BROKERS: kafkaProxies.map(({ port }) => `127.0.0.1:${port}`).join(','),
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A dead broker is missed sooner than after nine seconds: outages here are shorter than in production. */
const KAFKA_SETTINGS = {
  'broker.session.timeout.ms': 4_000,
  'broker.heartbeat.interval.ms': 500,
  'log.retention.check.interval.ms': 1_000,
  'controller.quorum.election.timeout.ms': 1_000,
  'leader.imbalance.check.interval.seconds': 20,
};

async function endLeft(left: Left): Promise<void> {
  for (const pid of left.kafka) await end(pid, 'kafka.Kafka');
  await end(left.redis, 'redis-server');
  await end(left.postgres, 'postgres');
}

function kafkaServices(
  brokers: KafkaBroker[],
  disks: readonly (Mounted | null)[],
  remember: () => Promise<void>,
): Services['kafka'] {
  const of = (node: number): KafkaBroker => {
    const broker = brokers[node - 1];
    if (broker === undefined) throw new RangeError(`there are brokers 1 to ${brokers.length}, not ${node}`);
    return broker;
  };
  return {
    brokers: brokers.length,
    direct: brokers.map((broker) => `127.0.0.1:${broker.insidePort}`).join(','),
    kill: (node) => killBroker(of(node)),
    stop: (node) => stopBroker(of(node)),
    async start(node) {
      if (kafkaRuns([of(node)])) return;
      brokers[node - 1] = await restartBroker(of(node));
      await remember();
    },
    freeze: (node) => void process.kill(of(node).pid, 'SIGSTOP'),
    thaw: (node) => void process.kill(of(node).pid, 'SIGCONT'),
    disk: (node) => disks[node - 1] ?? null,
  };
}

function createRedis(base: string, changed: () => Promise<void>) {
  let server: RedisServer | undefined;
  let replica: RedisServer | undefined;
  let folder = base;
  let client: Redis | undefined;
  const pid = () => server?.pid ?? 0;
  const start = async () => {
    if (redisRuns(server)) return;
    server = await startRedis(folder, {}, server?.port);
    await changed();
  };
  const kill = async () => {
    client?.disconnect();
    client = undefined;
    if (server !== undefined) await stopRedis(server);
  };
  const stop = async () => {
    await kill();
    if (replica !== undefined) await stopRedis(replica);
  };
  const replicaFolder = () => (folder === base ? `${base}-replica` : base);
  const services: Services['redis'] = {
    kill,
    start,
    freeze: () => void process.kill(pid(), 'SIGSTOP'),
    thaw: () => void process.kill(pid(), 'SIGCONT'),
    async command([name = '', ...words]) {
      client ??= new Redis({ host: '127.0.0.1', port: server!.port, maxRetriesPerRequest: 1 });
      client.removeAllListeners('error').on('error', () => {});
      return await client.call(name, ...words);
    },
    async replicate() {
      await services.command(['CONFIG', 'SET', 'repl-diskless-sync-delay', '0']);
      replica = await startRedis(replicaFolder(), {
        replicaof: `127.0.0.1 ${server!.port}`,
        // Else it keeps what it was sent as its dump, and comes back with that once it is killed.
        'repl-diskless-load': 'on-empty-db',
      });
      const joined = new Redis({ host: '127.0.0.1', port: replica.port });
      const deadline = performance.now() + 30_000;
      try {
        while (!(await joined.info('replication')).includes('master_link_status:up')) {
          if (performance.now() > deadline) throw new Error('the replica of Redis did not catch up in 30 s');
          await delay(50);
        }
      } finally {
        joined.disconnect();
      }
      process.kill(replica.pid, 'SIGSTOP');
    },
    async failOver() {
      if (replica === undefined) throw new Error('Redis has no replica');
      await kill();
      process.kill(replica.pid, 'SIGCONT');
      [server, replica, folder] = [replica, undefined, replicaFolder()];
      await services.command(['REPLICAOF', 'NO', 'ONE']);
      await changed();
      return server.port;
    },
    get url() {
      return `redis://127.0.0.1:${server!.port}`;
    },
    get folder() {
      return folder;
    },
  };
  return { services, pid, port: () => server!.port, stop };
}

/** A spread would take a getter's value of now. */
function withStart(postgres: PostgresServer, start: () => Promise<void>): Services['postgres'] {
  const { url, dataDir, disk, kill, freeze, thaw } = postgres;
  return { url, dataDir, disk, kill, freeze, thaw, start };
}
