/**
 * The checked tree on one day, for one event: see lowered.ts. Knows nothing of a population, so that one lowering serves every shard.
 * Some microseconds a leaf.
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import type { ScalarField } from '../catalogue.ts';
import { type Circumstances, compileNumber, compileText } from '../compile/closure.ts';
import { eventList } from '../compile/event-value.ts';
import {
  type Call,
  type Node,
  operandsOf,
  type Quantified,
  readsCitizen,
  readsMoreThanItems,
} from '../language.ts';
import type { Lowered, Truth } from './lowered.ts';
import { Monotone, NOBODY } from './monotone.ts';
import { negationNormal, not } from './negation.ts';
import { spanOf } from './spans.ts';
import { tableOf, tableOfTurning } from './tables.ts';

export function lower(condition: Node, given: Circumstances, calendar: WorkingDays = WORKING_DAYS): Lowered {
  return new Lowering(given, calendar).lower(negationNormal(condition));
}

class Lowering {
  private readonly given: Circumstances;
  private readonly calendar: WorkingDays;

  constructor(given: Circumstances, calendar: WorkingDays) {
    this.given = given;
    this.calendar = calendar;
  }

  lower(node: Node): Lowered {
    if (!readsCitizen(node)) return this.constant(node);
    if (node.kind === 'quantified') return this.list(node, false);
    if (node.kind === 'call')
      switch (node.op) {
        case 'and':
        case 'or':
          return joined(
            node.op,
            node.args.map((arg) => this.lower(arg)),
          );
        case 'if':
          return this.choice(node);
        case '!':
          return this.turned(node.args[0]!);
        default:
      }
    return this.leaf(node, false);
  }

  private turned(node: Node): Lowered {
    return node.kind === 'quantified' ? this.list(node, true) : this.leaf(node, true);
  }

  private constant(node: Node): Lowered {
    return { kind: 'constant', truth: compileNumber(node, NOBODY, this.calendar)(undefined, this.given) };
  }

  private choice(node: Call): Lowered {
    let otherwise = this.lower(node.args.at(-1)!);
    for (let i = node.args.length - 3; i >= 0; i -= 2) {
      const when = this.lower(node.args[i]!);
      const then = this.lower(node.args[i + 1]!);
      if (when.kind === 'constant' && !Number.isNaN(when.truth))
        otherwise = when.truth === 1 ? then : otherwise;
      else otherwise = { kind: 'choice', when, then, otherwise };
    }
    return otherwise;
  }

  private list(node: Quantified, negated: boolean): Lowered {
    // Per item and citizen: the closure carries both.
    if (readsMoreThanItems(node.body)) return { kind: 'slot', node: negated ? not(node) : node };
    return {
      kind: 'list',
      op: node.op === 'all' ? 'all' : 'some',
      negated: negated !== (node.op === 'none'),
      list: node.list,
      body: this.lower(node.body),
    };
  }

  private leaf(node: Node, negated: boolean): Lowered {
    if (node.kind === 'known' && node.of.kind !== 'event')
      return {
        kind: 'known',
        field: node.of.kind === 'list-field' ? node.of.list : node.of.field,
        wanted: !negated,
      };
    const field = onlyColumnOf(node);
    return (field && this.column(node, field, negated)) ?? { kind: 'slot', node: negated ? not(node) : node };
  }

  private column(node: Node, field: ScalarField, negated: boolean): Lowered | undefined {
    const { given, calendar } = this;
    if (field.type === 'string') return this.texts(node, field, negated);
    if (field.type === 'number') return spanOf(node, field, negated, given, calendar);
    return (
      new Monotone(field, given, calendar).lower(node, negated) ??
      tableOf(node, field, negated, given, calendar) ??
      tableOfTurning(node, field, negated, given, calendar)
    );
  }

  private texts(node: Node, field: ScalarField, negated: boolean): Lowered | undefined {
    if (node.kind !== 'call') return undefined;
    const [first, second] = node.args as [Node, Node];
    const isField = (arg: Node): boolean => arg.kind === 'field' || arg.kind === 'item';
    if (node.op === 'in') {
      if (!isField(first)) return undefined;
      const texts =
        second.kind === 'list'
          ? second.values.map(({ value }) => value)
          : second.kind === 'event'
            ? eventList(second, this.given.event)
            : undefined;
      if (texts === undefined) return { kind: 'constant', truth: Number.NaN };
      if (texts.length === 0) return { kind: 'constant', truth: Number(negated) };
      return { kind: 'texts', field, texts: new Set(texts as readonly string[]), negated };
    }
    if (node.op !== '==' && node.op !== '!=') return undefined;
    const [subject, other] = isField(first) ? [first, second] : [second, first];
    if (!isField(subject) || readsCitizen(other)) return undefined;
    const text = compileText(other, NOBODY, this.calendar)(undefined, this.given);
    if (text === undefined) return { kind: 'constant', truth: Number.NaN };
    return { kind: 'texts', field, texts: new Set([text]), negated: negated !== (node.op === '!=') };
  }
}

/** What decides by itself ends the whole; what decides nothing is left out. */
function joined(op: 'and' | 'or', parts: readonly Lowered[]): Lowered {
  const [decides, idle]: [Truth, Truth] = op === 'and' ? [0, 1] : [1, 0];
  const truthOf = (part: Lowered): Truth | undefined => (part.kind === 'constant' ? part.truth : undefined);
  if (parts.some((part) => truthOf(part) === decides)) return { kind: 'constant', truth: decides };
  const of = parts.filter((part) => truthOf(part) !== idle);
  if (of.length === 0) return { kind: 'constant', truth: idle };
  return of.length === 1 ? of[0]! : { kind: op, of };
}

/** The only column that a leaf reads; undefined where it reads several, or a list. */
function onlyColumnOf(node: Node): ScalarField | undefined {
  const seen = new Set<ScalarField | null>();
  const walk = (at: Node): void => {
    const of = at.kind === 'known' ? at.of : at;
    if (of.kind === 'field' || of.kind === 'item') seen.add(of.field);
    else if (of.kind === 'quantified' || of.kind === 'list-field') seen.add(null);
    operandsOf(at).forEach(walk);
  };
  walk(node);
  const [only] = seen;
  return seen.size === 1 && only !== null ? only : undefined;
}
