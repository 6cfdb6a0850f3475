/**
 * What a condition says of one field, whatever it says: the truth for each stretch of its values. Stretches of two such can be put
 * together, so that everything a rule asks about a birthday becomes one question. Three-valued logic as two bits (`sure`, `open`), so that
 * and is `&` and or is `|`.
 */
import type { ListField, ScalarField } from '../catalogue.ts';
import { codingOf } from '../population/columns.ts';
import { type Leaf, type Lowered, NO, YES } from './lowered.ts';

/** Bit 1: surely true; bit 2: not surely false. */
export type Bits = 0 | 2 | 3;
export const FALSE = 0;
export const UNKNOWN = 2;
export const TRUE = 3;

export type Join = 'and' | 'or';

/** From `starts[i]` to below `starts[i + 1]` it is `bits[i]`; the first starts at -Infinity. Neighbours differ. Of a list: by its length. */
export type Stretches = {
  readonly kind: 'stretches';
  readonly missing: Bits;
  readonly starts: readonly number[];
  readonly bits: readonly Bits[];
};
/** Of a string field: by text, `other` for all that are not named. */
export type ByText = {
  readonly kind: 'texts';
  readonly missing: Bits;
  readonly other: Bits;
  readonly texts: ReadonlyMap<string, Bits>;
};
export type Predicate = Stretches | ByText;
export type PredicateField = ScalarField | ListField;

export function joinBits(join: Join, a: Bits, b: Bits): Bits {
  return (join === 'and' ? a & b : a | b) as Bits;
}

/** The not of three values: what is open stays open where it was not sure. */
export function turnedBits(bits: Bits): Bits {
  return bits === UNKNOWN ? UNKNOWN : bits === TRUE ? FALSE : TRUE;
}

export function joinPredicates(join: Join, a: Predicate, b: Predicate): Predicate {
  const missing = joinBits(join, a.missing, b.missing);
  if (a.kind === 'texts' && b.kind === 'texts') {
    const names = new Set([...a.texts.keys(), ...b.texts.keys()]);
    const texts = new Map(
      [...names].map((name) => [
        name,
        joinBits(join, a.texts.get(name) ?? a.other, b.texts.get(name) ?? b.other),
      ]),
    );
    return { kind: 'texts', missing, other: joinBits(join, a.other, b.other), texts };
  }
  if (a.kind === 'texts' || b.kind === 'texts') throw new TypeError('predicates of two fields');
  const starts: number[] = [];
  const bits: Bits[] = [];
  let [i, j] = [0, 0];
  while (i < a.starts.length || j < b.starts.length) {
    const at = Math.min(a.starts[i] ?? Number.POSITIVE_INFINITY, b.starts[j] ?? Number.POSITIVE_INFINITY);
    if (a.starts[i] === at) i++;
    if (b.starts[j] === at) j++;
    add(starts, bits, at, joinBits(join, a.bits[i - 1]!, b.bits[j - 1]!));
  }
  return { kind: 'stretches', missing, starts, bits };
}

function add(starts: number[], bits: Bits[], at: number, now: Bits): void {
  if (bits.at(-1) === now) return;
  starts.push(at);
  bits.push(now);
}

const LOWEST = Number.NEGATIVE_INFINITY;

export function stretches(
  missing: Bits,
  ...parts: readonly (readonly [from: number, bits: Bits])[]
): Stretches {
  const starts: number[] = [];
  const bits: Bits[] = [];
  for (const [from, now] of parts) {
    // A part that begins where the next does is empty.
    if (starts.at(-1) === from) {
      starts.pop();
      bits.pop();
    }
    add(starts, bits, from, now);
  }
  return { kind: 'stretches', missing, starts, bits };
}

