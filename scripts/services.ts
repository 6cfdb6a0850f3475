/**
 * `npm run services -- start|stop|status|env [--brokers N] [--postgres]`: real Kafka and Redis (and the bundled Postgres) for tests and
 * trials, on free loopback ports, their data in .cache/services and gone at the next start. What KAFKA_BROKERS, REDIS_URL or
 * DATABASE_URL name already is used as it is, and nothing is started for it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { messageOf } from '../domain/errors.ts';
import { silentLogger } from '../domain/logger.ts';
import { startBundledPostgres } from '../store/bundled.ts';
import { type KafkaBroker, kafkaRuns, startKafka, stopKafka } from './services/kafka.ts';
import { has, run, say } from './services/process.ts';
import { type RedisServer, redisRuns, startRedis, stopRedis } from './services/redis.ts';

const ROOT = path.join(import.meta.dirname, '..');
const FOLDER = path.join(ROOT, '.cache', 'services');
/** Plain and without passwords, on loopback: for tests and trials. */
const COMPOSE = path.join('scripts', 'services', 'compose.yml');
const STATE = path.join(FOLDER, 'state.json');

type State = {
  readonly kafka?: readonly KafkaBroker[];
  readonly redis?: RedisServer;
  readonly postgres?: string;
  readonly docker?: true;
};

export type ServiceOptions = { readonly brokers?: number; readonly postgres?: boolean };

function readState(): State {
  if (!existsSync(STATE)) return {};
  const state = JSON.parse(readFileSync(STATE, 'utf8')) as State;
  if (state.docker) return state;
  const { kafka, redis, postgres } = state;
  return {
    ...(kafka !== undefined && kafkaRuns(kafka) ? { kafka } : {}),
    ...(redis !== undefined && redisRuns(redis) ? { redis } : {}),
    ...(postgres === undefined ? {} : { postgres }),
  };
}

async function writeState(state: State): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await writeFile(STATE, JSON.stringify(state));
}

/** The variables of what runs or is given; empty for what does not. */
export function serviceEnvironment(): Readonly<Record<string, string>> {
  const state = readState();
  const found: Record<string, string> = {};
  const brokers = state.docker ? 'localhost:9092' : state.kafka?.map((b) => `127.0.0.1:${b.port}`).join(',');
  const redis = state.docker
    ? 'redis://localhost:6379'
    : state.redis && `redis://127.0.0.1:${state.redis.port}`;
  if (brokers) found['KAFKA_BROKERS'] = brokers;
  if (redis) found['REDIS_URL'] = redis;
  if (state.postgres) found['DATABASE_URL'] = state.postgres;
  for (const name of ['KAFKA_BROKERS', 'REDIS_URL', 'DATABASE_URL']) {
    const given = process.env[name];
    if (given) found[name] = given;
  }
  return found;
}

/** One start at a time: a second one waits and then finds everything running. */
async function locked<T>(work: () => Promise<T>): Promise<T> {
  const lock = path.join(FOLDER, 'lock');
  await mkdir(FOLDER, { recursive: true });
  for (;;) {
    try {
      await writeFile(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0);
      try {
        if (holder > 0) process.kill(holder, 0);
      } catch {
        await rm(lock, { force: true });
      }
      await delay(100);
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function dockerAnswers(): Promise<boolean> {
  return (
    has('docker') &&
    (await run('docker', ['info'], { timeout: 5_000 }).then(
      () => true,
      () => false,
    ))
  );
}

/** Starts what is neither given nor running. Returns the variables to set and whether anything was started. */
export function startServices(
  options: ServiceOptions = {},
): Promise<{ env: Readonly<Record<string, string>>; started: boolean }> {
  return locked(async () => {
    let state = readState();
    let started = false;
    const record = async (more: State) => {
      state = { ...state, ...more };
      started = true;
      await writeState(state);
    };
    const wantsKafka = !process.env['KAFKA_BROKERS'] && !state.kafka && !state.docker;
    const wantsRedis = !process.env['REDIS_URL'] && !state.redis && !state.docker;
    const brokers = options.brokers ?? state.kafka?.length ?? 1;
    if (state.kafka && brokers !== state.kafka.length)
      throw new Error(`Kafka runs with ${state.kafka.length} brokers, not ${brokers}: stop it first`);
    if (wantsKafka && wantsRedis && brokers === 1 && !has('java', '-version') && (await dockerAnswers())) {
      say('no Java here: starting Kafka and Redis with docker compose');
      await run('docker', ['compose', '-f', COMPOSE, 'up', '-d', '--wait', 'kafka', 'redis'], { cwd: ROOT });
      await record({ docker: true });
    } else {
      if (wantsRedis) await record({ redis: await startRedis(path.join(FOLDER, 'redis')) });
      if (wantsKafka) await record({ kafka: await startKafka(path.join(FOLDER, 'kafka'), brokers) });
    }
    if (options.postgres && !process.env['DATABASE_URL']) {
      const server = await startBundledPostgres({
        dataDir: path.join(FOLDER, 'postgres'),
        logger: silentLogger,
      });
      await record({ postgres: server.url });
    }
    return { env: serviceEnvironment(), started };
  });
}

export function stopServices(): Promise<void> {
  return locked(async () => {
    const state = readState();
    if (state.docker)
      await run('docker', ['compose', '-f', COMPOSE, 'stop', 'kafka', 'redis'], { cwd: ROOT });
    if (state.kafka) await stopKafka(state.kafka);
    if (state.redis) await stopRedis(state.redis);
    if (state.postgres) {
      // Adopts it, and as its last user ends it.
      const server = await startBundledPostgres({
        dataDir: path.join(FOLDER, 'postgres'),
        logger: silentLogger,
      });
      await server.stop();
    }
    await rm(STATE, { force: true });
  });
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { brokers: { type: 'string' }, postgres: { type: 'boolean' } },
  });
  const brokers = values.brokers === undefined ? undefined : Number(values.brokers);
  if (brokers !== undefined && !(Number.isInteger(brokers) && brokers >= 1 && brokers <= 9))
    throw new Error(`--brokers takes a number from 1 to 9, not ${values.brokers}`);
  const command = positionals[0] ?? '';
  const print = (env: Readonly<Record<string, string>>) => {
    for (const [name, value] of Object.entries(env)) process.stdout.write(`export ${name}='${value}'\n`);
  };
  if (command === 'start') {
    const { env, started } = await startServices({
      ...(brokers === undefined ? {} : { brokers }),
      ...(values.postgres === undefined ? {} : { postgres: values.postgres }),
    });
    say(started ? 'ready' : 'running already');
    print(env);
  } else if (command === 'stop') {
    await stopServices();
    say('stopped');
  } else if (command === 'env') {
    print(serviceEnvironment());
  } else if (command === 'status') {
    const env = serviceEnvironment();
    for (const name of ['KAFKA_BROKERS', 'REDIS_URL', 'DATABASE_URL'])
      process.stdout.write(`${name}: ${env[name] ?? 'not running'}\n`);
    return env['KAFKA_BROKERS'] && env['REDIS_URL'] ? 0 : 1;
  } else {
    say('usage: npm run services -- start|stop|status|env [--brokers N] [--postgres]');
    return 2;
  }
  return 0;
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    say(messageOf(error));
    return 1;
  });
}
