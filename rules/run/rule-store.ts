/** What serving shards needs of the ledger. `store` provides it, `app` hands it over; nothing here knows SQL. */
import type { StartPosition, TopicPartition } from '../../broker/broker.ts';
import type { EventType } from '../../domain/event.ts';
import type { MatchEvent } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import type { Counted } from './refused-profiles.ts';
import type { ShardRecord } from './shard.ts';

/**
 * What passes by itself (domain/transient.ts: a database that is away, a retryable AllimError) is waited out; anything else thrown while
 * a request is answered counts against the request, which is quarantined at the third time.
 */
export type RulesStore = {
  /** Where each partition of the request topics goes on, under a new fence; one left out starts at the earliest offset. */
  startPositions(group: string, partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]>;
  /** Moves a position; `position-fenced` where another member holds it or it is not at `from`. */
  advance(
    group: string,
    topic: string,
    partition: number,
    from: number,
    next: number,
    fence: number,
  ): Promise<void>;
  /** A version as published, with the catalogue fields ("sido") that its templates show; undefined where there is none. */
  ruleVersion(
    id: string,
    version: number,
  ): Promise<{ rule: Rule; valueFields: readonly string[]; eventType: EventType } | undefined>;
  /** Pages planned so far, over all runs, for each fan-out that is still open. One that is left out wants no further pages. */
  plannedPages(fanouts: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Keeps a question that cannot be answered, with its reason, and fails its fan-out where it has one. */
  quarantine(refused: ShardRecord & { readonly error: Error; readonly fanout?: string }): Promise<void>;
  /**
   * Keeps profiles that cannot be used, with their reasons, and counts others of the same reasons, in one transaction. Profiles are read
   * from the beginning at every assignment, so the same (topic, partition, offset) comes again: it is kept once and counted once, and
   * what was counted is not kept later. Headers and keys are personal, so they are kept sealed.
   */
  quarantineProfiles(
    kept: readonly (ShardRecord & { readonly error: Error })[],
    counted: readonly Counted[],
  ): Promise<void>;
  /** These citizens were unknown until now: their `unresolved` events may be judged. */
  profilesArrived(ids: readonly string[]): Promise<void>;
  /** These citizens were ended by a tombstone: their `unresolved` events end with them. */
  profilesForgotten(ids: readonly string[]): Promise<void>;
  /**
   * Citizens that `unresolved` events wait for. Those that a shard knows are given to `profilesArrived` once it has caught up and every
   * 30 s: a profile may arrive while nobody serves its shard, or between an answer that did not know it and the planning of that page.
   */
  awaited(): Promise<readonly string[]>;
};

/** A live rule under a broadcast that goes on and has an end; `id` is of both and the rule's version. */
export type OpenEntry = {
  readonly id: string;
  readonly rule: Rule;
  readonly version: number;
  readonly eventType: EventType;
  readonly event: MatchEvent;
};

/** What announcing needs: which broadcasts are open, and where the announcements of each shard stand. */
export type CrossingStore = {
  /** The ids of all that is open now, and whole those among them that `known` lacks. */
  openEntries(known: ReadonlySet<string>): Promise<{
    readonly open: ReadonlySet<string>;
    readonly fresh: readonly OpenEntry[];
  }>;
  /** Takes partitions over under a new fence; one seen for the first time stands at its `begin`. */
  claim(
    group: string,
    partitions: readonly (TopicPartition & { readonly begin: number })[],
  ): Promise<readonly StartPosition[]>;
  /** Moves a position; `position-fenced` where another member holds it or it is not at `from`. */
  advance(
    group: string,
    topic: string,
    partition: number,
    from: number,
    next: number,
    fence: number,
  ): Promise<void>;
};
