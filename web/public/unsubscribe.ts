/**
 * Stopping mails from the mail itself, without a login (RFC 8058): a POST stops them, whoever sends it, a mail program or the button of the
 * page; a GET, which scanners of links follow too, shows the page and changes nothing.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import { inLocale } from '../../domain/locales.ts';
import { readUnsubscribeToken } from '../../domain/unsubscribe-tokens.ts';
import { stopMails, type ToldBy, toldBy } from '../../store/told-mail.ts';
import { createFailures } from '../api/failures.ts';
import type { PublicParts, ShowPublic } from './routes.ts';

const PUBLIC = { permission: 'public' } as const;
const WRONG_A_MINUTE = 20;

export function mountUnsubscribe(app: FastifyInstance, parts: PublicParts, show: ShowPublic): void {
  const { pool, sealer, clock, catalogue, logger } = parts;
  const failures = createFailures(WRONG_A_MINUTE);

  async function needTold(request: FastifyRequest, reply: FastifyReply): Promise<ToldBy | undefined> {
    const wait = failures.waitSeconds(request.ip);
    if (wait !== null) {
      reply.header('retry-after', wait);
      throw new AllimError('too-many-requests', 'too many links that were not ours came from this address');
    }
    const right = failures.begin(request.ip);
    const { token } = request.params as { token: string };
    const delivery = readUnsubscribeToken(sealer, token);
    if (delivery === null) return undefined;
    right();
    const told = await toldBy(pool, delivery);
    return told?.channel === 'email' ? told : undefined;
  }

  function page(
    request: FastifyRequest,
    reply: FastifyReply,
    told: ToldBy | undefined,
    done: boolean,
  ): FastifyReply {
    return show(
      request,
      reply,
      (t, lang) => {
        const { agencies, localeFallbacks } = catalogue.current();
        const agency =
          told === undefined
            ? ''
            : (inLocale(agencies.get(told.agency)?.name, lang, localeFallbacks) ?? told.agency);
        const category = told === undefined ? '' : t.categories[told.category];
        const words = t.unsubscribe;
        return {
          name: 'unsubscribe',
          title: told === undefined ? words.unknownTitle : done ? words.doneTitle : words.title,
          status: told === undefined ? 404 : 200,
          view: {
            known: told !== undefined,
            done,
            lead: done ? words.done(agency, category) : words.lead(agency, category),
            consequence: told?.category === 'statutory' ? words.statutory : words.consequence,
            action: request.url.split('?', 1)[0],
          },
        };
      },
      // The mail's own language, where the reader's browser says nothing better.
      told?.locale,
    );
  }

  app.get('/unsubscribe/:token', { config: PUBLIC }, async (request, reply) =>
    page(request, reply, await needTold(request, reply), false),
  );

  app.post('/unsubscribe/:token', { config: PUBLIC }, async (request, reply) => {
    const told = await needTold(request, reply);
    if (told !== undefined) {
      await stopMails(pool, told, clock.nowMs());
      logger.info(
        { citizen: told.recipient, agency: told.agency, category: told.category },
        'mails were stopped',
      );
    }
    return page(request, reply, told, true);
  });
}
