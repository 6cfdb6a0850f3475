/**
 * Campaigns: which there are, one as it goes on, and what staff do about it. A stop of the campaign is the pause; cancelling is for good. With
 * `dryRun` an action changes nothing and says what it would do now.
 */
import { Type } from 'typebox';
import { AllimError, messageOf } from '../../domain/errors.ts';
import { transaction } from '../../domain/sql.ts';
import { type Credential, isOwn, needAgency, seesSmallCounts } from '../../producers/credential.ts';
import {
  CAMPAIGN_STATES,
  type CampaignListState,
  cancelCampaign,
  listCampaigns,
} from '../../store/cancellations.ts';
import { noSuchCampaign, removeStop, saveStop } from '../../store/stops.ts';
import { type AdministrationParts, ownScope, stopperOf } from './administration.ts';
import { type CampaignLive, createCampaignLive } from './campaign-live.ts';
import { actionsOf, type CampaignCounts, countCampaign, shownCampaign } from './campaign-view.ts';
import { type Answer, type Endpoint, endpoint, ok, streamEndpoint } from './endpoint.ts';
import { asAgencyOf } from './own-agency.ts';
import { PageQuery, pageOf, readPage } from './paging.ts';
import { people } from './shown-people.ts';

const strict = { additionalProperties: false } as const;
const CampaignParams = Type.Object({
  id: Type.String({ pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
});
const Action = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 200 }), dryRun: Type.Optional(Type.Boolean()) },
  strict,
);

export const getCampaigns = ({ pool, catalogue }: AdministrationParts): Endpoint =>
  endpoint({
    query: Type.Object(
      {
        ...PageQuery.properties,
        state: Type.Optional(Type.Unsafe<CampaignListState>({ type: 'string', enum: [...CAMPAIGN_STATES] })),
        rule: Type.Optional(Type.String({ maxLength: 64 })),
        agency: Type.Optional(Type.String({ maxLength: 32 })),
      },
      strict,
    ),
    answer: async ({ query, caller }) => {
      if (query.agency !== undefined) needAgency(caller(), query.agency);
      const { limit, after } = readPage(query);
      const filter = {
        agency: caller().agency ?? query.agency ?? null,
        state: query.state ?? null,
        rule: query.rule ?? null,
      };
      const found = pageOf(await listCampaigns(pool, filter, after, limit + 1), limit);
      const { rules } = catalogue.current();
      const exact = seesSmallCounts(caller());
      return ok({
        campaigns: found.rows.map(({ id: _, at: __, planned, ...row }) => ({
          ...row,
          title: rules.get(row.rule)?.rule.title ?? null,
          planned: people(planned, exact),
        })),
        next: found.next,
      });
    },
  });

async function needCampaign(
  { pool, catalogue, clock }: AdministrationParts,
  caller: Credential,
  id: string,
): Promise<CampaignCounts> {
  const counts = await countCampaign(pool, catalogue, id, clock.nowMs());
  // Of another agency's not even that it exists.
  if (counts === undefined || !isOwn(caller, counts.head.agency)) throw noSuchCampaign(id);
  return counts;
}

export const getCampaign = (parts: AdministrationParts): Endpoint =>
  endpoint({
    params: CampaignParams,
    answer: async ({ params, caller }) =>
      ok(shownCampaign(await needCampaign(parts, caller(), params.id), seesSmallCounts(caller()))),
  });

/** One for all who look; the server ends it before it closes. */
export function campaignLive(parts: AdministrationParts): CampaignLive {
  return createCampaignLive({
    count: (id) => countCampaign(parts.pool, parts.catalogue, id, parts.clock.nowMs()),
    failed: (error) => parts.logger.warn({ err: messageOf(error) }, 'a campaign could not be counted'),
  });
}

