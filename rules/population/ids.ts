/**
 * Which citizen has which slot, both ways, in typed arrays alone: an object a citizen would cost more than everything that is known of them.
 * Ids stand in rows of their slot's block, packed (id-shapes.ts). Slots are found by open addressing in 256 small tables, so that no insert
 * moves more than a small one. Ids ascend by their bytes. 15 B a citizen for `c-` and 80 bits in base 32, five of them tables. Hot: most of
 * a look-up is two cache misses.
 */
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS } from './codes.ts';
import { hashOf, MAX_ID_BYTES, spell, spelt } from './id-bytes.ts';
import { type Kinds, Shape } from './id-shapes.ts';
import { bytesOf, integersOf, type NextSection, packed, textSection, unpacked } from './packed.ts';
import { STAGED_ROWS } from './staged.ts';

/** An entry is six bits of the hash, so that few ids are compared in vain, and slot + 1. */
const SLOT_BITS = 26;
const SLOT_MASK = 2 ** SLOT_BITS - 1;
const TAG_MASK = ~SLOT_MASK;
export const MAX_SLOTS = SLOT_MASK - 1;
export const TABLES = 256;
const SMALLEST_TABLE = 16;
/** Beyond this a table grows by a sixth: larger steps would leave more of it empty, smaller ones move entries more often. */
const FULLEST = 0.88;
const GROWTH = 1.16;
/** While everybody comes: to move an entry means to read its id, and in small steps each was moved six times, a fifth of all that reading took. */
const GROWTH_AT_FIRST = 2;
/** How full tables are on average that grow by a sixth. */
const FITTED = 0.82;
/** Entries moved between two pauses: some milliseconds. */
const STEP = 16_384;

/** The row of what is looked for, and an id that is read back. */
const row = new Uint8Array(MAX_ID_BYTES);
const read = Buffer.alloc(MAX_ID_BYTES);
/** Of ids that are looked up together. */
const hashes = new Int32Array(STAGED_ROWS);
/** What was touched ahead goes here, or the compiler might leave the touching out. */
const kept = new Int32Array(1);

const tableOf = (hash: number): number => hash >>> 24;
const tagOf = (hash: number): number => (hash << 8) & TAG_MASK;
/** Of the bits that chose neither table nor tag, and of those. */
const placeOf = (hash: number, capacity: number): number =>
  Math.floor(((Math.imul(hash, 0x9e3779b1) >>> 0) / 2 ** 32) * capacity);

export class Ids {
  /** Rows of a block's ids, and how they are written. */
  readonly blocks: Uint8Array[] = [];
  private readonly shapes: Shape[] = [];
  /** Has room for whatever any other has. */
  private widest = new Shape([]);
  /** One bit a slot that somebody has. */
  private readonly held: Uint32Array[] = [];
  readonly tables: Int32Array[] = Array.from({ length: TABLES }, () => new Int32Array(SMALLEST_TABLE));
  private readonly counts = new Int32Array(TABLES);
  private growth = GROWTH_AT_FIRST;
  /** Ids held. */
  size = 0;

  get bytes(): number {
    const sum = (arrays: readonly { readonly byteLength: number }[]): number =>
      arrays.reduce((total, array) => total + array.byteLength, 0);
    const blocks = sum(this.blocks) + sum(this.held) + this.shapes.length * 8;
    return blocks + sum(this.tables) + this.counts.byteLength;
  }

  /** Room for one more block of slots. */
  grow(): void {
    this.shapes.push(this.widest);
    this.blocks.push(rowsOf(this.widest));
    this.held.push(new Uint32Array(BLOCK_WORDS));
  }

