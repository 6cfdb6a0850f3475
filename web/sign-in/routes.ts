/**
 * `/sign-in`, `/sign-in/callback` and `/sign-out`: the way to the identity provider and back. A session is made anew at each sign-in and the
 * one that the browser had ends, so nobody can plant one; sign-out ends it here first and then at the provider. Pages work without JavaScript.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import { holdsResidentNumber } from '../../domain/kr/resident-number.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { createFailures } from '../api/failures.ts';
import { type ClaimNames, citizenOf, localeOf, staffOf } from './claims.ts';
import { deviceOf } from './device.ts';
import type { Finished, Identity } from './identity.ts';
import { localPath } from './local-path.ts';
import { sendChoice, sendProblem, sendSignedOut, sendSigningOut, sendSignOut } from './pages.ts';
import type { SignedInParts } from './recognise.ts';
import type { SignedInAs } from './sessions.ts';
import { createSignInsUnderWay, type UnderWay } from './under-way.ts';
import { SIGN_IN_LANGUAGES, type SignInLanguage, signInLanguage } from './words.ts';

export type SignInParts = SignedInParts & {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly logger: Logger;
  /** By whom they are vouched for; null: not set up. */
  readonly identities: Readonly<Record<'staff' | 'citizen', Identity | null>>;
  readonly claimNames: ClaimNames;
  readonly isAgency: (id: string) => boolean;
  /** Of a citizen whom we know; null where they have not chosen. */
  readonly citizenLocale: (citizen: string) => Promise<string | null>;
  /** Where this is reached; null: on loopback, by whatever name the browser uses. */
  readonly publicUrl: string | null;
  /** Of sign-ins begun, and of those that failed, from one address within a minute; 60 and 20 unless told. */
  readonly limits?: { readonly begun: number; readonly failed: number };
};

const HOME = { staff: '/console', citizen: '/me' } as const;
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;
const HINT = /^[^\p{Cc}]{1,64}$/u;

type Query = Readonly<Record<string, unknown>>;
export const languageFor = (request: FastifyRequest): SignInLanguage =>
  signInLanguage((request.query as Query)['lang'], request.headers['accept-language']);

