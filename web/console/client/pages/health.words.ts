import type { Spoken } from '../words.ts';

type HealthWords = {
  readonly title: string;
  readonly good: string;
  readonly bad: string;
  readonly asOf: (time: string) => string;
  readonly checks: string;
  readonly names: Readonly<Record<string, string>>;
  readonly works: string;
  readonly broken: string;
  readonly backlogTitle: string;
  readonly idle: string;
  readonly backlog: Readonly<Record<string, string>>;
  readonly count: string;
  readonly channelsTitle: string;
  readonly channel: string;
  readonly columns: Readonly<Record<'queued' | 'waiting' | 'failedNetwork' | 'failedUs' | 'unclear', string>>;
  readonly lastQuarter: string;
  readonly failingTitle: string;
  readonly failing: (failed: number, called: number) => string;
  readonly verdicts: Readonly<Record<string, string>>;
  readonly noFailing: string;
  readonly processesTitle: string;
  readonly process: Readonly<Record<string, string>>;
  readonly heart: string;
  readonly ago: (seconds: number) => string;
  readonly noProcesses: string;
  readonly quarantine: (count: number) => string;
  readonly restore: string;
};

export const HEALTH_WORDS: Spoken<HealthWords> = {
  ko: {
    title: '상태',
    good: '모두 잘 돌아갑니다.',
    bad: '돌아가지 않는 것이 있습니다.',
    asOf: (time) => `${time} 기준`,
    checks: '무엇이 돌아가나요?',
    names: {
      database: '데이터베이스',
      log: '이벤트 기록',
      queue: '대기열',
      dispatcher: '배분',
      rules: '규칙',
      workers: '발송',
      producers: '수집',
      web: '웹',
    },
    works: '정상',
    broken: '멈춤',
    backlogTitle: '밀린 일',
    idle: '밀린 일이 없습니다.',
    backlog: {
      imports: '받은 파일',
      events: '이벤트',
      profiles: '시민 자료',
      requests: '규칙 질문',
      pages: '답한 대상',
      schedulesDue: '때가 된 단계',
      deliveries: '보낼 알림',
      reports: '기관에 알릴 것',
      receipts: '받았다는 답',
    },
    count: '건',
    channelsTitle: '채널',
    channel: '채널',
    columns: {
      queued: '나갈 차례',
      waiting: '기다림',
      failedNetwork: '통신 실패',
      failedUs: '우리 잘못',
      unclear: '모름',
    },
    lastQuarter: '실패는 최근 15분 동안의 수입니다.',
    failingTitle: '우리 잘못으로 멈춘 발송',
    failing: (failed, called) => `처음 ${called}건 가운데 ${failed}건 실패`,
    verdicts: { paused: '스스로 멈춤', kept: '긴급이라 계속' },
    noFailing: '없습니다.',
    processesTitle: '돌고 있는 프로그램',
    process: { worker: '발송', rules: '규칙' },
    heart: '마지막 신호',
    ago: (seconds) => `${seconds}초 전`,
    noProcesses: '신호를 보내는 프로그램이 없습니다.',
    quarantine: (count) => `격리된 기록 ${count}건`,
    restore: '데이터베이스를 복구한 뒤 정하지 않은 것이 있습니다.',
  },
  en: {
    title: 'Health',
    good: 'All is well.',
    bad: 'Something does not work.',
    asOf: (time) => `as of ${time}`,
    checks: 'What works',
    names: {
      database: 'Database',
      log: 'Event log',
      queue: 'Queue',
      dispatcher: 'Dispatcher',
      rules: 'Rules',
      workers: 'Workers',
      producers: 'Producers',
      web: 'Web',
    },
    works: 'Works',
    broken: 'does not work',
    backlogTitle: 'What is left to do',
    idle: 'Nothing is left to do.',
    backlog: {
      imports: 'Files',
      events: 'Events',
      profiles: 'Citizens’ data',
      requests: 'Questions to rules',
      pages: 'Answers to plan',
      schedulesDue: 'Stages that are due',
      deliveries: 'Notices to send',
      reports: 'Reports to agencies',
      receipts: 'Receipts',
    },
    count: 'Count',
    channelsTitle: 'Channels',
    channel: 'Channel',
    columns: {
      queued: 'Due',
      waiting: 'Waiting',
      failedNetwork: 'Network failed',
      failedUs: 'Our fault',
      unclear: 'Unknown',
    },
    lastQuarter: 'Failures are those of the last 15 minutes.',
    failingTitle: 'Campaigns that failed through us',
    failing: (failed, called) => `${failed} of the first ${called} failed`,
    verdicts: { paused: 'paused by itself', kept: 'goes on: an emergency' },
    noFailing: 'None.',
    processesTitle: 'Processes',
    process: { worker: 'Worker', rules: 'Rules' },
    heart: 'Last sign of life',
    ago: (seconds) => `${seconds} s ago`,
    noProcesses: 'No process gives a sign of life.',
    quarantine: (count) => (count === 1 ? '1 record in quarantine' : `${count} records in quarantine`),
    restore: 'The database was restored, and something is not decided.',
  },
};
