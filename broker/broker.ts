/**
 * The event log: a port in Kafka's words with two adapters, kafka.ts and embedded.ts, held to one conformance suite.
 * Guarantees: order per partition; at-least-once to a handler; an append that resolved survives the loss of the process and of a
 * minority of replicas; compaction by key on topics that ask for it. It keeps no positions: whoever consumes stores them in the
 * transaction that did the work, and is asked for them at every assignment.
 */
import type { RecordFlaws } from '../domain/record-flaws.ts';

export type TopicPartition = { readonly topic: string; readonly partition: number };

export type NewRecord = {
  readonly key: string | null;
  /** null is a tombstone on a compacted topic. */
  readonly value: Buffer | string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Explicit partition; else murmur2 of the key (domain/murmur2.ts), else spread. */
  readonly partition?: number;
};

export type LogRecord = TopicPartition & {
  readonly offset: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  /** Header names as sent; values decoded as UTF-8. */
  readonly headers: Readonly<Record<string, string>>;
  /** Only where key or headers say more than text can hold. Whoever judges by them looks here first. */
  readonly flaws?: RecordFlaws;
  /** Append or create time, ms since the epoch. */
  readonly timestampMs: number;
};

export type Appended = TopicPartition & { readonly offset: number };

export type TopicSpec = {
  readonly topic: string;
  readonly partitions: number;
  readonly compacted: boolean;
  /** How long tombstones stay readable on a compacted topic (ms). */
  readonly deleteRetentionMs?: number;
};

/** Where a partition starts. `fence` is the consumer's token for this assignment: it comes back on every batch. */
export type StartPosition = TopicPartition & { readonly offset: number; readonly fence: number };

export type Batch = TopicPartition & {
  /** The fetch position this batch was read from: the stored position, or the `next` of the batch before. */
  readonly from: number;
  /** The position after it. At least last offset + 1; more where the log has holes (compaction, transaction markers). */
  readonly next: number;
  readonly fence: number;
  /** Ascending offsets; may be empty where a hole was skipped. */
  readonly records: readonly LogRecord[];
  /** Keeps the membership alive in long work. Rejects when the partition was lost. */
  heartbeat(): Promise<void>;
  /** Says that everything below `next` is done for good: should the handler throw after that, only the rest comes again. */
  advance(next: number): void;
  /** Aborted when the partition is revoked or the consumer stops. */
  readonly signal: AbortSignal;
};

export type Subscription = {
  readonly group: string;
  readonly topics: readonly string[];
  /** One member holds the same partition number of every topic. */
  readonly coPartitioned?: boolean;
  /** Upper bound of records in one batch; 500 unless told. */
  readonly maxBatchRecords?: number;
  /**
   * Called at every assignment, before any record of it is handed over, with what was assigned. Returns where each partition
   * starts; one left out starts at the earliest offset with fence 0. Also called again for one partition after its handler threw
   * `position-fenced`. A partition kept through a rebalance is not revoked, but may be named here again. When this throws it is
   * asked again after a back-off.
   */
  assigned(partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]>;
  /** Work on these must stop; called after the running handlers of them have ended or were aborted. */
  revoked?(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * Handles a batch; batches of one partition never overlap, those of different partitions may run side by side. When it resolves the
   * consumer goes on from `next`. When it throws, the same batch (or what is left of it above `advance`) comes again after a
   * back-off (100 ms doubling to 10 s), while the other partitions go on.
   */
  handle(batch: Batch): Promise<void>;
  /** A partition that cannot go on by itself (`offset-out-of-range`, topic recreated): it stays stopped, others go on. */
  stopped?(partition: TopicPartition, error: Error): void;
};

export interface Consumer {
  start(): Promise<void>;
  /** Resolves when running handlers have ended and the group has been left. Safe to call twice. */
  stop(): Promise<void>;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** What this member holds now. */
  assignment(): readonly TopicPartition[];
  /** False while a partition of this assignment is stopped, after an error the consumer could not heal, or when nothing was polled for 30 s. */
  healthy(): boolean;
}

export interface Broker {
  start(): Promise<void>;
  stop(): Promise<void>;
  /**
   * With `create`, makes missing topics. Always checks that each exists with the given number of partitions and cleanup policy
   * (`topic-invalid` names every difference).
   */
  prepare(topics: readonly TopicSpec[], options: { create: boolean }): Promise<void>;
  /**
   * Appends and resolves when every record is durable (acks = all). Order within one call and partition is kept. On rejection any
   * part may have been written: whoever calls repeats the whole call. A record over 1 MiB (key, value and headers) is refused
   * with `record-too-large` before anything is sent.
   */
  append(topic: string, records: readonly NewRecord[]): Promise<readonly Appended[]>;
  /** The names of all topics that begin with `prefix`, ascending. */
  topics(prefix: string): Promise<readonly string[]>;
  /** The offset the next record of each partition will get, by partition. */
  ends(topic: string): Promise<readonly number[]>;
  /** The first readable offset of each partition. */
  begins(topic: string): Promise<readonly number[]>;
  subscribe(subscription: Subscription): Consumer;
  /** Round trip to the brokers; rejects with `broker-unavailable`. */
  ping(): Promise<void>;
}

export const MAX_RECORD_BYTES = 1_048_576;
