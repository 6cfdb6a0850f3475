import type { Spoken } from '../words.ts';

type Outcome = 'certain' | 'possible' | 'no';
type TestsWords = {
  readonly why: string;
  readonly add: string;
  readonly suggest: string;
  readonly none: string;
  readonly noneWhy: string;
  readonly name: string;
  readonly newName: (number: number) => string;
  readonly asOf: string;
  readonly person: string;
  readonly event: string;
  readonly example: (number: number) => string;
  readonly own: string;
  readonly expected: string;
  readonly actual: string;
  readonly outcomes: Readonly<Record<Outcome, string>>;
  readonly unread: string;
  readonly agrees: string;
  readonly differs: string;
  readonly remove: (name: string) => string;
  readonly unknown: string;
  readonly summary: (passed: number, all: number) => string;
  readonly fits: string;
  readonly other: (field: string) => string;
  readonly yes: string;
  readonly no: string;
  readonly json: (field: string) => string;
};

export const TESTS_WORDS: Spoken<TestsWords> = {
  ko: {
    why: '시험 시민은 규칙과 함께 저장되고, 저장할 때마다 다시 돌립니다. 하나라도 어긋나면 저장되지 않습니다.',
    add: '시험 시민 넣기',
    suggest: '조건에서 만들기',
    none: '시험 시민이 없습니다.',
    noneWhy: '규칙이 뜻대로 읽히는지 알려면 해당하는 사람과 아닌 사람을 하나씩은 넣으세요.',
    name: '이름',
    newName: (number) => `시험 ${number}`,
    asOf: '기준일',
    person: '사람과 날짜',
    event: '이벤트',
    example: (number) => `예 ${number}`,
    own: '따로 쓴 값',
    expected: '기대',
    actual: '결과',
    outcomes: { certain: '확실한 대상', possible: '가능성 있음', no: '대상 아님' },
    unread: '읽을 수 없음',
    agrees: '맞음',
    differs: '어긋남',
    remove: (name) => `${name} 빼기`,
    unknown: '모름',
    summary: (passed, all) => `${all}명 가운데 ${passed}명이 기대와 같습니다.`,
    fits: '모두 맞는 사람',
    other: (field) => `다른 사람: ${field}`,
    yes: '예',
    no: '아니요',
    json: (field) => `${field} (JSON)`,
  },
  en: {
    why: 'Test citizens are saved with the rule and judged at every save. If one comes out otherwise, the rule is not saved.',
    add: 'Add a test citizen',
    suggest: 'Make from the condition',
    none: 'There are no test citizens.',
    noneWhy:
      'Add at least one whom the rule concerns and one whom it does not, so that you know it is read as you meant it.',
    name: 'Name',
    newName: (number) => `Test ${number}`,
    asOf: 'As of',
    person: 'Person and day',
    event: 'Event',
    example: (number) => `Example ${number}`,
    own: 'own values',
    expected: 'Expected',
    actual: 'Actual',
    outcomes: { certain: 'certain', possible: 'possible', no: 'not concerned' },
    unread: 'cannot be read',
    agrees: 'Agrees',
    differs: 'Differs',
    remove: (name) => `Remove ${name}`,
    unknown: 'not known',
    summary: (passed, all) => `${passed} of ${all} come out as expected.`,
    fits: 'fits in everything',
    other: (field) => `differs: ${field}`,
    yes: 'yes',
    no: 'no',
    json: (field) => `${field} (JSON)`,
  },
};
