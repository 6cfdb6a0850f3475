import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { silentLogger } from '../../domain/logger.ts';
import { createBullmqQueue } from '../../queue/bullmq.ts';
import { has } from '../../scripts/services/process.ts';
import { startRedis, stopRedis } from '../../scripts/services/redis.ts';
import { createFaultyProxy } from '../faults/tcp.ts';
import { eventually } from '../support/eventually.ts';
import { createProxy } from '../support/proxy.ts';
import { describeWith, redisUrl } from '../support/services.ts';
import { conformance, LOCK_MS, TIMEOUT_MS } from './conformance.ts';

const short = { logger: silentLogger, lockMs: LOCK_MS, timeoutMs: TIMEOUT_MS };

describeWith('redis', 'the queue on Redis', () => {
  conformance(() => ({
    create: ({ prefix, by }) => {
      const url = new URL(redisUrl());
      if (by !== undefined) url.host = `127.0.0.1:${by.port}`;
      return createBullmqQueue({ ...short, backend: { redisUrl: url.toString() }, prefix });
    },
    proxy: () => {
      const url = new URL(redisUrl());
      return createProxy({ host: url.hostname, port: Number(url.port) });
    },
    wipe: async (prefix) => {
      const redis = new Redis(redisUrl());
      const keys = await redis.keys(`${prefix}:*`);
      if (keys.length > 0) await redis.del(...keys);
      redis.disconnect();
    },
    childQueue: (prefix) => `(async () => {
      const { createBullmqQueue } = await import('./queue/bullmq.ts');
      const { silentLogger: logger } = await import('./domain/logger.ts');
      const queue = createBullmqQueue({ backend: { redisUrl: ${JSON.stringify(redisUrl())} }, prefix: '${prefix}', lockMs: ${LOCK_MS}, logger });
      await queue.start();
      return queue;
    })()`,
  }));

  test('words are kept apart by name and by installation', async () => {
    const [one, other] = ['words-one', 'words-other'].map((prefix) =>
      createBullmqQueue({ ...short, backend: { redisUrl: redisUrl() }, prefix }),
    );
    try {
      await one!.start();
      await other!.start();
      expect(await one!.aside!.read('mark')).toBeNull();
      await one!.aside!.write('mark', '{"at":1}');
      expect(await one!.aside!.read('mark')).toBe('{"at":1}');
      expect(await one!.aside!.read('another')).toBeNull();
      expect(await other!.aside!.read('mark')).toBeNull();
    } finally {
      await one!.stop();
      await other!.stop();
      const redis = new Redis(redisUrl());
      await redis.del('words-one:aside:mark');
      redis.disconnect();
    }
  });

  const ours = has('redis-server');
  (ours ? test : test.skip)(
    `a full Redis refuses jobs with an error, and its fill is known before${ours ? '' : ' (skipped: no redis-server here to fill)'}`,
    async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'allim-redis-'));
      const server = await startRedis(folder);
      const admin = new Redis(server.port);
      const queue = createBullmqQueue({
        ...short,
        backend: { redisUrl: `redis://127.0.0.1:${server.port}` },
      });
      try {
        await queue.start();
        const [, used] = /used_memory:(\d+)/.exec(await admin.info('memory')) ?? [];
        await admin.config('SET', 'maxmemory', Number(used) + 600_000);
        expect(await queue.fill()).toBeGreaterThan(0.6);
        const many = Array.from({ length: 1_000 }, (_, n) => ({ batch: `batch-${n}`, generation: 1 }));
        await expect(queue.add('push-bulk', many)).rejects.toMatchObject({ code: 'queue-unavailable' });
      } finally {
        await queue.stop();
        admin.disconnect();
        await stopRedis(server);
        await rm(folder, { recursive: true, force: true });
      }
    },
  );

  test('a network that goes away is noticed, though nobody says so: jobs go on over new connections', async () => {
    const { hostname, port } = new URL(redisUrl());
    expect(['localhost', '127.0.0.1']).toContain(hostname);
    const wire = await createFaultyProxy(Number(port));
    const backend = { redisUrl: `redis://127.0.0.1:${wire.port}` };
    const queue = createBullmqQueue({
      ...short,
      backend,
      prefix: `gone-${process.pid}`,
      silenceMs: 500,
      blockSeconds: 1,
    });
    const done: string[] = [];
    try {
      await queue.start();
      queue.work('sms-urgent', { concurrency: 1, handle: async ({ batch }) => void done.push(batch) });
      await queue.add('sms-urgent', [{ batch: 'before', generation: 1 }]);
      await eventually(() => expect(done).toEqual(['before']));
      wire.forget();
      await expect(queue.ping()).rejects.toMatchObject({ code: 'queue-unavailable' });
      await eventually(() =>
        queue.add('sms-urgent', [{ batch: 'after', generation: 1 }]).then(
          () => true,
          () => false,
        ),
      );
      await eventually(() => expect(done).toEqual(['before', 'after']));
    } finally {
      await queue.stop();
      await wire.close();
    }
  });
});
