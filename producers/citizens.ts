/**
 * Whom to tell, where and how: `PUT /api/v1/citizens/{id}`, a plugin as http.ts is. Merges the parts that are given. An agency changes what
 * it wrote itself; what others wrote and what the citizen chose only the administrator and a register change (citizen-rights.ts).
 * Guarantees: 200 means committed, and where attributes were given that the log holds the whole record; the newest record of a citizen is
 * the last one in the log. Never logs an address or an attribute; no address enters the log of events.
 */
import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Appended, Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import {
  mergeProfile,
  removeRelations,
  saveCitizen,
  savePreferences,
  saveRelations,
  zoneKnown,
} from '../store/citizens.ts';
import { removeContactPoints, saveContactPoints } from '../store/contact-points.ts';
import {
  CITIZEN_ID,
  CitizenBody,
  type CitizenBodyOptions,
  type CitizenChange,
  isCitizenId,
  readCitizenBody,
} from './citizen-body.ts';
import { needContactPointsOwn, needOwnParts } from './citizen-rights.ts';
import { type Credential, callerOf, speaksForCitizens } from './credential.ts';
import { decodeJson } from './json-body.ts';
import { createTurns, createTurnsByKey } from './turns.ts';

export type CitizensOverHttp = CitizenBodyOptions & {
  /** Needs more connections than `profileWrites`: each of those holds one while the embedded log takes another. */
  readonly pool: SqlPool;
  readonly broker: Pick<Broker, 'append'>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A register owns the attributes, so none may be given here. */
  readonly populationRegister: boolean;
  /** How many records of attributes may be on their way to the log at once; 4 unless told. */
  readonly profileWrites?: number;
};

const Params = Type.Object({ id: Type.String({ pattern: CITIZEN_ID }) });

export type CitizenSaved = {
  readonly citizen: string;
  /** null where no attributes were given. `partition` and `offset` are those of `citizen-profiles`. */
  readonly profile: { readonly revision: number; readonly partition: number; readonly offset: number } | null;
};

export const citizensOverHttp: FastifyPluginAsync<CitizensOverHttp> = async (app, parts) => {
  const save = createCitizenWriter(parts);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => decodeJson(body),
  );
  app.route<{ Params: Static<typeof Params>; Body: Static<typeof CitizenBody> }>({
    method: 'PUT',
    url: '/api/v1/citizens/:id',
    config: { permission: 'citizens' },
    schema: { params: Params, body: CitizenBody },
    handler: async (request) => {
      const caller = callerOf(request);
      const { id } = request.params;
      if (!isCitizenId(id))
        throw new AllimError('profile-invalid', 'the citizen id cannot be one', {
          faults: [
            {
              pointer: '/params/id',
              message: 'must be Unicode text of at most 64 UTF-16 units, and no resident number',
            },
          ],
        });
      if (request.body.attributes !== undefined && parts.populationRegister)
        throw new AllimError('profile-owned', 'a register owns the attributes of citizens here', {
          ids: { citizen: id },
          faults: [{ pointer: '/attributes', message: 'is owned by the population register' }],
        });
      needOwnParts(caller, id, request.body);
      const change = readCitizenBody(
        id,
        request.body,
        speaksForCitizens(caller) ? null : caller.agency,
        parts,
      );
      const saved = await save(id, change, caller);
      parts.logger.info(
        { caller: caller.id, citizen: id, parts: Object.keys(request.body) },
        'citizen changed',
      );
      return saved;
    },
  });
};

/**
 * The row lock of a citizen's attributes is held until the log has acknowledged the record: a revision alone would tell which of two
 * records is newer, and not keep a writer that dies between its append and its check from leaving the older one last. So attributes go
 * few at a time, and calls about one citizen one by one, before they take a connection: callers that waited for the lock with a
 * connection in hand could use up the pool that the embedded log appends through.
 */
function createCitizenWriter(parts: CitizensOverHttp) {
  const profileTurns = createTurns(parts.profileWrites ?? 4);
  const citizenTurns = createTurnsByKey();

  function write(id: string, change: CitizenChange, caller: Credential): Promise<CitizenSaved> {
    const nowMs = parts.clock.nowMs();
    const source = caller.agency ?? 'administrator';
    return transaction(parts.pool, async (sql) => {
      if (change.zone !== undefined && !(await zoneKnown(sql, change.zone)))
        throw new AllimError('profile-invalid', 'the database does not know the time zone', {
          ids: { citizen: id },
          faults: [{ pointer: '/zone', message: 'is not a time zone that the database knows' }],
        });
      await saveCitizen(sql, id, change, nowMs);
      const points = await needContactPointsOwn(sql, parts.sealer, caller, id, change);
      await saveContactPoints(sql, parts.sealer, id, points, nowMs, source);
      await removeContactPoints(sql, parts.sealer, id, change.removedContactPoints);
      if (change.preferences !== undefined) await savePreferences(sql, id, change.preferences, nowMs);
      await saveRelations(sql, id, change.relations);
      await removeRelations(sql, id, change.removedRelations);
      if (change.attributes === undefined) return { citizen: id, profile: null };
      const { attributes, revision } = await mergeProfile(sql, id, change.attributes, source, nowMs);
      const [appended] = await parts.broker.append(TOPICS.profiles, [
        { key: id, value: JSON.stringify(attributes) },
      ]);
      const { partition, offset } = appended as Appended;
      return { citizen: id, profile: { revision, partition, offset } };
    });
  }

  return (id: string, change: CitizenChange, caller: Credential): Promise<CitizenSaved> =>
    citizenTurns(id, () =>
      change.attributes === undefined
        ? write(id, change, caller)
        : profileTurns(() => write(id, change, caller)),
    );
}
