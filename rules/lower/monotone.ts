/**
 * A leaf over a function of one column that never turns back is an interval of codes, found by bisecting. So a condition on a birthday
 * becomes a range of birth days for the day, and nothing stored changes because time passed.
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import type { ScalarField } from '../catalogue.ts';
import { type Circumstances, compileNumber, type Scalars, type Source } from '../compile/closure.ts';
import { eventList } from '../compile/event-value.ts';
import { type Call, LIMITS, type Node, readsCitizen } from '../language.ts';
import { codingOf } from '../population/columns.ts';
import { FIRST_WORKING_DAY, LAST_WORKING_DAY } from '../working-days.ts';
import { type Lowered, NO, type RangeLeaf, YES } from './lowered.ts';

/** A code may be 2^30 at most, so that differences of codes stay in 31 bits. */
const LARGEST_CODE = 2 ** 30;
/** The largest table: every day of a profile has a code of its own. */
const LARGEST_TABLE = 2 ** 18;

const noLists = (): never => {
  throw new TypeError('there is no list here');
};

/** What does not depend on the citizen is the same for nobody. */
export const NOBODY: Source<undefined> = {
  number: () => () => Number.NaN,
  text: () => () => undefined,
  list: noLists,
};

/** A source of one column's values alone, a citizen's or an item's. */
export function sourceOf<Row>(column: Scalars<Row>): Source<Row> {
  return { ...column, list: noLists, item: column };
}

/** The row is the value itself. */
export const THE_VALUE: Source<number> = sourceOf({
  number: () => (value) => value,
  text: () => () => undefined,
});

type Codes = readonly [first: number, last: number];

