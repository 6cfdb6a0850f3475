/**
 * From an unknown JSON value to a checked tree. Refuses whatever is outside the language, with a pointer to every fault it finds;
 * coerces nothing: a text is a date only where a date is wanted and only when it is one. Never goes deeper than LIMITS.depth.
 */
import type { ListField } from '../catalogue.ts';
import {
  type Call,
  DIRECTIONS,
  type Direction,
  LIMITS,
  type Node,
  OPERATORS,
  type Operator,
  QUANTIFIERS,
  type Quantifier,
  type ScalarType,
} from '../language.ts';
import { type About, type RefusalCode, type RuleFault, refusal } from '../refusals.ts';
import { SIGNATURES } from '../signatures.ts';
import { readAlike, readMembership } from './comparisons.ts';
import { costOf } from './cost.ts';
import { escapePointer, fits, isObject, readLiteral } from './literals.ts';
import { readVariable, type Scope } from './variables.ts';

export type { Scope } from './variables.ts';
export { escapePointer };

/** Reads one expression. `want` is the type that the place calls for; left out, the expression's own. */
export function readExpression(
  json: unknown,
  pointer: string,
  scope: Scope,
  faults: RuleFault[],
  want?: ScalarType,
): Node | undefined {
  const node = new Reader(scope, faults).read(json, pointer, want, { depth: 1 });
  const cost = node === undefined ? 0 : Math.round(costOf(node));
  if (cost <= LIMITS.cost) return node;
  faults.push(refusal('too-costly', pointer, cost, LIMITS.cost));
  return undefined;
}

/** Where an expression stands: how deep, and inside the quantifier of which list. */
export type Place = { readonly depth: number; readonly list?: ListField };

/** An operator with its arguments; `inner` is the pointer of an argument. */
export type Application = {
  readonly op: string;
  readonly args: readonly unknown[];
  readonly at: string;
  inner(index: number): string;
  /** Of its arguments. */
  readonly place: Place;
};

export class Reader {
  private readonly scope: Scope;
  private readonly faults: RuleFault[];
  private nodes = 0;

  constructor(scope: Scope, faults: RuleFault[]) {
    this.scope = scope;
    this.faults = faults;
  }

  refuse<C extends RefusalCode>(code: C, pointer: string, ...about: About<C>): undefined {
    return this.keep(refusal(code, pointer, ...about));
  }

  private readonly keep = (fault: RuleFault): undefined => {
    this.faults.push(fault);
    return undefined;
  };

  read(json: unknown, pointer: string, want: ScalarType | undefined, place: Place): Node | undefined {
    if (place.depth > LIMITS.depth) return this.refuse('too-deep', pointer, LIMITS.depth);
    this.nodes++;
    if (this.nodes === LIMITS.nodes + 1) return this.refuse('too-large', pointer, LIMITS.nodes);
    if (this.nodes > LIMITS.nodes) return undefined;
    if (!isObject(json)) return readLiteral(json, pointer, want, this.keep);
    const keys = Object.keys(json);
    if (keys.length !== 1) return this.refuse('not-one-operator', pointer);
    const op = keys[0]!;
    const at = `${pointer}/${escapePointer(op)}`;
    if (op === 'var') return this.expect(this.scalar(json[op], at, place), pointer, want);
    if (!OPERATORS.includes(op)) return this.refuse('operator-unknown', at, op);
    const given = json[op];
    const args = Array.isArray(given) ? given : [given];
    if (args.length > LIMITS.arguments) return this.refuse('too-wide', at, LIMITS.arguments);
    const application: Application = {
      op,
      args,
      at,
      inner: (index) => (Array.isArray(given) ? `${at}/${index}` : at),
      place: { ...place, depth: place.depth + 1 },
    };
    return this.expect(this.apply(application, want), pointer, want);
  }

  /** The node where its type fits the place; undefined after saying that it does not. */
  expect(node: Node | undefined, pointer: string, want: ScalarType | undefined): Node | undefined {
    if (node === undefined || want === undefined) return node;
    if (node.kind === 'event' && node.list) return this.refuse('type-wrong', pointer, 'list', want);
    if (!fits(node.type, want)) return this.refuse('type-wrong', pointer, node.type, want);
    return node;
  }

  private scalar(given: unknown, at: string, place: Place): Node | undefined {
    const read = readVariable(given, at, this.scope, place.list, this.keep);
    return read?.kind === 'list-field' ? this.refuse('field-is-list', at, read.list.labels) : read;
  }

