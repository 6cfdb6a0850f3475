/**
 * One assigned Kafka partition: holds kafkajs's fetches against the position we expect. A fetch is only taken when it starts where
 * the one before ended; kafkajs itself would go on from the earliest offset after an "out of range", and nobody would know what
 * was left out.
 */
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { lostInText, type RecordFlaws } from '../domain/record-flaws.ts';
import type { LogRecord, StartPosition, TopicPartition } from './broker.ts';
import { createFetchQueue, type FetchQueue } from './kafka-queue.ts';
import type { PartitionLoop } from './partition-loop.ts';

/** First readable offset and the offset after the last one. */
export type Bounds = { readonly begin: number; readonly end: number };

/** What kafkajs tells of a fetch that held only transaction markers, aborted or compacted records. */
export type FilteredFetch = { readonly firstOffset: string | null; readonly lastOffset: string };

export type KafkaPartition = {
  readonly at: TopicPartition;
  readonly queue: FetchQueue;
  loop: PartitionLoop | undefined;
  /** Checks the position against the log and makes kafkajs fetch from it; false when the partition was stopped instead. */
  begin(position: StartPosition, bounds: Bounds): boolean;
  /** Takes or refuses a fetch; resolves when the next one may come. */
  fetched(payload: EachBatchPayload): Promise<void>;
  filtered(fetch: FilteredFetch): void;
  end(): void;
  /** Stopped for good, or ended. */
  over(): boolean;
};

export type PartitionClient = {
  seek(at: TopicPartition, offset: number): void;
  pause(at: TopicPartition): void;
  resume(at: TopicPartition): void;
  bounds(at: TopicPartition): Promise<Bounds>;
  stopped(at: TopicPartition, error: Error): void;
};

const ROOM_STEP_MS = 250;

