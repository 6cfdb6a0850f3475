/**
 * Where the bundled provider keeps what it has under way: in this process, for as long as it lives. Enough for a demonstration, whose
 * sessions of our own stand in Postgres.
 */
import { LRUCache } from 'lru-cache';

type Payload = Record<string, unknown> & { grantId?: string; uid?: string; userCode?: string };

const MOST = 10_000;

/** One store for all kinds; oidc-provider makes an adapter a kind. */
export function createMemoryAdapter(): (kind: string) => object {
  const store = new LRUCache<string, Payload>({ max: MOST, ttlAutopurge: false });
  return (kind) => {
    const key = (id: string) => `${kind}:${id}`;
    const byUid = (uid: string) => `${kind}-uid:${uid}`;
    return {
      async upsert(id: string, payload: Payload, expiresIn?: number) {
        const life = expiresIn === undefined ? {} : { ttl: Math.max(1, expiresIn) * 1_000 };
        store.set(key(id), payload, life);
        if (payload.uid !== undefined) store.set(byUid(payload.uid), { id }, life);
      },
      find: async (id: string) => store.get(key(id)),
      async findByUid(uid: string) {
        const id = store.get(byUid(uid))?.['id'];
        return typeof id === 'string' ? store.get(key(id)) : undefined;
      },
      findByUserCode: async () => undefined,
      async destroy(id: string) {
        store.delete(key(id));
      },
      async consume(id: string) {
        const found = store.get(key(id));
        if (found !== undefined) found['consumed'] = Math.floor(Date.now() / 1_000);
      },
      async revokeByGrantId(grantId: string) {
        for (const [name, payload] of store.entries()) if (payload.grantId === grantId) store.delete(name);
      },
    };
  };
}
