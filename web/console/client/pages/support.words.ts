import type { Spoken } from '../words.ts';

export type ChainStepKind =
  | 'event'
  | 'rule'
  | 'judged'
  | 'planned'
  | 'waits'
  | 'claimed'
  | 'sent'
  | 'ended'
  | 'receipt'
  | 'shown';

type SupportWords = {
  readonly title: string;
  readonly lead: string;
  readonly by: string;
  readonly ways: Readonly<Record<'code' | 'phone' | 'citizen', string>>;
  readonly hints: Readonly<Record<'code' | 'phone' | 'citizen', string>>;
  readonly who: string;
  readonly whos: readonly string[];
  readonly what: string;
  readonly whatHint: string;
  readonly look: string;
  readonly found: (count: number) => string;
  readonly none: string;
  readonly noneWhy: string;
  readonly code: string;
  readonly recipient: string;
  readonly about: string;
  readonly more: string;
  readonly steps: Readonly<Record<ChainStepKind, string>>;
  readonly rule: (title: string, version: number, stage: string) => string;
  readonly judgedAsOf: (day: string) => string;
  readonly attempt: (number: number) => string;
  readonly until: string;
  readonly chain: string;
  readonly why: string;
  readonly whyWhich: string;
  readonly whyChoose: string;
  readonly whyAsk: string;
  readonly reach: Readonly<Record<'certain' | 'possible' | 'no', string>>;
  readonly noProfile: string;
  readonly gates: Readonly<Record<string, string>>;
  readonly noGates: string;
  readonly beside: string;
  readonly truths: readonly [yes: string, no: string, unknown: string];
};

export const SUPPORT_WORDS: Spoken<SupportWords> = {
  ko: {
    title: '응대',
    lead: '전화한 사람이 읽어 주는 확인 번호나 전화번호로 찾으세요. 찾은 일은 까닭과 함께 남고, 본인도 볼 수 있습니다.',
    by: '무엇으로 찾나요?',
    ways: { code: '확인 번호', phone: '전화번호', citizen: '시민 번호' },
    hints: { code: '예: K7Q2-93', phone: '예: 010-1234-5678', citizen: '예: c-7f3a9e' },
    who: '누가 물었나요?',
    whos: ['본인', '가족', '기관 담당자'],
    what: '무엇을 물었나요?',
    whatHint: '한 줄로 쓰세요. 개인정보는 쓰지 마세요.',
    look: '찾기',
    found: (count) => `알림 ${count}건`,
    none: '찾은 알림이 없습니다.',
    noneWhy: '번호를 다시 확인하세요. 다른 기관이 보낸 알림은 보이지 않습니다.',
    code: '확인 번호',
    recipient: '받은 사람',
    about: '누구에 대한 것',
    more: '더 보기',
    steps: {
      event: '이벤트',
      rule: '규칙',
      judged: '판정',
      planned: '알림을 만듦',
      waits: '기다림',
      claimed: '보내기 시작',
      sent: '보냄',
      ended: '결과',
      receipt: '받았다는 답',
      shown: '화면에 보임',
    },
    rule: (title, version, stage) => `${title} ${version}판 · ${stage}`,
    judgedAsOf: (day) => `${day} 기준`,
    attempt: (number) => `${number}번째`,
    until: '까지',
    chain: '있었던 일',
    why: '왜 받았나요, 왜 못 받았나요?',
    whyWhich: '어느 규칙인가요?',
    whyChoose: '규칙을 고르세요',
    whyAsk: '까닭 보기',
    reach: {
      certain: '지금 이 규칙의 확실한 대상입니다.',
      possible: '지금 이 규칙의 대상일 수 있습니다.',
      no: '지금 이 규칙의 대상이 아닙니다.',
    },
    noProfile: '이 사람의 자료가 여기에 없어 조건을 판정할 수 없습니다.',
    gates: {
      dead: '사망한 것으로 되어 있습니다.',
      unresolved: '이벤트가 왔지만 누구인지 아직 알 수 없어 기다립니다.',
      done: '이미 끝난 일로 되어 있습니다.',
      'opted-out': '이 갈래의 알림을 받지 않기로 했습니다.',
      'no-address': '확인된 연락처가 없어 앱에서만 볼 수 있습니다.',
      told: '이 규칙의 알림을 이미 받았습니다.',
    },
    noGates: '그 밖에 막는 것이 없습니다.',
    beside: '조건 밖의 까닭',
    truths: ['맞음', '아님', '모름'],
  },
  en: {
    title: 'Support',
    lead: 'Search by the code that the caller reads aloud, or by telephone number. Each look is kept with its reason, and the person can see it.',
    by: 'Search by',
    ways: { code: 'Code', phone: 'Telephone number', citizen: 'Citizen id' },
    hints: {
      code: 'For example K7Q2-93',
      phone: 'For example 010-1234-5678',
      citizen: 'For example c-7f3a9e',
    },
    who: 'Who asked?',
    whos: ['The person', 'Family', 'An agency'],
    what: 'What did they ask?',
    whatHint: 'One line, without personal data.',
    look: 'Search',
    found: (count) => (count === 1 ? '1 notice' : `${count} notices`),
    none: 'No notice was found.',
    noneWhy: 'Check the code or number again. Notices of other agencies are not shown.',
    code: 'Code',
    recipient: 'Told',
    about: 'About',
    more: 'Show more',
    steps: {
      event: 'Event',
      rule: 'Rule',
      judged: 'Judged',
      planned: 'Notice made',
      waits: 'Waits',
      claimed: 'Call began',
      sent: 'Sent',
      ended: 'Result',
      receipt: 'Provider says',
      shown: 'Shown on the device',
    },
    rule: (title, version, stage) => `${title}, version ${version} · ${stage}`,
    judgedAsOf: (day) => `as of ${day}`,
    attempt: (number) => `call ${number}`,
    until: 'until',
    chain: 'What happened',
    why: 'Why, or why not?',
    whyWhich: 'Which rule?',
    whyChoose: 'Choose a rule',
    whyAsk: 'Say why',
    reach: {
      certain: 'The rule certainly concerns this person now.',
      possible: 'The rule may concern this person now.',
      no: 'The rule does not concern this person now.',
    },
    noProfile: 'Nothing is held about this person here, so the condition cannot be judged.',
    gates: {
      dead: 'The person is recorded as having died.',
      unresolved: 'An event came and waits: it is not known yet who it is about.',
      done: 'The matter is recorded as done.',
      'opted-out': 'The person does not want notices of this category.',
      'no-address': 'There is no verified address, so it is in the app alone.',
      told: 'The person was told under this rule already.',
    },
    noGates: 'Nothing else stands in the way.',
    beside: 'Beside the condition',
    truths: ['holds', 'does not hold', 'not known'],
  },
};
