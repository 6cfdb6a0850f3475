import type { Spoken } from '../words.ts';

type Term =
  | 'matched'
  | 'notified'
  | 'told'
  | 'done'
  | 'superseded'
  | 'nobody'
  | 'optedOut'
  | 'withAddress'
  | 'noAddress';

type CampaignWords = {
  readonly back: string;
  readonly toRule: string;
  readonly asOf: (time: string) => string;
  readonly live: string;
  readonly notLive: string;
  readonly of: (event: string, time: string) => string;
  readonly ofDay: (day: string) => string;
  readonly terms: Readonly<Record<Term, string>>;
  readonly equation: string;
  readonly notices: string;
  readonly possible: (count: string) => string;
  readonly possibleWhy: string;
  readonly cancelled: (by: string, time: string) => string;
  readonly held: (what: string) => string;
  readonly channelsTitle: string;
  readonly channel: string;
  readonly columns: Readonly<
    Record<'all' | 'sent' | 'delivered' | 'underWay' | 'failed' | 'unclear' | 'other', string>
  >;
  readonly none: string;
  readonly failuresTitle: string;
  readonly noFailures: string;
  readonly faultWhy: Readonly<Record<'address' | 'network' | 'us' | 'unclear', string>>;
  readonly timeTitle: string;
  readonly noTime: string;
  readonly timeWhat: string;
  readonly spans: (minutes: number) => string;
  readonly asTable: string;
  readonly at: string;
  readonly sent: string;
  readonly failed: string;
  readonly stagesTitle: string;
  readonly stage: string;
  readonly due: string;
  readonly asked: string;
  readonly answered: (answered: number, shards: number) => string;
  readonly ahead: string;
  readonly people: (count: number) => string;
  readonly actionsTitle: string;
  readonly pause: string;
  readonly pauseWould: (count: string) => string;
  readonly pauseTitle: string;
  readonly resume: string;
  readonly resumeWould: (count: string) => string;
  readonly resumeTitle: string;
  readonly cancel: string;
  readonly cancelWould: (count: string, stages: number) => string;
  readonly cancelTitle: string;
  readonly cancelForGood: string;
  readonly nothingToDo: string;
};

/** `3,140건`; `10건 미만` where there are few. */
const cases = (count: string): string =>
  count.endsWith(' 미만') ? count.replace(' 미만', '건 미만') : `${count}건`;

