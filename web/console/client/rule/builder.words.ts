import type { Spoken } from '../words.ts';

type BuilderWords = {
  readonly label: string;
  readonly empty: string;
  readonly and: string;
  readonly or: string;
  readonly combinator: string;
  readonly not: string;
  readonly addRule: string;
  readonly addGroup: string;
  readonly remove: string;
  readonly removeGroup: string;
  readonly field: string;
  readonly operator: string;
  readonly value: string;
  readonly valueFrom: string;
  readonly fixed: string;
  readonly ofEvent: string;
  readonly mode: string;
  readonly modes: Readonly<Record<'some' | 'all' | 'none', string>>;
  readonly groups: Readonly<Record<'own' | 'reckoned' | 'event' | 'list', string>>;
  readonly operators: Readonly<Record<string, string>>;
  readonly dateOperators: Readonly<Record<string, string>>;
  readonly choose: string;
  readonly from: string;
  readonly to: string;
  readonly list: string;
  readonly days: string;
  readonly yes: string;
  readonly no: string;
  readonly sensitive: string;
};

export const BUILDER_WORDS: Spoken<BuilderWords> = {
  ko: {
    label: '조건',
    empty: '조건이 없습니다. “조건 넣기”에서 항목을 고르세요.',
    and: '다음을 모두 만족',
    or: '다음 중 하나라도 만족',
    combinator: '조건을 묶는 방법',
    not: '아닌 경우',
    addRule: '조건 넣기',
    addGroup: '묶음 넣기',
    remove: '조건 빼기',
    removeGroup: '묶음 빼기',
    field: '항목',
    operator: '비교',
    value: '값',
    valueFrom: '무엇과 비교할지',
    fixed: '정한 값',
    ofEvent: '이벤트 값·항목',
    mode: '몇이나',
    modes: { some: '하나라도', all: '모두', none: '아무도' },
    groups: { own: '사람 정보', reckoned: '날짜로 셈한 값', event: '이벤트가 준 값', list: '딸린 목록' },
    operators: {
      '=': '같음',
      '!=': '다름',
      '<': '미만',
      '<=': '이하',
      '>': '초과',
      '>=': '이상',
      in: '다음 가운데',
      notIn: '다음이 아님',
      between: '범위 안',
      notBetween: '범위 밖',
      null: '기록 없음',
      notNull: '기록 있음',
      isTrue: '예',
      within: '며칠 안에 옴',
    },
    dateOperators: { '<': '보다 전', '<=': '까지', '>': '보다 뒤', '>=': '부터' },
    choose: '고르세요',
    from: '부터',
    to: '까지',
    list: '쉼표로 나눈 값',
    days: '일',
    yes: '예',
    no: '아니요',
    sensitive: '민감 정보',
  },
  en: {
    label: 'Condition',
    empty: 'There is no condition yet. Choose a field under “Add a condition”.',
    and: 'all of these hold',
    or: 'any of these holds',
    combinator: 'How conditions are joined',
    not: 'not',
    addRule: 'Add a condition',
    addGroup: 'Add a group',
    remove: 'Remove the condition',
    removeGroup: 'Remove the group',
    field: 'Field',
    operator: 'Comparison',
    value: 'Value',
    valueFrom: 'What to compare with',
    fixed: 'a value',
    ofEvent: 'event or field',
    mode: 'How many',
    modes: { some: 'any', all: 'all', none: 'none' },
    groups: {
      own: 'About the person',
      reckoned: 'Reckoned from dates',
      event: 'Said by the event',
      list: 'Lists',
    },
    operators: {
      '=': 'is',
      '!=': 'is not',
      '<': 'less than',
      '<=': 'at most',
      '>': 'more than',
      '>=': 'at least',
      in: 'is one of',
      notIn: 'is none of',
      between: 'between',
      notBetween: 'not between',
      null: 'is not known',
      notNull: 'is known',
      isTrue: 'is so',
      within: 'comes within days',
    },
    dateOperators: { '<': 'before', '<=': 'on or before', '>': 'after', '>=': 'on or after' },
    choose: 'Choose',
    from: 'From',
    to: 'To',
    list: 'Values, parted by commas',
    days: 'days',
    yes: 'yes',
    no: 'no',
    sensitive: 'sensitive',
  },
};
