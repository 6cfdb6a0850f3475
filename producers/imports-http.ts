/**
 * Files of rows and identity links over HTTP, a plugin as http.ts is: `POST /api/v1/imports` streams a file in and answers 202 with a job,
 * `GET /api/v1/imports/{id}` says how far it is, `…/errors` what is wrong by line and field; `POST /api/v1/identity-links` takes links in a
 * body, because an agency's own keys for people have no business in an address. Never logs a key, and never repeats a value.
 */
import { Readable } from 'node:stream';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { AllimError, type Fault } from '../domain/errors.ts';
import { keyId, randomId } from '../domain/ids.ts';
import { holdsResidentNumber } from '../domain/kr/resident-number.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import { isSubjectKey, subjectKeyHash } from '../domain/subject-key.ts';
import { saveIdentityLinks } from '../store/identity-links.ts';
import { findImport, IMPORT_KINDS, type Import, type ImportId, type ImportKind } from '../store/imports.ts';
import { isCitizenId } from './citizen-body.ts';
import { type Credential, callerOf, mayDo } from './credential.ts';
import { charsetOf } from './csv/encoding.ts';
import { errorFile } from './csv/error-file.ts';
import type { Imports } from './imports.ts';
import { decodeJson } from './json-body.ts';

export type ImportsOverHttp = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly logger: Logger;
  readonly imports: Pick<Imports, 'receive'>;
  /** Whether an agency is known. */
  readonly isAgency: (id: string) => boolean;
};

const FILE_TYPES = [
  'text/csv',
  'application/csv',
  'text/tab-separated-values',
  'text/plain',
  'application/octet-stream',
  'application/vnd.ms-excel',
];
/** At 300 kB/s a gigabyte. */
const BODY_MS = 3_600_000;
const MAX_LINKS = 1_000;

/** What a key must be good for beside `imports`. */
const NEEDED = { events: 'events', citizens: 'citizens', links: 'citizens' } as const;

const strict = { additionalProperties: false } as const;
const Agency = Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }));
const Query = Type.Object(
  {
    kind: Type.String({ enum: [...IMPORT_KINDS] }),
    charset: Type.Optional(Type.String({ maxLength: 40 })),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
    agency: Agency,
    initial: Type.Optional(Type.String({ enum: ['true', 'false'] })),
  },
  strict,
);
const Params = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }) });
const Links = Type.Object(
  {
    agency: Agency,
    links: Type.Array(
      Type.Object(
        {
          key: Type.String(),
          citizen: Type.Optional(Type.String()),
          remove: Type.Optional(Type.Literal(true)),
        },
        strict,
      ),
      { maxItems: MAX_LINKS },
    ),
  },
  strict,
);

/** An import as callers see it. */
export function importAnswer(one: Import): Record<string, unknown> {
  return {
    id: one.id,
    kind: one.kind,
    agency: one.agency,
    name: one.name,
    state: one.state,
    charset: one.charset,
    bytes: one.bytes,
    bytesDone: one.bytesDone,
    line: one.linesDone,
    rows: one.rows,
    accepted: one.accepted,
    refused: one.refused,
    unresolved: one.unresolved,
    code: one.code,
    reason: one.reason,
    receivedAt: one.at,
    finishedAt: one.finishedAt?.toISOString() ?? null,
    ...(one.refused + one.unresolved > 0 ? { errors: `/api/v1/imports/${one.id}/errors` } : {}),
  };
}

