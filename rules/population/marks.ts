/**
 * A number of 32 bits for each citizen, made of the id and of nothing else, so that it is the same in every process and after every restart.
 * Sets of citizens are told apart by it (run/sketch.ts) and samples are drawn by it. Made when it is first asked for, then 1 ns.
 * 4 B a citizen of a shard that was asked.
 */
import { BLOCK_BITS, BLOCK_SLOTS } from './columns.ts';

export class Marks {
  private readonly blocks: (Uint32Array | undefined)[] = [];
  private readonly murmurOf: (slot: number) => number;

  /** `murmurOf`: murmur2 of a slot's id. */
  constructor(murmurOf: (slot: number) => number) {
    this.murmurOf = murmurOf;
  }

  of(slot: number): number {
    const at = slot & (BLOCK_SLOTS - 1);
    return this.known(slot >> BLOCK_BITS, [at])[at]!;
  }

  /** A block's, made for these places of it. */
  known(number: number, places: ArrayLike<number>): Uint32Array {
    this.blocks[number] ??= new Uint32Array(BLOCK_SLOTS);
    const block = this.blocks[number]!;
    for (let i = 0; i < places.length; i++) {
      const at = places[i]!;
      if (block[at] === 0) block[at] = mixed(this.murmurOf((number << BLOCK_BITS) + at));
    }
    return block;
  }

  get bytes(): number {
    return this.blocks.reduce((sum, block) => sum + (block?.byteLength ?? 0), 0);
  }

  drop(slot: number): void {
    const block = this.blocks[slot >> BLOCK_BITS];
    if (block !== undefined) block[slot & (BLOCK_SLOTS - 1)] = 0;
  }
}

/** Never 0. Mixed once more (fmix32 of MurmurHash3, public domain): citizens of one shard share the rest of what chose their shard. */
function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0 || 1;
}