export const getCampaignLive = (parts: AdministrationParts & { readonly live: CampaignLive }): Endpoint =>
  streamEndpoint({
    params: CampaignParams,
    async stream({ params, caller, stillAllowed }, open) {
      const { head } = await needCampaign(parts, caller(), params.id);
      const response = open();
      const viewer = { exact: seesSmallCounts(caller()), mayLook: stillAllowed };
      if (!parts.live.add(head.id, response, viewer)) response.end('event: end\ndata: {"reason":"full"}\n\n');
    },
  });

/** What the action would do now; the answer of a dry run. */
async function wouldDo(
  parts: AdministrationParts,
  caller: Credential,
  id: string,
  action: 'pause' | 'resume' | 'cancel',
): Promise<Answer> {
  const counts = await asAgencyOf(caller, () => needCampaign(parts, caller, id));
  const would = actionsOf(counts, seesSmallCounts(caller))[action];
  return { ...ok({ campaign: id, dryRun: true, would }), nothing: true };
}

export const postPause = (parts: AdministrationParts): Endpoint =>
  endpoint({
    params: CampaignParams,
    body: Action,
    action: 'campaign.paused',
    answer: async ({ params: { id }, body, caller, audit }) => {
      if (body.dryRun === true) return wouldDo(parts, caller(), id, 'pause');
      const scope = `campaign:${id}`;
      const agency = await ownScope(parts.pool, caller(), scope);
      const fresh = await transaction(parts.pool, async (sql) => {
        const made = await saveStop(sql, {
          scope,
          agency,
          reason: body.reason,
          createdBy: stopperOf(caller()),
        });
        await audit(sql, { agency, details: { fresh: made } });
        return made;
      });
      parts.logger.warn({ caller: caller().id, scope }, 'sending stopped');
      return ok({ campaign: id, dryRun: false, state: 'paused', fresh });
    },
  });

export const postResume = (parts: AdministrationParts): Endpoint =>
  endpoint({
    params: CampaignParams,
    body: Action,
    action: 'campaign.resumed',
    answer: async ({ params: { id }, body, caller, audit }) => {
      if (body.dryRun === true) return wouldDo(parts, caller(), id, 'resume');
      const scope = `campaign:${id}`;
      const agency = await ownScope(parts.pool, caller(), scope);
      const outcome = await transaction(parts.pool, async (sql) => {
        const removed = await removeStop(sql, scope, caller().agency);
        if (removed === 'removed') await audit(sql, { agency });
        return removed;
      });
      if (outcome === 'kept')
        throw new AllimError('forbidden', 'what the administrator stopped, the administrator resumes');
      if (outcome !== 'removed')
        throw new AllimError('not-found', 'the campaign is not paused', { ids: { campaign: id } });
      parts.logger.warn({ caller: caller().id, scope }, 'sending resumed');
      return ok({ campaign: id, dryRun: false, state: 'running' });
    },
  });

/** Idempotent: a campaign that is cancelled already keeps its first reason. */
export const postCancel = (parts: AdministrationParts): Endpoint =>
  endpoint({
    params: CampaignParams,
    body: Action,
    action: 'campaign.cancelled',
    answer: async ({ params: { id }, body, caller, audit }) => {
      if (body.dryRun === true) return wouldDo(parts, caller(), id, 'cancel');
      const agency = await ownScope(parts.pool, caller(), `campaign:${id}`);
      const done = await transaction(parts.pool, async (sql) => {
        const given = { by: caller().id, reason: body.reason };
        const cancelled = await cancelCampaign(sql, id, given, parts.clock.nowMs());
        if (cancelled !== undefined) await audit(sql, { agency, details: { fresh: cancelled.fresh } });
        return cancelled;
      });
      if (done === undefined) throw noSuchCampaign(id);
      if (done.fresh) parts.logger.warn({ caller: caller().id, campaign: id }, 'campaign cancelled');
      const { campaign, cancelledAt, reason } = done;
      return ok({ campaign, cancelledAt, reason });
    },
  });
