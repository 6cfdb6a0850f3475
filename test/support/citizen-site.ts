/**
 * The citizen app and the public pages over HTTP, on an installation whose steps a test takes itself (installation.ts): what citizens see
 * is what T1 to T5 wrote. Forms are sent as a browser without a script sends them.
 */
import path from 'node:path';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import type { Content } from '../../domain/content.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { createServer } from '../../web/api/server.ts';
import { type CitizenParts, mountCitizen } from '../../web/citizen/routes.ts';
import { readPages } from '../../web/pages/render.ts';
import { loadWords } from '../../web/pages/words.ts';
import { mountPublicPages, type PublicParts } from '../../web/public/routes.ts';
import { receiptsOverHttp } from '../../web/receipts/http.ts';
import { createCookies } from '../../web/sign-in/cookies.ts';
import type { SessionId } from '../../web/sign-in/person.ts';
import { createSessions, type Sessions } from '../../web/sign-in/sessions.ts';
import { mountAssets, readAssets } from '../../web/ui/assets.ts';
import { buildWebOnce } from './built-web.ts';
import { createLogCapture } from './http.ts';
import type { Installation } from './installation.ts';

export type SentCode = Parameters<CitizenParts['sendCode']>[0];

export type Visitor = {
  readonly cookie: string;
  readonly csrf: string;
  readonly session: SessionId;
  get(url: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** Follows nothing: the answer to the form itself. */
  post(
    url: string,
    form?: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<LightMyRequestResponse>;
};

const WEB = path.join(import.meta.dirname, '..', '..', 'web');

export type CitizenSite = Awaited<ReturnType<typeof createCitizenSite>>;

export async function createCitizenSite(
  installation: Installation,
  options: Partial<Pick<CitizenParts, 'pushKey' | 'shownCode' | 'liveEveryMs' | 'liveAliveMs'>> &
    Partial<Pick<PublicParts, 'answerMs'>> = {},
) {
  buildWebOnce();
  const { pool, sealer, clock, catalogue, calendar } = installation;
  const { logger, lines } = createLogCapture();
  const sessions: Sessions = createSessions({ pool, clock, sealer, logger });
  const app: FastifyInstance = await createServer({
    credentials: { peek: () => 'guess', verify: async () => null },
    logger,
    signedIn: { sessions, cookies: createCookies(false), clock },
  });
  const codes: SentCode[] = [];
  const pushes: { delivery: string; address: string; content: Content }[] = [];
  const takes = { codes: true };
  const assets = readAssets();
  const parts: CitizenParts & PublicParts = {
    pool,
    sealer,
    clock,
    catalogue,
    calendar,
    logger,
    assets,
    fields: shippedFields(),
    languages: await loadWords(),
    pages: readPages([
      path.join(WEB, 'pages'),
      path.join(WEB, 'citizen', 'pages'),
      path.join(WEB, 'public', 'pages'),
    ]),
    pushKey: options.pushKey ?? null,
    pushServices: { services: ['fcm.googleapis.com'], allowLoopback: false },
    publicUrl: 'https://allim.example',
    sendCode: async (code) => {
      codes.push(code);
      return takes.codes;
    },
    sendPush: async (delivery, address, content) => void pushes.push({ delivery, address, content }),
    shownCode: options.shownCode ?? null,
    looksAt: async () => [],
    sessions,
    answerMs: options.answerMs ?? 30,
    ...(options.liveEveryMs === undefined ? {} : { liveEveryMs: options.liveEveryMs }),
    ...(options.liveAliveMs === undefined ? {} : { liveAliveMs: options.liveAliveMs }),
  };
  await mountAssets(app, assets);
  await app.register(receiptsOverHttp, { pool, sealer, clock, logger, smsSecret: null, bounceToken: null });
  await mountPublicPages(app, parts);
  await mountCitizen(app, parts);
  await app.ready();

  return {
    app,
    sessions,
    codes,
    pushes,
    takes,
    lines: lines as readonly string[],
    async visit(citizen: string, locale = 'ko'): Promise<Visitor> {
      const { token, session } = await sessions.open(
        { kind: 'citizen', citizen, locale },
        { device: 'Chrome', idToken: null },
      );
      const { csrf } = (await sessions.read(token))!;
      const cookie = `allim-session=${token}`;
      return {
        cookie,
        csrf,
        session,
        get: (url, headers = {}) => app.inject({ url, headers: { cookie, ...headers } }),
        post: (url, form = {}) => {
          const body = new URLSearchParams({ _csrf: csrf });
          for (const [name, value] of Object.entries(form))
            for (const one of [value].flat()) body.append(name, one);
          return app.inject({
            method: 'POST',
            url,
            headers: { cookie, 'content-type': 'application/x-www-form-urlencoded' },
            payload: body.toString(),
          });
        },
      };
    },
    get: (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers }),
    post: (url: string, form: Readonly<Record<string, string>>, headers: Record<string, string> = {}) =>
      app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        payload: new URLSearchParams(form).toString(),
      }),
    close: () => app.close(),
  };
}

/** What a person reads of a page: its main part without markup, blanks folded. */
export function readText(html: string): string {
  const main = /<main[^>]*>([\s\S]*)<\/main>/.exec(html)?.[1] ?? html;
  return main
    .replaceAll(/<(script|style)[\s\S]*?<\/\1>/g, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#x27;', "'")
    .replaceAll('&#x3D;', '=')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
