/**
 * OpenAPI 3.1 of every route, made from the routes themselves: what they take from the schemas that check it, which permission they need from
 * their config, what they answer from answers.ts. `GET /api/v1/openapi.json` says it to everybody; it holds nothing of anybody's.
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { ERROR_CODES } from '../../domain/errors.ts';
import type { Permission } from '../../producers/credential.ts';
import { answerOf } from './answers.ts';

type Schema = Readonly<Record<string, unknown>>;

const PROBLEM: Schema = {
  type: 'object',
  description: 'A problem document (RFC 9457). `instance` is the request’s id, under which the log has it.',
  required: ['type', 'title', 'status', 'detail', 'code', 'instance'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: [...ERROR_CODES, 'internal'] },
    instance: { type: 'string', format: 'uuid' },
    faults: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: {
          pointer: { type: 'string', description: 'A JSON pointer (RFC 6901) into what was given.' },
          message: { type: 'string' },
          code: { type: 'string' },
          sentences: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
    },
    rejected: {
      type: 'array',
      items: { type: 'object' },
      description: 'Of a batch: each event with its place.',
    },
    current: { description: 'Of a failed precondition: what is there now.' },
  },
};

const problem = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
});

type Operation = {
  responses: unknown;
  readonly parameters?: readonly unknown[];
  readonly requestBody?: unknown;
  readonly 'x-allim-permission'?: Permission;
};

function responsesOf(method: string, path: string, operation: Operation): Readonly<Record<string, object>> {
  const {
    status,
    body,
    summary,
    type = 'application/json',
  } = answerOf(method, path.replaceAll(/\{(\w+)\}/g, ':$1'));
  const answer = {
    description: summary,
    ...(body === undefined ? {} : { content: { [type]: { schema: body } } }),
  };
  return { [status]: answer, ...problemsOf(method, path, operation) };
}

/** What any route may refuse with, and what those with a body, parameters or a precondition may beside. */
function problemsOf(method: string, path: string, operation: Operation): Readonly<Record<string, object>> {
  const writes = method !== 'get';
  const { 'x-allim-permission': permission = 'public', parameters = [], requestBody } = operation;
  return {
    ...(permission === 'public'
      ? {}
      : {
          401: problem('No credential, or one that is not good.'),
          403: problem('The credential may not do this, or not for this agency.'),
        }),
    ...(path.includes('{') ? { 404: problem('There is nothing of that name that the caller may see.') } : {}),
    ...(writes
      ? { 409: problem('It contradicts what is known.'), 415: problem('The body is of another kind.') }
      : {}),
    ...(writes ? { 412: problem('It was changed meanwhile (If-Match); `current` says to what.') } : {}),
    ...(parameters.length > 0 || requestBody !== undefined
      ? { 422: problem('What was given is not valid; `faults` say where.') }
      : {}),
    429: problem('Too many calls; `Retry-After` says how long to wait.'),
    503: problem('Not available now; try again.'),
  };
}

const IDEMPOTENCY_KEY = {
  type: 'string',
  minLength: 1,
  maxLength: 128,
  description:
    'Done once and answered the same for a day: 409 while it is under way, 422 for another request.',
};
const IF_MATCH = {
  type: 'string',
  description: 'The ETag of what is changed; 412 where it is another by now.',
};

function headersOf(method: string, url: string): Schema | undefined {
  const key = method === 'post' && url.startsWith('/api/v1/') ? { 'idempotency-key': IDEMPOTENCY_KEY } : {};
  const match = url === '/api/v1/rules' || method === 'put' ? { 'if-match': IF_MATCH } : {};
  const properties = method === 'get' ? {} : { ...key, ...match };
  return Object.keys(properties).length === 0 ? undefined : { type: 'object', properties };
}

const TAGS: readonly (readonly [prefix: string, tag: string])[] = [
  ['/api/v1/support', 'Support'],
  ['/api/v1/audit', 'Audit'],
  ['/api/v1/campaigns', 'Campaigns'],
  ['/api/v1/stops', 'Campaigns'],
  ['/api/v1/rules', 'Rules'],
  ['/api/v1/fields', 'Rules'],
  ['/api/v1/event-types', 'Rules'],
  ['/api/v1/templates', 'Templates'],
  ['/api/v1/locales', 'Templates'],
  ['/api/v1/events', 'Events'],
  ['/api/v1/citizens', 'Citizens'],
  ['/api/v1/identity-links', 'Citizens'],
  ['/api/v1/imports', 'Imports'],
  ['/api/v1/unresolved', 'Imports'],
  ['/api/v1/quarantine', 'Mending'],
  ['/api/v1/dead-letters', 'Mending'],
  ['/api/v1/redrives', 'Mending'],
  ['/api/v1/restore', 'Mending'],
  ['/api/v1/deliveries', 'Mending'],
  ['/api/v1/agencies', 'Agencies'],
  ['/api/v1/webhooks', 'Webhooks'],
  ['/api/v1/simulations', 'Rules'],
  ['/api/v1/session', 'Sign-in'],
  ['/api/v1/me', 'Citizen app'],
];
const tagOf = (url: string): string => TAGS.find(([prefix]) => url.startsWith(prefix))?.[1] ?? 'Installation';

const OF_SESSIONS: readonly Permission[] = ['staff', 'citizen', 'person'];
function securityOf(permission: Permission): readonly object[] {
  if (permission === 'public') return [];
  return OF_SESSIONS.includes(permission) ? [{ session: [] }] : [{ key: [] }, { session: [] }];
}

/** Register before any route. */
export async function mountOpenApi(app: FastifyInstance, publicUrl: string | null): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Allim',
        version: '1',
        description:
          'Agencies send events, staff write rules, citizens are told. Lists go by cursor: `next` of an answer is the `cursor` of the next call.',
      },
      ...(publicUrl === null ? {} : { servers: [{ url: publicUrl }] }),
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'An agency’s key, or the administrator’s token.',
          },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: '__Host-allim',
            description:
              'Whoever signed in. What changes something has the header `x-allim-csrf` too (`csrf` of /api/v1/session).',
          },
        },
        schemas: { Problem: PROBLEM as never },
      },
    },
    transform: ({ schema, url, route }) => {
      const { permission = 'public' } = (route.config ?? {}) as { permission?: Permission };
      const method = String(route.method).toLowerCase();
      const said = url.startsWith('/api/') ? answerOf(method, url) : undefined;
      const headers = headersOf(method, url);
      return {
        url,
        schema: {
          ...schema,
          ...(said === undefined ? { hide: true } : { summary: said.summary }),
          tags: [tagOf(url)],
          ...(headers === undefined ? {} : { headers }),
          security: securityOf(permission),
          'x-allim-permission': permission,
        } as never,
      };
    },
    // Answers are written in here and not into the routes' schemas: Fastify would cut from an answer what its schema does not name.
    transformObject: (document) => {
      const { openapiObject } = document as {
        openapiObject: { paths: Record<string, Record<string, Operation>> };
      };
      for (const [path, methods] of Object.entries(openapiObject.paths))
        for (const [method, operation] of Object.entries(methods))
          operation.responses = responsesOf(method, path, operation);
      return openapiObject as never;
    },
  });
  // Routes of the table are mounted after this one, so it is asked for the document when somebody asks for it.
  app.get('/api/v1/openapi.json', { config: { permission: 'public' } }, async (_request, reply) =>
    reply.type('application/json').send(app.swagger()),
  );
}
