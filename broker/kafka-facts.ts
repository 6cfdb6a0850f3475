/** What a Kafka cluster says of itself and of our topics: for the doctor. Reads only. */
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import kafkajs from 'kafkajs';
import type { KafkaBrokerOptions } from './kafka.ts';
import { calmKafkajs } from './kafka-calm.ts';

export type TopicFacts = {
  readonly partitions: number;
  /** Of the partition that has fewest. */
  readonly replicas: number;
  readonly inSync: number;
  /** Those of its settings that matter here. */
  readonly settings: Readonly<Record<string, string>>;
};

export type KafkaFacts = {
  readonly brokers: number;
  /** As far as the protocol tells: `4.0 or later`, `3.1 or later`, `before 3.1`. */
  readonly version: string;
  /** Those of `topics` that exist. */
  readonly topics: ReadonlyMap<string, TopicFacts>;
};

/** ConfigResourceTypes.TOPIC of the Kafka protocol. */
const TOPIC_RESOURCE = 2;
const SETTINGS = [
  'cleanup.policy',
  'delete.retention.ms',
  'max.message.bytes',
  'min.insync.replicas',
  'retention.ms',
  'unclean.leader.election.enable',
];
const FETCH = 1;

export async function readKafkaFacts(
  options: Omit<KafkaBrokerOptions, 'logger' | 'clientId'>,
  topics: readonly string[],
  timeoutMs: number,
): Promise<KafkaFacts> {
  calmKafkajs();
  const kafka = new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: 'allim-doctor',
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 0 },
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined ? {} : { sasl: options.sasl }),
  });
  const admin = kafka.admin({ retry: { retries: 0 } });
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    const existing = new Set(await admin.listTopics());
    const known = topics.filter((topic) => existing.has(topic));
    const metadata = known.length === 0 ? [] : (await admin.fetchTopicMetadata({ topics: known })).topics;
    const settings = new Map<string, Record<string, string>>();
    if (known.length > 0) {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: known.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: SETTINGS })),
      });
      for (const { resourceName, configEntries } of resources)
        settings.set(
          resourceName,
          Object.fromEntries(configEntries.map(({ configName, configValue }) => [configName, configValue])),
        );
    }
    return {
      brokers: brokers.length,
      version: await versionOf(options, timeoutMs),
      topics: new Map(
        metadata.map(({ name, partitions }) => [
          name,
          {
            partitions: partitions.length,
            replicas: Math.min(...partitions.map((one) => one.replicas.length)),
            inSync: Math.min(...partitions.map((one) => one.isr.length)),
            settings: settings.get(name) ?? {},
          },
        ]),
      ),
    };
  } finally {
    await admin.disconnect();
  }
}

/**
 * A broker names no version, but which versions of each request it takes: Kafka 4.0 dropped those of Fetch below 4, 3.1 brought 13.
 * ApiVersions (key 18, version 0) is answered before any authentication. Source: Kafka protocol guide; KIP-35, KIP-896.
 */
async function versionOf(
  options: Pick<KafkaBrokerOptions, 'brokers' | 'ssl'>,
  timeoutMs: number,
): Promise<string> {
  const [host = '', port = ''] = (options.brokers[0] ?? '').split(':');
  const answer = await ask(host, Number(port), options.ssl, timeoutMs).catch(() => null);
  const range = answer === null ? undefined : rangesIn(answer).get(FETCH);
  if (range === undefined) return 'unknown';
  if (range.min >= 4) return '4.0 or later';
  return range.max >= 13 ? '3.1 or later' : 'before 3.1';
}

function rangesIn(answer: Buffer): ReadonlyMap<number, { readonly min: number; readonly max: number }> {
  const ranges = new Map<number, { min: number; max: number }>();
  const count = answer.readInt32BE(10);
  for (let at = 14, i = 0; i < count && at + 6 <= answer.length; i++, at += 6)
    ranges.set(answer.readInt16BE(at), { min: answer.readInt16BE(at + 2), max: answer.readInt16BE(at + 4) });
  return ranges;
}

function ask(
  host: string,
  port: number,
  ssl: boolean | ConnectionOptions | undefined,
  timeoutMs: number,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const request = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff]);
  const socket: Socket = ssl
    ? connectTls({
        host,
        port,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(typeof ssl === 'object' ? ssl : {}),
      })
    : connect({ host, port });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  let got = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('the connection was closed')));
  socket.on('data', (chunk: Buffer) => {
    got = Buffer.concat([got, chunk]);
    if (got.length < 4 || got.length < got.readInt32BE(0) + 4) return;
    resolve(got);
    socket.destroy();
  });
  socket.write(request);
  return promise;
}
