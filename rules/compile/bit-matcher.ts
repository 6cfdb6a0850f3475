/**
 * An index (bits.ts) bound to the columns of one shard: which entries hold for the citizen in a slot. Two vectors of words: `sure` where
 * the condition is true, `open` where it is not false.
 * Hot: the inner loops are two loads, an and, and a store a word.
 */
import type { Population } from '../population/population.ts';
import { type Axis, type Place, placeReader } from './axis.ts';
import type { BitIndex, BlockAxes, Subject, Through } from './bits.ts';
import { type Circumstances, compileNumber, type Numbers } from './closure.ts';

type BoundAxis = {
  readonly place: Place;
  readonly segments: Int32Array;
  readonly width: number;
  readonly data: Uint32Array;
};
type BoundList = {
  readonly through: Through;
  readonly axes: readonly BoundAxis[];
  count(slot: number): number;
  firstRow(slot: number): number;
  readonly sure: Uint32Array;
  readonly open: Uint32Array;
  readonly itemSure: Uint32Array;
  readonly itemOpen: Uint32Array;
};

export class BitMatcher<S extends Subject = Subject> {
  readonly index: BitIndex<S>;
  /** Of the citizen matched last; overwritten by the next. */
  readonly sure: Uint32Array;
  readonly open: Uint32Array;
  /** Closures asked since the beginning. */
  confirmations = 0;
  private readonly population: Population;
  private readonly axes: readonly BoundAxis[];
  private readonly lists: readonly BoundList[];
  /** The citizen's place on each axis. */
  private readonly at: Int32Array;
  private readonly closures = new Map<number, { judge: Numbers<number>; given: Circumstances }>();

  constructor(index: BitIndex<S>, population: Population) {
    this.index = index;
    this.population = population;
    this.sure = new Uint32Array(index.allWords);
    this.open = new Uint32Array(index.allWords);
    this.axes = index.axes.map((axis) => bound(axis, this.readerOf(axis)));
    this.at = new Int32Array(index.axes.length);
    this.lists = index.through.map((through): BoundList => {
      const list = population.list(through.list);
      const words = () => new Uint32Array(through.width);
      return {
        through,
        axes: through.axes.map((axis) => bound(axis, placeReader(axis, list.column(axis.field as never)))),
        count: (slot) => list.count(slot),
        firstRow: (slot) => list.firstRow(slot),
        sure: words(),
        open: words(),
        itemSure: words(),
        itemOpen: words(),
      };
    });
  }

  private readerOf(axis: Axis): Place {
    const { field, borders } = axis;
    if (field.type !== 'list') return placeReader(axis, this.population.column(field));
    const list = this.population.list(field);
    return (slot) => {
      const count = list.count(slot);
      if (Number.isNaN(count)) return 0;
      let place = borders.length;
      while (place > 1 && borders[place - 1]! > count) place--;
      return place;
    };
  }

  /** Judges the citizen in the slot; `sure` and `open` say how until the next call. */
  match(slot: number): void {
    const { sure, open, index } = this;
    sure.fill(0);
    open.fill(0);
    const { axes, at } = this;
    for (let a = 0; a < axes.length; a++) at[a] = axes[a]!.place(slot);
    for (const block of index.blocks) this.fill(block);
    for (const list of this.lists) look(list, slot, sure, open);
    let from = index.words;
    for (let plane = 1; plane < index.planes.length; plane++) {
      const words = index.planes[plane]!;
      for (let w = 0; w < words; w++) {
        sure[w]! |= sure[from + w]!;
        open[w]! |= open[from + w]!;
      }
      from += words;
    }
    if (index.confirmedCount > 0) this.confirm(slot);
  }

