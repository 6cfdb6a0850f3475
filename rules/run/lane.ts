/**
 * One lane of one shard: the requests of `match-requests.<lane>[partition]`, several of them running at a time and interleaved. The
 * broker's handler only puts them in; a lane that is full pauses its partition. The stored position moves by the contiguous prefix of
 * requests that are done, so a crash repeats the others, each as a new run.
 */
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { paced } from '../../domain/pace.ts';
import { isTransient } from '../../domain/transient.ts';
import type { ShardBatch, ShardRecord } from './shard.ts';

/** Requests in memory, waiting or running, at which a partition is paused; it is resumed at half. */
const FULL = 64;
/** Answers held at a time: each keeps its ids until its pages are planned. */
const RUNNING = 4;
const ATTEMPTS = 3;

type LanePosition = { readonly topic: string; readonly partition: number };
type Entry = { readonly next: number; done: boolean };
type Waiting = { readonly record: ShardRecord; readonly entry: Entry };

export type LaneWork = {
  /** Answers one request. What it throws that passes by itself is tried for ever; anything else counts against the record. */
  answer(record: ShardRecord, signal: AbortSignal): Promise<void>;
  quarantine(record: ShardRecord, error: Error): Promise<void>;
  advance(at: LanePosition, from: number, next: number, fence: number): Promise<void>;
  pause(at: LanePosition): void;
  resume(at: LanePosition): void;
};

export class Lane {
  private readonly at: LanePosition;
  private readonly work: LaneWork;
  private readonly logger: Logger;
  private readonly entries: Entry[] = [];
  private readonly waiting: Waiting[] = [];
  private readonly closing = new AbortController();
  private stored: number | undefined;
  private prefix: number | undefined;
  private fence: number;
  private running = 0;
  private paused = false;
  private settling = false;
  private lost: Error | undefined;

  constructor(at: LanePosition, start: { offset?: number; fence: number }, work: LaneWork, logger: Logger) {
    this.at = at;
    this.work = work;
    this.logger = logger;
    this.stored = start.offset;
    this.prefix = start.offset;
    this.fence = start.fence;
  }

  /** Requests that are not done, and a position that is not stored. */
  get outstanding(): number {
    return this.entries.length + (this.settling || this.prefix !== this.stored ? 1 : 0);
  }

  accept(batch: ShardBatch): void {
    if (this.lost !== undefined) throw this.lost;
    this.fence = batch.fence;
    this.stored ??= batch.from;
    this.prefix ??= batch.from;
    batch.records.forEach((record, index) => {
      const next = index === batch.records.length - 1 ? batch.next : record.offset + 1;
      const entry = { next, done: false };
      this.entries.push(entry);
      this.waiting.push({ record, entry });
    });
    if (batch.records.length === 0) this.entries.push({ next: batch.next, done: true });
    if (!this.paused && this.entries.length >= FULL) {
      this.paused = true;
      this.work.pause(this.at);
    }
    this.settle();
    this.pump();
  }

  /** Nothing of it is stored or sent afterwards, but what is under way. */
  close(): void {
    this.closing.abort();
    if (this.paused) this.work.resume(this.at);
    this.paused = false;
  }

  private pump(): void {
    while (this.running < RUNNING && this.waiting.length > 0 && !this.closing.signal.aborted) {
      const { record, entry } = this.waiting.shift()!;
      this.running++;
      void this.run(record).then((done) => {
        this.running--;
        entry.done = done;
        this.settle();
        this.pump();
      });
    }
    if (this.paused && this.entries.length <= FULL / 2 && !this.closing.signal.aborted) {
      this.paused = false;
      this.work.resume(this.at);
    }
  }

  /** False where the lane was closed before the request was done. Never rejects. */
  private async run(record: ShardRecord): Promise<boolean> {
    const { signal } = this.closing;
    for (let attempt = 1, pauses = 0; !signal.aborted; pauses++) {
      try {
        await this.work.answer(record, signal);
        return !signal.aborted;
      } catch (error) {
        if (signal.aborted) return false;
        const known = error instanceof AllimError;
        this.logger.warn(
          {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            attempt,
            error: messageOf(error),
          },
          'a match request failed',
        );
        // An outage says nothing about the record. What is known not to heal is not tried again.
        if (!isTransient(error) && (known || attempt++ >= ATTEMPTS)) {
          const reason = error instanceof Error ? error : new Error(messageOf(error));
          return this.untilDone('quarantine', () => this.work.quarantine(record, reason));
        }
        await backOff(pauses, signal);
      }
    }
    return false;
  }

  private settle(): void {
    while (this.entries[0]?.done) this.prefix = this.entries.shift()!.next;
    if (this.settling || this.prefix === this.stored || this.lost !== undefined) return;
    this.settling = true;
    void this.store();
  }

  private async store(): Promise<void> {
    try {
      while (this.prefix !== this.stored && !this.closing.signal.aborted) {
        const next = this.prefix!;
        const stored = await this.untilDone('position', () =>
          this.work.advance(this.at, this.stored!, next, this.fence),
        );
        if (!stored) return;
        this.stored = next;
      }
    } finally {
      // In the same turn as the last look at `prefix`, so that no step is missed.
      this.settling = false;
    }
  }

  /** Repeats `step` until it is done; false where the lane was closed or its position belongs to another. */
  private async untilDone(name: string, step: () => Promise<void>): Promise<boolean> {
    const { signal } = this.closing;
    for (let pauses = 0; !signal.aborted; pauses++) {
      try {
        await step();
        return true;
      } catch (error) {
        if (signal.aborted) return false;
        if (
          error instanceof AllimError &&
          (error.code === 'position-fenced' || error.code === 'position-gap')
        ) {
          // The next batch is refused with it, which makes the consumer ask for its start again.
          this.lost = error;
          this.close();
          return false;
        }
        this.logger.warn(
          { ...this.at, step: name, error: messageOf(error) },
          'the store refused a step of a lane',
        );
        await backOff(pauses, signal);
      }
    }
    return false;
  }
}

const FIRST_PAUSE_MS = paced(100);
/** An outage is over some time before a run goes on: not by more than a person would notice. */
const LONGEST_PAUSE_MS = paced(3_000);

/** 100 ms doubling to 3 s, or until aborted. */
export function backOff(pauses: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(pauses, 10)));
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
