/**
 * `bench -- audience [--citizens N]`: the published rules over a synthetic population held in one process (producers/population.ts). First
 * each rule counted by the column scan, one thread, beside DuckDB with two over the same rows; then live questions (certain, possible,
 * breakdown, what is missing) through the service, sealed HTTP included, while profiles change beside them at --updates a second.
 * The counts of both are held against each other: a difference ends the bench.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { EventType } from '../domain/event.ts';
import { parseEventType } from '../domain/event-types.ts';
import { silentLogger } from '../domain/logger.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { createSealer } from '../domain/sealing.ts';
import { citizens, POPULATION_DAY } from '../producers/population.ts';
import { parseDay } from '../rules/calendar.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { type CheckedRule, readRule } from '../rules/check/rule.ts';
import { scan } from '../rules/compile/columns.ts';
import { Population } from '../rules/population/population.ts';
import { readProfile } from '../rules/population/profile.ts';
import { createAsking } from '../rules/run/asking.ts';
import { createQuestionServer } from '../rules/run/question-server.ts';
import { answerQuestion } from '../rules/run/questions.ts';
import { Shard, type ShardBatch } from '../rules/run/shard.ts';
import { duckDbOf } from './audience-duckdb.ts';
import { type Bench, median, quantile, round, say } from './support.ts';

const SEED = 1;
const PARTITIONS = 8;
const ROUNDS = 5;
const TICK_MS = 20;
const ASOF = parseDay(POPULATION_DAY);

type Published = { readonly checked: CheckedRule; readonly eventType: EventType };

function published(): Published[] {
  const root = path.join(import.meta.dirname, '..');
  const json = (folder: string): unknown[] =>
    readdirSync(path.join(root, folder))
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(path.join(root, folder, name), 'utf8')) as unknown);
  const types = new Map(
    json('producers/catalogue').map((file) => [(file as EventType).type, parseEventType(file)]),
  );
  const context = { fields: shippedFields(), eventType: (name: string) => types.get(name) };
  return json('rules/published').map((file) => {
    const checked = readRule(file, context);
    return { checked, eventType: types.get(checked.rule.on)! };
  });
}

export const audience: Bench = async (options) => {
  const count = options.number('citizens', 200_000);
  const rules = published();
  const whole = new Population(shippedFields());
  for (const { id, profile } of citizens(SEED, count))
    whole.upsert(id, readProfile({ ...profile }, whole.layout));
  say(`${count} citizens, ${rules.length} rules`);
  const scans = await scanned(rules, whole);
  const live = await asked(rules, count, options.number('updates', 5_000), options.number('questions', 100));
  return {
    figures: { citizens: count, ...scans.figures, ...live },
    baseline: scans.baseline,
    ratio: { js_vs_duckdb: round(scans.ratio) },
  };
};

async function scanned(rules: readonly Published[], population: Population) {
  const peer = await duckDbOf(population);
  const ours: number[] = [];
  const theirs: number[] = [];
  const alone: number[] = [];
  for (const { checked, eventType } of rules) {
    const given = { event: eventType.examples[0] ?? {}, asOf: ASOF };
    const times: number[] = [];
    let certain = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const from = performance.now();
      certain = scan(checked.condition, population, given).certainCount;
      times.push(performance.now() - from);
    }
    alone.push(median(times));
    const peerTimes: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const found = await peer.count(checked.condition, given);
      if (found === undefined) break;
      if (found.count !== certain)
        throw new Error(`${checked.rule.id}: ${certain} by columns, ${found.count} by DuckDB`);
      peerTimes.push(found.ms);
    }
    say(
      `${checked.rule.id}: ${certain} in ${round(median(times))} ms, DuckDB ${round(median(peerTimes))} ms`,
    );
    if (peerTimes.length === 0) continue;
    ours.push(median(times));
    theirs.push(median(peerTimes));
  }
  peer.close();
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    figures: {
      ms_a_rule_mean: round(mean(alone)),
      ms_a_rule_worst: round(Math.max(...alone)),
      rules: alone.length,
      rules_compared: ours.length,
    },
    baseline: {
      duckdb_ms_a_rule_mean: round(mean(theirs)),
      duckdb_ms_a_rule_worst: round(Math.max(...theirs)),
    },
    ratio: mean(theirs) / mean(ours),
  };
}

/** Shards as a rules process has them, and batches of profiles as its consumer brings them. */
async function asked(rules: readonly Published[], count: number, updates: number, questions: number) {
  const fields = shippedFields();
  const shards = Array.from(
    { length: PARTITIONS },
    (_, partition) =>
      new Shard({ partition, partitions: PARTITIONS, fields, begin: 0, end: 0, placed: () => {} }),
  );
  const records = new Map<string, Buffer>();
  for (const { id, profile } of citizens(SEED, count)) {
    const { population } = shards[partitionOf(id, PARTITIONS)]!;
    population.upsert(id, readProfile({ ...profile }, population.layout));
    population.setReach(id, id.charCodeAt(id.length - 1) & 7);
    if (records.size < 50_000) records.set(id, Buffer.from(JSON.stringify(profile)));
  }
  for (const { population } of shards) population.reachable.asOfMs = 0;
  const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  const clock = { nowMs: () => Date.now() };
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
  const ask = createAsking({
    processes: async () => ({ urls: [server.url()], shards: PARTITIONS }),
    sealer,
    clock,
    logger: silentLogger,
  });
  const beside = updating(shards, records, updates);
  const times: number[] = [];
  try {
    for (let n = 0; n < questions; n++) {
      const { checked, eventType } = rules[n % rules.length]!;
      const { condition, agency, reach } = checked.rule;
      const from = performance.now();
      await ask(
        {
          kind: 'audience',
          asked: {
            condition,
            agency,
            eventType,
            event: eventType.examples[0] ?? {},
            asOf: POPULATION_DAY,
            reach,
          },
          detail: true,
          sample: 0,
        },
        { deadlineMs: 60_000 },
      );
      times.push(performance.now() - from);
    }
  } finally {
    beside.stop();
    await server.stop();
  }
  return {
    question_p50_ms: round(median(times)),
    question_p99_ms: round(quantile(times, 0.99)),
    updates_per_s: Math.round(beside.perSecond()),
    longest_hold_ms: round(beside.longestMs()),
  };
}

/** What is due by the clock in each tick; `longestMs` is how far a tick came late, which is how long anything else was held up. */
function updating(shards: readonly Shard[], records: ReadonlyMap<string, Buffer>, perSecond: number) {
  const all = [...records];
  const beganAt = performance.now();
  let done = 0;
  let offset = 0;
  let longest = 0;
  let lastAt = beganAt;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - lastAt - TICK_MS);
    lastAt = now;
    const batches = new Map<number, ShardBatch['records'][number][]>();
    for (const due = ((now - beganAt) * perSecond) / 1_000; done < due; done++) {
      const [key, value] = all[(done * 7_919) % all.length]!;
      const partition = partitionOf(key, PARTITIONS);
      const record = { topic: 'citizen-profiles', partition, offset: offset++, key, headers: {}, value };
      batches.set(partition, [...(batches.get(partition) ?? []), record]);
    }
    for (const [partition, some] of batches)
      shards[partition]!.apply({ from: some[0]!.offset, next: offset, fence: 0, records: some });
  }, TICK_MS);
  return {
    stop: () => clearInterval(timer),
    perSecond: () => (done * 1_000) / (lastAt - beganAt),
    longestMs: () => longest,
  };
}
