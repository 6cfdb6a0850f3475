/** What a notice's own page says of how it stands, and what a correction changed: as sentences and as old and new values. Pure. */

import { dayOf } from '../../domain/clock.ts';
import { eventWord } from '../../rules/say/event-words.ts';
import type { CitizenNotice } from '../../store/citizen-notices.ts';
import { helpersFor } from '../../templates/vocabulary.ts';
import type { Words } from '../pages/words.ts';
import type { NoticeText } from './notice-text.ts';
import type { NoticeView } from './notice-view.ts';
import { spokenLanguage } from './why.ts';

type Read = Pick<NoticeView, 'state'> & { readonly notice: CitizenNotice; readonly text: NoticeText };

export function stateText(
  { state, text, notice: { endedAt } }: Read,
  { notice }: Words,
  day: (value: string) => string,
): { readonly title: string; readonly text: string } | null {
  switch (state) {
    case 'said':
      return { title: notice.saidTitle, text: notice.said };
    case 'done':
      return { title: notice.doneTitle, text: notice.doneText };
    case 'expired':
      return { title: notice.expiredTitle, text: notice.expired(day(text.deadline!)) };
    case 'withdrawn':
      return { title: notice.withdrawnTitle, text: notice.withdrawn };
    case 'lifted':
      return { title: notice.liftedTitle, text: notice.lifted(day(dayOf(endedAt!.getTime()))) };
    case 'outdated':
      return { title: notice.outdatedTitle, text: notice.outdated };
    default:
      return null;
  }
}

export type Change = { readonly what: string; readonly before: string; readonly now: string };

/** What differs between what was told before and now, in the words that rules have for it; what has no word is not shown. */
export function changesOf(
  { notice, text }: Read,
  deadline: string,
  lang: string,
  day: (value: string) => string,
): Change[] {
  if (notice.previous === null) return [];
  const language = spokenLanguage(lang);
  const say = helpersFor(lang);
  const changes: Change[] = [];
  const days = new Set([text.deadline, text.previousDeadline]);
  for (const [name, now] of Object.entries(notice.body.data)) {
    const before = notice.previous.data[name];
    const word = eventWord([name]);
    if (word === undefined || before === now || typeof before !== typeof now) continue;
    const said = (value: unknown): string | null => {
      if (typeof value === 'number') return word.measure === 'won' ? say['money']!(value) : String(value);
      if (typeof value !== 'string') return null;
      return word.values?.[value]?.[language] ?? (/^\d{4}-\d{2}-\d{2}$/.test(value) ? day(value) : value);
    };
    // The deadline has its own line, as it falls after days off.
    if (typeof now === 'string' && typeof before === 'string' && days.has(now) && days.has(before)) continue;
    const [was, is] = [said(before), said(now)];
    if (was !== null && is !== null) changes.push({ what: word.labels[language], before: was, now: is });
  }
  if (text.deadline !== null && text.previousDeadline !== null && text.deadline !== text.previousDeadline)
    changes.push({ what: deadline, before: day(text.previousDeadline), now: day(text.deadline) });
  return changes;
}
