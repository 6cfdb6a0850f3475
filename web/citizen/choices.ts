/**
 * What a citizen chooses: kinds, agencies, channels, quiet hours, language. A form each, so that each works without a script and one mistake
 * keeps nothing else back. In force with the commit; the claim of whatever is unsent judges by it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { inLocale, LOCALE } from '../../domain/locales.ts';
import { type Sql, transaction } from '../../domain/sql.ts';
import { CHANNELS, type Channel } from '../../domain/statuses.ts';
import { type Preferences, saveCitizen, savePreferences } from '../../store/citizens.ts';
import {
  agenciesOf,
  endOptOut,
  type OwnChoices,
  type OwnContact,
  optIn,
  optOut,
  ownChoices,
  ownContacts,
} from '../../store/own-choices.ts';
import { type Form, readForm } from '../pages/forms.ts';
import { capital, contactViews } from './contact-views.ts';
import type { Reader, Show, ShowParts } from './show.ts';

export type ChoicesParts = ShowParts & { readonly show: Show };

const CITIZEN = { permission: 'citizen', signIn: 'citizen' } as const;
const SWITCHABLE = ['service', 'information'] as const;
const MOST_CHANNELS = 2;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NIGHT = { from: '21:00', to: '08:00' } as const;

/** What a form was refused for: shown beside it, with what was typed. */
export type Refusal = {
  readonly part: string;
  readonly text: string;
  readonly typed?: string;
  /** 422 unless told. */
  readonly status?: number;
};

export type ChoicesPage = (
  request: FastifyRequest,
  reply: FastifyReply,
  reader: Reader,
  refusal?: Refusal | null,
) => Promise<FastifyReply>;

/** Returns the page, for whoever else refuses one of its forms. */
export function mountChoices(app: FastifyInstance, parts: ChoicesParts): ChoicesPage {
  const { pool, clock, catalogue, sealer, languages, show } = parts;

  async function choicesPage(
    request: FastifyRequest,
    reply: FastifyReply,
    reader: Reader,
    refusal: Refusal | null = null,
  ): Promise<FastifyReply> {
    const { citizen, t, lang } = reader;
    const [choices, contacts, agencies] = await Promise.all([
      ownChoices(pool, citizen),
      ownContacts(pool, sealer, citizen),
      agenciesOf(pool, citizen),
    ]);
    const { agencies: known, localeFallbacks } = catalogue.current();
    const nameOf = (id: string) => inLocale(known.get(id)?.name, lang, localeFallbacks) ?? id;
    const said = readForm(request.query).text('said');
    const view = {
      saved:
        said === 'saved'
          ? t.frame.saved
          : said === 'code'
            ? t.contacts.codeDone
            : said === 'removed'
              ? t.contacts.removed
              : '',
      faults: faultsBy(refusal),
      typed: typedBy(refusal),
      ...choiceViews(choices, contacts, agencies, nameOf, reader),
      contacts: contactViews(contacts, t, lang),
      languages: languageViews(choices?.locale ?? reader.locale, languages.codes, t),
    };
    const status = refusal === null ? 200 : (refusal.status ?? 422);
    return show.page(request, reply, reader, {
      name: 'choices',
      place: 'choices',
      title: t.choices.title,
      view,
      status,
    });
  }

  app.get('/me/choices', { config: CITIZEN }, async (request, reply) =>
    choicesPage(request, reply, show.readerOf(request)),
  );

  /** One form of the page. `change` says what is wrong, or writes; the citizen's row is written first and so locked. */
  const form = (
    part: string,
    change: (sql: Sql, given: Form, reader: Reader, nowMs: number) => Promise<Refusal | null>,
  ) =>
    app.post(`/me/choices/${part}`, { config: CITIZEN }, async (request, reply) => {
      const reader = show.readerOf(request);
      const given = readForm(request.body);
      const nowMs = clock.nowMs();
      const refusal = await transaction(pool, async (sql) => {
        await saveCitizen(sql, reader.citizen, {}, nowMs);
        return await change(sql, given, reader, nowMs);
      });
      if (refusal !== null) return choicesPage(request, reply, reader, refusal);
      return reply.redirect(`/me/choices?said=saved#${part}`, 303);
    });

  const preferences = async (sql: Sql, { citizen }: Reader, given: Preferences, nowMs: number) => {
    await savePreferences(sql, citizen, given, nowMs);
    return null;
  };

  form('categories', async (sql, given, reader, nowMs) => {
    const on = new Set(given.all('on'));
    if (on.size > 0) await optIn(sql, reader.citizen, { agency: null, category: null, channel: null }, nowMs);
    // A switch says how it is to be: what was withdrawn elsewhere for this kind alone ends with it.
    for (const category of SWITCHABLE)
      if (on.has(category))
        await optIn(sql, reader.citizen, { agency: null, category, channel: null }, nowMs);
    return preferences(sql, reader, { off: SWITCHABLE.filter((category) => !on.has(category)) }, nowMs);
  });

  form('agencies', async (sql, given, { citizen }, nowMs) => {
    const on = new Set(given.all('on'));
    for (const agency of await agenciesOf(sql, citizen)) {
      const scope = { agency, category: null, channel: null };
      if (on.has(agency)) await optIn(sql, citizen, scope, nowMs);
      else await optOut(sql, citizen, scope, 'choices', nowMs);
    }
    return null;
  });

  form('channels', async (sql, given, reader, nowMs) => {
    const { t } = reader;
    const chosen = CHANNELS.filter((channel) => given.all('channel').includes(channel));
    if (chosen.length > MOST_CHANNELS) return { part: 'channels', text: t.choices.channelsTooMany };
    return preferences(sql, reader, { channels: chosen.length === 0 ? null : chosen }, nowMs);
  });

  form('quiet-hours', async (sql, given, reader, nowMs) => {
    if (!given.has('on')) return preferences(sql, reader, { quietHours: null }, nowMs);
    const [from, to] = [given.text('from'), given.text('to')];
    if (!TIME.test(from) || !TIME.test(to) || from === to)
      return { part: 'quiet', text: reader.t.choices.quietWrong };
    return preferences(sql, reader, { quietHours: { from, to } }, nowMs);
  });

  form('language', async (sql, given, { citizen, t }, nowMs) => {
    const locale = given.text('language');
    const kept = (await ownChoices(sql, citizen))?.locale;
    if (!LOCALE.test(locale) || !(languages.codes.includes(locale) || locale === kept))
      return { part: 'language', text: t.errors.invalid };
    await saveCitizen(sql, citizen, { locale }, nowMs);
    return null;
  });

  form('again', async (sql, given, { citizen }, nowMs) => {
    const id = given.text('id');
    if (UUID.test(id)) await endOptOut(sql, citizen, id, nowMs);
    return null;
  });

  return choicesPage;
}

