import type { Spoken } from '../words.ts';

type TodayWords = {
  readonly title: string;
  readonly leaves: string;
  readonly leavesSum: (left: string, held: string, stages: string) => string;
  readonly nothing: string;
  readonly hour: string;
  readonly hourOf: (hour: number) => string;
  readonly left: string;
  readonly held: string;
  readonly stages: string;
  readonly strip: string;
  readonly now: string;
  readonly table: string;
  readonly waits: string;
  readonly approvals: string;
  readonly approvalOf: (version: number, by: string) => string;
  readonly textsOf: (count: string, by: string) => string;
  readonly read: string;
  readonly noApprovals: string;
  readonly quarantine: string;
  readonly quarantineWhy: (count: string) => string;
  readonly paused: string;
  readonly pausedWhy: (count: string) => string;
  readonly nothingWaits: string;
  readonly nothingWaitsWhy: string;
  readonly well: string;
  readonly planned: string;
  readonly plannedSaid: (median: string, slowest: string) => string;
  readonly noPlanned: string;
  readonly seconds: (seconds: string) => string;
  readonly failed: string;
  readonly ambiguous: string;
  readonly underWay: string;
  readonly cases: (count: string) => string;
  readonly fine: string;
  readonly look: string;
};

export const TODAY_WORDS: Spoken<TodayWords> = {
  ko: {
    title: '오늘',
    leaves: '오늘 나가는 안내',
    leavesSum: (left, held, stages) => `나감 ${left} · 기다림 ${held} · 때가 되는 단계 ${stages}개`,
    nothing: '오늘은 나가는 안내가 없습니다.',
    hour: '시각',
    hourOf: (hour) => `${hour}시`,
    left: '나감',
    held: '그때까지 기다림',
    stages: '때가 되는 단계',
    strip: '시간별로 나가는 안내. 같은 수가 아래 표에 있습니다.',
    now: '지금',
    table: '표로 보기',
    waits: '나를 기다리는 일',
    approvals: '승인을 기다리는 규칙',
    approvalOf: (version, by) => `${version}판 · ${by}`,
    textsOf: (count, by) => `새 문구 ${count}개 · ${by}`,
    read: '읽고 승인하기',
    noApprovals: '승인을 기다리는 규칙이 없습니다.',
    quarantine: '읽지 못한 이벤트',
    quarantineWhy: (count) => `${count}건을 고쳐 다시 넣거나 버려야 합니다.`,
    paused: '멈춘 단계',
    pausedWhy: (count) => `거듭 실패해 ${count}개 단계를 멈췄습니다.`,
    nothingWaits: '기다리는 일이 없습니다.',
    nothingWaitsWhy: '승인 요청이나 읽지 못한 이벤트가 생기면 여기에 나옵니다.',
    well: '다 잘 되고 있나요',
    planned: '이벤트에서 계획까지',
    plannedSaid: (median, slowest) => `보통 ${median}, 가장 느릴 때 ${slowest}`,
    noPlanned: '오늘 들어온 이벤트가 없습니다.',
    seconds: (seconds) => `${seconds}초`,
    failed: '대상을 찾지 못한 이벤트',
    ambiguous: '나갔는지 모르는 안내 (7일)',
    underWay: '지금 나가고 있는 안내',
    cases: (count) => `${count}건`,
    fine: '좋음',
    look: '살펴보기',
  },
  en: {
    title: 'Today',
    leaves: 'What leaves today',
    leavesSum: (left, held, stages) => `${left} left · ${held} held · ${stages} stages fall due`,
    nothing: 'Nothing leaves today.',
    hour: 'Hour',
    hourOf: (hour) => `${String(hour).padStart(2, '0')}:00`,
    left: 'Left',
    held: 'Held until then',
    stages: 'Stages due',
    strip: 'What leaves, by hour. The table below has the same numbers.',
    now: 'now',
    table: 'As a table',
    waits: 'What waits for you',
    approvals: 'Rules awaiting approval',
    approvalOf: (version, by) => `Version ${version} · ${by}`,
    textsOf: (count, by) => `New texts: ${count} · ${by}`,
    read: 'Read and approve',
    noApprovals: 'No rule awaits approval.',
    quarantine: 'Events that could not be read',
    quarantineWhy: (count) =>
      `${count === '1' ? '1 has' : `${count} have`} to be mended and retried, or dropped.`,
    paused: 'Paused stages',
    pausedWhy: (count) =>
      `${count} ${count === '1' ? 'was paused because it' : 'were paused because they'} failed over and over.`,
    nothingWaits: 'Nothing waits.',
    nothingWaitsWhy: 'Requests for approval and events that could not be read appear here.',
    well: 'Is all well',
    planned: 'From event to plan',
    plannedSaid: (median, slowest) => `${median} mostly, ${slowest} at the slowest`,
    noPlanned: 'No event has come in today.',
    seconds: (seconds) => `${seconds} s`,
    failed: 'Events whose audience was not found',
    ambiguous: 'Not known whether it left (7 days)',
    underWay: 'On their way now',
    cases: (count) => count,
    fine: 'Fine',
    look: 'Look',
  },
};
