/**
 * SMS over an HTTP gateway, by the small protocol of docs/sending.md. The delivery's id is our reference: the gateway drops a repetition of
 * it, and says what became of it when it is asked, so that a call without an answer need be neither lost nor doubled.
 */
import { type Clock, systemClock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import { isTextable } from '../../domain/kr/telephone.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { paced } from '../../domain/pace.ts';
import { Flights, judged, SESSION_LOST, type Verdict } from './calls.ts';
import {
  CONNECTING,
  createHttpCaller,
  type HttpAnswer,
  type HttpOutcome,
  retryAfterMs,
} from './http-call.ts';
import type { Outcome, OutgoingDelivery, Provider } from './provider.ts';

export type SmsHttpOptions = {
  /** https://user:password@host/path; http:// for a gateway on this machine. */
  readonly url: string;
  /** The registered sender number. */
  readonly source: string;
  readonly window?: number;
  readonly connectTimeoutMs?: number;
  readonly answerTimeoutMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
};

/** HTTP status → verdict, where the body says nothing more exact. */
const STATUSES: Readonly<Record<string, Verdict>> = {
  '301': 'technical',
  '302': 'technical',
  '307': 'technical',
  '308': 'technical',
  '400': 'technical',
  '401': 'technical',
  // Nothing is left on the account: a person pays, and it goes on.
  '402': 'temporary',
  '403': 'technical',
  '404': 'technical',
  '405': 'technical',
  '408': 'temporary',
  '413': 'technical',
  '415': 'technical',
  '422': 'technical',
  '425': 'temporary',
  '429': 'temporary',
  '503': 'temporary',
};
/** `code` of a refusal, and of a text that failed later → verdict. */
const CODES: Readonly<Record<string, Verdict>> = {
  'number-invalid': 'permanent',
  'number-unknown': 'permanent',
  'number-refuses': 'permanent',
  'number-unreachable': 'temporary',
  'carrier-unavailable': 'temporary',
  'sender-unknown': 'technical',
  'text-invalid': 'technical',
  'text-too-long': 'technical',
  expired: 'temporary',
};
/** Of these a proxy in front may say that it does not know how its question ended, and so may the gateway. */
const UNCLEAR = new Set([500, 502, 504]);
const ANSWER_BYTES = 16_384;
/** Of a text that the gateway knows: on its way or there; anything but `failed` is as good as accepted. */
const TAKEN = new Set(['accepted', 'sent', 'delivered']);

type Answer = {
  readonly reference: string | null;
  readonly id: string | null;
  readonly status: string | null;
  readonly code: string | null;
};

/** null for what is no JSON object. Texts of a stranger, so they are bounded. */
function parseAnswer(body: Buffer | null): Answer | null {
  if (body === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    // A proxy's page, say. Whoever asked goes by the status alone.
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const text = (name: string): string | null => {
    const found = (value as Record<string, unknown>)[name];
    return typeof found === 'string' && found.length <= 200 ? found : null;
  };
  return { reference: text('reference'), id: text('id'), status: text('status'), code: text('code') };
}

/** The address of the gateway without name and password, which travel as Basic authorization. */
function target(text: string): { readonly base: string; readonly authorization: string | null } {
  const url = URL.parse(text);
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.search !== '' || url.hash !== '')
    throw new AllimError('config-invalid', 'SMS_URL is not https://user:password@host/path');
  const name = decodeURIComponent(url.username);
  const password = decodeURIComponent(url.password);
  url.username = '';
  url.password = '';
  return {
    base: url.href.replace(/\/+$/, ''),
    authorization:
      name === '' ? null : `Basic ${Buffer.from(`${name}:${password}`, 'utf8').toString('base64')}`,
  };
}

export function createSmsHttpProvider(options: SmsHttpOptions): Provider {
  const { source, window = 64, connectTimeoutMs = paced(10_000), answerTimeoutMs = paced(30_000) } = options;
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const { base, authorization } = target(options.url);
  const flights = new Flights();
  const caller = createHttpCaller({ window, connectTimeoutMs, answerTimeoutMs, bodyBytes: ANSWER_BYTES });
  const common = {
    Accept: 'application/json',
    ...(authorization === null ? {} : { Authorization: authorization }),
  };

  function refused(answer: HttpAnswer, said: Answer | null): Outcome {
    const wait = retryAfterMs(answer.headers['retry-after'], clock.nowMs(), answer.headers.date);
    if (said?.code != null && Object.hasOwn(CODES, said.code))
      return judged(CODES, said.code, logger, 'sms', wait);
    return judged(STATUSES, String(answer.status), logger, 'sms', wait);
  }

  function failed(outcome: Exclude<HttpOutcome, HttpAnswer>, harmless: boolean): Outcome {
    if (outcome.kind === 'held') return SESSION_LOST;
    if (!outcome.flushed) return judged(CONNECTING, outcome.code, logger, 'sms');
    return { kind: harmless ? 'temporary' : 'unknown', code: outcome.code };
  }

  async function send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome> {
    const { content, address, delivery: reference } = delivery;
    if (content.channel !== 'sms') return { kind: 'technical', code: 'content-mismatch' };
    if (!isTextable(address)) return { kind: 'permanent', code: 'address-invalid' };
    const body = Buffer.from(
      JSON.stringify({
        reference,
        to: address,
        from: source,
        text: content.text,
        urgent: delivery.urgent,
        expiresAt: delivery.expiresAtMs === null ? null : new Date(delivery.expiresAtMs).toISOString(),
      }),
    );
    const headers = {
      ...common,
      'Content-Type': 'application/json',
      'Content-Length': String(body.length),
      'Idempotency-Key': reference,
    };
    const answer = await caller.call({ url: new URL(base), method: 'POST', headers, body, mayCall });
    if (answer.kind !== 'answered') return failed(answer, false);
    const said = parseAnswer(answer.body);
    if (answer.status >= 200 && answer.status < 300) {
      if (said?.reference === reference) return { kind: 'accepted', reference: said.id };
      // An answer to another request, or to none: it may have been taken, and is asked about.
      answer.distrust();
      return { kind: 'unknown', code: 'answer-foreign' };
    }
    if (UNCLEAR.has(answer.status) || answer.status > 504)
      return { kind: 'unknown', code: String(answer.status) };
    return refused(answer, said);
  }

  async function ask(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome | 'absent'> {
    const { delivery: reference } = delivery;
    const url = new URL(`${base}/${encodeURIComponent(reference)}`);
    const answer = await caller.call({ url, method: 'GET', headers: common, body: null, mayCall });
    if (answer.kind !== 'answered') return failed(answer, true);
    const said = parseAnswer(answer.body);
    if (answer.status >= 200 && answer.status < 300 && said?.reference === reference) {
      if (said.status !== null && TAKEN.has(said.status)) return { kind: 'accepted', reference: said.id };
      if (said.status === 'failed') return judged(CODES, said.code ?? 'failed', logger, 'sms');
    }
    // The status alone does not say it: a proxy that leads nowhere answers 404 too, and would have everything sent again.
    if (answer.status === 404 && said?.code === 'reference-unknown' && said.reference === reference)
      return 'absent';
    if (answer.status < 300 || said?.reference !== reference) answer.distrust();
    const wait = retryAfterMs(answer.headers['retry-after'], clock.nowMs(), answer.headers.date);
    // Whatever is wrong with asking, the text itself has not been refused by it.
    logger.warn({ provider: 'sms', status: answer.status }, 'the gateway does not say what became of a text');
    return { kind: 'temporary', code: 'ask-failed', ...(wait === undefined ? {} : { retryAfterMs: wait }) };
  }

  return {
    name: 'sms-http',
    channel: 'sms',
    window,
    repeats: 'asked',
    async start() {},
    async stop() {
      await flights.idle();
      caller.stop();
    },
    send: (delivery, mayCall) => flights.track(send(delivery, mayCall)),
    ask: (delivery, mayCall) => flights.track(ask(delivery, mayCall)),
  };
}
