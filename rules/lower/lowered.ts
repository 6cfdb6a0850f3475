/**
 * A condition as it stands on one day and for one event: negation pushed to the leaves, dates made constant, and every leaf a question
 * about the codes of one column (population/columns.ts), or one that only a closure answers. What columns scan and an index of rules is
 * built from. Inside a list the fields are members of its items.
 */
import type { Field, ListField, ScalarField } from '../catalogue.ts';
import type { Node } from '../language.ts';

/** 1, 0, or NaN where it is unknown. */
export type Truth = number;

/** Bits of a table's entry for a code; neither is unknown. */
export const YES = 1;
export const NO = 2;

export type Lowered =
  | { readonly kind: 'constant'; readonly truth: Truth }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Lowered[] }
  /** Where `when` is unknown, what both ways agree on. */
  | { readonly kind: 'choice'; readonly when: Lowered; readonly then: Lowered; readonly otherwise: Lowered }
  | ListLeaf
  | Leaf;

/** `none` is `some` negated. Of an empty list both are false before they are negated. */
export type ListLeaf = {
  readonly kind: 'list';
  readonly op: 'some' | 'all';
  readonly negated: boolean;
  readonly list: ListField;
  readonly body: Lowered;
};

export type Leaf = RangeLeaf | SpanLeaf | TableLeaf | TextsLeaf | KnownLeaf | SlotLeaf;

/**
 * Codes from `from` to `to` (none where `from` is greater) are true, the others of `knownFrom` to `knownTo` false, all else unknown.
 * `negated` swaps true and false.
 */
export type RangeLeaf = {
  readonly kind: 'range';
  readonly field: ScalarField;
  readonly from: number;
  readonly to: number;
  readonly knownFrom: number;
  readonly knownTo: number;
  readonly negated: boolean;
};
/** Of a field of numbers: low ≤ value ≤ high. */
export type SpanLeaf = {
  readonly kind: 'span';
  readonly field: ScalarField;
  readonly low: number;
  readonly high: number;
  readonly negated: boolean;
};
/** `bits[code]` is YES, NO or 0; code 0 is what is missing. */
export type TableLeaf = { readonly kind: 'table'; readonly field: ScalarField; readonly bits: Uint8Array };
/** Of a string field, whose codes each shard gives out itself: one of these texts. */
export type TextsLeaf = {
  readonly kind: 'texts';
  readonly field: ScalarField;
  readonly texts: ReadonlySet<string>;
  readonly negated: boolean;
};
/** Never unknown. */
export type KnownLeaf = { readonly kind: 'known'; readonly field: Field; readonly wanted: boolean };
/** Reads several columns, or computes what no table holds: asked row by row. */
export type SlotLeaf = { readonly kind: 'slot'; readonly node: Node };
