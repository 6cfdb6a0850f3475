/** My data: what rules know, from whom and for what, what they do not know, who looked, where I am signed in; all of it as a file. */
import type { FastifyInstance } from 'fastify';
import { dayOf } from '../../domain/clock.ts';
import { inLocale } from '../../domain/locales.ts';
import { allNotices } from '../../store/citizen-notices.ts';
import { ownChoices, ownContacts, ownProfile } from '../../store/own-choices.ts';
import type { Look } from '../../store/own-looks.ts';
import { needCitizen, type Person, type SessionId } from '../sign-in/person.ts';
import { createFacts } from './facts.ts';
import { dayWord } from './notice-view.ts';
import type { Show, ShowParts } from './show.ts';

export type OwnSession = {
  readonly id: string;
  readonly device: string;
  readonly createdAt: Date;
  readonly seenAt: Date;
};

/** What the app does with sessions (web/sign-in/sessions.ts). */
export type OwnSessions = {
  list(person: Person): Promise<readonly OwnSession[]>;
  endOthers(person: Person): Promise<number>;
  end(person: Person): Promise<unknown>;
  /** Those of them that still count. */
  living(sessions: readonly SessionId[]): Promise<ReadonlySet<string>>;
};

export type DataParts = ShowParts & {
  readonly show: Show;
  /** Newest first. */
  readonly looksAt: (citizen: string) => Promise<readonly Look[]>;
  readonly sessions: OwnSessions;
};

const CITIZEN = { permission: 'citizen', signIn: 'citizen' } as const;
const EXPORT_STEP = 500;

export function mountData(app: FastifyInstance, parts: DataParts): void {
  const { pool, sealer, clock, catalogue, show } = parts;
  const factsOf = createFacts(parts.fields);

  app.get('/me/data', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const { citizen, t, lang } = reader;
    const { session } = needCitizen(request);
    const [profile, looks, sessions] = await Promise.all([
      ownProfile(pool, citizen),
      parts.looksAt(citizen),
      parts.sessions.list(needCitizen(request)),
    ]);
    const snapshot = catalogue.current();
    const nowMs = clock.nowMs();
    const facts = factsOf(profile, snapshot, { citizen, lang, t, nowMs });
    const day = (at: Date) => dayWord(dayOf(at.getTime()), lang, dayOf(nowMs));
    const nameOf = (agency: string | null) =>
      agency === null
        ? t.frame.service
        : (inLocale(snapshot.agencies.get(agency)?.name, lang, snapshot.localeFallbacks) ?? agency);
    const view = {
      ...facts,
      // Without a profile here nothing can be said of what is missing.
      missing: profile === undefined ? [] : facts.missing,
      missingShow: t.data.missingShow(facts.missing.length),
      nothing: profile === undefined,
      looks: looks.map(({ at, agency, reason }) => ({
        when: day(at),
        who: t.data.lookStaff(nameOf(agency)),
        why: reason ?? '',
      })),
      sessions: sessions.map((one) => ({
        device: one.device,
        since: t.data.since(day(one.createdAt)),
        seen: t.data.seen(day(one.seenAt)),
        current: one.id === session,
      })),
    };
    return show.page(request, reply, reader, { name: 'data', place: 'data', title: t.data.title, view });
  });

  /** Where one is lost: every other first, so that what fails half-way has left this one to try again with. */
  app.post('/me/sessions/end', { config: CITIZEN }, async (request, reply) => {
    const person = needCitizen(request);
    await parts.sessions.endOthers(person);
    await parts.sessions.end(person);
    return reply.header('clear-site-data', '"cache", "storage"').redirect('/', 303);
  });

  app.get('/me/data/export', { config: CITIZEN }, async (request, reply) => {
    const { citizen } = show.readerOf(request);
    const [profile, choices, contacts, looks] = await Promise.all([
      ownProfile(pool, citizen),
      ownChoices(pool, citizen),
      ownContacts(pool, sealer, citizen),
      parts.looksAt(citizen),
    ]);
    const notices: object[] = [];
    for (let after: { at: string; id: string } | null = null, more = true; more; ) {
      const page = await allNotices(pool, citizen, after, EXPORT_STEP);
      for (const { id, at, agency, rule, stage, body, obligationState, saidDone, readAt, locale } of page)
        notices.push({
          id,
          at,
          agency,
          rule,
          stage,
          event: body,
          state: obligationState,
          saidDone,
          readAt,
          locale,
        });
      const last = page.at(-1);
      more = page.length === EXPORT_STEP && last !== undefined;
      after = last === undefined ? null : { at: last.at, id: last.id };
    }
    const day = dayOf(clock.nowMs());
    return reply
      .type('application/json; charset=utf-8')
      .header('content-disposition', `attachment; filename="allim-${day}.json"`)
      .send(
        `${JSON.stringify(
          {
            exportedAt: new Date(clock.nowMs()).toISOString(),
            citizen,
            facts: profile?.attributes ?? {},
            sources: profile?.provenance ?? {},
            choices: choices ?? null,
            // Of a subscription its keys are not told: whoever has them can write to the device.
            addresses: contacts.map(({ channel, address, verified, invalid, since }) => ({
              channel,
              address:
                channel === 'push'
                  ? new URL((JSON.parse(address) as { endpoint: string }).endpoint).origin
                  : address,
              verified,
              invalid,
              since,
            })),
            notices,
            looks,
          },
          null,
          2,
        )}\n`,
      );
  });
}
