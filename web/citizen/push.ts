/**
 * Browsers that show notices: a citizen subscribes one, ends it, and its service worker puts a new subscription in the place of one that the
 * push service changed. The last has no session (it may be months old): a token that was given with the subscription speaks for it alone.
 */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import type { Content } from '../../domain/content.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import { shortId } from '../../domain/ids.ts';
import { type PushServicesAllowed, readSubscription } from '../../producers/push-subscription.ts';
import { noticeOfDelivery, renew, shownOn, subscribe, unsubscribe } from '../../store/own-devices.ts';
import { createFailures } from '../api/failures.ts';
import { needCitizen } from '../sign-in/person.ts';
import type { ShowParts } from './show.ts';

export type PushParts = ShowParts & {
  readonly pushServices: PushServicesAllowed;
  /** Calls the push service once for a delivery that it has had; null where no push is sent. */
  readonly sendPush: ((delivery: string, address: string, content: Content) => Promise<void>) | null;
};

const SESSION = { permission: 'citizen' } as const;
const BODY_BYTES = 8_192;
const TOKEN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{22})$/;
const SHORT = /^[A-Za-z0-9_-]{22}$/;
const WRONG_A_MINUTE = 10;

function fullId(short: string): string {
  const hex = Buffer.from(short, 'base64url').toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

export function mountPush(app: FastifyInstance, parts: PushParts): void {
  const { pool, sealer, clock } = parts;
  const failures = createFailures(WRONG_A_MINUTE);
  const mac = (id: string) => sealer.index('push/renewal', id).subarray(0, 16);
  const tokenOf = (id: string) => `${id}.${mac(id).toString('base64url')}`;

  function needSubscription(given: unknown) {
    const read = readSubscription(given, parts.pushServices);
    if ('fault' in read)
      throw new AllimError(
        'request-invalid',
        `the subscription: ${read.fault.pointer} ${read.fault.message}`,
        {
          faults: [read.fault],
        },
      );
    return read;
  }

  app.post('/api/v1/me/push', { config: SESSION, bodyLimit: BODY_BYTES }, async (request, reply) => {
    const { citizen } = needCitizen(request);
    const read = needSubscription(request.body);
    const id = await subscribe(pool, sealer, citizen, read, clock.nowMs());
    return reply.code(201).send({ renewal: tokenOf(id) });
  });

  app.delete('/api/v1/me/push', { config: SESSION, bodyLimit: BODY_BYTES }, async (request, reply) => {
    const { citizen } = needCitizen(request);
    const { endpoint } = (request.body ?? {}) as { endpoint?: unknown };
    if (typeof endpoint === 'string') await unsubscribe(pool, sealer, citizen, endpoint);
    return reply.code(204).send();
  });

  app.post(
    '/push/renewals',
    { config: { permission: 'public' }, bodyLimit: BODY_BYTES },
    async (request, reply) => {
      const wait = failures.waitSeconds(request.ip);
      if (wait !== null) {
        reply.header('retry-after', wait);
        throw new AllimError(
          'too-many-requests',
          'too many renewals that were not good came from this address',
        );
      }
      const right = failures.begin(request.ip);
      const { token, subscription } = (request.body ?? {}) as { token?: unknown; subscription?: unknown };
      const [, id, given = ''] = TOKEN.exec(typeof token === 'string' ? token : '') ?? [];
      if (id === undefined || !timingSafeEqual(mac(id), Buffer.from(given, 'base64url')))
        throw new AllimError('unauthorized', 'the token is not of a subscription');
      const fresh = await renew(pool, sealer, id, needSubscription(subscription), clock.nowMs());
      if (fresh === undefined) throw new AllimError('not-found', 'the subscription is not there any more');
      right();
      return reply.code(200).send({ renewal: tokenOf(fresh) });
    },
  );

  /** From the notification that a device showed to its page: the message names the delivery alone. */
  app.get(
    '/me/open/:delivery',
    { config: { permission: 'citizen', signIn: 'citizen' } },
    async (request, reply) => {
      const { citizen } = needCitizen(request);
      const { delivery } = request.params as { delivery: string };
      const id = SHORT.test(delivery) ? await noticeOfDelivery(pool, citizen, fullId(delivery)) : undefined;
      return reply.redirect(id === undefined ? '/me' : `/me/notices/${id}`, 302);
    },
  );
}

/** Where notices are shown on devices. */
export function createDevices(parts: Pick<PushParts, 'pool' | 'sealer' | 'logger' | 'sendPush'>) {
  const { pool, sealer, logger } = parts;

  /** Names that devices show a notice under. */
  async function tagsOf(citizen: string, notification: string): Promise<string[]> {
    return (await shownOn(pool, sealer, citizen, notification)).map(({ delivery }) => shortId(delivery));
  }

  /** Takes a notice that was read down from where else it is shown; a device that is off never shows it, since the message replaces the first. */
  function takeDown(citizen: string, notification: string): void {
    const { sendPush } = parts;
    if (sendPush === null) return;
    const content: Content = { channel: 'push', title: '', body: '', read: true };
    void shownOn(pool, sealer, citizen, notification)
      .then((shown) =>
        Promise.all(shown.map(({ delivery, address }) => sendPush(delivery, address, content))),
      )
      .catch((error: unknown) =>
        logger.warn(
          { notification, err: messageOf(error) },
          'a notice that was read could not be taken down elsewhere',
        ),
      );
  }

  return { tagsOf, takeDown };
}
