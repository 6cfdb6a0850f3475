/**
 * Codes by slot, as narrow as what was seen of them: 0 is missing, so validity needs no plane of its own. While a column has few different
 * codes (nearly all do: a year of the last screening is one of seven) a slot holds the place of its code in a dictionary, in 2, 4 or 8 bits;
 * with more than 255 it holds the code itself less an origin, in 16 bits where all that were seen fit, else 32. It widens as it must,
 * at most four times in a column's life. Numbers with fractions are Float64.
 * All slots stand in one array, so that nothing but the slot's own cache line is waited for: with an array a block, writing forty columns of
 * a million citizens took twice as long.
 */
import { fill2, fill4, fillBytes, fillWide, fillWindow, WINDOW } from './fill.ts';
import { bytesOf, integersOf, type NextSection, pieces, whole } from './packed.ts';

export const BLOCK_BITS = 12;
export const BLOCK_SLOTS = 1 << BLOCK_BITS;
export const BLOCK_WORDS = BLOCK_SLOTS / 32;

export type Block = Uint8Array | Uint16Array | Int32Array | Float64Array;
export type Bits = 2 | 4 | 8 | 16 | 32 | 64;
/** Counts by place, while a block is counted. */
const scratch = new Uint32Array(256);

/** Elements of a block's part of an array. */
const elementsOf = (bits: Bits): number => (bits < 8 ? (BLOCK_SLOTS * bits) / 8 : BLOCK_SLOTS);

function empty(bits: Bits, blocks: number): Block {
  const length = blocks * elementsOf(bits);
  switch (bits) {
    case 16:
      return new Uint16Array(length);
    case 32:
      return new Int32Array(length);
    case 64:
      return new Float64Array(length).fill(Number.NaN);
    default:
      return new Uint8Array(length);
  }
}

/** As it stands in an array: a place, a code less its origin, or a number. */
function storedAt(block: Block, bits: Bits, at: number): number {
  if (bits === 2) return (block[at >> 2]! >> ((at & 3) << 1)) & 3;
  if (bits === 4) return (block[at >> 1]! >> ((at & 1) << 2)) & 15;
  return block[at]!;
}

function store(block: Block, bits: Bits, at: number, stored: number): void {
  if (bits === 2) {
    const shift = (at & 3) << 1;
    const byte = block[at >> 2]!;
    // Most of a profile is as it was: what is not written stays clean in the caches.
    const after = (byte & ~(3 << shift)) | (stored << shift);
    if (byte !== after) block[at >> 2] = after;
  } else if (bits === 4) {
    const shift = (at & 1) << 2;
    const byte = block[at >> 1]!;
    const after = (byte & ~(15 << shift)) | (stored << shift);
    if (byte !== after) block[at >> 1] = after;
  } else block[at] = stored;
}

export class Codes {
  /** Of all slots, with room for more. */
  private stored: Block;
  /** Blocks that there are slots for. */
  private count = 0;
  /** Parts of `stored` that somebody looked at. */
  private views: (Block | undefined)[] = [];
  bits: Bits;
  /** Of 16 bits: a code is what is stored and this; 0 else. */
  origin = 0;
  /** Grows whenever what is stored has another meaning than before, or a new one. */
  version = 0;
  private readonly maxCode: number;
  /** By place; place 0 is code 0. */
  private codeAt = new Int32Array(4);
  private places = 1;
  /** By code; 0 where it has no place yet. */
  private placeAt = new Uint8Array(16);

  /** `maxCode` is Infinity where there is no greatest; `fractions` for numbers, which are no codes. */
  constructor(maxCode: number, fractions: boolean) {
    this.maxCode = maxCode;
    this.bits = fractions ? 64 : 2;
    this.stored = empty(this.bits, 0);
  }

  /** Room for one more block of slots. */
  grow(): void {
    const { bits, stored, count } = this;
    if (++this.count * elementsOf(bits) <= stored.length) return;
    // By an eighth: what a shard that does not grow any more has left over is a sixteenth of it.
    const more = empty(bits, count + (count >> 3) + 1);
    more.set(stored);
    this.replace(more);
  }

