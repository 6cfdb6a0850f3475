/** What happens to the queue's store. The ledger knows what is queued, so whatever Redis forgets or remembers wrongly costs seconds. */
import { copyFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Fault, Stage } from './fault.ts';
import { outage, whole, within } from './outage.ts';

const WHOLE = '1gb';

async function usedBytes(stage: Stage): Promise<number> {
  const info = String(await stage.services.redis.command(['INFO', 'memory']));
  return Number(/used_memory:(\d+)/.exec(info)?.[1] ?? 0);
}

export const REDIS_FAULTS: readonly Fault[] = [
  {
    name: 'redis-killed',
    group: 'redis',
    does: 'kill -9 of Redis, which comes back empty ten seconds later',
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.5],
        forMs: 10_000,
        hurt: () => stage.services.redis.kill(),
        mend: () => stage.services.redis.start(),
      }),
  },
  {
    name: 'redis-flushed',
    group: 'redis',
    does: 'FLUSHALL in the midst, three times',
    async inflict(stage) {
      for (const from of [0.05, 0.3, 0.6]) {
        await stage.arrived(within(stage, from, from + 0.2));
        await stage.services.redis.command(['FLUSHALL']);
      }
    },
  },
  {
    name: 'redis-stale',
    group: 'redis',
    does: 'Redis comes back with what it held some time ago: jobs that are long done, and not those of now',
    async inflict(stage) {
      const { redis } = stage.services;
      const dump = path.join(redis.folder, 'dump.rdb');
      const old = path.join(redis.folder, 'old.rdb');
      try {
        await stage.arrived(within(stage, 0.05, 0.2));
        await redis.command(['SAVE']);
        await copyFile(dump, old);
        await stage.arrived(within(stage, 0.4, 0.7));
        await redis.kill();
        await copyFile(old, dump);
        await stage.pause(3_000);
      } finally {
        await redis.start();
        for (const file of [dump, old]) await rm(file, { force: true });
      }
    },
  },
  {
    name: 'redis-failed-over',
    group: 'redis',
    does: 'Redis dies and its replica takes over, without the last moments: jobs that are done, and others missing',
    async inflict(stage) {
      const { redis } = stage.services;
      await stage.arrived(within(stage, 0.05, 0.4));
      await redis.replicate();
      await stage.arrived(within(stage, 0.5, 0.7));
      stage.proxies.redis.target(await redis.failOver());
    },
  },
  {
    name: 'redis-full',
    group: 'redis',
    does: 'Redis has no memory left for fifteen seconds and refuses every write',
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.5],
        forMs: 15_000,
        async hurt() {
          const limit = String(await usedBytes(stage));
          await stage.services.redis.command(['CONFIG', 'SET', 'maxmemory', limit]);
        },
        async mend() {
          await stage.services.redis.command(['CONFIG', 'SET', 'maxmemory', WHOLE]);
        },
      }),
  },
  {
    name: 'redis-paused',
    group: 'redis',
    does: 'Redis stands still for thirty seconds (SIGSTOP)',
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.5],
        forMs: 30_000,
        hurt: () => stage.services.redis.freeze(),
        mend: () => stage.services.redis.thaw(),
      }),
  },
  {
    name: 'redis-network-gone',
    group: 'redis',
    does: 'the network to Redis goes away for forty seconds: connections stay open, nothing passes',
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.5],
        forMs: 40_000,
        hurt: () => stage.proxies.redis.silence('both'),
        mend: () => stage.proxies.redis.mend(),
      }),
  },
  {
    name: 'redis-half-open',
    group: 'redis',
    does: 'Redis loses all connections, three times, and their clients are never told',
    async inflict(stage) {
      for (const from of [0.05, 0.3, 0.6]) {
        await stage.arrived(within(stage, from, from + 0.2));
        stage.proxies.redis.forget();
      }
    },
  },
  {
    name: 'redis-cut',
    group: 'redis',
    does: 'connections to Redis are reset five times, and for three seconds no new one is let in',
    async inflict(stage) {
      for (let time = 0; time < 5; time++)
        await outage(stage, {
          between: [0.1 * time, 0.1 * time + 0.1],
          forMs: 3_000,
          hurt: () => stage.proxies.redis.cut(),
          mend: () => stage.proxies.redis.mend(),
        });
    },
  },
  {
    name: 'redis-slow',
    group: 'redis',
    does: 'everything to and from Redis takes 50 to 100 ms longer each way, at 100 KB a second, for thirty seconds',
    inflict: (stage) =>
      outage(stage, {
        between: [0.02, 0.2],
        forMs: 30_000,
        hurt: () => stage.proxies.redis.slow(whole(stage, 50, 100), 100_000),
        mend: () => stage.proxies.redis.mend(),
      }),
  },
];
