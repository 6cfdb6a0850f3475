import type { Spoken } from '../words.ts';

type CampaignsWords = {
  readonly title: string;
  readonly state: string;
  readonly all: string;
  readonly listed: Readonly<Record<string, string>>;
  readonly campaign: string;
  readonly agency: string;
  readonly event: string;
  readonly day: (day: string) => string;
  readonly came: string;
  readonly planned: string;
  readonly none: string;
  readonly noneWhy: string;
  readonly stopAll: string;
  readonly stopAllTitle: string;
  readonly stopAllWhat: (who: string) => string;
  readonly stopVerb: string;
  readonly stops: string;
  readonly goOn: string;
  readonly goOnWhat: (what: string) => string;
  readonly since: (by: string) => string;
  readonly everybody: string;
};

export const CAMPAIGNS_WORDS: Spoken<CampaignsWords> = {
  ko: {
    title: '발송',
    state: '상태',
    all: '모두',
    listed: { running: '진행', paused: '멈춤', ended: '끝남', cancelled: '취소됨' },
    campaign: '발송',
    agency: '기관',
    event: '이벤트',
    day: (day) => `${day} 하루 동안 온 것`,
    came: '시작한 때',
    planned: '알림',
    none: '조건에 맞는 발송이 없습니다.',
    noneWhy: '규칙이 기다리는 이벤트가 오면 발송이 시작됩니다.',
    stopAll: '모두 멈추기',
    stopAllTitle: '모든 발송을 멈출까요?',
    stopAllWhat: (who) =>
      `${who}의 발송이 1초 안에 모두 멈춥니다. 이미 나간 것은 되돌리지 못합니다. 다시 보내기를 누르면 이어서 나갑니다.`,
    stopVerb: '멈추기',
    stops: '지금 멈춰 있는 발송',
    goOn: '다시 보내기',
    goOnWhat: (what) => `${what}: 멈췄던 것이 곧 나갑니다. 때를 넘긴 것은 나가지 않습니다.`,
    since: (by) => `멈춘 이 ${by}`,
    everybody: '모든 기관',
  },
  en: {
    title: 'Campaigns',
    state: 'State',
    all: 'All',
    listed: { running: 'Going on', paused: 'Paused', ended: 'Ended', cancelled: 'Cancelled' },
    campaign: 'Campaign',
    agency: 'Agency',
    event: 'Event',
    day: (day) => `All that came on ${day}`,
    came: 'Began',
    planned: 'Notices',
    none: 'No campaign fits.',
    noneWhy: 'A campaign begins when an event comes that a rule waits for.',
    stopAll: 'Stop everything',
    stopAllTitle: 'Stop all sending?',
    stopAllWhat: (who) =>
      `All sending of ${who} stops within a second. What has left cannot be called back. It goes on where it stopped when you resume.`,
    stopVerb: 'Stop',
    stops: 'What is stopped now',
    goOn: 'Resume',
    goOnWhat: (what) => `${what}: what was held leaves soon. What is too late by now does not.`,
    since: (by) => `Stopped by ${by}`,
    everybody: 'all agencies',
  },
};
