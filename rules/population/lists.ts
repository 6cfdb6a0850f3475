/**
 * A list field of a shard's citizens, packed: the items of one citizen stand in consecutive rows of one column a member, and heads.ts
 * says where they begin and how many there are. Rows that come free are blanked at once, given out again, and closed up when they
 * are more than half, so that a shard does not grow with changes. A bit a citizen, 6 B each who has items, and the members' bytes an item.
 */
import { type ListField, MAX_ITEMS, type ScalarField, scalarMembers } from '../catalogue.ts';
import type { Items, Source } from '../compile/closure.ts';
import { BLOCK_SLOTS, BLOCK_WORDS, Column, type Rows } from './columns.ts';
import { COUNT_BITS, COUNT_MASK, Heads } from './heads.ts';
import { bytesOf, integersOf, type NextSection } from './packed.ts';
import type { Item } from './profile.ts';
import type { Staged } from './staged.ts';

const MAX_ROWS = 2 ** (31 - COUNT_BITS) - 1;
/** Below so many free rows nothing is closed up. */
const MIN_CLOSED_UP = BLOCK_SLOTS;

export class ListColumn implements Rows {
  readonly field: ListField;
  readonly members: readonly Column[];
  /** By citizen, in blocks of slots like any column. */
  readonly heads = new Heads();
  /** All rows: free ones hold nothing, and no head names them. */
  readonly live: Uint32Array[] = [];
  private readonly byName: ReadonlyMap<string, Column>;
  /** Counts how often all items were moved: what was read by row before says nothing afterwards. */
  moves = 0;
  /** Rows given out so far, free ones included. */
  private used = 0;
  private freeRows = 0;
  /** First rows of free stretches, by their length. */
  private free: number[][] = Array.from({ length: MAX_ITEMS + 1 }, () => []);

  constructor(field: ListField) {
    this.field = field;
    this.members = scalarMembers(field).map((member) => new Column(member));
    this.byName = new Map(this.members.map((column) => [column.field.name, column]));
  }

  /** Room for one more block of citizens. */
  grow(): void {
    this.heads.grow();
  }

  /** Rows in use or free; blocks cover them. */
  get rows(): number {
    return this.used;
  }

  get bytes(): number {
    const members = this.members.reduce((sum, column) => sum + column.bytes, 0);
    const free = this.free.reduce((sum, starts) => sum + starts.length * 8, 0);
    return members + free + this.heads.bytes + this.live.length * BLOCK_WORDS * 4;
  }

  column(field: ScalarField): Column {
    const column = this.byName.get(field.name);
    if (column === undefined) throw new RangeError(`no member ${field.name}`);
    return column;
  }

  private head(slot: number): number {
    return this.heads.get(slot);
  }

  /** NaN where the list is unknown. */
  count(slot: number): number {
    const head = this.head(slot);
    return head === 0 ? Number.NaN : (head - 1) & COUNT_MASK;
  }

  firstRow(slot: number): number {
    return (this.head(slot) - 1) >>> COUNT_BITS;
  }

  /** Writes a citizen's whole list; undefined is unknown, and leaves nothing of what was there. */
  set(slot: number, items: readonly Item[] | undefined): void {
    const head = this.head(slot);
    const count = items?.length;
    // Nearly everybody: as it was, and nothing in it.
    if (head === (count === undefined ? 0 : 1) && !count) return;
    const before = head === 0 ? undefined : (head - 1) & COUNT_MASK;
    let first = (head - 1) >>> COUNT_BITS;
    if (before !== count) {
      if (before) this.release(first, before);
      first = count ? this.claim(count) : 0;
      this.heads.set(slot, count === undefined ? 0 : 1 + ((first << COUNT_BITS) | count));
    }
    items?.forEach((item, index) => {
      this.members.forEach((column, at) => {
        column.set(first + index, item[at]);
      });
    });
    if (this.freeRows > MIN_CLOSED_UP && this.freeRows > this.used / 2) this.closeUp();
  }

  /** Writes what is staged of this list, the layout's `position`-th, in as many slots. */
  setStaged(slots: Int32Array, { rows, items }: Staged, position: number): void {
    for (let row = 0; row < rows; row++) this.set(slots[row]!, items[position]![row]);
  }

