/**
 * An OpenID Connect provider in this very process, below `/identity`, standing for an agency's and for Mobile ID: for demonstrations and tests,
 * refused in production. It is spoken to as any other, over HTTP. It remembers nobody: each sign-in asks who one is, so that one person
 * can be the author and then the approver.
 */
import type { IncomingMessage } from 'node:http';
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
// The package's front warns of every Node that is not yet called LTS; this is what stands behind it.
import { type Context, type GrantContext, type Interaction, Provider } from 'oidc-provider/lib/provider.js';
import type { Logger } from '../../domain/logger.ts';
import { createFailures } from '../api/failures.ts';
import { pagePolicy } from '../pages/headers.ts';
import { type BundledAccount, citizenAccount, claimsOf, STAFF_ACCOUNTS } from './bundled-accounts.ts';
import { accountForm, signOutForm } from './bundled-page.ts';
import { createMemoryAdapter } from './memory-adapter.ts';
import { sendSignInPage, signInHtml } from './page.ts';
import { equalTexts } from './secrets.ts';
import { SIGN_IN_WORDS, type SignInLanguage, signInLanguage } from './words.ts';

export const BUNDLED_PATH = '/identity';
export const BUNDLED_CLIENTS = { staff: 'allim-staff', citizen: 'allim-citizens' } as const;

export type BundledKeys = {
  /** Private, to sign id tokens: JWKs. */
  readonly jwks: readonly object[];
  readonly cookieKeys: readonly string[];
  readonly clientSecret: string;
  /** Of every account; shown on the front page of the demonstration. */
  readonly password: string;
};

export type BundledParts = {
  readonly keys: BundledKeys;
  /** Known once the server listens. */
  readonly issuer: () => string;
  /** Under which the application is opened: where sign-in may lead back to. */
  readonly origins: () => readonly string[];
  readonly citizens: () => readonly BundledAccount[];
  readonly isCitizen: (id: string) => Promise<boolean>;
  readonly agencyName: (agency: string, language: SignInLanguage) => string;
  readonly logger: Logger;
  /** Wrong passwords from one address within a minute; 10 unless told. */
  readonly failuresPerMinute?: number;
};

const LOGIN_S = 600;
const DAY_S = 86_400;

function clientOf(parts: BundledParts, kind: 'staff' | 'citizen'): object {
  return {
    client_id: BUNDLED_CLIENTS[kind],
    client_secret: parts.keys.clientSecret,
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: parts.origins().map((origin) => `${origin}/sign-in/callback`),
    post_logout_redirect_uris: parts.origins().map((origin) => `${origin}/sign-out/done`),
  };
}

function languageOf({ req, oidc }: Context): SignInLanguage {
  return signInLanguage(oidc.params?.['ui_locales'], req.headers['accept-language']);
}

function createProvider(parts: BundledParts, find: (id: string) => Promise<BundledAccount | null>): Provider {
  const provider: Provider = new Provider(parts.issuer(), {
    adapter: adapterClass(),
    clients: [clientOf(parts, 'staff'), clientOf(parts, 'citizen')],
    jwks: { keys: parts.keys.jwks },
    cookies: {
      keys: parts.keys.cookieKeys,
      names: { session: 'allim-identity', interaction: 'allim-identity-i', resume: 'allim-identity-r' },
      long: { httpOnly: true, sameSite: 'lax', signed: true },
      short: { httpOnly: true, sameSite: 'lax', signed: true },
    },
    scopes: ['openid'],
    claims: { openid: ['sub', 'name', 'agency', 'roles'] },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx: Context, form: string) => {
          const language = languageOf(ctx);
          ctx.body = signInHtml({
            language,
            title: SIGN_IN_WORDS[language].signOut,
            badge: SIGN_IN_WORDS[language].demonstration,
            main: signOutForm(language, { markup: form }),
            head: { markup: '<script src="/sign-in/continue.js" defer></script>' },
          });
        },
        postLogoutSuccessSource: (ctx: Context) => renderProblem(ctx, 'signedOut'),
      },
      userinfo: { enabled: false },
    },
    interactions: { url: (_: Context, { uid }: Interaction) => `${BUNDLED_PATH}/interaction/${uid}` },
    async findAccount(_: Context, id: string) {
      const account = await find(id);
      return account === null ? undefined : { accountId: id, claims: async () => claimsOf(account, 'ko') };
    },
    // Both clients are ours: nobody is asked whether Allim may know who they are.
    async loadExistingGrant({ oidc }: GrantContext) {
      const grant = new provider.Grant({
        accountId: oidc.session.accountId,
        clientId: oidc.client.clientId,
      });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
    renderError: (ctx: Context) => renderProblem(ctx, 'failed'),
    ttl: { Interaction: LOGIN_S, Session: DAY_S, Grant: DAY_S, IdToken: LOGIN_S, AccessToken: LOGIN_S },
  });
  // Behind a proxy or not, the scheme is that of the issuer; `mount` says so, whatever the caller claims.
  provider.proxy = true;
  provider.on('server_error', (_, error) =>
    parts.logger.warn(
      { error: error instanceof Error ? error.name : 'unknown' },
      'the bundled provider failed',
    ),
  );
  return provider;
}

/** oidc-provider takes a class or a function that makes one a kind. */
function adapterClass(): (kind: string) => object {
  const make = createMemoryAdapter();
  return (kind) => make(kind);
}

