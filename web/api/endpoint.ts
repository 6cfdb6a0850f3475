/**
 * What stands behind a route: the shapes it takes (Fastify's ajv checks them), the answer, and what the audit trail calls it. The permission
 * stands in the table. A POST may say an Idempotency-Key (idempotency.ts).
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { type Credential, callerOf, type Permission } from '../../producers/credential.ts';
import { type NewAuditEntry, recordAudit } from '../../store/audit-trail.ts';
import { openStream } from '../pages/stream.ts';
import type { Staff } from '../sign-in/person.ts';
import { refuseResidentNumbers } from './entered-text.ts';
import { type IdempotencyParts, once } from './idempotency.ts';
import { asOwnAgency } from './own-agency.ts';

export type Answer = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Nothing was done, as of a dry run: the audit trail does not hear of it. */
  readonly nothing?: true;
};

type Said = Partial<Pick<NewAuditEntry, 'action' | 'agency' | 'object' | 'reason' | 'details'>>;

export type Call<P, Q, B> = {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Throws `unauthorized` on a public route. */
  readonly caller: () => Credential;
  /** Writes the entry of what is being done, last in the transaction that does it. Who, what and which request are known already. */
  readonly audit: (sql: Sql, said?: Said) => Promise<void>;
  /** Whether a person is at a screen, and not an agency's system. */
  readonly isPerson: () => boolean;
  readonly ifMatch: string | undefined;
  /** Of a stream: whether who opened it could open it now. */
  readonly stillAllowed: () => Promise<boolean>;
  /** Of whoever calls: for limits, never kept. */
  readonly address: string;
};

type Shapes = { readonly params?: TSchema; readonly querystring?: TSchema; readonly body?: TSchema };

export type Endpoint = {
  readonly schema: Shapes;
  /** What the audit trail calls it; where there is none, it keeps nothing of it. */
  readonly action?: string;
  /** Of a POST that asks and changes nothing: staff read through it as their agency, as through every GET. */
  readonly reads?: true;
  /** A look at somebody: each is written down, so none is answered from what was kept under an Idempotency-Key. */
  readonly looks?: true;
  answer(call: Call<unknown, unknown, unknown>): Promise<Answer>;
  /** In place of an answer: a stream of events that ends when either side does. */
  readonly stream?: (
    call: Call<unknown, unknown, unknown>,
    open: () => ServerResponse,
    request: FastifyRequest,
  ) => Promise<void>;
};

type Given<P extends TSchema, Q extends TSchema, B extends TSchema> = {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
};

function shapesOf({ params, query, body }: Given<TSchema, TSchema, TSchema>): Shapes {
  return {
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(body === undefined ? {} : { body }),
  };
}

/** Ties the types of a handler to its schemas. */
export function endpoint<
  P extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
>(
  given: Given<P, Q, B> & {
    readonly action?: string;
    readonly reads?: true;
    readonly looks?: true;
    answer(call: Call<Static<P>, Static<Q>, Static<B>>): Promise<Answer>;
  },
): Endpoint {
  return {
    schema: shapesOf(given),
    ...(given.action === undefined ? {} : { action: given.action }),
    ...(given.reads === undefined ? {} : { reads: given.reads }),
    ...(given.looks === undefined ? {} : { looks: given.looks }),
    answer: (call) => given.answer(call as Call<Static<P>, Static<Q>, Static<B>>),
  };
}

/** The same for what goes on: `open` sends the head, and what is thrown before it is answered as a problem. */
export function streamEndpoint<P extends TSchema = TSchema>(given: {
  readonly params?: P;
  stream(
    call: Call<Static<P>, unknown, unknown>,
    open: () => ServerResponse,
    request: FastifyRequest,
  ): Promise<void>;
}): Endpoint {
  return {
    schema: shapesOf(given),
    answer: async () => ({ status: 406 }),
    stream: (call, open, request) => given.stream(call as Call<Static<P>, unknown, unknown>, open, request),
  };
}

export type Route = readonly [
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  permission: Permission,
  endpoint: Endpoint,
];

/** What routes need beyond their own parts; health routes need none of it. */
export type RouteParts = IdempotencyParts & { readonly pool: SqlPool };

