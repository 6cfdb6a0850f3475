/** What a Redis says of itself and its settings: for the doctor. Reads only. */
import { Redis } from 'ioredis';

export type RedisFacts = {
  readonly version: string;
  readonly clockMs: number;
  readonly maxmemory: number;
  readonly policy: string;
  readonly usedMemory: number;
  readonly appendOnly: boolean;
  readonly role: string;
  /** The account we are; null where the server tells nobody. */
  readonly account: string | null;
};

export async function readRedisFacts(url: string, timeoutMs: number): Promise<RedisFacts> {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    retryStrategy: () => null,
    disconnectTimeout: 200,
  });
  let last: Error | undefined;
  // The reason of a refusal comes here; `connect` itself says only that the connection is closed.
  redis.on('error', (error) => {
    last = error;
  });
  try {
    await redis.connect().catch((error: unknown) => {
      throw last ?? error;
    });
    const info = await redis.info();
    const value = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    const [seconds, micros] = await redis.time();
    const account = await redis.acl('WHOAMI').then(
      (name) => String(name),
      () => null,
    );
    return {
      version: value('redis_version'),
      clockMs: Number(seconds) * 1_000 + Number(micros) / 1_000,
      maxmemory: Number(value('maxmemory')),
      policy: value('maxmemory_policy'),
      usedMemory: Number(value('used_memory')),
      appendOnly: value('aof_enabled') === '1',
      role: value('role'),
      account,
    };
  } finally {
    redis.disconnect();
  }
}
