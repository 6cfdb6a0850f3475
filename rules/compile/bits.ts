/**
 * The reading of many conditions at once: which of them hold for one citizen. Each entry (a rule under one open event, on one day) is a few
 * terms, and each term a bit; every field that any of them reads has a bit vector for each stretch of values that they tell apart
 * (axis.ts). A citizen's vectors put together with `&` are the terms that hold; terms of one entry stand in planes one above the other and
 * are put together with `|`. What the terms do not say whole is confirmed by the entry's closure, for those citizens alone for whom they
 * leave it open. An index never changes; another day or other entries are another index.
 * Hot: figures of `bench -- reverse` in docs/performance.md.
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import type { ListField } from '../catalogue.ts';
import type { Node } from '../language.ts';
import { lower } from '../lower/lower.ts';
import { FALSE, type PredicateField } from '../lower/predicates.ts';
import { type Term, termsOf } from '../lower/terms.ts';
import { type Asked, type Axis, axisOf, compactWords, segmentsOf } from './axis.ts';
import { type BlockAxes, blockAxes } from './block-axes.ts';
import { layoutOf, type PlacedTerm } from './blocks.ts';
import type { EventData } from './event-value.ts';

/** A condition under one open event. `reachesPossible`: those for whom it is unknown are reached too. */
export type Subject = {
  readonly condition: Node;
  readonly event: EventData;
  readonly reachesPossible: boolean;
};

/** Looks through one list; its axes are those of its members, over the same words. */
export type Through = {
  readonly list: ListField;
  readonly segments: Int32Array;
  readonly width: number;
  readonly baseSure: Uint32Array;
  readonly baseOpen: Uint32Array;
  /** Terms that look through this list, and those of them that are turned round. */
  readonly looks: Uint32Array;
  readonly negated: Uint32Array;
  readonly axes: readonly Axis[];
};

export type BitIndex<S extends Subject = Subject> = {
  readonly asOf: number;
  readonly calendar: WorkingDays;
  /** By bit of the entries' words; some bits are nobody's. */
  readonly subjects: readonly (S | undefined)[];
  /** By bit, parallel to `subjects`. */
  readonly terms: readonly (readonly Term[])[];
  readonly size: number;
  /** Words of the entries, and of all planes. */
  readonly words: number;
  readonly allWords: number;
  /** Words of each plane; the first has `words`. */
  readonly planes: readonly number[];
  readonly baseSure: Uint32Array;
  readonly baseOpen: Uint32Array;
  /** Entries that a closure confirms where they are open, and those that reach the possible. */
  readonly confirmed: Uint32Array;
  readonly reachesPossible: Uint32Array;
  readonly confirmedCount: number;
  readonly axes: readonly Axis[];
  /** The data of all axes, one after another, each beginning at its place in `dataAt`. */
  readonly data: Uint32Array;
  readonly dataAt: Int32Array;
  readonly blocks: readonly BlockAxes[];
  readonly through: readonly Through[];
  readonly bytes: number;
};

/** Never more than this between two chances to do something else. */
const STEP_MS = 5;

