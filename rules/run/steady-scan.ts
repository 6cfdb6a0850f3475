/**
 * Goes through all blocks of a shard in steps, so that match requests and heartbeats between them wait for some milliseconds at most, and
 * still answers for one moment: the last one. Each block is read under a plan and remembered with its revision. A block that was written
 * meanwhile is read again, in rounds that have less and less to do, until what is left is done in one step without a pause. As many rounds
 * as a population that changes all the while could ask for are not made: after eight the rest is done at once, however long it takes.
 */
import type { Population } from '../population/population.ts';

/** Of one step. What waits is held up for it and for the block that was begun. */
const STEP_MS = 6;
const LAST_STEP_MS = 10;
const ROUNDS = 8;

/** Reads one block. It may keep what it learnt from the whole population until `replan` is called for again. */
export type ReadBlock<T> = (block: number) => T;

/**
 * What `read` gave for each block, all as of the moment in which this resolves, before anything else runs: `ended` is called in it. `pause`
 * lets others work, and throws to give up.
 */
export async function steadyScan<T, R>(
  population: Population,
  plan: () => ReadBlock<T>,
  pause: () => Promise<void>,
  ended: (blocks: readonly T[]) => R,
): Promise<R> {
  const results: T[] = [];
  const read: number[] = [];
  const stale = (): number[] => {
    const blocks: number[] = [];
    for (let block = 0; block < population.revisions.length; block++)
      if (read[block] !== population.revisions[block]) blocks.push(block);
    return blocks;
  };
  let blockMs = 0;
  let done = 0;
  for (let round = 1; ; round++) {
    const todo = stale();
    const last = round > ROUNDS || (done > 0 && (todo.length * blockMs) / done <= LAST_STEP_MS);
    const before = [...population.revisions];
    const moves = movesOf(population);
    const readBlock = plan();
    let stepFrom = performance.now();
    for (const block of todo) {
      // Written since the plan: its turn comes in the next round. Nothing is once lists have moved.
      if (movesOf(population) !== moves) break;
      if (population.revisions[block] !== before[block]) continue;
      results[block] = readBlock(block);
      read[block] = before[block]!;
      done++;
      const ms = performance.now() - stepFrom;
      if (last || ms < STEP_MS) continue;
      blockMs += ms;
      await pause();
      stepFrom = performance.now();
    }
    blockMs += performance.now() - stepFrom;
    if (stale().length === 0) return ended(results);
    if (!last) await pause();
  }
}

function movesOf(population: Population): number {
  return population.lists.reduce((sum, list) => sum + list.moves, 0);
}