  private claim(count: number): number {
    for (let length = count; length <= MAX_ITEMS; length++) {
      const first = this.free[length]!.pop();
      if (first === undefined) continue;
      this.freeRows -= count;
      if (length > count) this.free[length - count]!.push(first + count);
      return first;
    }
    const first = this.used;
    if (first + count > MAX_ROWS)
      throw new RangeError(`${this.field.name}: more than ${MAX_ROWS} items in a shard`);
    this.used += count;
    this.cover();
    return first;
  }

  private cover(): void {
    while (this.live.length * BLOCK_SLOTS < this.used) {
      this.live.push(new Uint32Array(BLOCK_WORDS).fill(-1));
      for (const column of this.members) column.grow();
    }
  }

  private release(first: number, count: number): void {
    for (const column of this.members)
      for (let row = first; row < first + count; row++) column.set(row, undefined);
    this.free[count]!.push(first);
    this.freeRows += count;
  }

  /** Moves all items together, in the order of their citizens. Some 10 ns an item. */
  private closeUp(): void {
    this.moves++;
    const before = this.members.map((column) => column.codes.detach());
    this.live.length = 0;
    this.free = this.free.map(() => []);
    this.used -= this.freeRows;
    this.freeRows = 0;
    this.cover();
    let next = 0;
    for (const { heads, count: some } of this.heads.blocks)
      for (let at = 0; at < some; at++) {
        const count = (heads[at]! - 1) & COUNT_MASK;
        const first = (heads[at]! - 1) >>> COUNT_BITS;
        this.members.forEach((column, member) => {
          for (let i = 0; i < count; i++) column.codes.take(before[member]!, first + i, next + i);
        });
        heads[at] = 1 + ((next << COUNT_BITS) | count);
        next += count;
      }
  }

  /** As it was set; undefined where the list is unknown. */
  itemsAt(slot: number): Item[] | undefined {
    const count = this.count(slot);
    if (Number.isNaN(count)) return undefined;
    const first = this.firstRow(slot);
    return Array.from({ length: count }, (_, index) =>
      this.members.map((column) => column.valueAt(first + index)),
    );
  }

  *sections(): Generator<Uint8Array> {
    yield* this.heads.sections();
    const free = this.free.flatMap((starts) => [starts.length].concat(starts));
    yield bytesOf(Int32Array.of(this.used, this.freeRows));
    yield bytesOf(Int32Array.from(free));
    for (const column of this.members) yield* column.sections();
  }

  /** Takes over what `sections` gave, in an empty list. */
  async restore(next: NextSection): Promise<void> {
    await this.heads.restore(next);
    const [used = 0, freeRows = 0] = integersOf(await next());
    const free = integersOf(await next());
    for (let length = 0, at = 0; length < this.free.length; length++) {
      const count = free[at++] ?? 0;
      this.free[length] = Array.from(free.subarray(at, at + count));
      at += count;
    }
    const rows = Math.ceil(used / BLOCK_SLOTS);
    for (let block = 0; block < rows; block++) this.live.push(new Uint32Array(BLOCK_WORDS).fill(-1));
    for (const column of this.members) await column.restore(next);
    this.used = used;
    this.freeRows = freeRows;
  }

  /** Lets closures read a citizen's items by slot. */
  items(): Items<number> {
    let row = 0;
    return {
      count: (slot) => this.count(slot),
      look: (slot, index) => {
        row = this.firstRow(slot) + index;
      },
      number: (member) => {
        const column = this.column(member);
        return () => column.numberOf(column.raw(row));
      },
      text: (member) => {
        const column = this.column(member);
        return () => column.textOf(column.raw(row));
      },
    };
  }

  /** Lets closures read one item by its row, and nothing of the citizen. */
  source(): Source<number> {
    const never = (): never => {
      throw new TypeError('an item knows nothing of its citizen');
    };
    return {
      number: never,
      text: never,
      list: never,
      item: {
        number: (member) => {
          const column = this.column(member);
          return (row) => column.numberOf(column.raw(row));
        },
        text: (member) => {
          const column = this.column(member);
          return (row) => column.textOf(column.raw(row));
        },
      },
    };
  }
}
