/** A person's own sessions over the API: who am I, where am I signed in, end one, end all others. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import type { Permission } from '../../producers/credential.ts';
import { csrfOf } from './csrf.ts';
import { type Person, rightsOf } from './person.ts';
import { sessionsOf } from './recognise.ts';
import type { Sessions } from './sessions.ts';

const PERSON = { config: { permission: 'person' satisfies Permission } } as const;

function personOf({ person }: FastifyRequest): Person {
  if (person === null) throw new AllimError('unauthorized', 'sign in first');
  return person;
}

export function mountOwnSessions(app: FastifyInstance, sessions: Sessions): void {
  app.get('/api/v1/session', PERSON, async (request) => {
    const { session: _, ...person } = personOf(request);
    const rights = person.kind === 'staff' ? { rights: rightsOf({ ...person, session: _ }) } : {};
    return { ...person, ...rights, csrf: csrfOf(request) };
  });
  app.get('/api/v1/sessions', PERSON, async (request) => ({ sessions: await sessionsOf(request) }));
  app.delete('/api/v1/sessions', PERSON, async (request) => ({
    ended: await sessions.endOthers(personOf(request), request.id),
  }));
  app.delete('/api/v1/sessions/:id', PERSON, async (request, reply) => {
    const { id } = request.params as { id: string };
    if (!(await sessions.endOne(personOf(request), id, request.id)))
      throw new AllimError('not-found', 'you have no such session');
    return reply.code(204).send();
  });
}
