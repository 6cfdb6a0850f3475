/**
 * Conditions in Korean, as laws list them: `만 65세 이상일 것`. Particles follow the word before them (domain/kr/particles.ts), and what is
 * asked of items stands before them in the form that Korean has for that (`만 6세 미만인 자녀가 있을 것`).
 */
import { withParticle } from '../../domain/kr/particles.ts';
import type { Comparison, Literal, Node } from '../language.ts';
import { type Claim, type ClaimOf, claimOf, inOneLine, isParity } from './claims.ts';
import {
  inLine,
  isBirth,
  isNever,
  isTime,
  type Measure,
  measureOf,
  type Sentence,
  sentence,
} from './spoken.ts';
import { counted, term, value } from './terms.ko.ts';

/** A statement without its end, and the ends it can take: 것, before a noun, 고, 면. */
type Statement = { readonly stem: string; readonly ends: Ends };
type Ends = readonly [must: string, before: string, and: string, when: string];

const IS: Ends = ['일 것', '인', '이고', '이면'];
const IS_NOT: Ends = ['아닐 것', '아닌', '아니고', '아니면'];
const EQUAL: Ends = ['같을 것', '같은', '같고', '같으면'];
const OTHER: Ends = ['다를 것', '다른', '다르고', '다르면'];
const THERE: Ends = ['있을 것', '있는', '있고', '있으면'];
const NOT_THERE: Ends = ['있지 않을 것', '있지 않은', '있지 않고', '있지 않으면'];
const FITS: Ends = ['해당할 것', '해당하는', '해당하고', '해당하면'];
const FITS_NOT: Ends = ['해당하지 않을 것', '해당하지 않는', '해당하지 않고', '해당하지 않으면'];
const WITHIN: Ends = ['속할 것', '속하는', '속하고', '속하면'];
const NOT_WITHIN: Ends = ['속하지 않을 것', '속하지 않는', '속하지 않고', '속하지 않으면'];
const AMONG: Ends = ['포함될 것', '포함되는', '포함되고', '포함되면'];
const NOT_AMONG: Ends = ['포함되지 않을 것', '포함되지 않는', '포함되지 않고', '포함되지 않으면'];
const BORN: Ends = ['태어났을 것', '태어난', '태어났고', '태어났으면'];

const say = (stem: string, ends: Ends): Statement => ({ stem, ends });
const is = (noun: string): Statement => say(noun, IS);
const isNot = (noun: string): Statement => say(`${withParticle(noun, '이/가')} `, IS_NOT);
const subject = (noun: string): string => `${withParticle(noun, '이/가')} `;
const ended = ({ stem, ends }: Statement, end: 0 | 1 | 2 | 3): string => stem + ends[end];

const MORE: Readonly<Record<Comparison, string>> = {
  '==': '',
  '!=': '',
  '<': ' 미만',
  '<=': ' 이하',
  '>': ' 초과',
  '>=': ' 이상',
};
const LATER: Readonly<Record<'<' | '<=' | '>' | '>=', (noun: string) => string>> = {
  '<': (noun) => `${noun}보다 전`,
  '<=': (noun) => `${noun}이거나 그 전`,
  '>': (noun) => `${noun}보다 후`,
  '>=': (noun) => `${noun}이거나 그 후`,
};

export function korean(claim: Claim): Sentence {
  const { pointer } = claim;
  switch (claim.kind) {
    case 'group': {
      const lead = claim.join === 'all' ? '다음을 모두 만족할 것' : '다음 중 하나 이상에 해당할 것';
      return sentence(pointer, lead, claim.claims.map(korean));
    }
    case 'choice': {
      // An arm is come to where none before it was taken.
      const arms = claim.arms.map(({ when, wanted }, index) => {
        const said = inOneLine(when);
        const before = index === 0 ? '' : '그렇지 않고 ';
        return said === undefined
          ? sentence(pointer, `${before}다음 중 첫째에 해당하면 둘째를 만족할 것`, [
              korean(when),
              korean(wanted),
            ])
          : sentence(wanted.pointer, before + joined(said, 3), [korean(wanted)]);
      });
      const rest = sentence(claim.otherwise.pointer, '그렇지 않으면', [korean(claim.otherwise)]);
      return sentence(pointer, '경우에 따라 다음을 만족할 것', [...arms, rest]);
    }
    case 'items':
      return ofItems(claim);
    default:
      return sentence(pointer, ended(statement(claim), 0));
  }
}

