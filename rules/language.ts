/**
 * The language of conditions: JsonLogic's syntax in a closed, typed, three-valued profile. This file is its vocabulary: the checked
 * tree that check/ makes of an expression and that every reading (closure, columns, bit vector, SQL, sentences) is compiled from.
 * What is not in these tables is refused. No text of a rule is ever compiled as code.
 */
import type { Field, ListField, ScalarField } from './catalogue.ts';

/** `text` covers strings and enumerations: compared for equality only. */
export type ScalarType = 'boolean' | 'integer' | 'number' | 'date' | 'text';

export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export type Comparison = (typeof COMPARISONS)[number];

export const CALENDAR = [
  'age',
  'ageMonths',
  'yearAge',
  'parity',
  'monthDay',
  'daysUntil',
  'daysSince',
  'within',
  'addDays',
  'addMonths',
  'addYears',
  'addWorkingDays',
  'workingDay',
] as const;
export type CalendarOperator = (typeof CALENDAR)[number];

export const LOGIC = ['and', 'or', '!', 'if'] as const;
export const QUANTIFIERS = ['some', 'all', 'none'] as const;
export type Quantifier = (typeof QUANTIFIERS)[number];
/** What a `Call` may be; `known`, `some`, `all` and `none` have nodes of their own. */
export type Operator = Comparison | CalendarOperator | (typeof LOGIC)[number] | 'between' | 'in';
export const OPERATORS: readonly string[] = [
  ...LOGIC,
  ...COMPARISONS,
  'between',
  'in',
  'known',
  ...QUANTIFIERS,
  ...CALENDAR,
];

/** The second argument of `workingDay`: where a day off is moved to. */
export const DIRECTIONS = ['next', 'previous'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Dates are day numbers, booleans 1 and 0. */
export type Literal = {
  readonly kind: 'literal';
  readonly type: ScalarType;
  readonly value: number | string;
};
export type FieldRef = { readonly kind: 'field'; readonly type: ScalarType; readonly field: ScalarField };
/** A member of the item that `some`, `all` or `none` looks at; only inside their bodies. */
export type ItemRef = {
  readonly kind: 'item';
  readonly type: ScalarType;
  readonly list: ListField;
  readonly field: ScalarField;
};
export type EventRef = {
  readonly kind: 'event';
  readonly type: ScalarType;
  readonly path: readonly string[];
  /** A list of `type`; only as what `in` looks through, and in `known`. */
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
/** Whether the condition over the items holds for some, all or none of a list's; unknown where the list is. Never inside another. */
export type Quantified = {
  readonly kind: 'quantified';
  readonly op: Quantifier;
  readonly type: 'boolean';
  readonly list: ListField;
  readonly body: Node;
  readonly pointer: string;
};
/** A list as a whole: only `known` asks about it. */
export type ListRef = { readonly kind: 'list-field'; readonly list: ListField };
/** Whether there is a value: true or false, never unknown. What is disputed has none. */
export type Known = {
  readonly kind: 'known';
  readonly type: 'boolean';
  readonly of: FieldRef | ItemRef | EventRef | ListRef;
  readonly pointer: string;
};
export type Node = Literal | FieldRef | ItemRef | EventRef | LiteralList | Call | Quantified | Known;

/**
 * `amount`: days, months or years in `within` and the adding operators. `workingDays`: those of `addWorkingDays`, both ways.
 * `cost`: the estimated milliseconds of one thread for a shard of a million (check/cost.ts).
 */
export const LIMITS = {
  depth: 32,
  arguments: 200,
  nodes: 1_000,
  text: 200,
  amount: 100_000,
  workingDays: 1_000,
  cost: 5_000,
} as const;

/** The nodes directly below. The body of a quantifier is one of them, what `known` asks about is not. */
export function operandsOf(node: Node): readonly Node[] {
  if (node.kind === 'call') return node.args;
  return node.kind === 'quantified' ? [node.body] : [];
}

/** Whether a subtree reads anything of the citizen, items included; without that it is one value for the whole shard. */
export function readsCitizen(node: Node): boolean {
  switch (node.kind) {
    case 'field':
    case 'item':
    case 'quantified':
      return true;
    case 'known':
      return node.of.kind !== 'event';
    default:
      return operandsOf(node).some(readsCitizen);
  }
}

/** Whether a subtree reads the item that a quantifier looks at; what stands inside a further quantifier does not count, there is none. */
export function readsItem(node: Node): boolean {
  if (node.kind === 'item') return true;
  if (node.kind === 'known') return node.of.kind === 'item';
  return node.kind === 'call' && node.args.some(readsItem);
}

/** Whether a quantifier's body also asks about the citizen, so that it cannot be judged over the items alone. */
export function readsMoreThanItems(node: Node): boolean {
  if (node.kind === 'field' || node.kind === 'quantified') return true;
  if (node.kind === 'known') return node.of.kind === 'field' || node.of.kind === 'list-field';
  return operandsOf(node).some(readsMoreThanItems);
}

/** The citizen's fields that a subtree reads, each once, in order of appearance; lists as a whole, with whatever is read of their items. */
export function fieldsOf(node: Node, into: Set<Field> = new Set()): Set<Field> {
  const of = node.kind === 'known' ? node.of : node;
  if (of.kind === 'field') into.add(of.field);
  else if (of.kind === 'item' || of.kind === 'list-field' || of.kind === 'quantified') into.add(of.list);
  for (const operand of operandsOf(node)) fieldsOf(operand, into);
  return into;
}

/** The members of items that a subtree reads, each once. */
export function membersOf(node: Node, into: Set<ScalarField> = new Set()): Set<ScalarField> {
  const of = node.kind === 'known' ? node.of : node;
  if (of.kind === 'item') into.add(of.field);
  for (const operand of operandsOf(node)) membersOf(operand, into);
  return into;
}

export function scalarTypeOf(field: ScalarField): ScalarType {
  return field.type === 'enum' || field.type === 'string' ? 'text' : field.type;
}
