/**
 * Keeps one bad record from stopping a partition: a batch that fails is done again record by record, and a record that fails three
 * times alone is handed to quarantine. Guarantees that every record is either handled or quarantined, in order, and that the
 * position moves over each exactly with what was done about it. It never quarantines for a fault outside of the record: those
 * are thrown on, and the consumer brings the rest again.
 */
import { AllimError, messageOf, safeMessage } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { isTransient } from '../domain/transient.ts';
import type { Batch, LogRecord } from './broker.ts';
import { type Chunk, pauseFor } from './partition-loop.ts';

export type IsolatedHandler = {
  /** Does the work of these records and, in the same transaction, moves the stored position from `from` to `next`. */
  handle(slice: Chunk): Promise<void>;
  /**
   * Writes the quarantine row and, in the same transaction, moves the stored position from `slice.from` to `slice.next`. When it
   * throws, the batch comes again.
   */
  quarantine(record: LogRecord, error: Error, slice: Chunk): Promise<void>;
  readonly logger: Logger;
};

const ATTEMPTS_ALONE = 3;
/** Before the second and third attempt; a record at fault fails at once, so this costs only what is going to be quarantined. */
const BETWEEN_ATTEMPTS_MS = [0, 20, 100] as const;

/** Resolves when the whole batch is done; rejects with a transient error or when the partition was lost, after `advance`. */
export async function handleIsolated(batch: Batch, handler: IsolatedHandler): Promise<void> {
  try {
    await handler.handle({ from: batch.from, next: batch.next, records: batch.records });
    return;
  } catch (error) {
    if (batch.records.length === 0 || batch.signal.aborted || isTransient(error)) throw error;
    const { topic, partition } = batch;
    handler.logger.warn(
      { topic, partition, from: batch.from, records: batch.records.length, error: safeMessage(error) },
      'batch failed, its records are tried alone',
    );
  }
  let { from } = batch;
  for (const [index, record] of batch.records.entries()) {
    const next = index === batch.records.length - 1 ? batch.next : record.offset + 1;
    await handleAlone(batch, { from, next, records: [record] }, handler);
    batch.advance(next);
    from = next;
    await batch.heartbeat();
  }
}

async function handleAlone(batch: Batch, slice: Chunk, handler: IsolatedHandler): Promise<void> {
  let last: unknown;
  for (let attempt = 0; attempt < ATTEMPTS_ALONE; attempt++) {
    await pauseFor(BETWEEN_ATTEMPTS_MS[attempt] ?? 0, batch.signal);
    if (batch.signal.aborted)
      throw new AllimError('position-fenced', 'the partition was lost while its batch was repeated');
    try {
      await handler.handle(slice);
      return;
    } catch (error) {
      if (isTransient(error)) throw error;
      last = error;
    }
  }
  const record = slice.records[0]!;
  const error = last instanceof Error ? last : new Error(messageOf(last));
  const { topic, partition, offset } = record;
  handler.logger.error({ topic, partition, offset, error: safeMessage(error) }, 'record quarantined');
  await handler.quarantine(record, error, slice);
}
