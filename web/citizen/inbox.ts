/** To do, All, and one notice: reading, "I have done it", the calendar file. Every list and every act is of the one who is signed in. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { dayOf } from '../../domain/clock.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import { inLocale } from '../../domain/locales.ts';
import {
  allNotices,
  type CitizenNotice,
  comingStages,
  markRead,
  newestAbout,
  noticeOf,
  openNotices,
} from '../../store/citizen-notices.ts';
import { ownProfile } from '../../store/own-choices.ts';
import { sayDone, unsayDone } from '../../store/own-done.ts';
import { cursorOf, readCursor } from '../api/paging.ts';
import { readForm } from '../pages/forms.ts';
import { calendarFile, timeOfDeadline } from './calendar-file.ts';
import { changesOf, stateText } from './notice-state.ts';
import { createNoticeTexts, type NoticeText } from './notice-text.ts';
import { byUrgency, type Dated, dayWord, type NoticeView, viewOf } from './notice-view.ts';
import type { Reader, Show, ShowParts } from './show.ts';
import { createWhy } from './why.ts';

export type InboxParts = ShowParts & {
  readonly show: Show;
  /** Told when a notice was read for the first time: other devices take it down. */
  readonly onRead: (citizen: string, notification: string) => void;
  /** Names under which devices show a notice. */
  readonly tagsOf: (citizen: string, notification: string) => Promise<readonly string[]>;
  /** Where this installation is reached, for calendar entries; null where it has no address of its own. */
  readonly publicUrl: string | null;
};

const PAGE = 30;
/** Notices that one search goes through before it offers to go on. */
const SEARCHED = 600;
const SEARCH_STEP = 200;
const COMING = 3;
const CITIZEN = { permission: 'citizen', signIn: 'citizen' } as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Read = NoticeView & Dated & { readonly text: NoticeText; readonly notice: CitizenNotice };

