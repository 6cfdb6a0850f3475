/**
 * Builds everything the roles share from the configuration, and is the only place that knows every adapter. What a test or a bench wants
 * different it gives as an override; nothing else is a seam.
 */
import { mkdir } from 'node:fs/promises';
import { pino } from 'pino';
import type { Broker, TopicSpec } from '../broker/broker.ts';
import { createEmbeddedBroker } from '../broker/embedded.ts';
import { createKafkaBroker } from '../broker/kafka.ts';
import { createSealedBroker } from '../broker/sealed.ts';
import { type Clock, systemClock } from '../domain/clock.ts';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import { createReceiptTokens } from '../domain/receipt-tokens.ts';
import { TOPICS } from '../domain/records.ts';
import { createSealer, type Sealer } from '../domain/sealing.ts';
import { CHANNELS, type Channel } from '../domain/statuses.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import { WORKING_DAYS } from '../domain/working-days.ts';
import { createBullmqQueue, postgresQueuePool, QUEUE_NAMES } from '../queue/bullmq.ts';
import type { Queue } from '../queue/queue.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { type BundledPostgres, startBundledPostgres } from '../store/bundled.ts';
import { type Catalogue, createCatalogue } from '../store/catalogue.ts';
import { migrate } from '../store/migrate.ts';
import { createPool, type Pool } from '../store/postgres.ts';
import { saveSimulatedSends } from '../store/simulated-sends.ts';
import { createEmailProvider } from '../workers/providers/email.ts';
import { createOutboxProvider } from '../workers/providers/outbox.ts';
import type { Provider } from '../workers/providers/provider.ts';
import { createPushProvider } from '../workers/providers/push.ts';
import { createSmsHttpProvider } from '../workers/providers/sms-http.ts';
import { createSmsProvider } from '../workers/providers/sms-smpp.ts';
import { createSmsReceipts } from '../workers/sms-receipts.ts';
import { withBinaryProfiles } from './binary-profiles.ts';
import type { Config } from './config.ts';
import { createLedgerWatch } from './ledger-watch.ts';
import { measuredProvider } from './measured-provider.ts';
import { type AppMetrics, createMetrics } from './metrics.ts';
import { loadSecrets, type Secrets } from './secrets.ts';

export type Context = {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly secrets: Secrets;
  readonly sealer: Sealer;
  readonly calendar: WorkingDays;
  /** For everything but the ledger's hot statements. */
  readonly pool: Pool;
  /** For dispatcher and workers: nested loops and generic plans only, because a plan made while a month is empty scans it when full. */
  readonly ledger: Pool;
  readonly broker: Broker;
  readonly queue: Queue;
  readonly catalogue: Catalogue;
  readonly providers: Readonly<Record<Channel, Provider>>;
  /** Take what agencies in trial would have sent: outboxes, whatever is configured. */
  readonly simulated: Readonly<Record<Channel, Provider>>;
  readonly metrics: AppMetrics;
  /** The bundled server's processes, for measuring; empty where DATABASE_URL is set. */
  databasePids(): Promise<readonly number[]>;
  /** Stops what was started, in reverse. Safe to call twice. */
  stop(): Promise<void>;
};

export type Overrides = Partial<Pick<Context, 'logger' | 'clock' | 'broker' | 'queue' | 'providers'>>;

/** The population is read again from its topics, or from snapshots of at most seven days on; a tombstone must outlive the longest pause of a shard. */
const TOMBSTONES_MS = 14 * 86_400_000;
export const POOL = 10;
export const LEDGER_POOL = 12;
const WORKERS_A_QUEUE = 1;
/** The longest statement of a role takes seconds; a lock that somebody holds for longer is asked for again. */
const ANSWER_MS = paced(30_000, 6_000);

/** Where attributes of citizens travel, or lie for years. Events are the agencies' own records, and others read them. */
export const SEALED_TOPICS: ReadonlySet<string> = new Set([
  TOPICS.profiles,
  TOPICS.overlays,
  ...Object.values(TOPICS.requests),
  ...Object.values(TOPICS.audiences),
]);