function renderProblem(ctx: Context, problem: 'failed' | 'signedOut'): void {
  const language = languageOf(ctx);
  const words = SIGN_IN_WORDS[language];
  const { title, text } =
    problem === 'failed' ? words.problems.stale : { title: words.signedOut, text: words.signedOutLead };
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = signInHtml({
    language,
    title,
    badge: words.demonstration,
    main: {
      markup: `<p class="lead">${text}</p><p class="actions"><a class="button" href="/">${words.home}</a></p>`,
    },
  });
}

/** The account and the password as they were typed; a typed account wins over a chosen one. */
function readForm(body: unknown): { account: string; password: string } {
  const { account, typed, password } = (body ?? {}) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value.trim() : '');
  return { account: text(typed) || text(account), password: text(password) };
}

/** Mounts it. What it answers has the headers of a page; what it is asked has its own paths, cookies and limits. */
export async function mountBundledProvider(app: FastifyInstance, parts: BundledParts): Promise<void> {
  const failures = createFailures(parts.failuresPerMinute ?? 10);
  let made: { readonly provider: Provider; readonly handle: ReturnType<Provider['callback']> } | undefined;

  async function find(id: string): Promise<BundledAccount | null> {
    const known = [...STAFF_ACCOUNTS, ...parts.citizens()].find((account) => account.id === id);
    return known ?? ((await parts.isCitizen(id)) ? citizenAccount(id) : null);
  }
  function running() {
    if (made === undefined) {
      const provider = createProvider(parts, find);
      made = { provider, handle: provider.callback() };
    }
    return made;
  }
  const policy = () => pagePolicy({ formsTo: parts.origins() });

  async function form(
    request: FastifyRequest,
    reply: FastifyReply,
    details: Interaction,
    wrong: string | null,
    status = 200,
  ): Promise<FastifyReply> {
    const language = signInLanguage(details.params['ui_locales'], request.headers['accept-language']);
    const words = SIGN_IN_WORDS[language];
    const kind = details.params['client_id'] === BUNDLED_CLIENTS.staff ? 'staff' : 'citizen';
    return sendSignInPage(reply, {
      language,
      title: words.signIn,
      badge: words.demonstration,
      status,
      needs: { formsTo: parts.origins() },
      main: accountForm({
        language,
        kind,
        accounts: kind === 'staff' ? STAFF_ACCOUNTS : parts.citizens(),
        agencyName: (agency) => parts.agencyName(agency, language),
        chosen: wrong ?? details.params['login_hint'] ?? null,
        wrong: wrong !== null,
      }),
    });
  }

  /** The interaction under way, or a page that says there is none. */
  async function interaction(request: FastifyRequest, reply: FastifyReply): Promise<Interaction | null> {
    try {
      return await running().provider.interactionDetails(request.raw, reply.raw);
    } catch {
      const language = signInLanguage(undefined, request.headers['accept-language']);
      const words = SIGN_IN_WORDS[language];
      await sendSignInPage(reply, {
        language,
        title: words.problems.stale.title,
        status: 400,
        main: {
          markup: `<p class="lead">${words.problems.stale.text}</p><p class="actions"><a class="button" href="/sign-in">${words.again}</a></p>`,
        },
      });
      return null;
    }
  }

  const open = { config: { permission: 'public', person: false } } as const;
  await app.register(async (scope) => {
    await scope.register(formbody, { bodyLimit: 8_192 });
    scope.get(`${BUNDLED_PATH}/interaction/:uid`, open, async (request, reply) => {
      const details = await interaction(request, reply);
      return details === null ? reply : form(request, reply, details, null);
    });
    scope.post(`${BUNDLED_PATH}/interaction/:uid`, open, async (request, reply) => {
      const details = await interaction(request, reply);
      if (details === null) return reply;
      const wait = failures.waitSeconds(request.ip);
      const { account, password } = readForm(request.body);
      if (wait !== null) return form(request, reply.header('retry-after', wait), details, account, 429);
      const right = failures.begin(request.ip);
      const kind = details.params['client_id'] === BUNDLED_CLIENTS.staff ? 'staff' : 'citizen';
      const found = equalTexts(password, parts.keys.password) ? await find(account) : null;
      if (found?.kind !== kind) return form(request, reply, details, account, 401);
      right();
      const { provider } = running();
      const to = await provider.interactionResult(request.raw, reply.raw, {
        login: { accountId: found.id, remember: false },
      });
      // Last: until then the provider holds the interaction against the one who was signed in before.
      await forget(provider, details);
      return reply.header('content-security-policy', policy()).redirect(to, 303);
    });
  });
  await app.register(async (scope) => {
    // It reads bodies itself.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _body, done) => done(null));
    const handler = async (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.raw.setHeader('content-security-policy', policy());
      await running().handle(asIssuer(request.raw, parts.issuer()), reply.raw);
    };
    scope.route({ method: ['GET', 'POST', 'OPTIONS'], url: `${BUNDLED_PATH}/*`, ...open, handler });
  });
}

/** Whoever was signed in before: a second person in the same browser is nobody's surprise here. */
async function forget(provider: Provider, { session }: Interaction): Promise<void> {
  if (session?.uid === undefined) return;
  const stored = await provider.Session.findByUid(session.uid);
  if (stored === undefined) return;
  delete stored['accountId'];
  delete stored['authorizations'];
  await stored.persist();
}

/** As if it had come to the issuer's own address: what is made of the request are links there. */
function asIssuer(raw: IncomingMessage, issuer: string): IncomingMessage {
  const { host, protocol } = new URL(issuer);
  raw.headers.host = host;
  delete raw.headers['x-forwarded-host'];
  raw.headers['x-forwarded-proto'] = protocol.slice(0, -1);
  const url = raw.url ?? '/';
  Object.assign(raw, { originalUrl: url, url: url.slice(BUNDLED_PATH.length) || '/' });
  return raw;
}
