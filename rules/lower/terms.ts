/**
 * A lowered condition as a few terms of which one must hold: in each, one predicate a field and at most one look through a list. Kleene's
 * logic distributes, so this is the same condition; where it would take too many terms, or a leaf is only a closure's, a term asks for less
 * and says so (`exact`): it is then surely false where it says false, and anything else is for the closure to say.
 */
import type { ListField } from '../catalogue.ts';
import type { Node } from '../language.ts';
import type { ListLeaf, Lowered } from './lowered.ts';
import { not } from './negation.ts';
import {
  type Bits,
  FALSE,
  joinBits,
  joinPredicates,
  type Predicate,
  type PredicateField,
  predicateOf,
  stretches,
  TRUE,
  turned,
  UNKNOWN,
} from './predicates.ts';

/** For some item of the list all of `of` hold; turned round where `negated`. Unknown where the list is. */
export type ItemTerm = {
  readonly list: ListField;
  readonly negated: boolean;
  readonly base: Bits;
  readonly of: ReadonlyMap<PredicateField, Predicate>;
};
export type Term = {
  readonly base: Bits;
  readonly of: ReadonlyMap<PredicateField, Predicate>;
  readonly items: ReadonlyMap<ListField, ItemTerm>;
  readonly exact: boolean;
};

/** Beyond so many terms a rule is one that a closure has to confirm. */
export const MAX_TERMS = 12;
/** Turns of one predicate: a parity has one a year. */
export const MAX_TURNS = 2_048;

const term = (more: Partial<Term> = {}): Term => ({
  base: TRUE,
  of: new Map(),
  items: new Map(),
  exact: true,
  ...more,
});
/** Says nothing: everything is left to the closure. */
const anything = (of: Term['of'] = new Map()): Term => term({ of, exact: false });
const asked = (field: PredicateField, predicate: Predicate): Term =>
  term({ of: new Map([[field, predicate]]) });

export function termsOf(node: Lowered): readonly Term[] {
  switch (node.kind) {
    case 'constant':
      return node.truth === 0 ? [] : [term({ base: node.truth === 1 ? TRUE : UNKNOWN })];
    case 'and':
      return conjunction(node.of.map(termsOf));
    case 'or':
      return disjunction(node.of.map(termsOf));
    case 'choice': {
      // One way where the condition says so; where nobody knows, what both agree on.
      const [when, then, otherwise] = [node.when, node.then, node.otherwise].map(termsOf) as [
        readonly Term[],
        readonly Term[],
        readonly Term[],
      ];
      const unless = termsOf(opposite(node.when));
      return disjunction([
        conjunction([when, then]),
        conjunction([unless, otherwise]),
        conjunction([then, otherwise]),
      ]);
    }
    case 'list':
      return listTerms(node);
    case 'slot':
      return slotTerms(node.node);
    default: {
      const predicate = predicateOf(node, MAX_TURNS);
      return [predicate === undefined ? anything() : asked(node.field, predicate)];
    }
  }
}

const opposite = (node: Lowered): Lowered => turned(node, (slot) => ({ kind: 'slot', node: not(slot.node) }));

function conjunction(parts: readonly (readonly Term[])[]): readonly Term[] {
  let product: readonly Term[] = [term()];
  for (const part of parts.toSorted((a, b) => a.length - b.length)) {
    if (product.length * part.length > MAX_TERMS) product = product.map((one) => ({ ...one, exact: false }));
    else product = product.flatMap((one) => part.map((other) => both(one, other)));
  }
  return product;
}

function both(a: Term, b: Term): Term {
  const of = new Map(a.of);
  for (const [field, predicate] of b.of) {
    const mine = of.get(field);
    of.set(field, mine === undefined ? predicate : joinPredicates('and', mine, predicate));
  }
  const items = new Map(a.items);
  let exact = a.exact && b.exact;
  for (const [list, item] of b.items)
    if (items.has(list)) exact = false;
    else items.set(list, item);
  return { base: joinBits('and', a.base, b.base), of, items, exact };
}

function disjunction(parts: readonly (readonly Term[])[]): readonly Term[] {
  const terms: Term[] = [];
  for (const one of parts.flat()) {
    const field = onlyField(one);
    const at = field === undefined ? -1 : terms.findIndex((other) => onlyField(other) === field);
    if (field === undefined || at < 0) terms.push(one);
    else terms[at] = asked(field, joinPredicates('or', terms[at]!.of.get(field)!, one.of.get(field)!));
  }
  return terms.length > MAX_TERMS ? [anything()] : terms;
}

/** The field of a term that asks nothing else. */
function onlyField(one: Term): PredicateField | undefined {
  if (!one.exact || one.base !== TRUE || one.items.size > 0 || one.of.size !== 1) return undefined;
  return one.of.keys().next().value;
}

/** By how many items there are: where the list is unknown, none, at least one. */
const count = (none: Bits, some: Bits): Predicate =>
  stretches(UNKNOWN, [Number.NEGATIVE_INFINITY, none], [1, some]);

/** Where there is no item, or no list, even what only a closure answers is known. */
function emptyOrAny(list: ListField, none: Bits): readonly Term[] {
  return [anything(new Map([[list, count(none, TRUE)]]))];
}

function slotTerms(node: Node): readonly Term[] {
  const negated = node.kind === 'call' && node.op === '!';
  const inner = negated ? node.args[0]! : node;
  if (inner.kind !== 'quantified') return [anything()];
  return emptyOrAny(inner.list, negated !== (inner.op === 'none') ? TRUE : FALSE);
}

function listTerms({ op, negated, list, body }: ListLeaf): readonly Term[] {
  // All hold where there is an item and none fails.
  const all = op === 'all';
  const of = termsOf(all ? opposite(body) : body);
  const looks = of.map((one): Term | undefined =>
    one.exact && one.items.size === 0
      ? term({ items: new Map([[list, { list, negated: all !== negated, base: one.base, of: one.of }]]) })
      : undefined,
  );
  const whole = (none: Bits): readonly Term[] => emptyOrAny(list, none);
  if (looks.includes(undefined)) return whole(negated ? TRUE : FALSE);
  const terms = looks as readonly Term[];
  const [lacking, there] = [asked(list, count(TRUE, FALSE)), asked(list, count(FALSE, TRUE))];
  if (all !== negated) {
    // Turned round, so every one of them must hold: one look can say that of one body alone.
    if (terms.length > 1) return whole(negated ? TRUE : FALSE);
    // No item can: only whether the list is known, and for `all` whether it is empty.
    if (terms.length === 0) return [all ? there : asked(list, count(TRUE, TRUE))];
    return all ? conjunction([[there], terms]) : terms;
  }
  const found = terms.length === 0 ? [asked(list, count(FALSE, FALSE))] : terms;
  return all ? disjunction([[lacking], found]) : found;
}