export function createKafkaPartition(
  at: TopicPartition,
  client: PartitionClient,
  logger: Logger,
): KafkaPartition {
  /** The only offset a fetch may start at; undefined until the position of this assignment has been sought. */
  let expected: number | undefined;
  let refused = 0;
  let over = false;
  let parked = false;
  let verifying: Promise<void> | undefined;
  const { promise: sought, resolve: begun } = Promise.withResolvers<void>();

  function seek(offset: number): void {
    expected = offset;
    refused = 0;
    client.seek(at, offset);
  }
  function stop(error: AllimError): void {
    over = true;
    begun();
    void self.loop?.end();
    client.pause(at);
    client.stopped(at, error);
  }
  /** Undefined where the log still has everything from `offset` on. */
  function outOfRange(offset: number, { begin, end }: Bounds): AllimError | undefined {
    if (offset >= begin && offset <= end) return undefined;
    const why =
      offset < begin ? `the log now begins at ${begin}` : `the log ends at ${end}: the topic was made anew`;
    return new AllimError(
      'offset-out-of-range',
      `position ${offset} of ${at.topic}/${at.partition}: ${why}`,
      {
        ids: { ...at, offset, begin, end },
      },
    );
  }
  function checked(offset: number, bounds: Bounds): boolean {
    const error = outOfRange(offset, bounds);
    if (error !== undefined) stop(error);
    return error === undefined;
  }
  /** Looks whether the position is still in the log; stops the partition or says that it is. An unreachable broker says nothing. */
  async function stillInRange(): Promise<boolean> {
    const offset = expected!;
    try {
      return checked(offset, await client.bounds(at));
    } catch (error) {
      logger.warn({ ...at, offset, error: messageOf(error) }, 'bounds of the partition unknown');
      return false;
    }
  }

  const queue = createFetchQueue({
    async seek(offset) {
      if (checked(offset, await client.bounds(at))) seek(offset);
    },
    onTake() {
      if (!parked || over || queue.full()) return;
      parked = false;
      client.resume(at);
    },
  });

  /**
   * Holds kafkajs's fetch round back while enough waits here and the handler moves; a handler that stands still loses the
   * partition's place in the round instead, so that the others go on.
   */
  async function room(heartbeat: () => Promise<void>): Promise<void> {
    while (queue.full() && !over && self.loop?.stalled() === false) {
      await queue.taken(ROOM_STEP_MS);
      await heartbeat();
    }
    if (queue.full() && !over) {
      parked = true;
      client.pause(at);
    }
  }

  /** After a seek one fetch may still be on its way from the old place; any other refusal is a gap, and the log is asked. */
  async function refuse(from: number): Promise<void> {
    refused++;
    if (refused === 1) return;
    const gap = new AllimError(
      'position-gap',
      `fetch of ${at.topic}/${at.partition} starts at ${from}, not at ${expected}`,
    );
    logger.warn({ ...at, code: gap.code, expected, from }, gap.message);
    const again = expected!;
    if ((await stillInRange()) && expected === again) client.seek(at, again);
  }

  const self: KafkaPartition = {
    at,
    queue,
    loop: undefined,
    begin(position, bounds) {
      if (over || !checked(position.offset, bounds)) return false;
      client.resume(at);
      seek(position.offset);
      begun();
      return true;
    },
    async fetched({ batch, heartbeat }) {
      while (expected === undefined && !over) {
        await Promise.race([sought, after(ROOM_STEP_MS)]);
        await heartbeat();
      }
      await verifying;
      if (over) return;
      const from = Number((batch as unknown as { fetchedOffset: string }).fetchedOffset);
      if (from !== expected) return refuse(from);
      refused = 0;
      const next = Number(batch.lastOffset()) + 1;
      expected = next;
      client.seek(at, next);
      queue.push({ from, next, records: batch.messages.map((message) => recordOf(at, message)) });
      await room(heartbeat);
    },
    filtered({ firstOffset, lastOffset }) {
      if (over || expected === undefined) return;
      const from = expected;
      const next = Number(lastOffset) + 1;
      if (next <= from) return;
      const accept = () => {
        expected = next;
        refused = 0;
        client.seek(at, next);
        queue.push({ from, next, records: [] });
      };
      if (firstOffset === null || Number(firstOffset) <= from) return accept();
      // Compaction may have left a hole before the markers, or the log lost its beginning and kafkajs went on by itself.
      const check = stillInRange().then((fine) => {
        if (fine && expected === from) accept();
        verifying = undefined;
      });
      verifying = check;
    },
    end() {
      over = true;
      begun();
      queue.clear();
    },
    over: () => over,
  };
  return self;
}

function after(ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, ms).unref();
  return promise;
}

/** Exported for its test: no producer that we have writes what it guards against. */
export function recordOf(at: TopicPartition, message: KafkaMessage): LogRecord {
  const headers: Record<string, string> = {};
  const notUtf8: string[] = [];
  const repeated: string[] = [];
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    // kafkajs decodes names itself, and makes one of two whose bytes it cannot read.
    if (name.includes('\ufffd')) notUtf8.push(name);
    const values = Array.isArray(value) ? value : [value];
    if (values.length > 1) repeated.push(name);
    for (const given of values) {
      if (given === undefined || given === null) continue;
      const text = given.toString();
      if (typeof given !== 'string' && lostInText(given, text)) notUtf8.push(name);
      headers[name] = text;
    }
  }
  const key = message.key === null ? null : message.key.toString();
  if (message.key !== null && lostInText(message.key, key!)) notUtf8.push('key');
  const flawed = notUtf8.length > 0 || repeated.length > 0;
  return {
    topic: at.topic,
    partition: at.partition,
    offset: Number(message.offset),
    key,
    value: message.value,
    headers,
    timestampMs: Number(message.timestamp),
    ...(flawed ? { flaws: { notUtf8, repeated, ...rawOf(message) } } : {}),
  };
}

function rawOf(message: KafkaMessage): Pick<RecordFlaws, 'rawKey' | 'rawHeaders'> {
  const rawHeaders = Object.entries(message.headers ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map(
      (given) => [name, given === undefined || given === null ? null : Buffer.from(given)] as const,
    ),
  );
  return { rawKey: message.key, rawHeaders };
}
