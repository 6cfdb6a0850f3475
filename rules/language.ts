/**
 * The language of conditions: JsonLogic's syntax in a closed, typed, three-valued profile. This file is its vocabulary: the checked
 * tree that typing.ts makes of an expression and that every reading (closure, column scan; later SQL, sentence, planes) is compiled from.
 * What is not in these tables is refused. No text of a rule is ever compiled as code.
 */
import type { ScalarField } from './catalogue.ts';

/** `text` covers strings and enumerations: compared for equality only. */
export type ScalarType = 'boolean' | 'integer' | 'number' | 'date' | 'text';

export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

export const CALENDAR = [
  'age',
  'yearAge',
  'parity',
  'daysUntil',
  'daysSince',
  'within',
  'addDays',
  'addMonths',
  'addYears',
] as const;
export type CalendarOperator = (typeof CALENDAR)[number];

export const LOGIC = ['and', 'or', '!', 'if'] as const;
export type Operator = Comparison | CalendarOperator | (typeof LOGIC)[number] | 'between' | 'in';
export const OPERATORS: readonly string[] = [...LOGIC, ...COMPARISONS, 'between', 'in', ...CALENDAR];

/** Dates are day numbers, booleans 1 and 0. */
export type Literal = {
  readonly kind: 'literal';
  readonly type: ScalarType;
  readonly value: number | string;
};
export type FieldRef = { readonly kind: 'field'; readonly type: ScalarType; readonly field: ScalarField };
export type EventRef = {
  readonly kind: 'event';
  readonly type: ScalarType;
  readonly path: readonly string[];
  /** A list of `type`; only as what `in` looks through. */
  readonly list: boolean;
  /** Closed values of a text, where the schema gives them. */
  readonly values?: readonly string[];
};
export type LiteralList = {
  readonly kind: 'list';
  readonly type: ScalarType;
  readonly values: readonly Literal[];
};
export type Call = {
  readonly kind: 'call';
  readonly op: Operator;
  readonly type: ScalarType;
  readonly args: readonly Node[];
  /** Where it stands in the rule, for explanations. */
  readonly pointer: string;
};
export type Node = Literal | FieldRef | EventRef | LiteralList | Call;

export const LIMITS = { depth: 32, arguments: 200, nodes: 1_000, text: 200, amount: 100_000 } as const;

/** Whether a subtree reads anything of the citizen; without that it is one value for the whole shard. */
export function readsCitizen(node: Node): boolean {
  return node.kind === 'field' || (node.kind === 'call' && node.args.some(readsCitizen));
}

/** The fields a subtree reads, each once, in order of appearance. */
export function fieldsOf(node: Node, into: Set<ScalarField> = new Set()): Set<ScalarField> {
  if (node.kind === 'field') into.add(node.field);
  else if (node.kind === 'call') for (const arg of node.args) fieldsOf(arg, into);
  return into;
}

export function scalarTypeOf(field: ScalarField): ScalarType {
  return field.type === 'enum' || field.type === 'string' ? 'text' : field.type;
}
