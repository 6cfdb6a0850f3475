/**
 * The page of the demonstration: what happened, what left, why, and how to send an event oneself. It shows what is sealed elsewhere and asks
 * for no credential, so it is mounted by `npm start` alone and never in production. It reads; it changes nothing.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { dayOf } from '../../domain/clock.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Fields } from '../../rules/catalogue.ts';
import { pulse } from '../../store/overview.ts';
import type { Html } from '../pages/html.ts';
import { openStream } from '../pages/stream.ts';
import type { CommandParts, Examples } from './commands.ts';
import { inboxHtml, readInbox } from './inbox.ts';
import { createLive } from './live.ts';
import { type OverviewParts, readOverview } from './overview.ts';
import { citizenPage, mainPage } from './page.ts';
import type { WaysIn } from './ways-in.ts';
import { createExplainer } from './why.ts';
import { type Language, languageOf } from './words.ts';

export type DemonstrationPageParts = OverviewParts & {
  readonly logger: Logger;
  readonly fields: Fields;
  /** Where this server is reached, without a slash at the end. */
  readonly url: () => string;
  readonly token: string;
  readonly examples: (language: Language) => Examples;
  readonly waysIn: WaysIn;
};

const CSP = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PUBLIC = { config: { permission: 'public' } } as const;
const MAIN_NOTICES = 4;
const ALL_NOTICES = 100;

const languageFor = (request: FastifyRequest): Language =>
  languageOf(
    (request.query as { lang?: unknown }).lang as string | undefined,
    request.headers['accept-language'],
  );

export async function mountDemonstration(app: FastifyInstance, parts: DemonstrationPageParts): Promise<void> {
  const { pool, sealer, catalogue, fields } = parts;
  const logger = parts.logger.child({ part: 'demonstration' });
  const explain = createExplainer(fields);
  const files = new Map<string, Buffer>();
  for (const name of ['style.css', 'page.js'])
    files.set(name, await readFile(path.join(import.meta.dirname, name)));

  const overview = () => readOverview(parts);
  const live = createLive({
    pulse: async () => `${await pulse(pool)} ${JSON.stringify(parts.progress())}`,
    overview,
    failed: (error) => logger.warn({ err: messageOf(error) }, 'the page could not be brought up to date'),
  });
  // Streams never end by themselves, and a server that closes waits for them.
  app.addHook('preClose', async () => live.stop());

  async function inboxOf(id: string, language: Language, limit: number): Promise<Html | null> {
    const inbox = await readInbox({ pool, sealer, catalogue, explain }, id, language, limit);
    return inbox === null ? null : inboxHtml(inbox, catalogue.current(), fields, language);
  }

  const page = (reply: FastifyReply, status: number, language: Language, body: string) =>
    reply
      .code(status)
      .headers({ 'content-security-policy': CSP, 'content-language': language, vary: 'accept-language' })
      .type('text/html; charset=utf-8')
      .send(body);

  app.get('/', PUBLIC, async (_request, reply) => reply.redirect('/demonstration', 302));

  app.get('/demonstration', PUBLIC, async (request, reply) => {
    const language = languageFor(request);
    const now = await overview();
    const first = now.inboxes[0];
    const commands: CommandParts = {
      url: parts.url(),
      token: parts.token,
      today: dayOf(parts.clock.nowMs()),
    };
    const inbox = first === undefined ? null : await inboxOf(first.citizen, language, MAIN_NOTICES);
    return page(
      reply,
      200,
      language,
      mainPage(now, language, {
        commands,
        examples: parts.examples(language),
        inbox,
        waysIn: parts.waysIn,
      }),
    );
  });

  app.get('/demonstration/citizens/:id', PUBLIC, async (request, reply) => {
    const language = languageFor(request);
    const { id } = request.params as { id: string };
    const inbox = await inboxOf(id, language, ALL_NOTICES);
    return page(
      reply,
      inbox === null ? 404 : 200,
      language,
      citizenPage(await overview(), language, id, inbox),
    );
  });

  app.get('/demonstration/live', { ...PUBLIC, exposeHeadRoute: false }, async (request, reply) => {
    const raw = openStream(reply);
    if (!live.add(raw, languageFor(request))) raw.end();
  });

  for (const [name, type] of [
    ['style.css', 'text/css; charset=utf-8'],
    ['page.js', 'text/javascript; charset=utf-8'],
  ] as const)
    app.get(`/demonstration/${name}`, PUBLIC, async (_request, reply) =>
      reply.header('cache-control', 'no-cache').type(type).send(files.get(name)),
    );
}