export const CAMPAIGN_WORDS: Spoken<CampaignWords> = {
  ko: {
    back: '발송 목록',
    toRule: '규칙 보기',
    asOf: (time) => `${time} 기준`,
    live: '실시간',
    notLive: '연결이 끊겨 다시 잇는 중',
    of: (event, time) => `${event} 이벤트로 ${time}에 시작했습니다.`,
    ofDay: (day) => `${day} 하루 동안 온 이벤트를 모았습니다.`,
    terms: {
      matched: '대상',
      notified: '알림',
      told: '이미 알림',
      done: '완료',
      superseded: '새 안내로 바뀜',
      nobody: '받을 사람 없음',
      optedOut: '받지 않기로 함',
      withAddress: '보낼 곳 있음',
      noAddress: '보낼 곳 없음',
    },
    equation: '누가 대상이고 어떻게 되었나요?',
    notices: '알림을 보낼 곳',
    possible: (count) => `이 가운데 가능성이 있는 대상 ${count}`,
    possibleWhy: '자료가 없어 대상인지 확실하지 않은 사람입니다. 글도 그렇게 적혀 있습니다.',
    cancelled: (by, time) => `${time}에 취소했습니다. 취소한 이 ${by}.`,
    held: (what) => `${what} 발송이 멈춰 있습니다.`,
    channelsTitle: '채널',
    channel: '채널',
    columns: {
      all: '모두',
      sent: '보냄',
      delivered: '도착',
      underWay: '나가기 전',
      failed: '실패',
      unclear: '모름',
      other: '보내지 않음',
    },
    none: '아직 보낼 것이 없습니다.',
    failuresTitle: '실패는 어디 탓인가요?',
    noFailures: '실패한 것이 없습니다.',
    faultWhy: {
      address: '주소가 틀렸거나 없어졌습니다. 다음 채널로 보냅니다.',
      network: '통신사나 받는 쪽이 받지 못했습니다.',
      us: '우리 프로그램이나 설정의 잘못입니다.',
      unclear: '나갔는지 아무도 모릅니다. 사람이 정합니다.',
    },
    timeTitle: '언제 나갔나요?',
    noTime: '아직 나간 것이 없습니다.',
    timeWhat: '시간마다 나간 수. 같은 수가 아래 표에 있습니다.',
    spans: (minutes) => (minutes < 60 ? `${minutes}분마다` : minutes < 1_440 ? '1시간마다' : '하루마다'),
    asTable: '표로 보기',
    at: '때',
    sent: '보냄',
    failed: '실패',
    stagesTitle: '단계',
    stage: '단계',
    due: '보내는 때',
    asked: '대상 찾기',
    answered: (answered, shards) => (answered === shards ? '다 찾음' : `${answered}/${shards} 찾는 중`),
    ahead: '아직 오지 않은 단계',
    people: (count) => `${count.toLocaleString('ko-KR')}명`,
    actionsTitle: '지금 할 수 있는 일',
    pause: '잠시 멈추기',
    pauseWould: (count) => `아직 나가지 않은 ${cases(count)}을 붙잡아 둡니다. 이어서 보낼 수 있습니다.`,
    pauseTitle: '이 발송을 멈출까요?',
    resume: '이어서 보내기',
    resumeWould: (count) => `붙잡아 둔 ${cases(count)}이 몇 초 안에 나가기 시작합니다.`,
    resumeTitle: '이어서 보낼까요?',
    cancel: '취소하기',
    cancelWould: (count, stages) =>
      `아직 나가지 않은 ${cases(count)}을 취소합니다.${stages > 0 ? ` 남은 단계 ${stages}개도 없앱니다.` : ''}`,
    cancelTitle: '이 발송을 취소할까요?',
    cancelForGood: '취소하면 되돌릴 수 없습니다. 이미 나간 것은 그대로입니다.',
    nothingToDo: '모두 나갔거나 끝났습니다. 할 일이 없습니다.',
  },
  en: {
    back: 'Campaigns',
    toRule: 'See the rule',
    asOf: (time) => `as of ${time}`,
    live: 'Live',
    notLive: 'Connection lost, trying again',
    of: (event, time) => `Begun by event ${event} on ${time}.`,
    ofDay: (day) => `All events that came on ${day}.`,
    terms: {
      matched: 'Concerned',
      notified: 'Notices',
      told: 'Told already',
      done: 'Done',
      superseded: 'Replaced',
      nobody: 'Nobody to tell',
      optedOut: 'Do not want it',
      withAddress: 'with an address',
      noAddress: 'nowhere to send it',
    },
    equation: 'Whom it concerns, and what became of them',
    notices: 'Where the notices go',
    possible: (count) => `Of these possibly concerned: ${count}`,
    possibleWhy: 'Data are missing, so it is not certain that it concerns them. The text says so.',
    cancelled: (by, time) => `Cancelled by ${by} on ${time}.`,
    held: (what) => `${what}: sending is stopped.`,
    channelsTitle: 'Channels',
    channel: 'Channel',
    columns: {
      all: 'All',
      sent: 'Sent',
      delivered: 'Arrived',
      underWay: 'Not left',
      failed: 'Failed',
      unclear: 'Unknown',
      other: 'Not sent',
    },
    none: 'There is nothing to send yet.',
    failuresTitle: 'Failures, and whose fault they are',
    noFailures: 'Nothing failed.',
    faultWhy: {
      address: 'The address is wrong or gone. The next channel is tried.',
      network: 'The carrier or the receiving side could not take it.',
      us: 'A fault of our program or its settings.',
      unclear: 'Nobody knows whether it left. A person decides.',
    },
    timeTitle: 'When it left',
    noTime: 'Nothing has left yet.',
    timeWhat: 'What left over time. The table below says the same.',
    spans: (minutes) =>
      minutes < 60 ? `every ${minutes} min` : minutes < 1_440 ? 'every hour' : 'every day',
    asTable: 'Show as a table',
    at: 'Time',
    sent: 'Sent',
    failed: 'Failed',
    stagesTitle: 'Stages',
    stage: 'Stage',
    due: 'Due',
    asked: 'Finding people',
    answered: (answered, shards) =>
      answered === shards ? 'All found' : `${answered} of ${shards} parts found`,
    ahead: 'Still to come',
    people: (count) => (count === 1 ? '1 person' : `${count.toLocaleString('en-GB')} people`),
    actionsTitle: 'What you can do now',
    pause: 'Pause',
    pauseWould: (count) => `Holds ${count} that have not left. They can go on later.`,
    pauseTitle: 'Pause this campaign?',
    resume: 'Resume',
    resumeWould: (count) => `Of those held, ${count} begin to leave within seconds.`,
    resumeTitle: 'Resume this campaign?',
    cancel: 'Cancel',
    cancelWould: (count, stages) =>
      `Cancels ${count} that have not left.${stages > 0 ? ` ${stages === 1 ? 'One stage' : `${stages} stages`} to come will not come.` : ''}`,
    cancelTitle: 'Cancel this campaign?',
    cancelForGood: 'Cancelling is for good. What has left stays as it is.',
    nothingToDo: 'All has left or ended. There is nothing to do.',
  },
};
