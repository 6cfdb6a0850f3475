/**
 * The HTTP server that plugins and routes are mounted on: request ids, who calls and what they may do, problem documents, headers, limits.
 * Guarantees: a route without a permission cannot be registered; no answer holds a stack; no log line holds a body, an address or a query.
 */
import { randomUUID } from 'node:crypto';
import cookie from '@fastify/cookie';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AllimError, type Fault } from '../../domain/errors.ts';
import { escapePointer } from '../../domain/event-schema.ts';
import type { Logger } from '../../domain/logger.ts';
import { type Credential, mayDo, type Permission, type SignedIn } from '../../producers/credential.ts';
import { decodeJson } from '../../producers/json-body.ts';
import { answerHeaders } from '../pages/headers.ts';
import { checkCsrf } from '../sign-in/csrf.ts';
import { needCitizen, needStaff } from '../sign-in/person.ts';
import { createRecognition, type SignedInParts } from '../sign-in/recognise.ts';
import { discardBody, limitBody } from './body-limits.ts';
import type { Credentials } from './credentials.ts';
import { createFailures } from './failures.ts';
import { PreconditionFailed } from './preconditions.ts';
import { asAllimError, problemOf } from './problems.ts';
import { answerUnreadable } from './unreadable.ts';

export type ServerParts = {
  readonly credentials: Credentials;
  readonly logger: Logger;
  /** With https the browser is told to stay with it. */
  readonly publicUrl?: string;
  /** Addresses and networks of proxies in front, whose X-Forwarded-For says who calls. Nobody else is believed. */
  readonly trustedProxies?: readonly string[];
  /** Wrong credentials from one address within a minute before it is told to wait; 20 unless told. */
  readonly failuresPerMinute?: number;
  /** Who signed in; without it nobody can be. */
  readonly signedIn?: SignedInParts;
};

export type ListedRoute = {
  readonly method: string;
  readonly url: string;
  readonly permission: Permission;
  readonly page: boolean;
};
declare module 'fastify' {
  interface FastifyInstance {
    /** Every route that was registered: what is tried against every role. */
    routeTable: ListedRoute[];
  }
}

/** What asks for a page. */
const SHOWS = new Set(['GET', 'HEAD']);
const BODY_BYTES = 1_048_576;
/** Time for a body, against connections that trickle. */
const BODY_MS = 60_000;
const LONGEST_BODY_MS = 3_600_000;