const PARTS = ['channels', 'quiet', 'language', 'sms', 'email'] as const;

function faultsBy(refusal: Refusal | null): Readonly<Record<(typeof PARTS)[number], string>> {
  return Object.fromEntries(
    PARTS.map((part) => [part, refusal?.part === part ? refusal.text : '']),
  ) as Record<(typeof PARTS)[number], string>;
}

function typedBy(refusal: Refusal | null): { readonly sms: string; readonly email: string } {
  const of = (part: string) => (refusal?.part === part ? (refusal.typed ?? '') : '');
  return { sms: of('sms'), email: of('email') };
}

/** Withdrawals that a switch of this page stands for are that switch; the others are listed. */
function isSwitch(o: OwnChoices['optOuts'][number]): boolean {
  return o.channel === null && (o.agency === null) !== (o.category === null);
}

function choiceViews(
  choices: OwnChoices | undefined,
  contacts: readonly OwnContact[],
  agencies: readonly string[],
  nameOf: (agency: string) => string,
  { t, lang }: Reader,
) {
  const optOuts = choices?.optOuts ?? [];
  const everything = optOuts.some((o) => o.agency === null && o.category === null && o.channel === null);
  const off = (category: string) =>
    everything ||
    choices?.off.includes(category) === true ||
    optOuts.some((o) => o.agency === null && o.channel === null && o.category === category);
  const reachable = (channel: Channel) =>
    contacts.some((one) => one.channel === channel && one.verified && !one.invalid);
  const chosen = choices?.channels ?? [];
  return {
    switches: SWITCHABLE.map((category) => ({
      id: category,
      name: t.categories[category],
      text: t.choices[category],
      off: t.choices[`${category}Off`],
      on: !off(category),
    })),
    fixed: (['statutory', 'emergency'] as const).map((category) => ({
      name: t.categories[category],
      text: t.choices[category],
      why: t.choices[`${category}Why`],
    })),
    agencies: agencies.map((id) => ({
      id,
      name: nameOf(id),
      on: !optOuts.some((o) => o.agency === id && o.category === null && o.channel === null),
    })),
    channels: CHANNELS.map((channel) => ({
      id: channel,
      name: capital(t.channels[channel], lang),
      text: t.choices.channelText[channel],
      chosen: chosen.includes(channel),
      nowhere: !reachable(channel),
    })),
    quiet: {
      on: choices?.quietFrom != null,
      from: choices?.quietFrom ?? NIGHT.from,
      to: choices?.quietTo ?? NIGHT.to,
    },
    withdrawn: optOuts
      .filter((o) => !isSwitch(o))
      .map((o) => ({
        id: o.id,
        text: t.choices.withdrawnOne(
          o.agency === null ? t.choices.everyAgency : nameOf(o.agency),
          o.category === null
            ? t.choices.everyCategory
            : (t.categories[o.category as keyof typeof t.categories] ?? o.category),
          o.channel === null ? t.choices.everyChannel : (t.channels[o.channel as Channel] ?? o.channel),
        ),
      })),
  };
}

function languageViews(chosen: string, codes: readonly string[], t: Reader['t']) {
  const nameOf = (code: string) => new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;
  const all = codes.includes(chosen) ? codes : [...codes, chosen];
  return all.map((code) => ({
    code,
    name: codes.includes(code) ? nameOf(code) : t.choices.languageKept(nameOf(code)),
    chosen: code === chosen,
  }));
}
