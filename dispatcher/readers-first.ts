/**
 * Somebody who opens their inbox goes before a fan-out that has all day. Where pages are served slowly (store/reader-waits.ts) a large
 * transaction of the bulk lane waits with its beginning, for as long as the last one took and longer the longer people wait; so what they share,
 * the machine or the ledger alone, is theirs in between. A fan-out becomes five times slower at the most, and nothing urgent waits here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { SqlPool } from '../domain/sql.ts';
import { readerWait } from '../store/reader-waits.ts';

/** A page that comes this late is waited for as long as was worked before. */
const EVEN_MS = 50;
const MOST_RESTS = 4;
const LONGEST_MS = 2_000;

export type ReadersFirst = <T>(work: () => Promise<T>) => Promise<T>;

export function createReadersFirst(
  { pool }: { readonly pool: SqlPool },
  rest: (ms: number) => Promise<unknown> = delay,
): ReadersFirst {
  /** Of the last that ran; before the first nobody is kept waiting. */
  let tookMs = 0;

  return async (work) => {
    const waitMs = await readerWait(pool);
    if (waitMs > 0 && tookMs > 0)
      await rest(Math.min(LONGEST_MS, tookMs * Math.min(MOST_RESTS, waitMs / EVEN_MS)));
    const startedMs = performance.now();
    try {
      return await work();
    } finally {
      tookMs = performance.now() - startedMs;
    }
  };
}
