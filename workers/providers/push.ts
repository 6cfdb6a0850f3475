/**
 * Web Push (RFC 8030) with message encryption (RFC 8291) and VAPID (RFC 8292). The push service sees an opaque body and our key, no more.
 * A 201 means the service took it, never that anybody saw it. Topic is the delivery's id: the same delivery sent again replaces itself.
 */
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import webPush from 'web-push';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import { type DeliveryId, shortId } from '../../domain/ids.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { ADDRESS_PRIVATE, allowedEndpoint, publicLookup } from '../../domain/public-endpoint.ts';
import { Flights, judged, SESSION_LOST, type Verdict } from './calls.ts';
import type { Outcome, OutgoingDelivery, Provider, PushSubscription } from './provider.ts';

export type PushOptions = {
  readonly vapid: { readonly subject: string; readonly publicKey: string; readonly privateKey: string };
  /** Calls http://127.0.0.1 too: for tests and the demonstration only. */
  readonly allowLoopback?: boolean;
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
/** Before a byte of the message left: nothing was handed over. */
const CONNECTING: Readonly<Record<string, Verdict>> = {
  [ADDRESS_PRIVATE]: 'technical',
  ECONNREFUSED: 'temporary',
  ECONNRESET: 'temporary',
  EHOSTUNREACH: 'temporary',
  ENETUNREACH: 'temporary',
  ENOTFOUND: 'temporary',
  EAI_AGAIN: 'temporary',
  EPIPE: 'temporary',
  ETIMEDOUT: 'temporary',
  CERT_HAS_EXPIRED: 'temporary',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'temporary',
  ERR_TLS_CERT_ALTNAME_INVALID: 'temporary',
  SELF_SIGNED_CERT_IN_CHAIN: 'temporary',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'temporary',
};

/** RFC 8291 §4: 4,096 octets of body, less header, tag and padding delimiter. */
export const PUSH_PLAINTEXT_BYTES = 3_993;
/** What is read of an answer's body, which says nothing that we use. */
const ANSWER_BODY_BYTES = 4_096;
const ANSWER_BODY_MS = 2_000;
/** Four weeks: what the large services keep at most. */
const LONGEST_TTL_S = 2_419_200;
/** RFC 8292 allows 24 h; services count skewed clocks against it. */
const VAPID_LIFETIME_S = 12 * 3_600;

/** Seconds or an HTTP date (RFC 9110 §10.2.3), in milliseconds from now. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

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

/** A short body is read, so that the connection can be used again; the endpoint is a stranger's, and its body need not end. */
function boundAnswer(response: IncomingMessage): void {
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), ANSWER_BODY_MS);
  response
    .on('error', () => {})
    .on('close', () => clearTimeout(timer))
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > ANSWER_BODY_BYTES) response.destroy();
    });
}

type Call = {
  readonly url: URL;
  readonly headers: Record<string, string | number>;
  readonly body: Buffer;
  readonly mayCall: () => boolean;
};

export function createPushProvider(options: PushOptions): Provider {
  const {
    vapid,
    allowLoopback = false,
    window = 64,
    connectTimeoutMs = 10_000,
    answerTimeoutMs = 30_000,
  } = options;
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const flights = new Flights();
  const lookup = publicLookup(allowLoopback);
  const pool = { keepAlive: true, maxSockets: window, maxFreeSockets: window };
  const https = new HttpsAgent({ ...pool, lookup });
  const http = new HttpAgent({ ...pool, lookup });
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

  function post({ url, headers, body, mayCall }: Call): Promise<Outcome> {
    return new Promise((settle) => {
      const secure = url.protocol === 'https:';
      let flushed = false;
      let lost = false;
      let timer: NodeJS.Timeout | undefined;
      const request: ClientRequest = (secure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: secure ? https : http,
        headers,
      });
      function limit(ms: number): void {
        clearTimeout(timer);
        timer = setTimeout(
          () => request.destroy(Object.assign(new Error('time-out'), { code: 'ETIMEDOUT' })),
          ms,
        );
      }
      function go(): void {
        lost = !mayCall();
        if (lost) {
          request.destroy();
          return;
        }
        flushed = true;
        limit(answerTimeoutMs);
        request.end(body);
      }
      limit(connectTimeoutMs);
      request.on('socket', (socket) => {
        if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', go);
        else go();
      });
      request.on('response', (response: IncomingMessage) => {
        clearTimeout(timer);
        boundAnswer(response);
        const status = response.statusCode ?? 0;
        if (ACCEPTED.has(status))
          return settle({ kind: 'accepted', reference: response.headers.location ?? null });
        const wait = retryAfterMs(response.headers['retry-after'], clock.nowMs());
        return settle(judged(STATUSES, String(status), logger, 'push', wait));
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        const code = error.code ?? 'ESOCKET';
        if (lost) return settle(SESSION_LOST);
        return settle(flushed ? { kind: 'unknown', code } : judged(CONNECTING, code, logger, 'push'));
      });
    });
  }

  async function send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome> {
    if (delivery.content.channel !== 'push') return { kind: 'technical', code: 'content-mismatch' };
    const subscription = parseSubscription(delivery.address);
    if (!subscription) return { kind: 'permanent', code: 'subscription-invalid' };
    const url = allowedEndpoint(subscription.endpoint, allowLoopback);
    if (!url) return { kind: 'permanent', code: 'endpoint-refused' };
    const id = shortId(delivery.delivery as DeliveryId);
    const { title, body } = delivery.content;
    const receipt = options.receiptToken?.(delivery.delivery as DeliveryId, delivery.attempt);
    const payload = Buffer.from(
      JSON.stringify({ id, title, body, ...(receipt === undefined ? {} : { receipt }) }),
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
      'Content-Length': sealed.length,
      'Content-Type': 'application/octet-stream',
      TTL: Math.min(LONGEST_TTL_S, Math.max(0, left)),
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
      } catch (cause) {
        throw new AllimError('config-invalid', `VAPID settings: ${messageOf(cause)}`, { cause });
      }
    },
    async stop() {
      await flights.idle();
      https.destroy();
      http.destroy();
    },
    send: (delivery, mayCall) => flights.track(send(delivery, mayCall)),
  };
}
