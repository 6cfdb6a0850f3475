/** What was asked, read like a rule: checked against the catalogue and the event type, lowered for its day. */
import { AllimError } from '../../domain/errors.ts';
import type { WorkingDays } from '../../domain/timeline.ts';
import { parseDay } from '../calendar.ts';
import type { Fields } from '../catalogue.ts';
import { readExpression } from '../check/typing.ts';
import type { Circumstances } from '../compile/closure.ts';
import type { Node } from '../language.ts';
import { lower } from '../lower/lower.ts';
import type { Lowered } from '../lower/lowered.ts';
import type { RuleFault } from '../refusals.ts';
import type { Asked } from './question.ts';

export type Tree = {
  readonly condition: Node;
  readonly lowered: Lowered;
  readonly given: Circumstances;
  readonly reachesPossible: boolean;
};

/** Throws `rule-invalid` with the faults of the condition, `request-invalid` for a day that is none. */
export function treeOf(asked: Asked, fields: Fields, calendar?: WorkingDays): Tree {
  const faults: RuleFault[] = [];
  const { agency, eventType } = asked;
  const scope = { fields, agency, eventType, citizen: true };
  const condition = readExpression(asked.condition, '/condition', scope, faults, 'boolean');
  if (condition === undefined || faults.length > 0)
    throw new AllimError('rule-invalid', `the condition: ${faults[0]?.message ?? 'is none'}`, { faults });
  const asOf = parseDay(asked.asOf);
  if (Number.isNaN(asOf))
    throw new AllimError('request-invalid', 'the day is none of the calendar', {
      faults: [{ pointer: '/asOf', message: 'must be a day (YYYY-MM-DD)' }],
    });
  const given = { event: asked.event, asOf };
  return {
    condition,
    lowered: lower(condition, given, calendar),
    given,
    reachesPossible: asked.reach === 'possible',
  };
}
