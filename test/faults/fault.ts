/**
 * What a fault is. A run of `npm run faults` keeps one installation (separate processes, real Kafka, Redis, Postgres behind proxies of
 * ours, faulty sinks) and goes through faults one after the other: a *round* each. A round produces its notices, inflicts the fault while they
 * are under way, waits until the product says it is idle, and lets the oracle count what is lost and what is doubled of that round.
 */

import type { FailurePlan, ReceiptPlan } from '../sinks/sink.ts';
import type { FaultyProxy } from './proxy.ts';

/** Where a process stands in the product; several of a role are numbered: `workers-1`. */
export type ProcessName = `${'producers' | 'web' | 'dispatcher' | 'rules' | 'workers'}-${number}`;
export type Channel = 'push' | 'email' | 'sms';

/** What a sink has accepted. */
export type Arrival = {
  readonly channel: Channel;
  /** Push: the citizen's id; email: the mailbox, which begins with it; SMS: the number. */
  readonly address: string;
  /** Topic, Message-ID or our reference; null where the protocol has none. */
  readonly delivery: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly atMs: number;
};

export interface Processes {
  names(role?: string): readonly ProcessName[];
  /** kill -9; down until `start`. */
  kill(name: ProcessName): Promise<void>;
  /** With more environment, e.g. `ALLIM_MARK`. Resolves when it answers (`/healthz`) or has ended. */
  start(name: ProcessName, env?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGTERM, and waits for its end; seconds that took. */
  stop(name: ProcessName): Promise<number>;
  freeze(name: ProcessName): void;
  thaw(name: ProcessName): void;
  /**
   * `kill plan:committed 2`: it dies (`stop`: it freezes) the second time that it comes there from now on, and may, without anybody complaining.
   * null: no more. Nothing happens where it does not run.
   */
  arm(name: ProcessName, mark: string | null): void;
  isUp(name: ProcessName): boolean;
  /** Where it serves HTTP: `/healthz`, `/readyz`, `/metrics`. */
  url(name: ProcessName): string;
  /** Of one that runs. */
  pid(name: ProcessName): number;
  /** Resolves when it has ended by itself (a mark, say) and to how: `SIGKILL`, an exit code. Rejects after `withinMs`. */
  ended(name: ProcessName, withinMs: number): Promise<string>;
}

/** What a fault has to work with. */
export type Stage = {
  readonly notices: number;
  /** Uniform in [0, 1), from the run's seed and the fault's name: the same seed makes the same choices. */
  readonly random: () => number;
  /** The choices that the fault of this name makes, alone or as a part of another. */
  choicesOf(name: string): () => number;
  /** A factor over every outage and time-out of the run, the product's too (ALLIM_PACE). */
  readonly pace: number;
  /** Waits `ms` at the run's pace. */
  pause(ms: number): Promise<void>;
  /** Resolves when this share (0 to 1) of the round's expected notices has arrived at the sinks. Rejects after three minutes. */
  arrived(share: number): Promise<void>;
  /** Notices of this round at the sinks so far. */
  count(): Promise<number>;
  /** What the sinks have accepted of this round so far, in order. */
  arrivals(): Promise<readonly Arrival[]>;
  /** Where the fault has members: the next part of the round's notices goes out. What is left when it is over follows by itself. */
  produceNext(): void;
  readonly processes: Processes;
  /** Between the product and everything else. Kafka's are one a broker: `kafka-1`. */
  readonly proxies: Readonly<Record<'postgres' | 'redis' | `kafka-${number}` | Channel, FaultyProxy>>;
  readonly services: Services;
  readonly sinks: {
    fail(channel: Channel, plan: FailurePlan | null): void;
    /** What they say later of what they accept from now on. */
    receipts(channel: Channel, plan: ReceiptPlan | null): void;
  };
  /** Where the product takes receipts, and what a mail system shows there. */
  readonly url: string;
  readonly bounceToken: string;
  /** The administrator's API of the product: status, stops, quarantine, dead letters. */
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** SQL against the product's own database: to look, and to inflict (locks). Never used for judging but where the ledger is what is judged. */
  sql<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** Of the run: the product's `data`, and a log of each process. */
  readonly folder: string;
  say(line: string): void;
};

/** A file system of a server's own, which can be filled up. */
export interface SmallDisk {
  /** Leaves `freeBytes` of it. */
  fill(freeBytes: number): Promise<void>;
  mend(): Promise<void>;
}

/** The servers themselves. Each call resolves when it has come about. Brokers are numbered from 1. */
export interface Services {
  readonly kafka: {
    readonly brokers: number;
    kill(broker: number): Promise<void>;
    /** SIGTERM: it hands its partitions over and ends. */
    stop(broker: number): Promise<void>;
    /** Nothing happens where it runs. */
    start(broker: number): Promise<void>;
    freeze(broker: number): void;
    thaw(broker: number): void;
    /** host:port of the brokers themselves, past the proxies. */
    readonly direct: string;
    /** Null where a process may not mount one. */
    disk(broker: number): SmallDisk | null;
  };
  /** Without persistence unless it is told: killed and started it is empty. */
  readonly redis: {
    kill(): Promise<void>;
    /** It loads `dump.rdb` of its folder where there is one. */
    start(): Promise<void>;
    freeze(): void;
    thaw(): void;
    /** A command, e.g. `['FLUSHALL']`. */
    command(words: readonly string[]): Promise<unknown>;
    /** Starts a replica and stops it in mid-air once it has caught up: what is written from then on it does not have. */
    replicate(): Promise<void>;
    /** kill -9 of the server; the replica takes its place. Resolves to its port. */
    failOver(): Promise<number>;
    readonly url: string;
    readonly folder: string;
  };
  readonly postgres: {
    kill(): Promise<void>;
    start(): Promise<void>;
    freeze(): Promise<void>;
    thaw(): Promise<void>;
    /** Past the proxy. */
    readonly url: string;
    readonly dataDir: string;
    /** Null where a process may not mount one. */
    readonly disk: SmallDisk | null;
  };
}

export type FaultGroup =
  | 'processes'
  | 'kafka'
  | 'redis'
  | 'postgres'
  | 'providers'
  | 'receipts'
  | 'machine'
  | 'load';

export type Fault = {
  /** kebab-case, unique; what `--faults` takes. */
  readonly name: string;
  readonly group: FaultGroup;
  /** One sentence: what is inflicted. Stands in docs/sending.md. */
  readonly does: string;
  /** Brokers it needs; 1 unless said. */
  readonly brokers?: 1 | 3;
  /** It asks how fast the product is, or takes what every lane needs: no other installation runs beside it. */
  readonly alone?: boolean;
  /** Share of the run's notices that this round has; 1 unless said. */
  readonly notices?: number;
  /** How the sinks deduplicate is theirs; whether doubles may happen at all: only where a call can be under way when somebody dies. */
  readonly doubles?: boolean;
  /** Whether a notice may never arrive where the ledger owns up to it: nobody knows of any call, or every address was refused. As `doubles` unless said: whoever dies in a call leaves one of which nobody knows, and the policy may be not to repeat it. */
  readonly left?: boolean;
  /** Faults that share this round: its notices come in as many parts, and its verdict is that of each. */
  readonly members?: readonly Fault[];
  /** What cannot be had here, in words (no root, no Docker); undefined where it can be run. */
  unavailable?(): Promise<string | undefined>;
  /** Before the round's notices are produced. */
  prepare?(stage: Stage): Promise<void>;
  /** While they are under way. Must leave nothing behind: everything it broke it mends, also when it throws. */
  inflict(stage: Stage): Promise<void>;
  /** After the product is idle again; returns what is wrong beyond loss and doubles, a line each. */
  judge?(stage: Stage): Promise<readonly string[]>;
};
