/**
 * Web Push (RFC 8030) with message encryption (RFC 8291) and VAPID (RFC 8292). The push service sees an opaque body and our key, no more.
 * A 201 means the service took it, never that anybody saw it. Topic is the delivery's id: the same delivery sent again replaces itself.
 */
import { createECDH } from 'node:crypto';
import webPush from 'web-push';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import { type DeliveryId, shortId } from '../../domain/ids.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { paced } from '../../domain/pace.ts';
import { ADDRESS_PRIVATE, allowedEndpoint, publicLookup } from '../../domain/public-endpoint.ts';
import { isPushService } from '../../domain/push-services.ts';
import { Flights, judged, SESSION_LOST, type Verdict } from './calls.ts';
import { CONNECTING, createHttpCaller, type HttpRequest, retryAfterMs } from './http-call.ts';
import type { Outcome, OutgoingDelivery, Provider, PushSubscription } from './provider.ts';

export type PushOptions = {
  readonly vapid: { readonly subject: string; readonly publicKey: string; readonly privateKey: string };
  /** Calls http://127.0.0.1 too: for tests and the demonstration only. */
  readonly allowLoopback?: boolean;
  /** Hosts that may be called (domain/push-services.ts); any public one unless told. */
  readonly services?: readonly string[];
  /** What the service worker shows us when it has shown the notice (domain/receipt-tokens.ts). */
  readonly receiptToken?: (delivery: DeliveryId, attempt: number) => string;
  readonly window?: number;
  readonly connectTimeoutMs?: number;
  /** From the last byte sent to the status line. */
  readonly answerTimeoutMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
};

/** HTTP status → verdict. 2xx are accepted; Retry-After is honoured where the verdict is temporary. */
const STATUSES: Readonly<Record<string, Verdict>> = {
  // Redirects are not followed: the endpoint is the subscription's identity.
  '301': 'technical',
  '302': 'technical',
  '307': 'technical',
  '308': 'technical',
  '400': 'technical',
  '401': 'technical',
  '403': 'technical',
  // The subscription is gone; nothing else may end one.
  '404': 'permanent',
  '410': 'permanent',
  '406': 'temporary',
  '408': 'temporary',
  '411': 'technical',
  '413': 'technical',
  '414': 'technical',
  '415': 'technical',
  '422': 'technical',
  '425': 'temporary',
  '429': 'temporary',
  '500': 'temporary',
  '502': 'temporary',
  '503': 'temporary',
  '504': 'temporary',
};
const ACCEPTED = new Set([200, 201, 202, 204]);
const FAILURES = { ...CONNECTING, [ADDRESS_PRIVATE]: 'technical' } as const;

/** RFC 8291 §4: 4,096 octets of body, less header, tag and padding delimiter. */
export const PUSH_PLAINTEXT_BYTES = 3_993;
/** Four weeks: what the large services keep at most. */
const LONGEST_TTL_S = 2_419_200;
/** RFC 8292 allows 24 h; services count skewed clocks against it. */
const VAPID_LIFETIME_S = 12 * 3_600;

function parseSubscription(address: string): PushSubscription | null {
  try {
    const value = JSON.parse(address) as Partial<PushSubscription> | null;
    const { endpoint, keys } = value ?? {};
    if (typeof endpoint !== 'string' || typeof keys?.p256dh !== 'string' || typeof keys.auth !== 'string')
      return null;
    return { endpoint, keys };
  } catch {
    // Not JSON: as little a subscription as one without keys, and the caller says so.
    return null;
  }
}

