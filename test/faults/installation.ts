/**
 * One installation for a whole run: servers behind wires, sinks, a population, the product's processes. Rounds go through it one after the
 * other (test/faults/round.ts); what one leaves behind, `mend` takes away.
 */
import { createECDH, randomBytes } from 'node:crypto';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { topicSpecs } from '../../app/context.ts';
import { seedCatalogue } from '../../app/seed.ts';
import { createKafkaBroker } from '../../broker/kafka.ts';
import { dayOf } from '../../domain/clock.ts';
import { silentLogger } from '../../domain/logger.ts';
import { startBundledPostgres } from '../../store/bundled.ts';
import { migrate } from '../../store/migrate.ts';
import { createPool, type Pool } from '../../store/postgres.ts';
import { putCitizens } from '../spine/produce.ts';
import { createInputs, type Inputs, makePeople, type Person } from './inputs.ts';
import { measureSlices, preparePeople } from './oracle.ts';
import { kcat } from './produce.ts';
import { compileProduct, createProduct, type Product, type Topology } from './product.ts';
import { LogTail, type Sinks, type SmsBy, startSinks } from './sinks.ts';
import type { From } from './stage.ts';
import { type Surroundings, startSurroundings } from './surroundings.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
export const PARTITIONS = 8;
/** What the mail system shows that brings us bounces. */
export const BOUNCE_TOKEN = randomBytes(24).toString('base64url');
const POPULATION_WITHIN_MS = 240_000;

export type Status = {
  readonly idle: boolean;
  readonly backlog: Readonly<Record<string, number>>;
  readonly population: { readonly citizens: number } | null;
  readonly quarantine: number;
};

export type InstallationOptions = {
  readonly folder: string;
  readonly seed: number;
  readonly notices: number;
  readonly pace: number;
  readonly brokers: 1 | 3;
  readonly topology: Topology;
  readonly smsBy: SmsBy;
  /** Only assessments that are told, once, by mail: what any product can do. */
  readonly plain?: boolean;
  readonly say: (line: string) => void;
};

export type Installation = InstallationOptions & {
  readonly asOf: string;
  readonly servers: Surroundings;
  readonly sinks: Sinks;
  readonly product: Product;
  readonly inputs: Inputs;
  readonly oracle: Pool;
  readonly log: LogTail;
  readonly token: string;
  /** SQL against the product's database, past the wire. */
  sql<R = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  status(): Promise<Status | null>;
  /** For a product that does not say when it is done: resolves when it seems to be, to what is wrong or null. */
  rest?(from: From, expected: number): Promise<string | null>;
  /** Wires, servers, sinks and processes as they were. */
  mend(): Promise<void>;
  /** Gives addresses that were refused for good back to their owners, as people do who sign up anew: the next round counts on them. */
  renewAddresses(): Promise<void>;
  /** Returns what went wrong that no round told. */
  stop(): Promise<readonly string[]>;
};

/** The oracle's database is a server of its own: what happens to the product's must not touch who judges. */
export async function openOracle(folder: string): Promise<{ pool: Pool; stop(): Promise<void> }> {
  const server = await startBundledPostgres({
    dataDir: path.join(ROOT, '.cache', 'faults-oracle'),
    logger: silentLogger,
  });
  const admin = createPool({ url: server.url, max: 1, logger: silentLogger });
  const name = `oracle_${path.basename(folder).replaceAll(/\W/g, '_')}`;
  await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  const pool = createPool({ url: url.toString(), max: 2, logger: silentLogger });
  return {
    pool,
    async stop() {
      await pool.end();
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      await admin.end();
      await server.stop();
    },
  };
}

function productEnv(servers: Surroundings, sinks: Sinks, token: string, folder: string, pace: number) {
  const vapid = createECDH('prime256v1');
  vapid.generateKeys();
  return {
    ...servers.env,
    ...sinks.env,
    SMTP_BOUNCE_DOMAIN: 'bounce.allim.test',
    SMTP_BOUNCE_TOKEN: BOUNCE_TOKEN,
    VAPID_SUBJECT: 'mailto:allim@example.kr',
    VAPID_PUBLIC_KEY: vapid.getPublicKey('base64url'),
    // Leading zeroes are left out by createECDH.
    VAPID_PRIVATE_KEY: Buffer.from(vapid.getPrivateKey('hex').padStart(64, '0'), 'hex').toString('base64url'),
    ALLIM_PUSH_LOOPBACK: 'true',
    ALLIM_WEBHOOK_LOOPBACK: 'true',
    ALLIM_PARTITIONS: String(PARTITIONS),
    ALLIM_DATA: path.join(folder, 'data'),
    ALLIM_ADMIN_TOKEN: token,
    ALLIM_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    ALLIM_INDEX_KEY: randomBytes(32).toString('hex'),
    ALLIM_LOG_LEVEL: 'info',
    ALLIM_SNAPSHOT_SECONDS: '2',
    ALLIM_PACE: String(pace),
  };
}