export const importsOverHttp: FastifyPluginAsync<ImportsOverHttp> = async (app, parts) => {
  const { pool, logger } = parts;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(FILE_TYPES, (_request, body, done) => done(null, body));
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => decodeJson(body),
  );

  /** Whose rows they are: the key's agency, or the one that the administrator names. */
  function agencyOf(caller: Credential, named: string | undefined, pointer: string): string | null {
    if (caller.agency !== null) {
      if (named !== undefined && named !== caller.agency)
        throw new AllimError('forbidden', 'the credential belongs to another agency');
      return caller.agency;
    }
    if (named !== undefined && !parts.isAgency(named))
      throw new AllimError('agency-unknown', `no agency ${named} is known`, {
        faults: [{ pointer, message: 'is not a known agency' }],
      });
    return named ?? null;
  }

  app.route<{ Querystring: Static<typeof Query> }>({
    method: 'POST',
    url: '/api/v1/imports',
    config: { permission: 'imports', bodyMs: BODY_MS },
    schema: { querystring: Query },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const { name = null, initial } = request.query;
      const kind = request.query.kind as ImportKind;
      if (!mayDo(caller, NEEDED[kind]))
        throw new AllimError('forbidden', `this needs the permission "${NEEDED[kind]}" beside "imports"`);
      const agency = agencyOf(caller, request.query.agency, '/querystring/agency');
      if (name !== null && holdsResidentNumber(name))
        throw new AllimError('request-invalid', 'a file’s name needs no resident registration number', {
          faults: [{ pointer: '/querystring/name', message: 'must not hold a resident registration number' }],
        });
      if (!(request.body instanceof Readable))
        throw new AllimError('content-type-unsupported', 'send the file as the body, as text/csv');
      const charset = charsetGiven(request, request.query.charset);
      const id = importId(request, agency, kind);
      await parts.imports.receive(
        { id, kind, agency, name, charset, initial: initial === 'true', caller },
        // Left open where the file is refused: a connection that is closed while the caller still writes loses the answer.
        request.body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
      );
      const one = await findImport(pool, id, null);
      return reply
        .code(202)
        .header('location', `/api/v1/imports/${id}`)
        .send(one && importAnswer(one));
    },
  });

  const found = async (request: FastifyRequest<{ Params: Static<typeof Params> }>): Promise<Import> => {
    const one = await findImport(pool, request.params.id, callerOf(request).agency);
    if (one === undefined) throw new AllimError('not-found', 'there is no such import');
    return one;
  };

  app.route<{ Params: Static<typeof Params> }>({
    method: 'GET',
    url: '/api/v1/imports/:id',
    config: { permission: 'imports' },
    schema: { params: Params },
    handler: async (request) => importAnswer(await found(request)),
  });

  app.route<{ Params: Static<typeof Params> }>({
    method: 'GET',
    url: '/api/v1/imports/:id/errors',
    config: { permission: 'imports' },
    schema: { params: Params },
    handler: async (request, reply: FastifyReply) => {
      const { id } = await found(request);
      return reply
        .type('text/csv; charset=utf-8')
        .header('content-disposition', `attachment; filename="${id}.errors.csv"`)
        .send(Readable.from(errorFile(pool, id), { objectMode: false }));
    },
  });

  app.route<{ Body: Static<typeof Links> }>({
    method: 'POST',
    url: '/api/v1/identity-links',
    config: { permission: 'citizens' },
    schema: { body: Links },
    handler: async (request) => {
      const caller = callerOf(request);
      const agency = agencyOf(caller, request.body.agency, '/agency');
      const { links } = request.body;
      const faults = linkFaults(links);
      if (agency === null) faults.push({ pointer: '/agency', message: 'is missing: whose keys are these?' });
      if (agency === null || faults.length > 0)
        throw new AllimError('request-invalid', 'the links are not valid', { faults });
      const distinct = new Map(links.map((link) => [link.key, link]));
      const rows = [...distinct.values()].map(({ key, citizen = null, remove }) => ({
        keyHash: subjectKeyHash(parts.sealer, agency, key),
        citizen: remove === true ? null : citizen,
      }));
      const woken = await transaction(pool, (sql) => saveIdentityLinks(sql, agency, rows));
      logger.info({ caller: caller.id, agency, links: rows.length, woken }, 'identity links saved');
      return { links: rows.length, woken };
    },
  });
};

function linkFaults(links: Static<typeof Links>['links']): Fault[] {
  return links.flatMap(({ key, citizen, remove }, index) => [
    ...(isSubjectKey(key)
      ? []
      : [{ pointer: `/links/${index}/key`, message: 'must be a text of 1 to 128 characters' }]),
    ...(remove === true || (citizen !== undefined && isCitizenId(citizen))
      ? []
      : [{ pointer: `/links/${index}/citizen`, message: 'must be the id of a citizen' }]),
  ]);
}

/** Sent again under the same `Idempotency-Key`, a file is the same import. */
function importId(request: FastifyRequest, agency: string | null, kind: string): ImportId {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return randomId<ImportId>();
  if (typeof key !== 'string' || !isSubjectKey(key))
    throw new AllimError('request-invalid', 'the header Idempotency-Key is not valid', {
      faults: [{ pointer: '/headers/idempotency-key', message: 'must be a text of 1 to 128 characters' }],
    });
  return keyId<ImportId>('import', agency ?? '', kind, key);
}

function charsetGiven(request: FastifyRequest, named: string | undefined) {
  const inType = /;\s*charset="?([^";\s]+)/i.exec(request.headers['content-type'] ?? '')?.[1];
  const name = named ?? inType;
  return name === undefined ? null : charsetOf(name);
}
