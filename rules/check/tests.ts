/** The test citizens that a rule file carries, judged by the condition itself, and what does not come out as the file expects. */
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import type { Rule, RuleTest } from '../../domain/rule.ts';
import { parseDay } from '../calendar.ts';
import type { Fields } from '../catalogue.ts';
import { compileNumber } from '../compile/closure.ts';
import type { Node } from '../language.ts';
import { type Layout, layoutOf, profileSource, readProfile } from '../population/profile.ts';
import { type RuleFault, refusal } from '../refusals.ts';
import { escapePointer } from './literals.ts';
import { dataChecker } from './shape.ts';

export function testFaults(rule: Rule, condition: Node, eventType: EventType, fields: Fields): RuleFault[] {
  return judgeTests(rule.tests, condition, eventType, fields).flatMap(({ faults }) => faults);
}

export type JudgedTest = {
  /** null where the test itself cannot be read. */
  readonly found: RuleTest['expect'] | null;
  readonly faults: readonly RuleFault[];
};

/** How each comes out, in their order; the pointers of the faults lead into the rule. */
export function judgeTests(
  tests: readonly RuleTest[],
  condition: Node,
  eventType: EventType,
  fields: Fields,
): readonly JudgedTest[] {
  const layout = layoutOf(fields);
  const judge = compileNumber(condition, profileSource(layout));
  const checkData = dataChecker(eventType.schema);
  return tests.map((test, index) => oneTest(test, `/tests/${index}`, judge, checkData, layout));
}

function oneTest(
  test: RuleTest,
  at: string,
  judge: ReturnType<typeof compileNumber<ReturnType<typeof readProfile>>>,
  checkData: ReturnType<typeof dataChecker>,
  layout: Layout,
): JudgedTest {
  const faults = checkData(test.event, `${at}/event`);
  const asOf = parseDay(test.asOf);
  if (Number.isNaN(asOf)) faults.push(refusal('test-day', `${at}/asOf`));
  for (const name of Object.keys(test.citizen))
    if (!layout.fields.has(name))
      faults.push(refusal('test-field-unknown', `${at}/citizen/${escapePointer(name)}`, name));
  try {
    const profile = readProfile(test.citizen, layout);
    if (faults.length > 0) return { found: null, faults };
    const truth = judge(profile, { event: test.event, asOf });
    const found = truth === 1 ? 'certain' : truth === 0 ? 'no' : 'possible';
    if (found !== test.expect) faults.push(refusal('test-failed', `${at}/expect`, test.expect, found));
    return { found, faults };
  } catch (error) {
    if (!(error instanceof AllimError)) throw error;
    for (const { pointer, message } of error.faults)
      faults.push(refusal('test-citizen-invalid', `${at}/citizen${pointer}`, message));
  }
  return { found: null, faults };
}
