/**
 * Which citizen has which slot, both ways, in typed arrays alone: an object a citizen would cost more than everything that is known of them.
 * An id is its UTF-8 bytes in a row of its slot's block, filled up with zeroes, which no id holds; all rows of a block are as wide as the
 * longest id that was ever in it. Slots are found by open addressing in 256 small tables, so that no insert moves more than a small one.
 * Ids ascend by their bytes. Hot: 60-150 ns a look-up, most of it two cache misses.
 */
import { BLOCK_BITS, BLOCK_SLOTS } from './columns.ts';
import { bytesOf, integersOf, type NextSection, packed, unpacked } from './packed.ts';

/** An id has at most 64 characters (profile.ts), of at most three bytes each. */
export const MAX_ID_BYTES = 192;
/** An entry is six bits of the hash, so that few ids are compared in vain, and slot + 1. */
const SLOT_BITS = 26;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
const TAG_MASK = ~SLOT_MASK;
export const MAX_SLOTS = SLOT_MASK - 1;
export const TABLES = 256;
const SMALLEST_TABLE = 16;
/** Beyond this a table grows by half. */
const FULLEST = 0.85;
const GROWTH = 1.4;

/** Where an id is spelt before it is looked for. */
const spelt = Buffer.alloc(MAX_ID_BYTES);

/** The length of `id` in `spelt`; -1 for what cannot be an id. */
function spell(id: string): number {
  const { length } = id;
  if (length === 0 || length > MAX_ID_BYTES) return -1;
  for (let at = 0; at < length; at++) {
    const unit = id.charCodeAt(at);
    if (unit === 0) return -1;
    if (unit > 0x7f) return spellWide(id);
    spelt[at] = unit;
  }
  return length;
}

function spellWide(id: string): number {
  // A lone surrogate would be written as U+FFFD, which is somebody else.
  if (id.includes('\0') || !id.isWellFormed() || Buffer.byteLength(id) > MAX_ID_BYTES) return -1;
  return spelt.write(id);
}

function hashOf(bytes: Uint8Array, from: number, length: number): number {
  const end = from + length;
  const words = from + (length & ~3);
  let hash = length;
  let at = from;
  for (; at < words; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x85ebca6b);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  hash = Math.imul(hash, 0x297a2d39);
  return hash ^ (hash >>> 15);
}

const tableOf = (hash: number): number => hash >>> 24;
const tagOf = (hash: number): number => (hash << 8) & TAG_MASK;
/** Of the bits that chose neither table nor tag, and of those. */
const placeOf = (hash: number, capacity: number): number =>
  Math.floor(((Math.imul(hash, 0x9e3779b1) >>> 0) / 2 ** 32) * capacity);

export class Ids {
  /** Rows of a block's ids, and how wide they are. */
  readonly blocks: Buffer[] = [];
  readonly widths: number[] = [];
  readonly tables: Int32Array[] = Array.from({ length: TABLES }, () => new Int32Array(SMALLEST_TABLE));
  private readonly counts = new Int32Array(TABLES);
  /** Ids held. */
  size = 0;

  get bytes(): number {
    const sum = (arrays: readonly { readonly byteLength: number }[]): number =>
      arrays.reduce((total, array) => total + array.byteLength, 0);
    return sum(this.blocks) + this.widths.length * 8 + sum(this.tables) + this.counts.byteLength;
  }

  /** Room for one more block of slots. */
  grow(): void {
    const width = this.widths.at(-1) ?? 0;
    this.widths.push(width);
    this.blocks.push(Buffer.alloc(BLOCK_SLOTS * width));
  }

  /** undefined where nobody has it. */
  slotOf(id: string): number | undefined {
    const length = spell(id);
    if (length < 0) return undefined;
    const hash = hashOf(spelt, 0, length);
    const table = this.tables[tableOf(hash)]!;
    const at = this.find(table, hash, length);
    return at < 0 ? undefined : (table[at]! & SLOT_MASK) - 1;
  }

  /** Where in its table the id stands that is spelt out; -1 where it does not. */
  private find(table: Int32Array, hash: number, length: number): number {
    const tag = tagOf(hash);
    for (let at = placeOf(hash, table.length); ; ) {
      const entry = table[at]!;
      if (entry === 0) return -1;
      if ((entry & TAG_MASK) === tag && this.isSpelt((entry & SLOT_MASK) - 1, length)) return at;
      if (++at === table.length) at = 0;
    }
  }

  private isSpelt(slot: number, length: number): boolean {
    const width = this.widths[slot >> BLOCK_BITS]!;
    if (length > width) return false;
    const block = this.blocks[slot >> BLOCK_BITS]!;
    const from = (slot & (BLOCK_SLOTS - 1)) * width;
    for (let at = 0; at < length; at++) if (block[from + at] !== spelt[at]) return false;
    return length === width || block[from + length] === 0;
  }

  /** The id must not be there, the slot must be empty and its block grown. Throws where `id` cannot be one. */
  put(id: string, slot: number): void {
    const length = spell(id);
    if (length < 0 || slot > MAX_SLOTS) throw new RangeError('that is no id, or there are too many');
    this.write(slot, length);
    const hash = hashOf(spelt, 0, length);
    const number = tableOf(hash);
    if (++this.counts[number]! > this.tables[number]!.length * FULLEST) this.widen(number);
    enter(this.tables[number]!, hash, slot);
    this.size++;
  }

