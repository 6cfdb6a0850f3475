/** The words of the demonstration's page in Korean and English, and how numbers, days and times are written. */
import { ZONE } from '../../domain/jurisdiction.ts';

export const LANGUAGES = ['ko', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** `?lang=`, else the best of Accept-Language (RFC 9110, weights), else Korean. */
export function languageOf(asked: string | undefined, accept: string | undefined): Language {
  if (asked === 'ko' || asked === 'en') return asked;
  const wanted = (accept ?? '')
    .split(',')
    .map((range) => {
      const [tag = '', ...more] = range.trim().split(';');
      const weight = more.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((q) => q !== undefined);
      return { language: tag.toLowerCase().split('-')[0], weight: weight === undefined ? 1 : Number(weight) };
    })
    .toSorted((a, b) => b.weight - a.weight);
  return wanted.find(({ language, weight }) => weight > 0 && (language === 'ko' || language === 'en'))
    ?.language === 'en'
    ? 'en'
    : 'ko';
}

const LOCALES = { ko: 'ko-KR', en: 'en-GB' } as const;

/** As its readers call it. */
export function languageName(language: Language): string {
  return new Intl.DisplayNames(language, { type: 'language' }).of(language) ?? language;
}

export function count(value: number, language: Language): string {
  return value.toLocaleString(LOCALES[language]);
}

/** 14:02, where the state is. */
export function clockTime(at: Date, language: Language, seconds = false): string {
  return at.toLocaleTimeString(LOCALES[language], {
    timeZone: ZONE,
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    ...(seconds ? { second: '2-digit' } : {}),
  });
}

/** 11월 17일(화); Tue 17 November. */
export function dayName(date: string, language: Language): string {
  const day = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(day.getTime())) return date;
  const part = (options: Intl.DateTimeFormatOptions) =>
    day.toLocaleDateString(LOCALES[language], { timeZone: 'UTC', ...options });
  return language === 'ko'
    ? `${part({ month: 'long', day: 'numeric' })}(${part({ weekday: 'short' })})`
    : `${part({ weekday: 'short' })} ${part({ day: 'numeric', month: 'long' })}`;
}

/** With its year and without its weekday, as one says when somebody was born. */
export function fullDay(date: string, language: Language): string {
  const day = new Date(`${date}T00:00:00Z`);
  return Number.isNaN(day.getTime())
    ? date
    : day.toLocaleDateString(LOCALES[language], { timeZone: 'UTC', dateStyle: 'long' });
}

/** A name in the reader's language, else in English or Korean, else what it is called inside. */
export function nameIn(names: Readonly<Record<string, string>> | undefined, language: Language, id: string) {
  return names?.[language] ?? names?.['en'] ?? names?.['ko'] ?? id;
}

