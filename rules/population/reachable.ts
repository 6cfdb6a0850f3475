/**
 * Which channels lead to a citizen: a byte each, beside the columns. It comes from the contact points of the store (app/reach-feed.ts) and
 * never from the log, so it has an instant of its own and no offset. No address is known here.
 */
import type { Channel } from '../../domain/statuses.ts';
import { BLOCK_BITS, BLOCK_SLOTS } from './columns.ts';

export const REACH_BITS: Readonly<Record<Channel, number>> = { push: 1, email: 2, sms: 4 };
/** All combinations of channels. */
export const REACHES = 8;

export class Reachable {
  private readonly blocks: (Uint8Array | undefined)[] = [];
  /** Citizens that came after the last full reading and have to be asked about. */
  private newcomers: string[] = [];
  private reading = false;
  /** The instant whose contact points are known, in ms; null before the first full reading. */
  asOfMs: number | null = null;

  block(at: number): Uint8Array {
    const found = this.blocks[at];
    if (found !== undefined) return found;
    const made = new Uint8Array(BLOCK_SLOTS);
    this.blocks[at] = made;
    return made;
  }

  reachOf(slot: number): number {
    return this.blocks[slot >> BLOCK_BITS]?.[slot & (BLOCK_SLOTS - 1)] ?? 0;
  }

  get bytes(): number {
    return this.blocks.reduce((sum, block) => sum + (block?.byteLength ?? 0), 0);
  }

  claimed(slot: number, id: string): void {
    this.set(slot, 0);
    if (this.reading) this.newcomers.push(id);
  }

  released(slot: number): void {
    this.set(slot, 0);
  }

  /** True where it is new. */
  set(slot: number, bits: number): boolean {
    const block = this.block(slot >> BLOCK_BITS);
    const at = slot & (BLOCK_SLOTS - 1);
    if (block[at] === bits) return false;
    block[at] = bits;
    return true;
  }

  /** Before a full reading begins: it covers whoever is here already, and tells only of whom a channel leads to. Nothing is known until it ends. */
  readingAll(): void {
    for (const block of this.blocks) block?.fill(0);
    this.newcomers = [];
    this.reading = true;
    this.asOfMs = null;
  }

  /** At most `limit` newcomers; they are not given again. */
  takeNewcomers(limit: number): readonly string[] {
    return this.newcomers.splice(0, limit);
  }

  /** For those whose contact points could not be asked about. */
  putBack(ids: readonly string[]): void {
    this.newcomers.push(...ids);
  }
}
