/**
 * A condition of ours said for other engines: ordinary JsonLogic (json-logic-js, json-logic-engine), zen's expressions, CEL, and
 * json-rules-engine's trees. None of them reckons with days, so ages are given to them as facts, worked out beforehand. What an engine
 * cannot say throws `CannotSay` with the reason.
 */
import { ZenEngine } from '@gorules/zen-engine';
import { parse } from '@marcbachmann/cel-js';
import { LogicEngine } from 'json-logic-engine';
import jsonLogic from 'json-logic-js';
import { Engine, type TopLevelCondition } from 'json-rules-engine';
import { isObject } from '../rules/check/literals.ts';

/** What peers read: `citizen` and `event` side by side. */
export type Facts = {
  readonly citizen: Readonly<Record<string, unknown>>;
  readonly event: Readonly<Record<string, unknown>>;
};
/** One judgement after another over all facts; which hold. */
export type Judge = (facts: readonly Facts[]) => Uint8Array | Promise<Uint8Array>;
export type Peer = { readonly judge: Judge; close(): void };

export class CannotSay extends Error {}

type Json = Readonly<Record<string, unknown>>;
const only = (json: unknown): readonly [string, readonly unknown[]] => {
  const [op, args] = Object.entries(json as Json)[0]!;
  return [op, Array.isArray(args) ? args : [args]];
};
const AGES = ['age', 'yearAge', 'parity', 'ageMonths'];
/** Under which name the facts have an age, beside the date that it is reckoned from. */
export const ageFact = (op: string, path: string): string => `${path}_${op}`;
/** What a node names of the facts, ages included; undefined where it is something else. */
function pathOf(node: unknown): string | undefined {
  if (!isObject(node)) return undefined;
  const [op, [first]] = only(node);
  if (op === 'var') return String(first);
  return AGES.includes(op) ? ageFact(op, pathOf(first)!) : undefined;
}

export function toJsonLogic(node: unknown): unknown {
  const path = pathOf(node);
  if (path !== undefined) return { var: path.replace(/^item\./, '') };
  if (Array.isArray(node)) return node.map(toJsonLogic);
  if (!isObject(node)) return node;
  const [op, args] = only(node);
  if (op !== 'between') return { [op]: args.map(toJsonLogic) };
  const [value, low, high] = args.map(toJsonLogic);
  return { '<=': [low, value, high] };
}

const TWO = ['==', '!=', '<', '<=', '>', '>='];

/** zen and CEL differ in a few words. */
type Words = {
  readonly and: string;
  readonly or: string;
  literal(value: unknown): string;
  some(list: string, body: string): string;
  readonly item: string;
};

const ZEN: Words = {
  and: ' and ',
  or: ' or ',
  literal: (value) => JSON.stringify(value),
  some: (list, body) => `some(${list}, ${body})`,
  item: '#',
};
const CEL: Words = {
  and: ' && ',
  or: ' || ',
  // JavaScript's numbers are CEL's doubles.
  literal: (value) =>
    typeof value === 'number' && Number.isInteger(value) ? `${value}.0` : JSON.stringify(value),
  some: (list, body) => `${list}.exists(item, ${body})`,
  item: 'item',
};

function toText(node: unknown, words: Words): string {
  const path = pathOf(node);
  if (path !== undefined) return path.replace(/^item\b/, words.item);
  if (Array.isArray(node)) return `[${node.map((item) => toText(item, words)).join(', ')}]`;
  if (!isObject(node)) return words.literal(node);
  const [op, args] = only(node);
  const [first = '', second = '', third = ''] = args.map((arg) => toText(arg, words));
  if (op === 'and' || op === 'or')
    return `(${args.map((arg) => toText(arg, words)).join(op === 'and' ? words.and : words.or)})`;
  if (op === 'between') return `(${first} >= ${second}${words.and}${first} <= ${third})`;
  if (op === 'some') return words.some(first, second);
  if (op === 'in' || TWO.includes(op)) return `${first} ${op} ${second}`;
  throw new CannotSay(`${op} is not said here`);
}

const JRE: Readonly<Record<string, string>> = {
  '==': 'equal',
  '!=': 'notEqual',
  '<': 'lessThan',
  '<=': 'lessThanInclusive',
  '>': 'greaterThan',
  '>=': 'greaterThanInclusive',
  in: 'in',
};

