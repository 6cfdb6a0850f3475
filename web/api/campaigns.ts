/** Campaigns: which there are, and cancelling one for good. A stop (administration.ts) is the pause. */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { needAgency } from '../../producers/credential.ts';
import { cancelCampaign, listCampaigns } from '../../store/cancellations.ts';
import { ownerOfScope } from '../../store/stops.ts';
import type { AdministrationParts } from './administration.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

const SHOWN = 100;

export const getCampaigns = ({ pool }: AdministrationParts): Endpoint =>
  endpoint({
    answer: async ({ caller }) => ok({ campaigns: await listCampaigns(pool, caller().agency, SHOWN) }),
  });

/** Idempotent: a campaign that is cancelled already keeps its first reason. */
export const postCancel = ({ pool, clock, logger }: AdministrationParts): Endpoint =>
  endpoint({
    params: Type.Object({
      id: Type.String({ pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
    }),
    body: Type.Object(
      { reason: Type.String({ minLength: 1, maxLength: 200 }) },
      { additionalProperties: false },
    ),
    answer: async ({ params, body, caller }) => {
      needAgency(caller(), await ownerOfScope(pool, `campaign:${params.id}`));
      const done = await cancelCampaign(
        pool,
        params.id,
        { by: caller().id, reason: body.reason },
        clock.nowMs(),
      );
      if (done === undefined)
        throw new AllimError('not-found', 'there is no such campaign', { ids: { campaign: params.id } });
      if (done.fresh) logger.warn({ caller: caller().id, campaign: params.id }, 'campaign cancelled');
      const { campaign, cancelledAt, reason } = done;
      return ok({ campaign, cancelledAt, reason });
    },
  });
