/**
 * Whom a new day may move across a threshold: not everybody, but those whose birthday (or whatever else a rule reads) stands where a live
 * rule's answer is another today than it was. Two indexes over the same entries, of two days, are held against each other.
 */

import type { ListField, ScalarField } from '../catalogue.ts';
import type { BitIndex } from '../compile/bits.ts';
import { scan } from '../compile/columns.ts';
import { type Node, operandsOf } from '../language.ts';
import type { Predicate, PredicateField, Stretches } from '../lower/predicates.ts';
import type { Term } from '../lower/terms.ts';
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS, type Column } from '../population/columns.ts';
import type { Population } from '../population/population.ts';
import type { Entry } from './entry.ts';

export type Cohort = {
  /** By field: codes, from and to, at which the answer of some entry differs. */
  readonly columns: ReadonlyMap<ScalarField, readonly Codes[]>;
  readonly members: ReadonlyMap<ListField, ReadonlyMap<ScalarField, readonly Codes[]>>;
  /** Entries that say something else of people who cannot be told by one code: judged by columns, for everybody. */
  readonly whole: readonly Entry[];
};
type Codes = readonly [from: number, to: number];

/** What depends on the day by itself. */
const OF_THE_DAY: ReadonlySet<string> = new Set([
  'age',
  'ageMonths',
  'yearAge',
  'daysUntil',
  'daysSince',
  'within',
]);

function dependsOnDay(node: Node): boolean {
  return (node.kind === 'call' && OF_THE_DAY.has(node.op)) || operandsOf(node).some(dependsOnDay);
}

export function cohortOf(before: BitIndex<Entry>, after: BitIndex<Entry>): Cohort {
  const later = new Map(
    after.subjects.flatMap((entry, at) => (entry === undefined ? [] : [[entry.key, after.terms[at]!]])),
  );
  const columns = new Map<ScalarField, Codes[]>();
  const members = new Map<ListField, Map<ScalarField, Codes[]>>();
  const whole: Entry[] = [];
  for (const [at, entry] of before.subjects.entries()) {
    if (entry === undefined) continue;
    const terms = later.get(entry.key);
    if (terms === undefined || !dependsOnDay(entry.condition)) continue;
    const found = differences(before.terms[at]!, terms);
    if (found === undefined) {
      whole.push(entry);
      continue;
    }
    for (const { list, field, codes } of found) {
      const into = list === undefined ? columns : (members.get(list) ?? new Map<ScalarField, Codes[]>());
      if (list !== undefined) members.set(list, into);
      into.set(field, [...(into.get(field) ?? []), ...codes]);
    }
  }
  return { columns, members, whole };
}

type Difference = {
  readonly list: ListField | undefined;
  readonly field: ScalarField;
  readonly codes: readonly Codes[];
};

/** Where the same questions have other answers; undefined where the questions are others, or a closure's. */
function differences(before: readonly Term[], after: readonly Term[]): Difference[] | undefined {
  if (before.length !== after.length) return undefined;
  const found: Difference[] = [];
  for (const [at, one] of before.entries()) {
    const other = after[at]!;
    if (!one.exact || !other.exact || one.base !== other.base) return undefined;
    if (!compare(one.of, other.of, undefined, found)) return undefined;
    if (one.items.size !== other.items.size) return undefined;
    for (const [list, item] of one.items) {
      const same = other.items.get(list);
      if (same === undefined || same.negated !== item.negated || same.base !== item.base) return undefined;
      if (!compare(item.of, same.of, list, found)) return undefined;
    }
  }
  return found;
}

function compare(
  before: ReadonlyMap<PredicateField, Predicate>,
  after: ReadonlyMap<PredicateField, Predicate>,
  list: ListField | undefined,
  found: Difference[],
): boolean {
  if (before.size !== after.size) return false;
  for (const [field, one] of before) {
    const other = after.get(field);
    if (other === undefined || one.missing !== other.missing) return false;
    const codes = unlike(one, other);
    if (codes === undefined) return false;
    if (codes.length === 0) continue;
    if (field.type === 'list' || field.type === 'number') return false;
    found.push({ list, field, codes });
  }
  return true;
}

