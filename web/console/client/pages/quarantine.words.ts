import type { Spoken } from '../words.ts';

type QuarantineWords = {
  readonly title: string;
  readonly lead: string;
  readonly none: string;
  readonly noneWhy: string;
  readonly at: string;
  readonly what: string;
  readonly where: string;
  readonly open: string;
  readonly faults: string;
  readonly original: string;
  readonly originalWhy: string;
  readonly mend: string;
  readonly mendHint: string;
  readonly retry: string;
  readonly retryMended: string;
  readonly drop: string;
  readonly dropTitle: string;
  readonly dropWhat: string;
  readonly notJson: string;
  readonly binary: string;
  readonly retried: (known: boolean) => string;
  readonly dropped: string;
  readonly back: string;
  /** What is wrong, by error code. */
  readonly codes: Readonly<Record<string, string>>;
  readonly topics: Readonly<Record<string, string>>;
  readonly states: Readonly<Record<string, string>>;
  readonly closed: (state: string, by: string) => string;
};

export const QUARANTINE_WORDS: Spoken<QuarantineWords> = {
  ko: {
    title: '격리',
    lead: '받아들이지 못한 기록입니다. 버려지지 않고 여기 남습니다. 고쳐서 다시 보내거나, 쓸모없으면 버리세요.',
    none: '격리된 기록이 없습니다.',
    noneWhy: '기관이 보낸 것이 모두 받아들여졌습니다.',
    at: '때',
    what: '무엇이 틀렸나요?',
    where: '어디서',
    open: '열기',
    faults: '틀린 곳',
    original: '온 그대로',
    originalWhy: '고쳐도 이 기록은 그대로 남습니다.',
    mend: '고친 내용',
    mendHint: 'JSON으로 씁니다. 고치지 않고 그대로 다시 보낼 수도 있습니다.',
    retry: '그대로 다시 보내기',
    retryMended: '고쳐서 다시 보내기',
    drop: '버리기',
    dropTitle: '이 기록을 버릴까요?',
    dropWhat: '처리하지 않고 닫습니다. 기록 자체는 남습니다.',
    notJson: 'JSON이 아닙니다.',
    binary: '글이 아니어서 보여 줄 수 없습니다.',
    retried: (known) =>
      known ? '이미 받은 이벤트여서 한 번만 처리됩니다. 닫았습니다.' : '다시 보냈습니다. 받아들여졌습니다.',
    dropped: '닫았습니다.',
    back: '격리 목록',
    codes: {
      'event-invalid': '이벤트가 정해진 모양과 다릅니다',
      'event-type-unknown': '모르는 종류의 이벤트입니다',
      'event-type-refused': '받지 않는 종류의 이벤트입니다',
      'event-conflict': '같은 번호로 다른 내용이 왔습니다',
      'event-expired': '때가 지난 이벤트입니다',
      'event-too-old': '너무 오래된 이벤트입니다',
      'source-foreign': '보낸 곳이 그 기관이 아닙니다',
      'agency-unknown': '모르는 기관입니다',
      'profile-invalid': '시민 정보가 정해진 모양과 다릅니다',
      'record-corrupt': '읽을 수 없는 기록입니다',
    },
    topics: { 'agency-events': '기관 이벤트', 'citizen-profiles': '시민 정보' },
    states: { open: '열림', retried: '다시 보냄', dropped: '버림' },
    closed: (state, by) => `처리했습니다: ${state}. 처리한 이 ${by}.`,
  },
  en: {
    title: 'Quarantine',
    lead: 'Records that could not be taken in. Nothing is thrown away: mend one and send it again, or drop it where nobody needs it.',
    none: 'Nothing is in quarantine.',
    noneWhy: 'All that agencies sent was taken in.',
    at: 'When',
    what: 'What is wrong',
    where: 'Where',
    open: 'Open',
    faults: 'What is at fault',
    original: 'As it came',
    originalWhy: 'It is kept like this, whatever you mend.',
    mend: 'Mended',
    mendHint: 'As JSON. You can also send it again as it is.',
    retry: 'Send again as it is',
    retryMended: 'Send mended',
    drop: 'Drop',
    dropTitle: 'Drop this record?',
    dropWhat: 'It is closed without being handled. The record itself is kept.',
    notJson: 'This is no JSON.',
    binary: 'It is no text and cannot be shown.',
    retried: (known) =>
      known ? 'The event was taken in before and counts once. Closed.' : 'Sent again, and taken in.',
    dropped: 'Closed.',
    back: 'All of quarantine',
    codes: {
      'event-invalid': 'The event does not have the agreed form',
      'event-type-unknown': 'An event of an unknown kind',
      'event-type-refused': 'An event of a kind that is not taken',
      'event-conflict': 'The same id came with other content',
      'event-expired': 'The event came after its time',
      'event-too-old': 'The event is too old',
      'source-foreign': 'It was not sent by that agency',
      'agency-unknown': 'The agency is not known',
      'profile-invalid': 'The citizen’s data do not have the agreed form',
      'record-corrupt': 'The record cannot be read',
    },
    topics: { 'agency-events': 'agencies’ events', 'citizen-profiles': 'citizens’ data' },
    states: { open: 'open', retried: 'sent again', dropped: 'dropped' },
    closed: (state, by) => `Dealt with by ${by}: ${state}`,
  },
};
