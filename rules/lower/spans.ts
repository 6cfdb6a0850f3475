/** Leaves over a field of numbers with fractions: the column itself compared with constants. */
import type { WorkingDays } from '../../domain/timeline.ts';
import type { ScalarField } from '../catalogue.ts';
import { type Circumstances, compileNumber } from '../compile/closure.ts';
import { type Node, readsCitizen } from '../language.ts';
import type { Lowered } from './lowered.ts';
import { NOBODY } from './monotone.ts';

const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

export function spanOf(
  node: Node,
  field: ScalarField,
  negated: boolean,
  given: Circumstances,
  calendar: WorkingDays,
): Lowered | undefined {
  if (node.kind !== 'call') return undefined;
  const [first, ...rest] = node.args as [Node, ...Node[]];
  const isField = (arg: Node): boolean => arg.kind === 'field' || arg.kind === 'item';
  const constant = (arg: Node): number => compileNumber(arg, NOBODY, calendar)(undefined, given);
  const span = (low: number, high: number, turned = negated): Lowered => ({
    kind: 'span',
    field,
    low,
    high,
    negated: turned,
  });
  if (node.op === 'between') {
    if (!isField(first) || rest.some(readsCitizen)) return undefined;
    const [low, high] = rest.map(constant) as [number, number];
    // A bound that is not known leaves the other one to decide, citizen by citizen.
    return Number.isNaN(low) || Number.isNaN(high) ? undefined : span(low, high);
  }
  const flipped = !isField(first);
  const [subject, other] = flipped ? [rest[0]!, first] : [first, rest[0]!];
  if (other === undefined || !isField(subject) || readsCitizen(other) || node.args.length !== 2)
    return undefined;
  const bound = other.kind === 'list' || (other.kind === 'event' && other.list) ? undefined : constant(other);
  if (bound === undefined) return undefined;
  if (Number.isNaN(bound)) return { kind: 'constant', truth: Number.NaN };
  switch (flipped ? (MIRRORED[node.op] ?? node.op) : node.op) {
    case '==':
      return span(bound, bound);
    case '!=':
      return span(bound, bound, !negated);
    case '<=':
      return span(Number.NEGATIVE_INFINITY, bound);
    case '>=':
      return span(bound, Number.POSITIVE_INFINITY);
    case '<':
      return span(bound, Number.POSITIVE_INFINITY, !negated);
    case '>':
      return span(Number.NEGATIVE_INFINITY, bound, !negated);
    default:
      return undefined;
  }
}
