/**
 * The life of one assigned partition, the same for both adapters: take what was read, hand it over in slices, again after a
 * back-off when the handler throws, a new position when it was fenced. Guarantees that handlers of a partition never overlap
 * and that a slice follows the one before without a step left out. It never reads: the adapter is its source.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { AllimError, safeMessage } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import type { Batch, LogRecord, StartPosition, Subscription, TopicPartition } from './broker.ts';

/** What was read in one go: every record there is in [from, next). */
export type Chunk = { readonly from: number; readonly next: number; readonly records: readonly LogRecord[] };

export type ChunkSource = {
  /** What follows the chunk before; undefined only once the signal is aborted. */
  take(signal: AbortSignal): Promise<Chunk | undefined>;
  /** Forgets what was read and not taken, and reads on from `offset`. Rejects where that offset cannot be read. */
  seek(offset: number): Promise<void>;
};

export type PartitionLoop = {
  /** Ends taking at once, aborts the batch's signal, resolves when a running handler has ended. Safe to call twice. */
  end(): Promise<void>;
  pause(): void;
  resume(): void;
  /** Paused, waiting to repeat a failed batch, or in one handler call for more than a second. */
  stalled(): boolean;
};

export const DEFAULT_BATCH_RECORDS = 500;
const FIRST_BACK_OFF_MS = paced(100, 20);
const LAST_BACK_OFF_MS = paced(10_000);
const SLOW_HANDLER_MS = 1_000;

/** 100 ms doubling to 10 s, at the pace of this process; `failures` counts from 1. */
export function backOffMs(failures: number): number {
  return Math.min(LAST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 20));
}

/** Waits; an abort ends the wait early and is not an error. */
export async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  // The abort is the only way in which it fails.
  if (!signal.aborted) await delay(ms, undefined, { signal }).catch(() => {});
}

export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** The slices of a chunk, of at most `limit` records, that together cover [from, next). An empty chunk is one empty slice. */
function* slices(chunk: Chunk, limit: number): Generator<Chunk> {
  const { records } = chunk;
  let from = chunk.from;
  let at = 0;
  do {
    const part = records.length <= limit ? records : records.slice(at, at + limit);
    at += part.length;
    const next = at >= records.length ? chunk.next : part[part.length - 1]!.offset + 1;
    yield { from, next, records: part };
    from = next;
  } while (at < records.length);
}

export function startPartitionLoop(options: {
  start: StartPosition;
  source: ChunkSource;
  subscription: Subscription;
  paused: boolean;
  logger: Logger;
  heartbeat(): Promise<void>;
  /** Asks for the position anew, after `position-fenced`. */
  positionAgain(): Promise<StartPosition>;
}): PartitionLoop {
  const { source, subscription, logger } = options;
  const { topic, partition } = options.start;
  const limit = subscription.maxBatchRecords ?? DEFAULT_BATCH_RECORDS;
  const ending = new AbortController();
  const { signal } = ending;
  let { fence } = options.start;
  let failures = 0;
  let callStartedAt: number | undefined;
  let gate: { readonly opened: Promise<void>; open(): void } | undefined;

  function pause(): void {
    if (gate !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = { opened: promise, open: resolve };
  }
  function resume(): void {
    gate?.open();
    gate = undefined;
  }

  /** Hands one slice over until it is done. False when the rest of the chunk must be forgotten: fenced, or the partition is gone. */
  async function handOver(slice: Chunk): Promise<boolean> {
    let left = slice;
    while (true) {
      while (gate !== undefined && !signal.aborted) await gate.opened;
      if (signal.aborted) return false;
      let doneTo = left.from;
      const batch: Batch = {
        topic,
        partition,
        from: left.from,
        next: left.next,
        fence,
        records: left.records,
        signal,
        async heartbeat() {
          signal.throwIfAborted();
          callStartedAt = performance.now();
          await options.heartbeat();
          signal.throwIfAborted();
        },
        advance(next) {
          if (next > left.next)
            throw new RangeError(`advance(${next}) is beyond the batch, which ends at ${left.next}`);
          doneTo = Math.max(doneTo, next);
        },
      };
      try {
        callStartedAt = performance.now();
        await subscription.handle(batch);
        failures = 0;
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (doneTo > left.from) failures = 0;
        failures++;
        const from = doneTo;
        left = { from, next: left.next, records: left.records.filter((record) => record.offset >= from) };
        const fenced = error instanceof AllimError && error.code === 'position-fenced';
        logger.warn(
          {
            topic,
            partition,
            from,
            next: left.next,
            failures,
            code: codeOf(error),
            error: safeMessage(error),
          },
          fenced ? 'position fenced, asking for it again' : 'batch failed, it comes again',
        );
        if (fenced && (await soughtAgain())) return false;
        if (left.from === left.next) return true;
      } finally {
        callStartedAt = undefined;
      }
      await pauseFor(backOffMs(failures), signal);
    }
  }

  async function soughtAgain(): Promise<boolean> {
    try {
      // The first fencing is answered at once; one after the other means two members at odds, and waits like any failure.
      if (failures > 1) await pauseFor(backOffMs(failures), signal);
      const start = await options.positionAgain();
      if (signal.aborted) return true;
      await source.seek(start.offset);
      fence = start.fence;
      return true;
    } catch (error) {
      logger.warn({ topic, partition, error: safeMessage(error) }, 'no position after fencing');
      return false;
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      const chunk = await source.take(signal);
      if (chunk === undefined) continue;
      for (const slice of slices(chunk, limit)) if (!(await handOver(slice))) break;
    }
  }

  if (options.paused) pause();
  const ended = run().catch((error: unknown) => {
    logger.error(
      { topic, partition, error: safeMessage(error) },
      'partition loop ended by a fault of its own',
    );
  });

  return {
    end() {
      ending.abort();
      resume();
      return ended;
    },
    pause,
    resume() {
      if (!signal.aborted) resume();
    },
    stalled() {
      if (gate !== undefined || failures > 0) return true;
      return callStartedAt !== undefined && performance.now() - callStartedAt > SLOW_HANDLER_MS;
    },
  };
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AllimError) return error.code;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
