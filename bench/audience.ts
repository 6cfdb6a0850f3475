/**
 * `audience`: the published rules over the synthetic population, held by the shards of one process. First each rule counted by the column
 * scan, one thread, beside DuckDB with two over the same rows; the counts are held against each other, and a difference ends the bench. Then
 * live questions (certain, possible, breakdown, what is missing) as previews over the API, guards and log included, through sealed HTTP to
 * the shards, while profiles change beside them: of a million at most in one process and one thread, all but Postgres, as the embedded mode
 * has it (`embedded_…`); of all where there are more, with the shards in two rules processes. `--citizens N` (200,000), `--updates N` a second
 * (5,000), `--questions N` (200), `--live` for the questions alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { loadConfig } from '../app/config.ts';
import { type Context, createContext } from '../app/context.ts';
import type { EventType } from '../domain/event.ts';
import { parseEventType } from '../domain/event-types.ts';
import { silentLogger } from '../domain/logger.ts';
import { POPULATION_DAY } from '../producers/population.ts';
import { parseDay } from '../rules/calendar.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { type CheckedRule, readRule } from '../rules/check/rule.ts';
import { scan } from '../rules/compile/columns.ts';
import type { Shard } from '../rules/run/shard.ts';
import { duckDbOf } from './audience-duckdb.ts';
import { type Holding, inProcesses, inThisProcess } from './held-shards.ts';
import { load, NO_QUEUE, PARTITIONS } from './loaded-shards.ts';
import { openPlace } from './place.ts';
import { seedCatalogue } from './seed.ts';
import type { Rested } from './shards-process.ts';
import { type Bench, median, quantile, round, say } from './support.ts';

const ROUNDS = 3;
/** Of the role `rules`, where there are more citizens than the embedded mode is for. */
const PROCESSES = 2;
const EMBEDDED = 1_000_000;
const ASOF = parseDay(POPULATION_DAY);
const fields = shippedFields();

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
  const context = { fields, eventType: (name: string) => types.get(name) };
  return json('rules/published').map((file) => {
    const checked = readRule(file, context);
    return { checked, eventType: types.get(checked.rule.on)! };
  });
}

export const audience: Bench = async (options) => {
  const count = options.number('citizens', 200_000);
  const [updates, questions] = [options.number('updates', 5_000), options.number('questions', 200)];
  const rules = published();
  const scans = options.has('live') ? undefined : await scanned(rules, load(count).shards);
  const place = await openPlace({ services: false });
  let context: Context | undefined;
  try {
    context = await createContext(
      loadConfig({ ...place.env, ALLIM_PARTITIONS: String(PARTITIONS), PORT: '0' }),
      { logger: silentLogger, queue: NO_QUEUE },
    );
    await seedCatalogue(context);
    const embedded = await asked(
      context,
      rules,
      inThisProcess(load(Math.min(count, EMBEDDED))),
      updates,
      questions,
    );
    const live =
      count > EMBEDDED
        ? await asked(context, rules, inProcesses(count, PROCESSES, place.env), updates, questions)
        : embedded;
    return {
      figures: {
        citizens: count,
        ...scans?.figures,
        question_p50_ms: live.p50,
        question_p99_ms: live.p99,
        question_worst_ms: live.worst,
        updates_per_s: live.updates,
        longest_hold_ms: live.hold,
        embedded_citizens: Math.min(count, EMBEDDED),
        embedded_p50_ms: embedded.p50,
        embedded_p99_ms: embedded.p99,
      },
      baseline: scans?.baseline ?? {},
      ratio: scans === undefined ? {} : { js_vs_duckdb: round(scans.ratio) },
    };
  } finally {
    await context?.stop();
    await place.stop();
  }
};

async function scanned(rules: readonly Published[], shards: readonly Shard[]) {
  const populations = shards.map(({ population }) => population);
  const peer = await duckDbOf(populations);
  const ours: number[] = [];
  const theirs: number[] = [];
  const compared: number[] = [];
  for (const { checked, eventType } of rules) {
    const given = { event: eventType.examples[0] ?? {}, asOf: ASOF };
    const times: number[] = [];
    const peerTimes: number[] = [];
    let certain = 0;
    for (let turn = 0; turn < ROUNDS; turn++) {
      const from = performance.now();
      certain = 0;
      for (const population of populations)
        certain += scan(checked.condition, population, given).certainCount;
      times.push(performance.now() - from);
      const found = await peer.count(checked.condition, given);
      if (found === undefined) continue;
      if (found.count !== certain)
        throw new Error(`${checked.rule.id}: ${certain} by columns, ${found.count} by DuckDB`);
      peerTimes.push(found.ms);
    }
    ours.push(median(times));
    say(
      `${checked.rule.id}: ${certain} in ${round(median(times))} ms, DuckDB ${round(median(peerTimes))} ms`,
    );
    if (peerTimes.length === 0) continue;
    compared.push(median(times));
    theirs.push(median(peerTimes));
  }
  peer.close();
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    figures: {
      ms_a_rule_mean: round(mean(ours)),
      ms_a_rule_worst: round(Math.max(...ours)),
      rules: ours.length,
      rules_compared: theirs.length,
    },
    baseline: {
      duckdb_ms_a_rule_mean: round(mean(theirs)),
      duckdb_ms_a_rule_worst: round(Math.max(...theirs)),
    },
    ratio: mean(theirs) / mean(compared),
  };
}

/** Previews over the API of a role `web` in this process; each rule once before it counts. */
async function asked(
  context: Context,
  rules: readonly Published[],
  holding: Holding,
  updates: number,
  questions: number,
) {
  const held = await holding(context, updates);
  let beside: Rested | undefined;
  const times: number[] = [];
  const byRule = new Map<string, number>();
  try {
    for (let n = -rules.length; n < questions; n++) {
      const rule = rules.at(n % rules.length)!;
      const ms = await preview(context, held.url, rule);
      if (n < 0) continue;
      times.push(ms);
      const { id: name } = rule.checked.rule;
      byRule.set(name, Math.max(ms, byRule.get(name) ?? 0));
    }
  } finally {
    beside = await held.stop();
  }
  const slowest = [...byRule].sort(([, a], [, b]) => b - a).slice(0, 8);
  say(`audience: slowest ${slowest.map(([name, ms]) => `${name} ${round(ms)}`).join(', ')}`);
  say(`audience: ${held.citizens} citizens asked ${questions} questions`);
  return {
    p50: round(median(times)),
    p99: round(quantile(times, 0.99)),
    worst: round(Math.max(...times)),
    updates: Math.round(beside.perSecond),
    hold: round(beside.longestMs),
  };
}

async function preview(context: Context, url: string, { checked }: Published): Promise<number> {
  const { condition, agency, on, reach } = checked.rule;
  const from = performance.now();
  const answer = await fetch(`${url}/api/v1/rules/preview`, {
    method: 'POST',
    headers: { authorization: `Bearer ${context.secrets.adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ rule: { agency, on, condition, reach }, asOf: POPULATION_DAY }),
  });
  const body = (await answer.json()) as { readonly partial?: boolean };
  const ms = performance.now() - from;
  if (body.partial !== false) throw new Error(`${checked.rule.id}: ${JSON.stringify(body).slice(0, 200)}`);
  return ms;
}
