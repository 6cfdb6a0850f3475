/**
 * Evaluates the small expressions that need only an event: an obligation's reference, a deadline, a stage's anchor.
 * Expressions that read `citizen.*` belong to rules/; rules/check/rule.ts has typed both kinds before one reaches this.
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

/** The operators that stand in such an expression beside `var`. */
export const DATE_STEPS: Readonly<Record<string, 'days' | 'months' | 'years'>> = {
  addDays: 'days',
  addMonths: 'months',
  addYears: 'years',
};

const FIRST_YEAR = 1800;
const LAST_YEAR = 2199;

/** Null for what is no date, for a step that overflows and for a day outside 1800–2199: an event may say anything that its schema lets by. */
export function plainDay(make: () => Temporal.PlainDate): string | null {
  try {
    const day = make();
    return day.year < FIRST_YEAR || day.year > LAST_YEAR ? null : day.toString();
  } catch (error) {
    // By name: Temporal may come from another realm than this module.
    if ((error as Error).name === 'RangeError') return null;
    throw error;
  }
}

/** The value over an event's data; null where something it reads is absent, is no date, or cannot be evaluated here. Never throws. */
export function evaluateOverEvent(expression: Expression, data: Readonly<Record<string, unknown>>): Value {
  if (expression === null || typeof expression !== 'object') return expression;
  const [operator, operand] = Object.entries(expression as Record<string, Expression>)[0] ?? ['', null];
  if (operator === 'var') return typeof operand === 'string' ? variable(operand, data) : null;
  const step = Object.hasOwn(DATE_STEPS, operator) ? DATE_STEPS[operator] : undefined;
  if (step === undefined || !Array.isArray(operand)) return null;
  const day = evaluateOverEvent(operand[0] ?? null, data);
  const count = evaluateOverEvent(operand[1] ?? null, data);
  if (typeof day !== 'string' || typeof count !== 'number') return null;
  return plainDay(() => Temporal.PlainDate.from(day).add({ [step]: count }));
}

function variable(path: string, data: Readonly<Record<string, unknown>>): Value {
  let at: unknown = data;
  for (const name of path.replace(/^event\./, '').split('.')) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, name)) return null;
    at = (at as Record<string, unknown>)[name];
  }
  return at === undefined || typeof at === 'object' ? null : (at as Value);
}
