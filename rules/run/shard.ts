/**
 * One shard: its population, built from `citizen-profiles[partition]` and `citizen-overlays[partition]` from the beginning or from a
 * snapshot, and the positions up to which it knows them.
 * Applying a record twice changes nothing; state at a position in the middle of the first reading is never shown, since compaction has
 * removed what once stood there.
 */
import { AllimError } from '../../domain/errors.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { needText, type RecordFlaws } from '../../domain/record-flaws.ts';
import type { Fields } from '../catalogue.ts';
import { parseOverlay } from '../population/overlays.ts';
import { Population } from '../population/population.ts';
import { isCitizenId } from '../population/profile.ts';
import type { Positions } from '../population/snapshot.ts';

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

/** Sees each record of a citizen that changes what is known: calls `write` once, in the same step. */
export type ProfileWatch = {
  /** Whether it has to say something of what was seen. */
  readonly owes: boolean;
  /** Whether what this record changes is any of its business; records for which it is not may be written together. */
  sees(record: ShardRecord): boolean;
  around(record: ShardRecord, citizen: string, write: () => void): void;
};

type Waiter = {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
};

/** Reads a citizen's record on either topic; what it returns writes it. */
type Read = (key: string, value: Buffer | null, offset: number) => () => void;

export class Shard {
  readonly partition: number;
  readonly partitions: number;
  readonly population: Population;
  /** Refused records that the store has not taken yet. */
  refused: Refused[] = [];
  /** Citizens first seen after the catch-up that were not announced yet. */
  arrived: string[] = [];
  /** Citizens whose tombstone came after the catch-up and was not announced yet. */
  forgotten: string[] = [];
  /** Sees what is written from now on. */
  watched: ProfileWatch | undefined;
  private readonly target: Positions;
  private readonly placed: (misplaced: boolean) => void;
  private waiters: Waiter[] = [];
  private at: number;
  private overlaysAt: number;
  private prepared: boolean;
  /** Whether what is staged came after the catch-up. */
  private stagedNew = false;
  private turn: Promise<unknown> = Promise.resolve();

  /**
   * Reads from `begin`; has caught up at `end`, the topic's end at the assignment; `overlays` are those of the overlays. `placed` hears of
   * each record whether it belongs here. `population` is what a snapshot had, at these beginnings.
   */
  constructor(given: {
    partition: number;
    partitions: number;
    fields: Fields;
    begin: number;
    end: number;
    overlays?: { readonly begin: number; readonly end: number };
    population?: Population;
    placed: (misplaced: boolean) => void;
  }) {
    const { overlays = { begin: 0, end: 0 } } = given;
    this.partition = given.partition;
    this.partitions = given.partitions;
    this.population = given.population ?? new Population(given.fields);
    this.at = given.begin;
    this.overlaysAt = overlays.begin;
    this.target = { profiles: given.end, overlays: overlays.end };
    this.prepared = this.isRead();
    this.placed = given.placed;
  }

  private isRead(): boolean {
    return this.at >= this.target.profiles && this.overlaysAt >= this.target.overlays;
  }

  /** Every record below it is known: the fetch position, so holes in the log count as known. */
  get position(): number {
    return this.at;
  }

  get positions(): Positions {
    return { profiles: this.at, overlays: this.overlaysAt };
  }

  get caughtUp(): boolean {
    return this.prepared;
  }

  /** Applies a batch of profiles in one step. What cannot be applied is put into `refused`, and the others go on. */
  apply(batch: ShardBatch): void {
    try {
      for (const record of batch.records) if (record.offset >= this.at) this.applyProfile(record);
    } finally {
      this.writeStaged();
    }
    this.at = Math.max(this.at, batch.next);
    this.wake();
  }

  /** The same of a batch of overlays. */
  applyOverlays(batch: ShardBatch): void {
    for (const record of batch.records)
      if (record.offset >= this.overlaysAt) this.applyOne(record, this.overlay);
    this.overlaysAt = Math.max(this.overlaysAt, batch.next);
  }

