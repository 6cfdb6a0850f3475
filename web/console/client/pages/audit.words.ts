import type { Spoken } from '../words.ts';

type AuditWords = {
  readonly title: string;
  readonly lead: string;
  readonly check: string;
  readonly checking: string;
  readonly good: (entries: number) => string;
  readonly bad: string;
  readonly head: string;
  readonly headWhy: string;
  readonly filters: Readonly<Record<'actor' | 'action' | 'object', string>>;
  readonly hints: Readonly<Record<'actor' | 'object', string>>;
  readonly all: string;
  readonly number: string;
  readonly at: string;
  readonly who: string;
  readonly what: string;
  readonly on: string;
  readonly why: string;
  readonly details: string;
  readonly none: string;
  readonly actions: Readonly<Record<string, string>>;
  readonly finding: Readonly<Record<string, (number: number) => string>>;
};

const KINDS_KO = {
  rule: '규칙',
  template: '문구',
  'event-type': '이벤트 갈래',
  stop: '멈춤',
  campaign: '발송',
  quarantine: '격리',
  'dead-letters': '다시 보내기',
  support: '응대',
  session: '로그인',
  key: '열쇠',
  agency: '기관',
  webhook: '웹훅',
  trial: '시험 운영',
  restore: '복구',
  'status-topic': '보고',
};
const KINDS_EN = {
  rule: 'Rules',
  template: 'Templates',
  'event-type': 'Event types',
  stop: 'Stops',
  campaign: 'Campaigns',
  quarantine: 'Quarantine',
  'dead-letters': 'Put back',
  support: 'Support',
  session: 'Sign-in',
  key: 'Keys',
  agency: 'Agencies',
  webhook: 'Webhooks',
  trial: 'Trial',
  restore: 'Restore',
  'status-topic': 'Reports',
};

export const AUDIT_WORDS: Spoken<AuditWords> = {
  ko: {
    title: '감사',
    lead: '누가 언제 무엇을 왜 했는지 모두 남습니다. 지우거나 고칠 수 없고, 고치면 드러납니다.',
    check: '기록이 온전한지 확인하기',
    checking: '확인하는 중',
    good: (entries) => `온전합니다. 기록 ${entries.toLocaleString('ko-KR')}건이 쓰인 그대로입니다.`,
    bad: '기록이 쓰인 그대로가 아닙니다. 바로 담당자에게 알리세요.',
    head: '마지막 기록',
    headWhy: '번호와 지문을 따로 적어 두면, 나중에 기록 전체가 바뀌었는지 알 수 있습니다.',
    filters: { actor: '누가', action: '무엇을', object: '무엇에' },
    hints: { actor: '예: staff:kim', object: '예: rule:nhis-checkup' },
    all: '모두',
    number: '번호',
    at: '때',
    who: '누가',
    what: '무엇을',
    on: '무엇에',
    why: '까닭',
    details: '자세히',
    none: '조건에 맞는 기록이 없습니다.',
    actions: {
      ...KINDS_KO,
      'rule.drafted': '규칙 초안을 씀',
      'rule.edited': '규칙 초안을 고침',
      'rule.approval-requested': '규칙 승인을 청함',
      'rule.approved': '규칙을 승인함',
      'rule.refused': '규칙 승인을 돌려보냄',
      'rule.published': '규칙을 게시함',
      'rule.withdrawn': '규칙을 거둠',
      'template.saved': '문구를 저장함',
      'template.approved': '문구를 승인함',
      'event-type.saved': '이벤트 갈래를 저장함',
      'stop.made': '발송을 멈춤',
      'stop.lifted': '발송을 다시 엶',
      'campaign.paused': '발송을 잠시 멈춤',
      'campaign.resumed': '발송을 이어서 보냄',
      'campaign.cancelled': '발송을 취소함',
      'quarantine.looked-at': '격리된 기록을 봄',
      'quarantine.retried': '격리된 기록을 다시 보냄',
      'quarantine.dropped': '격리된 기록을 버림',
      'dead-letters.redriven': '실패한 것을 다시 보냄',
      'support.looked-up': '응대하며 찾아봄',
      'support.explained': '왜인지 찾아봄',
      'session.signed-in': '로그인',
      'session.signed-out': '로그아웃',
      'key.issued': '열쇠를 만듦',
      'key.revoked': '열쇠를 없앰',
      'agency.saved': '기관을 저장함',
      'restore.decided': '복구 뒤 처리를 정함',
    },
    finding: {
      changed: (number) => `${number}번 기록이 바뀌었습니다.`,
      missing: (number) => `${number}번 기록이 없습니다.`,
      inserted: (number) => `${number}번 기록이 끼어들었습니다.`,
      unlinked: (number) => `${number}번 기록이 앞 기록과 이어지지 않습니다.`,
      'not-as-noted': (number) => `${number}번 기록이 적어 둔 것과 다릅니다.`,
    },
  },
  en: {
    title: 'Audit',
    lead: 'Who did what, when and why. It cannot be changed or removed, and it shows if somebody did.',
    check: 'Check that the trail is whole',
    checking: 'Checking',
    good: (entries) => `Whole: ${entries.toLocaleString('en-GB')} entries are what was written.`,
    bad: 'The trail is not what was written. Tell whoever is responsible at once.',
    head: 'Last entry',
    headWhy:
      'Note its number and fingerprint elsewhere, and a trail that was rewritten as a whole shows later.',
    filters: { actor: 'Who', action: 'Did what', object: 'On what' },
    hints: { actor: 'e.g. staff:kim', object: 'e.g. rule:nhis-checkup' },
    all: 'All',
    number: 'No.',
    at: 'When',
    who: 'Who',
    what: 'Did what',
    on: 'On what',
    why: 'Why',
    details: 'Details',
    none: 'No entry fits.',
    actions: {
      ...KINDS_EN,
      'rule.drafted': 'drafted a rule',
      'rule.edited': 'edited a draft',
      'rule.approval-requested': 'asked for approval',
      'rule.approved': 'approved a rule',
      'rule.refused': 'refused approval',
      'rule.published': 'published a rule',
      'rule.withdrawn': 'withdrew a rule',
      'template.saved': 'saved a template',
      'template.approved': 'approved a template',
      'event-type.saved': 'saved an event type',
      'stop.made': 'stopped sending',
      'stop.lifted': 'let sending go on',
      'campaign.paused': 'paused a campaign',
      'campaign.resumed': 'resumed a campaign',
      'campaign.cancelled': 'cancelled a campaign',
      'quarantine.looked-at': 'looked at a record',
      'quarantine.retried': 'sent a record again',
      'quarantine.dropped': 'dropped a record',
      'dead-letters.redriven': 'put back what failed',
      'support.looked-up': 'looked somebody up',
      'support.explained': 'asked why',
      'session.signed-in': 'signed in',
      'session.signed-out': 'signed out',
      'key.issued': 'issued a key',
      'key.revoked': 'revoked a key',
      'agency.saved': 'saved an agency',
      'restore.decided': 'decided after a restore',
    },
    finding: {
      changed: (number) => `Entry ${number} was changed.`,
      missing: (number) => `Entry ${number} is missing.`,
      inserted: (number) => `Entry ${number} was slipped in.`,
      unlinked: (number) => `Entry ${number} does not follow the one before it.`,
      'not-as-noted': (number) => `Entry ${number} is not the one that was noted.`,
    },
  },
};

export const ACTION_KINDS = Object.keys(KINDS_KO);
