/** What stands behind a route: the shapes it takes (Fastify's ajv checks them) and the answer. The permission stands in the table. */
import type { FastifyInstance } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { AllimError } from '../../domain/errors.ts';
import { type Credential, callerOf, type Permission } from '../../producers/credential.ts';

export type Answer = { readonly status: number; readonly body?: unknown };

type Call<P, Q, B> = {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Throws `unauthorized` on a public route. */
  readonly caller: () => Credential;
};

export type Endpoint = {
  readonly schema: { readonly params?: TSchema; readonly querystring?: TSchema; readonly body?: TSchema };
  answer(call: Call<unknown, unknown, unknown>): Promise<Answer>;
};

/** Ties the types of a handler to its schemas. */
export function endpoint<
  P extends TSchema = TSchema,
  Q extends TSchema = TSchema,
  B extends TSchema = TSchema,
>(given: {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  answer(call: Call<Static<P>, Static<Q>, Static<B>>): Promise<Answer>;
}): Endpoint {
  return {
    schema: {
      ...(given.params === undefined ? {} : { params: given.params }),
      ...(given.query === undefined ? {} : { querystring: given.query }),
      ...(given.body === undefined ? {} : { body: given.body }),
    },
    answer: (call) => given.answer(call as Call<Static<P>, Static<Q>, Static<B>>),
  };
}

export type Route = readonly [
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  permission: Permission,
  endpoint: Endpoint,
];

export function mountRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  for (const [method, url, permission, { schema, answer }] of routes)
    app.route({
      method,
      url,
      schema,
      config: { permission },
      handler: async (request, reply) => {
        const { status, body } = await answer({
          params: request.params,
          query: request.query,
          body: request.body,
          caller: () => callerOf(request),
        });
        return reply.code(status).send(body);
      },
    });
}

export const ok = (body: unknown): Answer => ({ status: 200, body });

export function invalid(pointer: string, message: string): AllimError {
  return new AllimError('request-invalid', `the request is not valid: ${pointer} ${message}`, {
    faults: [{ pointer, message }],
  });
}
