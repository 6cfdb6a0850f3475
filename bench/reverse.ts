/**
 * `reverse`: which of 1,000 and of 10,000 synthetic rules (reverse-rules.ts) concern one citizen, in µs a profile, by the bit vectors; beside
 * them, over the same rules and citizens: every rule's closure in turn, json-rules-engine and zen (1,000 rules: they are given what takes them a
 * second or two). The answers of all are compared. Then (reverse-live.ts) from a life change on Kafka to the call of the provider, roles as
 * processes of their own; `--alone` leaves that out, `--only-live` the rest. `--profiles N`, `--moves N`.
 */
import { ZenEngine } from '@gorules/zen-engine';
import { Engine } from 'json-rules-engine';
import type { EventType } from '../domain/event.ts';
import { parseDay } from '../rules/calendar.ts';
import { type Field, type Fields, shippedFields } from '../rules/catalogue.ts';
import { readExpression } from '../rules/check/typing.ts';
import { BitMatcher } from '../rules/compile/bit-matcher.ts';
import { indexOf, type Subject } from '../rules/compile/bits.ts';
import { compileNumber } from '../rules/compile/closure.ts';
import type { Node } from '../rules/language.ts';
import { Population } from '../rules/population/population.ts';
import { readProfile } from '../rules/population/profile.ts';
import type { RuleFault } from '../rules/refusals.ts';
import { reverseLive } from './reverse-live.ts';
import {
  chances,
  factsOf,
  makeOutlines,
  makePeople,
  type Outline,
  type Person,
  toJsonRulesEngine,
  toOurs,
  toZen,
} from './reverse-rules.ts';
import { median, type Options, type Report, round, say } from './support.ts';

const AS_OF = parseDay('2026-07-10');
const EVENT_TYPE: EventType = {
  type: 'kr.bench.opened',
  agency: 'bench',
  sources: ['/bench'],
  effect: 'opens',
  obligationKind: 'bench',
  title: { ko: '시험', en: 'Bench' },
  schema: { type: 'object' },
  examples: [],
} as unknown as EventType;
const ROUNDS = 7;

type Part = Readonly<Record<string, number>>;

export async function reverse(options: Options): Promise<Report> {
  const figures: Record<string, number> = {};
  const baseline: Record<string, number> = {};
  const ratio: Record<string, number> = {};
  if (!options.has('only-live'))
    for (const count of [1_000, 10_000]) {
      const found = await matched(count, options.number('profiles', 5_000));
      Object.assign(figures, found.figures);
      Object.assign(baseline, found.baseline);
      Object.assign(ratio, found.ratio);
    }
  if (!options.has('alone')) Object.assign(figures, await reverseLive(options));
  return { figures, baseline, ratio };
}

/** The shipped fields for any agency: the rules here are nobody's. */
function openFields(): Fields {
  const open = (field: Field): Field => {
    const all = { ...field, agencies: ['*'] };
    if (all.type !== 'list') return all;
    const items = Object.entries(all.items).map(([name, item]) => [name, { ...item, agencies: ['*'] }]);
    return { ...all, items: Object.fromEntries(items) };
  };
  return new Map([...shippedFields()].map(([name, field]) => [name, open(field)]));
}

function conditionOf(outline: Outline, fields: Fields): Node {
  const faults: RuleFault[] = [];
  const scope = { fields, agency: EVENT_TYPE.agency, eventType: EVENT_TYPE, citizen: true };
  const node = readExpression(toOurs(outline), '', scope, faults, 'boolean');
  if (node === undefined || faults.length > 0)
    throw new Error(`a rule of the bench is refused: ${JSON.stringify(faults[0])}`);
  return node;
}

