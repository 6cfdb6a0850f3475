/** What agencies get back: their webhooks, and whether they have a topic. A secret stands in one answer and nowhere else. */
import { Type } from 'typebox';
import type { Clock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import { randomId, type WebhookId } from '../../domain/ids.ts';
import type { Logger } from '../../domain/logger.ts';
import { allowedEndpoint } from '../../domain/public-endpoint.ts';
import { statusTopicOf } from '../../domain/records.ts';
import type { Sealer } from '../../domain/sealing.ts';
import { type SqlPool, transaction } from '../../domain/sql.ts';
import { newWebhookSecret } from '../../domain/webhook-signature.ts';
import { needAgency } from '../../producers/credential.ts';
import { setSubscription, TOPIC_TARGET, targetsOf } from '../../store/reports.ts';
import {
  deleteWebhook,
  insertWebhook,
  listWebhooks,
  redeliver,
  restartWebhook,
  rotateSecret,
} from '../../store/webhooks.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';

export type WebhookParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** http on loopback is admitted: for tests and demonstrations. */
  readonly webhookLoopback: boolean;
  /** Makes a topic, or in production checks that it is there. Throws `topic-invalid`. */
  readonly prepareTopic: (topic: string) => Promise<void>;
};

const strict = { additionalProperties: false } as const;
const WebhookParams = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
});
const AgencyId = Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' });
/** Of one agency. */
const WEBHOOKS = 10;
const KEEP_HOURS = 24;

function unknown(id: string): AllimError {
  return new AllimError('not-found', 'there is no such webhook', { ids: { webhook: id } });
}

export const postWebhook = ({ pool, sealer, clock, logger, webhookLoopback }: WebhookParts): Endpoint =>
  endpoint({
    action: 'webhook.made',
    body: Type.Object(
      { url: Type.String({ minLength: 1, maxLength: 2_000 }), agency: Type.Optional(AgencyId) },
      strict,
    ),
    answer: async ({ body, caller }) => {
      const agency = body.agency ?? caller().agency;
      if (agency === null) throw invalid('/agency', 'is missing: say whose webhook it is');
      needAgency(caller(), agency);
      if (allowedEndpoint(body.url, webhookLoopback) === null)
        throw invalid(
          '/url',
          'must be an https URL of a public address, without a user name or password in it',
        );
      const webhook = { id: randomId<WebhookId>(), agency, url: body.url, secret: newWebhookSecret() };
      const outcome = await transaction(pool, (sql) =>
        insertWebhook(sql, sealer, webhook, WEBHOOKS, clock.nowMs()),
      );
      if (outcome === 'agency-unknown')
        throw new AllimError('agency-unknown', `no agency ${agency} is known`, { ids: { agency } });
      if (outcome === 'too-many')
        throw invalid('/agency', `has ${WEBHOOKS} webhooks already; delete one first`);
      logger.info({ caller: caller().id, agency, webhook: webhook.id }, 'webhook added');
      return { status: 201, body: { ...webhook, state: 'new' } };
    },
  });

export const getWebhooks = ({ pool }: WebhookParts): Endpoint =>
  endpoint({ answer: async ({ caller }) => ok({ webhooks: await listWebhooks(pool, caller().agency) }) });

export const getWebhook = ({ pool }: WebhookParts): Endpoint =>
  endpoint({
    params: WebhookParams,
    answer: async ({ params, caller }) => {
      const [webhook] = await listWebhooks(pool, caller().agency, params.id);
      if (webhook === undefined) throw unknown(params.id);
      return ok(webhook);
    },
  });

export const removeWebhook = ({ pool, logger }: WebhookParts): Endpoint =>
  endpoint({
    action: 'webhook.removed',
    params: WebhookParams,
    answer: async ({ params, caller }) => {
      if (!(await deleteWebhook(pool, params.id, caller().agency))) throw unknown(params.id);
      logger.info({ caller: caller().id, webhook: params.id }, 'webhook deleted');
      return { status: 204 };
    },
  });

