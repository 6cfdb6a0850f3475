/**
 * Codes by slot, as narrow as what was seen of them: 0 is missing, so validity needs no plane of its own. While a column has few different
 * codes (nearly all do: a year of the last screening is one of seven) a slot holds the place of its code in a dictionary, in 2, 4 or 8 bits;
 * with more than 255 it holds the code itself less an origin, in 16 bits where all that were seen fit, else 32. It widens as it must,
 * all blocks together, at most four times in a column's life. Numbers with fractions are Float64.
 */
import { bytesOf, integersOf, type NextSection, packed, unpacked } from './packed.ts';

export const BLOCK_BITS = 12;
export const BLOCK_SLOTS = 1 << BLOCK_BITS;
export const BLOCK_WORDS = BLOCK_SLOTS / 32;

export type Block = Uint8Array | Uint16Array | Int32Array | Float64Array;
export type Bits = 2 | 4 | 8 | 16 | 32 | 64;
/** What 16 bits hold beside the missing 0. */
const WINDOW = 0xffff;
/** Counts by place, while a block is counted. */
const scratch = new Uint32Array(256);

function emptyBlock(bits: Bits): Block {
  switch (bits) {
    case 16:
      return new Uint16Array(BLOCK_SLOTS);
    case 32:
      return new Int32Array(BLOCK_SLOTS);
    case 64:
      return new Float64Array(BLOCK_SLOTS).fill(Number.NaN);
    default:
      return new Uint8Array((BLOCK_SLOTS * bits) / 8);
  }
}

/** As it stands in a block: a place, a code less its origin, or a number. */
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
  /** All of one kind. */
  blocks: Block[] = [];
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
  }

  grow(): void {
    this.blocks.push(emptyBlock(this.bits));
  }

  get bytes(): number {
    const blocks = this.blocks.reduce((sum, block) => sum + block.byteLength, 0);
    return blocks + this.codeAt.byteLength + this.placeAt.byteLength;
  }

  get(slot: number): number {
    const block = this.blocks[slot >> BLOCK_BITS]!;
    const at = slot & (BLOCK_SLOTS - 1);
    switch (this.bits) {
      case 2:
        return this.codeAt[(block[at >> 2]! >> ((at & 3) << 1)) & 3]!;
      case 4:
        return this.codeAt[(block[at >> 1]! >> ((at & 1) << 2)) & 15]!;
      case 8:
        return this.codeAt[block[at]!]!;
      case 16: {
        const stored = block[at]!;
        return stored === 0 ? 0 : stored + this.origin;
      }
      default:
        return block[at]!;
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
    const stored = this.blocks[block]!;
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
    const block = this.blocks[slot >> BLOCK_BITS]!;
    const at = slot & (BLOCK_SLOTS - 1);
    if (this.bits <= 8) {
      const place = code < this.placeAt.length ? this.placeAt[code]! : 0;
      if (place === 0 && code !== 0) this.setNew(slot, code);
      else store(block, this.bits, at, place);
    } else if (this.bits === 16) {
      const stored = code === 0 ? 0 : code - this.origin;
      if (stored < 0 || stored > WINDOW || (stored === 0 && code !== 0)) this.setNew(slot, code);
      else block[at] = stored;
    } else block[at] = code;
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
    const before = this.bits;
    this.blocks = this.blocks.map((block) => {
      const wider = emptyBlock(bits);
      for (let at = 0; at < BLOCK_SLOTS; at++) store(wider, bits, at, storedFor(storedAt(block, before, at)));
      return wider;
    });
    this.bits = bits;
  }

  /** The blocks as they are; there are none afterwards. */
  detach(): Block[] {
    return this.blocks.splice(0);
  }

  /** Takes over what stands in a slot of detached blocks. */
  take(blocks: readonly Block[], from: number, to: number): void {
    const stored = storedAt(blocks[from >> BLOCK_BITS]!, this.bits, from & (BLOCK_SLOTS - 1));
    store(this.blocks[to >> BLOCK_BITS]!, this.bits, to & (BLOCK_SLOTS - 1), stored);
  }

  /** What `truth` says of the code in each place: of 2, 4 and 8 bits alone. */
  byPlace(truth: (code: number) => number): Uint8Array {
    return Uint8Array.from(this.codeAt.subarray(0, this.places), truth);
  }

  *sections(): Generator<Uint8Array> {
    yield bytesOf(Int32Array.of(this.bits, this.origin, this.blocks.length));
    yield bytesOf(this.codeAt.slice(0, this.places));
    yield* packed(this.blocks);
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
    const { byteLength } = emptyBlock(this.bits);
    const Kind = emptyBlock(this.bits).constructor as new (
      buffer: ArrayBufferLike,
      at: number,
      length: number,
    ) => Block;
    for (const block of await unpacked(next, new Array(count).fill(byteLength)))
      this.blocks.push(new Kind(block.buffer, block.byteOffset, byteLength / Math.max(1, this.bits / 8)));
  }
}