  /** The words of a block that its first axis leaves open. The others stay empty. */
  private fill({ from, words, axes, left }: BlockAxes): void {
    const { sure, open, at } = this;
    const { baseSure, baseOpen } = this.index;
    if (left === null) {
      for (let w = from; w < from + words; w++) {
        sure[w] = baseSure[w]!;
        open[w] = baseOpen[w]!;
      }
      return;
    }
    const place = at[axes[0]!.axis]!;
    const first = left.starts[place]!;
    const last = left.starts[place + 1]!;
    for (let a = 0; a < axes.length; a++) {
      const { axis, start } = axes[a]!;
      const { data, width } = this.axes[axis]!;
      const base = at[axis]! * 2 * width + start;
      if (a === 0)
        for (let i = first; i < last; i++) {
          const w = left.words[i]!;
          sure[from + w] = baseSure[from + w]! & data[base + w]!;
          open[from + w] = baseOpen[from + w]! & data[base + width + w]!;
        }
      else
        for (let i = first; i < last; i++) {
          const w = left.words[i]!;
          sure[from + w]! &= data[base + w]!;
          open[from + w]! &= data[base + width + w]!;
        }
    }
  }

  /**
   * Writes who is reached into `into`: surely, or possibly where the entry reaches the possible.
   */
  reached(slot: number, into: Uint32Array): void {
    this.match(slot);
    const { sure, open } = this;
    const { reachesPossible, words } = this.index;
    for (let w = 0; w < words; w++) into[w] = sure[w]! | (open[w]! & reachesPossible[w]!);
  }

  private confirm(slot: number): void {
    const { sure, open, index } = this;
    for (let w = 0; w < index.words; w++) {
      let asked = open[w]! & index.confirmed[w]!;
      while (asked !== 0) {
        const bit = 31 - Math.clz32(asked);
        const mask = 1 << bit;
        asked &= ~mask;
        const truth = this.judge(w * 32 + bit, slot);
        sure[w] = truth === 1 ? sure[w]! | mask : sure[w]! & ~mask;
        if (truth === 0) open[w]! &= ~mask;
      }
    }
  }

  private judge(entry: number, slot: number): number {
    let closure = this.closures.get(entry);
    if (closure === undefined) {
      const { subjects, asOf, calendar } = this.index;
      const { condition, event } = subjects[entry]!;
      closure = {
        judge: compileNumber(condition, this.population.source(), calendar),
        given: { event, asOf },
      };
      this.closures.set(entry, closure);
    }
    this.confirmations++;
    return closure.judge(slot, closure.given);
  }
}

function bound({ segments, width, data }: Axis, place: Place): BoundAxis {
  return { place, segments, width, data };
}

function narrow(axis: BoundAxis, place: number, sure: Uint32Array, open: Uint32Array): void {
  const { segments, width, data } = axis;
  let at = place * 2 * width;
  for (let s = 0; s < segments.length; s += 2) {
    const from = segments[s]!;
    const to = segments[s + 1]!;
    for (let w = from; w < to; w++, at++) {
      sure[w]! &= data[at]!;
      open[w]! &= data[at + width]!;
    }
  }
}

/** The terms that look through one list: what holds for some item of it, turned round where they ask for none. */
function look(bound: BoundList, slot: number, sure: Uint32Array, open: Uint32Array): void {
  const { through, itemSure, itemOpen } = bound;
  const { width, segments, looks, negated } = through;
  const count = bound.count(slot);
  const known = !Number.isNaN(count);
  // Unknown where the list is.
  bound.sure.fill(0);
  bound.open.fill(known ? 0 : 0xffff_ffff);
  const first = known && count > 0 ? bound.firstRow(slot) : 0;
  for (let i = 0; i < count; i++) {
    itemSure.set(through.baseSure);
    itemOpen.set(through.baseOpen);
    for (const axis of bound.axes) narrow(axis, axis.place(first + i), itemSure, itemOpen);
    for (let w = 0; w < width; w++) {
      bound.sure[w]! |= itemSure[w]!;
      bound.open[w]! |= itemOpen[w]!;
    }
  }
  let at = 0;
  for (let s = 0; s < segments.length; s += 2)
    for (let w = segments[s]!; w < segments[s + 1]!; w++, at++) {
      const turn = negated[at]!;
      const [yes, maybe] = [bound.sure[at]!, bound.open[at]!];
      sure[w]! &= (yes & ~turn) | (~maybe & turn) | ~looks[at]!;
      open[w]! &= (maybe & ~turn) | (~yes & turn) | ~looks[at]!;
    }
}