  private apply(application: Application, want: ScalarType | undefined): Node | undefined {
    const { op, args, at } = application;
    const { takes, repeats } = SIGNATURES[op as keyof typeof SIGNATURES];
    // Of `if` choice() says what is missing.
    const least = op === 'if' ? 1 : takes.length;
    const most = repeats ? LIMITS.arguments : least;
    if (args.length < least || args.length > most)
      return this.refuse('argument-count', at, op, least, most, args.length);
    if (op === 'known') return this.known(application);
    if ((QUANTIFIERS as readonly string[]).includes(op)) return this.quantified(application);
    return this.call(application, want);
  }

  private known({ args, at, inner, place }: Application): Node | undefined {
    const [json] = args;
    if (!isObject(json) || Object.keys(json).length !== 1 || !Object.hasOwn(json, 'var'))
      return this.refuse('known-of-what', inner(0));
    this.nodes++;
    const of = readVariable(json['var'], `${inner(0)}/var`, this.scope, place.list, this.keep);
    return of && { kind: 'known', type: 'boolean', of, pointer: at };
  }

  private quantified({ op, args, at, inner, place }: Application): Node | undefined {
    if (place.list !== undefined) return this.refuse('list-in-list', at);
    const [json, body] = args;
    if (!isObject(json) || Object.keys(json).length !== 1 || !Object.hasOwn(json, 'var'))
      return this.refuse('field-is-no-list', inner(0));
    this.nodes++;
    const of = readVariable(json['var'], `${inner(0)}/var`, this.scope, undefined, this.keep);
    if (of === undefined) return undefined;
    if (of.kind !== 'list-field') return this.refuse('field-is-no-list', inner(0));
    const { list } = of;
    const read = this.read(body, inner(1), 'boolean', { ...place, list });
    return (
      read && { kind: 'quantified', op: op as Quantifier, type: 'boolean', list, body: read, pointer: at }
    );
  }

  private call(application: Application, want: ScalarType | undefined): Node | undefined {
    const { op, args, at, inner, place } = application;
    const make = (type: ScalarType, nodes: readonly (Node | undefined)[]): Call | undefined =>
      nodes.some((node) => node === undefined)
        ? undefined
        : { kind: 'call', op: op as Operator, type, args: nodes as Node[], pointer: at };
    const typed = (index: number, type: ScalarType): Node | undefined =>
      this.read(args[index], inner(index), type, place);

    switch (op as Operator) {
      case 'and':
      case 'or':
      case '!':
        return make(
          'boolean',
          args.map((_, index) => typed(index, 'boolean')),
        );
      case 'in':
        return make('boolean', readMembership(this, application));
      case 'if':
        return this.choice(application, want, make);
      case 'age':
      case 'ageMonths':
      case 'yearAge':
      case 'parity':
      case 'monthDay':
      case 'daysUntil':
      case 'daysSince':
        return make('integer', [typed(0, 'date')]);
      case 'within':
        return make('boolean', [typed(0, 'date'), this.amount(application, LIMITS.amount)]);
      case 'addDays':
      case 'addMonths':
      case 'addYears':
        return make('date', [typed(0, 'date'), this.amount(application, LIMITS.amount)]);
      case 'addWorkingDays':
        return make('date', [typed(0, 'date'), this.amount(application, LIMITS.workingDays)]);
      case 'workingDay':
        return make('date', [typed(0, 'date'), this.direction(application)]);
      default:
        return make('boolean', readAlike(this, application) ?? [undefined]);
    }
  }

  private amount({ args, inner, place }: Application, limit: number): Node | undefined {
    const node = this.read(args[1], inner(1), 'integer', place);
    if (node?.kind === 'literal' && Math.abs(node.value as number) > limit)
      return this.refuse('amount-too-large', inner(1), limit);
    return node;
  }

  private direction({ args, inner }: Application): Node | undefined {
    this.nodes++;
    if (!DIRECTIONS.includes(args[1] as Direction)) return this.refuse('direction-unknown', inner(1));
    return { kind: 'literal', type: 'text', value: args[1] as Direction };
  }

  private choice(
    { args, at, inner, place }: Application,
    want: ScalarType | undefined,
    make: (type: ScalarType, nodes: readonly (Node | undefined)[]) => Call | undefined,
  ): Node | undefined {
    if (args.length < 3 || args.length % 2 === 0) return this.refuse('choice-incomplete', at);
    let type = want;
    const nodes = args.map((arg, index) => {
      const condition = index % 2 === 0 && index < args.length - 1;
      const node = this.read(arg, inner(index), condition ? 'boolean' : type, place);
      if (condition || node === undefined) return node;
      if (node.kind === 'event' && node.list)
        return this.refuse('type-wrong', inner(index), 'list', type ?? node.type);
      type ??= node.type;
      return node;
    });
    return make(type ?? 'boolean', nodes);
  }
}