function joined(claims: readonly Claim[], end: 0 | 1 | 3): string {
  return claims
    .map((claim, index) => ended(statement(claim), index === claims.length - 1 ? end : 2))
    .join(' ');
}

/** A condition before what follows from it: `성별이 여성이면`. */
export function whenSaid(condition: Node): string {
  const claim = claimOf(condition);
  const said = inOneLine(claim);
  return said === undefined ? `‘${inLine(korean(claim))}’에 해당하면` : joined(said, 3);
}

function ofItems({ pointer, op, list, body }: ClaimOf<'items'>): Sentence {
  const name = list.labels.ko;
  const said = inOneLine(body);
  if (said === undefined) {
    const every = body.kind === 'group' && body.join === 'all';
    const [what, such] = every
      ? ['다음을 모두 ', ['만족하는', '만족할']]
      : [body.kind === 'group' ? '다음 중 하나 이상에 ' : '다음에 ', ['해당하는', '해당할']];
    const lead = {
      some: `${what}${such[0]} ${subject(name)}있을 것`,
      none: `${what}${such[0]} ${subject(name)}없을 것`,
      all: `${subject(name)}있고 모든 ${subject(name)}${what}${such[1]} 것`,
      'not-all': `${subject(name)}없거나 모든 ${subject(name)}${what}${such[0]} 것은 아닐 것`,
    }[op];
    return sentence(pointer, lead, (body.kind === 'group' ? body.claims : [body]).map(korean));
  }
  const who = joined(said, 1);
  const lead = {
    some: `${who} ${subject(name)}있을 것`,
    none: `${who} ${subject(name)}없을 것`,
    all: `${subject(name)}있고 모든 ${subject(name)}${joined(said, 0)}`,
    'not-all': `${subject(name)}없거나 모든 ${subject(name)}${who} 것은 아닐 것`,
  }[op];
  return sentence(pointer, lead);
}

function statement(claim: Claim): Statement {
  switch (claim.kind) {
    case 'compare':
      return comparison(claim);
    case 'between':
      return span(claim);
    case 'in':
      return membership(claim);
    case 'within': {
      const noun = `판정일부터 ${counted(claim.days, 'days')} 이내`;
      const { stem, ends } = claim.denied ? isNot(noun) : is(noun);
      return say(subject(term(claim.subject)) + stem, ends);
    }
    case 'holds':
      return holds(claim);
    case 'known':
      return say(`${subject(knownOf(claim.of))}알려져 `, claim.denied ? NOT_THERE : THERE);
    case 'always':
      return claim.holds ? is('언제나 참') : is('언제나 거짓');
    default:
      throw new TypeError(`a ${claim.kind} is not said in one line`);
  }
}

function knownOf(of: ClaimOf<'known'>['of']): string {
  return of.kind === 'list-field' ? of.list.labels.ko : term(of);
}

function holds({ subject: node, denied }: ClaimOf<'holds'>): Statement {
  if (node.kind === 'field' || node.kind === 'item')
    return say(`‘${term(node)}’에 `, denied ? FITS_NOT : FITS);
  return say(
    subject(term(node)),
    denied ? ['거짓일 것', '거짓인', '거짓이고', '거짓이면'] : ['참일 것', '참인', '참이고', '참이면'],
  );
}

function comparison({ left, op, right }: ClaimOf<'compare'>): Statement {
  const measure = measureOf(left);
  if (isParity(left)) return parity(left, op, right);
  if (measure === 'days' && right.kind === 'literal' && right.value === 0) return besideToday(left, op);
  const age = right.kind === 'literal' ? ageOf(left) : undefined;
  if (age !== undefined) {
    const noun = `${age}${value(right as Literal, left)}${MORE[op]}`;
    return op === '!=' ? isNot(noun) : is(noun);
  }
  const who = subject(term(left, right));
  const what = term(right, left);
  if (op === '==' || op === '!=') {
    // Of a bare number: `3일 것` would be read as the third day.
    if (right.kind !== 'literal' || isBare(right, measure))
      return say(`${who}${withParticle(what, '과/와')} `, op === '==' ? EQUAL : OTHER);
    const { stem, ends } = op === '==' ? is(what) : isNot(what);
    return say(who + stem, ends);
  }
  const late = isTime(measure) && !(right.kind === 'literal' && isBare(right, measure));
  return say(who + (late ? LATER[op](what) : what + MORE[op]), IS);
}

