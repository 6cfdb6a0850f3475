/** What stages are called, one way on every page: of a rule that is written, and of a campaign that tells. */
import type { Spoken } from './words.ts';

/** A kind is a rule's own word: those that Allim itself knows have one of ours, others stand as they were written. */
type StageName = (kind: string) => string;

/** `d7`, `m1`, `after30`: days and months before the end, days after it. */
const COUNTED = /^(d|m|after)(\d{1,3})$/;

const KO: Readonly<Record<string, string>> = {
  opened: '시작할 때',
  corrected: '정정할 때',
  mid: '기간 중간',
  overdue: '마감이 지나면',
};
const EN: Readonly<Record<string, string>> = {
  opened: 'At the opening',
  corrected: 'As a correction',
  mid: 'Half-way',
  overdue: 'Once it is overdue',
};

export const STAGE_NAMES: Spoken<StageName> = {
  ko: (kind) => {
    const [, unit, count] = COUNTED.exec(kind) ?? [];
    if (unit === undefined) return KO[kind] ?? kind;
    if (count === '0') return '마감 날';
    return unit === 'm' ? `마감 ${count}개월 전` : `마감 ${count}일 ${unit === 'd' ? '전' : '뒤'}`;
  },
  en: (kind) => {
    const [, unit, count] = COUNTED.exec(kind) ?? [];
    if (unit === undefined) return EN[kind] ?? kind;
    if (count === '0') return 'On the last day';
    const span = `${count} ${unit === 'm' ? 'month' : 'day'}${count === '1' ? '' : 's'}`;
    return `${span} ${unit === 'after' ? 'after' : 'before'} the end`;
  },
};