/** What a leaf says of its field; undefined of one that only a closure answers, or that turns more often than `most` times. */
export function predicateOf(leaf: Leaf, most: number): Predicate | undefined {
  switch (leaf.kind) {
    case 'range': {
      const { from, to, knownFrom, knownTo, negated } = leaf;
      const [yes, no]: [Bits, Bits] = negated ? [FALSE, TRUE] : [TRUE, FALSE];
      if (knownFrom > knownTo) return stretches(UNKNOWN, [LOWEST, UNKNOWN]);
      const [low, high] = [Math.max(from, knownFrom), Math.min(to, knownTo)];
      const inside: [number, Bits][] =
        low > high
          ? [[knownFrom, no]]
          : [
              [knownFrom, no],
              [low, yes],
              [high + 1, no],
            ];
      // Beyond the window nothing is known, and beyond the last code there is nothing.
      const after: [number, Bits][] = knownTo >= codingOf(leaf.field).maxCode ? [] : [[knownTo + 1, UNKNOWN]];
      return stretches(UNKNOWN, [LOWEST, UNKNOWN], ...inside, ...after);
    }
    case 'span': {
      const { low, high, negated } = leaf;
      const [yes, no]: [Bits, Bits] = negated ? [FALSE, TRUE] : [TRUE, FALSE];
      if (low > high) return stretches(UNKNOWN, [LOWEST, no]);
      return stretches(
        UNKNOWN,
        [LOWEST, no],
        [low, yes],
        ...(high === Number.POSITIVE_INFINITY ? [] : [[nextUp(high), no] as const]),
      );
    }
    case 'table':
      return ofTable(leaf.bits, most);
    case 'texts': {
      const [yes, no]: [Bits, Bits] = leaf.negated ? [FALSE, TRUE] : [TRUE, FALSE];
      return {
        kind: 'texts',
        missing: UNKNOWN,
        other: no,
        texts: new Map([...leaf.texts].map((text) => [text, yes])),
      };
    }
    case 'known': {
      const [there, gone]: [Bits, Bits] = leaf.wanted ? [TRUE, FALSE] : [FALSE, TRUE];
      return leaf.field.type === 'string'
        ? { kind: 'texts', missing: gone, other: there, texts: new Map() }
        : stretches(gone, [LOWEST, there]);
    }
    case 'slot':
      return undefined;
  }
}

const ofEntry = (entry: number): Bits => (entry === YES ? TRUE : entry === NO ? FALSE : UNKNOWN);

function ofTable(table: Uint8Array, most: number): Predicate | undefined {
  const starts = [LOWEST];
  const bits = [ofEntry(table[1] ?? 0)];
  for (let code = 2, before = table[1]; code < table.length; code++) {
    if (table[code] === before) continue;
    before = table[code];
    starts.push(code);
    bits.push(ofEntry(before!));
    if (starts.length > most) return undefined;
  }
  return { kind: 'stretches', missing: ofEntry(table[0] ?? 0), starts, bits };
}

const double = new Float64Array(1);
const words = new BigInt64Array(double.buffer);

/** The least number above `value`: what is greater than a bound is at least that. */
function nextUp(value: number): number {
  if (value === 0) return Number.MIN_VALUE;
  double[0] = value;
  words[0]! += value > 0 ? 1n : -1n;
  return double[0];
}

/** The opposite, for three values. */
export function turned(node: Lowered, notOf: (node: Extract<Lowered, { kind: 'slot' }>) => Lowered): Lowered {
  switch (node.kind) {
    case 'constant':
      return { ...node, truth: 1 - node.truth };
    case 'and':
    case 'or':
      return { kind: node.kind === 'and' ? 'or' : 'and', of: node.of.map((part) => turned(part, notOf)) };
    case 'choice': {
      const [then, otherwise] = [turned(node.then, notOf), turned(node.otherwise, notOf)];
      return { ...node, then, otherwise };
    }
    case 'table':
      return { ...node, bits: node.bits.map((entry) => (entry === YES ? NO : entry === NO ? YES : 0)) };
    case 'known':
      return { ...node, wanted: !node.wanted };
    case 'slot':
      return notOf(node);
    default:
      return { ...node, negated: !node.negated };
  }
}
