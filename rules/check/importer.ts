/**
 * Ordinary JsonLogic as a condition of the strict profile: what it can say is converted, with a note where it is written otherwise; what it
 * cannot is named with its place in what was given. Conversion never guesses: a comparison stays one, so that data that are missing make it
 * unknown, and import-differences.ts shows for whom that differs from JsonLogic's own answer.
 */
import type { Expression } from '../../domain/rule.ts';
import type { ListField } from '../catalogue.ts';
import { LIMITS, type ScalarType } from '../language.ts';
import type { RuleFault } from '../refusals.ts';
import { type ImportCode, type Imported, type ImportNote, importNote } from './import-notes.ts';
import {
  type Args,
  COMPARED,
  callOf,
  every,
  KEPT,
  LIST_OPERATORS,
  listOf,
  Origins,
  TURNED,
  typeIn,
} from './json-logic-parts.ts';
import { escapePointer, isNumeric, isObject } from './literals.ts';
import { readExpression, type Scope } from './typing.ts';

export function importJsonLogic(json: unknown, scope: Scope): Imported {
  const importer = new Importer(scope);
  const condition = importer.condition(json, '', { depth: 1 });
  const { faults, notes } = importer;
  if (condition === undefined || faults.length > 0) return { faults, notes };
  const refused: RuleFault[] = [];
  const node = readExpression(condition, '', scope, refused, 'boolean');
  if (node === undefined || refused.length > 0)
    return {
      notes,
      faults: refused.map((fault) => ({ ...fault, pointer: importer.origins.of(condition, fault.pointer) })),
    };
  return { condition, node, faults, notes };
}

type Place = { readonly depth: number; readonly list?: ListField };

class Importer {
  readonly faults: ImportNote[] = [];
  readonly notes: ImportNote[] = [];
  readonly origins = new Origins();
  private readonly scope: Scope;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  private refuse<C extends ImportCode>(...given: Parameters<typeof importNote<C>>): undefined {
    this.faults.push(importNote(...given));
    return undefined;
  }

  private note<C extends ImportCode>(...given: Parameters<typeof importNote<C>>): void {
    this.notes.push(importNote(...given));
  }

  private made(pointer: string, expression: Expression): Expression {
    return this.origins.keep(pointer, expression);
  }

  private typeOf(expression: Expression, { list }: Place): ScalarType | 'list' | undefined {
    return typeIn(this.scope, expression, list);
  }

  /** What stands where true or false is asked. */
  condition(json: unknown, pointer: string, place: Place): Expression | undefined {
    if (place.depth > LIMITS.depth) return this.refuse('shape-unknown', pointer);
    if (typeof json === 'boolean') return json;
    if (!isObject(json)) return this.refuse('truth-of-literal', pointer);
    const call = callOf(json);
    if (call === undefined) return this.refuse('shape-unknown', pointer);
    const { op, args, at } = { ...call, at: `${pointer}/${escapePointer(call.op)}` };
    const inner = (index: number): string => (call.listed ? `${at}/${index}` : at);
    const next = { ...place, depth: place.depth + 1 };
    const conditions = (): Expression[] | undefined =>
      every(args.map((arg, index) => this.condition(arg, inner(index), next)));
    switch (op) {
      case 'and':
      case 'or': {
        const read = conditions();
        return read && this.made(pointer, { [op]: read });
      }
      case '!':
      case '!!': {
        const read = this.condition(args[0], inner(0), next);
        return read === undefined || op === '!!' ? read : this.made(pointer, { '!': [read] });
      }
      case 'if':
      case '?:':
        return this.choice(args, pointer, inner, next);
      case 'missing':
        return this.missing(args.flat(), 1, pointer, place);
      case 'missing_some':
        return this.missingSome(args, pointer, place);
      case 'var':
        return this.truthOf(json, pointer, place);
      case 'in':
        return this.membership(args, pointer, inner, next);
      default:
    }
    if (Object.hasOwn(COMPARED, op)) return this.comparison(COMPARED[op]!, args, pointer, inner, next);
    if (LIST_OPERATORS.includes(op)) return this.quantified(op, args, pointer, inner, next);
    return KEPT.includes(op)
      ? this.kept(op, args, pointer, inner, next)
      : this.refuse('operator-outside', at, op);
  }

