/** Whom targeted events of other days would concern: pairs of citizen and event, each judged by the closure. */
import type { WorkingDays } from '../../domain/timeline.ts';
import { compileNumber } from '../compile/closure.ts';
import { REACHES } from '../population/reachable.ts';
import type { Question, SetCounts, ShardAnswer } from './question.ts';
import { headOf } from './question-head.ts';
import type { Tree } from './question-tree.ts';
import type { Shard } from './shard.ts';
import { emptySketch, mix, sketchBytes } from './sketch.ts';

/** Pairs between two pauses: half a millisecond of closures. */
const PAIRS_A_STEP = 1_000;

/** As of its own offset for each thousand pairs; the one named is the last. People of a day's notices are counted, not compared. */
export async function answerTargets(
  question: Extract<Question, { kind: 'targets' }>,
  tree: Tree,
  shard: Shard,
  calendar: WorkingDays,
  pause: () => Promise<void>,
): Promise<ShardAnswer> {
  const { population } = shard;
  const judge = compileNumber(tree.condition, population.source(), calendar);
  const sets = { certain: newTargets(), possible: newTargets() };
  let at = 0;
  for (const { citizen, event } of question.pairs) {
    if (++at % PAIRS_A_STEP === 0) await pause();
    const slot = population.slotOf(citizen);
    if (slot === undefined || !population.isLive(slot)) continue;
    const truth = judge(slot, { event, asOf: tree.given.asOf });
    if (truth === 0) continue;
    const set = truth === 1 ? sets.certain : sets.possible;
    set.count++;
    set.reaches[population.reachable.reachOf(slot)]!++;
    mix(set.sketch, population.marks.of(slot));
  }
  const counts = ({ count, reaches, sketch }: ReturnType<typeof newTargets>): SetCounts => ({
    count,
    cells: {},
    reaches: population.reachable.asOfMs === null ? null : reaches,
    sketch: sketchBytes(sketch).toString('base64'),
  });
  return {
    ...headOf(shard),
    sets: { certain: counts(sets.certain), possible: counts(sets.possible) },
    missing: {},
    sample: [],
  };
}

const newTargets = () => ({ count: 0, reaches: new Array<number>(REACHES).fill(0), sketch: emptySketch() });
