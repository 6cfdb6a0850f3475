/**
 * Who has which slot of a shard, who of them lives, and in what order they stand. A slot comes back after its citizen was forgotten, once
 * nothing sorted names it any more. It knows nothing of what is written in a slot.
 */
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS } from './columns.ts';
import { Ids } from './ids.ts';
import { Order } from './order.ts';
import { bytesOf, integersOf, type NextSection, packed, pieces, unpacked, whole } from './packed.ts';

/** Freed slots are reused only after the order was rebuilt; when so many wait, a newcomer rebuilds it. */
const MAX_PENDING = BLOCK_SLOTS;

export class Slots {
  private readonly ids = new Ids();
  private readonly sequence = new Order(this.ids);
  /** One bit a slot, a block's words together. */
  readonly live: Uint32Array[] = [];
  /** Slots in use or once used. */
  used = 0;
  private readonly free: number[] = [];
  private pendingFree: number[] = [];

  /** How many have one. */
  get size(): number {
    return this.ids.size;
  }

  get bytes(): number {
    const waiting = (this.free.length + this.pendingFree.length) * 8;
    return this.ids.bytes + this.live.length * BLOCK_WORDS * 4 + this.sequence.bytes + waiting;
  }

  slotOf(id: string): number | undefined {
    return this.ids.slotOf(id);
  }

  /** Of the first `count` of `ids`; below 0 where nobody was found. */
  slotsOf(ids: readonly string[], count: number, slots: Int32Array): void {
    this.ids.slotsOf(ids, count, slots);
  }

  idOf(slot: number): string {
    return this.ids.idOf(slot);
  }

  hashed(slot: number, hash: (bytes: Uint8Array, length: number) => number): number {
    return this.ids.hashed(slot, hash);
  }

  /** Gives a citizen who has none a slot, alive. */
  admit(id: string): number {
    const slot = this.claim();
    this.ids.put(id, slot);
    this.setLive(slot, true);
    this.sequence.come(slot);
    return slot;
  }

  private claim(): number {
    if (this.free.length === 0 && this.pendingFree.length >= MAX_PENDING) this.order();
    const reused = this.free.pop();
    if (reused !== undefined) return reused;
    if ((this.used & (BLOCK_SLOTS - 1)) === 0) {
      this.live.push(new Uint32Array(BLOCK_WORDS));
      this.ids.grow();
    }
    return this.used++;
  }

  /** The slot that the citizen had; undefined where there was none. */
  release(id: string): number | undefined {
    const slot = this.ids.remove(id);
    if (slot === undefined) return undefined;
    this.setLive(slot, false);
    this.pendingFree.push(slot);
    this.sequence.go();
    return slot;
  }

  setLive(slot: number, live: boolean): void {
    const words = this.live[slot >> BLOCK_BITS]!;
    const word = (slot & (BLOCK_SLOTS - 1)) >> 5;
    words[word] = live ? words[word]! | (1 << (slot & 31)) : words[word]! & ~(1 << (slot & 31));
  }

  isLive(slot: number): boolean {
    return ((this.live[slot >> BLOCK_BITS]![(slot & (BLOCK_SLOTS - 1)) >> 5]! >>> (slot & 31)) & 1) === 1;
  }

  /** All slots that somebody has, in order (order.ts). */
  order(): Int32Array {
    const sorted = this.sequence.now();
    this.freeForgotten();
    return sorted;
  }

  /** Makes the first order of a shard that was just read, and gives back what room was for reading it, with `pause` between steps. */
  async orderInSteps(pause: () => Promise<void>): Promise<void> {
    const { sequence, ids } = this;
    for (const _ of ids.tighten()) await pause();
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

  /** For a snapshot; they must be tidy. */
  *sections(): Generator<Uint8Array> {
    yield bytesOf(Int32Array.of(this.used, this.size));
    yield* packed(this.live);
    yield* this.ids.sections();
    yield* pieces(bytesOf(this.sequence.sorted));
  }

  /** Takes over what `sections` gave, where nobody has a slot yet. */
  async restore(next: NextSection): Promise<void> {
    const [used = 0, size = 0] = integersOf(await next());
    const blocks = Math.ceil(used / BLOCK_SLOTS);
    for (const block of await unpacked(next, new Array(blocks).fill(BLOCK_WORDS * 4)))
      this.live.push(new Uint32Array(block.buffer, block.byteOffset, BLOCK_WORDS));
    await this.ids.restore(next);
    this.sequence.sorted = new Int32Array(size);
    await whole(next, bytesOf(this.sequence.sorted));
    this.used = used;
    if (this.size < used)
      for (let slot = 0; slot < used; slot++) if (!this.ids.isHeld(slot)) this.free.push(slot);
  }
}
