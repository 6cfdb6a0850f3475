/** Roles as a process has them, on a database of their own: what they serve, and what is left of one that could not start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import { startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { Queue, QueueWorker } from '../../queue/queue.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

/** Nothing is ever queued here. */
const queue: Queue = {
  start: async () => undefined,
  stop: async () => undefined,
  add: async () => undefined,
  states: async () => [],
  work: () => ({ stop: async () => undefined }) as QueueWorker,
  fill: async () => 0,
  ping: async () => undefined,
};

let database: TestDatabase;
let dataDir: string;
let context: Context;

beforeAll(async () => {
  database = await createDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-roles-'));
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    PORT: '0',
  });
  context = await createContext(config, { logger: silentLogger, queue });
});

afterAll(async () => {
  await context.stop();
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

test.each(['workers', 'rules', 'dispatcher'] as const)(
  '%s with a port show their health and nothing else',
  async (role) => {
    const running = await startRoles(context, [role]);
    const ask = (where: string) => fetch(`${running.url}${where}`);
    expect((await ask('/healthz')).status).toBe(200);
    const ready = await ask('/readyz');
    expect(await ready.json()).toMatchObject({
      ready: true,
      checks: expect.arrayContaining([{ name: role, ok: true }]),
    });
    expect((await ask('/api/v1/status')).status).toBe(404);
    await running.stop();
  },
);

test('a role that nobody calls listens nowhere unless a port was given', async () => {
  const quiet = { ...context, config: { ...context.config, portGiven: false } };
  const running = await startRoles(quiet, ['workers']);
  expect(running.url).toBeNull();
  await running.stop();
});

test('a role that fails half-way is stopped, and says why it failed', async () => {
  const broken: Queue = {
    ...queue,
    work: () => {
      throw new Error('no consumer today');
    },
  };
  const open = async () =>
    (await database.pool.query('SELECT 1 FROM worker_sessions WHERE ended_at IS NULL')).rows;
  await expect(startRoles({ ...context, queue: broken }, ['workers'])).rejects.toThrow('no consumer today');
  expect(await open()).toEqual([]);
});