  /** Whatever changes the shard, or needs it unchanged, does so in turn: handlers of its two topics run side by side. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => {});
    return mine;
  }

  /**
   * Lets `work` read the population while nothing is applied to it, until it calls `written`; aborts it where that takes longer than
   * `withinMs`. undefined, without any work, where the shard has not caught up, or owes the store or the dispatcher something.
   */
  async still<T>(
    withinMs: number,
    ended: AbortSignal,
    work: (options: { readonly signal: AbortSignal; written(): void }) => Promise<T>,
  ): Promise<T | undefined> {
    let result: Promise<T | undefined> = Promise.resolve(undefined);
    await this.inTurn(async () => {
      const owes = this.refused.length + this.forgotten.length + this.arrived.length > 0;
      if (!this.prepared || owes || this.watched?.owes === true || ended.aborted) return;
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(new Error(`took longer than ${withinMs} ms`)), withinMs);
      const { promise, resolve } = Promise.withResolvers<void>();
      const written = (): void => {
        clearTimeout(timer);
        resolve();
      };
      await this.population.tidy(() => new Promise((turn) => setImmediate(turn)));
      result = work({ signal: AbortSignal.any([ended, late.signal]), written }).finally(written);
      result.catch(() => {});
      await promise;
    });
    return result;
  }

  /**
   * The first order of a shard is a long sort: better before the first question than under it, and in steps, or a slow machine falls out
   * of its group over it. Call it after each `apply`; until it resolves the shard has not caught up. `pause` lets the process do what
   * else it must; what it throws leaves the order to the next call.
   */
  async prepare(pause: () => Promise<void>): Promise<void> {
    if (this.prepared || !this.isRead()) return;
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

  /** Puts a profile aside to be written with others, where nobody looks at what it changes; else writes it at once. */
  private applyProfile(record: ShardRecord): void {
    const { population } = this;
    const { key, value } = record;
    const alone =
      value === null || this.watched?.sees(record) === true || (key !== null && population.isCovered(key));
    const isNew = record.offset >= this.target.profiles;
    if (alone || population.isStagedFull || isNew !== this.stagedNew) this.writeStaged();
    this.stagedNew = isNew;
    if (alone) {
      this.applyOne(record, this.profile);
      return;
    }
    try {
      population.stage(this.citizenOf(record), value);
    } catch (error) {
      this.refuse(record, error);
    }
  }

  /** All that is staged is of before the catch-up, or all of after it. */
  private writeStaged(): void {
    const arrived = this.population.writeStaged();
    if (this.stagedNew) this.arrived.push(...arrived);
  }

  /** Whose record it is; throws where it says nobody, or belongs elsewhere. */
  private citizenOf(record: ShardRecord): string {
    needText(record);
    const { key } = record;
    if (!isCitizenId(key))
      throw new AllimError('profile-invalid', "the record's key is not a citizen's id (1 to 64 characters)");
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
    return key;
  }

  private refuse(record: ShardRecord, error: unknown): void {
    if (!(error instanceof AllimError)) throw error;
    this.refused.push({ record, error });
  }

  private applyOne(record: ShardRecord, read: Read): void {
    try {
      const key = this.citizenOf(record);
      const write = read(key, record.value, record.offset);
      if (this.watched === undefined) write();
      else this.watched.around(record, key, write);
    } catch (error) {
      this.refuse(record, error);
    }
  }

  private readonly profile: Read = (key, value, offset) => {
    const { population } = this;
    const isNew = offset >= this.target.profiles;
    if (value === null)
      return () => {
        population.forget(key);
        if (isNew) this.forgotten.push(key);
      };
    return () => {
      // `profile-invalid` leaves everything as it was.
      if (population.upsertValue(key, value) && isNew) this.arrived.push(key);
    };
  };

  private readonly overlay: Read = (key, value) => {
    const { population } = this;
    const overlay = value === null ? null : parseOverlay(value, population.layout);
    return () => population.overlay(key, overlay);
  };

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
