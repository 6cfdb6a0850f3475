/** Trial mode of an agency: whom it reaches meanwhile, and what it would have sent to the others. */
import { Type } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { CHANNELS, type Channel } from '../../domain/statuses.ts';
import { CITIZEN_ID, normalAddress } from '../../producers/citizen-body.ts';
import { needAgency } from '../../producers/credential.ts';
import {
  allowRecipients,
  disallowRecipient,
  listTrialSends,
  readTrial,
  setTrial,
  type TrialRecipient,
} from '../../store/trial.ts';
import { type Endpoint, endpoint, invalid, needSystem, ok } from './endpoint.ts';

export type TrialParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly logger: Logger;
};

const strict = { additionalProperties: false } as const;
const AgencyParams = Type.Object({ id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }) });
const SENDS = 200;

function unknown(agency: string): AllimError {
  return new AllimError('not-found', `no agency ${agency} is known`, { ids: { agency } });
}

export const getTrial = ({ pool }: TrialParts): Endpoint =>
  endpoint({
    params: AgencyParams,
    answer: async ({ params, caller }) => {
      needAgency(caller(), params.id);
      const trial = await readTrial(pool, params.id);
      if (trial === undefined) throw unknown(params.id);
      return ok({ agency: params.id, ...trial });
    },
  });

/** `{ "trial": false }` is going live. In force at the next claim of a worker. */
export const putTrial = ({ pool, logger }: TrialParts): Endpoint =>
  endpoint({
    action: 'trial.set',
    params: AgencyParams,
    body: Type.Object({ trial: Type.Boolean() }, strict),
    answer: async ({ params, body, caller }) => {
      if (!(await setTrial(pool, params.id, body.trial))) throw unknown(params.id);
      logger.warn(
        { caller: caller().id, agency: params.id },
        body.trial ? 'agency put in trial' : 'agency went live',
      );
      return ok({ agency: params.id, trial: body.trial });
    },
  });

export const postTrialRecipients = ({ pool, sealer, logger }: TrialParts): Endpoint =>
  endpoint({
    action: 'trial.recipients-added',
    params: AgencyParams,
    body: Type.Object(
      {
        recipients: Type.Array(
          Type.Object(
            {
              citizen: Type.Optional(Type.String({ pattern: CITIZEN_ID })),
              channel: Type.Optional(Type.Unsafe<Channel>({ type: 'string', enum: [...CHANNELS] })),
              address: Type.Optional(Type.String({ minLength: 1, maxLength: 2_000 })),
            },
            strict,
          ),
          { minItems: 1, maxItems: 1_000 },
        ),
      },
      strict,
    ),
    answer: async ({ params, body, caller }) => {
      needAgency(caller(), params.id);
      const recipients = body.recipients.map((given, index): TrialRecipient => {
        const pointer = `/recipients/${index}`;
        const { citizen, channel, address } = given;
        if (
          (citizen === undefined) === (address === undefined) ||
          (address === undefined) !== (channel === undefined)
        )
          throw invalid(pointer, 'must have either citizen, or channel and address');
        if (citizen !== undefined) return { citizen };
        const normal = normalAddress(channel!, address!);
        if (normal === null) throw invalid(`${pointer}/address`, `is no address of ${channel}`);
        return { channel: channel!, address: normal };
      });
      if ((await readTrial(pool, params.id)) === undefined) throw unknown(params.id);
      const keys = await allowRecipients(pool, sealer, params.id, recipients);
      logger.info({ caller: caller().id, agency: params.id, count: keys.length }, 'trial recipients allowed');
      return { status: 201, body: { keys } };
    },
  });

export const deleteTrialRecipient = ({ pool, logger }: TrialParts): Endpoint =>
  endpoint({
    action: 'trial.recipient-removed',
    params: Type.Object({
      id: AgencyParams.properties.id,
      key: Type.String({ minLength: 1, maxLength: 80 }),
    }),
    answer: async ({ params, caller }) => {
      needAgency(caller(), params.id);
      if (!(await disallowRecipient(pool, params.id, params.key)))
        throw new AllimError('not-found', 'the list has no such recipient', { ids: { agency: params.id } });
      logger.info({ caller: caller().id, agency: params.id }, 'trial recipient removed');
      return { status: 204 };
    },
  });

/** The newest 200, with their words and without addresses. */
export const getTrialSends = ({ pool, sealer }: TrialParts): Endpoint =>
  endpoint({
    params: AgencyParams,
    answer: async ({ params, caller, isPerson }) => {
      needSystem({ isPerson });
      needAgency(caller(), params.id);
      return ok({ sends: await listTrialSends(pool, sealer, params.id, SENDS) });
    },
  });