const KO = {
  title: 'Allim 알림 데모',
  skip: '본문으로 가기',
  badge: '데모',
  demonstration:
    '여기는 데모입니다. 사람, 기관의 통지, 번호는 모두 지어낸 것입니다. 아무것도 이 컴퓨터 밖으로 나가지 않았습니다.',
  lead: '기관이 이벤트를 보내면, 규칙이 누구에게 해당하는지 찾고, 그 사람이 고른 방법으로 알립니다. 지난 한 주에 일어난 일을 보여 드립니다.',
  languages: '언어',
  sections: '이 페이지의 내용',
  running: '한 주를 재생하는 중입니다',
  done: '한 주가 끝났습니다',
  failed: '데모가 끝까지 가지 못했습니다',
  verdict: (lost: number, unexpected: number, doubled: number) =>
    lost + unexpected + doubled === 0
      ? '빠진 사람 0, 잘못 알린 사람 0, 두 번 알린 사람 0'
      : `빠진 사람 ${lost}, 잘못 알린 사람 ${unexpected}, 두 번 알린 사람 ${doubled}`,
  verdictHow: '규칙이나 장부를 보지 않고, 처음 자료를 SQL로 따로 세어 보낸 편지함과 맞춰 본 결과입니다.',
  seconds: (s: number) => `시작부터 ${s}초`,
  stopped: '발송이 멈춰 있습니다',
  stopOf: { all: '전체', agency: '기관', channel: '방법', campaign: '발송 건' } as Record<string, string>,
  stopSince: '부터',
  figures: '숫자로 보기',
  events: '이벤트',
  citizens: '사람',
  matched: '해당',
  notices: '알림',
  sent: '보냄',
  held: '기다림',
  notSent: '보내지 않음',
  channels: { push: '앱 알림', email: '메일', sms: '문자' } as Record<string, string>,
  week: '한 주에 일어난 일',
  weekLead: '기관이 말한 날짜별로 모았습니다. 알림은 해당하는 사람에게 온 것을 셉니다.',
  day: '날짜',
  agency: '기관',
  what: '무슨 일',
  nothing: '아직 없습니다',
  silent: '알릴 일이 아님',
  outbox: '보낸 편지함',
  outboxLead: '받는 사람이 보게 될 모습입니다. 규칙마다 가장 새것을 보여 드립니다.',
  allOf: '이 사람의 알림과 이유',
  to: '받는 사람',
  now: '방금',
  about: '근거',
  code: '확인 번호',
  tryIt: '직접 보내 보기',
  tryLead: '터미널에 그대로 붙여 넣으세요. 이 페이지가 새로 고침 없이 바뀝니다.',
  tryOneTitle: '세 사람에게 재산세를 알리기',
  tryOne: '한 사람은 앱, 한 사람은 메일, 한 사람은 문자로 받습니다. 여러 번 보내도 됩니다.',
  tryTwoTitle: '나를 넣고 나에게 알리기',
  tryTwo: '당신을 시민으로 넣고 이벤트 하나를 보냅니다.',
  tryThreeTitle: '한 구에 사는 사람 모두에게',
  tryThree: '이벤트에는 사람이 없습니다. 누구에게 해당하는지는 규칙이 찾습니다.',
  copy: '복사',
  copied: '복사했습니다',
  live: '지금 들어오는 이벤트',
  liveOn: '실시간으로 보는 중',
  liveOff: '실시간이 꺼져 있습니다. 새로 고쳐서 보세요.',
  liveNew: (what: string) => `새 이벤트: ${what}`,
  superseded: '더 새로운 것이 있어 쓰지 않음',
  everybody: '모두',
  whyNot: '규칙별 결과와 보내지 않은 이유',
  whyNotLead: '해당한 사람 수는 오른쪽 칸의 합과 같습니다.',
  rule: '규칙',
  told: '이미 알림',
  doneAlready: '이미 함',
  replaced: '더 새것으로 바뀜',
  nobody: '받을 사람 없음',
  optedOut: '받지 않기로 함',
  noAddress: '연락처 없음',
  ofThose: '그 가운데',
  deliveries: '방법별 상태',
  status: '상태',
  reason: '이유',
  number: '건수',
  statuses: {
    planned: '보낼 차례',
    waiting: '기다리는 중',
    sending: '보내는 중',
    sent: '보냄',
    delivered: '도착',
    suppressed: '보내지 않음',
    expired: '기한이 지남',
    cancelled: '취소됨',
    'failed-permanent': '실패: 연락처',
    'failed-temporary': '실패: 통신',
    'failed-technical': '실패: 우리 쪽',
    ambiguous: '끝을 알 수 없음',
  } as Record<string, string>,
  reasons: {
    'quiet-hours': '조용한 시간이 끝나면 보냄',
    stopped: '발송이 멈춰 있음',
    retry: '다시 보낼 예정',
    ambiguous: '한 번 더 보낼 예정',
    'next-channel': '다음 방법으로',
    done: '그 사이에 했음',
    superseded: '더 새것으로 바뀜',
    withdrawn: '기관이 거두어들임',
    'opted-out': '받지 않기로 함',
    'channel-off': '이 방법은 꺼 둠',
    'address-gone': '연락처가 없어짐',
    dead: '돌아가신 분',
  } as Record<string, string>,
  unresolved: '아직 모르는 사람의 이벤트',
  quarantine: '읽지 못해 따로 둔 것',
  inboxKinds: {
    full: '알림',
    waiting: '조용한 시간',
    'no-address': '연락처 없음',
    refuses: '받지 않기로 함',
    english: '영어로',
  },
  oneCitizen: '한 사람의 알림함',
  oneLead: '한 사람이 받은 알림과, 각각이 왜 왔는지입니다.',
  choose: '다른 사람 보기',
  person: '사람',
  knownAs: '알고 있는 것',
  reachable: '연락 방법',
  noChannel: '없음',
  quiet: (from: string, to: string) => `${from}부터 ${to}까지는 보내지 않음`,
  off: '받지 않기로 한 것',
  categories: { emergency: '긴급', statutory: '법정', service: '서비스', information: '정보' } as Record<
    string,
    string
  >,
  why: '왜 왔나요?',
  whyRule: '규칙',
  whyEvent: '이벤트',
  whyReach: '대상',
  whyHolds: '조건과 그날 본 값',
  holds: { yes: '맞음', no: '아님', unknown: '모름' } as Record<string, string>,
  certain: '확실한 대상: 조건이 모두 맞습니다',
  possible: '가능성이 있는 대상: 값 하나를 몰라서, 신청해야 알 수 있습니다',
  seen: '본 값',
  unknownValue: '모름',
  yes: '예',
  no: '아니요',
  people: (count: number) => `${count}명`,
  legal: '법적 근거',
  correction: '정정',
  until: '기한',
  noNotices: '이 사람에게 온 알림이 없습니다.',
  noCitizen: '이런 사람을 모릅니다.',
  services: '돌고 있는 것',
  servicesLead: '모두 이 컴퓨터의 프로세스 하나와 그것이 켠 데이터베이스에 있습니다. 운영에서는 따로 돕니다.',
  part: '부분',
  is: '무엇으로',
  health: '상태',
  well: '정상',
  ill: '이상',
  names: {
    database: '데이터베이스',
    log: '이벤트 기록',
    queue: '대기열',
    producers: '들어오는 곳',
    dispatcher: '배정',
    rules: '규칙',
    workers: '보내는 곳',
    web: '웹',
  } as Record<string, string>,
  backlog: '남은 일',
  idle: '남은 일이 없습니다',
  foot: '운영 모드에는 이 페이지가 없습니다.',
  ways: '들어가 보기',
  waysLead: '누구의 눈으로 볼지 고르세요. 로그인 화면에 그 사람이 골라져 있습니다.',
  waysPassword: '비밀번호는 모두 같습니다',
  waysPasswordFile: '비밀번호는 모두 같고, 이 파일에 있습니다',
  waysStaff: '기관 직원',
  waysStaffText: (agency: string) => `${agency}에서 일해 봅니다.`,
  waysTasks: {
    author: '규칙을 고치며 대상이 몇 명인지 봅니다',
    approver: '기다리는 승인을 읽고 결정합니다',
    operator: '발송을 살피고, 멈추고, 잘못 온 이벤트를 고칩니다',
    support: '전화한 시민이 왜 받았는지 찾습니다',
    auditor: '누가 무엇을 했는지 읽고 확인합니다',
    owner: '모든 기관을 봅니다',
  },
  waysSupport: (code: string) => `확인 번호 ${code}를 찾아보세요`,
  waysCitizen: '시민',
  waysCitizenText: '받은 알림을 보고, 마치고, 받는 방법을 고릅니다.',
  waysLook: '둘러보는 분',
  waysLookText: '로그인하지 않고 봅니다.',
  waysTryText: '명령 하나면 알림이 나갑니다',
  waysOutboxText: '휴대전화, 메일, 문자로 보이는 모습',
  waysCheck: '이 알림은 진짜인가요?',
  waysCheckText: '확인 번호로 진짜 글을 봅니다',
  waysCheckWith: (code: string, last: string) => `확인 번호 ${code}, 전화번호 끝 ${last}`,
  waysReal: '거짓 알림을 알아보는 법',
  waysRealText: '우리가 하는 일과 하지 않는 일',
  waysApi: 'API 설명서',
  waysApiText: 'OpenAPI 3.1로 쓴 설명',
  back: '처음으로',
};

