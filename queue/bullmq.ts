/**
 * BullMQ behind the port of queue.ts, on Redis or on its Postgres backend; one suite holds both to the same promises.
 * BullMQ's defaults are wrong for us: a killed worker's jobs come back after a minute, the second kill strands them, closing a worker
 * has no time-out, and a full Redis deadlocks. So: short locks and stall checks, no limit to how often a job may come back, one attempt
 * (retries are the ledger's), finished jobs removed at once, every call bounded in time.
 */
import type { EventEmitter } from 'node:events';
import { Queue as BullQueue, createPostgresBackend, runMigrations, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import type { SqlPool } from '../domain/sql.ts';
import { CHANNELS, LANES } from '../domain/statuses.ts';
import type { BatchJob, JobState, Queue, QueueName, QueueWorker } from './queue.ts';

export type QueueOptions = {
  /** Where jobs lie: a Redis, or a Postgres pool that is the queue's own (made with `postgresQueuePool`). */
  readonly backend: { readonly redisUrl: string } | { readonly pool: SqlPool };
  /** Keeps installations apart that share a Redis or a database. */
  readonly prefix?: string;
  readonly logger: Logger;
  /** How long a worker that fell silent keeps a job. 4 s unless a test is in a hurry. */
  readonly lockMs?: number;
  /** How long a worker that finds no job asks to be told of one; Redis says nothing in that time. */
  readonly blockSeconds?: number;
  /** How long an answer of Redis is awaited beyond that before its connection is taken for broken. */
  readonly silenceMs?: number;
  /** A call that takes longer is `queue-unavailable`. */
  readonly timeoutMs?: number;
};

export const QUEUE_NAMES: readonly QueueName[] = CHANNELS.flatMap((channel) =>
  LANES.map((lane): QueueName => `${channel}-${lane}`),
);

/**
 * What the pool of the Postgres backend must be: sessions in BullMQ's schema (else its functions are not found), and beside the
 * connection that each worker keeps for LISTEN enough of them to work (with four workers and four connections it hangs).
 */
export function postgresQueuePool(workers: number): { max: number; options: { search_path: string } } {
  return { max: workers + Math.max(4, Math.min(workers, 8)), options: { search_path: 'bullmq' } };
}

/**
 * A killed worker's jobs come back this long after its last sign of life, and two looks for stalled ones: below six seconds in all. A worker that
 * was only slow finds its rows claimed by another, or goes on with them: the ledger decides, not the lock.
 */
const LOCK_MS = paced(4_000, 1_500);
const TIMEOUT_MS = paced(3_000, 1_500);
const START_MS = paced(30_000, 3_000);
/** Larger ones make Redis answer others late, and Postgres parse megabytes of JSON. */
const ADD_CHUNK = 1_000;
const STATES_CHUNK = 200;
/** Failed jobs are looked at by the ledger within seconds; the rest is for a person, and bounded. */
const KEEP_FAILED = { age: 3_600, count: 1_000 } as const;
const CLOSE_MS = 2_000;
const BLOCK_SECONDS = 5;
const SILENCE_MS = paced(5_000, 1_000);

const STATES: Readonly<Record<string, JobState>> = {
  waiting: 'pending',
  delayed: 'pending',
  prioritized: 'pending',
  'waiting-children': 'pending',
  active: 'active',
  failed: 'failed',
  completed: 'missing',
  unknown: 'missing',
};

export function jobId(job: BatchJob): string {
  return `b-${job.batch}-g${job.generation}`;
}

function parseJob(data: unknown): BatchJob {
  const { batch, generation, month } = (data ?? {}) as Partial<BatchJob>;
  if (typeof batch !== 'string' || typeof generation !== 'number')
    throw new AllimError('record-corrupt', 'the job is not a batch and a generation');
  return typeof month === 'string' ? { batch, generation, month } : { batch, generation };
}

function unavailable(cause: unknown): AllimError {
  return cause instanceof AllimError
    ? cause
    : new AllimError('queue-unavailable', `the queue cannot be reached: ${messageOf(cause)}`, { cause });
}

/** The answer, or `queue-unavailable` after `timeoutMs`. The call itself may still take effect: everything here may be done twice. */
async function bounded<T>(call: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([call, late]);
  } catch (cause) {
    throw unavailable(cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether it settled in time; never throws. */
async function settles(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const done = work.then(
    () => true,
    () => true,
  );
  return await Promise.race([done, late]).finally(() => clearTimeout(timer));
}

/** A lost connection reports itself several times a second; one line in ten seconds tells as much. */
function complain(logger: Logger): (error: unknown) => void {
  let nextAt = 0;
  let held = 0;
  return (error) => {
    const now = performance.now();
    if (now < nextAt) {
      held++;
      return;
    }
    logger.warn({ error: messageOf(error), since: held }, 'the queue has trouble');
    nextAt = now + 10_000;
    held = 0;
  };
}

type Producer = BullQueue<BatchJob, void, string>;

export function createBullmqQueue(options: QueueOptions): Queue {
  const { backend, logger } = options;
  const prefix = options.prefix ?? 'allim';
  const lockMs = options.lockMs ?? LOCK_MS;
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  // The first time BullMQ makes its tables in Postgres, which a machine with no time to spare takes long over.
  const startMs = 'pool' in options.backend ? Math.max(timeoutMs, START_MS) : timeoutMs;
  const blockSeconds = options.blockSeconds ?? BLOCK_SECONDS;
  // A network that goes away says nothing, and TCP would wait for a quarter of an hour.
  const socketTimeout = blockSeconds * 1_000 + (options.silenceMs ?? SILENCE_MS);
  const onError = complain(logger);
  const producers = new Map<QueueName, Producer>();
  const workers = new Set<QueueWorker>();
  let redis: Redis | undefined;

  const retryStrategy = (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 1_000);
  /** Redis has key prefixes; in Postgres the schema is the namespace, and the queue's name carries ours. */
  const place = (queue: QueueName) =>
    'pool' in backend ? { name: `${prefix}-${queue}`, more: {} } : { name: queue, more: { prefix } };

  const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: KEEP_FAILED };
  const producerOptions = { defaultJobOptions: jobOptions, streams: { events: { maxLen: 100 } } };

  function createProducer(queue: QueueName): Producer {
    const { name, more } = place(queue);
    const all = { ...producerOptions, ...more };
    const producer =
      'pool' in backend
        ? new BullQueue(name, { ...all, connection: backend.pool as never }, createPostgresBackend)
        : new BullQueue(name, { ...all, connection: redis as never });
    producer.on('error', onError);
    return producer as Producer;
  }

  function producerOf(queue: QueueName): Producer {
    const producer = producers.get(queue);
    if (producer === undefined) throw new AllimError('queue-unavailable', 'the queue is not started');
    return producer;
  }

  async function connect(): Promise<void> {
    if ('pool' in backend) {
      // Each queue and worker listens for errors on the one pool.
      (backend.pool as unknown as EventEmitter).setMaxListeners?.(100);
      const client = await backend.pool.connect();
      try {
        await runMigrations(client as never, 'bullmq');
      } finally {
        client.release();
      }
      return;
    }
    const client = new Redis(backend.redisUrl, {
      lazyConnect: true,
      // A call while the connection is down fails at once instead of waiting in memory for it.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 1,
      retryStrategy,
      socketTimeout,
      // How long a closing socket may keep the process alive.
      disconnectTimeout: 200,
    });
    client.on('error', onError);
    redis = client;
    await client.connect();
  }

  function createWorker(
    queue: QueueName,
    concurrency: number,
    process: (data: unknown) => Promise<void>,
  ): Worker {
    const { name, more } = place(queue);
    const all = {
      ...more,
      concurrency,
      lockDuration: lockMs,
      // A stalled job is marked in one check and taken back in the next.
      stalledInterval: Math.max(250, lockMs / 5),
      maxStalledCount: 1_000_000,
      removeOnComplete: { count: 0 },
      removeOnFail: KEEP_FAILED,
      runRetryDelay: 1_000,
    };
    const run = (job: { data: unknown }) => process(job.data);
    const worker =
      'pool' in backend
        ? new Worker(name, run, { ...all, connection: backend.pool as never }, createPostgresBackend)
        : new Worker(name, run, {
            ...all,
            drainDelay: blockSeconds,
            connection: {
              url: backend.redisUrl,
              maxRetriesPerRequest: null,
              retryStrategy,
              socketTimeout,
            },
          });
    return worker as Worker;
  }

  async function close(): Promise<void> {
    const closing = Promise.all([...producers.values()].map((producer) => producer.close()));
    producers.clear();
    await settles(closing, CLOSE_MS);
    redis?.disconnect();
    redis = undefined;
  }

  return {
    async start() {
      if (producers.size > 0) return;
      try {
        await bounded(connect(), startMs);
        for (const queue of QUEUE_NAMES) producers.set(queue, createProducer(queue));
        await bounded(Promise.all([...producers.values()].map((one) => one.waitUntilReady())), startMs);
      } catch (error) {
        // So that another start begins anew.
        await close();
        throw error;
      }
    },

    async stop() {
      await Promise.all([...workers].map((worker) => worker.stop(CLOSE_MS)));
      await close();
    },

    async add(queue, jobs, how) {
      const producer = producerOf(queue);
      const more = how?.ahead ? { lifo: true } : {};
      for (let at = 0; at < jobs.length; at += ADD_CHUNK) {
        const chunk = jobs.slice(at, at + ADD_CHUNK).map((job) => ({
          name: 'batch',
          data: parseJob(job),
          opts: { jobId: jobId(job), ...more },
        }));
        await bounded(producer.addBulk(chunk), timeoutMs);
      }
    },

    async states(queue, jobs) {
      const producer = producerOf(queue);
      const states: JobState[] = [];
      for (let at = 0; at < jobs.length; at += STATES_CHUNK) {
        const asked = jobs.slice(at, at + STATES_CHUNK).map((job) => producer.getJobState(jobId(job)));
        for (const state of await bounded(Promise.all(asked), timeoutMs))
          states.push(STATES[state] ?? 'missing');
      }
      return states;
    },

    work(queue, { concurrency, handle }) {
      producerOf(queue);
      const running = new Set<Promise<void>>();
      const worker = createWorker(queue, concurrency, async (data) => {
        const handling = (async () => handle(parseJob(data)))();
        running.add(handling);
        await handling.finally(() => running.delete(handling));
      });
      worker.on('error', onError);
      worker.on('failed', (job, error) => {
        logger.warn({ queue, job: job?.id ?? '', error: messageOf(error) }, 'a job failed');
      });
      const stop = async (waitMs: number) => {
        await worker.pause(true);
        // A worker on Postgres that is closed while it gets ready takes its LISTEN connection afterwards and never gives it back, and its
        // pool then waits for that for ever (BullMQ 6.7).
        await settles(worker.waitUntilReady(), CLOSE_MS);
        // worker.close() would wait for ever for a handler that hangs. So the waiting is done here, and what is left is closed by
        // force: its locks are no longer renewed, and another worker takes the job over when they run out.
        const ended = await settles(Promise.allSettled(running), waitMs);
        if (!ended)
          logger.warn(
            { queue, running: running.size },
            'handlers were still running when the worker stopped',
          );
        if (!(await settles(worker.close(!ended), CLOSE_MS))) await settles(worker.disconnect(), CLOSE_MS);
        workers.delete(entry);
      };
      let stopping: Promise<void> | undefined;
      const entry: QueueWorker = {
        stop(waitMs) {
          stopping ??= stop(waitMs);
          return stopping;
        },
      };
      workers.add(entry);
      return entry;
    },

    async fill() {
      if (redis === undefined) return 0;
      const info = await bounded(redis.info('memory'), timeoutMs);
      const value = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
      const limit = value('maxmemory');
      return limit === 0 ? 0 : value('used_memory') / limit;
    },

    async ping() {
      if ('pool' in backend) await bounded(backend.pool.query('SELECT 1'), timeoutMs);
      else if (redis === undefined) throw new AllimError('queue-unavailable', 'the queue is not started');
      else await bounded(redis.ping(), timeoutMs);
    },

    ...('pool' in backend
      ? {}
      : {
          aside: {
            async read(name: string) {
              if (redis === undefined) throw new AllimError('queue-unavailable', 'the queue is not started');
              return await bounded(redis.get(`${prefix}:aside:${name}`), timeoutMs);
            },
            async write(name: string, text: string) {
              if (redis === undefined) throw new AllimError('queue-unavailable', 'the queue is not started');
              await bounded(redis.set(`${prefix}:aside:${name}`, text), timeoutMs);
            },
          },
        }),
  };
}
