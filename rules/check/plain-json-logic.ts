/**
 * What ordinary JsonLogic answers (jsonlogic.com: operators, truthiness, JavaScript's own comparisons), to show where the strict profile
 * answers otherwise. For that alone: nothing is ever decided by it. Knows what an import can convert.
 */
import { isObject } from './literals.ts';

const MAX_DEPTH = 100;

/** An empty list is false there, unlike in JavaScript. */
export const isTrue = (value: unknown): boolean => (Array.isArray(value) ? value.length > 0 : Boolean(value));

/** The answer, or a RangeError where an operator is not known. */
export function plainAnswer(json: unknown, data: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deep');
  if (Array.isArray(json)) return json.map((item) => plainAnswer(item, data, depth + 1));
  if (!isObject(json)) return json;
  const [op, given] = Object.entries(json)[0] ?? ['', null];
  const args = Array.isArray(given) ? given : [given];
  const answer = (index: number): unknown => plainAnswer(args[index], data, depth + 1);
  switch (op) {
    case 'and':
    case 'or': {
      let last: unknown;
      for (let i = 0; i < args.length; i++) {
        last = answer(i);
        if (isTrue(last) === (op === 'or')) return last;
      }
      return last;
    }
    case 'if':
    case '?:':
      for (let i = 0; i + 1 < args.length; i += 2) if (isTrue(answer(i))) return answer(i + 1);
      return args.length % 2 === 1 ? answer(args.length - 1) : null;
    case 'some':
    case 'all':
    case 'none': {
      const items = answer(0);
      const found = Array.isArray(items)
        ? items.map((item) => isTrue(plainAnswer(args[1], item, depth + 1)))
        : [];
      if (op === 'all') return found.length > 0 && found.every(Boolean);
      return found.some(Boolean) === (op === 'some');
    }
    default:
      return applied(
        op,
        args.map((_, index) => answer(index)),
        data,
      );
  }
}

function applied(op: string, args: readonly unknown[], data: unknown): unknown {
  const [a, b, c] = args as unknown as readonly [never, never, never];
  switch (op) {
    case 'var':
      return variable(a, data) ?? (args.length > 1 ? b : null);
    case 'missing':
      return args.flat().filter((name) => isAbsent(variable(name, data)));
    case 'missing_some': {
      const absent = (b as unknown as readonly unknown[]).filter((name) => isAbsent(variable(name, data)));
      return (b as unknown as readonly unknown[]).length - absent.length >= Number(a) ? [] : absent;
    }
    case '!':
      return !isTrue(a);
    case '!!':
      return isTrue(a);
    case '===':
      return a === b;
    case '!==':
      return a !== b;
    // JavaScript's own coercion is what JsonLogic has.
    case '==':
      // biome-ignore lint/suspicious/noDoubleEquals: it is what is imitated
      return a == b;
    case '!=':
      // biome-ignore lint/suspicious/noDoubleEquals: it is what is imitated
      return a != b;
    case '<':
      return args.length > 2 ? a < b && b < c : a < b;
    case '<=':
      return args.length > 2 ? a <= b && b <= c : a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
    case 'in':
      return typeof b === 'string' || Array.isArray(b) ? (b as unknown as unknown[]).includes(a) : false;
    default:
      throw new RangeError(`ordinary JsonLogic has no ${op}`);
  }
}

const isAbsent = (value: unknown): boolean => value === null || value === undefined || value === '';

function variable(path: unknown, data: unknown): unknown {
  if (path === undefined || path === null || path === '') return data;
  let at: unknown = data;
  for (const part of String(path).split('.')) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, part)) return null;
    at = (at as Record<string, unknown>)[part];
  }
  return at ?? null;
}