  private replace(stored: Block): void {
    this.stored = stored;
    this.views = [];
  }

  /** What stands in a block's slots, until the column grows or widens. */
  block(number: number): Block {
    const length = elementsOf(this.bits);
    this.views[number] ??= this.stored.subarray(number * length, (number + 1) * length);
    return this.views[number];
  }

  get bytes(): number {
    return this.stored.byteLength + this.codeAt.byteLength + this.placeAt.byteLength;
  }

  get(slot: number): number {
    const { stored } = this;
    switch (this.bits) {
      case 2:
        return this.codeAt[(stored[slot >> 2]! >> ((slot & 3) << 1)) & 3]!;
      case 4:
        return this.codeAt[(stored[slot >> 1]! >> ((slot & 1) << 2)) & 15]!;
      case 8:
        return this.codeAt[stored[slot]!]!;
      case 16: {
        const inside = stored[slot]!;
        return inside === 0 ? 0 : inside + this.origin;
      }
      default:
        return stored[slot]!;
    }
  }

  /**
   * Counts the codes of `count` places of a block, each in its cell: `cellOf[code]`, or the code itself, where codes beyond the last cell are
   * in it (texts that came later). One loop a width: a nanosecond or two a citizen.
   */
  countInto(
    block: number,
    places: Uint16Array,
    count: number,
    cellOf: Uint8Array | null,
    counts: Uint16Array,
  ): void {
    const last = counts.length - 1;
    const stored = this.block(block);
    const cell = (code: number): number => (cellOf === null ? Math.min(code, last) : cellOf[code]!);
    if (this.bits > 8) {
      const origin = this.bits === 16 ? this.origin : 0;
      for (let i = 0; i < count; i++) {
        const at = stored[places[i]!]!;
        counts[cell(at === 0 ? 0 : at + origin)]!++;
      }
      return;
    }
    const byPlace = scratch.fill(0);
    if (this.bits === 8) for (let i = 0; i < count; i++) byPlace[stored[places[i]!]!]!++;
    else {
      const [shift, mask] = this.bits === 2 ? [2, 3] : [1, 1];
      const bits = this.bits;
      const most = (1 << bits) - 1;
      for (let i = 0; i < count; i++) {
        const at = places[i]!;
        byPlace[(stored[at >> shift]! >> ((at & mask) * bits)) & most]!++;
      }
    }
    for (let place = 0; place < this.places; place++)
      if (byPlace[place]! > 0) counts[cell(this.codeAt[place]!)]! += byPlace[place]!;
  }

  set(slot: number, code: number): void {
    if (this.bits <= 8) {
      const place = code < this.placeAt.length ? this.placeAt[code]! : 0;
      if (place === 0 && code !== 0) this.setNew(slot, code);
      else store(this.stored, this.bits, slot, place);
    } else if (this.bits === 16) {
      const inside = code === 0 ? 0 : code - this.origin;
      if (inside < 0 || inside > WINDOW || (inside === 0 && code !== 0)) this.setNew(slot, code);
      else this.stored[slot] = inside;
    } else this.stored[slot] = code;
  }

  /**
   * Writes one code after another in as many slots, in their order; codes stand `stride` apart in `codes`, from `from`. One loop a width,
   * each of one kind of array: 2 to 4 ns a code, where `set` takes 20 to 40.
   */
  setMany(slots: Int32Array, count: number, codes: Int32Array, from: number, stride: number): void {
    for (let done = 0; ; done++) {
      done = this.fill(slots, done, count, codes, from, stride);
      if (done === count) return;
      // It widens, or has a new place: the loops know of neither.
      this.set(slots[done]!, codes[from + done * stride]!);
    }
  }

  /** Writes from row `at` on, up to the first code that has no place yet, or lies outside the window; where it ended. */
  private fill(
    slots: Int32Array,
    at: number,
    count: number,
    codes: Int32Array,
    from: number,
    stride: number,
  ): number {
    const rows = { slots, at, count, codes, from, stride };
    switch (this.bits) {
      case 2:
        return fill2(this.stored as Uint8Array, rows, this.placeAt);
      case 4:
        return fill4(this.stored as Uint8Array, rows, this.placeAt);
      case 8:
        return fillBytes(this.stored as Uint8Array, rows, this.placeAt);
      case 16:
        return fillWindow(this.stored as Uint16Array, rows, this.origin);
      default:
        return fillWide(this.stored as Int32Array, rows);
    }
  }

