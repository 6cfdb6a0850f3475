/**
 * Comparisons and membership as closures: one each, so that none chooses its operator again for every citizen. NaN and undefined are unknown
 * on either side. What a citizen's value is compared with is nearly always the same for all; it is then reckoned once (steady.ts).
 */
import type { Comparison } from '../language.ts';
import type { Circumstances, Numbers, Texts } from './closure.ts';
import type { Steady } from './steady.ts';

const UNKNOWN = Number.NaN;

/** A side of a comparison: by citizen, or the same for all. */
export type Side<Row> = {
  readonly each: Numbers<Row>;
  readonly steady: Steady<number> | undefined;
};

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

export function compareNumbers<Row>(op: Comparison, left: Side<Row>, right: Side<Row>): Numbers<Row> {
  if (right.steady !== undefined) return againstBound(op, left.each, right.steady);
  if (left.steady !== undefined) return againstBound(MIRRORED[op], right.each, left.steady);
  return eachWithEach(op, left.each, right.each);
}

function againstBound<Row>(op: Comparison, value: Numbers<Row>, bound: Steady<number>): Numbers<Row> {
  switch (op) {
    case '==':
      return (row, given) => {
        const a = value(row, given);
        const b = bound.of(given);
        return a === b ? 1 : a < b || a > b ? 0 : UNKNOWN;
      };
    case '!=':
      return (row, given) => {
        const a = value(row, given);
        const b = bound.of(given);
        return a === b ? 0 : a < b || a > b ? 1 : UNKNOWN;
      };
    case '<':
      return (row, given) => {
        const a = value(row, given);
        const b = bound.of(given);
        return a < b ? 1 : a >= b ? 0 : UNKNOWN;
      };
    case '<=':
      return (row, given) => {
        const a = value(row, given);
        const b = bound.of(given);
        return a <= b ? 1 : a > b ? 0 : UNKNOWN;
      };
    case '>':
      return (row, given) => {
        const a = value(row, given);
        const b = bound.of(given);
        return a > b ? 1 : a <= b ? 0 : UNKNOWN;
      };
    case '>=':
      return (row, given) => {
        const a = value(row, given);
        const b = bound.of(given);
        return a >= b ? 1 : a < b ? 0 : UNKNOWN;
      };
  }
}

function eachWithEach<Row>(op: Comparison, left: Numbers<Row>, right: Numbers<Row>): Numbers<Row> {
  const holds: Readonly<Record<Comparison, (a: number, b: number) => boolean>> = {
    '==': (a, b) => a === b,
    '!=': (a, b) => a !== b,
    '<': (a, b) => a < b,
    '<=': (a, b) => a <= b,
    '>': (a, b) => a > b,
    '>=': (a, b) => a >= b,
  };
  const test = holds[op];
  return (row, given) => {
    const a = left(row, given);
    const b = right(row, given);
    return Number.isNaN(a) || Number.isNaN(b) ? UNKNOWN : Number(test(a, b));
  };
}

/** A bound that fails decides even where the other is unknown. */
export function compareBetween<Row>(value: Side<Row>, from: Side<Row>, to: Side<Row>): Numbers<Row> {
  const { each } = value;
  const [first, last] = [from.steady, to.steady];
  if (first === undefined || last === undefined) {
    const low = compareNumbers('>=', value, from);
    const high = compareNumbers('<=', value, to);
    return (row, given) => {
      const above = low(row, given);
      if (above === 0) return 0;
      const below = high(row, given);
      return below === 0 ? 0 : above * below;
    };
  }
  return (row, given) => {
    const v = each(row, given);
    const low = first.of(given);
    const high = last.of(given);
    if (v >= low && v <= high) return 1;
    return v < low || v > high ? 0 : UNKNOWN;
  };
}

/** `equal` is 1 for == and 0 for !=. */
export function compareTexts<Row>(left: Texts<Row>, right: Texts<Row>, equal: 0 | 1): Numbers<Row> {
  const unequal = 1 - equal;
  return (row, given) => {
    const a = left(row, given);
    const b = right(row, given);
    if (a === undefined || b === undefined) return UNKNOWN;
    return a === b ? equal : unequal;
  };
}

export function compareWithLiteral<Row>(value: Texts<Row>, text: string, equal: 0 | 1): Numbers<Row> {
  const unequal = 1 - equal;
  return (row, given) => {
    const a = value(row, given);
    if (a === text) return equal;
    return a === undefined ? UNKNOWN : unequal;
  };
}

export function compareWithText<Row>(
  value: Texts<Row>,
  text: Steady<string | undefined>,
  equal: 0 | 1,
): Numbers<Row> {
  const unequal = 1 - equal;
  return (row, given) => {
    const a = value(row, given);
    const b = text.of(given);
    if (a === undefined || b === undefined) return UNKNOWN;
    return a === b ? equal : unequal;
  };
}

type Value<Row> = (row: Row, given: Circumstances) => number | string | undefined;
const isMissing = (value: number | string | undefined): boolean => value === undefined || Number.isNaN(value);

export function inLiterals<Row>(value: Value<Row>, literals: readonly (number | string)[]): Numbers<Row> {
  if (literals.length === 2) {
    const [first, second] = literals;
    return (row, given) => {
      const v = value(row, given);
      if (v === first || v === second) return 1;
      return isMissing(v) ? UNKNOWN : 0;
    };
  }
  const values = new Set(literals);
  return (row, given) => {
    const v = value(row, given);
    return isMissing(v) ? UNKNOWN : Number(values.has(v!));
  };
}

/** Nothing is in an empty list, known or not; SQL's `= ANY('{}')` agrees. An event's list with a foreign member is unknown as a whole. */
export function inEventList<Row>(
  value: Value<Row>,
  list: Steady<readonly (number | string)[] | undefined>,
): Numbers<Row> {
  return (row, given) => {
    const items = list.of(given);
    if (items === undefined) return UNKNOWN;
    if (items.length === 0) return 0;
    const v = value(row, given);
    return isMissing(v) ? UNKNOWN : Number(items.includes(v!));
  };
}
