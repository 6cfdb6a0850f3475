import type { Spoken } from '../words.ts';

export type RuleState = 'draft' | 'awaiting' | 'approved' | 'live' | 'replaced' | 'withdrawn';

type RulesWords = {
  readonly title: string;
  readonly fresh: string;
  readonly search: string;
  readonly searchHint: string;
  readonly state: string;
  readonly all: string;
  readonly states: Readonly<Record<RuleState, string>>;
  readonly rule: string;
  readonly agency: string;
  readonly event: string;
  readonly category: string;
  readonly categories: Readonly<Record<string, string>>;
  readonly latest: string;
  readonly newer: (version: number, state: string) => string;
  readonly version: (version: number) => string;
  readonly changed: string;
  readonly none: string;
  readonly noneYet: string;
  readonly noneYetWhy: string;
};

export const RULES_WORDS: Spoken<RulesWords> = {
  ko: {
    title: '규칙',
    fresh: '새 규칙 쓰기',
    search: '찾기',
    searchHint: '이름이나 번호',
    state: '상태',
    all: '모두',
    states: {
      draft: '초안',
      awaiting: '승인 기다림',
      approved: '승인됨',
      live: '시행 중',
      replaced: '바뀜',
      withdrawn: '거둠',
    },
    rule: '규칙',
    agency: '기관',
    event: '받는 이벤트',
    category: '갈래',
    categories: { emergency: '긴급', statutory: '법정', service: '서비스', information: '정보' },
    latest: '최근 판',
    newer: (version, state) => `${version}판 ${state}`,
    version: (version) => `${version}판`,
    changed: '바뀐 때',
    none: '조건에 맞는 규칙이 없습니다.',
    noneYet: '아직 규칙이 없습니다.',
    noneYetWhy: '규칙은 어떤 일이 생겼을 때 누구에게 무엇을 알릴지 정합니다.',
  },
  en: {
    title: 'Rules',
    fresh: 'Write a rule',
    search: 'Search',
    searchHint: 'Name or id',
    state: 'State',
    all: 'All',
    states: {
      draft: 'Draft',
      awaiting: 'Awaiting approval',
      approved: 'Approved',
      live: 'Live',
      replaced: 'Replaced',
      withdrawn: 'Withdrawn',
    },
    rule: 'Rule',
    agency: 'Agency',
    event: 'Listens to',
    category: 'Category',
    categories: {
      emergency: 'Emergency',
      statutory: 'Statutory',
      service: 'Service',
      information: 'Information',
    },
    latest: 'Latest version',
    newer: (version, state) => `Version ${version}: ${state.toLowerCase()}`,
    version: (version) => `Version ${version}`,
    changed: 'Changed',
    none: 'No rule fits.',
    noneYet: 'There is no rule yet.',
    noneYetWhy: 'A rule says who is told what when something happens.',
  },
};
