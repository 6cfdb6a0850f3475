/**
 * Every route of the API with its permission. Those of `producers/` mount themselves: `POST /api/v1/events` (events) and
 * `PUT /api/v1/citizens/:id` (citizens), and those of imports-http.ts: `POST /api/v1/imports`, `GET /api/v1/imports/:id` and `…/errors`
 * (imports), `POST /api/v1/identity-links` (citizens).
 */
import type { FastifyInstance } from 'fastify';
import type { QuarantineParts } from '../../producers/quarantine.ts';
import { createAgencyPool } from '../../store/agency-pool.ts';
import * as administration from './administration.ts';
import * as audit from './audit.ts';
import * as authoring from './authoring.ts';
import type { CampaignLive } from './campaign-live.ts';
import * as campaigns from './campaigns.ts';
import * as deadLetters from './dead-letters.ts';
import * as drafting from './drafting.ts';
import { mountRoutes, type Route } from './endpoint.ts';
import { type Check, databaseCheck, healthz, readyz, restoreNote } from './health.ts';
import * as imports from './imports.ts';
import * as overview from './overview.ts';
import { producers } from './producers.ts';
import * as quarantine from './quarantine.ts';
import * as questions from './questions.ts';
import * as reading from './reading.ts';
import * as restore from './restore.ts';
import * as ruleSteps from './rule-steps.ts';
import * as rules from './rules.ts';
import * as simulations from './simulations.ts';
import { type StatusParts, status } from './status.ts';
import * as support from './support.ts';
import { approveTemplate, getTemplate, getTemplates, putTemplate } from './templates.ts';
import { today } from './today.ts';
import * as trial from './trial.ts';
import * as webhooks from './webhooks.ts';

