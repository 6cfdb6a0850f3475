/**
 * An index (bits.ts) bound to the columns of one shard: which entries hold for the citizen in a slot. Two vectors of words: `sure` where
 * the condition is true, `open` where it is not false.
 * Hot: a word that a block's first axis leaves open is put together over all others at once, one load and an and each, and stored once.
 * `open` costs as much again, so `reached` has it only of blocks where somebody asks.
 */
import type { Population } from '../population/population.ts';
import { type Axis, type Place, placeReader } from './axis.ts';
import type { BitIndex, Subject, Through } from './bits.ts';
import type { BlockAxes, OpenWords } from './block-axes.ts';
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
  /** Of the citizen judged last; overwritten by the next. `open` is whole after `match` alone. */
  readonly sure: Uint32Array;
  readonly open: Uint32Array;
  /** The words of the entries alone. */
  private readonly sureOfEntries: Uint32Array;
  /** Whether somebody asks what is open. */
  private readonly asksOpen: boolean;
  /** Closures asked since the beginning. */
  confirmations = 0;
  private readonly population: Population;
  /** By axis: how a slot's place is read, and how many words a place has. */
  private readonly placeOf: readonly Place[];
  private readonly sizes: Int32Array;
  private readonly lists: readonly BoundList[];
  /** The citizen's place on each axis, and where its words begin in the index's data. */
  private readonly at: Int32Array;
  private readonly rows: Int32Array;
  private readonly closures = new Map<number, { judge: Numbers<number>; given: Circumstances }>();

  constructor(index: BitIndex<S>, population: Population) {
    this.index = index;
    this.population = population;
    this.sure = new Uint32Array(index.allWords);
    this.open = new Uint32Array(index.allWords);
    this.sureOfEntries = this.sure.subarray(0, index.words);
    this.asksOpen = index.blocks.some(({ asksOpen }) => asksOpen);
    this.placeOf = index.axes.map((axis) => this.readerOf(axis));
    this.sizes = Int32Array.from(index.axes, ({ width }) => 2 * width);
    this.at = new Int32Array(index.axes.length);
    this.rows = new Int32Array(index.axes.length);
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
    this.judgeAll(slot, true);
  }

  /** `open` is right where somebody asks, and everywhere where it is wanted whole. */
  private judgeAll(slot: number, wholeOpen: boolean): void {
    const { sure, open, index, placeOf, sizes, at, rows } = this;
    const { dataAt, blocks, planes } = index;
    const asksOpen = wholeOpen || this.asksOpen;
    sure.fill(0);
    if (asksOpen) open.fill(0);
    for (let a = 0; a < placeOf.length; a++) {
      const place = placeOf[a]!(slot);
      at[a] = place;
      rows[a] = dataAt[a]! + place * sizes[a]!;
    }
    for (let b = 0; b < blocks.length; b++) {
      const block = blocks[b]!;
      const { left } = block;
      if (left === null) this.fillBase(block);
      else {
        this.fill(block, left, sure, left.sure, false);
        if (wholeOpen || block.asksOpen) this.fill(block, left, open, left.open, true);
      }
    }
    for (const list of this.lists) look(list, slot, sure, open);
    let from = index.words;
    for (let plane = 1; plane < planes.length; plane++) {
      const words = planes[plane]!;
      for (let w = 0; w < words; w++) sure[w]! |= sure[from + w]!;
      if (asksOpen) for (let w = 0; w < words; w++) open[w]! |= open[from + w]!;
      from += words;
    }
    if (index.confirmedCount > 0) this.confirm(slot);
  }

  private fillBase({ from, words }: BlockAxes): void {
    const { baseSure, baseOpen } = this.index;
    for (let w = from; w < from + words; w++) {
      this.sure[w] = baseSure[w]!;
      this.open[w] = baseOpen[w]!;
    }
  }

  /** The words of a block that its first axis leaves open, of one of the two vectors. The others stay empty. */
  private fill(
    { axes }: BlockAxes,
    { axis, starts, words }: OpenWords,
    into: Uint32Array,
    bits: Uint32Array,
    isOpen: boolean,
  ): void {
    const { data } = this.index;
    const place = this.at[axis]!;
    const from = starts[place]!;
    const to = starts[place + 1]!;
    if (axes.length === 0) {
      for (let i = from; i < to; i++) into[words[i]!] = bits[i]!;
      return;
    }
    const first = this.rowOf(axes[0]!, isOpen);
    if (axes.length === 1) {
      for (let i = from; i < to; i++) {
        const w = words[i]!;
        into[w] = bits[i]! & data[first + w]!;
      }
      return;
    }
    const second = this.rowOf(axes[1]!, isOpen);
    if (axes.length === 2) {
      for (let i = from; i < to; i++) {
        const w = words[i]!;
        into[w] = bits[i]! & data[first + w]! & data[second + w]!;
      }
      return;
    }
    const third = this.rowOf(axes[2]!, isOpen);
    for (let i = from; i < to; i++) {
      const w = words[i]!;
      into[w] = bits[i]! & data[first + w]! & data[second + w]! & data[third + w]!;
    }
    for (let more = 3; more < axes.length; more++) {
      const row = this.rowOf(axes[more]!, isOpen);
      for (let i = from; i < to; i++) into[words[i]!]! &= data[row + words[i]!]!;
    }
  }

  private rowOf({ axis, start }: BlockAxes['axes'][number], isOpen: boolean): number {
    return this.rows[axis]! + start + (isOpen ? this.sizes[axis]! >> 1 : 0);
  }

  /**
   * Writes who is reached into `into`: surely, or possibly where the entry reaches the possible.
   */
  reached(slot: number, into: Uint32Array): void {
    this.judgeAll(slot, false);
    const { sure, open } = this;
    const { reachesPossible, words } = this.index;
    if (!this.asksOpen) into.set(this.sureOfEntries);
    else for (let w = 0; w < words; w++) into[w] = sure[w]! | (open[w]! & reachesPossible[w]!);
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
      const yes = bound.sure[at]!;
      const maybe = bound.open[at]!;
      sure[w]! &= (yes & ~turn) | (~maybe & turn) | ~looks[at]!;
      open[w]! &= (maybe & ~turn) | (~yes & turn) | ~looks[at]!;
    }
}
