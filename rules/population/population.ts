/**
 * The citizens of one shard as columns: the truth for every judgement. Slots are given out by id (slots.ts), and a slot's values stand in
 * the columns and lists of the catalogue's fields, less what an overlay covers. It knows nothing of topics and offsets, and makes no copy
 * of a profile.
 * Measured over the synthetic population with the shipped catalogue: 42.5 to 45 B a citizen with everything, 22 to 24 of them columns and 15 ids;
 * `npm run bench -- restore` has the figures.
 */

import { murmur2 } from '../../domain/murmur2.ts';
import type { Fields, ListField, ScalarField } from '../catalogue.ts';
import type { Source } from '../compile/closure.ts';
import { BLOCK_BITS, BLOCK_SLOTS, Column, type Rows } from './columns.ts';
import { ListColumn } from './lists.ts';
import { Marks } from './marks.ts';
import { isEmpty, type Laid, lay, OVERLAY_BYTES, type Overlay, readWritten, written } from './overlays.ts';
import { bytesOf, integersOf, type NextSection, textSections } from './packed.ts';
import { type Layout, layoutOf, type Profile, parseProfile } from './profile.ts';
import { isProfileRecord, ProfileRecords } from './profile-record.ts';
import { ProfileTexts } from './profile-text.ts';
import { Reachable } from './reachable.ts';
import { Slots } from './slots.ts';
import { STAGED_ROWS, type Staged } from './staged.ts';

const NOBODY: readonly string[] = [];

export class Population implements Rows {
  readonly layout: Layout;
  readonly columns: readonly Column[];
  readonly lists: readonly ListColumn[];
  private readonly byName: ReadonlyMap<string, Column>;
  /** Reads and writes binary profiles of its catalogue. */
  readonly records: ProfileRecords;
  private readonly jsonTexts: ProfileTexts;
  private readonly staged: Staged;
  /** By row of what is staged. */
  private readonly stagedIds: string[] = [];
  private readonly stagedSlots = new Int32Array(STAGED_ROWS);
  private readonly slots = new Slots();
  /** By citizen, known or not. */
  private readonly overlays = new Map<string, Laid>();
  /** By block, how often anything of its citizens was written: what was read of a block stands while this does. */
  readonly revisions: number[] = [];
  readonly reachable = new Reachable();
  readonly marks = new Marks((slot) => this.slots.hashed(slot, murmur2));
  /** Fields of profiles that the catalogue lacks, seen so far. */
  ignoredFields = 0;

  constructor(fields: Fields) {
    this.layout = layoutOf(fields);
    this.records = new ProfileRecords(this.layout);
    this.staged = this.records.staged;
    this.jsonTexts = new ProfileTexts(this.layout, this.staged);
    this.columns = this.layout.scalars.map((field) => new Column(field));
    this.lists = this.layout.lists.map(({ field }) => new ListColumn(field));
    this.byName = new Map(this.columns.map((column) => [column.field.name, column]));
  }

  get size(): number {
    return this.slots.size;
  }

  /** Slots in use or once used; blocks cover them. */
  get capacity(): number {
    return this.slots.used;
  }

