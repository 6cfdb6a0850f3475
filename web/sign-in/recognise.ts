/** Who is signed in, for each request: from the cookie to `request.person`, and for staff the credential that every route of the API takes. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import type { ListedSession } from '../../store/signed-in.ts';
import type { Cookies } from './cookies.ts';
import { credentialOfStaff } from './person.ts';
import type { Sessions } from './sessions.ts';

export type SignedInParts = {
  readonly sessions: Sessions;
  readonly cookies: Cookies;
  readonly clock: Clock;
};

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False: nobody is looked for, as of files that are the same for all. */
    person?: boolean;
  }
  interface FastifyRequest {
    /** Set with whoever calls, person or key: whether they still may. Streams outlive the request that began them. */
    stillAllowed?: () => Promise<boolean>;
    /** The person's sessions, this one marked; empty where nobody is signed in. */
    ownSessions?: () => Promise<readonly OwnSession[]>;
  }
}

export type OwnSession = ListedSession & { readonly current: boolean };

/** For pages that list them; empty where nobody is signed in. */
export async function sessionsOf(request: FastifyRequest): Promise<readonly OwnSession[]> {
  return request.ownSessions === undefined ? [] : await request.ownSessions();
}

/** Throws what the database throws. */
export function createRecognition(
  parts: SignedInParts,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const { sessions, cookies, clock } = parts;
  return async (request, reply) => {
    const token = cookies.session(request);
    if (token === undefined) return;
    const found = await sessions.read(token);
    if (found === null) {
      cookies.clearSession(reply);
      return;
    }
    const { person, csrf, freshToken, endsAt } = found;
    request.person = person;
    request.csrfToken = csrf;
    if (person.kind === 'staff') request.credential = credentialOfStaff(person);
    request.stillAllowed = () => sessions.lives(person.session);
    request.ownSessions = async () =>
      (await sessions.list(person)).map((one) => ({ ...one, current: one.id === person.session }));
    if (freshToken !== null)
      cookies.setSession(reply, freshToken, (endsAt.getTime() - clock.nowMs()) / 1_000);
  };
}
