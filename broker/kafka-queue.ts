/** What one Kafka partition has delivered and its handler has not yet taken. Filled by kafkajs's fetch round, emptied by the partition loop. */
import type { LogRecord } from './broker.ts';
import type { Chunk, ChunkSource } from './partition-loop.ts';

/** Where fetching may go on although records wait: the next fetch then overlaps with the handler. */
const ENOUGH_BYTES = 512 * 1024;

export type FetchQueue = ChunkSource & {
  push(chunk: Chunk): void;
  clear(): void;
  full(): boolean;
  /** Resolves at the next take, or after `ms`. */
  taken(ms: number): Promise<void>;
};

export function createFetchQueue(options: {
  seek(offset: number): Promise<void>;
  onTake(): void;
}): FetchQueue {
  let chunks: { chunk: Chunk; bytes: number }[] = [];
  let bytes = 0;
  let arrival: (() => void) | undefined;
  let takers: (() => void)[] = [];

  function clear(): void {
    chunks = [];
    bytes = 0;
  }
  return {
    push(chunk) {
      const size = chunk.records.reduce((sum, record) => sum + weight(record), 0);
      chunks.push({ chunk, bytes: size });
      bytes += size;
      arrival?.();
    },
    clear,
    full: () => bytes > ENOUGH_BYTES,
    async take(signal) {
      while (chunks.length === 0 && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const wake = () => resolve();
        arrival = wake;
        signal.addEventListener('abort', wake);
        await promise;
        signal.removeEventListener('abort', wake);
      }
      if (signal.aborted) return undefined;
      const chunk = joined(chunks.map((one) => one.chunk));
      clear();
      const waiting = takers;
      takers = [];
      for (const resolve of waiting) resolve();
      options.onTake();
      return chunk;
    },
    taken(ms) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      takers.push(resolve);
      return promise.finally(() => clearTimeout(timer));
    },
    async seek(offset) {
      clear();
      await options.seek(offset);
    },
  };
}

/** Whoever fell behind takes in one step all that has come meanwhile; each chunk begins where the one before ends. */
function joined(chunks: readonly Chunk[]): Chunk {
  const first = chunks[0]!;
  if (chunks.length === 1) return first;
  return {
    from: first.from,
    next: chunks[chunks.length - 1]!.next,
    records: chunks.flatMap((chunk) => chunk.records),
  };
}

/** Bytes in memory, roughly: key, value and 100 for the object. */
function weight(record: LogRecord): number {
  return 100 + (record.key?.length ?? 0) + (record.value?.length ?? 0);
}