export type ApiParts = StatusParts &
  rules.RuleParts &
  drafting.DraftingParts &
  questions.QuestionParts &
  administration.AdministrationParts &
  QuarantineParts &
  support.SupportParts &
  trial.TrialParts &
  webhooks.WebhookParts & {
    /** Beside the database: broker, queue, misplaced profiles. */
    readonly checks: readonly Check[];
    /** Campaigns as they go on, for all who look. */
    readonly live: CampaignLive;
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

export function apiRoutes(parts: ApiParts): readonly Route[] {
  return [...healthRoutes(parts), ...agencyRoutes(parts), ...staffRoutes(parts)];
}

/** What people at the console do, beside what agencies' systems may do as well. */
function staffRoutes(parts: ApiParts): readonly Route[] {
  const looks = support.createLooks(parts);
  return [
    ['GET', '/api/v1/health', 'operate', overview.getHealth(parts)],
    ['GET', '/api/v1/audit', 'audit', audit.getAudit(parts)],
    ['GET', '/api/v1/audit/verification', 'audit', audit.getVerification(parts)],
    ['GET', '/api/v1/support/notices/:code', 'support', support.getNotice(parts, looks)],
    ['POST', '/api/v1/support/lookups', 'support', support.postLookup(parts, looks)],
    ['POST', '/api/v1/support/explanations', 'support', support.postExplanation(parts, looks)],
  ];
}

const agencyRoutes = (parts: ApiParts): readonly Route[] => [
  ['GET', '/api/v1/status', 'read', status(parts)],
  ['GET', '/api/v1/today', 'read', today(parts)],
  ['GET', '/api/v1/citizens/:id/notifications', 'read', reading.inbox(parts.pool)],
  ['GET', '/api/v1/deliveries/ambiguous', 'read', reading.ambiguous(parts.pool)],
  ['GET', '/api/v1/imports', 'imports', imports.imports(parts.pool)],
  ['GET', '/api/v1/unresolved', 'read', imports.unresolved(parts.pool)],
  ['GET', '/api/v1/quarantine', 'read', reading.quarantine(parts.pool)],
  ['GET', '/api/v1/quarantine/:id', 'mend', quarantine.getQuarantined(parts)],
  ['POST', '/api/v1/quarantine/:id/retry', 'mend', quarantine.postRetry(parts)],
  ['POST', '/api/v1/quarantine/:id/drop', 'mend', quarantine.postDrop(parts)],
  ['GET', '/api/v1/dead-letters/:kind', 'read', deadLetters.getDeadLetters(parts)],
  ['GET', '/api/v1/dead-letters/:kind/counts', 'read', deadLetters.getDeadLetterCounts(parts)],
  ['POST', '/api/v1/dead-letters/:kind/redrive', 'mend', deadLetters.postRedrive(parts)],
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
  ['GET', '/api/v1/rules', 'read', rules.getRules(parts)],
  ['GET', '/api/v1/rules/:id', 'read', rules.getRule(parts)],
  ['GET', '/api/v1/rules/:id/versions/:v', 'read', rules.getVersion(parts)],
  ['PUT', '/api/v1/rules/:id/versions/:v', 'rules', rules.putVersion(parts)],
  ['POST', '/api/v1/rules/:id/versions/:v/request', 'rules', ruleSteps.requestApproval(parts)],
  ['POST', '/api/v1/rules/:id/versions/:v/approval', 'approve', ruleSteps.approveVersion(parts)],
  ['POST', '/api/v1/rules/:id/versions/:v/refusal', 'approve', ruleSteps.refuseVersion(parts)],
  ['POST', '/api/v1/rules/:id/versions/:v/publication', 'publish', ruleSteps.publishVersion(parts)],
  ['POST', '/api/v1/rules/:id/withdrawal', 'publish', ruleSteps.withdrawVersion(parts)],
  ['GET', '/api/v1/templates', 'read', getTemplates(parts)],
  ['GET', '/api/v1/templates/:name', 'read', getTemplate(parts)],
  ['GET', '/api/v1/rules/:id/audience', 'read', questions.audience(parts)],
  ['POST', '/api/v1/rules/preview', 'rules', questions.preview(parts)],
  ['POST', '/api/v1/rules/overlap', 'rules', questions.overlap(parts)],
  ['POST', '/api/v1/rules/difference', 'read', questions.difference(parts)],
  ['POST', '/api/v1/rules/simulation', 'rules', simulations.postSimulation(parts)],
  ['GET', '/api/v1/rules/simulation/:id', 'rules', simulations.getSimulation(parts)],
  ['GET', '/api/v1/citizens/:id/explanation', 'citizens', questions.explanation(parts)],
  ['PUT', '/api/v1/templates/:name', 'rules', putTemplate(parts)],
  ['POST', '/api/v1/templates/:name/versions/:v/approval', 'approve', approveTemplate(parts)],
  ['GET', '/api/v1/stops', 'read', administration.getStops(parts)],
  ['POST', '/api/v1/stops', 'operate', administration.postStop(parts)],
  ['PUT', '/api/v1/stops/:scope', 'operate', administration.putStop(parts)],
  ['DELETE', '/api/v1/stops/:scope', 'operate', administration.deleteStop(parts)],
  ['GET', '/api/v1/campaigns', 'read', campaigns.getCampaigns(parts)],
  ['GET', '/api/v1/campaigns/:id', 'read', campaigns.getCampaign(parts)],
  ['GET', '/api/v1/campaigns/:id/live', 'read', campaigns.getCampaignLive(parts)],
  ['POST', '/api/v1/campaigns/:id/pause', 'operate', campaigns.postPause(parts)],
  ['POST', '/api/v1/campaigns/:id/resume', 'operate', campaigns.postResume(parts)],
  ['POST', '/api/v1/campaigns/:id/cancel', 'operate', campaigns.postCancel(parts)],
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

export function mountApi(app: FastifyInstance, given: Omit<ApiParts, 'live'>): void {
  const pool = createAgencyPool(given.pool);
  const parts: ApiParts = { ...given, pool, live: campaigns.campaignLive(given) };
  // Streams never end by themselves, and a server that closes waits for them.
  app.addHook('preClose', async () => parts.live.stop());
  mountRoutes(app, apiRoutes(parts), parts);
}