function unlike(a: Predicate, b: Predicate): Codes[] | undefined {
  if (a.kind === 'stretches' && b.kind === 'stretches') return unlikeStretches(a, b);
  if (a.kind !== 'texts' || b.kind !== 'texts' || a.other !== b.other) return undefined;
  const same =
    a.texts.size === b.texts.size && [...a.texts].every(([text, bits]) => b.texts.get(text) === bits);
  return same ? [] : undefined;
}

function unlikeStretches(a: Stretches, b: Stretches): Codes[] {
  const codes: Codes[] = [];
  let [i, j] = [0, 0];
  let since: number | undefined;
  for (;;) {
    const at = Math.min(a.starts[i] ?? Number.POSITIVE_INFINITY, b.starts[j] ?? Number.POSITIVE_INFINITY);
    if (a.starts[i] === at) i++;
    if (b.starts[j] === at) j++;
    const same = at === Number.POSITIVE_INFINITY || a.bits[i - 1] === b.bits[j - 1];
    if (same && since !== undefined) {
      codes.push([since, at - 1]);
      since = undefined;
    } else if (!same) since ??= at;
    if (at === Number.POSITIVE_INFINITY) return codes;
  }
}

/** The slots of a shard that belong to the cohort, each once. One pass over the columns that it names. */
export function slotsOf(
  cohort: Cohort,
  population: Population,
  days: { readonly before: number; readonly after: number },
): Int32Array {
  const { live } = population;
  const found = new Uint32Array(live.length * BLOCK_WORDS);
  const mark = (slot: number): void => {
    found[slot >>> 5]! |= 1 << (slot & 31);
  };
  for (const [field, codes] of cohort.columns) {
    const column = population.column(field);
    const wanted = tableOf(codes, column);
    for (let slot = 0; slot < population.capacity; slot++) if (wanted[column.raw(slot)] === 1) mark(slot);
  }
  for (const [list, fields] of cohort.members) {
    const items = population.list(list);
    const readers = [...fields].map(([field, codes]) => {
      const column = items.column(field);
      return { column, wanted: tableOf(codes, column) };
    });
    for (let slot = 0; slot < population.capacity; slot++) {
      const count = items.count(slot);
      for (let row = items.firstRow(slot), left = count; left > 0; row++, left--)
        if (readers.some(({ column, wanted }) => wanted[column.raw(row)] === 1)) mark(slot);
    }
  }
  for (const { condition, event } of cohort.whole) {
    const [was, is] = [days.before, days.after].map((asOf) => scan(condition, population, { event, asOf }));
    for (let w = 0; w < found.length; w++)
      found[w]! |= (was!.certain[w]! ^ is!.certain[w]!) | (was!.possible[w]! ^ is!.possible[w]!);
  }
  return slots(found, live);
}

function tableOf(codes: readonly Codes[], column: Column): Uint8Array {
  const wanted = new Uint8Array(column.maxCode + 1);
  // A code of 0 is missing, and says the same on every day.
  for (const [from, to] of codes) wanted.fill(1, Math.max(1, from), Math.min(to, column.maxCode) + 1);
  return wanted;
}

function slots(found: Uint32Array, live: readonly Uint32Array[]): Int32Array {
  const slots: number[] = [];
  for (let w = 0; w < found.length; w++) {
    let word = found[w]! & live[Math.floor(w / BLOCK_WORDS)]![w % BLOCK_WORDS]!;
    for (; word !== 0; word &= word - 1) {
      const block = Math.floor(w / BLOCK_WORDS);
      slots.push((block << BLOCK_BITS) + ((w * 32) & (BLOCK_SLOTS - 1)) + (31 - Math.clz32(word & -word)));
    }
  }
  return Int32Array.from(slots);
}
