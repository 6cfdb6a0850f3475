/** What is asked of the shards beside match requests, and what a shard answers: CONTRACTS, "Reading". Both ends are ours (question-server.ts). */
import type { EventType } from '../../domain/event.ts';
import type { Expression, Reach } from '../../domain/rule.ts';
import type { Language } from '../catalogue.ts';
import type { Explanation } from '../say/explanation.ts';

/** A condition with all that it is judged by: of a live rule, of an older version or of a draft alike. */
export type Asked = {
  readonly condition: Expression;
  readonly agency: string;
  readonly eventType: EventType;
  readonly event: Readonly<Record<string, unknown>>;
  /** YYYY-MM-DD. */
  readonly asOf: string;
  readonly reach: Reach;
};

export type Question =
  /** Who: counts, and where `detail` is set how they spread and what is missing. `sample`: rows at most. */
  | { readonly kind: 'audience'; readonly asked: Asked; readonly detail: boolean; readonly sample: number }
  /** Two audiences, each as its rule's reach has it: what they share, what one has alone, and whom neither concerns. */
  | { readonly kind: 'pair'; readonly first: Asked; readonly second: Asked }
  /** Why one citizen, or why not. */
  | {
      readonly kind: 'citizen';
      readonly citizen: string;
      readonly asked: Asked;
      readonly language: Language;
    }
  /** Whom targeted events would concern: `asked.event` is each pair's own. */
  | {
      readonly kind: 'targets';
      readonly asked: Asked;
      readonly pairs: readonly {
        readonly citizen: string;
        readonly event: Readonly<Record<string, unknown>>;
      }[];
    };

export type SetName = 'certain' | 'possible' | 'both' | 'onlyFirst' | 'onlySecond' | 'neither';

/**
 * Side by side: the name of a cell, `` where the field is missing, and its citizens. Names of districts are numbers, and an object that has
 * hundreds of those costs more to make and read than counting does.
 */
export type CellCounts = { readonly names: readonly string[]; readonly counts: readonly number[] };

export type SetCounts = {
  readonly count: number;
  /** By dimension; nothing where no detail was asked for. */
  readonly cells: Readonly<Record<string, CellCounts>>;
  /** By the channels that lead to them (bits of population/reachable.ts); null where that is not known yet. */
  readonly reaches: readonly number[] | null;
  /** sketch.ts, in base64. */
  readonly sketch: string;
};

export type SampleRow = {
  /** The same for a citizen in every answer to one agency, and says nothing about the id. */
  readonly pseudonym: string;
  readonly certain: boolean;
  readonly cells: Readonly<Record<string, string | null>>;
};

export type ShardAnswer = {
  readonly shard: number;
  /** Every profile below it is counted, and none from it on. */
  readonly offset: number;
  /** The same of disputes and deaths. */
  readonly overlayOffset: number;
  /** When the contact points were read that `reaches` stands for; null before the first reading. */
  readonly reachAtMs: number | null;
  readonly citizens: number;
  readonly sets: Readonly<Partial<Record<SetName, SetCounts>>>;
  readonly missing: Readonly<Record<string, number>>;
  readonly sample: readonly SampleRow[];
  /** Of `citizen`: null where nobody of that id is known. */
  readonly explanation?: Explanation | null;
};

/** Of one process. Shards that it holds and that have not caught up yet are not among them. */
export type ProcessAnswer = { readonly partitions: number; readonly shards: readonly ShardAnswer[] };