/** Builds in one go. */
export function indexOf<S extends Subject>(
  subjects: readonly S[],
  asOf: number,
  calendar: WorkingDays = WORKING_DAYS,
): BitIndex<S> {
  const building = buildIndex(subjects, asOf, calendar);
  for (;;) {
    const step = building.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps of some milliseconds with `pause` between them. */
export async function indexInSteps<S extends Subject>(
  subjects: readonly S[],
  asOf: number,
  pause: () => Promise<void>,
  calendar: WorkingDays = WORKING_DAYS,
): Promise<BitIndex<S>> {
  const building = buildIndex(subjects, asOf, calendar);
  for (let since = performance.now(); ; ) {
    const step = building.next();
    if (step.done === true) return step.value;
    if (performance.now() - since < STEP_MS) continue;
    await pause();
    since = performance.now();
  }
}

function* buildIndex<S extends Subject>(
  subjects: readonly S[],
  asOf: number,
  calendar: WorkingDays,
): Generator<void, BitIndex<S>, undefined> {
  const read: { subject: S; terms: readonly Term[] }[] = [];
  for (const subject of subjects) {
    read.push({
      subject,
      terms: termsOf(lower(subject.condition, { event: subject.event, asOf }, calendar)),
    });
    yield;
  }
  const layout = layoutOf(read);
  yield;
  const baseSure = new Uint32Array(layout.allWords);
  const baseOpen = new Uint32Array(layout.allWords);
  for (const { bit, term } of layout.placed) setBits(baseSure, baseOpen, bit, term.base);
  const found: Axis[] = [];
  for (const [field, asked] of askedOf(layout.placed.map(({ bit, term }) => ({ bit, of: term.of })))) {
    const asking = layout.blocks.filter(({ fields }) => fields.has(field));
    found.push(
      axisOf(field, asked, Int32Array.from(asking.flatMap(({ from, words }) => [from, from + words]))),
    );
    yield;
  }
  const { axes, data, dataAt } = together(found);
  const through = throughLists(layout.placed);
  const inexact = layout.entries.map((entry) => entry?.terms.some((term) => !term.exact) ?? false);
  const confirmed = flags(inexact);
  const reachesPossible = flags(layout.entries.map((entry) => entry?.subject.reachesPossible ?? false));
  const starts = axes.map(({ segments }) => compactWords(segments));
  const asks = (word: number): boolean => confirmed[word] !== 0 || reachesPossible[word] !== 0;
  const blocks: BlockAxes[] = [];
  for (const block of layout.blocks) {
    const { from, words, entries } = block;
    const asksOpen = Array.from({ length: words }, (_, w) => entries + w).some(asks);
    blocks.push({ from, words, asksOpen, ...blockAxes(block, axes, starts, { baseSure, baseOpen }) });
    yield;
  }
  const arrays = [
    baseSure,
    baseOpen,
    data,
    ...through.flatMap((one) => one.axes).map((axis) => axis.data),
    ...blocks.flatMap(({ left }) => (left === null ? [] : [left.starts, left.words, left.sure, left.open])),
  ];
  return {
    asOf,
    calendar,
    subjects: layout.entries.map((entry) => entry?.subject),
    terms: layout.entries.map((entry) => entry?.terms ?? []),
    size: subjects.length,
    words: layout.planes[0] ?? 0,
    allWords: layout.allWords,
    planes: layout.planes,
    baseSure,
    baseOpen,
    confirmed,
    reachesPossible,
    confirmedCount: inexact.filter(Boolean).length,
    axes,
    data,
    dataAt,
    blocks,
    through,
    bytes: arrays.reduce((sum, array) => sum + array.byteLength, 0),
  };
}

function together(found: readonly Axis[]): Pick<BitIndex, 'axes' | 'data' | 'dataAt'> {
  const dataAt = new Int32Array(found.length);
  const data = new Uint32Array(found.reduce((sum, axis) => sum + axis.data.length, 0));
  let at = 0;
  const axes = found.map((axis, number) => {
    data.set(axis.data, at);
    dataAt[number] = at;
    at += axis.data.length;
    return { ...axis, data: data.subarray(dataAt[number], at) };
  });
  return { axes, data, dataAt };
}

function setBits(sure: Uint32Array, open: Uint32Array, bit: number, bits: number): void {
  const mask = 1 << (bit & 31);
  if ((bits & 1) !== 0) sure[bit >>> 5]! |= mask;
  if (bits !== FALSE) open[bit >>> 5]! |= mask;
}

function flags(of: readonly boolean[]): Uint32Array {
  const words = new Uint32Array(Math.ceil(of.length / 32));
  for (const [bit, set] of of.entries()) if (set) words[bit >>> 5]! |= 1 << (bit & 31);
  return words;
}

function askedOf(
  placed: readonly { readonly bit: number; readonly of: Term['of'] }[],
): Map<PredicateField, Asked[]> {
  const asked = new Map<PredicateField, Asked[]>();
  for (const { bit, of } of placed)
    for (const [field, predicate] of of) {
      const before = asked.get(field);
      if (before === undefined) asked.set(field, [{ bit, predicate }]);
      else before.push({ bit, predicate });
    }
  return asked;
}

function throughLists(placed: readonly PlacedTerm[]): Through[] {
  const lists = new Set(placed.flatMap(({ term }) => [...term.items.keys()]));
  return [...lists].map((list) => {
    const looking = placed.flatMap(({ bit, term }) => {
      const item = term.items.get(list);
      return item === undefined ? [] : [{ bit, item }];
    });
    const segments = segmentsOf(looking.map(({ bit }) => bit));
    const words = compactWords(segments);
    const arrays = () => new Uint32Array(words.size);
    const [baseSure, baseOpen, looks, negated] = [arrays(), arrays(), arrays(), arrays()] as const;
    const inner = looking.map(({ bit, item }) => ({ bit: words.get(bit >>> 5)! * 32 + (bit & 31), item }));
    for (const { bit, item } of inner) {
      setBits(baseSure, baseOpen, bit, item.base);
      looks[bit >>> 5]! |= 1 << (bit & 31);
      if (item.negated) negated[bit >>> 5]! |= 1 << (bit & 31);
    }
    const asked = askedOf(inner.map(({ bit, item }) => ({ bit, of: item.of })));
    const axes = [...asked].map(([field, of]) => axisOf(field, of, segmentsOf(of.map(({ bit }) => bit))));
    return { list, segments, width: words.size, baseSure, baseOpen, looks, negated, axes };
  });
}

/** Whether the place is set in a vector of bits. */
export const has = (bits: Uint32Array, place: number): boolean =>
  ((bits[place >>> 5]! >>> (place & 31)) & 1) === 1;