  /** A code that has no place yet, or lies outside the window. */
  private setNew(slot: number, code: number): void {
    this.version++;
    if (this.bits <= 8 && this.places < 1 << this.bits) this.give(code);
    else if (this.bits <= 4) this.widen(this.bits === 2 ? 4 : 8, (place) => place);
    else if (this.bits === 8) this.leaveDictionary(code);
    else {
      const { origin } = this;
      this.origin = 0;
      this.widen(32, (stored) => (stored === 0 ? 0 : stored + origin));
    }
    this.set(slot, code);
  }

  private give(code: number): void {
    if (this.places === this.codeAt.length) {
      const longer = new Int32Array(this.places * 2);
      longer.set(this.codeAt);
      this.codeAt = longer;
    }
    if (code >= this.placeAt.length) {
      const longer = new Uint8Array(2 ** Math.ceil(Math.log2(code + 1)));
      longer.set(this.placeAt);
      this.placeAt = longer;
    }
    this.placeAt[code] = this.places;
    this.codeAt[this.places++] = code;
  }

  /** The window lies about what was seen: there is room for earlier and later days. */
  private leaveDictionary(code: number): void {
    const { codeAt } = this;
    const seen = [code, ...codeAt.subarray(1, this.places)];
    const [least, most] = [Math.min(...seen), Math.max(...seen)];
    const isWhole = this.maxCode <= WINDOW || this.maxCode === Number.POSITIVE_INFINITY;
    const spare = WINDOW - 1 - (most - least);
    this.origin = isWhole || spare < 0 ? 0 : Math.max(0, least - 1 - (spare >> 1));
    const { origin } = this;
    const bits = most - origin <= WINDOW ? 16 : 32;
    if (bits === 32) this.origin = 0;
    this.widen(bits, (place) => (place === 0 ? 0 : codeAt[place]! - this.origin));
    this.codeAt = new Int32Array(0);
    this.placeAt = new Uint8Array(0);
    this.places = 0;
  }

  private widen(bits: Bits, storedFor: (stored: number) => number): void {
    const { bits: before, stored, count } = this;
    const wider = empty(bits, count);
    for (let at = 0; at < count * BLOCK_SLOTS; at++)
      store(wider, bits, at, storedFor(storedAt(stored, before, at)));
    this.bits = bits;
    this.replace(wider);
  }

  /** What stands in all slots; there are none afterwards. */
  detach(): Block {
    const { stored } = this;
    this.count = 0;
    this.replace(empty(this.bits, 0));
    return stored;
  }

  /** Takes over what stands in a slot of what was detached. */
  take(stored: Block, from: number, to: number): void {
    store(this.stored, this.bits, to, storedAt(stored, this.bits, from));
  }

  /** What `truth` says of the code in each place: of 2, 4 and 8 bits alone. */
  byPlace(truth: (code: number) => number): Uint8Array {
    return Uint8Array.from(this.codeAt.subarray(0, this.places), truth);
  }

  *sections(): Generator<Uint8Array> {
    const { bits, stored, count } = this;
    yield bytesOf(Int32Array.of(bits, this.origin, count));
    yield bytesOf(this.codeAt.slice(0, this.places));
    yield* pieces(bytesOf(stored.subarray(0, count * elementsOf(bits))));
  }

  /** Takes over what `sections` gave, where there is nothing yet. */
  async restore(next: NextSection): Promise<void> {
    const [bits = 0, origin = 0, count = 0] = integersOf(await next());
    for (const code of integersOf(await next()).subarray(1)) this.give(code);
    this.bits = bits as Bits;
    this.origin = origin;
    if (bits > 8) {
      this.codeAt = new Int32Array(0);
      this.placeAt = new Uint8Array(0);
      this.places = 0;
    }
    this.count = count;
    this.replace(empty(this.bits, count));
    await whole(next, bytesOf(this.stored));
  }
}
