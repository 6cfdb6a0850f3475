/** Every role in one process with providers that refuse, and everything that leaves it or lies in it written down. */

import webPush from 'web-push';
import { loadConfig } from '../../../app/config.ts';
import { type Context, createContext } from '../../../app/context.ts';
import { ROLES } from '../../../app/roles.ts';
import { startRoles } from '../../../app/start-roles.ts';
import type { NewRecord } from '../../../broker/broker.ts';
import { createEmbeddedBroker } from '../../../broker/embedded.ts';
import { silentLogger } from '../../../domain/logger.ts';
import type { SqlPool } from '../../../domain/sql.ts';
import { createBullmqQueue, postgresQueuePool, QUEUE_NAMES } from '../../../queue/bullmq.ts';
import type { Queue } from '../../../queue/queue.ts';
import { createPool } from '../../../store/postgres.ts';
import { createSessions, type SignedInAs } from '../../../web/sign-in/sessions.ts';
import { buildWebOnce } from '../built-web.ts';
import { ADMINISTRATOR, createLogCapture } from '../http.ts';
import { createDatabase } from '../postgres.ts';
import { createKafkaLog } from './kafka-log.ts';
import { type RefusingProviders, startRefusingProviders } from './refusing-providers.ts';
import { rowsAsText } from './rows.ts';

export type Answer = {
  /** Method and route as the test names it. */
  readonly asked: string;
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
};

export type CanarySite = {
  readonly context: Context;
  readonly pool: SqlPool;
  readonly pushUrl: string;
  readonly called: RefusingProviders['called'];
  readonly lines: readonly string[];
  readonly jobs: readonly string[];
  /** What travelled in the log of events, below the seal: read back from Kafka where there is one, else as it was handed over. */
  records(): Promise<readonly (readonly [topic: string, text: string])[]>;
  readonly answers: readonly Answer[];
  /** As the administrator unless headers say otherwise; the answer is kept. */
  ask(
    method: string,
    url: string,
    given?: { as?: string; body?: unknown; headers?: Record<string, string>; key?: string | null },
  ): Promise<Answer>;
  signIn(as: SignedInAs): Promise<Record<string, string>>;
  readonly origin: string;
  /** Of a browser that follows by itself. */
  keep(asked: string, response: Response): Promise<void>;
  queueTexts(): Promise<(readonly [string, string])[]>;
  tableTexts(): Promise<(readonly [string, string])[]>;
  metrics(): Promise<string>;
  stop(): Promise<void>;
};

const KEY = Buffer.alloc(32, 9).toString('hex');

function recordingQueue(queue: Queue, jobs: string[]): Queue {
  return Object.assign(Object.create(queue) as Queue, {
    add: (
      name: Parameters<Queue['add']>[0],
      all: Parameters<Queue['add']>[1],
      how?: Parameters<Queue['add']>[2],
    ) => {
      for (const job of all) jobs.push(JSON.stringify(job));
      return queue.add(name, all, how);
    },
  });
}

function recordingBroker(pool: SqlPool, records: (readonly [string, string])[]) {
  const broker = createEmbeddedBroker({ pool, logger: silentLogger });
  const text = (value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : JSON.stringify(value ?? '');
  return Object.assign(Object.create(broker) as typeof broker, {
    append(topic: string, all: readonly NewRecord[]) {
      for (const { key, value, headers } of all)
        records.push([
          topic,
          [key, value, headers]
            .map((one) => (one instanceof Uint8Array ? Buffer.from(one).toString('utf8') : text(one)))
            .join(' '),
        ]);
      return broker.append(topic, all);
    },
  });
}

export async function createCanarySite(dataDir: string): Promise<CanarySite> {
  buildWebOnce();
  const database = await createDatabase({ max: 20, seeded: true });
  const providers = await startRefusingProviders();
  const { logger, lines } = createLogCapture();
  const vapid = webPush.generateVAPIDKeys();
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    ALLIM_ADMIN_TOKEN: ADMINISTRATOR,
    ALLIM_ENCRYPTION_KEY: KEY,
    ALLIM_SEAL: 'on',
    ALLIM_LOG_LEVEL: 'debug',
    ALLIM_PUSH_LOOPBACK: 'true',
    SMTP_URL: providers.smtpUrl,
    SMTP_FROM: 'allim@allim.example',
    SMS_URL: providers.smsUrl,
    SMS_FROM: '1577',
    VAPID_SUBJECT: 'mailto:allim@allim.example',
    VAPID_PUBLIC_KEY: vapid.publicKey,
    VAPID_PRIVATE_KEY: vapid.privateKey,
    PORT: '0',
  });
  const jobs: string[] = [];
  const records: (readonly [string, string])[] = [];
  const { max, options } = postgresQueuePool(QUEUE_NAMES.length);
  const queuePool = createPool({ url: database.url, max, options, logger: silentLogger });
  const redisUrl = process.env['REDIS_URL'];
  const prefix = `canary-${process.pid}`;
  const backend = redisUrl ? { redisUrl } : { pool: queuePool };
  const logPool = createPool({ url: database.url, max: 10, logger: silentLogger });
  const servers = process.env['KAFKA_BROKERS']?.split(',') ?? [];
  const kafka = servers.length === 0 ? null : createKafkaLog(servers, prefix, logger);
  const context = await createContext(config, {
    logger,
    queue: recordingQueue(createBullmqQueue({ backend, prefix, logger }), jobs),
    broker: kafka?.broker ?? recordingBroker(logPool, records),
  });
  const running = await startRoles(context, ROLES);
  const sessions = createSessions(context);
  const answers: Answer[] = [];
  return {
    context,
    pool: database.pool,
    pushUrl: providers.pushUrl,
    called: providers.called,
    lines,
    jobs,
    records: async () => (kafka === null ? records : await kafka.texts()),
    answers,
    async ask(method, url, { as = url, body, headers = {}, key = ADMINISTRATOR } = {}) {
      const response = await fetch(`${running.url}${url}`, {
        method,
        redirect: 'manual',
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const answer = {
        asked: `${method} ${as}`,
        status: response.status,
        headers: [...response.headers],
        body: await response.text(),
      };
      answers.push(answer);
      return answer;
    },
    origin: running.url!,
    async keep(asked, response) {
      const { status, headers } = response;
      answers.push({ asked, status, headers: [...headers], body: await response.text() });
    },
    async signIn(as) {
      const { token } = await sessions.open(as, { device: 'Chrome · Linux', idToken: null });
      const { csrf } = (await sessions.read(token))!;
      return { cookie: `allim-session=${token}`, 'x-allim-csrf': csrf };
    },
    queueTexts: () => (redisUrl ? redisTexts(redisUrl, prefix) : rowsAsText(database.pool, false)),
    tableTexts: () => rowsAsText(database.pool, true),
    metrics: async () => (await context.metrics.render()).text,
    async stop() {
      await running.stop();
      await context.stop();
      await kafka?.remove();
      await queuePool.end();
      await logPool.end();
      await providers.stop();
      await database.drop();
    },
  };
}

async function redisTexts(url: string, prefix: string): Promise<(readonly [string, string])[]> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url);
  try {
    const texts: (readonly [string, string])[] = [];
    for await (const found of redis.scanStream({ match: `${prefix}:*` }) as AsyncIterable<string[]>)
      for (const key of found) texts.push(['redis', `${key} ${(await redis.dump(key)) ?? ''}`]);
    return texts;
  } finally {
    redis.disconnect();
  }
}
