/**
 * A sign-in between leaving for the identity provider and coming back. Kept in the database under the hash of its state, and taken once;
 * bound to the browser that began it by a cookie of its own, so that nobody is signed in as somebody else by following a link.
 */
import { hash, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { type SignedInKind, saveSignIn, takeSignIn } from '../../store/signed-in.ts';
import type { Cookies } from './cookies.ts';

export type UnderWay = {
  readonly kind: SignedInKind;
  readonly verifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
  readonly next: string;
};

const LIFE_MS = 600_000;
const PURPOSE = 'sign-in';
const STATE = /^[A-Za-z0-9_-]{20,128}$/;
const sha256 = (text: string) => hash('sha256', text, 'buffer');
/** Several tabs may be on their way at once; each has its cookie. */
const markOf = (state: string) => state.slice(0, 8);

export type SignInsUnderWay = {
  begin(reply: FastifyReply, state: string, underWay: UnderWay): Promise<void>;
  /** null where it was ended already, is too old, was never begun, or was begun elsewhere. */
  take(request: FastifyRequest, reply: FastifyReply, state: unknown): Promise<UnderWay | null>;
};

export function createSignInsUnderWay(parts: {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly cookies: Cookies;
}): SignInsUnderWay {
  const { pool, clock, sealer, cookies } = parts;
  return {
    async begin(reply, state, { kind, ...secrets }) {
      const browser = randomBytes(32).toString('base64url');
      await saveSignIn(pool, {
        stateHash: sha256(state),
        browserHash: sha256(browser),
        kind,
        secrets: sealer.seal(PURPOSE, JSON.stringify(secrets)),
        createdAt: new Date(clock.nowMs()),
      });
      cookies.setBrowser(reply, markOf(state), browser, LIFE_MS / 1_000);
    },
    async take(request, reply, state) {
      if (typeof state !== 'string' || !STATE.test(state)) return null;
      const browser = cookies.browser(request, markOf(state));
      if (browser === undefined) return null;
      cookies.clearBrowser(reply, markOf(state));
      const row = await takeSignIn(pool, sha256(state), sha256(browser));
      if (row === undefined || row.createdAt.getTime() < clock.nowMs() - LIFE_MS) return null;
      const secrets = JSON.parse(sealer.open(PURPOSE, row.secrets).toString()) as Omit<UnderWay, 'kind'>;
      return { kind: row.kind, ...secrets };
    },
  };
}
