/** The citizen app and the public pages of a process: what of this installation they may call, and what of it they may show. */
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../domain/errors.ts';
import type { Channel } from '../domain/statuses.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { looksAt } from '../store/own-looks.ts';
import { simulatedContent } from '../store/simulated-sends.ts';
import { contentOf } from '../templates/content.ts';
import type { SendCode } from '../web/citizen/contacts.ts';
import { type CitizenParts, mountCitizen } from '../web/citizen/routes.ts';
import { readPages } from '../web/pages/render.ts';
import { loadWords } from '../web/pages/words.ts';
import { mountPublicPages } from '../web/public/routes.ts';
import type { Assets } from '../web/ui/assets.ts';
import type { Context } from './context.ts';

const WEB = path.join(import.meta.dirname, '..', 'web');
/** Taking a notice down is worth a day: afterwards the device has shown it long ago. */
const TAKE_DOWN_MS = 86_400_000;

/** Calls of providers outside of fan-outs. Started with the first, because most processes never make one. */
function directCalls({ config, providers, clock, logger }: Context) {
  const started = new Map<Channel, Promise<void>>();

  async function providerOf(channel: Channel) {
    const provider = providers[channel];
    let start = started.get(channel);
    if (start === undefined) {
      start = provider.start();
      started.set(channel, start);
      start.catch(() => started.delete(channel));
    }
    await start;
    return provider;
  }

  const sendCode: SendCode = async ({ id, channel, address, subject, text, lang, expiresAtMs }) => {
    try {
      const provider = await providerOf(channel);
      const outcome = await provider.send(
        {
          delivery: id,
          attempt: 1,
          agency: '',
          address,
          content: contentOf(
            channel,
            lang,
            channel === 'sms' ? text : `subject: ${subject}\n${text}`,
            undefined,
          ),
          urgent: true,
          expiresAtMs,
        },
        () => true,
      );
      if (outcome.kind !== 'accepted') logger.warn({ channel, ...outcome }, 'a code was not taken');
      // One whose end nobody knows may have come: it is waited for, and never sent twice.
      return outcome.kind === 'accepted' || outcome.kind === 'unknown';
    } catch (error) {
      logger.error({ channel, err: messageOf(error) }, 'a code could not be sent');
      return false;
    }
  };

  const sendPush: NonNullable<CitizenParts['sendPush']> = async (delivery, address, content) => {
    const provider = await providerOf('push');
    const expiresAtMs = clock.nowMs() + TAKE_DOWN_MS;
    await provider.send(
      { delivery, attempt: 1, agency: '', address, content, urgent: false, expiresAtMs },
      () => true,
    );
  };

  return {
    sendCode,
    sendPush: config.vapid === null ? null : sendPush,
    async stop(): Promise<void> {
      for (const channel of started.keys()) await providers[channel].stop();
      started.clear();
    },
  };
}

export async function mountCitizenPages(
  app: FastifyInstance,
  context: Context,
  given: {
    readonly assets: Assets;
    /** null: nobody can sign in here, so there are the public pages alone. */
    readonly sessions: CitizenParts['sessions'] | null;
  },
): Promise<void> {
  const { config, pool, sealer } = context;
  const calls = directCalls(context);
  app.addHook('onClose', async () => calls.stop());
  const nothingLeaves = config.env !== 'production' && (config.sms === null || config.smtp === null);
  const { assets, sessions } = given;
  const parts: Omit<CitizenParts, 'sessions'> = {
    ...context,
    assets,
    fields: shippedFields(),
    languages: await loadWords(),
    pages: readPages([
      path.join(WEB, 'pages'),
      path.join(WEB, 'citizen', 'pages'),
      path.join(WEB, 'public', 'pages'),
    ]),
    pushKey: config.vapid?.publicKey ?? null,
    pushServices: { services: config.pushServices, allowLoopback: config.pushLoopback },
    publicUrl: config.publicUrl,
    sendCode: calls.sendCode,
    sendPush: calls.sendPush,
    // An outbox keeps what would have left; a provider keeps nothing that could be shown.
    shownCode: nothingLeaves
      ? async (id) => {
          const content = await simulatedContent(pool, sealer, id);
          return typeof content?.['text'] === 'string' ? content['text'] : null;
        }
      : null,
    looksAt: (citizen) => looksAt(pool, citizen),
  };
  await mountPublicPages(app, parts);
  if (sessions !== null) await mountCitizen(app, { ...parts, sessions });
}