export const CALENDAR: WorkingDays = WORKING_DAYS;

export function topicSpecs(partitions: number): TopicSpec[] {
  const plain = [TOPICS.events, ...Object.values(TOPICS.requests), ...Object.values(TOPICS.audiences)];
  return [
    ...plain.map((topic) => ({ topic, partitions, compacted: false })),
    { topic: TOPICS.profiles, partitions, compacted: true, deleteRetentionMs: TOMBSTONES_MS },
    { topic: TOPICS.overlays, partitions, compacted: true, deleteRetentionMs: TOMBSTONES_MS },
  ];
}

export async function createContext(config: Config, overrides: Overrides = {}): Promise<Context> {
  const logger = overrides.logger ?? createLogger(config);
  const clock = overrides.clock ?? systemClock;
  const stops: (() => Promise<unknown>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      for (const one of stops.toReversed()) await one();
    })();
    return stopped;
  };
  try {
    if (config.databaseUrl === null) await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
    const secrets = await loadSecrets(config, logger);
    const sealer = createSealer(
      secrets.encryptionKey.bytes,
      secrets.indexKey.bytes,
      secrets.oldEncryptionKeys.map((key) => key.bytes),
    );

    let bundled: BundledPostgres | undefined;
    if (config.databaseUrl === null) {
      bundled = await startBundledPostgres({ dataDir: config.dataDir, logger });
      stops.push(() => bundled?.stop() ?? Promise.resolve());
    }
    const url = config.databaseUrl ?? bundled?.url ?? '';
    const open = (max: number, applicationName: string, options?: Record<string, string>): Pool => {
      const pool = createPool({
        url,
        max,
        applicationName,
        logger,
        answerMs: ANSWER_MS,
        ...(options === undefined ? {} : { options }),
      });
      stops.push(() => pool.end());
      return pool;
    };
    const pool = open(POOL, 'allim');
    const ledger = open(LEDGER_POOL, 'allim-ledger', {
      plan_cache_mode: 'force_generic_plan',
      enable_seqscan: 'off',
      enable_hashjoin: 'off',
      enable_mergejoin: 'off',
      jit: 'off',
    });
    const migrating = createPool({ url, max: 2, applicationName: 'allim-migrate', logger });
    const applied = await migrate(migrating, { logger }).finally(() => migrating.end());
    if (applied.length > 0) logger.info({ migrations: applied }, 'the database was brought up to date');
    await checkPartitions(pool, config.partitions);

    const log = overrides.broker ?? createBroker(config, () => open(POOL, 'allim-log'), logger);
    const sealed = createSealedBroker(log, { sealer, seal: config.seal, topics: SEALED_TOPICS, logger });
    const broker = config.binaryProfiles ? withBinaryProfiles(sealed, shippedFields()) : sealed;
    stops.push(() => broker.stop());
    await broker.start();
    await broker.prepare(topicSpecs(config.partitions), { create: config.env !== 'production' });

    const queue = overrides.queue ?? createQueue(config, open, logger);
    stops.push(() => queue.stop());
    await queue.start();

    const watch = createLedgerWatch({ pool, queue, broker, dataDir: config.dataDir, clock, logger });
    stops.push(() => watch.stop());
    await watch.start();

    const catalogue = createCatalogue(pool, logger);
    stops.push(() => catalogue.stop());
    await catalogue.start();

    const outboxes = () => createOutboxes(pool, sealer, clock, logger);
    const metrics = createMetrics();
    const plain =
      overrides.providers ??
      createProviders(config, outboxes(), { pool: ledger, sealer, clock, logger, metrics });
    const providers = Object.fromEntries(
      CHANNELS.map((channel) => [channel, measuredProvider(plain[channel], metrics)]),
    ) as Record<Channel, Provider>;
    return {
      config,
      logger,
      clock,
      secrets,
      sealer,
      calendar: CALENDAR,
      pool,
      ledger,
      broker,
      queue,
      catalogue,
      providers,
      simulated: outboxes(),
      metrics,
      databasePids: async () => (await bundled?.pids()) ?? [],
      stop,
    };
  } catch (error) {
    await stop().catch(() => logger.warn({}, 'not everything that had started could be stopped'));
    throw error;
  }
}

