/**
 * Calls agencies' webhooks: the handshake first, then what is due, in order, one call a webhook at a time. Signed as Standard Webhooks has it.
 * At least once: a receiver knows a repeated call by `webhook-id` and a repeated report by its id. A webhook that fails is left alone for
 * longer and longer; what is a day old is then given up and shown. Bounded in all and for each agency, and agencies take turns.
 */
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import { randomId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { SqlPool } from '../domain/sql.ts';
import { webhookHeaders } from '../domain/webhook-signature.ts';
import {
  callFailed,
  callSucceeded,
  type DueWebhook,
  disableWebhook,
  leaseWebhooks,
  takeCall,
} from '../store/webhooks.ts';
import { type Answer, type CallOptions, callWebhook } from './webhook-call.ts';

export type WebhooksParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly chance: () => number;
  readonly call: CallOptions;
  /** A call has ended: look again. */
  readonly wake: () => void;
};

const CALLS = 32;
/** Of one agency: one whose webhooks all hang does not take the places of the others. */
const CALLS_AN_AGENCY = 4;
/** A call takes five seconds; whoever holds it longer is gone. */
const LEASE_MS = 30_000;
const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 6 * 3_600_000;
const GIVE_UP_MS = 24 * 3_600_000;
const CALL_REPORTS = 500;
const CALL_BYTES = 256 * 1_024;

/** 5 s, tripled at every failure up to 6 h, of which between half and all. `chance` in [0, 1). */
export function retryAfterMs(failures: number, chance: number): number {
  const longest = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 3 ** (failures - 1));
  return Math.round((longest * (1 + chance)) / 2);
}

export type Webhooks = {
  /** One round: begins what may be called now. Always false: whoever ends wakes. */
  run(): Promise<boolean>;
  /** Resolves when no call is under way. */
  settled(): Promise<void>;
};

export function createWebhooks(parts: WebhooksParts): Webhooks {
  const { pool, sealer, clock, logger } = parts;
  const flights = new Map<Promise<void>, string>();

  async function post(
    webhook: DueWebhook,
    id: string,
    type: string,
    data: object,
    wantBody: boolean,
  ): Promise<Answer> {
    const nowMs = clock.nowMs();
    const body = JSON.stringify({ type, timestamp: new Date(nowMs).toISOString(), data });
    return callWebhook(webhook.url, webhookHeaders(webhook.secrets, id, nowMs, body), body, {
      ...parts.call,
      wantBody,
    });
  }

  /** It says our challenge back: only who reads what is sent there can, so nobody has somebody else called. */
  async function shakeHands(webhook: DueWebhook): Promise<Answer> {
    const challenge = randomId();
    const answer = await post(webhook, randomId(), 'webhook.handshake', { challenge }, true);
    if (answer.kind !== 'ok') return answer;
    try {
      const said = JSON.parse(answer.body) as { challenge?: unknown } | null;
      if (said?.challenge === challenge) return answer;
    } catch {
      // Not JSON: said below.
    }
    return { kind: 'failed', code: 'challenge-not-echoed' };
  }

  async function serve(webhook: DueWebhook): Promise<void> {
    const isNew = webhook.state === 'new';
    const call = isNew ? null : await takeCall(pool, webhook.id, CALL_REPORTS, CALL_BYTES);
    // Given up or taken back since it was leased: the lease runs out by itself.
    if (call === undefined) return;
    const answer =
      call === null
        ? await shakeHands(webhook)
        : await post(
            webhook,
            call.id,
            'notification.status',
            { agency: webhook.agency, reports: call.reports },
            false,
          );
    const nowMs = clock.nowMs();
    if (answer.kind === 'ok') {
      await callSucceeded(pool, webhook, call?.number ?? null, nowMs);
      return;
    }
    const ids = { webhook: webhook.id, agency: webhook.agency };
    const code = answer.kind === 'gone' ? 'http-410' : answer.code;
    const since = webhook.failingSince?.getTime() ?? nowMs;
    if (answer.kind === 'gone' || (isNew && since <= nowMs - GIVE_UP_MS)) {
      logger.warn({ ...ids, code }, 'a webhook is disabled');
      await disableWebhook(pool, webhook, code, nowMs);
      return;
    }
    const nextMs = nowMs + retryAfterMs(webhook.failures + 1, parts.chance());
    const givenUp = await callFailed(pool, webhook, code, nextMs, nowMs - GIVE_UP_MS, nowMs);
    logger.info({ ...ids, code, failures: webhook.failures + 1, givenUp }, 'a webhook failed');
  }

  return {
    async run() {
      const room = CALLS - flights.size;
      if (room <= 0) return false;
      const underWay = new Map<string, number>();
      for (const agency of flights.values()) underWay.set(agency, (underWay.get(agency) ?? 0) + 1);
      const nowMs = clock.nowMs();
      const leased = await leaseWebhooks(
        pool,
        sealer,
        underWay,
        CALLS_AN_AGENCY,
        room,
        nowMs,
        nowMs + LEASE_MS,
      );
      for (const webhook of leased) {
        const flight = serve(webhook)
          .catch((error: unknown) =>
            logger.warn({ webhook: webhook.id, err: messageOf(error) }, 'a webhook could not be served'),
          )
          .finally(() => {
            flights.delete(flight);
            parts.wake();
          });
        flights.set(flight, webhook.agency);
      }
      return false;
    },
    async settled() {
      while (flights.size > 0) await Promise.all(flights.keys());
    },
  };
}
