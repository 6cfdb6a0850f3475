/**
 * The citizens of one shard as columns: the truth for every judgement. Slots are given out by id and come back after a citizen is
 * forgotten, once nothing sorted names them any more. It knows nothing of topics and offsets, and makes no copy of a profile.
 * Measured over the synthetic population with the shipped catalogue: 57 B a citizen with everything, 23 of them ids;
 * `npm run bench -- restore` has the figures.
 */
import type { Fields, ListField, ScalarField } from '../catalogue.ts';
import type { Source } from '../compile/closure.ts';
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS, Column, type Rows } from './columns.ts';
import { Ids } from './ids.ts';
import { ListColumn } from './lists.ts';
import { Order } from './order.ts';
import { isEmpty, type Laid, lay, OVERLAY_BYTES, type Overlay, readWritten, written } from './overlays.ts';
import {
  bytesOf,
  integersOf,
  type NextSection,
  packed,
  pieces,
  textSections,
  unpacked,
  whole,
} from './packed.ts';
import { type Layout, layoutOf, type Profile } from './profile.ts';
import { ProfileRecords } from './profile-record.ts';

/** Freed slots are reused only after the order was rebuilt; when so many wait, an insert rebuilds it. */
const MAX_PENDING = BLOCK_SLOTS;

export class Population implements Rows {
  readonly layout: Layout;
  readonly columns: readonly Column[];
  readonly lists: readonly ListColumn[];
  private readonly byName: ReadonlyMap<string, Column>;
  private readonly ids = new Ids();
  /** Reads and writes binary profiles of its catalogue. */
  readonly records: ProfileRecords;
  /** One bit a slot, a block's words together. */
  readonly live: Uint32Array[] = [];
  private free: number[] = [];
  private pendingFree: number[] = [];
  private readonly sequence = new Order(this.ids);
  private used = 0;
  /** By citizen, known or not. */
  private readonly overlays = new Map<string, Laid>();
  /** Fields of profiles that the catalogue lacks, seen so far. */
  ignoredFields = 0;

  constructor(fields: Fields) {
    this.layout = layoutOf(fields);
    this.records = new ProfileRecords(this.layout);
    this.columns = this.layout.scalars.map((field) => new Column(field));
    this.lists = this.layout.lists.map(({ field }) => new ListColumn(field));
    this.byName = new Map(this.columns.map((column) => [column.field.name, column]));
  }

  get size(): number {
    return this.ids.size;
  }

  /** Slots in use or once used; blocks cover them. */
  get capacity(): number {
    return this.used;
  }

  column(field: ScalarField): Column {
    const column = this.byName.get(field.name);
    if (column === undefined) throw new RangeError(`no column ${field.name}`);
    return column;
  }

  list(field: ListField): ListColumn {
    const position = this.layout.listPositions.get(field.name);
    if (position === undefined) throw new RangeError(`no list ${field.name}`);
    return this.lists[position]!;
  }

  /** Everything that grows with the citizens: columns, lists, ids, order, and what waits to be sorted or given out again. */
  get bytes(): number {
    const columns = [...this.columns, ...this.lists].reduce((sum, column) => sum + column.bytes, 0);
    const waiting = (this.free.length + this.pendingFree.length) * 8;
    const beside = this.sequence.bytes + waiting + this.overlays.size * OVERLAY_BYTES;
    return columns + this.ids.bytes + this.live.length * BLOCK_WORDS * 4 + beside;
  }

  slotOf(id: string): number | undefined {
    return this.ids.slotOf(id);
  }

  idOf(slot: number): string {
    return this.ids.idOf(slot);
  }

  /** Writes the whole profile; true when the citizen was not known before. */
  upsert(id: string, profile: Profile): boolean {
    const { size } = this;
    const slot = this.ids.slotOf(id) ?? this.admit(id);
    const { columns, lists } = this;
    for (let i = 0; i < columns.length; i++) columns[i]!.set(slot, profile.values[i]);
    for (let i = 0; i < lists.length; i++) lists[i]!.set(slot, profile.lists[i]);
    this.ignoredFields += profile.ignored;
    if (this.overlays.size > 0) this.cover(id, slot);
    return this.size > size;
  }

