/** An entry that opened while an index is built: judged by its closure until an index has it. */
import { type Circumstances, compileNumber, type Numbers } from '../compile/closure.ts';
import type { Population } from '../population/population.ts';
import type { Entry } from './entry.ts';

export type Beside = {
  readonly entry: Entry;
  /** The look at the open entries that had begun when it was included. */
  readonly since: number;
  readonly judge: Numbers<number>;
  readonly given: Circumstances;
};

export function besideOf(entry: Entry, since: number, asOf: number, population: Population): Beside {
  return {
    entry,
    since,
    judge: compileNumber(entry.condition, population.source()),
    given: { event: entry.event, asOf },
  };
}

/** Whether it concerns whoever has the slot. */
export function reaches({ entry, judge, given }: Beside, slot: number): boolean {
  const truth = judge(slot, given);
  return truth === 1 || (Number.isNaN(truth) && entry.reachesPossible);
}
