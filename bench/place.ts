/**
 * A place of its own for a bench: an empty database, an empty log, an empty queue, in a temporary folder that goes when the bench ends.
 * Services of its own, because topics keep what earlier runs appended.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from '../app/config.ts';
import { type Context, createContext } from '../app/context.ts';
import { silentLogger } from '../domain/logger.ts';
import { startKafka, stopKafka } from '../scripts/services/kafka.ts';
import { startRedis, stopRedis } from '../scripts/services/redis.ts';
import { type BundledPostgres, startBundledPostgres } from '../store/bundled.ts';
import { choosePlace } from '../store/bundled-place.ts';
import { createPool } from '../store/postgres.ts';
import { type Groups, say } from './support.ts';

export type Place = {
  readonly folder: string;
  /** For the roles' processes. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs `work` with a context of this process; its own roles are not started. */
  withContext<T>(work: (context: Context) => Promise<T>): Promise<T>;
  /** null where the place is embedded: the roles' process starts the server itself. */
  readonly postgres: BundledPostgres | null;
  readonly redisUrl: string;
  /** The services' processes by name. */
  pids(): Promise<Groups>;
  stop(): Promise<void>;
};

export type PlaceOptions = {
  /** Real Kafka and Redis, and the Postgres as a server that is given; else everything embedded. */
  readonly services: boolean;
  /** Keeps statistics of statements (`--profile`); costs a few per cent. */
  readonly statements?: boolean;
};

export async function openPlace(options: PlaceOptions): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'allim-bench-'));
  const dataDir = path.join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  const away = { recursive: true, force: true, maxRetries: 5, retryDelay: 200 };
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, away)];
  const stop = async () => {
    for (const one of stops.splice(0).toReversed()) await one();
  };
  process.once('SIGINT', () => void stop().finally(() => process.exit(130)));
  const env: Record<string, string> = {
    ALLIM_DATA: dataDir,
    ALLIM_LOG_LEVEL: process.env['ALLIM_LOG_LEVEL'] ?? 'warn',
  };
  let postgres: BundledPostgres | null = null;
  const services: Record<string, readonly number[]> = {};
  try {
    // For root the cluster lies elsewhere.
    const { home } = await choosePlace(dataDir);
    stops.push(() => rm(home, away));
    if (options.statements === true) await prepareStatements(dataDir);
    if (options.services) {
      postgres = await startBundledPostgres({ dataDir, logger: silentLogger });
      const server = postgres;
      stops.push(() => server.stop());
      const redis = await startRedis(path.join(folder, 'redis'));
      stops.push(() => stopRedis(redis));
      const kafka = await startKafka(path.join(folder, 'kafka'), 1);
      stops.push(() => stopKafka(kafka));
      services['redis'] = [redis.pid];
      services['kafka'] = kafka.map((broker) => broker.pid);
      env['DATABASE_URL'] = server.url;
      env['REDIS_URL'] = `redis://127.0.0.1:${redis.port}`;
      env['KAFKA_BROKERS'] = kafka.map((broker) => `127.0.0.1:${broker.port}`).join(',');
    }
    if (options.statements === true && postgres !== null) await createStatements(postgres.url);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder,
    env,
    postgres,
    pids: async () => ({ postgres: (await postgres?.pids()) ?? [], ...services }),
    redisUrl: env['REDIS_URL'] ?? '',
    stop,
    async withContext(work) {
      const context = await createContext(loadConfig(env));
      try {
        return await work(context);
      } finally {
        await context.stop();
      }
    },
  };
}

/** The library must be named before the server starts, so the server is made, told, and started again. */
async function prepareStatements(dataDir: string): Promise<void> {
  const server = await startBundledPostgres({ dataDir, logger: silentLogger });
  const pool = createPool({ url: server.url, max: 1, logger: silentLogger });
  const { rows } = await pool.query<{ data_directory: string }>('SHOW data_directory');
  await pool.end();
  await server.stop();
  const lines = ["shared_preload_libraries = 'pg_stat_statements'", 'track_io_timing = on', ''];
  await writeFile(path.join(rows[0]!.data_directory, 'local.conf'), lines.join('\n'));
}

async function createStatements(url: string): Promise<void> {
  const pool = createPool({ url, max: 1, logger: silentLogger });
  await pool.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  await pool.end();
}

/** The statements that took longest since the last call, to stderr. */
export async function sayStatements(url: string, count = 14): Promise<void> {
  const pool = createPool({ url, max: 1, logger: silentLogger });
  try {
    const { rows } = await pool.query<{ ms: number; calls: number; rows: number; text: string }>(
      `SELECT round(total_exec_time)::int AS ms, calls, rows, left(regexp_replace(query, '\\s+', ' ', 'g'), 110) AS text
       FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY total_exec_time DESC LIMIT $1`,
      [count],
    );
    for (const row of rows)
      say(
        `${String(row.ms).padStart(8)} ms ${String(row.calls).padStart(7)} calls ${String(row.rows).padStart(8)} rows  ${row.text}`,
      );
    await pool.query('SELECT pg_stat_statements_reset()');
  } finally {
    await pool.end();
  }
}
