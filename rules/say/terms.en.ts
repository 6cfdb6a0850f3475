/** Values and what is computed of them, as English nouns. */
import { MONTHS_EN } from '../../domain/month-names.ts';
import type { EventRef, Literal, Node } from '../language.ts';
import { whenSaid } from './sentence.en.ts';
import {
  civil,
  comingOfAge,
  eventLabel,
  grouped,
  halfYear,
  isBirth,
  type Measure,
  measureOf,
  quotable,
  scalarOf,
  valueLabel,
} from './spoken.ts';

/** A literal with the unit of what it stands beside. */
export function value(literal: Literal, beside: Node): string {
  if (literal.type === 'date') {
    const { year, month, day } = civil(literal);
    return `${day} ${MONTHS_EN[month - 1]} ${year}`;
  }
  if (literal.type === 'boolean') return literal.value === 1 ? 'true' : 'false';
  const label = valueLabel(literal, beside, 'en');
  if (label !== undefined) return `“${label}”`;
  if (literal.type === 'text') return `“${quotable(String(literal.value))}”`;
  return counted(literal, measureOf(beside));
}

export function counted(node: Node, measure: Measure): string {
  if (node.kind !== 'literal') return term(node);
  const number = node.value as number;
  switch (measure) {
    case 'ageMonths':
    case 'months':
      return several(number, 'month');
    case 'days':
      return several(number, 'day');
    case 'monthDay':
      return `${number % 100} ${MONTHS_EN[Math.trunc(number / 100) - 1] ?? Math.trunc(number / 100)}`;
    case 'parity':
      return number === 0 ? 'even' : number === 1 ? 'odd' : grouped(number);
    case 'year':
      return String(number);
    case 'years':
      return several(number, 'year');
    case 'half': {
      const at = halfYear(number);
      return at === undefined
        ? grouped(number)
        : `the ${at.half === 1 ? 'first' : 'second'} half of ${at.year}`;
    }
    case 'won':
      return `${grouped(number)} won`;
    default:
      return grouped(number);
  }
}

export const several = (count: number, unit: string): string =>
  `${grouped(count)} ${unit}${Math.abs(count) === 1 ? '' : 's'}`;

const AGE_NOUNS: Readonly<Record<string, string>> = {
  age: 'the age',
  yearAge: 'the age reached in the year',
  ageMonths: 'the age in months',
  monthDay: 'the birthday',
  parity: 'whether the year of birth is even or odd',
};

/** `beside`: what it is compared with, whose unit a number has. */
export function term(node: Node, beside: Node = node): string {
  switch (node.kind) {
    case 'field':
    case 'item':
      return `the ${node.field.labels.en}`;
    case 'event':
      return eventLabel(node as EventRef).en;
    case 'literal':
      return value(node, beside);
    case 'call':
      return called(node.op, node.args, node, beside);
    default:
      return 'a condition';
  }
}

function called(op: string, args: readonly Node[], node: Node, beside: Node): string {
  const [first, second] = args as [Node, Node];
  if (op === 'if') return chosen(args, beside);
  const age = comingOfAge(node);
  if (age !== undefined)
    return age.unit === 'years'
      ? `the day of turning ${age.count}`
      : `the day of turning ${age.count} months old`;
  const date = term(first);
  if (AGE_NOUNS[op] !== undefined && isBirth(first)) {
    const label = scalarOf(first)?.labels.en ?? '';
    return label.startsWith('date of birth of')
      ? `${AGE_NOUNS[op]}${label.slice('date of birth'.length)}`
      : AGE_NOUNS[op];
  }
  switch (op) {
    case 'age':
      return `the full years since ${date}`;
    case 'yearAge':
      return `the years since the year of ${date}`;
    case 'ageMonths':
    case 'months':
      return `the full months since ${date}`;
    case 'monthDay':
      return `the month and day of ${date}`;
    case 'parity':
      return `whether the year of ${date} is even or odd`;
    case 'daysUntil':
      return `the days left until ${date}`;
    case 'daysSince':
      return `the days since ${date}`;
    case 'workingDay':
      return `${date} (${(second as Literal).value === 'next' ? 'or the next' : 'or the last'} working day where it is a day off)`;
    default:
      return moved(date, op, second);
  }
}

/** What a value is depends on conditions, so it is said with them. */
function chosen(args: readonly Node[], beside: Node): string {
  const arms = args
    .slice(0, -1)
    .flatMap((arg, index) =>
      index % 2 === 0 ? [`${term(args[index + 1]!, beside)} if ${whenSaid(arg)}`] : [],
    );
  return `(${arms.join(', otherwise ')}, else ${term(args.at(-1)!, beside)})`;
}

const UNITS: Readonly<Record<string, string>> = {
  addDays: 'day',
  addMonths: 'month',
  addYears: 'year',
  addWorkingDays: 'working day',
};

function moved(date: string, op: string, count: Node): string {
  const unit = UNITS[op]!;
  if (count.kind !== 'literal') return `the day that is ${term(count)} (${unit}s) after ${date}`;
  const number = count.value as number;
  if (number === 0) return date;
  return `${several(Math.abs(number), unit)} ${number > 0 ? 'after' : 'before'} ${date}`;
}