/** The least code in [from, to] for which `holds`, given that it never stops holding; to + 1 where none does. */
function firstWhere(from: number, to: number, holds: (code: number) => boolean): number {
  let low = from;
  let high = to + 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** A field, or a calendar function that never turns back over it: what it adds may not depend on the citizen. */
function isMonotone(node: Node): boolean {
  if (node.kind === 'field' || node.kind === 'item') return true;
  if (node.kind !== 'call') return false;
  switch (node.op) {
    case 'age':
    case 'ageMonths':
    case 'yearAge':
    case 'daysUntil':
    case 'daysSince':
    case 'workingDay':
      return isMonotone(node.args[0]!);
    case 'addDays':
    case 'addMonths':
    case 'addYears':
    case 'addWorkingDays':
      return isMonotone(node.args[0]!) && !readsCitizen(node.args[1]!);
    default:
      return false;
  }
}

export class Monotone {
  private readonly field: ScalarField;
  private readonly given: Circumstances;
  private readonly calendar: WorkingDays;
  private readonly base: number;
  private readonly maxCode: number;

  constructor(field: ScalarField, given: Circumstances, calendar: WorkingDays) {
    this.field = field;
    this.given = given;
    this.calendar = calendar;
    ({ base: this.base, maxCode: this.maxCode } = codingOf(field));
  }

  /** The leaf as codes, or undefined where it is not monotone or something it is compared with is unknown. */
  lower(node: Node, negated: boolean): Lowered | undefined {
    if (this.maxCode > LARGEST_CODE || this.field.type === 'enum') return undefined;
    if (node.kind === 'field' || node.kind === 'item') return this.range(2, 2, [1, 2], negated);
    if (node.kind !== 'call') return undefined;
    const [subject, ...bounds] = node.args as [Node, ...Node[]];
    switch (node.op) {
      case 'within':
      case 'between':
        return bounds.some(readsCitizen) ? undefined : this.interval(node, subject, bounds, negated);
      case 'in':
        return this.members(subject, bounds[0]!, negated);
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=': {
        const other = bounds[0]!;
        if (readsCitizen(subject) === readsCitizen(other)) return undefined;
        const [reading, constant] = readsCitizen(subject) ? [subject, other] : [other, subject];
        if (node.op === '==' || node.op === '!=')
          return this.interval(node, reading, [constant], negated !== (node.op === '!='));
        return this.threshold(node, reading, negated);
      }
      default:
        return undefined;
    }
  }

  private range(from: number, to: number, [knownFrom, knownTo]: Codes, negated: boolean): RangeLeaf {
    return { kind: 'range', field: this.field, from, to, knownFrom, knownTo, negated };
  }

  private at(node: Node): (code: number) => number {
    const closure = compileNumber(node, THE_VALUE, this.calendar);
    return (code) => closure(code + this.base - 1, this.given);
  }

  private constant(node: Node): number {
    return compileNumber(node, NOBODY, this.calendar)(undefined, this.given);
  }

  /** The codes for which a monotone node has a value; an empty window where there are none, undefined where that is not known. */
  private window(node: Node): Codes | undefined {
    if (!isMonotone(node)) return undefined;
    if (node.kind !== 'call') return [1, this.maxCode];
    const [inner, amount] = node.args as [Node, Node];
    const within = this.window(inner);
    if (within === undefined) return undefined;
    const [first, last] = within;
    switch (node.op) {
      case 'addWorkingDays':
      case 'workingDay': {
        const count = node.op === 'workingDay' ? 0 : this.constant(amount);
        if (!(Math.abs(count) <= LIMITS.workingDays)) return undefined;
        // Dates only grow with the code here: functions that fall give no dates.
        const day = this.at(inner);
        return [
          firstWhere(first, last, (code) => day(code) >= FIRST_WORKING_DAY),
          firstWhere(first, last, (code) => day(code) > LAST_WORKING_DAY) - 1,
        ];
      }
      case 'addDays':
      case 'addMonths':
      case 'addYears': {
        const day = this.at(node);
        return Number.isNaN(day(first)) || Number.isNaN(day(last)) ? undefined : within;
      }
      default:
        return within;
    }
  }

  /** One bound: the truth changes at most once over the codes. */
  private threshold(node: Call, reading: Node, negated: boolean): Lowered | undefined {
    const window = this.window(reading);
    if (window === undefined) return undefined;
    const [first, last] = window;
    if (first > last) return { kind: 'constant', truth: Number.NaN };
    const truth = this.at(node);
    const [from, to] = [truth(first), truth(last)];
    if (Number.isNaN(from) || Number.isNaN(to)) return undefined;
    if (from === to)
      return from === 1 ? this.range(first, last, window, negated) : this.range(1, 0, window, negated);
    const turn = firstWhere(first, last, (code) => truth(code) === to);
    return to === 1 ? this.range(turn, last, window, negated) : this.range(first, turn - 1, window, negated);
  }

  /** Two bounds, one for equality: each is bisected by itself. */
  private interval(
    node: Call,
    reading: Node,
    bounds: readonly Node[],
    negated: boolean,
  ): Lowered | undefined {
    const window = this.window(reading);
    if (window === undefined) return undefined;
    if (window[0] > window[1]) return { kind: 'constant', truth: Number.NaN };
    const subject: Node =
      node.op === 'within' ? { ...node, op: 'daysUntil', type: 'integer', args: [reading] } : reading;
    const constants = bounds.map((bound) => this.constant(bound));
    const low = node.op === 'within' ? 0 : constants[0]!;
    const high = constants.at(-1)!;
    if (Number.isNaN(low) || Number.isNaN(high)) return undefined;
    const [from, to] = this.codesBetween(this.at(subject), low, high, window);
    return this.range(from, to, window, negated);
  }

  private codesBetween(value: (code: number) => number, low: number, high: number, window: Codes): Codes {
    const [first, last] = window;
    const rising = value(first) <= value(last);
    const from = firstWhere(first, last, (code) => (rising ? value(code) >= low : value(code) <= high));
    const end = firstWhere(first, last, (code) => (rising ? value(code) > high : value(code) < low));
    return [from, end - 1];
  }

  /** One of several values: each is an interval, together a table. */
  private members(subject: Node, list: Node, negated: boolean): Lowered | undefined {
    const window = this.maxCode <= LARGEST_TABLE ? this.window(subject) : undefined;
    if (window === undefined) return undefined;
    const values =
      list.kind === 'list'
        ? list.values.map(({ value }) => value)
        : list.kind === 'event'
          ? eventList(list, this.given.event)
          : undefined;
    if (values === undefined) return { kind: 'constant', truth: Number.NaN };
    // Nothing is in an empty list, known or not.
    if (values.length === 0) return { kind: 'constant', truth: negated ? 1 : 0 };
    const [first, last] = window;
    const bits = new Uint8Array(this.maxCode + 1);
    if (first <= last) {
      bits.fill(negated ? YES : NO, first, last + 1);
      const value = this.at(subject);
      for (const wanted of values as readonly number[]) {
        const [from, to] = this.codesBetween(value, wanted, wanted, window);
        if (from <= to) bits.fill(negated ? NO : YES, from, to + 1);
      }
    }
    return { kind: 'table', field: this.field, bits };
  }
}