  /** JsonLogic calls a value true that is there and not 0, not empty and not false. */
  private truthOf(json: unknown, pointer: string, place: Place): Expression | undefined {
    const variable = this.value(json, pointer, place);
    if (variable === undefined) return undefined;
    const type = this.typeOf(variable, place);
    if (type === 'boolean') return variable;
    if (!isObject(variable) || !('var' in variable)) return this.refuse('value-of-logic', pointer);
    this.note('was-presence', pointer);
    const known = this.made(pointer, { known: [variable] });
    // An empty list is false there.
    if (listOf(variable, this.scope) !== undefined)
      return this.made(pointer, { and: [known, this.made(pointer, { some: [variable, true] })] });
    if (type === undefined || type === 'list' || !isNumeric(type)) return known;
    return this.made(pointer, { and: [known, this.made(pointer, { '!=': [variable, 0] })] });
  }

  private choice(
    args: Args,
    pointer: string,
    inner: (index: number) => string,
    place: Place,
  ): Expression | undefined {
    const read = every(args.map((arg, index) => this.condition(arg, inner(index), place)));
    if (read === undefined) return undefined;
    if (read.length === 1) return read[0];
    if (read.length % 2 === 1) return this.made(pointer, { if: read });
    this.note('was-incomplete', pointer);
    return this.made(pointer, { if: [...read, false] });
  }

  /** True where at least `least` of them are missing; of one that is any, of all that is every. */
  private missing(names: Args, least: number, pointer: string, place: Place): Expression | undefined {
    const unknown = every(
      names.map((name) => {
        const variable = this.variable(name, pointer, place);
        return variable && this.made(pointer, { '!': [this.made(pointer, { known: [variable] })] });
      }),
    );
    if (unknown === undefined || unknown.length === 0) return this.refuse('shape-unknown', pointer);
    this.note('was-presence', pointer);
    return this.made(pointer, { [least === 1 ? 'or' : 'and']: unknown });
  }

  private missingSome([wanted, names]: Args, pointer: string, place: Place): Expression | undefined {
    if (!Array.isArray(names)) return this.refuse('shape-unknown', pointer);
    if (wanted === names.length) return this.missing(names, 1, pointer, place);
    return wanted === 1
      ? this.missing(names, names.length, pointer, place)
      : this.refuse('some-missing', pointer);
  }

  private membership(
    args: Args,
    pointer: string,
    inner: (index: number) => string,
    place: Place,
  ): Expression | undefined {
    const needle = this.value(args[0], inner(0), place);
    if (needle === undefined) return undefined;
    const type = this.typeOf(needle, place);
    if (typeof args[1] === 'string') return this.refuse('substring', inner(1));
    if (Array.isArray(args[1]))
      return this.made(pointer, {
        in: [needle, args[1].map((item, index) => this.literal(item, type, `${inner(1)}/${index}`))],
      });
    const list = this.value(args[1], inner(1), place);
    if (list === undefined) return undefined;
    return this.typeOf(list, place) === 'list'
      ? this.made(pointer, { in: [needle, list] })
      : this.refuse('substring', inner(1));
  }

  private comparison(
    op: string,
    args: Args,
    pointer: string,
    inner: (index: number) => string,
    place: Place,
  ): Expression | undefined {
    const none = args.indexOf(null);
    if (none >= 0 && args.length === 2 && (op === '==' || op === '!=')) {
      const variable = this.value(args[1 - none], inner(1 - none), place);
      if (variable === undefined) return undefined;
      this.note('was-presence', pointer);
      const known = this.made(pointer, { known: [variable] });
      return op === '!=' ? known : this.made(pointer, { '!': [known] });
    }
    const read = args.map((arg, index) => (isObject(arg) ? this.value(arg, inner(index), place) : arg));
    if (read.some((value) => value === undefined)) return undefined;
    const lead = read.find(isObject) as Expression | undefined;
    const type = lead === undefined ? undefined : this.typeOf(lead, place);
    const values = read.map((value, index) =>
      isObject(value) ? (value as Expression) : this.literal(value, type, inner(index)),
    );
    if (values.length !== 3 || TURNED[op] === undefined) return this.made(pointer, { [op]: values });
    this.note('was-range', pointer);
    const [low, value, high] = values as [Expression, Expression, Expression];
    if (op === '<=') return this.made(pointer, { between: [value, low, high] });
    return this.made(pointer, {
      and: [this.made(pointer, { [TURNED[op]]: [value, low] }), this.made(pointer, { [op]: [value, high] })],
    });
  }

