/**
 * Where the terms of many entries stand among the bits of an index. Entries that ask about the same fields stand together, in whole words (a
 * group), those alike in their rarest answer side by side: for one citizen most words of a group are then empty by that field alone, and
 * the others are not looked at. The k-th terms of all entries are plane k, which covers a prefix of the words, since entries with more terms
 * come first.
 */

import { FALSE, type Predicate, type PredicateField } from '../lower/predicates.ts';
import type { Term } from '../lower/terms.ts';
import { codingOf } from '../population/columns.ts';

/** Entries of fewer kinds would waste words: they share mixed ones. */
const OWN_GROUP = 24;

/** The words of one group in one plane, and what its terms ask about. */
export type Block = {
  readonly from: number;
  readonly words: number;
  /** Where the words of its entries begin. */
  readonly entries: number;
  readonly fields: ReadonlySet<PredicateField>;
};
export type PlacedTerm = { readonly bit: number; readonly term: Term };

export type Layout<E> = {
  /** By bit; undefined where a group's last word has room left. */
  readonly entries: readonly (E | undefined)[];
  /** Words of each plane; the first has those of all entries. */
  readonly planes: readonly number[];
  readonly allWords: number;
  readonly blocks: readonly Block[];
  readonly placed: readonly PlacedTerm[];
};

type WithTerms = { readonly terms: readonly Term[] };

export function layoutOf<E extends WithTerms>(given: readonly E[]): Layout<E> {
  const groups = groupsOf(given);
  const entries: (E | undefined)[] = [];
  const starts = groups.map((group) => {
    const from = entries.length / 32;
    entries.push(...group);
    while (entries.length % 32 !== 0) entries.push(undefined);
    return { from, words: entries.length / 32 - from, terms: group[0]!.terms.length };
  });
  const planes = [entries.length / 32];
  const most = starts[0]?.terms ?? 0;
  for (let plane = 1; plane < most; plane++)
    planes.push(starts.filter(({ terms }) => terms > plane).reduce((sum, { words }) => sum + words, 0));
  const blocks: Block[] = [];
  const placed: PlacedTerm[] = [];
  let base = 0;
  for (const [plane, words] of planes.entries()) {
    for (const start of starts) {
      if (start.terms <= plane) continue;
      const fields = new Set<PredicateField>();
      for (let at = start.from * 32; at < (start.from + start.words) * 32; at++) {
        const term = entries[at]?.terms[plane];
        if (term === undefined) continue;
        placed.push({ bit: base * 32 + at, term });
        for (const field of term.of.keys()) fields.add(field);
      }
      blocks.push({ from: base + start.from, words: start.words, entries: start.from, fields });
    }
    base += words;
  }
  return { entries, planes, allWords: base, blocks, placed };
}

function groupsOf<E extends WithTerms>(given: readonly E[]): E[][] {
  const byShape = [...Map.groupBy(given, ({ terms }) => shapeOf(terms)).values()];
  const [own, rest] = [true, false].map((wanted) =>
    byShape.filter((group) => group.length >= OWN_GROUP === wanted),
  );
  const mixed = Map.groupBy(rest!.flat(), ({ terms }) => terms.length).values();
  const groups = [...own!.map(sortedByRarest), ...mixed];
  return groups.sort((a, b) => b[0]!.terms.length - a[0]!.terms.length);
}

/** What an entry asks about, in whatever values. */
function shapeOf(terms: readonly Term[]): string {
  const names = (of: Term['of']): string =>
    [...of.keys()]
      .map((field) => field.name)
      .sort()
      .join();
  return terms
    .map(
      ({ of, items }) =>
        `${names(of)};${[...items.values()].map((item) => `${item.list.name}(${names(item.of)})`)}`,
    )
    .join('|');
}

function sortedByRarest<E extends WithTerms>(group: readonly E[]): E[] {
  let rarest: { field: PredicateField; share: number } | undefined;
  for (const field of group[0]!.terms[0]?.of.keys() ?? []) {
    const share = group.reduce((sum, { terms }) => sum + openShare(field, terms[0]!.of.get(field)!), 0);
    if (rarest === undefined || share < rarest.share) rarest = { field, share };
  }
  if (rarest === undefined) return [...group];
  const { field } = rarest;
  return group
    .map((entry) => ({ entry, key: firstOpen(entry.terms[0]!.of.get(field)!) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ entry }) => entry);
}

/** Days of about a century, since nobody's birthday lies outside it. */
const CENTURY = 36_525;
/** From 1930 on, as codes. */
const CENTURY_FROM = Math.round(130 * 365.2425) + 1;

/** Roughly the share of people for whom it is open. */
function openShare(field: PredicateField, predicate: Predicate): number {
  if (predicate.kind === 'texts') return predicate.other === FALSE ? 0.01 * predicate.texts.size : 1;
  if (field.type === 'list' || field.type === 'number') return 0.5;
  const [from, size] = field.type === 'date' ? [CENTURY_FROM, CENTURY] : [1, codingOf(field).maxCode];
  let open = 0;
  for (const [at, bits] of predicate.bits.entries()) {
    if (bits === FALSE) continue;
    const low = Math.max(from, predicate.starts[at]!);
    const high = Math.min(from + size, predicate.starts[at + 1] ?? Number.POSITIVE_INFINITY);
    open += Math.max(0, high - low) / size;
  }
  return open;
}

function firstOpen(predicate: Predicate): string | number {
  if (predicate.kind === 'texts') {
    for (const [text, bits] of predicate.texts) if (bits !== FALSE) return text;
    return '';
  }
  const at = predicate.bits.findIndex((bits) => bits !== FALSE);
  return at < 0 ? -1 : Math.max(0, predicate.starts[at]!);
}
