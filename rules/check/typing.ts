/**
 * From an unknown JSON value to a checked tree. Refuses whatever is outside the language, with a pointer to every fault it finds;
 * coerces nothing: a text is a date only where a date is wanted and only when it is one.
 */

import type { Fault } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { type Fields, mayUse } from '../catalogue.ts';
import {
  type Call,
  LIMITS,
  type Literal,
  type Node,
  OPERATORS,
  type Operator,
  type ScalarType,
  scalarTypeOf,
} from '../language.ts';
import { fits, isNumeric, isObject, NAMES, readEventPath, readLiteral, shown } from './literals.ts';

export type Scope = {
  readonly fields: Fields;
  readonly agency: string;
  readonly eventType: EventType;
  /** False where only the event may be read (an obligation's reference). */
  readonly citizen: boolean;
};

export function escapePointer(part: string | number): string {
  return String(part).replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Reads one expression. `want` is the type that the place calls for; left out, the expression's own. */
export function readExpression(
  json: unknown,
  pointer: string,
  scope: Scope,
  faults: Fault[],
  want?: ScalarType,
): Node | undefined {
  return new Reader(scope, faults).read(json, pointer, want, 1);
}

class Reader {
  private readonly scope: Scope;
  private readonly faults: Fault[];
  private nodes = 0;

  constructor(scope: Scope, faults: Fault[]) {
    this.scope = scope;
    this.faults = faults;
  }

  private fault(pointer: string, message: string): undefined {
    this.faults.push({ pointer, message });
    return undefined;
  }

  read(json: unknown, pointer: string, want: ScalarType | undefined, depth: number): Node | undefined {
    if (depth > LIMITS.depth) return this.fault(pointer, `is nested deeper than ${LIMITS.depth}`);
    this.nodes++;
    if (this.nodes === LIMITS.nodes + 1) return this.fault(pointer, `has more than ${LIMITS.nodes} parts`);
    if (this.nodes > LIMITS.nodes) return undefined;
    if (!isObject(json)) {
      const read = readLiteral(json, want);
      return 'fault' in read ? this.fault(pointer, read.fault) : read;
    }
    const keys = Object.keys(json);
    if (keys.length !== 1) return this.fault(pointer, 'an expression has exactly one operator');
    const op = keys[0]!;
    const at = `${pointer}/${escapePointer(op)}`;
    if (op === 'var') return this.expect(this.variable(json[op], at), pointer, want);
    if (!OPERATORS.includes(op)) return this.fault(at, `${shown(op)} is not an operator of the language`);
    const given = json[op];
    const args = Array.isArray(given) ? given : [given];
    if (args.length > LIMITS.arguments) return this.fault(at, `has more than ${LIMITS.arguments} arguments`);
    const inner = (index: number): string => (Array.isArray(given) ? `${at}/${index}` : at);
    return this.expect(this.call(op as Operator, args, at, inner, want, depth + 1), pointer, want);
  }

  private expect(node: Node | undefined, pointer: string, want: ScalarType | undefined): Node | undefined {
    if (node === undefined || want === undefined) return node;
    if (node.kind === 'event' && node.list)
      return this.fault(pointer, `is a list where ${NAMES[want]} is wanted`);
    if (!fits(node.type, want))
      return this.fault(pointer, `is ${NAMES[node.type]} where ${NAMES[want]} is wanted`);
    return node;
  }

  private variable(given: unknown, at: string): Node | undefined {
    const path = Array.isArray(given) && given.length === 1 ? given[0] : given;
    if (typeof path !== 'string') return this.fault(at, 'names one field as a text; there are no defaults');
    const [root, ...parts] = path.split('.');
    if (root === 'event' && parts.length > 0) {
      const read = readEventPath(parts, this.scope.eventType);
      return 'fault' in read ? this.fault(at, read.fault) : read;
    }
    if (root !== 'citizen' || parts.length !== 1)
      return this.fault(at, `${shown(path)} is neither citizen.<field> nor event.<path>`);
    if (!this.scope.citizen) return this.fault(at, `${shown(path)}: only the event may be read here`);
    const field = this.scope.fields.get(parts[0]!);
    if (field === undefined) return this.fault(at, `${shown(path)} is not in the field catalogue`);
    if (field.type === 'list')
      return this.fault(at, `${shown(path)} is a list, which conditions cannot read`);
    if (!mayUse(field, this.scope.agency))
      return this.fault(at, `${shown(path)} may not be used by the agency ${shown(this.scope.agency)}`);
    return { kind: 'field', type: scalarTypeOf(field), field };
  }

  private call(
    op: Operator,
    args: readonly unknown[],
    at: string,
    inner: (index: number) => string,
    want: ScalarType | undefined,
    depth: number,
  ): Node | undefined {
    const make = (type: ScalarType, nodes: readonly (Node | undefined)[]): Call | undefined =>
      nodes.some((node) => node === undefined)
        ? undefined
        : { kind: 'call', op, type, args: nodes as Node[], pointer: at };
    const count = (least: number, most: number): boolean => {
      if (args.length >= least && args.length <= most) return true;
      const wanted =
        least === most ? `${least}` : most === LIMITS.arguments ? `at least ${least}` : `${least} to ${most}`;
      this.fault(at, `takes ${wanted} argument${wanted === '1' ? '' : 's'}, ${args.length} are given`);
      return false;
    };
    const typed = (index: number, type: ScalarType): Node | undefined =>
      this.read(args[index], inner(index), type, depth);

    switch (op) {
      case 'and':
      case 'or':
        if (!count(1, LIMITS.arguments)) return undefined;
        return make(
          'boolean',
          args.map((_, index) => typed(index, 'boolean')),
        );
      case '!':
        return count(1, 1) ? make('boolean', [typed(0, 'boolean')]) : undefined;
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return count(2, 2) ? make('boolean', this.alike(op, args, inner, depth) ?? [undefined]) : undefined;
      case 'between':
        return count(3, 3) ? make('boolean', this.alike(op, args, inner, depth) ?? [undefined]) : undefined;
      case 'in':
        return count(2, 2) ? make('boolean', this.membership(args, inner, depth)) : undefined;
      case 'if':
        return this.choice(args, at, inner, want, depth, make);
      case 'age':
      case 'yearAge':
      case 'parity':
      case 'daysUntil':
      case 'daysSince':
        return count(1, 1) ? make('integer', [typed(0, 'date')]) : undefined;
      case 'within':
        return count(2, 2)
          ? make('boolean', [typed(0, 'date'), this.amount(args[1], inner(1), depth)])
          : undefined;
      case 'addDays':
      case 'addMonths':
      case 'addYears':
        return count(2, 2)
          ? make('date', [typed(0, 'date'), this.amount(args[1], inner(1), depth)])
          : undefined;
    }
  }

  private amount(json: unknown, pointer: string, depth: number): Node | undefined {
    const node = this.read(json, pointer, 'integer', depth);
    if (node?.kind === 'literal' && Math.abs(node.value as number) > LIMITS.amount)
      return this.fault(pointer, `is over ${LIMITS.amount}`);
    return node;
  }

  /** Arguments of one type, which the first that is not a literal gives. */
  private alike(
    op: Operator,
    args: readonly unknown[],
    inner: (index: number) => string,
    depth: number,
  ): readonly (Node | undefined)[] | undefined {
    const nodes: (Node | undefined)[] = args.map((arg, index) =>
      isObject(arg) ? this.read(arg, inner(index), undefined, depth) : undefined,
    );
    if (args.some((arg, index) => isObject(arg) && nodes[index] === undefined)) return undefined;
    const lead = nodes.find((node) => node !== undefined);
    if (lead === undefined) {
      this.fault(inner(0), 'compares literals with each other: one side must read something');
      return undefined;
    }
    const numeric = isNumeric(lead.type);
    const anyNumber = nodes.some((node) => node?.type === 'number');
    const type = numeric && anyNumber ? 'number' : lead.type;
    args.forEach((arg, index) => {
      const node = nodes[index];
      if (node === undefined)
        nodes[index] = this.valueOf(lead, this.read(arg, inner(index), type, depth), inner(index));
      else nodes[index] = this.expect(node, inner(index), type);
    });
    const ordered = op !== '==' && op !== '!=';
    if (ordered && (type === 'text' || type === 'boolean')) {
      this.fault(inner(0), `${NAMES[type]} has no order: only == and != compare it`);
      return undefined;
    }
    return nodes;
  }

  /** A literal beside a closed set of values must be one of them: a misspelt code would match nobody, in silence. */
  private valueOf(beside: Node, node: Node | undefined, pointer: string): Node | undefined {
    if (node?.kind !== 'literal' || node.type !== 'text') return node;
    const values =
      beside.kind === 'field' && beside.field.type === 'enum'
        ? beside.field.values
        : beside.kind === 'event'
          ? beside.values
          : undefined;
    if (values !== undefined && !values.includes(node.value as string))
      return this.fault(pointer, `${shown(node.value as string)} is none of the values ${values.join(', ')}`);
    if (
      beside.kind === 'field' &&
      beside.field.type === 'string' &&
      beside.field.pattern?.test(node.value as string) === false
    )
      return this.fault(
        pointer,
        `${shown(node.value as string)} is not written like citizen.${beside.field.name}`,
      );
    return node;
  }

  private membership(
    args: readonly unknown[],
    inner: (index: number) => string,
    depth: number,
  ): readonly (Node | undefined)[] {
    const [needle, list] = args;
    const pointer = inner(1);
    const node = isObject(needle)
      ? this.read(needle, inner(0), undefined, depth)
      : this.fault(inner(0), 'must read something: a literal is in a list or not');
    if (node === undefined) return [undefined];
    if (node.kind === 'event' && node.list) return [this.fault(inner(0), 'is a list itself')];
    if (isObject(list)) {
      const read = this.read(list, pointer, undefined, depth);
      if (read === undefined) return [undefined];
      if (read.kind !== 'event' || !read.list) return [this.fault(pointer, 'must be a list')];
      if (!fits(read.type, node.type) && !fits(node.type, read.type))
        return [
          this.fault(pointer, `is a list of ${NAMES[read.type]} where ${NAMES[node.type]} is looked for`),
        ];
      return [node, read];
    }
    if (!Array.isArray(list) || list.length === 0)
      return [this.fault(pointer, 'must be a list of at least one value')];
    if (list.length > LIMITS.arguments)
      return [this.fault(pointer, `has more than ${LIMITS.arguments} values`)];
    const values = list.map((item, index) => {
      const at = `${pointer}/${index}`;
      if (isObject(item)) return this.fault(at, 'must be a literal');
      return this.valueOf(node, this.read(item, at, node.type, depth), at);
    });
    if (values.some((value) => value === undefined)) return [undefined];
    return [node, { kind: 'list', type: node.type, values: values as Literal[] }];
  }

  private choice(
    args: readonly unknown[],
    at: string,
    inner: (index: number) => string,
    want: ScalarType | undefined,
    depth: number,
    make: (type: ScalarType, nodes: readonly (Node | undefined)[]) => Call | undefined,
  ): Node | undefined {
    if (args.length < 3 || args.length % 2 === 0)
      return this.fault(at, 'takes condition, value, … and one last value for otherwise');
    let type = want;
    const nodes = args.map((arg, index) => {
      const condition = index % 2 === 0 && index < args.length - 1;
      const node = this.read(arg, inner(index), condition ? 'boolean' : type, depth);
      if (!condition && node !== undefined) {
        if (node.kind === 'event' && node.list) return this.fault(inner(index), 'is a list');
        type ??= node.type;
      }
      return node;
    });
    return make(type ?? 'boolean', nodes);
  }
}