  private quantified(
    op: string,
    args: Args,
    pointer: string,
    inner: (index: number) => string,
    place: Place,
  ): Expression | undefined {
    const list = this.value(args[0], inner(0), place);
    if (list === undefined) return undefined;
    const field = listOf(list, this.scope);
    if (field === undefined) return this.refuse('shape-unknown', inner(0));
    const body = this.condition(args[1], inner(1), { ...place, list: field });
    return body === undefined ? undefined : this.made(pointer, { [op]: [list, body] });
  }

  private kept(
    op: string,
    args: Args,
    pointer: string,
    inner: (index: number) => string,
    place: Place,
  ): Expression | undefined {
    const read = every(
      args.map((arg, index) => (isObject(arg) ? this.value(arg, inner(index), place) : (arg as Expression))),
    );
    return read && this.made(pointer, { [op]: read });
  }

  /** What stands where a value is asked. */
  private value(json: unknown, pointer: string, place: Place): Expression | undefined {
    if (json === undefined) return this.refuse('shape-unknown', pointer);
    if (!isObject(json)) return json as Expression;
    if (place.depth > LIMITS.depth) return this.refuse('shape-unknown', pointer);
    const call = callOf(json);
    if (call === undefined) return this.refuse('shape-unknown', pointer);
    const { op, args, listed } = call;
    const at = `${pointer}/${escapePointer(op)}`;
    const inner = (index: number): string => (listed ? `${at}/${index}` : at);
    const next = { ...place, depth: place.depth + 1 };
    if (op === 'var') return this.withDefault(args, pointer, place);
    if (op === 'if' || op === '?:') {
      const read = every(
        args.map((arg, index) =>
          index % 2 === 0 && index < args.length - 1
            ? this.condition(arg, inner(index), next)
            : this.value(arg, inner(index), next),
        ),
      );
      return read && this.made(pointer, { if: read });
    }
    if (KEPT.includes(op)) return this.kept(op, args, pointer, inner, next);
    const logic =
      ['and', 'or', '!', '!!', 'missing', 'missing_some'].includes(op) || Object.hasOwn(COMPARED, op);
    return logic ? this.refuse('value-of-logic', at) : this.refuse('operator-outside', at, op);
  }

  private withDefault([name, otherwise]: Args, pointer: string, place: Place): Expression | undefined {
    const variable = this.variable(name, pointer, place);
    if (variable === undefined || otherwise === undefined || otherwise === null) return variable;
    this.note('was-default', pointer);
    const rest = this.value(otherwise, pointer, place);
    if (rest === undefined) return undefined;
    return this.made(pointer, { if: [this.made(pointer, { known: [variable] }), variable, rest] });
  }

  /** A bare name is a field of the catalogue, or else of the event; inside a list a member. */
  private variable(name: unknown, pointer: string, place: Place): Expression | undefined {
    if (typeof name !== 'string') return this.refuse('variable-computed', pointer);
    if (/^(?:citizen|event|item)\./.test(name)) return this.made(pointer, { var: name });
    const [first = ''] = name.split('.');
    const root = place.list !== undefined ? 'item' : this.scope.fields.has(first) ? 'citizen' : 'event';
    this.note('was-named', pointer, `${root}.${name}`);
    return this.made(pointer, { var: `${root}.${name}` });
  }

  /** JsonLogic's `==` and `<` take "5" for 5. */
  private literal(given: unknown, type: ScalarType | 'list' | undefined, pointer: string): Expression {
    const numeric = type !== undefined && type !== 'list' && isNumeric(type);
    if (!numeric || typeof given !== 'string' || given.trim() === '' || !Number.isFinite(Number(given)))
      return given as Expression;
    this.note('was-text', pointer);
    return Number(given);
  }
}
