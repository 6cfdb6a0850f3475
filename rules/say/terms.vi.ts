/** Values and what is computed of them, as Vietnamese nouns. */
import type { EventRef, Literal, Node } from '../language.ts';
import { whenSaid } from './sentence.vi.ts';
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
    return `ngày ${day} tháng ${month} năm ${year}`;
  }
  if (literal.type === 'boolean') return literal.value === 1 ? 'đúng' : 'sai';
  const label = valueLabel(literal, beside, 'vi');
  if (label !== undefined) return `“${label}”`;
  if (literal.type === 'text') return `“${quotable(String(literal.value))}”`;
  return counted(literal, measureOf(beside));
}

export function counted(node: Node, measure: Measure): string {
  if (node.kind !== 'literal') return term(node);
  const number = node.value as number;
  const said = grouped(number, ',', '.');
  switch (measure) {
    case 'age':
    case 'yearAge':
      return `${said} tuổi`;
    case 'ageMonths':
      return `${said} tháng`;
    case 'months':
      return `${said} tháng`;
    case 'days':
      return `${said} ngày`;
    case 'monthDay':
      return `ngày ${number % 100} tháng ${Math.trunc(number / 100)}`;
    case 'parity':
      return number === 0 ? 'chẵn' : number === 1 ? 'lẻ' : grouped(number);
    case 'year':
      return number >= 1000 ? `năm ${number}` : String(number);
    case 'years':
      return `${said} năm`;
    case 'half': {
      const at = halfYear(number);
      return at === undefined ? said : `nửa ${at.half === 1 ? 'đầu' : 'cuối'} năm ${at.year}`;
    }
    case 'won':
      return `${said} won`;
    default:
      return said;
  }
}

const AGE_NOUNS: Readonly<Record<string, string>> = {
  age: 'tuổi tròn',
  yearAge: 'tuổi tính theo năm',
  ageMonths: 'số tháng tuổi',
  monthDay: 'ngày tháng sinh',
  parity: 'tính chẵn lẻ của năm sinh',
};

/** `beside`: what it is compared with, whose unit a number has. */
export function term(node: Node, beside: Node = node): string {
  switch (node.kind) {
    case 'field':
    case 'item':
      return node.field.labels.vi;
    case 'event':
      return eventLabel(node as EventRef).vi;
    case 'literal':
      return value(node, beside);
    case 'call':
      return called(node.op, node.args, node, beside);
    default:
      return 'điều kiện';
  }
}

function called(op: string, args: readonly Node[], node: Node, beside: Node): string {
  const [first, second] = args as [Node, Node];
  if (op === 'if') return chosen(args, beside);
  const age = comingOfAge(node);
  if (age !== undefined) return `ngày tròn ${age.count} ${age.unit === 'years' ? 'tuổi' : 'tháng tuổi'}`;
  const date = term(first);
  if (AGE_NOUNS[op] !== undefined && isBirth(first)) {
    const label = scalarOf(first)?.labels.vi ?? '';
    return label.startsWith('ngày sinh của')
      ? `${AGE_NOUNS[op]}${label.slice('ngày sinh'.length)}`
      : AGE_NOUNS[op];
  }
  switch (op) {
    case 'age':
      return `số năm tròn kể từ ${date}`;
    case 'yearAge':
      return `số năm kể từ năm của ${date}`;
    case 'ageMonths':
      return `số tháng tròn kể từ ${date}`;
    case 'monthDay':
      return `ngày tháng của ${date}`;
    case 'parity':
      return `tính chẵn lẻ của năm trong ${date}`;
    case 'daysUntil':
      return `số ngày còn lại đến ${date}`;
    case 'daysSince':
      return `số ngày kể từ ${date}`;
    case 'workingDay':
      return `${date} (nếu là ngày nghỉ thì ngày làm việc ${(second as Literal).value === 'next' ? 'kế tiếp' : 'liền trước'})`;
    default:
      return moved(date, op, second);
  }
}

/** What a value is depends on conditions, so it is said with them. */
function chosen(args: readonly Node[], beside: Node): string {
  const arms = args
    .slice(0, -1)
    .flatMap((arg, index) =>
      index % 2 === 0 ? [`${term(args[index + 1]!, beside)} nếu ${whenSaid(arg)}`] : [],
    );
  return `(${arms.join(', nếu không thì ')}, còn lại là ${term(args.at(-1)!, beside)})`;
}

const UNITS: Readonly<Record<string, string>> = {
  addDays: 'ngày',
  addMonths: 'tháng',
  addYears: 'năm',
  addWorkingDays: 'ngày làm việc',
};

function moved(date: string, op: string, count: Node): string {
  const unit = UNITS[op]!;
  if (count.kind !== 'literal') return `ngày cách ${date} một khoảng bằng ${term(count)} (${unit})`;
  const number = count.value as number;
  if (number === 0) return date;
  return `${grouped(Math.abs(number), ',', '.')} ${unit} ${number > 0 ? 'sau' : 'trước'} ${date}`;
}
