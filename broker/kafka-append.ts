/**
 * Appends to Kafka: splits what is given into requests that keep the order within a partition and stay under the brokers' limit for
 * one record batch, and repeats a request until the brokers are back or 30 s are over.
 */
import type { Producer, ProducerRecord, RecordMetadata } from 'kafkajs';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { paced } from '../domain/pace.ts';
import type { Appended, NewRecord } from './broker.ts';
import { isPassing } from './kafka-errors.ts';
import { backOffMs, pauseFor } from './partition-loop.ts';
import { checkedSizes } from './record-size.ts';

export type Placed = { readonly record: NewRecord; readonly index: number; readonly partition: number };

/**
 * All records that go to one partition in one request become one record batch, and the brokers refuse a batch over
 * `message.max.bytes` (1,048,588 by default). A larger single record travels alone.
 */
const BATCH_BYTES = 900_000;
/** Kafka's own framing of a record: lengths, deltas and the like, generously. */
const FRAMING_BYTES = 40;
/** One request over all partitions; the brokers' `socket.request.max.bytes` is 100 MiB. */
const REQUEST_BYTES = 32_000_000;
/** A broker that restarts or a leader that moves is waited for; then the caller hears `broker-unavailable`. */
const APPEND_WITHIN_MS = paced(30_000, 10_000);

/** Rounds to be sent one after the other, each with at most one record batch a partition. `sizes` runs parallel to `records`. */
export function rounds(
  records: readonly NewRecord[],
  sizes: readonly number[],
  partitions: number,
  spread: () => number,
): Placed[][] {
  const result: Placed[][] = [];
  const requestBytes: number[] = [];
  const open = new Map<number, { round: number; bytes: number }>();
  for (const [index, record] of records.entries()) {
    const partition =
      record.partition ?? (record.key === null ? spread() % partitions : partitionOf(record.key, partitions));
    const bytes = sizes[index]! + FRAMING_BYTES;
    const last = open.get(partition) ?? { round: 0, bytes: 0 };
    let { round } = last;
    let batchBytes = last.bytes;
    if (batchBytes > 0 && batchBytes + bytes > BATCH_BYTES) {
      round++;
      batchBytes = 0;
    }
    while ((requestBytes[round] ?? 0) > 0 && requestBytes[round]! + bytes > REQUEST_BYTES) {
      round++;
      batchBytes = 0;
    }
    open.set(partition, { round, bytes: batchBytes + bytes });
    requestBytes[round] = (requestBytes[round] ?? 0) + bytes;
    const placed = result[round] ?? [];
    placed.push({ record, index, partition });
    result[round] = placed;
  }
  return result.filter((round) => round !== undefined);
}

export type Appender = (topic: string, records: readonly NewRecord[]) => Promise<readonly Appended[]>;

export function createAppender(options: {
  readonly producer: Producer;
  readonly logger: Logger;
  /** Aborted when the broker is stopped: nothing is repeated after that. */
  readonly signal: AbortSignal;
  partitionsOf(topic: string): Promise<number>;
}): Appender {
  const { producer, logger, signal, partitionsOf } = options;
  let spread = 0;

  /**
   * kafkajs repeats a request, but gives up within seconds where it cannot connect: that error of its broker pool is final to its
   * producer. What was written before comes twice then, which at-least-once allows.
   */
  async function send(request: ProducerRecord): Promise<RecordMetadata[]> {
    const deadline = performance.now() + APPEND_WITHIN_MS;
    for (let failures = 1; ; failures++) {
      try {
        return await producer.send(request);
      } catch (error) {
        if (signal.aborted || performance.now() > deadline || !isPassing(error)) throw error;
        const { message } = error as Error;
        logger.warn({ topic: request.topic, failures, error: message }, 'append failed, again');
        await pauseFor(Math.min(1_000, backOffMs(failures)), signal);
      }
    }
  }

  return async function append(topic: string, records: readonly NewRecord[]): Promise<readonly Appended[]> {
    const sizes = checkedSizes(topic, records);
    const partitions = await partitionsOf(topic);
    const wrong = records.find(({ partition: p }) => p !== undefined && !(p >= 0 && p < partitions));
    if (wrong !== undefined)
      throw new AllimError(
        'topic-invalid',
        `${topic} has ${partitions} partitions, none numbered ${wrong.partition}`,
      );
    const result: Appended[] = new Array(records.length);
    for (const round of rounds(records, sizes, partitions, () => spread++)) {
      const sent = await send({
        topic,
        acks: -1,
        timeout: paced(15_000, 4_000),
        messages: round.map(({ record, partition }) => ({
          key: record.key,
          value: record.value,
          partition,
          ...(record.headers === undefined ? {} : { headers: { ...record.headers } }),
        })),
      });
      const next = new Map(sent.map((part) => [part.partition, Number(part.baseOffset)]));
      for (const { index, partition } of round) {
        const offset = next.get(partition);
        if (offset === undefined)
          throw new AllimError('broker-unavailable', `${topic}/${partition} was not acknowledged`);
        next.set(partition, offset + 1);
        result[index] = { topic, partition, offset };
      }
    }
    return result;
  };
}
