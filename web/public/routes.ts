/**
 * Pages for everybody, without a login and without a script: is this notice real, stop these mails, how to tell a false one; what makes the
 * app installable. They look like the rest.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { HELP_LINES } from '../../domain/kr/help-lines.ts';
import type { Metrics } from '../../domain/metrics.ts';
import type { ShowParts } from '../citizen/show.ts';
import { errorPages } from '../pages/error-page.ts';
import { takeForms } from '../pages/forms.ts';
import { askedLanguage, createFrame } from '../pages/frame.ts';
import { pageHeaders } from '../pages/headers.ts';
import { acceptedLanguage, type Words } from '../pages/words.ts';
import { csrfOf } from '../sign-in/csrf.ts';
import { mountCheck } from './check.ts';
import { mountInstall } from './install.ts';
import { mountUnsubscribe } from './unsubscribe.ts';

export type PublicParts = ShowParts & { readonly metrics?: Metrics; readonly answerMs?: number };

type Shown = {
  readonly name: string;
  readonly title: string;
  readonly status?: number;
  readonly view: object;
};

export type ShowPublic = {
  (
    request: FastifyRequest,
    reply: FastifyReply,
    make: (t: Words, lang: string) => Shown,
    otherwise?: string,
  ): FastifyReply;
  languageOf(request: FastifyRequest, otherwise?: string): { readonly lang: string; readonly t: Words };
};

export async function mountPublicPages(app: FastifyInstance, parts: PublicParts): Promise<void> {
  const { languages, pages } = parts;
  const frameOf = createFrame(parts);

  function languageOf(request: FastifyRequest, otherwise?: string) {
    const lang =
      askedLanguage(request, languages) ??
      acceptedLanguage(request.headers['accept-language'], languages.codes) ??
      (otherwise !== undefined && languages.codes.includes(otherwise) ? otherwise : languages.codes[0]!);
    return { lang, t: languages.words(lang) };
  }

  const show: ShowPublic = Object.assign(
    (
      request: FastifyRequest,
      reply: FastifyReply,
      make: (t: Words, lang: string) => Shown,
      otherwise?: string,
    ) => {
      const { lang, t } = languageOf(request, otherwise);
      const { name, title, status = 200, view } = make(t, lang);
      const frame = frameOf({ lang, title, url: request.url, csrf: csrfOf(request) });
      return pageHeaders(reply, lang)
        .code(status)
        .type('text/html; charset=utf-8')
        .send(pages.render(name, { ...frame, page: view }));
    },
    { languageOf },
  );

  await app.register(async (scope) => {
    scope.setErrorHandler(
      errorPages(parts.logger, (request, reply, status, view) =>
        show(request, reply, (t) => {
          const said = view(t);
          return { name: 'error', title: said.title, status, view: { ...said, inbox: false } };
        }),
      ),
    );
    takeForms(scope);
    // RFC 8058 §3.2: a mail program may send its one word as multipart; where it came says all.
    scope.addContentTypeParser(
      'multipart/form-data',
      { parseAs: 'string', bodyLimit: 8_192 },
      async () => ({}),
    );
    mountCheck(scope, parts, show);
    mountUnsubscribe(scope, parts, show);
    mountInstall(scope, parts, show);
    scope.get('/real', { config: { permission: 'public' } }, async (request, reply) =>
      show(request, reply, (t, lang) => ({
        name: 'real',
        title: t.real.title,
        view: {
          lines: t.real.lines(
            HELP_LINES.police,
            HELP_LINES.fraud,
            HELP_LINES.fraudAgency[lang === 'ko' || lang === 'vi' ? lang : 'en'],
          ),
        },
      })),
    );
  });
}
