/**
 * What every page of the citizen app needs: who reads, in which language, as of when, and the page around it. Whose page it is comes from the
 * session and from nowhere else: no address of the app names a citizen.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import type { WorkingDays } from '../../domain/timeline.ts';
import type { Fields } from '../../rules/catalogue.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { type ErrorView, errorPages } from '../pages/error-page.ts';
import { askedLanguage, createFrame, type FrameParts, type Place } from '../pages/frame.ts';
import { pageHeaders } from '../pages/headers.ts';
import type { Pages } from '../pages/render.ts';
import { acceptedLanguage, type Words } from '../pages/words.ts';
import { csrfOf } from '../sign-in/csrf.ts';
import { needCitizen } from '../sign-in/person.ts';

export type ShowParts = FrameParts & {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fields: Fields;
  readonly pages: Pages;
  /** The key that push services know us by; null where no push is sent. */
  readonly pushKey: string | null;
};

export type Reader = {
  readonly citizen: string;
  /** Of the pages. */
  readonly lang: string;
  /** Of notices: what the citizen chose, which the pages may not have. */
  readonly locale: string;
  readonly t: Words;
};

/** What the client may do with markup and the service worker's address; its one policy (client/trusted.ts). */
const TRUSTED = ['allim'];

export function createShow(parts: ShowParts) {
  const { languages, catalogue, pages } = parts;
  const frameOf = createFrame(parts);

  function readerOf(request: FastifyRequest): Reader {
    const { citizen, locale } = needCitizen(request);
    const lang = languages.best(locale, catalogue.current().localeFallbacks);
    return { citizen, locale, lang, t: languages.words(lang) };
  }

  function page(
    request: FastifyRequest,
    reply: FastifyReply,
    reader: Reader,
    given: {
      readonly name: string;
      readonly place: Place | null;
      readonly title: string;
      readonly view: object;
      readonly status?: number;
    },
  ): FastifyReply {
    const frame = frameOf({
      lang: reader.lang,
      title: given.title,
      url: request.url,
      csrf: csrfOf(request),
      place: given.place,
      keeper: parts.sealer.index('keeper', reader.citizen).toString('hex', 0, 8),
      pushKey: parts.pushKey ?? '',
    });
    return pageHeaders(reply, reader.lang, { trusted: TRUSTED })
      .code(given.status ?? 200)
      .type('text/html; charset=utf-8')
      .send(pages.render(given.name, { ...frame, page: given.view }));
  }

  /** Without asking the database, which may be what failed. */
  function errorPage(
    request: FastifyRequest,
    reply: FastifyReply,
    status: number,
    view: (t: Words) => ErrorView,
  ): FastifyReply {
    const person = request.person?.kind === 'citizen' ? request.person : null;
    const lang =
      askedLanguage(request, languages) ??
      (person === null ? null : languages.best(person.locale, catalogue.current().localeFallbacks)) ??
      acceptedLanguage(request.headers['accept-language'], languages.codes) ??
      languages.codes[0]!;
    const said = view(languages.words(lang));
    const frame = frameOf({
      lang,
      title: said.title,
      url: request.url,
      ...(person === null ? {} : { place: null, csrf: csrfOf(request) }),
    });
    return pageHeaders(reply, lang, { trusted: TRUSTED })
      .code(status)
      .type('text/html; charset=utf-8')
      .send(pages.render('error', { ...frame, page: { ...said, inbox: person !== null } }));
  }

  return { readerOf, page, onError: errorPages(parts.logger, errorPage), errorPage };
}

export type Show = ReturnType<typeof createShow>;
