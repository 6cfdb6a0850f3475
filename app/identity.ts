/** Who vouches for people: the providers that are configured, else the bundled one, whose keys and password lie in the data folder. */
import { generateKeyPairSync, randomBytes, randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { AllimError } from '../domain/errors.ts';
import { citizenLocale, isCitizen } from '../store/people-known.ts';
import {
  BUNDLED_CLIENTS,
  BUNDLED_PATH,
  type BundledKeys,
  mountBundledProvider,
} from '../web/sign-in/bundled-provider.ts';
import type { ClaimNames } from '../web/sign-in/claims.ts';
import { createCookies } from '../web/sign-in/cookies.ts';
import { createIdentity, type Identity } from '../web/sign-in/identity.ts';
import { mountOwnSessions } from '../web/sign-in/own-sessions.ts';
import type { SignedInParts } from '../web/sign-in/recognise.ts';
import { mountSignIn } from '../web/sign-in/routes.ts';
import { createSessions } from '../web/sign-in/sessions.ts';
import type { Context } from './context.ts';
import { demonstrationCast } from './demonstration-cast.ts';
import { generated } from './secrets.ts';

/** Without letters and digits that look alike; some 58 bits. */
const LEGIBLE = 'abcdefghjkmnpqrstuvwxyz23456789';
const BUNDLED_CLAIMS: ClaimNames = { agency: 'agency', roles: 'roles', rolePrefix: '', citizen: 'sub' };

function legiblePassword(): string {
  const group = () => Array.from({ length: 4 }, () => LEGIBLE[randomInt(LEGIBLE.length)]).join('');
  return `${group()}-${group()}-${group()}`;
}

function signingKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomBytes(8).toString('hex');
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' });
}

/** Made once, each a file of the data folder, 0600. */
export async function bundledKeys(context: Pick<Context, 'config' | 'logger'>): Promise<BundledKeys> {
  const folder = path.join(context.config.dataDir, 'identity');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const kept = (name: string, draw?: () => string) =>
    generated(path.join(folder, name), context.logger, draw);
  const jwk = await kept('signing-key.json', signingKey);
  try {
    return {
      jwks: [JSON.parse(jwk) as object],
      cookieKeys: [await kept('cookie-key')],
      clientSecret: await kept('client-secret'),
      password: await kept('password', legiblePassword),
    };
  } catch (cause) {
    throw new AllimError('config-invalid', `${folder}/signing-key.json is broken: remove it`, { cause });
  }
}

export type SignIn = {
  readonly signedIn: SignedInParts;
  /** null where real providers are configured. */
  readonly password: string | null;
  mount(app: FastifyInstance, url: () => string): Promise<void>;
};

export async function createSignIn(context: Context): Promise<SignIn> {
  const { config, pool, clock, sealer, logger } = context;
  const secure = config.publicUrl?.startsWith('https:') ?? false;
  const cookies = createCookies(secure);
  const signedIn = { sessions: createSessions({ pool, clock, sealer, logger }), cookies, clock };
  const keys = config.oidc === null ? await bundledKeys(context) : null;
  return {
    signedIn,
    password: keys?.password ?? null,
    async mount(app, url) {
      const identities =
        config.oidc === null || keys === null
          ? bundledIdentities(context, keys!, url)
          : { staff: createIdentity(config.oidc.staff), citizen: createIdentity(config.oidc.citizen) };
      if (keys !== null) await mountBundled(app, context, keys, url);
      await mountSignIn(app, {
        ...signedIn,
        pool,
        sealer,
        logger,
        identities,
        claimNames: config.oidc?.claims ?? BUNDLED_CLAIMS,
        isAgency: (id) => context.catalogue.current().agencies.has(id),
        citizenLocale: (id) => citizenLocale(pool, id),
        publicUrl: config.publicUrl,
      });
      mountOwnSessions(app, signedIn.sessions);
    },
  };
}

const originOf = ({ config }: Context, url: () => string): string => config.publicUrl ?? url();

/** Spoken to as any other provider; the requests stay in this machine, whatever name it is reached by. */
function bundledIdentities(
  context: Context,
  keys: BundledKeys,
  url: () => string,
): Record<'staff' | 'citizen', Identity> {
  const made: Partial<Record<'staff' | 'citizen', Identity>> = {};
  const of = (kind: 'staff' | 'citizen'): Identity => {
    const origin = originOf(context, url);
    made[kind] ??= createIdentity({
      issuer: `${origin}${BUNDLED_PATH}`,
      clientId: BUNDLED_CLIENTS[kind],
      clientSecret: keys.clientSecret,
      scope: 'openid',
      prompt: 'login',
      fetch: (address, options) => fetch(address.replace(origin, url()), options),
    });
    return made[kind];
  };
  // The port is known once the server listens.
  const later = (kind: 'staff' | 'citizen'): Identity => ({
    begin: (given) => of(kind).begin(given),
    finish: (given) => of(kind).finish(given),
    signOutUrl: (given) => of(kind).signOutUrl(given),
  });
  return { staff: later('staff'), citizen: later('citizen') };
}

function mountBundled(app: FastifyInstance, context: Context, keys: BundledKeys, url: () => string) {
  const { config, pool, logger, catalogue } = context;
  if (config.env === 'production')
    throw new AllimError('config-invalid', 'the bundled identity provider is not for production');
  const issuer = () => `${originOf(context, url)}${BUNDLED_PATH}`;
  return mountBundledProvider(app, {
    keys,
    issuer,
    origins() {
      if (config.publicUrl !== null) return [config.publicUrl];
      const { port } = new URL(url());
      return ['127.0.0.1', 'localhost', '[::1]'].map((host) => `http://${host}:${port}`);
    },
    citizens: () => demonstrationCast().members,
    isCitizen: (id) => isCitizen(pool, id),
    agencyName(agency, language) {
      const name = catalogue.current().agencies.get(agency)?.name;
      return name?.[language] ?? name?.['en'] ?? agency;
    },
    logger,
  });
}