export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const headers = answerHeaders(parts.publicUrl?.startsWith('https:') ?? false);
  const recognise = parts.signedIn === undefined ? null : createRecognition(parts.signedIn);
  const logger = parts.logger.child({ part: 'http' });
  const app = Fastify({
    // Ours instead of Fastify's: its serializers log addresses, headers and messages of errors.
    logger: false,
    genReqId: () => randomUUID(),
    bodyLimit: BODY_BYTES,
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: true },
    },
    routerOptions: { maxParamLength: 512 },
    trustProxy: parts.trustedProxies?.length ? [...parts.trustedProxies] : false,
    // A path that cannot be decoded never reaches a route or a hook.
    clientErrorHandler: answerUnreadable(headers),
    frameworkErrors: (error, request, reply) => void answer(error, request, reply.headers(headers)),
    // The longest that any route allows; the rest of them is cut off sooner, below.
    requestTimeout: LONGEST_BODY_MS,
  });

  const failures = createFailures(parts.failuresPerMinute ?? 20);
  app.decorateRequest('credential', null);
  app.decorateRequest('person', null);
  app.decorateRequest('csrfToken', null);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => decodeJson(body),
  );

  app.decorate('routeTable', []);
  app.addHook('onRoute', (route) => {
    const { permission, signIn } = route.config ?? {};
    if (permission === undefined) throw new Error(`the route ${route.method} ${route.url} has no permission`);
    for (const method of [route.method].flat())
      app.routeTable.push({ method, url: route.url, permission, page: signIn !== undefined });
  });
  await app.register(cookie);

  app.addHook('onRequest', async (request, reply) => {
    limitBody(request, request.routeOptions.config.bodyMs ?? BODY_MS);
    reply.headers(headers).header('x-request-id', request.id);
    const { permission, person } = request.routeOptions.config;
    // A path that no route has: answered below, whoever asks.
    if (permission === undefined) return;
    const [, token] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
    // A key wins: no browser sends one by itself, so whoever does means it.
    if (token === undefined && person !== false) await lookForPerson(request, reply, permission);
    if (permission === 'public') return;
    if (permission === 'staff') return void needStaff(request);
    if (permission === 'citizen') return void needCitizen(request);
    if (permission === 'person') {
      if (request.person === null) throw new AllimError('unauthorized', 'sign in first');
      return;
    }
    await authorize(request, reply, token, permission);
  });

  async function lookForPerson(
    request: FastifyRequest,
    reply: FastifyReply,
    permission: Permission,
  ): Promise<void> {
    try {
      await recognise?.(request, reply);
    } catch (error) {
      // What is for everybody is there while the database is away.
      if (permission !== 'public') throw error;
    }
  }

  /** By the key, or by the session that gave a credential already. */
  async function authorize(
    request: FastifyRequest,
    reply: FastifyReply,
    token: string | undefined,
    permission: Exclude<Permission, SignedIn>,
  ): Promise<void> {
    if (request.person?.kind === 'citizen')
      throw new AllimError('forbidden', 'this is for staff and for agencies’ systems');
    const credential = request.credential ?? (await credentialOf(token, request.ip, reply));
    if (credential === null) {
      reply.header('www-authenticate', 'Bearer');
      throw new AllimError('unauthorized', 'a valid credential is needed: Authorization: Bearer …');
    }
    if (!mayDo(credential, permission))
      throw new AllimError('forbidden', `this needs the permission "${permission}"`, {
        ids: { caller: credential.id },
      });
    request.credential = credential;
    // A session's is set where the person is found.
    if (request.person === null)
      request.stillAllowed = async () => {
        const now = await parts.credentials.verify(token ?? '').catch(() => null);
        return now !== null && mayDo(now, permission);
      };
  }

  /** Counts before it asks: a guess must not cost a query once there were too many. What was good here before is asked about all the same. */
  async function credentialOf(
    token: string | undefined,
    address: string,
    reply: FastifyReply,
  ): Promise<Credential | null> {
    const known = token === undefined ? 'guess' : parts.credentials.peek(token);
    if (typeof known === 'object') return known;
    const wait = known === 'guess' ? failures.waitSeconds(address) : null;
    if (wait !== null) {
      reply.header('retry-after', wait);
      throw new AllimError('too-many-requests', 'too many wrong credentials came from this address');
    }
    const right = failures.begin(address);
    if (token === undefined) return null;
    try {
      const credential = await parts.credentials.verify(token);
      if (credential !== null) right();
      return credential;
    } catch (error) {
      // A database that is away says nothing about the credential.
      right();
      throw error;
    }
  }

  app.addHook('preValidation', async (request) => checkCsrf(request));

  // Text in an address of ours goes to the database, which cannot hold a NUL; schemas of parameters need not each say so.
  app.addHook('preValidation', async (request) => {
    const faults = [...textFaults('/params', request.params), ...textFaults('/querystring', request.query)];
    if (faults.length > 0)
      throw new AllimError(
        'request-malformed',
        `the address is not readable: ${faults[0]!.pointer} ${faults[0]!.message}`,
        {
          faults,
        },
      );
  });

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    logger.debug(
      {
        requestId: request.id,
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        caller: request.credential?.id ?? null,
      },
      'answered',
    );
  });

  app.setErrorHandler(async (error, request, reply) => answer(error, request, reply));
  app.setNotFoundHandler(async (request, reply) =>
    answer(new AllimError('not-found', 'there is no such path or method'), request, reply),
  );

  async function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const known = asAllimError(error);
    const problem = problemOf(known, request.id);
    const line = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      caller: request.credential?.id ?? null,
      code: problem.code,
      status: problem.status,
      // What is not there is called as whoever asked called it.
      ...(known?.code === 'not-found' ? {} : known?.ids),
    };
    if (problem.status < 500) logger.info(line, 'refused');
    // Of a fault of ours only where it happened: messages of drivers quote values.
    else logger.error({ ...line, ...whereOf(known?.cause ?? error) }, 'failed');
    const { signIn } = request.routeOptions.config;
    if (problem.status === 401 && signIn !== undefined && SHOWS.has(request.method))
      return reply.redirect(`/sign-in?as=${signIn}&next=${encodeURIComponent(request.url)}`, 303);
    if (problem.status === 503 || problem.code === 'idempotency-busy') reply.header('retry-after', 2);
    // Every limit is of a minute where nothing else was said.
    if (problem.status === 429 && !reply.hasHeader('retry-after')) reply.header('retry-after', 60);
    if (known instanceof PreconditionFailed && known.etag !== null) reply.header('etag', known.etag);
    if (problem.status === 413) await discardBody(request);
    return reply.code(problem.status).type('application/problem+json').send(problem);
  }

  return app;
}

function textFaults(at: string, values: unknown): Fault[] {
  const message = 'must not hold NUL characters or lone surrogates';
  return Object.entries((values ?? {}) as Record<string, unknown>)
    .filter(([name, value]) => [name, value].flat().some((text) => !storable(text)))
    .map(([name]) => ({
      pointer: `${at}/${escapePointer(name.toWellFormed().replaceAll('\0', ''))}`,
      message,
    }));
}

function storable(text: unknown): boolean {
  return typeof text !== 'string' || (!text.includes('\0') && text.isWellFormed());
}

function whereOf(error: unknown): { name: string; cause: string | null; at: string[] } {
  const { name, code, stack } = (error ?? {}) as { name?: string; code?: string; stack?: string };
  const frames = (stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: name ?? typeof error,
    cause: code ?? null,
    at: frames.slice(0, 8).map((line) => line.trim()),
  };
}
