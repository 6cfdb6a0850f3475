/** Conditions in Vietnamese: each line says what must be so of the citizen. */
import type { Comparison, Node } from '../language.ts';
import { type Claim, type ClaimOf, claimOf, inOneLine, isParity } from './claims.ts';
import { inLine, isBirth, isNever, isTime, measureOf, type Sentence, sentence } from './spoken.ts';
import { counted, term, value } from './terms.vi.ts';

const MORE: Readonly<Record<'<' | '<=' | '>' | '>=', (noun: string) => string>> = {
  '<': (noun) => `nhỏ hơn ${noun}`,
  '<=': (noun) => `không quá ${noun}`,
  '>': (noun) => `lớn hơn ${noun}`,
  '>=': (noun) => `từ ${noun} trở lên`,
};
const LATER: Readonly<Record<'<' | '<=' | '>' | '>=', (noun: string) => string>> = {
  '<': (noun) => `trước ${noun}`,
  '<=': (noun) => `không muộn hơn ${noun}`,
  '>': (noun) => `sau ${noun}`,
  '>=': (noun) => `không sớm hơn ${noun}`,
};

export function vietnamese(claim: Claim): Sentence {
  const { pointer } = claim;
  switch (claim.kind) {
    case 'group': {
      const lead =
        claim.join === 'all' ? 'thỏa mãn tất cả các điều sau' : 'thỏa mãn ít nhất một trong các điều sau';
      return sentence(pointer, lead, claim.claims.map(vietnamese));
    }
    case 'choice': {
      const arms = claim.arms.map(({ when, wanted }, index) => {
        const said = inOneLine(when);
        // An arm is come to where none before it was taken.
        const before = index === 0 ? '' : 'nếu không thì ';
        return said === undefined
          ? sentence(pointer, `${before}nếu đúng điều thứ nhất thì cũng phải đúng điều thứ hai`, [
              vietnamese(when),
              vietnamese(wanted),
            ])
          : sentence(wanted.pointer, `${before}nếu ${joined(said)}`, [vietnamese(wanted)]);
      });
      const rest = sentence(claim.otherwise.pointer, 'nếu không', [vietnamese(claim.otherwise)]);
      return sentence(pointer, 'tùy từng trường hợp', [...arms, rest]);
    }
    case 'items':
      return ofItems(claim);
    default:
      return sentence(pointer, statement(claim));
  }
}

const joined = (claims: readonly Claim[]): string => claims.map(statement).join(' và ');

/** A condition after an if. */
export function whenSaid(condition: Node): string {
  const claim = claimOf(condition);
  const said = inOneLine(claim);
  return said === undefined ? `(${inLine(vietnamese(claim))})` : joined(said);
}

function ofItems({ pointer, op, list, body }: ClaimOf<'items'>): Sentence {
  const name = list.labels.vi;
  const lead = {
    some: `có ít nhất một ${name} mà`,
    none: `không có ${name} nào mà`,
    all: `có ${name} và mỗi ${name} đều`,
    'not-all': `không có ${name}, hoặc không phải mọi ${name} đều`,
  }[op];
  const said = inOneLine(body);
  if (said === undefined && body.kind === 'group') {
    const of = body.join === 'all' ? 'tất cả các điều sau' : 'ít nhất một trong các điều sau';
    return sentence(pointer, `${lead} thỏa mãn ${of}`, body.claims.map(vietnamese));
  }
  return said === undefined
    ? sentence(pointer, `${lead} thỏa mãn`, [vietnamese(body)])
    : sentence(pointer, `${lead} ${joined(said)}`);
}

function statement(claim: Claim): string {
  switch (claim.kind) {
    case 'compare':
      return comparison(claim);
    case 'between':
      return span(claim);
    case 'in':
      return membership(claim);
    case 'within':
      return `${term(claim.subject)} ${claim.denied ? 'không ' : ''}nằm trong ${counted(claim.days, 'days')} kể từ ngày xét`;
    case 'holds':
      return holds(claim);
    case 'known': {
      const of = claim.of.kind === 'list-field' ? claim.of.list.labels.vi : term(claim.of);
      return `${claim.denied ? 'không có' : 'có'} dữ liệu về ${of}`;
    }
    case 'always':
      return claim.holds ? 'luôn đúng' : 'không bao giờ đúng';
    default:
      throw new TypeError(`a ${claim.kind} is not said in one line`);
  }
}

function holds({ subject, denied }: ClaimOf<'holds'>): string {
  if (subject.kind === 'field' || subject.kind === 'item')
    return `${denied ? 'không thuộc' : 'thuộc'} diện “${subject.field.labels.vi}”`;
  return `${term(subject)} là ${denied ? 'sai' : 'đúng'}`;
}