/** A new secret; calls are signed with both until the old one ends. */
export const postSecret = ({ pool, sealer, clock, logger }: WebhookParts): Endpoint =>
  endpoint({
    action: 'webhook.secret-replaced',
    params: WebhookParams,
    body: Type.Object(
      { keepPreviousHours: Type.Optional(Type.Integer({ minimum: 0, maximum: 168 })) },
      strict,
    ),
    answer: async ({ params, body, caller }) => {
      const secret = newWebhookSecret();
      const until = clock.nowMs() + (body.keepPreviousHours ?? KEEP_HOURS) * 3_600_000;
      if (!(await rotateSecret(pool, sealer, params.id, caller().agency, secret, until)))
        throw unknown(params.id);
      logger.info({ caller: caller().id, webhook: params.id }, 'webhook secret replaced');
      return {
        status: 201,
        body: { id: params.id, secret, previousSecretUntil: new Date(until).toISOString() },
      };
    },
  });

/** The handshake anew: at once, and after a webhook was disabled. */
export const postHandshake = ({ pool, clock, logger }: WebhookParts): Endpoint =>
  endpoint({
    action: 'webhook.handshake',
    params: WebhookParams,
    answer: async ({ params, caller }) => {
      if (!(await restartWebhook(pool, params.id, caller().agency, clock.nowMs()))) throw unknown(params.id);
      logger.info({ caller: caller().id, webhook: params.id }, 'webhook handshake asked for');
      return { status: 202, body: { id: params.id, state: 'new' } };
    },
  });

/** What was given up is called again. */
export const postRedelivery = ({ pool, clock, logger }: WebhookParts): Endpoint =>
  endpoint({
    action: 'webhook.redelivered',
    params: WebhookParams,
    answer: async ({ params, caller }) => {
      const reports = await redeliver(pool, params.id, caller().agency, clock.nowMs());
      if (reports === undefined) throw unknown(params.id);
      logger.info({ caller: caller().id, webhook: params.id, reports }, 'webhook redelivery asked for');
      return { status: 202, body: { id: params.id, reports } };
    },
  });

const AgencyParams = Type.Object({ id: AgencyId });

export const getStatusTopic = ({ pool }: WebhookParts): Endpoint =>
  endpoint({
    params: AgencyParams,
    answer: async ({ params, caller }) => {
      needAgency(caller(), params.id);
      const on = (await targetsOf(pool, params.id)).includes(TOPIC_TARGET);
      return ok({ agency: params.id, topic: on ? statusTopicOf(params.id) : null });
    },
  });

export const putStatusTopic = ({ pool, logger, prepareTopic }: WebhookParts): Endpoint =>
  endpoint({
    action: 'status-topic.on',
    params: AgencyParams,
    answer: async ({ params, caller }) => {
      needAgency(caller(), params.id);
      const topic = statusTopicOf(params.id);
      const { rows } = await pool.query('SELECT 1 FROM agencies WHERE id = $1', [params.id]);
      if (rows.length === 0)
        throw new AllimError('agency-unknown', `no agency ${params.id} is known`, {
          ids: { agency: params.id },
        });
      await prepareTopic(topic);
      await setSubscription(pool, params.id, TOPIC_TARGET, true);
      logger.info({ caller: caller().id, agency: params.id, topic }, 'status topic switched on');
      return ok({ agency: params.id, topic });
    },
  });

/** What is in the topic stays there. */
export const deleteStatusTopic = ({ pool, logger }: WebhookParts): Endpoint =>
  endpoint({
    action: 'status-topic.off',
    params: AgencyParams,
    answer: async ({ params, caller }) => {
      needAgency(caller(), params.id);
      await setSubscription(pool, params.id, TOPIC_TARGET, false);
      logger.info({ caller: caller().id, agency: params.id }, 'status topic switched off');
      return { status: 204 };
    },
  });