const AGES: Readonly<Record<string, string>> = {
  age: '만 ',
  yearAge: '연 나이 ',
  ageMonths: '생후 ',
  daysSince: '생후 ',
};

/** What stands before the number of an age: which of the ages that Korean counts, and whose where it is not the citizen's or the item's own. */
function ageOf(node: Node): string | undefined {
  if (node.kind !== 'call' || AGES[node.op] === undefined || !isBirth(node.args[0]!)) return undefined;
  return `${node.args[0]!.kind === 'event' ? '대상자가 ' : ''}${AGES[node.op]}`;
}

function parity(left: Node, op: Comparison, right: Node): Statement {
  const date = (left as { args: readonly Node[] }).args[0]!;
  if (right.kind === 'literal' && op === '==' && (right.value === 0 || right.value === 1)) {
    const year = right.value === 0 ? '짝수 해' : '홀수 해';
    if (isBirth(date)) return say(`${year}에 `, BORN);
    return say(`${subject(`${term(date)}의 연도`)}${year}`, IS);
  }
  if (right.kind === 'event' && isBirth(date) && (op === '==' || op === '!='))
    return say('출생 연도가 이번 대상(짝수 해 또는 홀수 해)에 ', op === '==' ? FITS : FITS_NOT);
  const what = term(right, left);
  if (op === '==' || op === '!=')
    return say(`${subject(term(left))}${withParticle(what, '과/와')} `, op === '==' ? EQUAL : OTHER);
  return say(`${subject(term(left))}${what}${MORE[op]}`, IS);
}

/** A number that is said without a unit. */
function isBare(literal: Literal, measure: Measure): boolean {
  if (literal.type !== 'integer' && literal.type !== 'number') return false;
  return measure === 'plain' || isNever(literal, measure);
}

function besideToday(left: Node, op: Comparison): Statement {
  const { op: counting, args } = left as { op: string; args: readonly Node[] };
  const turned = ({ '<': '>', '<=': '>=', '>': '<', '>=': '<=' } as Record<string, Comparison>)[op] ?? op;
  const ahead = counting === 'daysUntil' ? op : turned;
  const who = subject(term(args[0]!));
  if (ahead === '==') return say(`${who}판정일`, IS);
  if (ahead === '!=') return say(`${who}판정일이 `, IS_NOT);
  return say(who + LATER[ahead]('판정일'), IS);
}

function span({ subject: node, low, high, denied }: ClaimOf<'between'>): Statement {
  const measure = measureOf(node);
  const [from, to] = [low, high].map((bound) =>
    bound.kind === 'literal' ? value(bound, node) : term(bound),
  );
  const make = denied ? isNot : is;
  const age = low.kind === 'literal' && high.kind === 'literal' ? ageOf(node) : undefined;
  if (age !== undefined) return make(`${age}${from} 이상 ${to} 이하`);
  if (isTime(measure))
    return say(`${subject(term(node))}${from}부터 ${to}까지의 기간에 `, denied ? NOT_WITHIN : WITHIN);
  const { stem, ends } = make(`${from} 이상 ${to} 이하`);
  return say(subject(term(node)) + stem, ends);
}

function membership({ subject: node, list, denied }: ClaimOf<'in'>): Statement {
  const who = subject(term(node));
  if (list.kind !== 'list') return say(`${who}${term(list)}에 `, denied ? NOT_AMONG : AMONG);
  const values = list.values.map((literal) => value(literal, node));
  if (values.length === 1) {
    const { stem, ends } = denied ? isNot(values[0]!) : is(values[0]!);
    return say(who + stem, ends);
  }
  if (denied) return say(`${who}${values.join(', ')} 중 어느 것도 `, IS_NOT);
  return say(
    who +
      (values.length === 2 && !isBare(list.values[0]!, measureOf(node))
        ? values.join(' 또는 ')
        : `${values.join(', ')} 중 하나`),
    IS,
  );
}