export function createLogger(config: Pick<Config, 'logLevel'>): Logger {
  return pino({ level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime });
}

/** A shard is a partition: with another count citizens would move between shards, and requests under way would miss them. */
async function checkPartitions(pool: Pool, partitions: number): Promise<void> {
  await pool.query(
    `INSERT INTO settings (name, value) VALUES ('partitions', to_jsonb($1::int)) ON CONFLICT (name) DO NOTHING`,
    [partitions],
  );
  const { rows } = await pool.query<{ value: number }>(
    `SELECT value FROM settings WHERE name = 'partitions'`,
  );
  const recorded = rows[0]?.value;
  if (recorded !== partitions)
    throw new AllimError(
      'config-invalid',
      `this installation has ${recorded} partitions; ALLIM_PARTITIONS must not be changed to ${partitions}`,
    );
}

function createBroker(config: Config, openPool: () => Pool, logger: Logger): Broker {
  if (config.kafka === null) return createEmbeddedBroker({ pool: openPool(), logger });
  const { brokers, ssl, sasl } = config.kafka;
  return createKafkaBroker({ brokers, clientId: 'allim', ssl, ...(sasl === null ? {} : { sasl }), logger });
}

function createQueue(
  config: Config,
  open: (max: number, name: string, options?: Record<string, string>) => Pool,
  logger: Logger,
): Queue {
  if (config.redisUrl !== null) return createBullmqQueue({ backend: { redisUrl: config.redisUrl }, logger });
  const { max, options } = postgresQueuePool(QUEUE_NAMES.length * WORKERS_A_QUEUE);
  return createBullmqQueue({ backend: { pool: open(max, 'allim-queue', options) }, logger });
}

/** A channel without a configured provider goes to the outbox; production refuses to start without all of them. */
function createProviders(
  config: Config,
  outboxes: Readonly<Record<Channel, Provider>>,
  parts: Pick<Context, 'sealer' | 'clock' | 'logger' | 'metrics'> & { readonly pool: Pool },
): Record<Channel, Provider> {
  const { clock, logger } = parts;
  const { bounces } = config;
  const tokens = createReceiptTokens(parts.sealer);
  const made: Partial<Record<Channel, Provider>> = {};
  if (config.vapid !== null)
    made.push = createPushProvider({
      vapid: config.vapid,
      allowLoopback: config.pushLoopback,
      services: config.pushServices,
      receiptToken: tokens.push,
      clock,
      logger,
    });
  if (config.smtp !== null)
    made.email = createEmailProvider({
      url: config.smtp.url,
      from: { name: 'Allim', address: config.smtp.from },
      ...(bounces === null
        ? {}
        : { envelopeSender: (delivery, attempt) => `${tokens.bounce(delivery, attempt)}@${bounces.domain}` }),
      clock,
      logger,
    });
  if (config.sms !== null) made.sms = createTexts(config.sms, parts);
  return { ...outboxes, ...made };
}

/** By the protocol of the URL: a gateway over HTTP, or an SMSC. */
function createTexts(
  sms: NonNullable<Config['sms']>,
  parts: Parameters<typeof createProviders>[2],
): Provider {
  const { clock, logger } = parts;
  const options = { url: sms.url, source: sms.from, logger };
  return sms.url.startsWith('http')
    ? createSmsHttpProvider({ ...options, clock })
    : createSmsProvider({ ...options, receipts: createSmsReceipts(parts) });
}

function createOutboxes(pool: Pool, sealer: Sealer, clock: Clock, logger: Logger): Record<Channel, Provider> {
  const outbox = (channel: Channel) =>
    createOutboxProvider({ channel, store: (rows) => saveSimulatedSends(pool, sealer, rows), clock, logger });
  return Object.fromEntries(CHANNELS.map((channel) => [channel, outbox(channel)])) as Record<
    Channel,
    Provider
  >;
}