  private write(slot: number, length: number): void {
    const number = slot >> BLOCK_BITS;
    if (length > this.widths[number]!) this.spread(number, length);
    const width = this.widths[number]!;
    const from = (slot & (BLOCK_SLOTS - 1)) * width;
    const block = this.blocks[number]!;
    for (let at = 0; at < length; at++) block[from + at] = spelt[at]!;
    block.fill(0, from + length, from + width);
  }

  private spread(number: number, width: number): void {
    const before = this.blocks[number]!;
    const narrow = this.widths[number]!;
    const block = Buffer.alloc(BLOCK_SLOTS * width);
    if (narrow > 0)
      for (let row = 0; row < BLOCK_SLOTS; row++)
        before.copy(block, row * width, row * narrow, (row + 1) * narrow);
    this.blocks[number] = block;
    this.widths[number] = width;
  }

  private widen(number: number): void {
    const before = this.tables[number]!;
    const table = new Int32Array(Math.ceil(before.length * GROWTH));
    for (const entry of before) {
      if (entry === 0) continue;
      const slot = (entry & SLOT_MASK) - 1;
      enter(table, this.hashAt(slot), slot);
    }
    this.tables[number] = table;
  }

  private lengthAt(slot: number): number {
    const width = this.widths[slot >> BLOCK_BITS]!;
    const block = this.blocks[slot >> BLOCK_BITS]!;
    const from = (slot & (BLOCK_SLOTS - 1)) * width;
    let length = width;
    while (length > 0 && block[from + length - 1] === 0) length--;
    return length;
  }

  private hashAt(slot: number): number {
    const from = (slot & (BLOCK_SLOTS - 1)) * this.widths[slot >> BLOCK_BITS]!;
    return hashOf(this.blocks[slot >> BLOCK_BITS]!, from, this.lengthAt(slot));
  }

  /** Forgets an id and gives the slot that it had; nothing of it stays. */
  remove(id: string): number | undefined {
    const length = spell(id);
    if (length < 0) return undefined;
    const hash = hashOf(spelt, 0, length);
    const number = tableOf(hash);
    const table = this.tables[number]!;
    const at = this.find(table, hash, length);
    if (at < 0) return undefined;
    const slot = (table[at]! & SLOT_MASK) - 1;
    this.closeGap(table, at);
    this.counts[number]!--;
    this.size--;
    const width = this.widths[slot >> BLOCK_BITS]!;
    const from = (slot & (BLOCK_SLOTS - 1)) * width;
    this.blocks[slot >> BLOCK_BITS]!.fill(0, from, from + width);
    return slot;
  }

  /** Moves entries that stand behind a gap to where they are found without it (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). */
  private closeGap(table: Int32Array, gap: number): void {
    const { length } = table;
    let empty = gap;
    for (let at = (gap + 1) % length; table[at] !== 0; at = (at + 1) % length) {
      const home = placeOf(this.hashAt((table[at]! & SLOT_MASK) - 1), length);
      // It stays where its home lies behind the gap, counted round.
      if ((at - home + length) % length < (at - empty + length) % length) continue;
      table[empty] = table[at]!;
      empty = at;
    }
    table[empty] = 0;
  }

  idOf(slot: number): string {
    const from = (slot & (BLOCK_SLOTS - 1)) * this.widths[slot >> BLOCK_BITS]!;
    return this.blocks[slot >> BLOCK_BITS]!.toString('utf8', from, from + this.lengthAt(slot));
  }

  /** The `at`-th byte of a slot's id; 0 behind its end. */
  byteAt(slot: number, at: number): number {
    const width = this.widths[slot >> BLOCK_BITS]!;
    return at < width ? this.blocks[slot >> BLOCK_BITS]![(slot & (BLOCK_SLOTS - 1)) * width + at]! : 0;
  }

  /** Below 0 where the id of `a` comes before that of `b`. */
  compare(a: number, b: number): number {
    for (let at = 0; at < MAX_ID_BYTES; at++) {
      const difference = this.byteAt(a, at) - this.byteAt(b, at);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  *sections(): Generator<Uint8Array> {
    yield bytesOf(Int32Array.from(this.widths));
    yield* packed(this.blocks);
    yield bytesOf(Int32Array.from(this.tables, (table) => table.length));
    yield bytesOf(this.counts);
    yield* packed(this.tables);
  }

  /** Takes over what `sections` gave, where nobody has a slot yet. */
  async restore(next: NextSection): Promise<void> {
    for (const width of integersOf(await next())) this.widths.push(width);
    const rows = this.widths.map((width) => width * BLOCK_SLOTS);
    for (const block of await unpacked(next, rows)) this.blocks.push(block);
    const lengths = Array.from(integersOf(await next()), (length) => length * 4);
    this.counts.set(integersOf(await next()));
    this.tables.splice(0, TABLES, ...(await unpacked(next, lengths)).map(integersOf));
    this.size = this.counts.reduce((sum, count) => sum + count, 0);
  }
}

function enter(table: Int32Array, hash: number, slot: number): void {
  let at = placeOf(hash, table.length);
  while (table[at] !== 0) if (++at === table.length) at = 0;
  table[at] = tagOf(hash) | (slot + 1);
}
