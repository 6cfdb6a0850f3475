/**
 * One shard: its population, built from `citizen-profiles[partition]` from the beginning, and the position up to which it knows.
 * Applying a record twice changes nothing; state at a position in the middle of the first reading is never shown, since compaction has
 * removed what once stood there.
 */
import { AllimError } from '../../domain/errors.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { needText, type RecordFlaws } from '../../domain/record-flaws.ts';
import type { Fields } from '../catalogue.ts';
import { Population } from '../population/population.ts';
import { isCitizenId, parseProfile } from '../population/profile.ts';

/** What a shard and its lanes need of a broker's records and batches; the port's own types satisfy these. */
export type ShardRecord = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly flaws?: RecordFlaws;
  readonly value: Buffer | null;
};
export type ShardBatch = {
  readonly from: number;
  readonly next: number;
  readonly fence: number;
  readonly records: readonly ShardRecord[];
};

export type Refused = { readonly record: ShardRecord; readonly error: AllimError };

type Waiter = {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
};

export class Shard {
  readonly partition: number;
  readonly population: Population;
  /** Refused records that the store has not taken yet. */
  refused: Refused[] = [];
  /** Citizens first seen after the catch-up that were not announced yet. */
  arrived: string[] = [];
  /** Citizens whose tombstone came after the catch-up and was not announced yet. */
  forgotten: string[] = [];
  private readonly partitions: number;
  private readonly target: number;
  private readonly placed: (misplaced: boolean) => void;
  private waiters: Waiter[] = [];
  private at: number;
  private prepared: boolean;

  /** Reads from `begin`; has caught up at `end`, the topic's end at the assignment. `placed` hears of each record whether it belongs here. */
  constructor(given: {
    partition: number;
    partitions: number;
    fields: Fields;
    begin: number;
    end: number;
    placed: (misplaced: boolean) => void;
  }) {
    this.partition = given.partition;
    this.partitions = given.partitions;
    this.population = new Population(given.fields);
    this.at = given.begin;
    this.target = given.end;
    this.prepared = given.begin >= given.end;
    this.placed = given.placed;
  }

  /** Every record below it is known: the fetch position, so holes in the log count as known. */
  get position(): number {
    return this.at;
  }

  get caughtUp(): boolean {
    return this.prepared;
  }

  /** Applies a batch of profiles in one step. What cannot be applied is put into `refused`, and the others go on. */
  apply(batch: ShardBatch): void {
    for (const record of batch.records) if (record.offset >= this.at) this.applyOne(record);
    this.at = Math.max(this.at, batch.next);
    this.wake();
  }

  /**
   * The first order of a shard is a long sort: better before the first question than under it, and in steps, or a slow machine falls out
   * of its group over it. Call it after each `apply`; until it resolves the shard has not caught up. `pause` lets the process do what
   * else it must; what it throws leaves the order to the next call.
   */
  async prepare(pause: () => Promise<void>): Promise<void> {
    if (this.prepared || this.at < this.target) return;
    await this.population.orderInSteps(pause);
    this.prepared = true;
    this.wake();
  }

  private wake(): void {
    if (!this.caughtUp) return;
    const ready = this.waiters.filter((waiter) => waiter.offset <= this.at);
    this.waiters = this.waiters.filter((waiter) => waiter.offset > this.at);
    for (const waiter of ready) waiter.resolve();
  }

  private applyOne(record: ShardRecord): void {
    try {
      needText(record);
      const { key, value } = record;
      if (!isCitizenId(key))
        throw new AllimError(
          'profile-invalid',
          "the record's key is not a citizen's id (1 to 64 characters)",
        );
      const home = partitionOf(key, this.partitions);
      this.placed(home !== record.partition);
      if (home !== record.partition)
        throw new AllimError(
          'profile-misplaced',
          `the profile belongs in partition ${home} (murmur2 of the key)`,
          {
            ids: { partition: record.partition, belongs: home },
          },
        );
      if (value === null) {
        this.population.forget(key);
        if (record.offset >= this.target) this.forgotten.push(key);
      } else if (
        this.population.upsert(key, parseProfile(value, this.population.layout)) &&
        record.offset >= this.target
      )
        this.arrived.push(key);
    } catch (error) {
      if (!(error instanceof AllimError)) throw error;
      this.refused.push({ record, error });
    }
  }

  /** Resolves once the shard has caught up and knows every record below `offset`; rejects when it is closed. */
  reached(offset: number): Promise<void> {
    if (this.caughtUp && this.at >= offset) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ offset, resolve, reject });
    });
  }

  close(): void {
    const { waiters } = this;
    this.waiters = [];
    for (const waiter of waiters) waiter.reject(new AllimError('position-fenced', 'the shard was given up'));
  }
}
