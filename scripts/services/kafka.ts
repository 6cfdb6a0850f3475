/** A real Kafka in KRaft mode from Maven Central's jars: one broker, or several that are all controllers too. */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ask, awaitReady, end, freePorts, installed, isRunning, launch, run, say } from './process.ts';

const VERSION = '4.1.1';
/** In the command line of every broker, and of nothing else. */
const MARKER = 'kafka.Kafka';

export type KafkaBroker = { readonly pid: number; readonly port: number };

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

function properties(
  node: number,
  ports: readonly number[],
  controllers: readonly number[],
  data: string,
): string {
  const count = ports.length;
  const replicas = Math.min(3, count);
  return Object.entries({
    'process.roles': 'broker,controller',
    'node.id': node,
    listeners: `PLAINTEXT://127.0.0.1:${ports[node - 1]},CONTROLLER://127.0.0.1:${controllers[node - 1]}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports[node - 1]}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
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
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/**
 * How many brokers a broker knows: a Metadata request (key 3, version 4) for no topics. It answers only when it serves clients.
 * Source: Kafka protocol guide, request header v1, Metadata request and response v4.
 */
async function knownBrokers(port: number): Promise<number> {
  const request = Buffer.from([0, 0, 0, 15, 0, 3, 0, 4, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 0, 0]);
  const answer = await ask(port, request, 16);
  return answer?.readInt32BE(12) ?? 0;
}

export function kafkaRuns(brokers: readonly KafkaBroker[]): boolean {
  return brokers.length > 0 && brokers.every((broker) => isRunning(broker.pid, MARKER));
}

/** Starts `count` brokers with empty logs below `folder`; resolves when each of them knows all. About 5 s. */
export async function startKafka(folder: string, count: number): Promise<readonly KafkaBroker[]> {
  const classes = await classPath();
  await rm(folder, { recursive: true, force: true });
  const all = await freePorts(count * 2);
  const ports = all.slice(0, count);
  const controllers = all.slice(count);
  say(`starting Kafka ${VERSION} on ${ports.map((port) => `127.0.0.1:${port}`).join(', ')}`);
  const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-XX:+UseSerialGC', '-cp', classes];
  const cluster = 'allim-services-000000A';
  const brokers = await Promise.all(
    ports.map(async (port, index) => {
      const home = path.join(folder, `broker-${index + 1}`);
      await mkdir(home, { recursive: true });
      const config = path.join(home, 'server.properties');
      await writeFile(config, properties(index + 1, ports, controllers, path.join(home, 'data')));
      await run('java', [
        '-XX:TieredStopAtLevel=1',
        ...quiet,
        'kafka.tools.StorageTool',
        'format',
        '-t',
        cluster,
        '-c',
        config,
      ]);
      // A broker that lives for minutes beside what is tested: the second compiler and parallel collectors would take more of its two
      // cores than they give back. Half the CPU of 100 events a second went into compiling.
      const small = ['-Xmx512m', '-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
      const args = [...small, ...quiet, MARKER, config];
      return { pid: await launch('java', args, { cwd: home, logFile: path.join(home, 'kafka.log') }), port };
    }),
  );
  for (const [index, broker] of brokers.entries())
    await awaitReady(
      'Kafka',
      () => isRunning(broker.pid, MARKER),
      async () => (await knownBrokers(broker.port)) === count,
      path.join(folder, `broker-${index + 1}`, 'kafka.log'),
      60_000,
    ).catch(async (error: Error) => {
      await stopKafka(brokers);
      throw error;
    });
  return brokers;
}

export async function stopKafka(brokers: readonly KafkaBroker[]): Promise<void> {
  await Promise.all(brokers.map((broker) => end(broker.pid, MARKER)));
}
