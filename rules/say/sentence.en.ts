/** Conditions in English: each line says what must be so of the citizen. */
import type { Comparison, Node } from '../language.ts';
import { type Claim, type ClaimOf, claimOf, inOneLine, isParity } from './claims.ts';
import { inLine, isBirth, isNever, isTime, measureOf, type Sentence, sentence } from './spoken.ts';
import { counted, several, term, value } from './terms.en.ts';

const MORE: Readonly<Record<'<' | '<=' | '>' | '>=', (noun: string) => string>> = {
  '<': (noun) => `less than ${noun}`,
  '<=': (noun) => `at most ${noun}`,
  '>': (noun) => `more than ${noun}`,
  '>=': (noun) => `at least ${noun}`,
};
const LATER: Readonly<Record<'<' | '<=' | '>' | '>=', (noun: string) => string>> = {
  '<': (noun) => `before ${noun}`,
  '<=': (noun) => `no later than ${noun}`,
  '>': (noun) => `after ${noun}`,
  '>=': (noun) => `no earlier than ${noun}`,
};

export function english(claim: Claim): Sentence {
  const { pointer } = claim;
  switch (claim.kind) {
    case 'group': {
      const lead = claim.join === 'all' ? 'all of these hold' : 'at least one of these holds';
      return sentence(pointer, lead, claim.claims.map(english));
    }
    case 'choice': {
      const arms = claim.arms.map(({ when, wanted }, index) => {
        const said = inOneLine(when);
        // An arm is come to where none before it was taken.
        const before = index === 0 ? '' : 'otherwise, ';
        return said === undefined
          ? sentence(pointer, `${before}if the first of these holds, so does the second`, [
              english(when),
              english(wanted),
            ])
          : sentence(wanted.pointer, `${before}if ${joined(said)}`, [english(wanted)]);
      });
      const rest = sentence(claim.otherwise.pointer, 'otherwise', [english(claim.otherwise)]);
      return sentence(pointer, 'depending on the case', [...arms, rest]);
    }
    case 'items':
      return ofItems(claim);
    default:
      return sentence(pointer, statement(claim));
  }
}

const joined = (claims: readonly Claim[]): string => claims.map(statement).join(', and ');

/** A condition after an if. */
export function whenSaid(condition: Node): string {
  const claim = claimOf(condition);
  const said = inOneLine(claim);
  return said === undefined ? `(${inLine(english(claim))})` : joined(said);
}

function ofItems({ pointer, op, list, body }: ClaimOf<'items'>): Sentence {
  const name = list.labels.en;
  const lead = {
    some: `for at least one of the ${name}`,
    none: `for none of the ${name}`,
    all: `there are ${name}, and for each of them`,
    'not-all': `there are no ${name}, or not for each of them`,
  }[op];
  const said = inOneLine(body);
  if (said === undefined && body.kind === 'group') {
    const of = body.join === 'all' ? 'all of these hold' : 'at least one of these holds';
    return sentence(pointer, `${lead}, ${of}`, body.claims.map(english));
  }
  return said === undefined
    ? sentence(pointer, lead, [english(body)])
    : sentence(pointer, `${lead}: ${joined(said)}`);
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
      return `${term(claim.subject)} is ${claim.denied ? 'not ' : ''}within ${counted(claim.days, 'days')} from the day judged`;
    case 'holds':
      return holds(claim);
    case 'known': {
      const of = claim.of.kind === 'list-field' ? `the ${claim.of.list.labels.en}` : term(claim.of);
      return `there is ${claim.denied ? 'no' : 'a'} value for ${of}`;
    }
    case 'always':
      return claim.holds ? 'always true' : 'never true';
    default:
      throw new TypeError(`a ${claim.kind} is not said in one line`);
  }
}

function holds({ subject, denied }: ClaimOf<'holds'>): string {
  if (subject.kind === 'field' || subject.kind === 'item')
    return `“${subject.field.labels.en}” ${denied ? 'does not apply' : 'applies'}`;
  return `${term(subject)} is ${denied ? 'false' : 'true'}`;
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
  if (op === '==' || op === '!=')
    return `${term(left, right)} is ${op === '==' ? '' : 'not '}${right.kind === 'literal' ? what : `the same as ${what}`}`;
  return `${term(left, right)} is ${(isTime(measure) && !(right.kind === 'literal' && isNever(right, measure)) ? LATER : MORE)[op](what)}`;
}