async function matched(
  count: number,
  profiles: number,
): Promise<Record<'figures' | 'baseline' | 'ratio', Part>> {
  const chance = chances(count);
  const fields = openFields();
  const outlines = makeOutlines(count, chance);
  const people = makePeople(profiles, chance);
  const subjects = outlines.map(
    (outline): Subject => ({ condition: conditionOf(outline, fields), event: {}, reachesPossible: false }),
  );
  const population = new Population(fields);
  for (const [at, person] of people.entries())
    population.upsert(`p${at}`, readProfile(person, population.layout));

  const startedAt = performance.now();
  const index = indexOf(subjects, AS_OF);
  const buildMs = performance.now() - startedAt;
  const matcher = new BitMatcher(index, population);
  const into = new Uint32Array(index.words);
  const found = timed(profiles, (slot) => matcher.reached(slot, into));

  const given = { event: {}, asOf: AS_OF };
  const closures = index.subjects.map((subject) =>
    subject === undefined ? () => 0 : compileNumber(subject.condition, population.source()),
  );
  const truths = new Uint8Array(closures.length);
  const sample = Math.min(profiles, 200);
  const linear = timed(sample, (slot) => {
    for (let at = 0; at < closures.length; at++) truths[at] = closures[at]!(slot, given) === 1 ? 1 : 0;
  });
  let matches = 0;
  for (let slot = 0; slot < sample; slot++) {
    matcher.reached(slot, into);
    for (const [at, closure] of closures.entries()) {
      const holds = ((into[at >>> 5]! >>> (at & 31)) & 1) === 1;
      if (holds !== (closure(slot, given) === 1))
        throw new Error(`rule ${at}, citizen ${slot}: the readings differ`);
      matches += Number(holds);
    }
  }
  say(
    `reverse: ${count} rules, ${round(found)} µs a profile, closures ${round(linear)} µs; built in ${round(buildMs)} ms, ${round(index.bytes / 1e6)} MB, ` +
      `${round(matches / sample)} rules a citizen, ${index.confirmedCount} of them confirmed by closures`,
  );
  const peers = count <= 1_000 ? await peersOf(outlines, people.slice(0, 20)) : {};
  return {
    figures: {
      [`us_per_profile_${count}`]: round(found),
      [`build_ms_${count}`]: round(buildMs),
      [`index_mb_${count}`]: round(index.bytes / 1e6),
      [`confirmed_rules_${count}`]: index.confirmedCount,
    },
    baseline: {
      [`linear_us_${count}`]: round(linear),
      ...Object.fromEntries(Object.entries(peers).map(([name, us]) => [`${name}_us_${count}`, round(us)])),
    },
    ratio: {
      [`vs_linear_${count}`]: round(linear / found),
      ...Object.fromEntries(
        Object.entries(peers).map(([name, us]) => [`vs_${name}_${count}`, round(us / found)]),
      ),
    },
  };
}

/** µs a slot: the median of some rounds over all, after one to warm up. */
function timed(slots: number, work: (slot: number) => void): number {
  const rounds: number[] = [];
  for (let at = 0; at <= ROUNDS; at++) {
    const startedAt = performance.now();
    for (let slot = 0; slot < slots; slot++) work(slot);
    if (at > 0) rounds.push(((performance.now() - startedAt) * 1_000) / slots);
  }
  return median(rounds);
}

async function peersOf(outlines: readonly Outline[], people: readonly Person[]): Promise<Part> {
  const facts = people.map((person) => factsOf(person, AS_OF));
  const engine = new Engine([], { allowUndefinedFacts: true });
  engine.addOperator('someBetween', (months: number[], [from, to]: [number, number]) =>
    months.some((one) => one >= from && one <= to),
  );
  for (const [at, outline] of outlines.entries())
    engine.addRule({ name: `r${at}`, conditions: toJsonRulesEngine(outline), event: { type: `r${at}` } });
  const zen = new ZenEngine();
  const decision = zen.createDecision(zenContent(outlines));
  try {
    const counts: Record<string, number[]> = { jre: [], zen: [] };
    const us: Record<string, number> = {};
    for (const [name, ask] of [
      ['jre', async (person: Person) => (await engine.run({ ...person })).events.length],
      [
        'zen',
        async (person: Person) => {
          const { result } = (await decision.evaluate(person)) as { result: Record<string, boolean> };
          return Object.values(result).filter((holds) => holds === true).length;
        },
      ],
    ] as const) {
      const rounds: number[] = [];
      for (const [at, person] of facts.entries()) {
        const startedAt = performance.now();
        counts[name]!.push(await ask(person));
        if (at > 0) rounds.push((performance.now() - startedAt) * 1_000);
      }
      us[name] = median(rounds);
    }
    if (JSON.stringify(counts['jre']) !== JSON.stringify(counts['zen']))
      throw new Error(`the peers differ: ${JSON.stringify(counts)}`);
    return us;
  } finally {
    zen.dispose();
  }
}

/** One decision whose one node holds every rule as an expression: parsed once. */
function zenContent(outlines: readonly Outline[]): object {
  const expressions = outlines.map((outline, at) => ({ id: `e${at}`, key: `r${at}`, value: toZen(outline) }));
  return {
    nodes: [
      { id: 'in', name: 'in', type: 'inputNode' },
      { id: 'rules', name: 'rules', type: 'expressionNode', content: { expressions } },
      { id: 'out', name: 'out', type: 'outputNode' },
    ],
    edges: [
      { id: 'a', sourceId: 'in', targetId: 'rules', type: 'edge' },
      { id: 'b', sourceId: 'rules', targetId: 'out', type: 'edge' },
    ],
  };
}