export async function mountSignIn(app: FastifyInstance, parts: SignInParts): Promise<void> {
  const logger = parts.logger.child({ part: 'sign-in' });
  const { sessions, cookies, clock } = parts;
  const underWay = createSignInsUnderWay(parts);
  const begun = createFailures(parts.limits?.begun ?? 60);
  const failed = createFailures(parts.limits?.failed ?? 20);
  const open = { config: { permission: 'public' } } as const;

  /** Where the browser sees us; null where it came by a name that nobody set. */
  function originFor(request: FastifyRequest): string | null {
    if (parts.publicUrl !== null) return parts.publicUrl;
    return LOOPBACK.test(request.host) ? `http://${request.host}` : null;
  }

  function tooMany(reply: FastifyReply, request: FastifyRequest, seconds: number): FastifyReply {
    return sendProblem(reply.header('retry-after', seconds), languageFor(request), 'tooMany', 429);
  }

  async function begin(request: FastifyRequest, reply: FastifyReply, kind: 'staff' | 'citizen') {
    const language = languageFor(request);
    const wait = begun.waitSeconds(request.ip);
    if (wait !== null) return tooMany(reply, request, wait);
    begun.begin(request.ip);
    const identity = parts.identities[kind];
    if (identity === null) return sendProblem(reply, language, 'notConfigured', 503);
    const origin = originFor(request);
    if (origin === null) return sendProblem(reply, language, 'elsewhere', 400);
    const { next, account } = request.query as Query;
    const redirectUri = `${origin}/sign-in/callback`;
    const hint =
      typeof account === 'string' && HINT.test(account) && !holdsResidentNumber(account) ? account : null;
    const started = await identity.begin({ redirectUri, locale: language, account: hint });
    const { state, nonce, verifier } = started;
    await underWay.begin(reply, state, {
      kind,
      verifier,
      nonce,
      redirectUri,
      next: localPath(next) ?? HOME[kind],
    });
    return reply.redirect(started.url.href, 303);
  }

  async function personOf(kind: 'staff' | 'citizen', claims: Finished['claims'], language: SignInLanguage) {
    const said = localeOf(claims, SIGN_IN_LANGUAGES);
    if (kind === 'staff') {
      const { isAgency, claimNames } = parts;
      return staffOf(claims, claimNames, { isAgency, locale: said ?? language });
    }
    const citizen = citizenOf(claims, parts.claimNames, said ?? language);
    const chosen = await parts.citizenLocale(citizen.citizen);
    return chosen === null ? citizen : { ...citizen, locale: chosen };
  }

  async function finish(request: FastifyRequest, at: UnderWay): Promise<{ as: SignedInAs; idToken: string }> {
    const { kind, nonce, verifier, redirectUri } = at;
    const identity = parts.identities[kind];
    if (identity === null) throw new AllimError('sign-in-failed', 'sign-in is not set up any more');
    const callback = new URL(redirectUri);
    callback.search = request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '';
    const { agency, roles, citizen } = parts.claimNames;
    const wants = kind === 'staff' ? [agency, roles] : [citizen];
    const { state } = request.query as { state: string };
    const { claims, idToken } = await identity.finish({ callback, state, nonce, verifier, wants });
    return { as: await personOf(kind, claims, languageFor(request)), idToken };
  }

  async function callback(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const language = languageFor(request);
    const wait = failed.waitSeconds(request.ip);
    if (wait !== null) return tooMany(reply, request, wait);
    const right = failed.begin(request.ip);
    const at = await underWay.take(request, reply, (request.query as Query)['state']);
    if (at === null) {
      logger.info({ requestId: request.id }, 'a sign-in came back that nobody is waiting for');
      return sendProblem(reply, language, 'stale', 400);
    }
    const { as, idToken } = await finish(request, at);
    // Whatever session the browser had ends: a planted one too.
    if (request.person !== null) await sessions.end(request.person, request.id);
    const { token, endsAt, session } = await sessions.open(as, {
      device: deviceOf(request.headers['user-agent']),
      idToken,
      request: request.id,
    });
    right();
    cookies.setSession(reply, token, (endsAt.getTime() - clock.nowMs()) / 1_000);
    logger.info(
      as.kind === 'staff'
        ? { session, staff: as.subject, agency: as.agency, roles: as.roles }
        : { session, kind: as.kind },
      'signed in',
    );
    return reply.redirect(at.next, 303);
  }

  async function signOut(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { person } = request;
    if (person === null) return reply.redirect('/sign-out/done', 303);
    if ((request.body as Query | null)?.['everywhere'] === 'true')
      await sessions.endOthers(person, request.id);
    const { idToken } = await sessions.end(person, request.id);
    cookies.clearSession(reply);
    // What a citizen's app keeps for reading offline goes too: the next person at this browser is another one.
    if (person.kind === 'citizen') reply.header('clear-site-data', '"cache", "storage"');
    logger.info({ session: person.session, kind: person.kind }, 'signed out');
    const origin = originFor(request);
    const there = await signOutThere(person.kind, idToken, origin);
    return there === null
      ? reply.redirect('/sign-out/done', 303)
      : sendSigningOut(reply, languageFor(request), there);
  }

  /** A provider that does not answer keeps nobody signed in here. */
  async function signOutThere(kind: 'staff' | 'citizen', idToken: string | null, origin: string | null) {
    if (origin === null) return null;
    try {
      return (
        (await parts.identities[kind]?.signOutUrl({ idToken, returnTo: `${origin}/sign-out/done` })) ?? null
      );
    } catch {
      logger.warn({ kind }, 'signed out here alone: the identity provider does not answer');
      return null;
    }
  }

  await app.register(async (scope) => {
    await scope.register(formbody, { bodyLimit: 8_192 });
    scope.setErrorHandler(async (error, request, reply) => problemPage(error, request, reply));
    scope.get('/sign-in', open, async (request, reply) => {
      const { as } = request.query as Query;
      if (as === 'staff' || as === 'citizen') return begin(request, reply, as);
      return sendChoice(reply, languageFor(request), localPath((request.query as Query)['next']));
    });
    scope.get('/sign-in/callback', open, callback);
    scope.get('/sign-out', open, async (request, reply) =>
      request.person === null
        ? sendSignedOut(reply, languageFor(request))
        : sendSignOut(reply, languageFor(request), request),
    );
    scope.post('/sign-out', open, signOut);
    scope.get('/sign-out/done', open, async (request, reply) => sendSignedOut(reply, languageFor(request)));
  });
  await mountFiles(app);

  /** What goes wrong here is read by people; what is ours is logged as everywhere. */
  function problemPage(error: unknown, request: FastifyRequest, reply: FastifyReply) {
    if (!(error instanceof AllimError)) throw error;
    const language = languageFor(request);
    logger.info({ requestId: request.id, code: error.code, why: error.message }, 'sign-in refused');
    if (error.code === 'identity-unavailable')
      return sendProblem(reply.header('retry-after', 5), language, 'unavailable', 503);
    if (error.code === 'sign-in-refused') return sendProblem(reply, language, 'refused', 403);
    if (error.code === 'sign-in-failed')
      return sendProblem(
        reply,
        language,
        error.message.endsWith('access_denied') ? 'cancelled' : 'failed',
        400,
      );
    if (error.code === 'csrf-missing') return sendProblem(reply, language, 'stale', 403);
    throw error;
  }
}

const FILES = [
  ['style.css', 'text/css; charset=utf-8'],
  ['continue.js', 'text/javascript; charset=utf-8'],
] as const;

async function mountFiles(app: FastifyInstance): Promise<void> {
  for (const [name, type] of FILES) {
    const content = await readFile(path.join(import.meta.dirname, name));
    app.get(`/sign-in/${name}`, { config: { permission: 'public', person: false } }, async (_, reply) =>
      reply.header('cache-control', 'no-cache').type(type).send(content),
    );
  }
}
