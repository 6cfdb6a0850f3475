/** Splits an append into requests that keep the order within a partition and stay under the brokers' limit for one record batch. */
import { partitionOf } from '../domain/murmur2.ts';
import type { NewRecord } from './broker.ts';

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