export function mountRoutes(app: FastifyInstance, routes: readonly Route[], parts?: RouteParts): void {
  for (const [method, url, permission, at] of routes)
    app.route({
      method,
      url,
      schema: at.schema,
      config: { permission },
      // A stream has nothing to say before it begins, and one that is asked for its head alone would never end.
      exposeHeadRoute: at.stream === undefined,
      // Before the shapes are looked at: what is wrong with a shape is told by the names of its members.
      preValidation: async (request) => refuseResidentNumbers(request),
      handler: async (request, reply) => {
        const { stream } = at;
        if (stream !== undefined)
          return asOwnAgency(request, false, () =>
            stream(
              callOf(request, at, () => {}),
              () => openStream(reply),
              request,
            ),
          );
        const work = () => asOwnAgency(request, at.reads === true, () => answerAudited(request, at, parts));
        const creates = method === 'POST' && at.reads !== true && at.looks !== true;
        const key = creates ? request.headers['idempotency-key'] : undefined;
        const { status, body, headers } =
          key === undefined || parts === undefined
            ? await work()
            : await once(parts, request, String(key), ownerOfKey(callerOf(request)), work);
        return reply
          .code(status)
          .headers(headers ?? {})
          .send(body);
      },
    });
}

/** Who changes agencies does not find the answers of the one before. */
const ownerOfKey = ({ id, agency }: Credential): string => (agency === null ? id : `${id} of ${agency}`);

/** What a handler did not write into the trail itself is written here, before anybody hears of it. */
async function answerAudited(
  request: FastifyRequest,
  at: Endpoint,
  parts: RouteParts | undefined,
): Promise<Answer> {
  let recorded = false;
  const call = callOf(request, at, () => {
    recorded = true;
  });
  const answer = await at.answer(call);
  if (at.action !== undefined && !recorded && answer.nothing !== true && parts !== undefined)
    await transaction(parts.pool, (sql) => call.audit(sql));
  return answer;
}

function callOf(
  request: FastifyRequest,
  { action }: Endpoint,
  recorded: () => void,
): Call<unknown, unknown, unknown> {
  const person = personOf(request);
  return {
    params: request.params,
    query: request.query,
    body: request.body,
    caller: () => callerOf(request),
    isPerson: () => person !== null,
    ifMatch: request.headers['if-match'],
    stillAllowed: () => stillAllowed(request),
    address: request.ip,
    async audit(sql, said = {}) {
      const caller = callerOf(request);
      recorded();
      await recordAudit(sql, {
        agency: said.agency === undefined ? caller.agency : said.agency,
        actor: caller.id,
        actorName: person?.name ?? null,
        action: said.action ?? action ?? 'unnamed',
        object: said.object ?? objectOf(action, request.params),
        reason: said.reason ?? (request.body as { reason?: string } | null)?.reason ?? null,
        details: said.details ?? {},
        request: request.id,
      });
    },
  };
}

/** `stop:all` of the action `stop.made` at `/stops/:scope`. */
function objectOf(action: string | undefined, params: unknown): string | null {
  const named = Object.values((params ?? {}) as Readonly<Record<string, string>>);
  return named.length === 0 ? null : `${(action ?? '').split('.')[0]}:${named.join('/')}`;
}

function personOf({ person }: FastifyRequest): Staff | null {
  return person?.kind === 'staff' ? person : null;
}

/** The server knows who a request is from; it is asked as a request of the same headers would be. */
async function stillAllowed(request: FastifyRequest): Promise<boolean> {
  return request.stillAllowed === undefined || (await request.stillAllowed());
}

/**
 * For what tells of single citizens and asks for no reason: it is for agencies' systems. A person looks through support, where each look has a
 * reason and is written down before anything is shown.
 */
export function needSystem({ isPerson }: Pick<Call<unknown, unknown, unknown>, 'isPerson'>): void {
  if (isPerson())
    throw new AllimError(
      'forbidden',
      'people look citizens up with a reason: POST /api/v1/support/lookups or …/explanations',
    );
}

export const ok = (body: unknown): Answer => ({ status: 200, body });

export function invalid(pointer: string, message: string): AllimError {
  return new AllimError('request-invalid', `the request is not valid: ${pointer} ${message}`, {
    faults: [{ pointer, message }],
  });
}
