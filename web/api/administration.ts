/** Agencies, their keys, and stops. */
import { Type } from 'typebox';
import type { Clock } from '../../domain/clock.ts';
import { isInstant } from '../../domain/cloud-events.ts';
import { AllimError } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { type Credential, isOwn, needAgency, SCOPES } from '../../producers/credential.ts';
import { revokeApiKey } from '../../store/api-keys.ts';
import { type Catalogue, saveAgency } from '../../store/catalogue.ts';
import { listStops, noSuchCampaign, ownerOfScope, removeStop, saveStop } from '../../store/stops.ts';
import { issueKey } from './credentials.ts';
import { type Answer, type Call, type Endpoint, endpoint, invalid, ok } from './endpoint.ts';

export type AdministrationParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly production: boolean;
};

const strict = { additionalProperties: false } as const;
const AgencyParams = Type.Object({ id: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }) });
const Text = Type.String({ minLength: 1, maxLength: 200 });

export const putAgency = ({ pool, catalogue, logger, production }: AdministrationParts): Endpoint =>
  endpoint({
    action: 'agency.saved',
    params: AgencyParams,
    body: Type.Object(
      { name: Type.Object({ ko: Text, en: Text }, { additionalProperties: Text, maxProperties: 20 }) },
      strict,
    ),
    answer: async ({ params, body, caller, audit }) => {
      await transaction(pool, async (sql) => {
        await saveAgency(sql, { id: params.id, name: body.name }, { trial: production });
        await audit(sql, { agency: params.id, details: { name: body.name } });
      });
      await catalogue.refresh();
      logger.info({ caller: caller().id, agency: params.id }, 'agency saved');
      return ok({ id: params.id, name: body.name });
    },
  });

/** The key stands in this answer and nowhere else. */
export const postKey = ({ pool, clock, logger }: AdministrationParts): Endpoint =>
  endpoint({
    action: 'key.issued',
    params: AgencyParams,
    body: Type.Object(
      {
        label: Text,
        scopes: Type.Array(Type.String({ enum: [...SCOPES] }), { minItems: 1, uniqueItems: true }),
        sources: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 100 })),
        expiresAt: Type.Optional(Type.Union([Type.String({ maxLength: 64 }), Type.Null()])),
      },
      strict,
    ),
    answer: async ({ params, body, caller, audit }) => {
      const expiresAt = body.expiresAt == null ? null : instant(body.expiresAt);
      if (expiresAt !== null && expiresAt.getTime() <= clock.nowMs())
        throw invalid('/expiresAt', 'must lie in the future');
      const { label, scopes, sources = [] } = body;
      const { key, name } = await transaction(pool, async (sql) => {
        const issued = await issueKey(sql, { agency: params.id, label, scopes, sources, expiresAt });
        const details = { label, scopes, sources, expiresAt: expiresAt?.toISOString() ?? null };
        await audit(sql, { agency: params.id, object: `key:${params.id}/${issued.name}`, details });
        return issued;
      });
      logger.info({ caller: caller().id, agency: params.id, key: name, scopes }, 'key issued');
      return {
        status: 201,
        body: {
          key,
          name,
          agency: params.id,
          label,
          scopes,
          sources,
          expiresAt: expiresAt?.toISOString() ?? null,
        },
      };
    },
  });

function instant(text: string): Date {
  if (!isInstant(text)) throw invalid('/expiresAt', 'must be an RFC 3339 time');
  return new Date(Temporal.Instant.from(text).epochMilliseconds);
}

/** Works everywhere within 5 s: so long a server remembers a credential. */
export const deleteKey = ({ pool, logger }: AdministrationParts): Endpoint =>
  endpoint({
    action: 'key.revoked',
    params: Type.Object({
      id: Type.String({ maxLength: 32 }),
      name: Type.String({ pattern: '^[0-9a-f]{12}$' }),
    }),
    answer: async ({ params, caller, audit }) => {
      const revoked = await transaction(pool, async (sql) => {
        const done = await revokeApiKey(sql, params.id, params.name);
        if (done) await audit(sql, { agency: params.id });
        return done;
      });
      if (!revoked)
        throw new AllimError('not-found', 'the agency has no such key', { ids: { agency: params.id } });
      logger.info({ caller: caller().id, agency: params.id, key: params.name }, 'key revoked');
      return { status: 204 };
    },
  });

