/**
 * A rule file, from JSON to a rule whose every expression is typed, or `rule-invalid` with all its faults. The test citizens that the file
 * carries are judged here: a rule that contradicts its own examples is refused like one that does not parse.
 */
import { AllimError, type Fault } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import type { Expression, Rule, RuleTest } from '../../domain/rule.ts';
import { DATE_STEPS } from '../../domain/value.ts';
import { parseDay } from '../calendar.ts';
import type { Fields } from '../catalogue.ts';
import { compileNumber } from '../compile/closure.ts';
import { fieldsOf, type Node, readsCitizen, type ScalarType } from '../language.ts';
import { type Layout, layoutOf, profileSource, readProfile } from '../population/profile.ts';
import { dataChecker, shapeFaults } from './shape.ts';
import { escapePointer, readExpression, type Scope } from './typing.ts';

export type RuleContext = {
  readonly fields: Fields;
  readonly eventType: (name: string) => EventType | undefined;
};

/** A rule with its trees. `anchors` holds those of stages whose anchor is an expression, by stage kind. */
export type CheckedRule = {
  readonly rule: Rule;
  readonly condition: Node;
  readonly deadline?: Node;
  readonly obligationRef?: Node;
  readonly anchors: ReadonlyMap<string, Node>;
};

function refuse(json: unknown, faults: readonly Fault[]): never {
  const id = (json as { id?: unknown } | null)?.id;
  const first = faults[0]!;
  throw new AllimError('rule-invalid', `the rule: ${first.pointer || '/'} ${first.message}`, {
    faults,
    ids: typeof id === 'string' ? { rule: id.slice(0, 64) } : {},
  });
}

/** Checks a rule file and gives it typed. Throws `rule-invalid` with a pointer to each fault. */
export function readRule(json: unknown, context: RuleContext): CheckedRule {
  const faults = shapeFaults(json);
  if (faults.length > 0) refuse(json, faults);
  const rule = json as Rule;
  const eventType = context.eventType(rule.on);
  if (eventType === undefined)
    refuse(json, [{ pointer: '/on', message: `${JSON.stringify(rule.on)} is not an event type` }]);
  if (eventType.effect === 'settles' || eventType.effect === 'withdraws')
    faults.push({ pointer: '/on', message: `an event that ${eventType.effect} tells nobody anything` });
  if (eventType.agency !== rule.agency)
    faults.push({
      pointer: '/on',
      message: `belongs to another agency, ${JSON.stringify(eventType.agency)}`,
    });

  const scope: Scope = { fields: context.fields, agency: rule.agency, eventType, citizen: true };
  const read = (
    expression: unknown,
    pointer: string,
    type?: ScalarType,
    within: Scope = scope,
  ): Node | undefined => readExpression(expression, pointer, within, faults, type);

  const condition = read(rule.condition, '/condition', 'boolean');
  const deadline = rule.deadline && read(rule.deadline.at, '/deadline/at', 'date');
  const obligationRef =
    rule.obligation && read(rule.obligation.ref, '/obligation/ref', undefined, { ...scope, citizen: false });
  if (
    obligationRef &&
    (obligationRef.type === 'boolean' || obligationRef.type === 'number' || isList(obligationRef))
  )
    faults.push({ pointer: '/obligation/ref', message: 'must be a text, an integer or a date' });
  const anchors = readStages(rule, deadline, read, faults);
  if (obligationRef) faults.push(...overEventFaults(rule.obligation!.ref, '/obligation/ref'));
  if (deadline && !readsCitizen(deadline)) faults.push(...overEventFaults(rule.deadline!.at, '/deadline/at'));
  rule.stages.forEach(({ kind, anchor }, index) => {
    const node = anchors.get(kind);
    if (node && !readsCitizen(node)) faults.push(...overEventFaults(anchor, `/stages/${index}/anchor`));
  });
  checkBasis(rule, [condition, deadline, ...anchors.values()], faults);

  if (faults.length > 0 || condition === undefined) refuse(json, faults);
  faults.push(...testFaults(rule, condition, eventType, context.fields));
  if (faults.length > 0) refuse(json, faults);
  return {
    rule,
    condition,
    anchors,
    ...(deadline ? { deadline } : {}),
    ...(obligationRef ? { obligationRef } : {}),
  };
}

/** As `readRule`, for those who need the rule and not its trees. */
export function checkRule(json: unknown, context: RuleContext): Rule {
  return readRule(json, context).rule;
}

function isList(node: Node): boolean {
  return node.kind === 'event' && node.list;
}

