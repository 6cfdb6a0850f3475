/** Values and what is computed of them, as Korean nouns. */
import { withParticle } from '../../domain/kr/particles.ts';
import type { EventRef, Literal, Node } from '../language.ts';
import { whenSaid } from './sentence.ko.ts';
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
  valueLabel,
} from './spoken.ts';

/** A literal with the unit of what it stands beside. */
export function value(literal: Literal, beside: Node): string {
  if (literal.type === 'date') {
    const { year, month, day } = civil(literal);
    return `${year}년 ${month}월 ${day}일`;
  }
  if (literal.type === 'boolean') return literal.value === 1 ? '참' : '거짓';
  const label = valueLabel(literal, beside, 'ko');
  if (label !== undefined) return label;
  if (literal.type === 'text') return `‘${quotable(String(literal.value))}’`;
  return counted(literal, measureOf(beside));
}

export function counted(node: Node, measure: Measure): string {
  if (node.kind !== 'literal') return term(node);
  const number = node.value as number;
  switch (measure) {
    case 'age':
    case 'yearAge':
      return `${grouped(number)}세`;
    case 'ageMonths':
      return `${grouped(number)}개월`;
    case 'months':
      return `${grouped(number)}개월`;
    case 'round':
      return `${grouped(number)}차`;
    case 'days':
      return `${grouped(number)}일`;
    case 'monthDay':
      return `${Math.trunc(number / 100)}월 ${number % 100}일`;
    case 'parity':
      return number === 0 ? '짝수' : number === 1 ? '홀수' : grouped(number);
    case 'year':
      return number >= 1000 ? `${number}년` : String(number);
    case 'years':
      return `${grouped(number)}년`;
    case 'half': {
      const at = halfYear(number);
      return at === undefined ? grouped(number) : `${at.year}년 ${at.half === 1 ? '상' : '하'}반기`;
    }
    case 'won':
      return `${grouped(number)}원`;
    default:
      return grouped(number);
  }
}

const AGE_NOUNS: Readonly<Record<string, string>> = {
  age: '만 나이',
  yearAge: '연 나이',
  ageMonths: '생후 개월 수',
  monthDay: '생일',
  parity: '출생 연도의 홀짝',
};

/** `beside`: what it is compared with, whose unit a number has. */
export function term(node: Node, beside: Node = node): string {
  switch (node.kind) {
    case 'field':
      return node.field.labels.ko;
    case 'item': {
      // What is asked of an item is said beside the item's own word.
      const owner = `${node.list.labels.ko}의 `;
      const { ko } = node.field.labels;
      return ko.startsWith(owner) ? ko.slice(owner.length) : ko;
    }
    case 'event':
      return eventLabel(node as EventRef).ko;
    case 'literal':
      return value(node, beside);
    case 'call':
      return called(node.op, node.args, node, beside);
    default:
      return '조건';
  }
}

function called(op: string, args: readonly Node[], node: Node, beside: Node): string {
  const [first, second] = args as [Node, Node];
  if (op === 'if') return chosen(args, beside);
  const age = comingOfAge(node);
  if (age !== undefined)
    return age.unit === 'years' ? `만 ${age.count}세가 되는 날` : `생후 ${age.count}개월이 되는 날`;
  const date = term(first);
  if (AGE_NOUNS[op] !== undefined && isBirth(first)) {
    return date.includes('생년월일') ? date.replace('생년월일', AGE_NOUNS[op]) : `${date}의 ${AGE_NOUNS[op]}`;
  }
  switch (op) {
    case 'age':
      return `${date}부터 센 만 햇수`;
    case 'yearAge':
      return `${date}의 연도부터 센 햇수`;
    case 'ageMonths':
      return `${date}부터 센 만 개월 수`;
    case 'monthDay':
      return `${date}의 월일`;
    case 'parity':
      return `${date}의 연도의 홀짝`;
    case 'daysUntil':
      return `${date}까지 남은 날수`;
    case 'daysSince':
      return `${date}부터 지난 날수`;
    case 'workingDay':
      return `${date}(쉬는 날이면 ${(second as Literal).value === 'next' ? '다음' : '앞'} 영업일)`;
    default:
      return moved(date, op, second);
  }
}

/** What a value is depends on conditions, so it is said with them. */
function chosen(args: readonly Node[], beside: Node): string {
  const arms = args
    .slice(0, -1)
    .flatMap((arg, index) => (index % 2 === 0 ? [`${whenSaid(arg)} ${term(args[index + 1]!, beside)}`] : []));
  return `(${arms.join(', 그렇지 않고 ')}, 그 밖에는 ${term(args.at(-1)!, beside)})`;
}

const UNITS: Readonly<Record<string, string>> = {
  addDays: '일',
  addMonths: '개월',
  addYears: '년',
  addWorkingDays: '영업일',
};

function moved(date: string, op: string, count: Node): string {
  const unit = UNITS[op]!;
  if (count.kind !== 'literal') return `${date}에 ${withParticle(term(count), '을/를')} 더한 날(${unit})`;
  const number = count.value as number;
  if (number === 0) return date;
  return `${date}의 ${grouped(Math.abs(number))}${unit} ${number > 0 ? '뒤' : '전'}`;
}
