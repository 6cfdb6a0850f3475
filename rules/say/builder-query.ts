/**
 * A query of react-querybuilder as a condition. What it holds beside what we know (ids, locks, paths) is left out. The condition is not typed
 * yet: whoever saves it has it checked like any other.
 */
import { AllimError, type Fault } from '../../domain/errors.ts';
import type { Expression } from '../../domain/rule.ts';
import { isObject } from '../check/literals.ts';
import { LIMITS, QUANTIFIERS } from '../language.ts';
import { QUERY_COMPARISONS } from './builder.ts';
import { readFieldName } from './builder-names.ts';

/** The condition, or `rule-invalid` with pointers into the query. */
export function conditionOf(query: unknown): Expression {
  const reader = new QueryReader();
  const condition =
    isObject(query) && 'rules' in query ? reader.read(query, '', 1) : reader.refuse('', 'is no group');
  if (condition === undefined)
    throw new AllimError(
      'rule-invalid',
      `the query: ${reader.faults[0]!.pointer || '/'} ${reader.faults[0]!.message}`,
      {
        faults: reader.faults,
      },
    );
  return condition;
}

const COMPARED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(QUERY_COMPARISONS).map(([ours, theirs]) => [theirs, ours]),
);

class QueryReader {
  readonly faults: Fault[] = [];

  refuse(pointer: string, message: string): undefined {
    this.faults.push({ pointer, message });
    return undefined;
  }

  read(given: unknown, pointer: string, depth: number): Expression | undefined {
    if (depth > LIMITS.depth) return this.refuse(pointer, `is nested deeper than ${LIMITS.depth}`);
    if (!isObject(given)) return this.refuse(pointer, 'is no rule and no group');
    return 'rules' in given ? this.group(given, pointer, depth) : this.rule(given, pointer, depth);
  }

  private group(given: Record<string, unknown>, pointer: string, depth: number): Expression | undefined {
    const { combinator, rules, not, bare } = given;
    if (combinator !== 'and' && combinator !== 'or')
      return this.refuse(`${pointer}/combinator`, 'must be and or or');
    if (!Array.isArray(rules) || rules.length === 0)
      return this.refuse(`${pointer}/rules`, 'must have one rule at least');
    if (rules.length > LIMITS.arguments)
      return this.refuse(`${pointer}/rules`, `has more than ${LIMITS.arguments} rules`);
    const read = rules.map((rule, index) => this.read(rule, `${pointer}/rules/${index}`, depth + 1));
    if (read.some((one) => one === undefined)) return undefined;
    const inner: Expression =
      bare === true && read.length === 1 ? read[0]! : { [combinator]: read as Expression[] };
    return not === true ? { '!': [inner] } : inner;
  }

  private rule(given: Record<string, unknown>, pointer: string, depth: number): Expression | undefined {
    const { field, operator, value, match } = given;
    const term = typeof field === 'string' ? readFieldName(field) : undefined;
    if (term === undefined) return this.refuse(`${pointer}/field`, 'is no field');
    if (isObject(match)) {
      const { mode } = match;
      if (!QUANTIFIERS.some((quantifier) => quantifier === mode))
        return this.refuse(`${pointer}/match/mode`, `must be one of ${QUANTIFIERS.join(', ')}`);
      const body = this.read(value, `${pointer}/value`, depth + 1);
      return body === undefined ? undefined : { [mode as string]: [term, body] };
    }
    switch (operator) {
      case 'null':
        return { '!': [{ known: [term] }] };
      case 'notNull':
        return { known: [term] };
      case 'isTrue':
        return term;
      default:
    }
    const operands = this.operands(given, pointer);
    if (operands === undefined) return undefined;
    return this.applied(String(operator), term, operands, pointer);
  }

  private applied(
    operator: string,
    term: Expression,
    operands: Expression,
    pointer: string,
  ): Expression | undefined {
    const list = Array.isArray(operands) ? (operands as readonly Expression[]) : undefined;
    switch (operator) {
      case 'in':
        return { in: [term, operands] };
      case 'notIn':
        return { '!': [{ in: [term, operands] }] };
      case 'between':
      case 'notBetween': {
        if (list?.length !== 2) return this.refuse(`${pointer}/value`, 'must be two values');
        const between: Expression = { between: [term, ...list] };
        return operator === 'between' ? between : { '!': [between] };
      }
      default: {
        const op =
          operator === 'within'
            ? 'within'
            : Object.hasOwn(COMPARED, operator)
              ? COMPARED[operator]
              : undefined;
        if (op === undefined) return this.refuse(`${pointer}/operator`, 'is no operator');
        return list === undefined
          ? { [op]: [term, operands] }
          : this.refuse(`${pointer}/value`, 'must be one value');
      }
    }
  }

  /** The value, or the field or fields that it names. */
  private operands({ value, valueSource }: Record<string, unknown>, pointer: string): Expression | undefined {
    const one = (given: unknown, at: string): Expression | undefined => {
      if (valueSource === 'field')
        return (
          (typeof given === 'string' ? readFieldName(given) : undefined) ?? this.refuse(at, 'is no field')
        );
      return typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean'
        ? given
        : this.refuse(at, 'must be a text, a number, true or false');
    };
    if (!Array.isArray(value)) return one(value, `${pointer}/value`);
    if (value.length > LIMITS.arguments)
      return this.refuse(`${pointer}/value`, `has more than ${LIMITS.arguments} values`);
    const read = value.map((item, index) => one(item, `${pointer}/value/${index}`));
    return read.some((item) => item === undefined) ? undefined : (read as Expression[]);
  }
}