async function prepareProduct(servers: Surroundings): Promise<void> {
  const { url } = servers.services.postgres;
  const pool = createPool({ url, max: 2, logger: silentLogger });
  await migrate(pool, { logger: silentLogger });
  await seedCatalogue(pool, silentLogger);
  await pool.end();
  const broker = createKafkaBroker({
    brokers: servers.env.KAFKA_BROKERS.split(','),
    clientId: 'faults',
    logger: silentLogger,
  });
  await broker.start();
  await broker.prepare(topicSpecs(PARTITIONS), { create: true });
  await broker.stop();
}

export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const { folder, seed, notices, pace, brokers, topology, smsBy, say } = options;
  const ending: (() => Promise<unknown>)[] = [];
  try {
    const compiled = compileProduct();
    const servers = await startSurroundings(folder, { brokers });
    ending.push(() => servers.stop());
    const sinks = await startSinks(folder, smsBy);
    let remarks: readonly string[] = [];
    ending.push(async () => {
      remarks = [...remarks, ...(await sinks.stop())];
    });
    const judging = await openOracle(folder);
    ending.push(() => judging.stop());
    const oracle = judging.pool;
    await prepareProduct(servers);
    const token = randomBytes(32).toString('hex');
    const product = await createProduct(folder, productEnv(servers, sinks, token, folder, pace), topology);
    say(`Kafka (${brokers}), Redis, Postgres and the sinks run`);
    const log = new LogTail(sinks.logFile);
    const ledger = createPool({ url: servers.services.postgres.url, max: 4, logger: silentLogger });
    ending.push(() => ledger.end());
    const base: Omit<Installation, 'inputs' | 'renewAddresses'> = {
      ...options,
      asOf: dayOf(Date.now()),
      servers,
      sinks,
      product,
      oracle,
      log,
      token,
      async sql<R>(text: string, values: readonly unknown[] = []) {
        return (await ledger.query<R & Record<string, unknown>>(text, [...values])).rows;
      },
      async status() {
        const answer = await fetch(`${product.url('web-1')}/api/v1/status`, {
          headers: { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(5_000),
        }).catch(() => null);
        const body = await answer?.json().catch(() => null);
        return answer?.ok && body ? (body as Status) : null;
      },
      async mend() {
        const { kafka, redis, postgres } = servers.services;
        for (const wire of Object.values({ ...servers.proxies, ...sinks.proxies })) wire.mend();
        for (const channel of ['push', 'email', 'sms'] as const) sinks.fail(channel, null);
        for (let broker = 1; broker <= kafka.brokers; broker++) {
          await kafka.disk(broker)?.mend();
          await kafka.start(broker);
          kafka.thaw(broker);
        }
        await redis.start();
        redis.thaw();
        await postgres.disk?.mend();
        await postgres.start();
        await postgres.thaw();
        await product.restore();
      },
      async stop() {
        for (const end of ending.splice(0).toReversed())
          await end().catch((error: Error) => say(`could not be ended: ${error.message}`));
        return remarks;
      },
    };
    ending.push(
      () => log.close(),
      async () => {
        await product.stopAll();
        remarks = [...remarks, ...product.complaints()];
      },
    );
    await compiled;
    await product.startAll();
    say(`${product.names().length} processes run: ${product.names().join(', ')}`);
    const people = makePeople(
      seed,
      Math.max(240, Math.round(notices * 0.6)),
      options.plain ? null : sinks.pushUrl,
    );
    return {
      ...base,
      inputs: await populate(base, people, seed),
      async renewAddresses() {
        const rows = await base.sql<{ id: string }>(
          'SELECT DISTINCT citizen_id AS id FROM contact_points WHERE invalid_at IS NOT NULL',
        );
        if (rows.length === 0) return;
        const dead = new Set(rows.map(({ id }) => id));
        const theirs = people.filter(({ id }) => dead.has(id));
        await putCitizens(product.url('producers-1'), token, theirs, () => {});
      },
    };
  } catch (error) {
    for (const end of ending.splice(0).toReversed()) await end().catch(() => {});
    throw error;
  }
}

/** Everybody known to the shards, with their contact points; and in the oracle. */
async function populate(
  installation: Omit<Installation, 'inputs' | 'renewAddresses'>,
  people: readonly Person[],
  seed: number,
): Promise<Inputs> {
  const { servers, product, oracle, token, say, asOf } = installation;
  await preparePeople(oracle, people);
  await kcat(
    servers.services.kafka.direct,
    'citizen-profiles',
    'allim-initial=1',
    people.map(({ id, profile }) => `${id}\t${JSON.stringify(profile)}`),
  );
  await putCitizens(
    product.url('producers-1'),
    token,
    people.filter((person) => person.reachable),
    () => {},
  );
  const deadline = performance.now() + POPULATION_WITHIN_MS;
  for (;;) {
    const status = await installation.status();
    if ((status?.population?.citizens ?? 0) >= people.length && status?.idle) break;
    if (performance.now() > deadline)
      throw new Error(`the shards do not know everybody: ${JSON.stringify(status?.population)}`);
    await delay(100);
  }
  say(`${people.length} citizens are known, ${people.filter((p) => p.reachable).length} can be reached`);
  return createInputs({
    seed,
    asOf,
    people,
    slices: installation.plain ? [] : await measureSlices(oracle, asOf),
    plain: installation.plain ?? false,
  });
}