  isHeld(slot: number): boolean {
    const word = this.held[slot >> BLOCK_BITS]![(slot & (BLOCK_SLOTS - 1)) >> 5]!;
    return ((word >>> (slot & 31)) & 1) === 1;
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

  /**
   * Which slots the first `count` of `ids` have; below 0 where nobody was found. Entries of tables and then rows are touched for all of them
   * before any is compared, so that their cache misses are waited for together: looked up one by one they are most of the time.
   */
  slotsOf(ids: readonly string[], count: number, slots: Int32Array): void {
    for (let i = 0; i < count; i++) {
      const length = spell(ids[i]!);
      hashes[i] = length < 0 ? 0 : hashOf(spelt, 0, length);
    }
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const table = this.tables[tableOf(hashes[i]!)]!;
      slots[i] = (table[placeOf(hashes[i]!, table.length)]! & SLOT_MASK) - 1;
    }
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!;
      if (slot < 0) continue;
      const number = slot >> BLOCK_BITS;
      touched ^= this.blocks[number]![(slot & (BLOCK_SLOTS - 1)) * this.shapes[number]!.width]!;
    }
    kept[0] = touched;
    // Whose place is empty is nobody: half of those who are new.
    for (let i = 0; i < count; i++) if (slots[i]! >= 0) slots[i] = this.slotOf(ids[i]!) ?? -1;
  }

  /** Where in its table the id stands that is spelt out; -1 where it does not. */
  private find(table: Int32Array, hash: number, length: number): number {
    const tag = tagOf(hash);
    // Written as the ids are that it is compared with: nearly always all in one way.
    let shape: Shape | undefined;
    let fits = false;
    for (let at = placeOf(hash, table.length); ; ) {
      const entry = table[at]!;
      if (entry === 0) return -1;
      if ((entry & TAG_MASK) === tag) {
        const slot = (entry & SLOT_MASK) - 1;
        const other = this.shapes[slot >> BLOCK_BITS]!;
        if (other !== shape) {
          shape = other;
          fits = shape.pack(spelt, length, row);
        }
        if (fits && this.isRow(slot, other.width)) return at;
      }
      if (++at === table.length) at = 0;
    }
  }

  private isRow(slot: number, width: number): boolean {
    const block = this.blocks[slot >> BLOCK_BITS]!;
    const from = (slot & (BLOCK_SLOTS - 1)) * width;
    for (let at = 0; at < width; at++) if (block[from + at] !== row[at]) return false;
    return true;
  }

  /** The id must not be there, the slot must be empty and its block grown. Throws where `id` cannot be one. */
  put(id: string, slot: number): void {
    const length = spell(id);
    if (length < 0 || slot > MAX_SLOTS) throw new RangeError('that is no id, or there are too many');
    this.write(slot, length);
    const hash = hashOf(spelt, 0, length);
    const number = tableOf(hash);
    const { length: room } = this.tables[number]!;
    if (++this.counts[number]! > room * FULLEST) this.resize(number, Math.ceil(room * this.growth));
    enter(this.tables[number]!, hash, slot);
    this.size++;
  }

  private write(slot: number, length: number): void {
    const number = slot >> BLOCK_BITS;
    if (!this.shapes[number]!.pack(spelt, length, row)) {
      if (!this.widest.pack(spelt, length, row)) this.widest = this.widest.widenedFor(spelt, length);
      this.reshape(number, this.widest);
      this.widest.pack(spelt, length, row);
    }
    const { width } = this.shapes[number]!;
    const at = slot & (BLOCK_SLOTS - 1);
    for (let i = 0; i < width; i++) this.blocks[number]![at * width + i] = row[i]!;
    this.held[number]![at >> 5]! |= 1 << (at & 31);
  }

  /** Rewrites a block: often for the first ids of a shard, and later where an id is of another kind. */
  private reshape(number: number, shape: Shape): void {
    const [narrow, before] = [this.shapes[number]!, this.blocks[number]!];
    const rows = rowsOf(shape);
    for (let at = 0; at < BLOCK_SLOTS; at++)
      if (this.isHeld((number << BLOCK_BITS) + at)) {
        const length = narrow.unpack(before, at * narrow.width, read);
        shape.pack(read, length, row);
        for (let i = 0; i < shape.width; i++) rows[at * shape.width + i] = row[i]!;
      }
    this.blocks[number] = rows;
    this.shapes[number] = shape;
  }

  /** Gives back the room that tables took while everybody came, in steps; from now on they grow by little. */
  *tighten(): Generator<void, void> {
    if (this.growth === GROWTH) return;
    let moved = 0;
    for (const [number, table] of this.tables.entries()) {
      const count = this.counts[number]!;
      const length = Math.max(SMALLEST_TABLE, Math.ceil(count / FITTED));
      if (length < table.length) this.resize(number, length);
      moved += count;
      if (moved < STEP) continue;
      moved = 0;
      yield;
    }
    this.growth = GROWTH;
  }

  private resize(number: number, length: number): void {
    const before = this.tables[number]!;
    const table = new Int32Array(length);
    for (const entry of before) {
      if (entry === 0) continue;
      const slot = (entry & SLOT_MASK) - 1;
      enter(table, this.hashAt(slot), slot);
    }
    this.tables[number] = table;
  }

  /** Reads the id of a slot into `read`; its length. */
  private readAt(slot: number): number {
    const shape = this.shapes[slot >> BLOCK_BITS]!;
    return shape.unpack(this.blocks[slot >> BLOCK_BITS]!, (slot & (BLOCK_SLOTS - 1)) * shape.width, read);
  }

  private hashAt(slot: number): number {
    return hashOf(read, 0, this.readAt(slot));
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
    this.clear(slot >> BLOCK_BITS, slot & (BLOCK_SLOTS - 1));
    return slot;
  }

  private clear(block: number, at: number): void {
    const { width } = this.shapes[block]!;
    this.blocks[block]!.fill(0, at * width, (at + 1) * width);
    this.held[block]![at >> 5]! &= ~(1 << (at & 31));
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
    return this.isHeld(slot) ? read.toString('utf8', 0, this.readAt(slot)) : '';
  }

  /** `hash` of the bytes of a slot's id, which makes no text of them; of none where nobody has the slot. */
  hashed(slot: number, hash: (bytes: Uint8Array, length: number) => number): number {
    return hash(read, this.isHeld(slot) ? this.readAt(slot) : 0);
  }

  /** The `at`-th byte of a slot's id; 0 behind its end, and where nobody has the slot. */
  byteAt(slot: number, at: number): number {
    if (!this.isHeld(slot)) return 0;
    const shape = this.shapes[slot >> BLOCK_BITS]!;
    return shape.byteAt(this.blocks[slot >> BLOCK_BITS]!, (slot & (BLOCK_SLOTS - 1)) * shape.width, at);
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
    const shapes = [...new Set(this.shapes).add(this.widest)];
    yield textSection(shapes.map(({ kinds }) => kinds));
    yield bytesOf(Int32Array.from(this.shapes, (shape) => shapes.indexOf(shape)));
    yield* packed(this.blocks);
    yield* packed(this.held);
    yield bytesOf(Int32Array.from(this.tables, (table) => table.length));
    yield bytesOf(this.counts);
    yield* packed(this.tables);
  }

  /** Takes over what `sections` gave, where nobody has a slot yet. */
  async restore(next: NextSection): Promise<void> {
    const shapes = (JSON.parse((await next()).toString()) as Kinds[]).map((kinds) => new Shape(kinds));
    this.widest = shapes.at(-1)!;
    for (const at of integersOf(await next())) this.shapes.push(shapes[at]!);
    const rows = this.shapes.map((shape) => rowsOf(shape).byteLength);
    for (const block of await unpacked(next, rows)) this.blocks.push(block);
    for (const words of await unpacked(
      next,
      rows.map(() => BLOCK_WORDS * 4),
    ))
      this.held.push(new Uint32Array(words.buffer, words.byteOffset, BLOCK_WORDS));
    const lengths = Array.from(integersOf(await next()), (length) => length * 4);
    this.counts.set(integersOf(await next()));
    this.tables.splice(0, TABLES, ...(await unpacked(next, lengths)).map(integersOf));
    this.size = this.counts.reduce((sum, count) => sum + count, 0);
    this.growth = GROWTH;
  }
}

/** Four bytes more than its rows: the last is read with the byte behind it, and what follows in a snapshot stays aligned. */
const rowsOf = ({ width }: Shape): Uint8Array => new Uint8Array(BLOCK_SLOTS * width + 4);

function enter(table: Int32Array, hash: number, slot: number): void {
  let at = placeOf(hash, table.length);
  while (table[at] !== 0) if (++at === table.length) at = 0;
  table[at] = tagOf(hash) | (slot + 1);
}