export function createPushProvider(options: PushOptions): Provider {
  const {
    vapid,
    services,
    allowLoopback = false,
    window = 64,
    connectTimeoutMs = paced(10_000),
    answerTimeoutMs = paced(30_000),
  } = options;
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const flights = new Flights();
  const caller = createHttpCaller({
    window,
    connectTimeoutMs,
    answerTimeoutMs,
    // Says nothing that we use.
    bodyBytes: 0,
    lookup: publicLookup(allowLoopback),
  });
  /** The message that was last made on each connection. */
  const made = new WeakMap<object, string>();
  const authorizations = new Map<string, { header: string; untilMs: number }>();

  /** One signature per push service and half lifetime: signing costs more than everything else here together. */
  function authorization(origin: string): string {
    const now = clock.nowMs();
    const known = authorizations.get(origin);
    if (known && known.untilMs > now) return known.header;
    const expiry = Math.floor(now / 1_000) + VAPID_LIFETIME_S;
    const { subject, publicKey, privateKey } = vapid;
    const header = webPush.getVapidHeaders(
      origin,
      subject,
      publicKey,
      privateKey,
      'aes128gcm',
      expiry,
    ).Authorization;
    // Origins come from subscriptions: whoever makes up thousands of them must not fill our memory.
    if (authorizations.size >= 1_000) authorizations.clear();
    authorizations.set(origin, { header, untilMs: now + (VAPID_LIFETIME_S * 1_000) / 2 });
    return header;
  }

  async function post(request: Pick<HttpRequest, 'url' | 'headers' | 'body' | 'mayCall'>): Promise<Outcome> {
    const answer = await caller.call({ method: 'POST', ...request });
    if (answer.kind === 'held') return SESSION_LOST;
    if (answer.kind === 'failed')
      return answer.flushed
        ? { kind: 'unknown', code: answer.code }
        : judged(FAILURES, answer.code, logger, 'push');
    const { status, headers, connection } = answer;
    if (!ACCEPTED.has(status))
      return judged(
        STATUSES,
        String(status),
        logger,
        'push',
        retryAfterMs(headers['retry-after'], clock.nowMs(), headers.date),
      );
    const location = headers.location ?? null;
    // Each message has a place of its own (RFC 8030 §5): the same again is the answer before this one, given twice.
    if (location !== null && made.get(connection) === location) {
      answer.distrust();
      return { kind: 'unknown', code: 'answer-repeated' };
    }
    if (location !== null) made.set(connection, location);
    return { kind: 'accepted', reference: location };
  }

  async function send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome> {
    if (delivery.content.channel !== 'push') return { kind: 'technical', code: 'content-mismatch' };
    const subscription = parseSubscription(delivery.address);
    if (!subscription) return { kind: 'permanent', code: 'subscription-invalid' };
    const url = allowedEndpoint(subscription.endpoint, allowLoopback);
    const known =
      services === undefined ||
      (url !== null && (isPushService(url.hostname, services) || url.protocol === 'http:'));
    // Clear text is allowed on loopback alone, and there it is not a service.
    if (!url || !known) return { kind: 'permanent', code: 'endpoint-refused' };
    const id = shortId(delivery.delivery as DeliveryId);
    const { title, body, read } = delivery.content;
    const receipt = options.receiptToken?.(delivery.delivery as DeliveryId, delivery.attempt);
    const payload = Buffer.from(
      JSON.stringify(
        read ? { id, read } : { id, title, body, ...(receipt === undefined ? {} : { receipt }) },
      ),
    );
    if (payload.length > PUSH_PLAINTEXT_BYTES) return { kind: 'technical', code: 'payload-too-large' };
    let sealed: Buffer;
    try {
      const { p256dh, auth } = subscription.keys;
      sealed = webPush.encrypt(p256dh, auth, payload, 'aes128gcm').cipherText;
    } catch {
      // A point that is not on the curve, or keys of another length: this subscription can never be written to.
      return { kind: 'permanent', code: 'subscription-invalid' };
    }
    const left =
      delivery.expiresAtMs === null
        ? LONGEST_TTL_S
        : Math.floor((delivery.expiresAtMs - clock.nowMs()) / 1_000);
    const headers = {
      Authorization: authorization(url.origin),
      'Content-Encoding': 'aes128gcm',
      'Content-Length': String(sealed.length),
      'Content-Type': 'application/octet-stream',
      TTL: String(Math.min(LONGEST_TTL_S, Math.max(0, left))),
      Topic: id,
      Urgency: delivery.urgent ? 'high' : 'normal',
    };
    return post({ url, headers, body: sealed, mayCall });
  }

  return {
    name: 'web-push',
    channel: 'push',
    window,
    repeats: 'replaced',
    async start() {
      try {
        // Signs once, so that a wrong key is found at start and not at the first notice.
        authorization('https://push.invalid');
        authorizations.clear();
        // Browsers subscribe with the one and we sign with the other: of two that do not belong together each service refuses every notice.
        const pair = createECDH('prime256v1');
        pair.setPrivateKey(Buffer.from(vapid.privateKey, 'base64url'));
        if (!pair.getPublicKey().equals(Buffer.from(vapid.publicKey, 'base64url')))
          throw new Error('the public key is not that of the private key');
      } catch (cause) {
        throw new AllimError('config-invalid', `VAPID settings: ${messageOf(cause)}`, { cause });
      }
    },
    async stop() {
      await flights.idle();
      caller.stop();
    },
    send: (delivery, mayCall) => flights.track(send(delivery, mayCall)),
  };
}