/** What the dispatcher evaluates without a citizen speaks less than a condition: see evaluateOverEvent. */
function overEventFaults(expression: Expression, pointer: string): Fault[] {
  if (expression === null || typeof expression !== 'object') return [];
  const [operator, operand] = Object.entries(expression as Record<string, Expression>)[0] ?? ['', null];
  const at = `${pointer}/${escapePointer(operator)}`;
  if (operator === 'var')
    return typeof operand === 'string' ? [] : [{ pointer: at, message: 'is not a path in one text' }];
  if (Object.hasOwn(DATE_STEPS, operator) && Array.isArray(operand))
    return operand.flatMap((part, index) => overEventFaults(part, `${at}/${index}`));
  const known = Object.keys(DATE_STEPS).join(', ');
  return [{ pointer: at, message: `cannot stand here: only var and ${known} are known without a citizen` }];
}

function readStages(
  rule: Rule,
  deadline: Node | undefined,
  read: (expression: unknown, pointer: string, type?: ScalarType) => Node | undefined,
  faults: Fault[],
): Map<string, Node> {
  const anchors = new Map<string, Node>();
  const kinds = new Set<string>();
  rule.stages.forEach((stage, index) => {
    const at = `/stages/${index}`;
    if (kinds.has(stage.kind)) faults.push({ pointer: `${at}/kind`, message: 'is there twice' });
    kinds.add(stage.kind);
    if (!Object.hasOwn(rule.templates, stage.kind))
      faults.push({
        pointer: `/templates/${escapePointer(stage.kind)}`,
        message: 'is missing: each stage names its template',
      });
    const { anchor } = stage;
    if (anchor === 'event') return;
    let node = deadline;
    if (anchor !== 'deadline') {
      node = read(anchor, `${at}/anchor`, 'date');
      if (node !== undefined) anchors.set(stage.kind, node);
    } else if (rule.deadline === undefined)
      faults.push({ pointer: `${at}/anchor`, message: 'is the deadline, which the rule does not have' });
    // One schedule serves a whole campaign; a date of each citizen's own needs one for each day of the year.
    if (node !== undefined && readsCitizen(node))
      faults.push({
        pointer: `${at}/anchor`,
        message: 'depends on citizen.*; a stage hangs on the event or on a date of it',
      });
  });
  for (const kind of Object.keys(rule.templates))
    if (kind !== 'corrected' && !kinds.has(kind))
      faults.push({ pointer: `/templates/${escapePointer(kind)}`, message: 'is not a stage of the rule' });
  return anchors;
}

/** A sensitive attribute may be used only where a law says so, and the rule has to name it. */
function checkBasis(rule: Rule, nodes: readonly (Node | undefined)[], faults: Fault[]): void {
  if (rule.basis?.['law']) return;
  for (const node of nodes)
    for (const field of node === undefined ? [] : fieldsOf(node))
      if (field.sensitivity === 'sensitive') {
        faults.push({ pointer: '/basis/law', message: `is missing: citizen.${field.name} is sensitive` });
        return;
      }
}

function testFaults(rule: Rule, condition: Node, eventType: EventType, fields: Fields): Fault[] {
  const layout = layoutOf(fields);
  const judge = compileNumber(condition, profileSource(layout));
  const checkData = dataChecker(eventType.schema);
  return rule.tests.flatMap((test, index) => oneTest(test, `/tests/${index}`, judge, checkData, layout));
}

function oneTest(
  test: RuleTest,
  at: string,
  judge: ReturnType<typeof compileNumber<ReturnType<typeof readProfile>>>,
  checkData: ReturnType<typeof dataChecker>,
  layout: Layout,
): Fault[] {
  const faults = checkData(test.event, `${at}/event`);
  const asOf = parseDay(test.asOf);
  if (Number.isNaN(asOf))
    faults.push({ pointer: `${at}/asOf`, message: 'is not a day of the calendar (YYYY-MM-DD)' });
  for (const name of Object.keys(test.citizen))
    if (!layout.fields.has(name))
      faults.push({
        pointer: `${at}/citizen/${escapePointer(name)}`,
        message: 'is not in the field catalogue',
      });
  try {
    const profile = readProfile(test.citizen, layout);
    if (faults.length > 0) return faults;
    const truth = judge(profile, { event: test.event, asOf });
    const found = truth === 1 ? 'certain' : truth === 0 ? 'no' : 'possible';
    if (found !== test.expect)
      faults.push({
        pointer: `${at}/expect`,
        message: `is ${test.expect}, but the condition gives ${found}`,
      });
  } catch (error) {
    if (!(error instanceof AllimError)) throw error;
    faults.push(...error.faults.map((fault) => ({ ...fault, pointer: `${at}/citizen${fault.pointer}` })));
  }
  return faults;
}
