/** A notice as a page shows it: how it stands, how long there is, what can be done, in the reader's words. Pure but for the text. */
import { dayOf } from '../../domain/clock.ts';
import type { EventTypes } from '../../domain/event-types.ts';
import type { Rule } from '../../domain/rule.ts';
import { shortCode } from '../../domain/short-code.ts';
import type { CitizenNotice } from '../../store/citizen-notices.ts';
import { helpersFor } from '../../templates/vocabulary.ts';
import type { Words } from '../pages/words.ts';
import type { NoticeText } from './notice-text.ts';

export type NoticeState = keyof Words['all']['states'];

export type NoticeView = {
  readonly id: string;
  readonly href: string;
  /** The language of title and text; the page's own is not said twice. */
  readonly lang: string;
  readonly title: string;
  readonly agency: string;
  readonly category: string;
  readonly emergency: boolean;
  readonly state: NoticeState;
  readonly stateWord: string;
  readonly open: boolean;
  readonly left: string;
  readonly urgent: boolean;
  readonly until: string;
  readonly received: string;
  readonly receivedOn: string;
  readonly corrected: boolean;
  readonly possible: boolean;
  readonly unread: boolean;
  readonly url: string;
  readonly host: string;
  readonly tel: string;
  readonly telWord: string;
  readonly code: string;
};

const DAY_MS = 86_400_000;
/** With this many days left it is said to be soon, and stands so. */
const URGENT_DAYS = 7;
/** An emergency is something to do for as long as it may go on. */
const EMERGENCY_MS = 2 * DAY_MS;

export function daysUntil(day: string, today: string): number {
  return Math.round((Date.parse(day) - Date.parse(today)) / DAY_MS);
}

/** `7월 31일(금)`: with the year where it is another. */
export function dayWord(day: string, lang: string, today: string): string {
  const said = helpersFor(lang)['date']!(day);
  if (day.slice(0, 4) === today.slice(0, 4)) return said;
  const year = day.slice(0, 4);
  return lang === 'ko' ? `${year}년 ${said}` : lang === 'vi' ? `${said} năm ${year}` : `${said} ${year}`;
}

export function stateOf(
  notice: CitizenNotice,
  deadline: string | null,
  types: EventTypes,
  nowMs: number,
): NoticeState {
  if (notice.recalled) return 'withdrawn';
  // Before its version: the agency's word raises that as well.
  if (notice.obligationState === 'done') return notice.saidDone ? 'said' : 'done';
  // A warning was right when it came, and is lifted; anything else was taken back.
  if (notice.endedAt !== null) return notice.category === 'emergency' ? 'lifted' : 'withdrawn';
  if (notice.outdated) return 'outdated';
  if (deadline !== null && daysUntil(deadline, dayOf(nowMs)) < 0) return 'expired';
  if (types.get(notice.body.type)?.effect !== 'informs') return 'open';
  return notice.category === 'emergency' && nowMs - Date.parse(notice.at) < EMERGENCY_MS ? 'open' : 'info';
}

export function viewOf(given: {
  readonly notice: CitizenNotice;
  readonly text: NoticeText;
  readonly agency: string;
  readonly types: EventTypes;
  readonly t: Words;
  readonly lang: string;
  readonly nowMs: number;
}): NoticeView {
  const { notice, text, t, lang, nowMs } = given;
  const today = dayOf(nowMs);
  const state = stateOf(notice, text.deadline, given.types, nowMs);
  const days = text.deadline === null ? null : daysUntil(text.deadline, today);
  const receivedOn = dayOf(Date.parse(notice.at));
  return {
    id: notice.id,
    href: `/me/notices/${notice.id}`,
    lang: text.lang,
    title: text.title,
    agency: given.agency,
    category: t.categories[notice.category],
    emergency: notice.category === 'emergency',
    state,
    stateWord: t.all.states[state],
    open: state === 'open',
    left: leftWord(days, t),
    urgent: state === 'open' && days !== null && days <= URGENT_DAYS,
    until: text.deadline === null ? '' : t.days.until(dayWord(text.deadline, lang, today)),
    received: t.days.received(dayWord(receivedOn, lang, today)),
    receivedOn,
    corrected: notice.previous !== null,
    possible: notice.reach === 'possible',
    unread: notice.readAt === null,
    ...actionOf(text.rule, t),
    code: shortCode(notice.id),
  };
}

function leftWord(days: number | null, t: Words): string {
  if (days === null) return t.days.none;
  if (days < 0) return t.days.over;
  return days === 0 ? t.days.today : days === 1 ? t.days.tomorrow : t.days.left(days);
}

/** Only https is followed; where it leads is said. */
function actionOf({ action }: Rule, t: Words): Pick<NoticeView, 'url' | 'host' | 'tel' | 'telWord'> {
  const url = action?.url === undefined ? null : URL.parse(action.url);
  const safe = url?.protocol === 'https:' ? url : null;
  const tel = action?.tel ?? '';
  return {
    url: safe?.href ?? '',
    host: safe?.hostname ?? '',
    tel: tel.replaceAll(/[^\d+]/g, ''),
    telWord: tel === '' ? '' : t.todo.call(tel),
  };
}

/** The most urgent first: emergencies, then by deadline, then what came last. */
export function byUrgency(a: NoticeView & Dated, b: NoticeView & Dated): number {
  if (a.emergency !== b.emergency) return a.emergency ? -1 : 1;
  const [first, second] = [a.deadline ?? '9999-12-31', b.deadline ?? '9999-12-31'];
  if (first !== second) return first < second ? -1 : 1;
  return a.at < b.at ? 1 : a.at > b.at ? -1 : a.id < b.id ? -1 : 1;
}

export type Dated = { readonly deadline: string | null; readonly at: string };
