import type { Spoken } from '../words.ts';

type WhenWords = {
  readonly deadline: string;
  readonly deadlineAt: string;
  readonly noDeadline: string;
  readonly dayOff: string;
  readonly rollNext: string;
  readonly stages: string;
  readonly stage: string;
  readonly name: string;
  readonly anchor: string;
  readonly anchors: Readonly<Record<'event' | 'deadline', string>>;
  readonly otherAnchor: string;
  readonly days: string;
  readonly before: string;
  readonly after: string;
  readonly same: string;
  readonly direction: string;
  readonly time: string;
  readonly atOnce: string;
  readonly ifOff: string;
  readonly offKeep: string;
  readonly offPrevious: string;
  readonly offNext: string;
  readonly leaves: string;
  readonly addStage: (name: string) => string;
  readonly add: string;
  readonly remove: (kind: string) => string;
  readonly example: string;
  readonly exampleOf: (number: number) => string;
  readonly arrives: string;
  readonly ribbon: string;
  readonly ribbonWhy: string;
  readonly arrival: string;
  readonly end: string;
  readonly moved: (from: string, to: string) => string;
  readonly past: string;
  readonly never: string;
  readonly legendOff: string;
  readonly noEvent: string;
};

export const WHEN_WORDS: Spoken<WhenWords> = {
  ko: {
    deadline: '마감',
    deadlineAt: '언제까지인지 알려 주는 이벤트 값',
    noDeadline: '마감 없음',
    dayOff: '마감이 쉬는 날이면',
    rollNext: '다음 일하는 날로 미룹니다',
    stages: '알리는 때',
    stage: '단계',
    name: '이름',
    anchor: '기준',
    anchors: { event: '이벤트가 온 날', deadline: '마감' },
    otherAnchor: '이벤트의 다른 날짜',
    days: '날수',
    before: '일 전',
    after: '일 뒤',
    same: '그날',
    direction: '앞뒤',
    time: '시각',
    atOnce: '바로',
    ifOff: '쉬는 날이면',
    offKeep: '그대로',
    offPrevious: '앞 일하는 날',
    offNext: '다음 일하는 날',
    leaves: '나가는 때',
    addStage: (name) => `${name} 넣기`,
    add: '때 넣기',
    remove: (kind) => `${kind} 빼기`,
    example: '예로 볼 이벤트',
    exampleOf: (number) => `예 ${number}`,
    arrives: '이벤트가 오는 날',
    ribbon: '달력',
    ribbonWhy: '빗금은 쉬는 날입니다. 같은 내용이 위 표에 있습니다.',
    arrival: '이벤트',
    end: '마감',
    moved: (from, to) => `마감 ${from}이 쉬는 날이라 ${to}로 미뤄집니다.`,
    past: '이벤트가 오기 전입니다. 이 단계는 건너뜁니다.',
    never: '날짜를 알 수 없습니다.',
    legendOff: '쉬는 날',
    noEvent: '먼저 1단계에서 무슨 일이 생기면 알릴지 고르세요.',
  },
  en: {
    deadline: 'Deadline',
    deadlineAt: 'The event’s value that says until when',
    noDeadline: 'No deadline',
    dayOff: 'If the deadline is a day off',
    rollNext: 'it moves to the next working day',
    stages: 'When people are told',
    stage: 'Stage',
    name: 'Name',
    anchor: 'Counted from',
    anchors: { event: 'the event', deadline: 'the deadline' },
    otherAnchor: 'another date of the event',
    days: 'Days',
    before: 'days before',
    after: 'days after',
    same: 'that day',
    direction: 'Before or after',
    time: 'Time',
    atOnce: 'at once',
    ifOff: 'On a day off',
    offKeep: 'stays',
    offPrevious: 'working day before',
    offNext: 'working day after',
    leaves: 'Leaves',
    addStage: (name) => `Add: ${name}`,
    add: 'Add a stage',
    remove: (kind) => `Remove ${kind}`,
    example: 'Event to look at',
    exampleOf: (number) => `Example ${number}`,
    arrives: 'The event arrives on',
    ribbon: 'Calendar',
    ribbonWhy: 'Days off are hatched. The table above says the same.',
    arrival: 'Event',
    end: 'Deadline',
    moved: (from, to) => `The deadline, ${from}, is a day off: it moves to ${to}.`,
    past: 'This is before the event arrives, so the stage is skipped.',
    never: 'The day is not known.',
    legendOff: 'Day off',
    noEvent: 'First choose in step 1 what has to happen.',
  },
};
