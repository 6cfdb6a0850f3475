/**
 * What everybody of each block adds up to, kept while nothing of the block is written. A set of more than half of them is counted by those who
 * are not in it, so that a rule which concerns everybody costs no more than one which concerns nobody. 2 KB a block of a shard that was asked,
 * half a byte a citizen.
 */
import { ones } from '../compile/columns.ts';
import { BLOCK_SLOTS, BLOCK_WORDS } from '../population/columns.ts';
import type { Population } from '../population/population.ts';
import { type BlockTally, type Dimension, dimensionsOf, tally } from './groups.ts';
import { mixAll } from './sketch.ts';

/** Of the smallest marks of all, so many more than are wanted: some are of citizens outside the set. */
const SPARE = 8;

class Everybody {
  readonly dimensions: readonly Dimension[];
  readonly asOf: number;
  readonly keep: number;
  private readonly population: Population;
  private readonly texts: number;
  private readonly tallies: (BlockTally | undefined)[] = [];
  private readonly revisions: number[] = [];
  private readonly outside = new Uint32Array(BLOCK_WORDS);

  constructor(population: Population, asOf: number, keep: number) {
    this.population = population;
    this.dimensions = dimensionsOf(population, asOf);
    this.texts = textsOf(this.dimensions);
    this.asOf = asOf;
    this.keep = keep;
  }

  /** Whether texts came up since that no cell has the name of. */
  isOutgrown(): boolean {
    return this.texts !== textsOf(this.dimensions);
  }

  /** Of live citizens; undefined where they are counted sooner than the others. */
  tally(block: number, plane: Uint32Array): BlockTally | undefined {
    const alive = this.population.live[block]!;
    let [inside, others] = [0, 0];
    for (let w = 0; w < BLOCK_WORDS; w++) {
      inside += ones(plane[w]!);
      const word = alive[w]! & ~plane[w]!;
      this.outside[w] = word;
      others += ones(word);
    }
    if (inside <= others) return undefined;
    const all = this.all(block);
    const lowest = this.lowestIn(plane, all.lowest);
    if (lowest === undefined) return undefined;
    const less = tally(this.population, this.dimensions, block, this.outside);
    return less === null ? { ...all, lowest } : { ...without(all, less), lowest };
  }

  private all(block: number): BlockTally {
    const revision = this.population.revisions[block]!;
    const found = this.tallies[block];
    if (found !== undefined && this.revisions[block] === revision) return found;
    const alive = this.population.live[block]!;
    const made = tally(this.population, this.dimensions, block, alive, 2 * this.keep + SPARE)!;
    this.tallies[block] = made;
    this.revisions[block] = revision;
    return made;
  }

  /** undefined where there may be more of them than were kept. */
  private lowestIn(plane: Uint32Array, lowest: readonly number[]): readonly number[] | undefined {
    if (this.keep === 0) return [];
    const inside = lowest.filter((slot) => {
      const at = slot & (BLOCK_SLOTS - 1);
      return ((plane[at >> 5]! >>> (at & 31)) & 1) === 1;
    });
    return inside.length < this.keep ? undefined : inside.slice(0, this.keep);
  }
}

const textsOf = (dimensions: readonly Dimension[]): number =>
  dimensions.reduce((sum, { column }) => sum + column.texts.length, 0);

function without(all: BlockTally, some: BlockTally): Omit<BlockTally, 'lowest'> {
  const sketch = all.sketch.slice();
  mixAll(sketch, some.sketch);
  return {
    count: all.count - some.count,
    cells: all.cells.map((counts, at) => less(counts, some.cells[at]!)),
    reaches: less(all.reaches, some.reaches),
    sketch,
  };
}

function less(all: Uint16Array, some: Uint16Array): Uint16Array {
  const left = all.slice();
  for (let at = 0; at < left.length; at++) left[at]! -= some[at]!;
  return left;
}

/** Of the day that was asked about last: staff change conditions more often than days. */
const known = new WeakMap<Population, Everybody>();

/** `keep`: how many of the smallest marks are wanted of each set. */
export function everybodyOf(population: Population, asOf: number, keep: number): Everybody {
  const found = known.get(population);
  if (found?.asOf === asOf && found.keep === keep && !found.isOutgrown()) return found;
  const made = new Everybody(population, asOf, keep);
  known.set(population, made);
  return made;
}
