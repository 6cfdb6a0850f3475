/**
 * What a leaf asks of one value, as spans: `citizen.birthDate`, `age(citizen.birthDate)` and the like, compared with literals. Ranges come from
 * the catalogue, from the event's schema, and from what a function can give. Leaves that compare two things nobody wrote down are not
 * reasoned about.
 */
import { FIRST_PROFILE_DAY, LAST_PROFILE_DAY, type ScalarField } from '../catalogue.ts';
import type { Call, Node } from '../language.ts';
import { ALL, after, before, joined, type Span, type Spans, without } from './value-spans.ts';

export type LeafValues = {
  /** The same for the same value asked about. */
  readonly key: string;
  readonly isDate: boolean;
  readonly step: number;
  readonly range: Spans;
  /** Within the range. */
  readonly allowed: Spans;
};

const GIVES: Readonly<Partial<Record<string, Span>>> = {
  age: [-400, 400],
  yearAge: [-400, 400],
  ageMonths: [-4_800, 4_800],
  parity: [0, 1],
  monthDay: [101, 1_231],
  daysUntil: [-146_097, 146_097],
  daysSince: [-146_097, 146_097],
};

/** One a condition: texts without an order get one by their first appearance. */
export class LeafReader {
  private readonly codes = new Map<string, Map<string, number>>();

  /** undefined where it is no such leaf. */
  read(node: Node): LeafValues | undefined {
    if (node.kind !== 'call') return undefined;
    if (node.op === '!') {
      const inner = this.read(node.args[0]!);
      return inner && { ...inner, allowed: without(inner.range, inner.allowed, inner.step) };
    }
    const [left, right, third] = node.args as [Node, Node, Node | undefined];
    switch (node.op) {
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        if (right.kind === 'literal') return this.compared(node.op, left, right.value);
        return left.kind === 'literal' ? this.compared(MIRRORED[node.op], right, left.value) : undefined;
      case 'between':
        return right.kind === 'literal' && third?.kind === 'literal'
          ? this.leaf(left, [[Number(right.value), Number(third.value)]])
          : undefined;
      case 'in':
        return right.kind === 'list'
          ? this.leaf(
              left,
              right.values.map(({ value }): Span => {
                const code = this.code(left, value);
                return [code, code];
              }),
            )
          : undefined;
      case 'within':
        return right.kind === 'literal' ? this.within(node, left, Number(right.value)) : undefined;
      default:
        return undefined;
    }
  }

  private within(node: Call, date: Node, days: number): LeafValues | undefined {
    return this.leaf({ ...node, op: 'daysUntil', type: 'integer', args: [date] }, [[0, days]]);
  }

  private compared(
    op: keyof typeof MIRRORED,
    subject: Node,
    literal: number | string,
  ): LeafValues | undefined {
    const value = this.code(subject, literal);
    const step = stepOf(subject);
    const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    switch (op) {
      case '==':
        return this.leaf(subject, [[value, value]]);
      case '!=':
        return this.leaf(subject, without(ALL, [[value, value]], step));
      case '<':
        return this.leaf(subject, [
          [low, Number.isInteger(value) || step === 0 ? before(value, step) : value],
        ]);
      case '<=':
        return this.leaf(subject, [[low, value]]);
      case '>':
        return this.leaf(subject, [
          [Number.isInteger(value) || step === 0 ? after(value, step) : value, high],
        ]);
      case '>=':
        return this.leaf(subject, [[value, high]]);
    }
  }

  private leaf(subject: Node, spans: Spans): LeafValues | undefined {
    const key = keyOf(subject);
    if (key === undefined) return undefined;
    const step = stepOf(subject);
    // Between two values that are counted there is nothing.
    const whole = spans.map(
      ([low, high]): Span => (step === 0 ? [low, high] : [Math.ceil(low), Math.floor(high)]),
    );
    const range = this.rangeOf(subject);
    const allowed = range.flatMap(([low, high]) =>
      whole.map(([from, to]): Span => [Math.max(low, from), Math.min(high, to)]),
    );
    return { key, isDate: subject.type === 'date', step, range, allowed: joined(allowed, step) };
  }

  private code(subject: Node, value: number | string): number {
    if (typeof value === 'number') return value;
    const closed = closedValues(subject);
    if (closed !== undefined) return closed.indexOf(value);
    const key = keyOf(subject) ?? '';
    const known = this.codes.get(key) ?? new Map<string, number>();
    this.codes.set(key, known);
    const code = known.get(value) ?? known.size;
    known.set(value, code);
    return code;
  }

  private rangeOf(node: Node): Spans {
    if (node.kind === 'field' || node.kind === 'item') return rangeOfField(node.field);
    if (node.type === 'text') return [[0, (closedValues(node)?.length ?? Number.POSITIVE_INFINITY) - 1]];
    if (node.type === 'boolean') return [[0, 1]];
    const gives = node.kind === 'call' ? GIVES[node.op] : undefined;
    return gives === undefined ? ALL : [gives];
  }
}

const MIRRORED = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as const;

function rangeOfField(field: ScalarField): Spans {
  switch (field.type) {
    case 'integer':
      return [[field.min, field.max]];
    case 'date':
      return [[FIRST_PROFILE_DAY, LAST_PROFILE_DAY]];
    case 'boolean':
      return [[0, 1]];
    case 'enum':
      return [[0, field.values.length - 1]];
    case 'string':
      return [[0, Number.POSITIVE_INFINITY]];
    default:
      return ALL;
  }
}

function closedValues(node: Node): readonly string[] | undefined {
  if ((node.kind === 'field' || node.kind === 'item') && node.field.type === 'enum') return node.field.values;
  return node.kind === 'event' ? node.values : undefined;
}

const stepOf = (node: Node): number => (node.type === 'number' ? 0 : 1);

/** What is asked about; undefined for what is no value of a citizen or an event. */
function keyOf(node: Node): string | undefined {
  switch (node.kind) {
    case 'field':
      return `citizen.${node.field.name}`;
    case 'item':
      return `item.${node.field.name}`;
    case 'event':
      return `event.${node.path.join('.')}`;
    case 'literal':
      return undefined;
    case 'call': {
      const args = node.args.map((arg) => (arg.kind === 'literal' ? JSON.stringify(arg.value) : keyOf(arg)));
      return node.op === 'if' || args[0] === undefined || args.includes(undefined)
        ? undefined
        : `${node.op}(${args.join(',')})`;
    }
    default:
      return undefined;
  }
}