type Words = typeof KO;

const EN: Words = {
  title: 'Allim, the demonstration',
  skip: 'Skip to the content',
  badge: 'Demonstration',
  demonstration:
    'This is the demonstration. The people, the agencies’ events and all numbers are made up. Nothing has left this computer.',
  lead: 'An agency sends an event, rules find whom it concerns, and each person is told on the channel they chose. Below is what happened in the past week.',
  languages: 'Language',
  sections: 'On this page',
  running: 'The week is being played',
  done: 'The week is over',
  failed: 'The demonstration did not come to its end',
  verdict: (lost, unexpected, doubled) =>
    `${lost} missed, ${unexpected} told by mistake, ${doubled} told twice`,
  verdictHow: 'Counted apart: SQL over the seed against the outbox, without asking the rules or the ledger.',
  seconds: (s) => `${s} s after the start`,
  stopped: 'Sending is stopped',
  stopOf: { all: 'everything', agency: 'agency', channel: 'channel', campaign: 'campaign' },
  stopSince: 'since',
  figures: 'In figures',
  events: 'events',
  citizens: 'people',
  matched: 'matches',
  notices: 'notices',
  sent: 'sent',
  held: 'waiting',
  notSent: 'not sent',
  channels: { push: 'Push', email: 'Email', sms: 'SMS' },
  week: 'What happened in the week',
  weekLead: 'By the day that the agency gave. Notices are those that people got because of it.',
  day: 'Day',
  agency: 'Agency',
  what: 'What',
  nothing: 'Nothing yet',
  silent: 'nobody to be told',
  outbox: 'The outbox',
  outboxLead: 'As the recipients would see it: the newest of each rule.',
  allOf: 'this person’s notices, and why',
  to: 'to',
  now: 'now',
  about: 'because of',
  code: 'code',
  tryIt: 'Send an event yourself',
  tryLead: 'Paste it into a terminal as it is. This page changes without a reload.',
  tryOneTitle: 'Tell three people of their property tax',
  tryOne: 'One gets a push, one an email, one an SMS. You can send it as often as you like.',
  tryTwoTitle: 'Add yourself and be told',
  tryTwo: 'Makes you a citizen and sends one event about you.',
  tryThreeTitle: 'Everybody in one district',
  tryThree: 'The event names nobody. The rule finds whom it concerns.',
  copy: 'Copy',
  copied: 'Copied',
  live: 'Events as they come',
  liveOn: 'Live',
  liveOff: 'Not live: reload to see what is new.',
  liveNew: (what) => `New event: ${what}`,
  superseded: 'not used: there is a newer one',
  everybody: 'everybody',
  whyNot: 'What each rule led to, and why some were not told',
  whyNotLead: 'Matches are the sum of the columns to their right.',
  rule: 'Rule',
  told: 'told before',
  doneAlready: 'done already',
  replaced: 'replaced by a newer one',
  nobody: 'nobody to tell',
  optedOut: 'opted out',
  noAddress: 'no address',
  ofThose: 'of those',
  deliveries: 'Channels and statuses',
  status: 'Status',
  reason: 'Reason',
  number: 'Count',
  statuses: {
    planned: 'about to be sent',
    waiting: 'waiting',
    sending: 'being sent',
    sent: 'sent',
    delivered: 'delivered',
    suppressed: 'held back',
    expired: 'too late',
    cancelled: 'cancelled',
    'failed-permanent': 'failed: address',
    'failed-temporary': 'failed: network',
    'failed-technical': 'failed: us',
    ambiguous: 'nobody knows how it ended',
  },
  reasons: {
    'quiet-hours': 'leaves when their quiet hours end',
    stopped: 'sending is stopped',
    retry: 'to be tried again',
    ambiguous: 'to be sent once more',
    'next-channel': 'on to the next channel',
    done: 'done in the meantime',
    superseded: 'replaced by a newer one',
    withdrawn: 'withdrawn by the agency',
    'opted-out': 'opted out',
    'channel-off': 'this channel is switched off',
    'address-gone': 'the address is gone',
    dead: 'has died',
  },
  unresolved: 'Events about people not known yet',
  quarantine: 'Put aside, unreadable',
  inboxKinds: {
    full: 'notices:',
    waiting: 'quiet hours',
    'no-address': 'no address',
    refuses: 'opted out',
    english: 'in English',
  },
  oneCitizen: 'One person’s inbox',
  oneLead: 'What one person was told, and why each notice came.',
  choose: 'Look at somebody else',
  person: 'Person',
  knownAs: 'What is known',
  reachable: 'Reached by',
  noChannel: 'nothing',
  quiet: (from, to) => `nothing from ${from} to ${to}`,
  off: 'Opted out of',
  categories: {
    emergency: 'emergency',
    statutory: 'statutory',
    service: 'service',
    information: 'information',
  },
  why: 'Why did this come?',
  whyRule: 'Rule',
  whyEvent: 'Event',
  whyReach: 'Reach',
  whyHolds: 'Conditions, and what was seen that day',
  holds: { yes: 'Holds', no: 'Does not', unknown: 'Not known' },
  certain: 'certain: every condition is true',
  possible: 'possible: one value is not known, and applying will tell',
  seen: 'Seen',
  unknownValue: 'not known',
  yes: 'yes',
  no: 'no',
  people: (count) => `${count}`,
  legal: 'Legal basis',
  correction: 'correction',
  until: 'until',
  noNotices: 'Nothing has come to this person.',
  noCitizen: 'There is no such person.',
  services: 'What is running',
  servicesLead:
    'All of it in one process on this computer and the database it started. In production the parts run apart.',
  part: 'Part',
  is: 'Is',
  health: 'Health',
  well: 'well',
  ill: 'not well',
  names: {
    database: 'Database',
    log: 'Event log',
    queue: 'Queue',
    producers: 'Producers',
    dispatcher: 'Dispatcher',
    rules: 'Rules',
    workers: 'Workers',
    web: 'Web',
  },
  backlog: 'Still to do',
  idle: 'nothing is left to do',
  foot: 'Production mode has no such page.',
  ways: 'Come in',
  waysLead: 'Choose through whose eyes you look. The sign-in page has the person chosen already.',
  waysPassword: 'All have one password',
  waysPasswordFile: 'All have one password, which lies in this file',
  waysStaff: 'Staff of an agency',
  waysStaffText: (agency) => `Do the work of one agency: ${agency}.`,
  waysTasks: {
    author: 'change a rule and watch its audience',
    approver: 'read the change that waits, and decide',
    operator: 'watch and stop sending, mend what arrived broken',
    support: 'find why somebody who calls was told',
    auditor: 'read and verify who did what',
    owner: 'sees every agency',
  },
  waysSupport: (code) => `look up the code ${code}`,
  waysCitizen: 'Citizens',
  waysCitizenText: 'See what came, get it done, choose how to be told.',
  waysLook: 'Just looking',
  waysLookText: 'Without signing in.',
  waysTryText: 'one command, and notices leave',
  waysOutboxText: 'as phone, mail and text message',
  waysCheck: 'Is this notice real?',
  waysCheckText: 'its code shows the true text',
  waysCheckWith: (code, last) => `code ${code}, number ending in ${last}`,
  waysReal: 'How to tell a false notice',
  waysRealText: 'what we do and never do',
  waysApi: 'The API',
  waysApiText: 'described by OpenAPI 3.1',
  back: 'Back to the start',
};

export const WORDS: Readonly<Record<Language, Words>> = { ko: KO, en: EN };
