/**
 * The dispatch buffer: a port over BullMQ. It carries batch ids and generations, never personal data, and may be wiped at any time:
 * the ledger knows what it held and puts it back. At-least-once, no order.
 */
import type { Channel, Lane } from '../domain/statuses.ts';

export type QueueName = `${Channel}-${Lane}`;
/** The whole content of a job. Its id is `b-<batch>-g<generation>`, so adding the same one twice is one job while it exists. */
export type BatchJob = {
  readonly batch: string;
  readonly generation: number;
  /** First day of the batch's month, where known. */
  readonly month?: string;
};
export type JobState = 'pending' | 'active' | 'failed' | 'missing';

export type QueueWorker = {
  /** Takes no new job, waits for running handlers up to `timeoutMs`, then lets go of them. Safe to call twice. */
  stop(timeoutMs: number): Promise<void>;
};

export interface Queue {
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * Adds in bulk; resolves when the store has them. `queue-unavailable` when it cannot be reached. With `ahead` each goes before all that
   * wait already, so the last of them is taken first.
   */
  add(queue: QueueName, jobs: readonly BatchJob[], how?: { readonly ahead: boolean }): Promise<void>;
  /** What became of jobs, in the order given. `missing` also for completed ones: they are removed at once. */
  states(queue: QueueName, jobs: readonly BatchJob[]): Promise<readonly JobState[]>;
  /** Runs `handle` for each job, at most `concurrency` at a time. A handler that throws fails the job for good: the ledger queues it anew. */
  work(queue: QueueName, options: { concurrency: number; handle(job: BatchJob): Promise<void> }): QueueWorker;
  /** Share of the store's memory limit in use, 0 to 1; 0 where it has none. The pump stops at 0.6. */
  fill(): Promise<number>;
  ping(): Promise<void>;
  /** Words kept outside of the ledger's database, null where nothing is kept. Undefined where the queue lies in that database itself. */
  readonly aside?: {
    read(name: string): Promise<string | null>;
    write(name: string, text: string): Promise<void>;
  };
}
