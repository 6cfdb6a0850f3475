/**
 * Evaluates the small expressions that need only an event: an obligation's reference, a deadline, a stage's anchor.
 * Expressions that read `citizen.*` belong to rules/; rules/check.ts has typed both kinds before one reaches this.
 */
import type { Expression } from './rule.ts';

export type Value = string | number | boolean | null;

/** True where the expression reads a citizen's attribute, so only the shard can evaluate it. */
export function readsCitizen(expression: Expression): boolean {
  if (Array.isArray(expression)) return expression.some(readsCitizen);
  if (expression === null || typeof expression !== 'object') return false;
  return Object.entries(expression as Record<string, Expression>).some(([operator, operand]) =>
    operator === 'var'
      ? typeof operand === 'string' && operand.startsWith('citizen.')
      : readsCitizen(operand),
  );
}

const DATE_STEPS: Readonly<Record<string, 'days' | 'months' | 'years'>> = {
  addDays: 'days',
  addMonths: 'months',
  addYears: 'years',
};

/** The value over an event's data; null where something it reads is absent. */
export function evaluateOverEvent(expression: Expression, data: Readonly<Record<string, unknown>>): Value {
  if (expression === null || typeof expression !== 'object') return expression;
  const [operator, operand] = Object.entries(expression as Record<string, Expression>)[0] ?? ['', null];
  if (operator === 'var') return variable(String(operand), data);
  const step = DATE_STEPS[operator];
  if (step !== undefined && Array.isArray(operand)) {
    const day = evaluateOverEvent(operand[0] ?? null, data);
    const count = evaluateOverEvent(operand[1] ?? null, data);
    if (typeof day !== 'string' || typeof count !== 'number') return null;
    return Temporal.PlainDate.from(day)
      .add({ [step]: count })
      .toString();
  }
  throw new Error(`operator ${operator} cannot stand in an expression over an event`);
}

function variable(path: string, data: Readonly<Record<string, unknown>>): Value {
  let at: unknown = data;
  for (const name of path.replace(/^event\./, '').split('.')) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, name)) return null;
    at = (at as Record<string, unknown>)[name];
  }
  return at === undefined || typeof at === 'object' ? null : (at as Value);
}
