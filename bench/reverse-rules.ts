/**
 * Synthetic rules after the programmes (who is screened, paid, called up, warned, by age, year of birth, sex, region, income, last examination
 * and children), each said three times from one outline: in our language, for json-rules-engine and for zen. Synthetic profiles with every
 * field known, so that all three mean the same. Peers get ages and months as facts computed for them beforehand.
 */
import type { TopLevelCondition } from 'json-rules-engine';
import { ageMonthsOn, ageOn, parseDay, yearOf } from '../rules/calendar.ts';

/** Numbers in [0, 1) from a seed (mulberry32's recurrence), so that every run has the same rules. */
export function chances(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What an outline asks: a fact compared with a constant, or whether some child's months lie between two. */
type Ask =
  | { readonly fact: Fact; readonly op: '==' | '!=' | '<=' | '>=' | 'in'; readonly value: Value }
  | { readonly child: readonly [from: number, to: number] };
type Value = string | number | boolean | readonly string[];
export type Outline = Ask | { readonly all: readonly Outline[] } | { readonly any: readonly Outline[] };

const BIRTH = { var: 'citizen.birthDate' };
const OURS = {
  age: { age: [BIRTH] },
  yearAge: { yearAge: [BIRTH] },
  parity: { parity: [BIRTH] },
  daysToPension: { daysUntil: [{ addYears: [BIRTH, 65] }] },
  ageMonths: { ageMonths: [BIRTH] },
  sex: { var: 'citizen.sex' },
  sido: { var: 'citizen.sido' },
  sigungu: { var: 'citizen.sigungu' },
  insurance: { var: 'citizen.insurance' },
  student: { var: 'citizen.student' },
  incomeBracket: { var: 'citizen.incomeBracket' },
  disabled: { var: 'citizen.disabled' },
  lastCheckupYear: { var: 'citizen.lastCheckupYear' },
  lastStomachScreening: { var: 'citizen.lastStomachScreening' },
  lastBreastScreening: { var: 'citizen.lastBreastScreening' },
  liverRisk: { var: 'citizen.liverRisk' },
  incomeTaxFiler: { var: 'citizen.incomeTaxFiler' },
} as const;
type Fact = keyof typeof OURS;

export function toOurs(outline: Outline): unknown {
  if ('all' in outline) return { and: outline.all.map(toOurs) };
  if ('any' in outline) return { or: outline.any.map(toOurs) };
  if ('child' in outline) {
    const months = { ageMonths: [{ var: 'item.birthDate' }] };
    return { some: [{ var: 'citizen.children' }, { between: [months, ...outline.child] }] };
  }
  return { [outline.op]: [OURS[outline.fact], outline.value] };
}

const JRE = {
  '==': 'equal',
  '!=': 'notEqual',
  '<=': 'lessThanInclusive',
  '>=': 'greaterThanInclusive',
  in: 'in',
};

/** `someBetween` is an operator that the bench adds. */
export function toJsonRulesEngine(outline: Outline): TopLevelCondition {
  if ('all' in outline) return { all: outline.all.map(toJsonRulesEngine) };
  if ('any' in outline) return { any: outline.any.map(toJsonRulesEngine) };
  if ('child' in outline)
    return { fact: 'childMonths', operator: 'someBetween', value: outline.child } as never;
  return { fact: outline.fact, operator: JRE[outline.op], value: outline.value } as never;
}

export function toZen(outline: Outline): string {
  if ('all' in outline) return `(${outline.all.map(toZen).join(' and ')})`;
  if ('any' in outline) return `(${outline.any.map(toZen).join(' or ')})`;
  if ('child' in outline) return `some(childMonths, # >= ${outline.child[0]} and # <= ${outline.child[1]})`;
  return `${outline.fact} ${outline.op} ${JSON.stringify(outline.value)}`;
}

const SIDO = [
  '11',
  '26',
  '27',
  '28',
  '29',
  '30',
  '31',
  '36',
  '41',
  '43',
  '44',
  '46',
  '47',
  '48',
  '50',
  '51',
  '52',
];

export function makeOutlines(count: number, chance: () => number): Outline[] {
  const whole = (from: number, to: number): number => from + Math.floor(chance() * (to - from + 1));
  const one = <T>(of: readonly T[]): T => of[Math.floor(chance() * of.length)]!;
  const ask = (fact: Fact, op: '==' | '!=' | '<=' | '>=' | 'in', value: Value): Ask => ({ fact, op, value });
  const district = (): string => `${one(SIDO)}${whole(11, 25)}0`;
  /** Most rules are of a district or of some regions; the rest are for the whole country. */
  const where = (): Outline[] => {
    const share = chance();
    if (share < 0.45) return [ask('sigungu', '==', district())];
    return share < 0.8 ? [ask('sido', 'in', [...new Set([one(SIDO), one(SIDO)])])] : [];
  };
  const makers: (() => readonly Outline[])[] = [
    () => [
      ask('yearAge', '>=', whole(18, 30)),
      ask('parity', '==', whole(0, 1)),
      { any: [ask('insurance', '!=', 'medical-aid'), ask('yearAge', '<=', whole(60, 70))] },
      ask('lastCheckupYear', '<=', whole(2020, 2025)),
    ],
    () => [
      ask('yearAge', '>=', whole(38, 52)),
      ask('parity', '==', whole(0, 1)),
      ask('lastStomachScreening', '<=', whole(2020, 2025)),
    ],
    () => [
      ask('sex', '==', 'F'),
      ask('yearAge', '>=', whole(18, 45)),
      ask('lastBreastScreening', '<=', whole(2020, 2025)),
    ],
    () => [ask('yearAge', '>=', whole(38, 45)), ask('liverRisk', '==', true)],
    () => [
      ask('student', 'in', ['enrolled', 'admitted']),
      ask('incomeBracket', '<=', whole(1, 10)),
      ask('age', '<=', whole(24, 40)),
    ],
    () => [ask('incomeTaxFiler', '==', one(['general', 'faithful'])), ask('age', '>=', whole(18, 30))],
    () => [
      ask('daysToPension', '>=', 0),
      ask('daysToPension', '<=', whole(14, 120)),
      ask('incomeBracket', '<=', whole(5, 9)),
    ],
    () => [ask('sigungu', '==', district())],
    () => [ask('sex', '==', 'M'), ask('yearAge', '==', whole(18, 20))],
    () => [ask('ageMonths', '>=', 12 * 17), ask('ageMonths', '<=', 12 * 17 + whole(1, 12))],
    () => {
      const from = whole(0, 60);
      return [{ child: [from, from + whole(1, 12)] }];
    },
    () => [ask('disabled', '==', true), ask('age', '>=', whole(0, 65))],
    () => {
      const low = whole(1, 5);
      return [
        {
          any: [
            ask('incomeBracket', '<=', low),
            { all: [ask('disabled', '==', true), ask('incomeBracket', '<=', low + 3)] },
            { all: [ask('age', '>=', whole(65, 75)), ask('incomeBracket', '<=', low + 2)] },
          ],
        },
      ];
    },
  ];
  return Array.from({ length: count }, (_, at) => ({ all: [...makers[at % makers.length]!(), ...where()] }));
}

export type Person = Readonly<Record<string, unknown>>;

export function makePeople(count: number, chance: () => number): Person[] {
  const whole = (from: number, to: number): number => from + Math.floor(chance() * (to - from + 1));
  const one = <T>(of: readonly T[]): T => of[Math.floor(chance() * of.length)]!;
  const two = (n: number): string => String(n).padStart(2, '0');
  const born = (from: number, to: number): string =>
    `${whole(from, to)}-${two(whole(1, 12))}-${two(whole(1, 28))}`;
  return Array.from({ length: count }, (_, at): Person => {
    const sido = one(SIDO);
    const birthDate = born(1940, 2020);
    const parent = birthDate > '1975' && birthDate < '2000' && chance() < 0.4;
    return {
      birthDate,
      sex: one(['M', 'F']),
      sido,
      sigungu: `${sido}${whole(11, 25)}0`,
      insurance: one(['employee', 'dependant', 'regional', 'medical-aid']),
      lastCheckupYear: whole(2018, 2026),
      student: one(['none', 'enrolled', 'admitted']),
      incomeBracket: whole(0, 10),
      disabled: chance() < 0.051,
      children: parent
        ? Array.from({ length: whole(1, 3) }, (_, child) => ({
            id: `k-${at}-${child}`,
            birthDate: born(2008, 2025),
          }))
        : [],
      nonOffice: chance() < 0.3,
      lastStomachScreening: whole(2018, 2026),
      lastBreastScreening: whole(2018, 2026),
      liverRisk: chance() < 0.1,
      incomeTaxFiler: one(['none', 'general', 'faithful']),
    };
  });
}

/** What peers are given: the profile, and what they cannot compute of it. */
export function factsOf(person: Person, asOf: number): Person {
  const birthDate = person['birthDate'] as string;
  const year = yearOf(parseDay(birthDate));
  const pension = parseDay(`${year + 65}${birthDate.slice(4)}`);
  return {
    ...person,
    age: ageOn(parseDay(birthDate), asOf),
    ageMonths: ageMonthsOn(parseDay(birthDate), asOf),
    yearAge: yearOf(asOf) - year,
    parity: year % 2,
    daysToPension: pension - asOf,
    childMonths: (person['children'] as readonly { birthDate: string }[]).map((child) =>
      ageMonthsOn(parseDay(child.birthDate), asOf),
    ),
  };
}
