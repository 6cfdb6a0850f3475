/** A real Kafka in KRaft mode from Maven Central's jars: one broker, or several that are all controllers too. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, awaitReady, end, freePorts, installed, isRunning, launch, run, say } from './process.ts';

const VERSION = '4.1.1';
/** In the command line of every broker, and of nothing else. */
const MARKER = 'kafka.Kafka';

export type KafkaBroker = {
  readonly pid: number;
  /** Where clients are served. */
  readonly port: number;
  /** Where brokers talk to each other, and clients get past what stands in front of `port`; the same where nothing does. */
  readonly insidePort: number;
  /** Node id, from 1. */
  readonly node: number;
  /** Configuration, log file and, unless told otherwise, data. */
  readonly home: string;
};

export type KafkaOptions = {
  /** Ports that clients are told to come to, one a broker: those of proxies that lead to `port`. */
  readonly advertised?: readonly number[];
  /** Where each broker keeps its data, one a broker. */
  readonly dataDirs?: readonly string[];
  /** Broker settings over those here. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
};

/** The largest record that must pass is 1 MiB of key, value and headers; a batch adds some bytes. 2 MB must not pass. */
const MAX_MESSAGE_BYTES = 1_048_576 + 65_536;

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>allim</groupId><artifactId>services</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`;

/** The jars, downloaded once into the user's cache. */
async function classPath(): Promise<string> {
  const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'allim');
  const jars = path.join(cache, `kafka-${VERSION}`);
  await installed('java', '-version', ['openjdk-17-jre-headless']);
  if (!existsSync(jars)) {
    await installed('mvn', '-version', ['maven']);
    say(`downloading Kafka ${VERSION} from Maven Central (about 100 MB, once) into ${jars}`);
    const aside = `${jars}.${process.pid}`;
    await mkdir(aside, { recursive: true });
    await writeFile(path.join(aside, 'pom.xml'), POM);
    const args = [
      '-q',
      '-B',
      'dependency:copy-dependencies',
      '-DoutputDirectory=lib',
      '-DincludeScope=runtime',
    ];
    await run('mvn', args, { cwd: aside, maxBuffer: 64 << 20 });
    await rename(aside, jars).catch(async (error: NodeJS.ErrnoException) => {
      await rm(aside, { recursive: true, force: true });
      if (!existsSync(jars)) throw error;
    });
  }
  return path.join(jars, 'lib', '*');
}

type Ports = {
  readonly client: readonly number[];
  readonly advertised: readonly number[];
  readonly inside: readonly number[];
  readonly controllers: readonly number[];
};

function properties(
  node: number,
  { client, advertised, inside, controllers }: Ports,
  data: string,
  more: KafkaOptions['settings'] = {},
): string {
  const count = client.length;
  const replicas = Math.min(3, count);
  const at = (ports: readonly number[]) => `://127.0.0.1:${ports[node - 1]}`;
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': node,
    listeners: `PLAINTEXT${at(client)},INSIDE${at(inside)},CONTROLLER${at(controllers)}`,
    'advertised.listeners': `PLAINTEXT${at(advertised)},INSIDE${at(inside)}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT',
    // Not by the clients' ports: whatever stands before those must not part the brokers.
    'inter.broker.listener.name': 'INSIDE',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': controllers.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(','),
    'log.dirs': data,
    'auto.create.topics.enable': false,
    'default.replication.factor': replicas,
    'min.insync.replicas': replicas === 3 ? 2 : 1,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': replicas === 3 ? 2 : 1,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': 1,
    // Members of a test's group come at once: waiting three seconds for more only costs time.
    'group.initial.rebalance.delay.ms': 0,
    'message.max.bytes': MAX_MESSAGE_BYTES,
    'replica.fetch.max.bytes': MAX_MESSAGE_BYTES,
    // A test whose time-outs are scaled down has sessions below Kafka's six seconds.
    'group.min.session.timeout.ms': 200,
    ...more,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/**
 * The node ids of the brokers that a broker says are alive: a Metadata request (key 3, version 4) for no topics. It answers only when it serves
 * clients. Source: Kafka protocol guide, request header v1, Metadata request and response v4.
 */
async function knownBrokers(port: number): Promise<ReadonlySet<number>> {
  const request = Buffer.from([0, 0, 0, 15, 0, 3, 0, 4, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0, 0]);
  const answer = await ask(port, request, 16);
  const nodes = new Set<number>();
  if (answer === null) return nodes;
  // After lengths, correlation id and throttle time: a count, and of each node id, host, port and rack (-1: none).
  let at = 16;
  for (let left = answer.readInt32BE(12); left > 0 && at + 6 <= answer.length; left--) {
    nodes.add(answer.readInt32BE(at));
    at += 6 + answer.readInt16BE(at + 4) + 4;
    if (at + 2 > answer.length) break;
    at += 2 + Math.max(0, answer.readInt16BE(at));
  }
  return nodes;
}

export function kafkaRuns(brokers: readonly KafkaBroker[]): boolean {
  return brokers.length > 0 && brokers.every((broker) => isRunning(broker.pid, MARKER));
}

/** Java's flags for everything here. A broker that lives for minutes beside what is tested: the second compiler and parallel collectors would take
 * more of its two cores than they give back. Half the CPU of 100 events a second went into compiling. */
const SMALL = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

const configOf = (home: string) => path.join(home, 'server.properties');
const logOf = (home: string) => path.join(home, 'kafka.log');

async function spawnBroker(home: string, classes: string): Promise<number> {
  const args = ['-Xmx512m', '-Xms128m', ...SMALL, '-cp', classes, MARKER, configOf(home)];
  return await launch('java', args, { cwd: home, logFile: logOf(home) });
}

/** Resolves when `broker` serves clients and knows all of `nodes`. */
async function ready(broker: KafkaBroker, nodes: readonly number[], timeoutMs: number): Promise<void> {
  await awaitReady(
    'Kafka',
    () => isRunning(broker.pid, MARKER),
    async () => {
      const known = await knownBrokers(broker.insidePort);
      return nodes.every((node) => known.has(node));
    },
    logOf(broker.home),
    timeoutMs,
  );
}

/** Starts `count` brokers with empty logs below `folder`; resolves when each of them knows all. About 5 s. */
export async function startKafka(
  folder: string,
  count: number,
  options: KafkaOptions = {},
): Promise<readonly KafkaBroker[]> {
  const classes = await classPath();
  await rm(folder, { recursive: true, force: true });
  const all = await freePorts(count * 3);
  const client = all.slice(0, count);
  const inside = all.slice(count, count * 2);
  const controllers = all.slice(count * 2);
  const ports = { client, inside, controllers, advertised: options.advertised ?? client };
  say(`starting Kafka ${VERSION} on ${client.map((port) => `127.0.0.1:${port}`).join(', ')}`);
  const cluster = 'allim-services-000000A';
  const brokers = await Promise.all(
    client.map(async (port, index): Promise<KafkaBroker> => {
      const node = index + 1;
      const home = path.join(folder, `broker-${node}`);
      await mkdir(home, { recursive: true });
      const data = options.dataDirs?.[index] ?? path.join(home, 'data');
      await writeFile(configOf(home), properties(node, ports, data, options.settings));
      const format = ['kafka.tools.StorageTool', 'format', '-t', cluster, '-c', configOf(home)];
      await run('java', [...SMALL, '-cp', classes, ...format]);
      return { pid: await spawnBroker(home, classes), port, insidePort: inside[index]!, node, home };
    }),
  );
  const nodes = brokers.map(({ node }) => node);
  for (const broker of brokers)
    await ready(broker, nodes, 60_000).catch(async (error: Error) => {
      await stopKafka(brokers);
      throw error;
    });
  return brokers;
}

/** kill -9. */
export async function killBroker(broker: KafkaBroker): Promise<void> {
  await end(broker.pid, MARKER);
}

/** Asks it to stop: it hands its partitions to the others first, as in a rolling restart. Resolves when it has ended. */
export async function stopBroker(broker: KafkaBroker): Promise<void> {
  if (isRunning(broker.pid, MARKER)) process.kill(broker.pid, 'SIGTERM');
  while (isRunning(broker.pid, MARKER)) await delay(20);
}

/** Starts a broker that has ended, with the data it had; resolves when it serves clients. */
export async function restartBroker(broker: KafkaBroker): Promise<KafkaBroker> {
  const again = { ...broker, pid: await spawnBroker(broker.home, await classPath()) };
  await ready(again, [broker.node], 60_000);
  return again;
}

export async function stopKafka(brokers: readonly KafkaBroker[]): Promise<void> {
  await Promise.all(brokers.map((broker) => end(broker.pid, MARKER)));
}
