/**
 * Every route of the API with its permission. Those of `producers/` mount themselves: `POST /api/v1/events` (events) and
 * `PUT /api/v1/citizens/:id` (citizens), and those of imports-http.ts: `POST /api/v1/imports`, `GET /api/v1/imports/:id` and `…/errors`
 * (imports), `POST /api/v1/identity-links` (citizens).
 */
import type { FastifyInstance } from 'fastify';
import type { QuarantineParts } from '../../producers/quarantine.ts';
import * as administration from './administration.ts';
import * as authoring from './authoring.ts';
import * as campaigns from './campaigns.ts';
import * as deadLetters from './dead-letters.ts';
import * as drafting from './drafting.ts';
import { mountRoutes, type Route } from './endpoint.ts';
import { type Check, databaseCheck, healthz, readyz, restoreNote } from './health.ts';
import * as imports from './imports.ts';
import { producers } from './producers.ts';
import * as quarantine from './quarantine.ts';
import * as reading from './reading.ts';
import * as restore from './restore.ts';
import { type StatusParts, status } from './status.ts';
import { approveTemplate, putTemplate } from './templates.ts';
import { today } from './today.ts';
import * as trial from './trial.ts';
import * as webhooks from './webhooks.ts';

export type ApiParts = StatusParts &
  authoring.AuthoringParts &
  drafting.DraftingParts &
  administration.AdministrationParts &
  QuarantineParts &
  trial.TrialParts &
  webhooks.WebhookParts & {
    /** Beside the database: broker, queue, misplaced profiles. */
    readonly checks: readonly Check[];
    /** The field catalogue as it is shown. */
    readonly fields: () => unknown;
  };

/** What every role that serves HTTP has. */
export const healthRoutes = (parts: Pick<ApiParts, 'pool' | 'checks' | 'logger'>): readonly Route[] => [
  ['GET', '/healthz', 'public', healthz()],
  [
    'GET',
    '/readyz',
    'public',
    readyz([databaseCheck(parts.pool), ...parts.checks], parts.logger, [restoreNote(parts.pool)]),
  ],
];

