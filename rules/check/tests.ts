/** The test citizens that a rule file carries, judged by the condition itself, and what does not come out as the file expects. */
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import type { Rule, RuleTest } from '../../domain/rule.ts';
import { parseDay } from '../calendar.ts';
import type { Fields } from '../catalogue.ts';
import { compileNumber } from '../compile/closure.ts';
import type { Node } from '../language.ts';
import { type Layout, layoutOf, type Profile, profileSource, readProfile } from '../population/profile.ts';
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
  judge: ReturnType<typeof compileNumber<Profile>>,
  checkData: ReturnType<typeof dataChecker>,
  layout: Layout,
): JudgedTest {
  const { profile, faults } = readAsked(test, at, checkData, layout);
  if (profile === undefined) return { found: null, faults };
  const truth = judge(profile, { event: test.event, asOf: parseDay(test.asOf) });
  const found = truth === 1 ? 'certain' : truth === 0 ? 'no' : 'possible';
  return {
    found,
    faults: found === test.expect ? [] : [refusal('test-failed', `${at}/expect`, test.expect, found)],
  };
}

/** What is asked of a rule outside its file: as a test of it, but for what it should come out as. */
export type Asked = Pick<RuleTest, 'asOf' | 'citizen' | 'event'>;

/** What is wrong with it, by pointers into it. What an event lacks is no fault: it is missing, and judged so. */
export function askedFaults(asked: Asked, eventType: EventType, fields: Fields): readonly RuleFault[] {
  const { faults } = readAsked(asked, '', dataChecker(eventType.schema), layoutOf(fields));
  return faults.filter(({ code }) => code !== 'shape-missing-member');
}

/** The profile, where nothing is wrong. */
function readAsked(
  { asOf, citizen, event }: Asked,
  at: string,
  checkData: ReturnType<typeof dataChecker>,
  layout: Layout,
): { readonly profile?: Profile; readonly faults: readonly RuleFault[] } {
  const faults = checkData(event, `${at}/event`);
  if (Number.isNaN(parseDay(asOf))) faults.push(refusal('test-day', `${at}/asOf`));
  for (const name of Object.keys(citizen))
    if (!layout.fields.has(name))
      faults.push(refusal('test-field-unknown', `${at}/citizen/${escapePointer(name)}`, name));
  try {
    const profile = readProfile(citizen, layout);
    return faults.length > 0 ? { faults } : { profile, faults };
  } catch (error) {
    if (!(error instanceof AllimError)) throw error;
    for (const { pointer } of error.faults)
      faults.push(citizenFault(pointer, `${at}/citizen`, layout.fields));
  }
  return { faults };
}

/** `pointer` leads into a profile (profile.ts): to a field, to an item of its list, or to a member of that. */
function citizenFault(pointer: string, at: string, fields: Fields): RuleFault {
  const [, name = '', index, member] = pointer.split('/');
  const field = fields.get(name);
  if (field === undefined) return refusal('shape-type', at, 'object');
  const place = `${at}${pointer}`;
  if (field.type !== 'list' || index === undefined)
    return refusal('test-citizen-invalid', place, field.labels, field);
  const inside = field.items[member ?? ''];
  return refusal('test-citizen-invalid', place, (inside ?? field).labels, inside ?? 'item');
}
