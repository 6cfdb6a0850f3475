/**
 * Shards of the synthetic population in this process, filled directly and not by way of a log, and the role `web` before them: everything but
 * Postgres is one process and one thread, as the embedded mode has it.
 */
import { randomUUID } from 'node:crypto';
import type { Context } from '../app/context.ts';
import { startRoles } from '../app/start-roles.ts';
import { silentLogger } from '../domain/logger.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { citizens } from '../producers/population.ts';
import type { Queue } from '../queue/queue.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { readProfile } from '../rules/population/profile.ts';
import { createQuestionServer } from '../rules/run/question-server.ts';
import { answerQuestion } from '../rules/run/questions.ts';
import { Shard } from '../rules/run/shard.ts';
import { dropReport, reportPopulation } from '../store/rules-processes.ts';
import { say } from './support.ts';

export const PARTITIONS = 8;
const SEED = 1;
const MILLION = 1_000_000;
/** Of so many citizens one's profile comes again and again. */
const CHANGING = 50_000;
const fields = shippedFields();

/** Nothing is ever sent here. */
export const NO_QUEUE: Queue = {
  start: async () => {},
  stop: async () => {},
  add: async () => {},
  states: async () => [],
  work: () => ({ stop: async () => {} }),
  fill: async () => 0,
  ping: async () => {},
};

export type Loaded = { readonly shards: readonly Shard[]; readonly records: ReadonlyMap<string, Buffer> };

/** Of `of` processes that share the partitions in turns this is the one with the number `rest`. */
export function load(count: number, { of = 1, rest = 0 } = {}): Loaded {
  const shards = Array.from({ length: PARTITIONS / of }, (_, at) => {
    const partition = at * of + rest;
    return new Shard({ partition, partitions: PARTITIONS, fields, begin: 0, end: 0, placed: () => {} });
  });
  const records = new Map<string, Buffer>();
  let done = 0;
  for (const { id, profile } of citizens(SEED, count)) {
    if (++done % MILLION === 0) say(`${done} citizens read`);
    const partition = partitionOf(id, PARTITIONS);
    if (partition % of !== rest) continue;
    const { population } = shards[(partition - rest) / of]!;
    population.upsert(id, readProfile({ ...profile }, population.layout));
    population.setReach(id, id.charCodeAt(id.length - 1) & 7);
    if (records.size < CHANGING) records.set(id, Buffer.from(JSON.stringify(profile)));
  }
  for (const { population } of shards) population.reachable.asOfMs = Date.now();
  return { shards, records };
}

export type Answering = { readonly citizens: number; stop(): Promise<void> };

/** Takes questions for these shards, and reports it to the ledger as a rules process does. */
export async function answerFrom(context: Context, shards: readonly Shard[]): Promise<Answering> {
  const { pool, sealer, clock } = context;
  const server = createQuestionServer({
    host: '127.0.0.1',
    port: 0,
    sealer,
    clock,
    logger: silentLogger,
    answer: (question, signal) =>
      answerQuestion(
        question,
        { fields, shards: () => shards, partitions: () => PARTITIONS, pseudonym: (_, id) => id.slice(0, 8) },
        signal,
      ),
  });
  await server.start();
  const status = {
    citizens: shards.reduce((sum, { population }) => sum + population.size, 0),
    offsets: shards.map(({ position }) => position),
    caughtUp: true,
  };
  const id = randomUUID();
  const report = () => reportPopulation(pool, id, status, server.url());
  await report();
  const reporting = setInterval(() => void report(), 1_000);
  return {
    citizens: status.citizens,
    async stop() {
      clearInterval(reporting);
      await server.stop();
      await dropReport(pool, id);
    },
  };
}

export type Served = { readonly url: string; readonly citizens: number; stop(): Promise<void> };

export async function serveShards(context: Context, shards: readonly Shard[]): Promise<Served> {
  const answering = await answerFrom(context, shards);
  const web = await startRoles(context, ['web']);
  return {
    url: web.url!,
    citizens: answering.citizens,
    async stop() {
      await web.stop();
      await answering.stop();
    },
  };
}
