/**
 * Receipts over HTTP: `POST /receipts/sms` (an HTTP gateway, signed as Standard Webhooks has it), `/receipts/push` (the service worker, by the
 * token inside the message) and `/receipts/email` (bounces, from the mail system that got them). Each answers 2xx when the receipt is stored
 * or was before, and never says whether there is such a delivery. What is not authentic is counted and has no effect.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Clock } from '../../domain/clock.ts';
import { createCombine } from '../../domain/combine.ts';
import { AllimError } from '../../domain/errors.ts';
import type { DeliveryId } from '../../domain/ids.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Metrics } from '../../domain/metrics.ts';
import { readableCode } from '../../domain/provider-codes.ts';
import type { NewReceipt, ReceiptSource, ReceiptVerdict } from '../../domain/receipt.ts';
import { createReceiptTokens } from '../../domain/receipt-tokens.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { isTransient } from '../../domain/transient.ts';
import { verifiedWebhook } from '../../domain/webhook-signature.ts';
import { decodeJson } from '../../producers/json-body.ts';
import { saveReceipts } from '../../store/receipts.ts';
import { readBounce, recipientsOf } from './bounce.ts';

export type ReceiptsOverHttp = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** `whsec_…` that the SMS gateway signs with; null: there is none, and the path refuses. */
  readonly smsSecret: string | null;
  /** What the mail system shows; null: none does. */
  readonly bounceToken: string | null;
};

const PUSH_BYTES = 1_024;
const SMS_BYTES = 262_144;
/** A bounce may hold the whole mail that it is of. */
const EMAIL_BYTES = 10 * 1_048_576;
const MAX_RECEIPTS = 500;
const RECEIPTS_A_STATEMENT = 500;

const UUID = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
const strict = { additionalProperties: false } as const;
const PushBody = Type.Object(
  { id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }), receipt: Type.String({ maxLength: 64 }) },
  strict,
);
const SMS_STATUSES = ['delivered', 'undeliverable', 'rejected', 'expired', 'enroute'] as const;
const SmsBody = Type.Object({
  receipts: Type.Array(
    Type.Object({
      /** The delivery's id, as it was given to the gateway. */
      reference: Type.String({ pattern: UUID }),
      status: Type.Union(SMS_STATUSES.map((status) => Type.Literal(status))),
      code: Type.Optional(Type.String({ maxLength: 64 })),
      /** The number does not exist, or has been given back. */
      numberDead: Type.Optional(Type.Boolean()),
    }),
    { minItems: 1, maxItems: MAX_RECEIPTS },
  ),
});
const VERDICTS: Readonly<Record<(typeof SMS_STATUSES)[number], ReceiptVerdict>> = {
  delivered: 'delivered',
  undeliverable: 'permanent',
  rejected: 'permanent',
  expired: 'temporary',
  enroute: 'none',
};

const nothing = { reference: null, address: null, words: null, addressDead: false } as const;

/** A uuid from its 22 base64url characters. */
function fullId(short: string): DeliveryId {
  const hex = Buffer.from(short, 'base64url').toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as DeliveryId;
}

