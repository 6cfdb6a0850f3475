/** What each operator takes and gives: what check/ counts and types by, and what the published schema and docs/rules.md are held to. */
import type { LOGIC, Operator, Quantifier } from './language.ts';

/**
 * `value` is anything with a value; `ordered` a number or a date; `variable` a bare `var`; `list` a list field of the citizen; `values`
 * literals or a list of the event; `direction` "next" or "previous".
 */
export type Takes =
  | 'condition'
  | 'date'
  | 'integer'
  | 'value'
  | 'ordered'
  | 'variable'
  | 'list'
  | 'values'
  | 'direction';
export type Gives = 'condition' | 'date' | 'integer' | 'value';
export type Signature = {
  readonly takes: readonly Takes[];
  readonly gives: Gives;
  /** The last may be repeated; in `if` the last two. */
  readonly repeats?: true;
};

const comparison = (of: Takes): Signature => ({ takes: [of, of], gives: 'condition' });
const ofDate: Signature = { takes: ['date'], gives: 'integer' };
const added: Signature = { takes: ['date', 'integer'], gives: 'date' };
const overItems: Signature = { takes: ['list', 'condition'], gives: 'condition' };

export const SIGNATURES: Readonly<
  Record<Operator | Quantifier | 'known' | (typeof LOGIC)[number], Signature>
> = {
  and: { takes: ['condition'], gives: 'condition', repeats: true },
  or: { takes: ['condition'], gives: 'condition', repeats: true },
  '!': { takes: ['condition'], gives: 'condition' },
  if: { takes: ['condition', 'value', 'value'], gives: 'value', repeats: true },
  '==': comparison('value'),
  '!=': comparison('value'),
  '<': comparison('ordered'),
  '<=': comparison('ordered'),
  '>': comparison('ordered'),
  '>=': comparison('ordered'),
  between: { takes: ['ordered', 'ordered', 'ordered'], gives: 'condition' },
  in: { takes: ['value', 'values'], gives: 'condition' },
  known: { takes: ['variable'], gives: 'condition' },
  some: overItems,
  all: overItems,
  none: overItems,
  age: ofDate,
  ageMonths: ofDate,
  yearAge: ofDate,
  parity: ofDate,
  monthDay: ofDate,
  daysUntil: ofDate,
  daysSince: ofDate,
  within: { takes: ['date', 'integer'], gives: 'condition' },
  addDays: added,
  addMonths: added,
  addYears: added,
  addWorkingDays: added,
  workingDay: { takes: ['date', 'direction'], gives: 'date' },
};
