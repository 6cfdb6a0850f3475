/**
 * `eval`: how fast one condition is judged, and how fast profiles change.
 * (1) Conditions of shipped programmes as closures (no code is generated), over profiles and over a shard's columns, beside other engines
 * (eval-peers.ts): same profiles, answers compared before anything is timed, rounds interleaved, medians. Profiles are synthetic, and what a
 * condition asks is known of all, since engines differ on what is missing.
 * (2) Changes of a few fields as whole profiles, JSON and binary, applied by Shard.apply over a million citizens (eval-updates.ts).
 * `--profiles N` (2,000), `--rounds N` (9), `--citizens N` (1,000,000), `--updates N` (200,000), `--only-closures`, `--alike`, `--only-updates`.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { EventType } from '../domain/event.ts';
import type { Rule } from '../domain/rule.ts';
import { citizens, randomStream } from '../producers/population.ts';
import { ageMonthsOn, ageOn, dayText, parseDay, yearOf } from '../rules/calendar.ts';
import { type ScalarField, shippedFields } from '../rules/catalogue.ts';
import { readRule } from '../rules/check/rule.ts';
import { compileNumber } from '../rules/compile/closure.ts';
import { Population } from '../rules/population/population.ts';
import { profileSource, readProfile } from '../rules/population/profile.ts';
import { ageFact, CannotSay, type Facts, inTurn, type Judge, PEERS, type Peer } from './eval-peers.ts';
import { updates } from './eval-updates.ts';
import { median, type Options, type Report, round, say } from './support.ts';

/** From two leaves to sixteen; the last asks a list. */
const RULES = [
  'mma-examination',
  'kosaf-national-scholarship',
  'moel-job-seeker-support',
  'nhis-general-checkup',
  'nts-earned-income-credit',
  'mogef-large-family',
];
/** A judgement of all profiles is repeated until it takes so long. */
const SLICE_MS = 15;

type Json = Readonly<Record<string, unknown>>;
const root = path.join(import.meta.dirname, '..');
const read = <T>(...file: string[]): T => JSON.parse(readFileSync(path.join(root, ...file), 'utf8')) as T;

export async function evaluation(options: Options): Promise<Report> {
  const parts: Report[] = [];
  if (!options.has('only-updates')) parts.push(await closures(options));
  if (!options.has('only-closures')) parts.push(await updates(options));
  const merged = (part: keyof Report): Readonly<Record<string, number>> =>
    Object.assign({}, ...parts.map((report) => report[part]));
  return { figures: merged('figures'), baseline: merged('baseline'), ratio: merged('ratio') };
}

async function closures(options: Options): Promise<Report> {
  const people = everythingKnown(options.number('profiles', 2_000), options.has('alike'));
  const figures: Record<string, number> = {};
  const baseline: Record<string, number> = {};
  const ratio: Record<string, number> = {};
  const ratios: number[] = [];
  const prepared = RULES.map((id) => prepare(id, people));
  try {
    for (const one of prepared) await agree(one);
    // All are warm before any is timed: a process judges many conditions, and shares what was compiled for them.
    for (const one of prepared) await measure(one, 3);
    for (const one of prepared) {
      const rates = await measure(one, options.number('rounds', 9));
      const { closure, columns, ...peers } = rates as Record<string, number> & { closure: number };
      const [best, rate] = Object.entries(peers).toSorted(([, a], [, b]) => b - a)[0]!;
      figures[`closure_s.${one.id}`] = round(closure);
      figures[`columns_s.${one.id}`] = round(columns!);
      for (const [name, each] of Object.entries(peers)) baseline[`${name}_s.${one.id}`] = round(each);
      ratio[`closure_vs_best.${one.id}`] = round(closure / rate);
      ratios.push(closure / rate);
      say(`eval: ${one.id}: ${round(closure / 1e6)} M/s, ${best} ${round(rate / 1e6)} M/s`);
    }
  } finally {
    for (const { peers } of prepared) for (const { close } of peers.values()) close();
  }
  ratio['closure_vs_best'] = round(Math.min(...ratios));
  ratio['closure_vs_best_mean'] = round(
    Math.exp(ratios.reduce((sum, one) => sum + Math.log(one), 0) / ratios.length),
  );
  return { figures, baseline, ratio };
}

type Prepared = {
  readonly id: string;
  readonly facts: readonly Facts[];
  readonly ours: ReadonlyMap<string, Judge>;
  readonly peers: ReadonlyMap<string, Peer>;
};

