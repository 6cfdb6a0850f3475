import { afterAll, beforeAll, describe, jest, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { createBullmqQueue, postgresQueuePool } from '../../queue/bullmq.ts';
import type { Queue } from '../../queue/queue.ts';
import { createPool } from '../../store/postgres.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createProxy } from '../support/proxy.ts';
import { conformance, LOCK_MS, TIMEOUT_MS } from './conformance.ts';

const short = { logger: silentLogger, lockMs: LOCK_MS, timeoutMs: TIMEOUT_MS };

/** A queue whose pool ends with it, as app/ does. */
function create(url: string, prefix: string): Queue {
  const pool = createPool({ url, logger: silentLogger, ...postgresQueuePool(3) });
  const queue = createBullmqQueue({ ...short, backend: { pool }, prefix });
  return {
    ...queue,
    stop: async () => {
      await queue.stop();
      await pool.end();
    },
  };
}

describe('the queue on Postgres', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createDatabase({ migrated: false });
  });

  afterAll(async () => {
    await database.drop();
  });

  conformance(() => ({
    create: ({ prefix, by }) => {
      const url = new URL(database.url);
      if (by !== undefined) {
        url.host = `127.0.0.1:${by.port}`;
        url.searchParams.delete('host');
      }
      return create(url.toString(), prefix);
    },
    proxy: () => {
      const url = new URL(database.url);
      const folder = url.searchParams.get('host');
      return createProxy(
        folder === null
          ? { host: url.hostname, port: Number(url.port) }
          : { path: `${folder}/.s.PGSQL.${url.port}` },
      );
    },
    wipe: async (prefix) => {
      await database.pool.query(`DELETE FROM bullmq.job WHERE queue LIKE $1`, [`${prefix}-%`]);
    },
    childQueue: (prefix) => `(async () => {
      const { createBullmqQueue, postgresQueuePool } = await import('./queue/bullmq.ts');
      const { createPool } = await import('./store/postgres.ts');
      const { silentLogger: logger } = await import('./domain/logger.ts');
      const pool = createPool({ url: ${JSON.stringify(database.url)}, logger, ...postgresQueuePool(1) });
      const queue = createBullmqQueue({ backend: { pool }, prefix: '${prefix}', lockMs: ${LOCK_MS}, logger });
      await queue.start();
      return queue;
    })()`,
  }));

  test('a worker that is stopped while it gets ready gives every connection back', async () => {
    const pool = createPool({ url: database.url, logger: silentLogger, ...postgresQueuePool(1) });
    const queue = createBullmqQueue({ ...short, backend: { pool }, prefix: 'hasty' });
    await queue.start();
    const connect = jest.spyOn(pool, 'connect');
    const worker = queue.work('sms-urgent', { concurrency: 1, handle: async () => {} });
    await worker.stop(100);
    // One to look at the schema and one to listen; queries of the pool itself come with a callback.
    await eventually(() => connect.mock.calls.filter((call) => call.length === 0).length >= 2);
    await eventually(() => pool.totalCount === pool.idleCount, { timeoutMs: 3_000 });
    await queue.stop();
    await pool.end();
  });
});