export const getStops = ({ pool }: AdministrationParts): Endpoint =>
  endpoint({ answer: async ({ caller }) => ok({ stops: await listStops(pool, caller().agency) }) });

/** A platform owner's stop is the administrator's: no agency lifts it. */
export const stopperOf = (caller: Credential): string =>
  caller.agency === null ? 'administrator' : caller.id;

/**
 * Whose the scope is, where the caller may stop it. Another agency's campaign is none at all; another agency is refused by its name, whether
 * there is one or not; the whole and a channel are the platform's.
 */
export async function ownScope(sql: Sql, caller: Credential, scope: string): Promise<string | null> {
  const [kind, id = ''] = scope.split(':');
  if (kind === 'agency') needAgency(caller, id);
  const agency = await ownerOfScope(sql, scope);
  if (kind === 'campaign' && !isOwn(caller, agency)) throw noSuchCampaign(id);
  needAgency(caller, agency);
  return agency;
}

async function stopScope(
  { pool, logger }: AdministrationParts,
  { caller: callerOf, audit }: Pick<Call<unknown, unknown, unknown>, 'caller' | 'audit'>,
  stop: { readonly scope: string; readonly reason: string },
): Promise<Answer> {
  const caller = callerOf();
  const agency = await ownScope(pool, caller, stop.scope);
  const fresh = await transaction(pool, async (sql) => {
    const made = await saveStop(sql, { ...stop, agency, createdBy: stopperOf(caller) });
    await audit(sql, { agency, object: `stop:${stop.scope}`, details: { fresh: made } });
    return made;
  });
  logger.warn({ caller: caller.id, scope: stop.scope }, 'sending stopped');
  return { status: fresh ? 201 : 200, body: { scope: stop.scope } };
}

export const postStop = (parts: AdministrationParts): Endpoint =>
  endpoint({
    action: 'stop.made',
    body: Type.Object({ scope: Type.String({ maxLength: 64 }), reason: Text }, strict),
    answer: (call) => stopScope(parts, call, call.body),
  });

/** The same, for whoever has the scope in the address: `PUT /api/v1/stops/all`. */
export const putStop = (parts: AdministrationParts): Endpoint =>
  endpoint({
    action: 'stop.made',
    params: Type.Object({ scope: Type.String({ maxLength: 64 }) }),
    body: Type.Object({ reason: Text }, strict),
    answer: (call) => stopScope(parts, call, { ...call.params, ...call.body }),
  });

export const deleteStop = ({ pool, logger }: AdministrationParts): Endpoint =>
  endpoint({
    action: 'stop.lifted',
    params: Type.Object({ scope: Type.String({ maxLength: 64 }) }),
    /** A body is not for every DELETE (RFC 9110), so the reason stands in the query. */
    query: Type.Object({ reason: Type.Optional(Text) }, strict),
    answer: async ({ params, query, caller, audit }) => {
      const agency = await ownScope(pool, caller(), params.scope);
      const outcome = await transaction(pool, async (sql) => {
        const removed = await removeStop(sql, params.scope, caller().agency);
        if (removed === 'removed') await audit(sql, { agency, reason: query.reason ?? null });
        return removed;
      });
      if (outcome === 'kept')
        throw new AllimError('forbidden', 'what the administrator stopped, the administrator resumes');
      if (outcome === 'restored')
        throw new AllimError(
          'forbidden',
          'the database was restored, and not everything is decided: GET /api/v1/restore',
        );
      if (outcome === 'none') throw new AllimError('not-found', `nothing is stopped by ${params.scope}`);
      logger.warn({ caller: caller().id, scope: params.scope }, 'sending resumed');
      return { status: 204 };
    },
  });
