/**
 * What would have to differ for a leaf to come out otherwise: a value that is missing, another day, or the nearest value on the other side of
 * a bound. Time is tried day by day with the leaf's own closure, so it knows every leap day and day off that the judgement knows.
 */
import { civilOf, dayNumberOf } from '../calendar.ts';
import type { Language } from '../catalogue.ts';
import { type Comparison, type Literal, type Node, operandsOf, readsCitizen } from '../language.ts';
import { DENIED, type Leaf } from './claims.ts';
import { PHRASES } from './phrases.ts';
import type { Found } from './seen.ts';
import { speakerOf } from './speakers.ts';
import { halfYear, type Measure, measureOf, scalarOf } from './spoken.ts';
import type { Truth } from './truths.ts';
import type { View } from './view.ts';

/** Nobody waits longer. */
const YEARS_AHEAD = 120;
/** Children grow up sooner, and a list is judged item by item. */
const YEARS_AHEAD_OF_ITEMS = 20;
const BY_DAY: readonly string[] = ['age', 'ageMonths', 'daysUntil', 'daysSince', 'within'];

export type Change = { readonly change: string | null; readonly turnsOn: number | undefined };

export type JudgedLeaf = {
  readonly leaf: Leaf;
  readonly truth: Truth;
  readonly found: readonly Found[];
  readonly view: View;
  readonly asOf: number;
};

export function changeOf({ leaf, truth, found, view, asOf }: JudgedLeaf, language: Language): Change {
  const phrases = PHRASES[language];
  if (truth === null) {
    const missing = found.filter(({ value }) => value === undefined);
    const labels = missing.map(({ variable }) =>
      variable.kind === 'list-field' ? variable.list.labels[language] : speakerOf(language).term(variable),
    );
    const change = missing.length === 0 ? phrases.notReckoned() : phrases.ifKnown([...new Set(labels)]);
    return { change, turnsOn: undefined };
  }
  const turnsOn = nextTurn(leaf, truth, view, asOf);
  const said = [
    bound(leaf, truth, view, language),
    turnsOn === undefined ? undefined : phrases.fromDay(dayIn(turnsOn, language), !truth),
  ].filter((part) => part !== undefined);
  return { change: said.length === 0 ? null : said.join('; '), turnsOn };
}

export function dayIn(day: number, language: Language): string {
  const literal: Literal = { kind: 'literal', type: 'date', value: day };
  return speakerOf(language).value(literal, literal);
}

function asks(node: Node, operators: readonly string[]): boolean {
  return (
    (node.kind === 'call' && operators.includes(node.op)) ||
    operandsOf(node).some((operand) => asks(operand, operators))
  );
}

/** The first later day on which the leaf is certainly the other way. Up to 44,000 judgements; by years alone, 120. */
function nextTurn({ node, kind }: Leaf, truth: boolean, view: View, asOf: number): number | undefined {
  const byDay = asks(node, BY_DAY);
  if (!byDay && !asks(node, ['yearAge'])) return undefined;
  const truthOn = view.judge(node);
  const { year, month, day } = civilOf(asOf);
  const lastYear = Math.min(year + (kind === 'items' ? YEARS_AHEAD_OF_ITEMS : YEARS_AHEAD), 9999);
  const last = dayNumberOf(lastYear, month, Math.min(day, 28));
  if (byDay) {
    for (let at = asOf + 1; at <= last; at++) if (truthOn(at) === !truth) return at;
    return undefined;
  }
  for (let at = year + 1; at <= lastYear; at++)
    if (truthOn(dayNumberOf(at, 1, 1)) === !truth) return dayNumberOf(at, 1, 1);
  return undefined;
}

/** What was found, and the nearest value that would turn a comparison. */
function bound(leaf: Leaf, truth: boolean, view: View, language: Language): string | undefined {
  if (leaf.kind !== 'compare' && leaf.kind !== 'between' && leaf.kind !== 'in' && leaf.kind !== 'within')
    return undefined;
  const subject = leaf.kind === 'compare' ? leaf.left : leaf.subject;
  const speaker = speakerOf(language);
  const { come } = view;
  const found = come(subject);
  if (found === undefined) return undefined;
  // That it is what was asked for is said already.
  if (leaf.kind === 'compare' && leaf.op === '==' && truth) return undefined;
  // What an event says stays as it is.
  const needed = !readsCitizen(leaf.node)
    ? undefined
    : leaf.kind === 'compare'
      ? nearest(leaf.op, come(leaf.right), truth, subject)
      : leaf.kind === 'between' && truth === leaf.denied
        ? nearestBound(found, come(leaf.low), come(leaf.high))
        : undefined;
  return PHRASES[language].found(
    speaker.value(found, subject),
    needed === undefined ? undefined : speaker.value(needed, subject),
  );
}

/** undefined where no value that there can be would turn it. */
function nearest(
  op: Comparison,
  right: Literal | undefined,
  truth: boolean,
  subject: Node,
): Literal | undefined {
  const wanted = truth ? DENIED[op] : op;
  if (right === undefined || wanted === '!=') return undefined;
  const step = { '<': -1, '>': 1 }[wanted as string] ?? 0;
  // Between two fractions there is always another.
  if (step !== 0 && right.type !== 'integer' && right.type !== 'date') return undefined;
  const value = step === 0 ? right.value : stepped(right.value as number, step as 1 | -1, measureOf(subject));
  const field = scalarOf(subject);
  if (value === undefined) return undefined;
  if (field?.type === 'integer' && ((value as number) < field.min || (value as number) > field.max))
    return undefined;
  return { ...right, value };
}

/** The next value there is: not every number is a day of the year or a half-year. */
function stepped(value: number, step: 1 | -1, measure: Measure): number | undefined {
  if (measure === 'monthDay') {
    // Of a leap year, which has every day.
    const [month, day] = [Math.trunc(value / 100), value % 100];
    if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
    const at = civilOf(dayNumberOf(2000, month, day) + step);
    return at.year === 2000 ? at.month * 100 + at.day : undefined;
  }
  if (measure === 'half' && halfYear(value) !== undefined)
    return value % 10 === (step === 1 ? 2 : 1) ? value + step * 9 : value + step;
  return value + step;
}

function nearestBound(
  found: Literal,
  low: Literal | undefined,
  high: Literal | undefined,
): Literal | undefined {
  if (low !== undefined && (found.value as number) < (low.value as number)) return low;
  return high;
}