function prepare(id: string, people: readonly Json[]): Prepared {
  const fields = shippedFields();
  const rule = read<Rule>('rules', 'published', `${id}.json`);
  const type = read<EventType>('producers', 'catalogue', `${rule.on}.json`);
  const { condition } = readRule(rule, { fields, eventType: () => type });
  const [{ asOf, event }] = rule.tests as unknown as [{ asOf: string; event: Json }];
  const given = { event, asOf: parseDay(asOf) };

  const population = new Population(fields);
  const profiles = people.map((person) => readProfile(person, population.layout));
  for (const [at, profile] of profiles.entries()) population.upsert(`p${at}`, profile);
  const slots = profiles.map((_, slot) => slot);
  const judge = compileNumber(condition, profileSource(population.layout));
  const judgeSlot = compileNumber(condition, population.source());
  const ours = new Map<string, Judge>([
    ['closure', () => inTurn(profiles, (profile) => judge(profile, given) === 1)],
    ['columns', () => inTurn(slots, (slot) => judgeSlot(slot, given) === 1)],
  ]);
  const peers = new Map<string, Peer>();
  for (const [name, of] of Object.entries(PEERS))
    try {
      peers.set(name, of(rule.condition));
    } catch (error) {
      if (!(error instanceof CannotSay)) throw error;
      say(`eval: ${name} does not say ${id}: ${error.message}`);
    }
  return { id, facts: people.map((person) => factsOf(person, event, given.asOf)), ours, peers };
}

function judges({ ours, peers }: Prepared): [string, Judge][] {
  return [...ours, ...[...peers].map(([name, { judge }]): [string, Judge] => [name, judge])];
}

async function agree(one: Prepared): Promise<void> {
  const [[, first], ...others] = judges(one) as [[string, Judge], ...[string, Judge][]];
  const wanted = await first(one.facts);
  const holds = wanted.reduce((sum, truth) => sum + truth, 0);
  for (const [name, judge] of others) {
    const found = await judge(one.facts);
    const at = found.findIndex((truth, index) => truth !== wanted[index]);
    if (at >= 0) throw new Error(`${one.id}: ${name} says ${found[at]} of ${JSON.stringify(one.facts[at])}`);
  }
  if (holds === 0 || holds === wanted.length) throw new Error(`${one.id}: all profiles have the same answer`);
  say(`eval: ${one.id}: ${holds} of ${wanted.length} match, all say so`);
}

/** Judgements a second of CPU of each, in turns of a slice each; the median of the rounds. */
async function measure(one: Prepared, rounds: number): Promise<Readonly<Record<string, number>>> {
  const all = judges(one);
  const rates = new Map(all.map(([name]) => [name, [] as number[]]));
  for (let at = 0; at < rounds; at++)
    for (const [name, judge] of all) {
      const before = process.cpuUsage();
      let judged = 0;
      let ms = 0;
      do {
        const truths = judge(one.facts);
        judged += (truths instanceof Uint8Array ? truths : await truths).length;
        const { user, system } = process.cpuUsage(before);
        ms = (user + system) / 1_000;
      } while (ms < SLICE_MS);
      rates.get(name)!.push((judged / ms) * 1_000);
    }
  return Object.fromEntries([...rates].map(([name, each]) => [name, median(each)]));
}

/**
 * Synthetic citizens, with a value for every field that is missing. Their objects differ in shape, as parsed records do, or all have one:
 * the peers, which read objects, then read them twice as fast.
 */
function everythingKnown(count: number, alike: boolean): Json[] {
  const fields = [...shippedFields().values()];
  const random = randomStream(11, 0);
  const some = (field: ScalarField): unknown => {
    switch (field.type) {
      case 'boolean':
        return random() < 0.5;
      case 'enum':
        return field.values[Math.floor(random() * field.values.length)];
      case 'integer':
        return field.min + Math.floor(random() * (field.max - field.min + 1));
      case 'date':
        return dayText(parseDay('1930-01-01') + Math.floor(random() * 35_000));
      default:
        return undefined;
    }
  };
  return [...citizens(3, count)].map(({ profile }) => {
    const known: Record<string, unknown> = { children: [], ...profile };
    for (const field of fields)
      if (field.type !== 'list' && known[field.name] === undefined) known[field.name] = some(field);
    return alike ? Object.fromEntries(fields.map(({ name }) => [name, known[name]])) : known;
  });
}

/** With the ages that peers cannot reckon. */
function factsOf(person: Json, event: Json, asOf: number): Facts {
  const aged = (of: Json): Json => {
    const born = parseDay(of['birthDate'] as string);
    return {
      ...of,
      [ageFact('age', 'birthDate')]: ageOn(born, asOf),
      [ageFact('ageMonths', 'birthDate')]: ageMonthsOn(born, asOf),
      [ageFact('yearAge', 'birthDate')]: yearOf(asOf) - yearOf(born),
      [ageFact('parity', 'birthDate')]: yearOf(born) % 2,
    };
  };
  return { citizen: { ...aged(person), children: (person['children'] as Json[]).map(aged) }, event };
}