/** Whose age it is: the citizen's and an item's own need no word. */
const ownerOf = (birth: Node): string => (birth.kind === 'event' ? 'the person concerned is ' : '');

function bounded(op: Comparison, number: string): string {
  const said: Readonly<Record<Comparison, string>> = {
    '==': `exactly ${number}`,
    '!=': `any but ${number}`,
    '<': `under ${number}`,
    '<=': `${number} or under`,
    '>': `over ${number}`,
    '>=': `${number} or over`,
  };
  return said[op];
}

const AGES: Readonly<Record<string, (op: Comparison, count: number) => string>> = {
  age: (op, years) => `aged ${bounded(op, String(years))}`,
  yearAge: (op, years) => `turning ${bounded(op, String(years))} in the year`,
  ageMonths: (op, months) => `aged ${bounded(op, several(months, 'month'))}`,
  daysSince: (op, days) => `aged ${bounded(op, several(days, 'day'))}`,
};

function parity(left: Node, op: Comparison, right: Node): string {
  const date = (left as { args: readonly Node[] }).args[0]!;
  if (right.kind === 'literal' && op === '==' && (right.value === 0 || right.value === 1)) {
    const year = right.value === 0 ? 'an even year' : 'an odd year';
    return isBirth(date) ? `born in ${year}` : `${term(date)} is in ${year}`;
  }
  if (right.kind === 'event' && isBirth(date) && (op === '==' || op === '!='))
    return `born in a year whose turn it is ${op === '==' ? '' : 'not '}(even or odd)`;
  const what = term(right, left);
  if (op === '==' || op === '!=')
    return `${term(left, right)} is ${op === '==' ? '' : 'not '}the same as ${what}`;
  return `${term(left, right)} is ${MORE[op](what)}`;
}

function besideToday(left: Node, op: Comparison): string {
  const { op: counting, args } = left as { op: string; args: readonly Node[] };
  const turned = ({ '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as Record<string, Comparison>)[op] ?? op;
  const ahead = counting === 'daysUntil' ? op : turned;
  const who = term(args[0]!);
  if (ahead === '==' || ahead === '!=') return `${who} is ${ahead === '==' ? '' : 'not '}the day judged`;
  return `${who} is ${LATER[ahead]('the day judged')}`;
}

function span({ subject, low, high, denied }: ClaimOf<'between'>): string {
  const measure = measureOf(subject);
  const bounds = [low, high].map((bound) => (bound.kind === 'literal' ? value(bound, subject) : term(bound)));
  const not = denied ? 'not ' : '';
  const birth = subject.kind === 'call' && isBirth(subject.args[0]!);
  if (birth && low.kind === 'literal' && high.kind === 'literal') {
    const [from, to] = [low.value, high.value];
    const owner = ownerOf(subject.args[0]!);
    if (subject.op === 'daysSince') return `${owner}${not}aged ${from} to ${to} days`;
    if (measure === 'age') return `${owner}${not}aged ${from} to ${to}`;
    if (measure === 'yearAge') return `${owner}${not}turning ${from} to ${to} in the year`;
    if (measure === 'ageMonths') return `${owner}${not}aged ${from} to ${to} months`;
  }
  return `${term(subject)} is ${not}between ${bounds[0]} and ${bounds[1]}, both included`;
}

function membership({ subject, list, denied }: ClaimOf<'in'>): string {
  const who = term(subject);
  if (list.kind !== 'list') return `${who} is ${denied ? 'not ' : ''}among ${term(list)}`;
  const values = list.values.map((literal) => value(literal, subject));
  if (values.length === 1) return `${who} is ${denied ? 'not ' : ''}${values[0]}`;
  const all = `${values.slice(0, -1).join(', ')} ${denied ? 'nor' : 'or'} ${values.at(-1)}`;
  return `${who} is ${denied ? 'neither ' : ''}${all}`;
}
