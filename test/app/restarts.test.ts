/** Roles that are started and stopped over and over on the embedded parts, the queue on Postgres among them: nothing may be left hanging. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { loadConfig } from '../../app/config.ts';
import { createContext } from '../../app/context.ts';
import { startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { createDatabase } from '../support/postgres.ts';

/** Stopped at once, after some work, and when ready. */
const ROUNDS = 3;

test('roles with the queue on Postgres start and stop, at once or after a while, and the context stops after them', async () => {
  const database = await createDatabase();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'allim-restarts-'));
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    PORT: '0',
  });
  for (let round = 0; round < ROUNDS; round++) {
    const context = await createContext(config, { logger: silentLogger });
    for (const role of ['workers', 'dispatcher', 'workers'] as const) {
      const running = await startRoles(context, [role]);
      if (round % 3 === 1) await context.pool.query('SELECT pg_sleep(0.3)');
      if (round % 3 === 2) await fetch(`${running.url}/readyz`);
      await running.stop();
    }
    await context.stop();
  }
  const { rows } = await database.pool.query(
    `SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'allim%'`,
  );
  expect(rows).toEqual([]);
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
}, 120_000);
