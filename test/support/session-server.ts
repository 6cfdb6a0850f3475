/** The part of the server that pages stand on, alone: who is signed in by the session's cookie, the token of forms, problem documents. */
import Fastify, { type FastifyInstance } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import { decodeJson } from '../../producers/json-body.ts';
import { asAllimError, problemOf } from '../../web/api/problems.ts';
import { takeForms } from '../../web/pages/forms.ts';
import { checkCsrf } from '../../web/sign-in/csrf.ts';
import { needCitizen, type Person } from '../../web/sign-in/person.ts';
import type { Sessions } from '../../web/sign-in/sessions.ts';

export async function createSessionServer(sessions: Sessions): Promise<FastifyInstance> {
  const app = Fastify({ logger: false, routerOptions: { maxParamLength: 512 } });
  app.decorateRequest('person', null);
  app.decorateRequest('csrfToken', null);
  app.decorateRequest('credential', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_: unknown, body: Buffer) =>
    decodeJson(body),
  );
  takeForms(app);
  app.addHook('onRequest', async (request, reply) => {
    const token = /allim-session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    const found = token === undefined ? null : await sessions.read(token);
    request.person = (found?.person ?? null) as Person | null;
    request.csrfToken = found?.csrf ?? null;
    reply.header('cache-control', 'no-store');
    const { permission, signIn } = request.routeOptions.config as { permission?: string; signIn?: string };
    if (permission !== 'citizen') return;
    if (request.person === null && signIn !== undefined && request.method === 'GET')
      return reply.redirect(`/sign-in?as=citizen&next=${encodeURIComponent(request.url)}`, 302);
    needCitizen(request);
  });
  app.addHook('preValidation', async (request) => checkCsrf(request));
  app.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(asAllimError(error), request.id);
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });
  app.setNotFoundHandler(async () => {
    throw new AllimError('not-found', 'there is no such path or method');
  });
  return app;
}
