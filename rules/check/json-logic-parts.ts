/** The parts of ordinary JsonLogic, as an import takes them apart, and where each part of what is made of them comes from. */
import type { Expression } from '../../domain/rule.ts';
import type { ListField } from '../catalogue.ts';
import type { ScalarType } from '../language.ts';
import { isObject } from './literals.ts';
import { readExpression, type Scope } from './typing.ts';

export type Args = readonly unknown[];

export const COMPARED: Readonly<Record<string, string>> = {
  '==': '==',
  '===': '==',
  '!=': '!=',
  '!==': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
export const TURNED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
export const LIST_OPERATORS = ['some', 'all', 'none'];
/** Ours, that ordinary JsonLogic does not have: taken as they are. */
export const KEPT = [
  ...[
    'between',
    'within',
    'known',
    'age',
    'ageMonths',
    'yearAge',
    'parity',
    'monthDay',
    'daysUntil',
    'daysSince',
  ],
  ...['addDays', 'addMonths', 'addYears', 'addWorkingDays', 'workingDay'],
];

export function callOf(
  json: Record<string, unknown>,
): { op: string; args: Args; listed: boolean } | undefined {
  const entries = Object.entries(json);
  if (entries.length !== 1) return undefined;
  const [op, given] = entries[0]!;
  return { op, args: Array.isArray(given) ? given : [given], listed: Array.isArray(given) };
}

export function every(read: readonly (Expression | undefined)[]): Expression[] | undefined {
  return read.some((one) => one === undefined) ? undefined : (read as Expression[]);
}

/** The type of a value; a member of an item is typed by its list. */
export function typeIn(
  scope: Scope,
  expression: Expression,
  list: ListField | undefined,
): ScalarType | 'list' | undefined {
  if (list === undefined) {
    const node = readExpression(expression, '', scope, []);
    return node?.kind === 'event' && node.list ? 'list' : node?.type;
  }
  const asked = { some: [{ var: `citizen.${list.name}` }, { '==': [expression, expression] }] };
  const node = readExpression(asked, '', scope, []);
  return node?.kind === 'quantified' && node.body.kind === 'call' ? node.body.args[0]?.type : undefined;
}

/** The list of the citizen that a variable names. */
export function listOf(variable: Expression, { fields }: Scope): ListField | undefined {
  const name = isObject(variable) && typeof variable['var'] === 'string' ? variable['var'] : '';
  const field = fields.get(name.slice('citizen.'.length));
  return name.startsWith('citizen.') && field?.type === 'list' ? field : undefined;
}

/** Where each part of a condition comes from in what was given. */
export class Origins {
  private readonly pointers = new Map<object, string>();

  keep(pointer: string, expression: Expression): Expression {
    if (expression !== null && typeof expression === 'object') this.pointers.set(expression, pointer);
    return expression;
  }

  /** Of the innermost part that a pointer into the condition passes. */
  of(condition: Expression, pointer: string): string {
    let at: unknown = condition;
    let found = this.pointers.get(condition as object) ?? '';
    for (const part of pointer.split('/').slice(1)) {
      if (typeof at !== 'object' || at === null) break;
      at = (at as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
      if (typeof at === 'object' && at !== null) found = this.pointers.get(at) ?? found;
    }
    return found;
  }
}