function comparison({ left, op, right }: ClaimOf<'compare'>): string {
  const measure = measureOf(left);
  if (isParity(left)) return parity(left, op, right);
  if (measure === 'days' && right.kind === 'literal' && right.value === 0) return besideToday(left, op);
  if (left.kind === 'call' && isBirth(left.args[0]!) && right.kind === 'literal') {
    const said = AGES[left.op];
    if (said !== undefined) return `${ownerOf(left.args[0]!)}${said(op, right.value as number)}`;
  }
  const what = term(right, left);
  if (op === '==' || op === '!=') {
    if (right.kind === 'literal')
      return `${term(left, right)} ${op === '==' ? 'là' : 'không phải là'} ${what}`;
    return `${term(left, right)} ${op === '==' ? 'trùng với' : 'khác với'} ${what}`;
  }
  return `${term(left, right)} ${(isTime(measure) && !(right.kind === 'literal' && isNever(right, measure)) ? LATER : MORE)[op](what)}`;
}

/** Whose age it is: the citizen's and an item's own need no word. */
const ownerOf = (birth: Node): string => (birth.kind === 'event' ? 'người được nêu ' : '');

function bounded(op: Comparison, age: string): string {
  const said: Readonly<Record<Comparison, string>> = {
    '==': `đúng ${age}`,
    '!=': `không phải ${age}`,
    '<': `chưa đến ${age}`,
    '<=': `không quá ${age}`,
    '>': `trên ${age}`,
    '>=': `từ ${age} trở lên`,
  };
  return said[op];
}

const AGES: Readonly<Record<string, (op: Comparison, count: number) => string>> = {
  age: (op, years) => bounded(op, `${years} tuổi tròn`),
  yearAge: (op, years) => `${bounded(op, `${years} tuổi`)} (tính theo năm)`,
  ageMonths: (op, months) => bounded(op, `${months} tháng tuổi`),
  daysSince: (op, days) => bounded(op, `${days} ngày tuổi`),
};

function parity(left: Node, op: Comparison, right: Node): string {
  const date = (left as { args: readonly Node[] }).args[0]!;
  if (right.kind === 'literal' && op === '==' && (right.value === 0 || right.value === 1)) {
    const year = right.value === 0 ? 'năm chẵn' : 'năm lẻ';
    return isBirth(date) ? `sinh vào ${year}` : `${term(date)} thuộc ${year}`;
  }
  if (right.kind === 'event' && isBirth(date) && (op === '==' || op === '!='))
    return `sinh vào năm ${op === '==' ? '' : 'không '}đến lượt (chẵn hoặc lẻ)`;
  const what = term(right, left);
  if (op === '==' || op === '!=')
    return `${term(left, right)} ${op === '==' ? 'trùng với' : 'khác với'} ${what}`;
  return `${term(left, right)} ${MORE[op](what)}`;
}

function besideToday(left: Node, op: Comparison): string {
  const { op: counting, args } = left as { op: string; args: readonly Node[] };
  const turned = ({ '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as Record<string, Comparison>)[op] ?? op;
  const ahead = counting === 'daysUntil' ? op : turned;
  const who = term(args[0]!);
  if (ahead === '==' || ahead === '!=') return `${who} ${ahead === '==' ? 'là' : 'không phải là'} ngày xét`;
  return `${who} ${LATER[ahead]('ngày xét')}`;
}

function span({ subject, low, high, denied }: ClaimOf<'between'>): string {
  const measure = measureOf(subject);
  const bounds = [low, high].map((bound) => (bound.kind === 'literal' ? value(bound, subject) : term(bound)));
  const not = denied ? 'không ' : '';
  const birth = subject.kind === 'call' && isBirth(subject.args[0]!);
  if (birth && low.kind === 'literal' && high.kind === 'literal') {
    const [from, to] = [low.value, high.value];
    const owner = ownerOf(subject.args[0]!);
    if (subject.op === 'daysSince') return `${owner}${not}từ ${from} đến ${to} ngày tuổi`;
    if (measure === 'age') return `${owner}${not}từ ${from} đến ${to} tuổi tròn`;
    if (measure === 'yearAge') return `${owner}${not}từ ${from} đến ${to} tuổi (tính theo năm)`;
    if (measure === 'ageMonths') return `${owner}${not}từ ${from} đến ${to} tháng tuổi`;
  }
  return `${term(subject)} ${not}nằm trong khoảng từ ${bounds[0]} đến ${bounds[1]}`;
}

function membership({ subject, list, denied }: ClaimOf<'in'>): string {
  const who = term(subject);
  if (list.kind !== 'list') return `${who} ${denied ? 'không ' : ''}nằm trong ${term(list)}`;
  const values = list.values.map((literal) => value(literal, subject));
  if (values.length === 1) return `${who} ${denied ? 'không phải là' : 'là'} ${values[0]}`;
  if (denied) return `${who} không phải là giá trị nào trong số ${values.join(', ')}`;
  return `${who} là ${values.slice(0, -1).join(', ')} hoặc ${values.at(-1)}`;
}