function toJsonRulesEngine(node: unknown): TopLevelCondition {
  const [op, args] = only(node);
  if (op === 'and') return { all: args.map(toJsonRulesEngine) };
  if (op === 'or') return { any: args.map(toJsonRulesEngine) };
  if (op === 'between') {
    const [value, low, high] = args;
    return { all: [toJsonRulesEngine({ '>=': [value, low] }), toJsonRulesEngine({ '<=': [value, high] })] };
  }
  const fact = pathOf(args[0]);
  if (JRE[op] === undefined || fact === undefined)
    throw new CannotSay(op === 'some' ? 'it has no quantifier over the items of a list' : `it has no ${op}`);
  const other = pathOf(args[1]);
  return { fact, operator: JRE[op], value: other === undefined ? args[1] : { fact: other } } as never;
}

/** Its facts have flat names. */
function flat({ citizen, event }: Facts): Record<string, unknown> {
  const all = [...Object.entries({ citizen }), ...Object.entries({ event })];
  return Object.fromEntries(
    all.flatMap(([of, facts]) => Object.entries(facts).map(([name, value]) => [`${of}.${name}`, value])),
  );
}

export function inTurn<T>(items: readonly T[], holds: (item: T) => boolean): Uint8Array {
  const truths = new Uint8Array(items.length);
  for (let at = 0; at < items.length; at++) truths[at] = holds(items[at]!) ? 1 : 0;
  return truths;
}

const answering = (holds: (facts: Facts) => unknown): Peer => ({
  judge: (facts) => inTurn(facts, (one) => holds(one) === true),
  close: () => {},
});

async function oneByOne<T>(items: readonly T[], holds: (item: T) => Promise<boolean>): Promise<Uint8Array> {
  const truths = new Uint8Array(items.length);
  for (let at = 0; at < items.length; at++) truths[at] = Number(await holds(items[at]!));
  return truths;
}

/** One decision of one expression: read once. */
function zenDecision(condition: unknown): Peer {
  const engine = new ZenEngine();
  const expressions = [{ id: 'holds', key: 'holds', value: toText(condition, ZEN) }];
  const decision = engine.createDecision({
    nodes: [
      { id: 'in', name: 'in', type: 'inputNode' },
      { id: 'rule', name: 'rule', type: 'expressionNode', content: { expressions } },
      { id: 'out', name: 'out', type: 'outputNode' },
    ],
    edges: [
      { id: 'a', sourceId: 'in', targetId: 'rule', type: 'edge' },
      { id: 'b', sourceId: 'rule', targetId: 'out', type: 'edge' },
    ],
  });
  return {
    judge: (facts) => oneByOne(facts, async (one) => (await decision.evaluate(one)).result.holds === true),
    close: () => engine.dispose(),
  };
}

function jsonRulesEngine(condition: unknown): Peer {
  const engine = new Engine();
  const tree = toJsonRulesEngine(condition);
  const conditions = 'all' in tree || 'any' in tree ? tree : { all: [tree] };
  engine.addRule({ name: 'rule', conditions: conditions as TopLevelCondition, event: { type: 'holds' } });
  // Flattened once: that is not what is measured.
  const flattened = new Map<Facts, Record<string, unknown>>();
  return {
    judge: (facts) =>
      oneByOne(facts, async (one) => {
        const given = flattened.get(one) ?? flat(one);
        flattened.set(one, given);
        return (await engine.run(given)).events.length > 0;
      }),
    close: () => {},
  };
}

export const PEERS: Readonly<Record<string, (condition: unknown) => Peer>> = {
  json_logic_engine_built(condition) {
    return answering(new LogicEngine().build(toJsonLogic(condition) as never) as (facts: Facts) => unknown);
  },
  json_logic_js(condition) {
    const logic = toJsonLogic(condition) as Parameters<typeof jsonLogic.apply>[0];
    return answering((facts) => jsonLogic.apply(logic, facts));
  },
  cel_js(condition) {
    return answering(parse(toText(condition, CEL)) as unknown as (facts: Facts) => unknown);
  },
  zen: zenDecision,
  json_rules_engine: jsonRulesEngine,
};