function parsed<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export const receiptsOverHttp: FastifyPluginAsync<ReceiptsOverHttp> = async (app, parts) => {
  const { pool, sealer, clock, metrics } = parts;
  const logger = parts.logger.child({ part: 'receipts' });
  const tokens = createReceiptTokens(sealer);

  // As bytes: a signature is over what came, not over what it means.
  app.removeAllContentTypeParsers();
  for (const type of ['application/json', 'message/rfc822'])
    app.addContentTypeParser(type, { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) => body);

  /** By source: what comes while some are written goes together in the next statement, for a campaign's receipts come all at once. */
  const writers = new Map<ReceiptSource, (receipts: readonly NewReceipt[]) => Promise<void>>();

  function store(source: ReceiptSource, receipts: readonly NewReceipt[]): Promise<void> {
    let write = writers.get(source);
    if (write === undefined) {
      write = createCombine<readonly NewReceipt[]>({
        width: 1,
        limit: RECEIPTS_A_STATEMENT,
        weight: (some) => some.length,
        redo: (error) => !isTransient(error),
        async run(several) {
          const all = several.flat();
          const fresh = await saveReceipts(pool, sealer, all, clock.nowMs());
          metrics?.add('receipts', { source, outcome: 'new' }, fresh);
          metrics?.add('receipts', { source, outcome: 'known' }, all.length - fresh);
        },
      });
      writers.set(source, write);
    }
    return write(receipts);
  }

  function forged(source: ReceiptSource, why: string): AllimError {
    metrics?.add('receipts', { source, outcome: 'forged' });
    logger.warn({ source }, 'a receipt that is not authentic was refused');
    return new AllimError('unauthorized', why);
  }

  function malformed(source: ReceiptSource, why: string): AllimError {
    metrics?.add('receipts', { source, outcome: 'malformed' });
    return new AllimError('request-malformed', why);
  }

  function bodyOf(request: FastifyRequest, source: ReceiptSource): Buffer {
    if (!Buffer.isBuffer(request.body)) throw malformed(source, 'a body is needed');
    return request.body;
  }

  app.post(
    '/receipts/push',
    { config: { permission: 'public' }, bodyLimit: PUSH_BYTES },
    async (request, reply) => {
      const body = bodyOf(request, 'push');
      const said = parsed(() => decodeJson(body));
      if (!Value.Check(PushBody, said))
        throw malformed('push', 'the body is { "id": …, "receipt": … } of the message that was shown');
      const delivery = fullId(said.id);
      const attempt = tokens.readPush(delivery, said.receipt);
      if (attempt === null) throw forged('push', 'the token is not of this message');
      const key = `${delivery}/shown`;
      await store('push', [
        { ...nothing, source: 'push', key, delivery, attempt, verdict: 'delivered', code: null },
      ]);
      return reply.code(204).send();
    },
  );

  app.post(
    '/receipts/sms',
    { config: { permission: 'public' }, bodyLimit: SMS_BYTES },
    async (request, reply) => {
      const body = bodyOf(request, 'sms');
      const id =
        parts.smsSecret === null
          ? null
          : verifiedWebhook(parts.smsSecret, request.headers, body, clock.nowMs());
      if (id === null)
        throw forged('sms', 'the signature is wrong, or its time is more than five minutes away');
      const said = parsed(() => decodeJson(body));
      if (!Value.Check(SmsBody, said))
        throw malformed(
          'sms',
          `the body is { "receipts": [ { "reference": …, "status": … } ] }, ${MAX_RECEIPTS} at most`,
        );
      const receipts = (said as Static<typeof SmsBody>).receipts.map(
        (one, index): NewReceipt => ({
          ...nothing,
          source: 'sms',
          key: `${id}/${index}`,
          delivery: one.reference as DeliveryId,
          attempt: null,
          verdict: VERDICTS[one.status],
          code: one.code === undefined ? one.status : readableCode(one.code),
          addressDead: one.numberDead === true && VERDICTS[one.status] === 'permanent',
        }),
      );
      await store('sms', receipts);
      return reply.code(204).send();
    },
  );

  app.post(
    '/receipts/email',
    { config: { permission: 'public' }, bodyLimit: EMAIL_BYTES },
    async (request, reply) => {
      if (!isBearer(request.headers.authorization, parts.bounceToken)) {
        reply.header('www-authenticate', 'Bearer');
        throw forged('email', 'the mail system’s token is needed: Authorization: Bearer …');
      }
      const mail = bodyOf(request, 'email');
      const recipients = [...headerRecipient(request), ...recipientsOf(mail)];
      const spoken = recipients.map((local) => tokens.readBounce(local)).find((one) => one !== null);
      // Not told to the mail system as a fault: it would try again for days.
      if (spoken === undefined) {
        metrics?.add('receipts', { source: 'email', outcome: 'forged' });
        return reply.code(202).send({ taken: false, reason: 'recipient-foreign' });
      }
      const bounce = readBounce(mail);
      if (bounce === null) {
        metrics?.add('receipts', { source: 'email', outcome: 'malformed' });
        return reply.code(202).send({ taken: false, reason: 'not-a-delivery-report' });
      }
      const { messageId, ...said } = bounce;
      const key = `${spoken.delivery}/${messageId ?? createHash('sha256').update(mail).digest('hex')}`;
      await store('email', [{ ...nothing, ...said, source: 'email', key, ...spoken }]);
      return reply.code(202).send({ taken: true });
    },
  );
};

/** Whom the envelope named, where the mail system says it beside the mail. */
function headerRecipient(request: FastifyRequest): string[] {
  const given = request.headers['x-envelope-to'];
  return typeof given === 'string' ? [given.replace(/^<|>$/g, '').split('@')[0] ?? ''] : [];
}

function isBearer(header: string | undefined, token: string | null): boolean {
  const [, given] = /^Bearer +(\S+) *$/i.exec(header ?? '') ?? [];
  if (given === undefined || token === null) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