export function mountInbox(app: FastifyInstance, parts: InboxParts): void {
  const { pool, catalogue, clock, logger, show } = parts;
  const textOf = createNoticeTexts(parts);
  const whyOf = createWhy(parts.fields);

  const agencyName = (id: string, lang: string): string => {
    const { agencies, localeFallbacks } = catalogue.current();
    return inLocale(agencies.get(id)?.name, lang, localeFallbacks) ?? id;
  };

  /** undefined where it cannot be said any more; the log has why. */
  async function read(notice: CitizenNotice, reader: Reader): Promise<Read | undefined> {
    try {
      const text = await textOf(notice, reader.locale);
      const { lang, t } = reader;
      const view = viewOf({
        notice,
        text,
        agency: agencyName(notice.agency, lang),
        types: catalogue.current().eventTypes,
        t,
        lang,
        nowMs: clock.nowMs(),
      });
      return { ...view, text, notice, deadline: text.deadline, at: notice.at };
    } catch (error) {
      logger.warn({ notification: notice.id, err: messageOf(error) }, 'a notice could not be shown');
      return undefined;
    }
  }

  async function readAll(notices: readonly CitizenNotice[], reader: Reader): Promise<Read[]> {
    const found = await Promise.all(notices.map((notice) => read(notice, reader)));
    return found.filter((one) => one !== undefined);
  }

  app.get('/me', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const { t, lang } = reader;
    const notices = await openNotices(pool, reader.citizen);
    const open = (await readAll(notices, reader)).filter((one) => one.open).sort(byUrgency);
    const coming = open.length > 0 ? [] : await comingStages(pool, reader.citizen, COMING);
    const { rules, localeFallbacks } = catalogue.current();
    const today = dayOf(clock.nowMs());
    const view = {
      count: open.length === 0 ? '' : t.todo.count(open.length),
      notices: open.map((one) => ({
        ...one,
        changes: changesOf(one, t.notice.deadline, lang, (value) => dayWord(value, lang, today)),
      })),
      coming: coming.map(({ rule, dueAt }) => ({
        title: inLocale(rules.get(rule)?.rule.title, lang, localeFallbacks) ?? rule,
        when: t.todo.coming(dayWord(dayOf(dueAt.getTime()), lang, today)),
      })),
    };
    return show.page(request, reply, reader, { name: 'todo', place: 'todo', title: t.todo.title, view });
  });

  /** Newest first, from a place on; with words to look for, as many as have them. */
  async function find(request: FastifyRequest, reader: Reader) {
    const form = readForm(request.query);
    const query = form.text('q').slice(0, 100);
    let after = form.text('cursor') === '' ? null : readCursor(form.text('cursor'), '/querystring/cursor');
    const from = after;
    const words = query.normalize('NFKC').toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const found: Read[] = [];
    const step = words.length === 0 ? PAGE + 1 : SEARCH_STEP;
    for (let looked = 0; looked < SEARCHED && found.length <= PAGE; looked += step) {
      const notices = await allNotices(pool, reader.citizen, after, step);
      for (const one of await readAll(notices, reader)) if (holds(one, words)) found.push(one);
      const last = notices.at(-1);
      after = last === undefined || notices.length < step ? null : { at: last.at, id: last.id };
      if (after === null || words.length === 0) break;
    }
    const shown = found.slice(0, PAGE);
    const cut = found.length > PAGE ? shown.at(-1)! : null;
    const next = cut === null ? after : { at: cut.at, id: cut.id };
    return { query, shown, next, from };
  }

  app.get('/me/all', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const { t } = reader;
    const { query, shown, next, from } = await find(request, reader);
    const link = (cursor: string | null) => {
      const given = new URLSearchParams({
        ...(query === '' ? {} : { q: query }),
        ...(cursor === null ? {} : { cursor }),
      });
      return `/me/all${given.size > 0 ? `?${given}` : ''}`;
    };
    const view = {
      query,
      result:
        query === ''
          ? shown.length === 0 && from === null
            ? t.all.empty
            : ''
          : shown.length === 0 && next === null
            ? t.all.foundNone(query)
            : t.all.found(shown.length, query),
      notices: shown,
      older: next === null ? '' : link(cursorOf(next)),
      newest: from === null ? '' : link(null),
    };
    return show.page(request, reply, reader, { name: 'all', place: 'all', title: t.all.title, view });
  });

  async function needNotice(request: FastifyRequest, reader: Reader): Promise<Read> {
    const { id } = request.params as { id: string };
    const notice = UUID.test(id) ? await noticeOf(pool, reader.citizen, id) : undefined;
    const found = notice === undefined ? undefined : await read(notice, reader);
    if (found === undefined) throw new AllimError('not-found', 'there is no such notice of this citizen');
    return found;
  }

  app.get('/me/notices/:id', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const found = await needNotice(request, reader);
    const { t, lang } = reader;
    const { notice, text } = found;
    const snapshot = catalogue.current();
    const [newest, profile, tags, fresh] = await Promise.all([
      found.state === 'outdated' ? newestAbout(pool, reader.citizen, notice.obligation) : undefined,
      // What is known of another person is theirs to see, also where the notice about them came here.
      notice.citizen === reader.citizen ? ownProfile(pool, notice.citizen) : undefined,
      parts.tagsOf(reader.citizen, notice.id),
      markRead(pool, reader.citizen, notice.id, clock.nowMs()),
    ]);
    if (fresh) parts.onRead(reader.citizen, notice.id);
    const why = whyOf(notice, text.rule, profile?.attributes ?? null, snapshot, lang);
    const today = dayOf(clock.nowMs());
    const day = (value: string) => dayWord(value, lang, today);
    const view = {
      ...found,
      fresh,
      tags: tags.join(' '),
      stateText: stateText(found, t, day),
      newest: newest === undefined || newest === notice.id ? '' : `/me/notices/${newest}`,
      paragraphs: text.paragraphs.map((lines) => ({
        lines: lines.map((line) => ({
          line,
          link: found.url !== '' && line.trim() === text.rule.action?.url,
        })),
      })),
      changes: changesOf(found, t.notice.deadline, lang, day),
      canDo: found.state === 'open',
      canTakeBack: found.state === 'said',
      calendar: found.open && text.deadline !== null ? `${found.href}/calendar.ics` : '',
      why: {
        known: why !== null,
        lang: why?.lang ?? lang,
        lead: t.notice.whyRule(found.agency, why?.rule ?? text.rule.id),
        conditions: why?.conditions ?? [],
        seen: why?.seen ?? [],
        missing: found.possible ? (why?.missing ?? []) : [],
        event: t.notice.whyEvent(why?.event ?? '', day(dayOf(Date.parse(notice.at)))),
        asOf: t.notice.whyAsOf(day(notice.asOf)),
        law: why?.law ?? '',
        source: why?.source ?? '',
      },
    };
    return show.page(request, reply, reader, { name: 'notice', place: null, title: found.title, view });
  });

  app.get('/me/notices/:id/calendar.ics', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const { notice, text, agency, href, code } = await needNotice(request, reader);
    if (text.deadline === null) throw new AllimError('not-found', 'the notice has no deadline');
    const { t } = reader;
    const file = calendarFile({
      // Of the thing, not of the notice: a correction moves the entry that is there.
      uid: `${notice.obligation}@${new URL(parts.publicUrl ?? 'https://allim.invalid').hostname}`,
      title: text.title,
      text: `${text.paragraphs.map((lines) => lines.join('\n')).join('\n\n')}\n\n${agency} · ${t.notice.code} ${code}`,
      reminder: `${t.notice.calendarAlarm}: ${text.title}`,
      url: parts.publicUrl === null ? '' : `${parts.publicUrl}${href}`,
      day: text.deadline,
      time: timeOfDeadline(notice.body.data, text.deadline),
      sequence: Math.floor(Date.parse(notice.at) / 1_000),
      nowMs: clock.nowMs(),
    });
    return reply
      .type('text/calendar; charset=utf-8')
      .header('content-disposition', `attachment; filename="allim-${code}.ics"`)
      .send(file);
  });

  const act = (path: string, change: typeof sayDone) =>
    app.post(`/me/notices/:id/${path}`, { config: CITIZEN }, async (request, reply) => {
      const reader = show.readerOf(request);
      const { id } = request.params as { id: string };
      if (!UUID.test(id) || (await noticeOf(pool, reader.citizen, id)) === undefined)
        throw new AllimError('not-found', 'there is no such notice of this citizen');
      await change(pool, id, reader.citizen, clock.nowMs());
      // A second press, or one that came after the agency's word, shows how it stands now.
      return reply.redirect(`/me/notices/${id}`, 303);
    });
  act('done', sayDone);
  act('undone', unsayDone);
}

function holds({ title, agency, text, code }: Read, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const all = [title, agency, code, ...text.paragraphs.flat()]
    .join(' ')
    .normalize('NFKC')
    .toLocaleLowerCase();
  return words.every((word) => all.includes(word));
}