export const apiRoutes = (parts: ApiParts): readonly Route[] => [
  ...healthRoutes(parts),
  ['GET', '/api/v1/status', 'read', status(parts)],
  ['GET', '/api/v1/today', 'read', today(parts)],
  ['GET', '/api/v1/citizens/:id/notifications', 'read', reading.inbox(parts.pool)],
  ['GET', '/api/v1/deliveries/ambiguous', 'read', reading.ambiguous(parts.pool)],
  ['GET', '/api/v1/imports', 'imports', imports.imports(parts.pool)],
  ['GET', '/api/v1/unresolved', 'read', imports.unresolved(parts.pool)],
  ['GET', '/api/v1/quarantine', 'read', reading.quarantine(parts.pool)],
  ['GET', '/api/v1/quarantine/:id', 'events', quarantine.getQuarantined(parts)],
  ['POST', '/api/v1/quarantine/:id/retry', 'events', quarantine.postRetry(parts)],
  ['POST', '/api/v1/quarantine/:id/drop', 'events', quarantine.postDrop(parts)],
  ['GET', '/api/v1/dead-letters/:kind', 'read', deadLetters.getDeadLetters(parts)],
  ['GET', '/api/v1/dead-letters/:kind/counts', 'read', deadLetters.getDeadLetterCounts(parts)],
  ['POST', '/api/v1/dead-letters/:kind/redrive', 'events', deadLetters.postRedrive(parts)],
  ['GET', '/api/v1/redrives', 'read', deadLetters.getRedrives(parts)],
  ['GET', '/api/v1/producers', 'read', producers(parts.pool)],
  ['GET', '/api/v1/fields', 'read', reading.fields(parts.fields)],
  ['GET', '/api/v1/locales', 'read', reading.locales(parts.pool, parts.catalogue)],
  ['GET', '/api/v1/event-types', 'read', reading.eventTypes(parts.catalogue)],
  ['PUT', '/api/v1/event-types/:type', 'rules', authoring.putEventType(parts)],
  ['GET', '/api/v1/rules/schema', 'read', authoring.ruleSchema()],
  ['POST', '/api/v1/rules', 'rules', authoring.postRule(parts)],
  ['POST', '/api/v1/rules/check', 'read', drafting.checkDraft(parts)],
  ['POST', '/api/v1/rules/timeline', 'read', drafting.timelineOfDraft(parts)],
  ['POST', '/api/v1/rules/previews', 'read', drafting.previewsOfDraft(parts)],
  ['POST', '/api/v1/rules/:id/versions/:v/approval', 'rules', authoring.approveVersion(parts)],
  ['POST', '/api/v1/rules/:id/versions/:v/publication', 'rules', authoring.publishVersion(parts)],
  ['PUT', '/api/v1/templates/:name', 'rules', putTemplate(parts)],
  ['POST', '/api/v1/templates/:name/versions/:v/approval', 'rules', approveTemplate(parts)],
  ['GET', '/api/v1/stops', 'read', administration.getStops(parts)],
  ['POST', '/api/v1/stops', 'rules', administration.postStop(parts)],
  ['PUT', '/api/v1/stops/:scope', 'rules', administration.putStop(parts)],
  ['DELETE', '/api/v1/stops/:scope', 'rules', administration.deleteStop(parts)],
  ['GET', '/api/v1/campaigns', 'read', campaigns.getCampaigns(parts)],
  ['POST', '/api/v1/campaigns/:id/cancel', 'rules', campaigns.postCancel(parts)],
  ['GET', '/api/v1/restore', 'administrator', restore.getRestore(parts)],
  ['POST', '/api/v1/restore/decisions', 'administrator', restore.postRestoreDecision(parts)],
  ['PUT', '/api/v1/agencies/:id', 'administrator', administration.putAgency(parts)],
  ['POST', '/api/v1/agencies/:id/keys', 'administrator', administration.postKey(parts)],
  ['DELETE', '/api/v1/agencies/:id/keys/:name', 'administrator', administration.deleteKey(parts)],
  ['GET', '/api/v1/agencies/:id/trial', 'read', trial.getTrial(parts)],
  ['PUT', '/api/v1/agencies/:id/trial', 'administrator', trial.putTrial(parts)],
  ['POST', '/api/v1/agencies/:id/trial/recipients', 'citizens', trial.postTrialRecipients(parts)],
  ['DELETE', '/api/v1/agencies/:id/trial/recipients/:key', 'citizens', trial.deleteTrialRecipient(parts)],
  ['GET', '/api/v1/agencies/:id/trial/sends', 'read', trial.getTrialSends(parts)],
  ['GET', '/api/v1/agencies/:id/status-topic', 'webhooks', webhooks.getStatusTopic(parts)],
  ['PUT', '/api/v1/agencies/:id/status-topic', 'webhooks', webhooks.putStatusTopic(parts)],
  ['DELETE', '/api/v1/agencies/:id/status-topic', 'webhooks', webhooks.deleteStatusTopic(parts)],
  ['GET', '/api/v1/webhooks', 'webhooks', webhooks.getWebhooks(parts)],
  ['POST', '/api/v1/webhooks', 'webhooks', webhooks.postWebhook(parts)],
  ['GET', '/api/v1/webhooks/:id', 'webhooks', webhooks.getWebhook(parts)],
  ['DELETE', '/api/v1/webhooks/:id', 'webhooks', webhooks.removeWebhook(parts)],
  ['POST', '/api/v1/webhooks/:id/secret', 'webhooks', webhooks.postSecret(parts)],
  ['POST', '/api/v1/webhooks/:id/handshake', 'webhooks', webhooks.postHandshake(parts)],
  ['POST', '/api/v1/webhooks/:id/redelivery', 'webhooks', webhooks.postRedelivery(parts)],
];

export function mountApi(app: FastifyInstance, parts: ApiParts): void {
  mountRoutes(app, apiRoutes(parts));
}
