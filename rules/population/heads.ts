/**
 * Where the items of a citizen's list begin, and how many there are: a word for those who have some, beside their slots in ascending order,
 * and a bit for those whose list is known. Most citizens have none, and cost nothing but the bit. A block at a time.
 */
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS } from './codes.ts';
import { bytesOf, integersOf, type NextSection, packed, unpacked } from './packed.ts';

/** A head is 0 where the list is unknown, else 1 + (first row << 5 | items): an empty list is 1. */
export const COUNT_BITS = 5;
export const COUNT_MASK = (1 << COUNT_BITS) - 1;
const SMALLEST = 8;
/** A block grows by an eighth and so many. */
const MORE = 16;

export class HeadBlock {
  /** One bit a slot. */
  known: Uint32Array = new Uint32Array(BLOCK_WORDS);
  /** Slots within the block that have items, ascending, and their heads: `count` of them. */
  slots: Uint16Array = new Uint16Array(SMALLEST);
  heads: Int32Array = new Int32Array(SMALLEST);
  count = 0;

  /** The first entry whose slot is not below. */
  private find(at: number): number {
    const { slots } = this;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (slots[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get(at: number): number {
    if (((this.known[at >> 5]! >>> (at & 31)) & 1) === 0) return 0;
    const entry = this.find(at);
    return entry < this.count && this.slots[entry] === at ? this.heads[entry]! : 1;
  }

  set(at: number, head: number): void {
    if (head === 0) this.known[at >> 5]! &= ~(1 << (at & 31));
    else this.known[at >> 5]! |= 1 << (at & 31);
    const entry = this.find(at);
    const had = entry < this.count && this.slots[entry] === at;
    if (head > 1) {
      if (!had) this.insert(entry, at);
      this.heads[entry] = head;
    } else if (had) {
      this.slots.copyWithin(entry, entry + 1, this.count);
      this.heads.copyWithin(entry, entry + 1, this.count--);
      this.slots[this.count] = 0;
      this.heads[this.count] = 0;
    }
  }

  private insert(entry: number, at: number): void {
    if (this.count === this.slots.length) {
      const room = Math.min(BLOCK_SLOTS, this.count + (this.count >> 3) + MORE);
      const { slots, heads } = this;
      this.slots = new Uint16Array(room);
      this.slots.set(slots);
      this.heads = new Int32Array(room);
      this.heads.set(heads);
    }
    this.slots.copyWithin(entry + 1, entry, this.count);
    this.heads.copyWithin(entry + 1, entry, this.count++);
    this.slots[entry] = at;
  }
}

export class Heads {
  readonly blocks: HeadBlock[] = [];

  grow(): void {
    this.blocks.push(new HeadBlock());
  }

  get bytes(): number {
    return this.blocks.reduce(
      (sum, { known, slots, heads }) => sum + known.byteLength + slots.byteLength + heads.byteLength,
      0,
    );
  }

  get(slot: number): number {
    return this.blocks[slot >> BLOCK_BITS]!.get(slot & (BLOCK_SLOTS - 1));
  }

  set(slot: number, head: number): void {
    this.blocks[slot >> BLOCK_BITS]!.set(slot & (BLOCK_SLOTS - 1), head);
  }

  *sections(): Generator<Uint8Array> {
    yield bytesOf(Int32Array.from(this.blocks, ({ slots }) => slots.length));
    yield bytesOf(Int32Array.from(this.blocks, ({ count }) => count));
    yield* packed(this.blocks.map(({ known }) => known));
    yield* packed(this.blocks.map(({ heads }) => heads));
    yield* packed(this.blocks.map(({ slots }) => slots));
  }

  /** Takes over what `sections` gave, where there is nothing yet. */
  async restore(next: NextSection): Promise<void> {
    const rooms = integersOf(await next());
    const counts = integersOf(await next());
    const sizes = (bytes: number): number[] => Array.from(rooms, (room) => room * bytes);
    const known = await unpacked(
      next,
      Array.from(rooms, () => BLOCK_WORDS * 4),
    );
    const heads = await unpacked(next, sizes(4));
    const slots = await unpacked(next, sizes(2));
    for (const [at, room] of rooms.entries()) {
      const block = new HeadBlock();
      block.known = new Uint32Array(known[at]!.buffer, known[at]!.byteOffset, BLOCK_WORDS);
      block.heads = integersOf(heads[at]!);
      block.slots = new Uint16Array(slots[at]!.buffer, slots[at]!.byteOffset, room);
      block.count = counts[at]!;
      this.blocks.push(block);
    }
  }
}
