/**
 * The one file that knows `openid-client`: OpenID Connect by discovery, authorization code with PKCE, state and nonce; the id token's
 * signature, issuer, audience, times and nonce are checked by it, with half a minute between two clocks. A provider that cannot be reached is
 * asked again at the next sign-in.
 */
import * as oidc from 'openid-client';
import { AllimError } from '../../domain/errors.ts';
import type { Claims } from './claims.ts';

export type IdentitySettings = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
  /** Where our requests to it go, in place of the network: the bundled provider is this very process. */
  readonly fetch?: (url: string, options: RequestInit) => Promise<Response>;
  /** Asks for the person at each sign-in, even where the provider still knows one. */
  readonly prompt?: 'login';
};

export type Begun = {
  readonly url: URL;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
};
export type Finished = { readonly claims: Claims; readonly idToken: string };

export interface Identity {
  begin(given: {
    readonly redirectUri: string;
    readonly locale: string;
    readonly account: string | null;
  }): Promise<Begun>;
  /** `callback` is the address that the browser came back to, as `redirectUri` was. Throws `sign-in-failed`. */
  finish(
    given: Pick<Begun, 'state' | 'nonce' | 'verifier'> & {
      readonly callback: URL;
      readonly wants: readonly string[];
    },
  ): Promise<Finished>;
  /** Where the browser goes to sign out there as well; null where the provider has no such address. */
  signOutUrl(given: { readonly idToken: string | null; readonly returnTo: string }): Promise<URL | null>;
}

const CLOCK_TOLERANCE_S = 30;
const TIMEOUT_S = 10;
/** Endpoints of a provider may move; keys are looked up anew by themselves. */
const DISCOVER_AGAIN_MS = 24 * 3_600_000;

function failed(cause: unknown): AllimError {
  if (cause instanceof oidc.AuthorizationResponseError)
    return new AllimError('sign-in-failed', `the identity provider said: ${plain(cause.error)}`, { cause });
  if (cause instanceof oidc.ClientError || cause instanceof oidc.ResponseBodyError)
    return new AllimError('sign-in-failed', 'what the identity provider said does not hold', { cause });
  return unavailable(cause);
}

function unavailable(cause: unknown): AllimError {
  return new AllimError('identity-unavailable', 'the identity provider does not answer as it should', {
    cause,
  });
}

/** Codes of RFC 6749 are such; anything else is not ours to repeat. */
const plain = (code: string): string => (/^[a-z_]{1,40}$/.test(code) ? code : 'an error');

export function createIdentity(settings: IdentitySettings): Identity {
  const { issuer, clientId, clientSecret } = settings;
  let known: { readonly config: oidc.Configuration; readonly untilMs: number } | undefined;
  let asking: Promise<oidc.Configuration> | undefined;

  async function discover(): Promise<oidc.Configuration> {
    // Only where the issuer itself is plain http, which production refuses and the bundled provider is.
    const insecure = new URL(issuer).protocol === 'http:';
    const prepare = [
      ...(insecure ? [oidc.allowInsecureRequests] : []),
      (config: oidc.Configuration) => {
        config.timeout = TIMEOUT_S;
        if (settings.fetch !== undefined) config[oidc.customFetch] = settings.fetch as oidc.CustomFetch;
      },
    ];
    const options = {
      timeout: TIMEOUT_S,
      execute: prepare,
      ...(settings.fetch === undefined ? {} : { [oidc.customFetch]: settings.fetch as oidc.CustomFetch }),
    };
    const metadata = { [oidc.clockTolerance]: CLOCK_TOLERANCE_S };
    const found = await oidc.discovery(new URL(issuer), clientId, metadata, undefined, options);
    const server = found.serverMetadata();
    // Basic is what every provider takes where it says nothing (OpenID Connect Discovery, section 3).
    const posts = server.token_endpoint_auth_methods_supported?.includes('client_secret_post') ?? false;
    const auth = (posts ? oidc.ClientSecretPost : oidc.ClientSecretBasic)(clientSecret);
    const config = new oidc.Configuration(server, clientId, metadata, auth);
    for (const step of prepare) step(config);
    return config;
  }

  async function configuration(): Promise<oidc.Configuration> {
    if (known !== undefined && known.untilMs > performance.now()) return known.config;
    asking ??= discover().finally(() => {
      asking = undefined;
    });
    try {
      known = { config: await asking, untilMs: performance.now() + DISCOVER_AGAIN_MS };
    } catch (cause) {
      // What was found yesterday still serves.
      if (known === undefined) throw unavailable(cause);
    }
    return known.config;
  }

  return {
    async begin({ redirectUri, locale, account }) {
      const config = await configuration();
      const verifier = oidc.randomPKCECodeVerifier();
      const state = oidc.randomState();
      const nonce = oidc.randomNonce();
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: settings.scope,
        code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
        nonce,
        ui_locales: locale,
        ...(settings.prompt === undefined ? {} : { prompt: settings.prompt }),
        ...(account === null ? {} : { login_hint: account }),
      });
      return { url, state, nonce, verifier };
    },

    async finish({ callback, state, nonce, verifier, wants }) {
      const config = await configuration();
      try {
        const tokens = await oidc.authorizationCodeGrant(config, callback, {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        const claims: Claims = { ...tokens.claims() };
        const idToken = tokens.id_token ?? '';
        const complete = wants.every((name) => Object.hasOwn(claims, name.split('.')[0]!));
        if (complete || config.serverMetadata().userinfo_endpoint === undefined) return { claims, idToken };
        // Some tell there what they do not put into the token. It must speak of the same person.
        const more = await oidc.fetchUserInfo(config, tokens.access_token, String(claims['sub']));
        return { claims: { ...more, ...claims }, idToken };
      } catch (cause) {
        throw failed(cause);
      }
    },

    async signOutUrl({ idToken, returnTo }) {
      const config = await configuration();
      if (config.serverMetadata().end_session_endpoint === undefined) return null;
      return oidc.buildEndSessionUrl(config, {
        post_logout_redirect_uri: returnTo,
        ...(idToken === null ? {} : { id_token_hint: idToken }),
      });
    },
  };
}