  /** One bit a slot, a block's words together: whom a rule may match. */
  get live(): readonly Uint32Array[] {
    return this.slots.live;
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

  /** Everything that grows with the citizens: columns, lists, ids, order, and what stands beside them. */
  get bytes(): number {
    const columns = [...this.columns, ...this.lists].reduce((sum, column) => sum + column.bytes, 0);
    const beside = this.reachable.bytes + this.marks.bytes + this.revisions.length * 8;
    return columns + this.slots.bytes + beside + this.overlays.size * OVERLAY_BYTES;
  }

  slotOf(id: string): number | undefined {
    return this.slots.slotOf(id);
  }

  idOf(slot: number): string {
    return this.slots.idOf(slot);
  }

  /** Whether a rule may match whoever has this slot: a citizen who has died keeps it and is in no audience. */
  isLive(slot: number): boolean {
    return this.slots.isLive(slot);
  }

  /** Writes the whole profile; true when the citizen was not known before. */
  upsert(id: string, profile: Profile): boolean {
    const { size, columns, lists } = this;
    const slot = this.slotFor(id);
    for (let i = 0; i < columns.length; i++) columns[i]!.set(slot, profile.values[i]);
    for (let i = 0; i < lists.length; i++) lists[i]!.set(slot, profile.lists[i]);
    this.ignoredFields += profile.ignored;
    this.wrote(id, slot);
    return this.size > size;
  }

  /** The same of a binary record (profile-record.ts) or JSON; `profile-invalid` leaves everything as it was. */
  upsertValue(id: string, value: Buffer): boolean {
    this.stage(id, value);
    return this.writeStaged().length > 0;
  }

  /**
   * Reads a binary record or JSON, most of which comes without a profile in between (profile-text.ts), and keeps it for `writeStaged`.
   * `profile-invalid` leaves everything as it was. Until it was written nothing else may be asked or changed.
   */
  stage(id: string, value: Buffer): void {
    const { staged } = this;
    if (isProfileRecord(value)) this.records.read(value);
    else if (!this.jsonTexts.read(value)) {
      const profile = parseProfile(value, this.layout);
      staged.put(profile, this.columns);
      this.ignoredFields += profile.ignored;
    }
    this.stagedIds[staged.rows++] = id;
  }

  /** Whether more may be staged before what is staged is written. */
  get isStagedFull(): boolean {
    return this.staged.rows === STAGED_ROWS;
  }

  /** Writes what is staged, in its order. Gives the citizens who were not known before. */
  writeStaged(): readonly string[] {
    const { staged, stagedIds, stagedSlots, columns, lists } = this;
    const { rows } = staged;
    if (rows === 0) return NOBODY;
    let arrived = NOBODY as string[];
    this.slots.slotsOf(stagedIds, rows, stagedSlots);
    for (let row = 0; row < rows; row++) {
      if (stagedSlots[row]! >= 0) continue;
      // Nobody, or a newcomer who stands in an earlier row.
      const { size } = this;
      stagedSlots[row] = this.slotFor(stagedIds[row]!);
      if (this.size > size) {
        if (arrived === NOBODY) arrived = [];
        arrived.push(stagedIds[row]!);
      }
    }
    for (let i = 0; i < columns.length; i++) columns[i]!.setStaged(stagedSlots, staged, i);
    for (let i = 0; i < lists.length; i++) lists[i]!.setStaged(stagedSlots, staged, i);
    for (let row = 0; row < rows; row++) this.wrote(stagedIds[row]!, stagedSlots[row]!);
    staged.rows = 0;
    return arrived;
  }

  /** The citizen's, else a new one, which may have been somebody else's: nothing that stands beside the columns is left of them. */
  private slotFor(id: string): number {
    const known = this.slots.slotOf(id);
    if (known !== undefined) return known;
    const slot = this.slots.admit(id);
    if (this.revisions.length * BLOCK_SLOTS <= slot) {
      this.revisions.push(0);
      for (const column of this.columns) column.grow();
      for (const list of this.lists) list.grow();
    }
    this.reachable.claimed(slot, id);
    this.marks.drop(slot);
    return slot;
  }

  /** After every value of a citizen was written. */
  private wrote(id: string, slot: number): void {
    const laid = this.overlays.size > 0 ? this.overlays.get(id) : undefined;
    if (laid !== undefined) this.cover(laid, slot);
    this.revise(slot);
  }

  /** Whatever changes how a slot is judged or counted ends here. */
  private revise(slot: number): void {
    this.revisions[slot >> BLOCK_BITS]!++;
  }

  /** True when there was somebody to forget. Nothing of the citizen stays. */
  forget(id: string): boolean {
    const slot = this.slots.release(id);
    if (slot === undefined) return false;
    const laid = this.overlays.get(id);
    if (laid !== undefined) [laid.values, laid.items] = [[], []];
    for (const column of this.columns) column.set(slot, undefined);
    for (const list of this.lists) list.set(slot, undefined);
    this.reachable.released(slot);
    this.marks.drop(slot);
    this.revise(slot);
    return true;
  }

  /** What is said about a citizen from now on; null takes it back. The citizen need not be known yet. */
  overlay(id: string, overlay: Overlay | null): void {
    const slot = this.slotOf(id);
    const before = this.overlays.get(id);
    if (before !== undefined && slot !== undefined) this.uncover(before, slot);
    const laid = overlay === null || isEmpty(overlay) ? undefined : lay(overlay, this.layout);
    if (laid === undefined) this.overlays.delete(id);
    else this.overlays.set(id, laid);
    if (slot === undefined) return;
    if (laid !== undefined) this.cover(laid, slot);
    this.revise(slot);
  }

  /** What lies over a citizen now, known or not. */
  overlayOf(id: string): Overlay | undefined {
    return this.overlays.get(id)?.overlay;
  }

  /** Whether something lies over a citizen: then profiles of this citizen are written one by one. */
  isCovered(id: string): boolean {
    return this.overlays.size > 0 && this.overlays.has(id);
  }

  clearOverlays(): void {
    for (const id of [...this.overlays.keys()]) this.overlay(id, null);
  }

  copyOverlays(from: Population): void {
    for (const [id, { overlay }] of from.overlays) this.overlay(id, overlay);
  }

  /** Takes what is disputed out of the columns and keeps it aside; the dead are not live. */
  private cover(laid: Laid, slot: number): void {
    laid.values = laid.scalars.map((at) => this.columns[at]!.valueAt(slot));
    laid.items = laid.lists.map((at) => this.lists[at]!.itemsAt(slot));
    for (const at of laid.scalars) this.columns[at]!.set(slot, undefined);
    for (const at of laid.lists) this.lists[at]!.set(slot, undefined);
    if (laid.overlay.deceased !== null) this.slots.setLive(slot, false);
  }

  private uncover(laid: Laid, slot: number): void {
    for (const [index, at] of laid.scalars.entries()) this.columns[at]!.set(slot, laid.values[index]);
    for (const [index, at] of laid.lists.entries()) this.lists[at]!.set(slot, laid.items[index]);
    this.slots.setLive(slot, true);
  }

  /** Before all that is known of channels is read anew. */
  forgetReach(): void {
    this.reachable.readingAll();
    for (let block = 0; block < this.revisions.length; block++) this.revisions[block]!++;
  }

  /** Which channels lead to a citizen, bits of reachable.ts. Nothing where nobody of that id is known. */
  setReach(id: string, bits: number): void {
    const slot = this.slotOf(id);
    if (slot !== undefined && this.reachable.set(slot, bits)) this.revise(slot);
  }

  /** All slots that somebody has, by ascending id. */
  order(): Int32Array {
    return this.slots.order();
  }

  /** The same once for a shard that was just read, with `pause` between steps. */
  orderInSteps(pause: () => Promise<void>): Promise<void> {
    return this.slots.orderInSteps(pause);
  }

  /** Makes nothing wait to be sorted or given out again. `pause` as in `orderInSteps`. */
  tidy(pause: () => Promise<void>): Promise<void> {
    return this.slots.tidy(pause);
  }

  /**
   * Everything, for a snapshot. Nothing may change until the last was taken, and the population must be tidy. Which channels lead to whom is
   * not the topics' and is read anew.
   */
  *sections(): Generator<Uint8Array> {
    yield bytesOf(Int32Array.of(this.capacity, this.overlays.size));
    for (const column of this.columns) yield* column.sections();
    for (const list of this.lists) yield* list.sections();
    yield* this.slots.sections();
    yield* textSections(this.overlays, written);
  }

  /** Takes over what `sections` gave, where nobody is known yet. */
  async restore(next: NextSection): Promise<void> {
    const [capacity = 0, overlays = 0] = integersOf(await next());
    const blocks = Math.ceil(capacity / BLOCK_SLOTS);
    for (let block = 0; block < blocks; block++) this.revisions.push(0);
    for (const column of this.columns) await column.restore(next);
    for (const list of this.lists) await list.restore(next);
    await this.slots.restore(next);
    while (this.overlays.size < overlays)
      for (const given of JSON.parse((await next()).toString()) as unknown[])
        this.overlays.set(...readWritten(given, this.layout));
  }

  /** What is known of a citizen, in a profile's terms: what is disputed, and what the catalogue lacks, is not among it. */
  profileAt(slot: number): Profile {
    return {
      values: this.columns.map((column) => column.valueAt(slot)),
      lists: this.lists.map((list) => list.itemsAt(slot)),
      ignored: 0,
    };
  }

  /** Lets closures read a citizen by slot. */
  source(): Source<number> {
    return {
      number: (field) => this.column(field).numbers(),
      text: (field) => this.column(field).strings(),
      list: (field) => this.list(field).items(),
    };
  }
}
