/**
 * Who calls: the administrator by the token in the data folder, agencies by keys that were issued to them. A key is shown once; what is
 * kept is its hash. Comparisons take the same time wherever two hashes differ.
 */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import type { Sql, SqlPool } from '../../domain/sql.ts';
import { type Credential, rightsOfKey, type Scope } from '../../producers/credential.ts';
import { type ApiKey, findApiKey, saveApiKey } from '../../store/api-keys.ts';

export interface Credentials {
  /**
   * Whose token it is without asking the database; `ask` where only it can tell, and the token was good here before; `guess` where nothing
   * speaks for it.
   */
  peek(token: string): Credential | 'ask' | 'guess';
  /** null where the token is nobody's, or was revoked or has expired (within 5 s). */
  verify(token: string): Promise<Credential | null>;
}

const REMEMBER_MS = 5_000;
/** How many keys that were good once are remembered as such, so that a guesser at the same address does not shut them out. */
const ONCE_GOOD = 10_000;
/** As issueKey makes them: what looks otherwise is nobody's. */
const KEY = /^allim_[A-Za-z0-9_-]{43}$/;
const ADMINISTRATOR: Credential = { id: 'administrator', agency: null, scopes: [], sources: [] };

const sha256 = (text: string) => hash('sha256', text, 'buffer');

/** What a key is called in logs and when it is revoked: 12 hex digits of its hash. */
export const keyName = (keyHash: Buffer) => keyHash.subarray(0, 6).toString('hex');

export function createCredentials(parts: {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly administratorToken: string;
}): Credentials {
  const administrator = sha256(parts.administratorToken);
  // Keyed by hash: a heap dump shows no key that works.
  const known = new LRUCache<string, { readonly credential: Credential; readonly expiresMs: number }>({
    max: 1_000,
    ttl: REMEMBER_MS,
  });
  const onceGood = new LRUCache<string, true>({ max: ONCE_GOOD });

  function remembered(given: Buffer): Credential | undefined {
    if (timingSafeEqual(given, administrator)) return ADMINISTRATOR;
    const found = known.get(given.toString('hex'));
    return found !== undefined && found.expiresMs > parts.clock.nowMs() ? found.credential : undefined;
  }

  return {
    peek(token) {
      const given = sha256(token);
      return remembered(given) ?? (onceGood.has(given.toString('hex')) ? 'ask' : 'guess');
    },
    async verify(token) {
      const given = sha256(token);
      const found = remembered(given);
      if (found !== undefined) return found;
      if (!KEY.test(token)) return null;
      const name = given.toString('hex');
      const key = await findApiKey(parts.pool, given, parts.clock.nowMs());
      if (key === undefined || !timingSafeEqual(key.keyHash, given)) {
        onceGood.delete(name);
        return null;
      }
      const credential: Credential = {
        id: `key:${keyName(given)}`,
        agency: key.agency,
        scopes: rightsOfKey(key.scopes as readonly Scope[]),
        sources: key.sources,
      };
      onceGood.set(name, true);
      known.set(name, { credential, expiresMs: key.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY });
      return credential;
    },
  };
}

/** Makes a key for an agency. The key is in the answer and nowhere else. Throws `agency-unknown`. */
export async function issueKey(sql: Sql, key: ApiKey): Promise<{ key: string; name: string }> {
  const secret = `allim_${randomBytes(32).toString('base64url')}`;
  const keyHash = sha256(secret);
  if (!(await saveApiKey(sql, keyHash, key)))
    throw new AllimError('agency-unknown', `no agency ${key.agency} is known`, {
      ids: { agency: key.agency },
    });
  return { key: secret, name: keyName(keyHash) };
}