  /** The same of a binary record (profile-record.ts), without a profile in between; `profile-invalid` leaves everything as it was. */
  upsertRecord(id: string, value: Buffer): boolean {
    const { size, records, columns, lists } = this;
    records.read(value);
    const slot = this.ids.slotOf(id) ?? this.admit(id);
    const { raw, texts } = records;
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!;
      if (column.field.type === 'string') column.set(slot, texts[i]);
      else column.setRaw(slot, raw[i]!);
    }
    for (let i = 0; i < lists.length; i++) lists[i]!.set(slot, records.items[i]);
    if (this.overlays.size > 0) this.cover(id, slot);
    return this.size > size;
  }

  private admit(id: string): number {
    const slot = this.claim();
    this.ids.put(id, slot);
    this.setLive(slot, true);
    this.sequence.come(slot);
    return slot;
  }

  /** What is said about a citizen from now on; null takes it back. The citizen need not be known yet. */
  overlay(id: string, overlay: Overlay | null): void {
    const slot = this.slotOf(id);
    const before = this.overlays.get(id);
    if (before !== undefined && slot !== undefined) this.uncover(before, slot);
    if (overlay === null || isEmpty(overlay)) this.overlays.delete(id);
    else this.overlays.set(id, lay(overlay, this.layout));
    if (slot !== undefined) this.cover(id, slot);
  }

  isOverlaid(id: string): boolean {
    return this.overlays.has(id);
  }

  clearOverlays(): void {
    for (const id of [...this.overlays.keys()]) this.overlay(id, null);
  }

  copyOverlays(from: Population): void {
    for (const [id, { overlay }] of from.overlays) this.overlay(id, overlay);
  }

  /** Takes what is disputed out of the columns and keeps it aside; the dead are not live. */
  private cover(id: string, slot: number): void {
    const laid = this.overlays.get(id);
    if (laid === undefined) return;
    laid.values = laid.scalars.map((at) => this.columns[at]!.valueAt(slot));
    laid.items = laid.lists.map((at) => this.lists[at]!.itemsAt(slot));
    for (const at of laid.scalars) this.columns[at]!.set(slot, undefined);
    for (const at of laid.lists) this.lists[at]!.set(slot, undefined);
    if (laid.overlay.deceased !== null) this.setLive(slot, false);
  }

  private uncover(laid: Laid, slot: number): void {
    for (const [index, at] of laid.scalars.entries()) this.columns[at]!.set(slot, laid.values[index]);
    for (const [index, at] of laid.lists.entries()) this.lists[at]!.set(slot, laid.items[index]);
    this.setLive(slot, true);
  }

  private setLive(slot: number, live: boolean): void {
    const words = this.live[slot >> BLOCK_BITS]!;
    const word = (slot & (BLOCK_SLOTS - 1)) >> 5;
    words[word] = live ? words[word]! | (1 << (slot & 31)) : words[word]! & ~(1 << (slot & 31));
  }

  private claim(): number {
    if (this.free.length === 0 && this.pendingFree.length >= MAX_PENDING) this.order();
    const reused = this.free.pop();
    if (reused !== undefined) return reused;
    const slot = this.used;
    if ((slot & (BLOCK_SLOTS - 1)) === 0) {
      this.live.push(new Uint32Array(BLOCK_WORDS));
      for (const column of this.columns) column.grow();
      for (const list of this.lists) list.grow();
      this.ids.grow();
    }
    this.used++;
    return slot;
  }

  /** True when there was somebody to forget. Nothing of the citizen stays. */
  forget(id: string): boolean {
    const slot = this.ids.remove(id);
    if (slot === undefined) return false;
    this.setLive(slot, false);
    const laid = this.overlays.get(id);
    if (laid !== undefined) [laid.values, laid.items] = [[], []];
    for (const column of this.columns) column.set(slot, undefined);
    for (const list of this.lists) list.set(slot, undefined);
    this.pendingFree.push(slot);
    this.sequence.go();
    return true;
  }

  /** Whether a rule may match whoever has this slot: a citizen who has died keeps it and is in no audience. */
  isLive(slot: number): boolean {
    return ((this.live[slot >> BLOCK_BITS]![(slot & (BLOCK_SLOTS - 1)) >> 5]! >>> (slot & 31)) & 1) === 1;
  }

  /** All slots that somebody has, in order (order.ts). */
  order(): Int32Array {
    const sorted = this.sequence.now();
    this.freeForgotten();
    return sorted;
  }

  /** Makes the first order of a shard that was just read, with `pause` between steps. */
  async orderInSteps(pause: () => Promise<void>): Promise<void> {
    const { sequence } = this;
    await sequence.inSteps(pause);
    if (sequence.isSettled) this.freeForgotten();
  }

  /** Slots that nothing sorted names any more may be given out again. */
  private freeForgotten(): void {
    for (const slot of this.pendingFree.splice(0)) this.free.push(slot);
  }

  /** Makes nothing wait to be sorted or given out again. `pause` as in `orderInSteps`. */
  async tidy(pause: () => Promise<void>): Promise<void> {
    if (this.sequence.newcomers > BLOCK_SLOTS) await this.orderInSteps(pause);
    this.order();
  }

  /** Everything, for a snapshot. Nothing may change until the last was taken, and the population must be tidy. */
  *sections(): Generator<Uint8Array> {
    yield bytesOf(Int32Array.of(this.used, this.size, this.overlays.size));
    for (const column of this.columns) yield* column.sections();
    for (const list of this.lists) yield* list.sections();
    yield* packed(this.live);
    yield* this.ids.sections();
    yield* pieces(this.sequence.sorted);
    yield* textSections(this.overlays, written);
  }

  /** Takes over what `sections` gave, where nobody is known yet. */
  async restore(next: NextSection): Promise<void> {
    const [used = 0, size = 0, overlays = 0] = integersOf(await next());
    const blocks = Math.ceil(used / BLOCK_SLOTS);
    for (const column of this.columns) await column.restore(next, blocks);
    for (const list of this.lists) await list.restore(next, blocks);
    for (const block of await unpacked(next, new Array(blocks).fill(BLOCK_WORDS * 4)))
      this.live.push(new Uint32Array(block.buffer, block.byteOffset, BLOCK_WORDS));
    await this.ids.restore(next);
    this.sequence.sorted = await whole(next, size);
    while (this.overlays.size < overlays)
      for (const given of JSON.parse((await next()).toString()) as unknown[])
        this.overlays.set(...readWritten(given, this.layout));
    this.used = used;
    if (this.size < used)
      for (let slot = 0; slot < used; slot++) if (this.ids.byteAt(slot, 0) === 0) this.free.push(slot);
  }

  /** Lets closures read a citizen by slot. */
  source(): Source<number> {
    return {
      number: (field) => {
        const column = this.column(field);
        return (slot) => column.numberOf(column.raw(slot));
      },
      text: (field) => {
        const column = this.column(field);
        return (slot) => column.textOf(column.raw(slot));
      },
      list: (field) => this.list(field).items(),
    };
  }
}
