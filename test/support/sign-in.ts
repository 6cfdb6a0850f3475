/** Sign-in as it is mounted outside production, on a port of its own: the bundled provider, sessions, and some routes to be allowed on. */
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import { createSealer } from '../../domain/sealing.ts';
import { createCredentials } from '../../web/api/credentials.ts';
import { createServer } from '../../web/api/server.ts';
import { citizenAccount } from '../../web/sign-in/bundled-accounts.ts';
import {
  BUNDLED_CLIENTS,
  BUNDLED_PATH,
  type BundledKeys,
  mountBundledProvider,
} from '../../web/sign-in/bundled-provider.ts';
import { createCookies } from '../../web/sign-in/cookies.ts';
import { createIdentity, type Identity } from '../../web/sign-in/identity.ts';
import { mountOwnSessions } from '../../web/sign-in/own-sessions.ts';
import { mountSignIn, type SignInParts } from '../../web/sign-in/routes.ts';
import { createSessions, type Sessions } from '../../web/sign-in/sessions.ts';
import { type Browser, createBrowser } from './browser.ts';
import { createLogCapture } from './http.ts';
import { createDatabase, type TestDatabase } from './postgres.ts';

export const PASSWORD = 'abcd-efgh-jkmn';
export const CITIZEN = 'c-test-1';
export const ADMINISTRATOR = 'allim_admin_for-tests-0123456789abcdef';

export function testKeys(): BundledKeys {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    jwks: [{ ...privateKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'ES256' }],
    cookieKeys: ['only for tests'],
    clientSecret: 'secret-of-the-tests-0123456789',
    password: PASSWORD,
  };
}

export type SignInServer = {
  readonly app: FastifyInstance;
  readonly url: string;
  readonly database: TestDatabase;
  readonly sessions: Sessions;
  readonly lines: readonly string[];
  /** Moves the clock that sessions go by. */
  pass(ms: number): void;
  /** Through the provider's page to `next`, with the cookies of the browser that is given. */
  signIn(account: string, given?: { browser?: Browser; next?: string; password?: string }): Promise<Browser>;
  close(): Promise<void>;
};

export async function createSignInServer(
  options: {
    readonly limits?: NonNullable<SignInParts['limits']>;
    readonly identities?: (url: () => string) => SignInParts['identities'];
    readonly failuresPerMinute?: number;
    readonly mount?: (app: FastifyInstance, database: TestDatabase) => Promise<void> | void;
  } = {},
): Promise<SignInServer> {
  const database = await createDatabase({ max: 8 });
  const { pool } = database;
  let shiftMs = 0;
  const clock: Clock = { nowMs: () => Date.now() + shiftMs };
  const { logger, lines } = createLogCapture();
  const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  const sessions = createSessions({ pool, clock, sealer, logger });
  const signedIn = { sessions, cookies: createCookies(false), clock };
  const credentials = createCredentials({ pool, clock, administratorToken: ADMINISTRATOR });
  const app = await createServer({ credentials, logger, signedIn });
  let at = '';
  const url = () => at;
  const keys = testKeys();
  const port = () => new URL(at).port;
  await mountBundledProvider(app, {
    keys,
    issuer: () => `${at}${BUNDLED_PATH}`,
    origins: () => [at, `http://localhost:${port()}`],
    citizens: () => [citizenAccount(CITIZEN)],
    isCitizen: async () => false,
    agencyName: (agency) => agency,
    logger,
    ...(options.failuresPerMinute === undefined ? {} : { failuresPerMinute: options.failuresPerMinute }),
  });
  const made = new Map<string, Identity>();
  const identityOf = (kind: 'staff' | 'citizen'): Identity => {
    const known = made.get(kind);
    if (known !== undefined) return known;
    const fresh = createIdentity({
      issuer: `${at}${BUNDLED_PATH}`,
      clientId: BUNDLED_CLIENTS[kind],
      clientSecret: keys.clientSecret,
      scope: 'openid',
      prompt: 'login',
    });
    made.set(kind, fresh);
    return fresh;
  };
  const later = (kind: 'staff' | 'citizen'): Identity => ({
    begin: (given) => identityOf(kind).begin(given),
    finish: (given) => identityOf(kind).finish(given),
    signOutUrl: (given) => identityOf(kind).signOutUrl(given),
  });
  await mountSignIn(app, {
    ...signedIn,
    pool,
    sealer,
    logger,
    identities: options.identities?.(url) ?? { staff: later('staff'), citizen: later('citizen') },
    claimNames: { agency: 'agency', roles: 'roles', rolePrefix: '', citizen: 'sub' },
    isAgency: (id) => ['nhis', 'nts'].includes(id),
    citizenLocale: async () => null,
    publicUrl: null,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  mountOwnSessions(app, sessions);
  await options.mount?.(app, database);
  await app.listen({ host: '127.0.0.1', port: 0 });
  at = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

  return {
    app,
    url: at,
    database,
    sessions,
    lines,
    pass: (ms) => {
      shiftMs += ms;
    },
    async signIn(account, { browser = createBrowser(), next = '/api/v1/session', password = PASSWORD } = {}) {
      const as = account.startsWith('c-') ? 'citizen' : 'staff';
      const form = await browser.visit(`${at}/sign-in?as=${as}&next=${encodeURIComponent(next)}`);
      await browser.visit(form.url, { form: { account, password } });
      return browser;
    },
    async close() {
      await app.close();
      await database.drop();
    },
  };
}
