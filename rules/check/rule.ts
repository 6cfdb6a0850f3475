/**
 * A rule file, from JSON to a rule whose every expression is typed, or `rule-invalid` with all its faults. The test citizens that the file
 * carries are judged here: a rule that contradicts its own examples is refused like one that does not parse.
 */
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import type { Expression, Rule } from '../../domain/rule.ts';
import { DATE_STEPS } from '../../domain/value.ts';
import type { Fields } from '../catalogue.ts';
import { fieldsOf, membersOf, type Node, readsCitizen, type ScalarType } from '../language.ts';
import { type RuleFault, refusal } from '../refusals.ts';
import { shapeFaults } from './shape.ts';
import { testFaults } from './tests.ts';
import { textFaults } from './texts.ts';
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

function refuse(json: unknown, faults: readonly RuleFault[]): never {
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
  faults.push(...textFaults(rule));
  const eventType = context.eventType(rule.on);
  if (eventType === undefined) refuse(json, [refusal('event-type-unknown', '/on', rule.on)]);
  if (eventType.effect === 'settles' || eventType.effect === 'withdraws')
    faults.push(refusal('event-type-tells-nobody', '/on', eventType.effect));
  if (eventType.agency !== rule.agency) faults.push(refusal('event-type-foreign', '/on', eventType.agency));

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
    faults.push(refusal('obligation-type', '/obligation/ref'));
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
function overEventFaults(expression: Expression, pointer: string): RuleFault[] {
  if (expression === null || typeof expression !== 'object') return [];
  const [operator, operand] = Object.entries(expression as Record<string, Expression>)[0] ?? ['', null];
  const at = `${pointer}/${escapePointer(operator)}`;
  if (operator === 'var') return typeof operand === 'string' ? [] : [refusal('variable-malformed', at)];
  if (Object.hasOwn(DATE_STEPS, operator) && Array.isArray(operand))
    return operand.flatMap((part, index) => overEventFaults(part, `${at}/${index}`));
  return [refusal('not-without-citizen', at, ['var', ...Object.keys(DATE_STEPS)].join(', '))];
}

function readStages(
  rule: Rule,
  deadline: Node | undefined,
  read: (expression: unknown, pointer: string, type?: ScalarType) => Node | undefined,
  faults: RuleFault[],
): Map<string, Node> {
  const anchors = new Map<string, Node>();
  const kinds = new Set<string>();
  rule.stages.forEach((stage, index) => {
    const at = `/stages/${index}`;
    if (kinds.has(stage.kind)) faults.push(refusal('stage-twice', `${at}/kind`));
    kinds.add(stage.kind);
    if (!Object.hasOwn(rule.templates, stage.kind))
      faults.push(refusal('template-missing', `/templates/${escapePointer(stage.kind)}`, stage.kind));
    const { anchor } = stage;
    if (anchor === 'event') return;
    let node = deadline;
    if (anchor !== 'deadline') {
      node = read(anchor, `${at}/anchor`, 'date');
      if (node !== undefined) anchors.set(stage.kind, node);
    } else if (rule.deadline === undefined) faults.push(refusal('deadline-missing', `${at}/anchor`));
    // One schedule serves a whole campaign; a date of each citizen's own needs one for each day of the year.
    if (node !== undefined && readsCitizen(node)) faults.push(refusal('anchor-of-citizen', `${at}/anchor`));
  });
  for (const kind of Object.keys(rule.templates))
    if (kind !== 'corrected' && !kinds.has(kind))
      faults.push(refusal('template-without-stage', `/templates/${escapePointer(kind)}`, kind));
  return anchors;
}

/** A sensitive attribute may be used only where a law says so, and the rule has to name it. */
function checkBasis(rule: Rule, nodes: readonly (Node | undefined)[], faults: RuleFault[]): void {
  if (rule.basis?.['law']) return;
  const given = nodes.filter((node) => node !== undefined);
  const read = given.flatMap((node) => [...fieldsOf(node), ...membersOf(node)]);
  const sensitive = read.find((field) => field.sensitivity === 'sensitive');
  if (sensitive !== undefined) faults.push(refusal('law-missing', '/basis/law', sensitive.labels));
}
