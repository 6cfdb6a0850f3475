/** For whom an imported condition answers otherwise than the JsonLogic it came from: test citizens, whole and with fields taken away. */
import type { RuleTest } from '../../domain/rule.ts';
import { parseDay } from '../calendar.ts';
import { compileNumber } from '../compile/closure.ts';
import { fieldsOf, type Node } from '../language.ts';
import { type Layout, profileSource, readProfile } from '../population/profile.ts';
import { isTrue, plainAnswer } from './plain-json-logic.ts';

export type Difference = {
  /** The test's name. */
  readonly citizen: string;
  /** Fields that were taken away; none where the two differ on whole data. */
  readonly without: readonly string[];
  readonly plain: boolean;
  readonly strict: 'certain' | 'possible' | 'no';
};

/** Null where the JsonLogic uses operators of ours, of which ordinary JsonLogic has no answer. Each test costs as many judgements as there are fields. */
export function differencesOf(
  given: unknown,
  condition: Node,
  tests: readonly Pick<RuleTest, 'name' | 'asOf' | 'citizen' | 'event'>[],
  layout: Layout,
): readonly Difference[] | null {
  const judge = compileNumber(condition, profileSource(layout));
  const names = [...fieldsOf(condition)].map((field) => field.name);
  const found: Difference[] = [];
  try {
    for (const test of tests) {
      const present = names.filter((name) => test.citizen[name] !== undefined && test.citizen[name] !== null);
      const taken = [[], ...present.map((name) => [name]), ...(present.length > 1 ? [present] : [])];
      for (const without of taken) {
        const citizen = Object.fromEntries(
          Object.entries(test.citizen).filter(([name]) => !without.includes(name)),
        );
        const truth = judge(readProfile(citizen, layout), { event: test.event, asOf: parseDay(test.asOf) });
        const strict = truth === 1 ? 'certain' : truth === 0 ? 'no' : 'possible';
        const data = { ...test.event, ...citizen, citizen, event: test.event };
        const plain = isTrue(plainAnswer(given, data));
        if (strict !== (plain ? 'certain' : 'no')) found.push({ citizen: test.name, without, plain, strict });
      }
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return found;
}
