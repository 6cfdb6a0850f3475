/**
 * Somebody who opens their inbox goes before a fan-out that has all day. Where pages are served slowly (store/reader-waits.ts) a large
 * transaction of the bulk lane waits with its beginning, until none of its kind is under way and then for as long as the last one took, longer the
 * longer people wait; so what they share, the machine or the ledger alone, is theirs in between. A fan-out becomes some six times slower at the
 * most, and nothing urgent waits here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlPool } from '../domain/sql.ts';
import { readerWait } from '../store/reader-waits.ts';

/** A page that comes this late is waited for as long as was worked before. */
const EVEN_MS = 25;
const MOST_RESTS = 3;
const LONGEST_MS = 2_000;

export type ReadersFirst = <T>(work: () => Promise<T>) => Promise<T>;

export function createReadersFirst(
  { pool }: { readonly pool: SqlPool },
  rest: (ms: number) => Promise<unknown> = delay,
): ReadersFirst {
  /** Of the last that ran; before the first nobody is kept waiting. */
  let tookMs = 0;
  /** Settles when all that began have ended. */
  let underWay: Promise<unknown> = Promise.resolve();

  async function run<T>(work: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await work();
    } finally {
      tookMs = performance.now() - startedMs;
    }
  }

  return async (work) => {
    const waitMs = await readerWait(pool);
    const restMs = () => Math.min(LONGEST_MS, tookMs * Math.min(MOST_RESTS, waitMs / EVEN_MS));
    const mine =
      waitMs === 0 || tookMs === 0 ? run(work) : underWay.then(() => rest(restMs())).then(() => run(work));
    underWay = Promise.allSettled([underWay, mine]);
    return await mine;
  };
}
