/**
 * Once before all test files (jest's globalSetup): the bundled Postgres and the migrated template, and where services run already, their
 * addresses. A test of rules alone needs none of it, so a server that does not start fails only those who ask for a database.
 */
import path from 'node:path';
import { messageOf } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { serviceEnvironment } from '../../scripts/services.ts';
import { type BundledPostgres, startBundledPostgres } from '../../store/bundled.ts';
import { dropLeftovers, ensureTemplate } from './postgres.ts';

let server: BundledPostgres | undefined;

export async function setup(): Promise<void> {
  const { KAFKA_BROKERS, REDIS_URL } = serviceEnvironment();
  if (KAFKA_BROKERS) process.env['KAFKA_BROKERS'] = KAFKA_BROKERS;
  if (REDIS_URL) process.env['REDIS_URL'] = REDIS_URL;
  const { ALLIM_TEST_DATABASE_URL, ALLIM_TEST_DATABASE_ERROR, ALLIM_TEST_NO_DATABASE } = process.env;
  // `npm test` has done it already, or the check of the architecture needs none.
  if (ALLIM_TEST_DATABASE_URL || ALLIM_TEST_DATABASE_ERROR || ALLIM_TEST_NO_DATABASE) return;
  try {
    const dataDir = path.join(import.meta.dirname, '..', '..', '.cache', 'test');
    server = await startBundledPostgres({ dataDir, logger: silentLogger });
    // A running server may be another run's: its databases are no leftovers.
    if (!server.adopted) await dropLeftovers(server.url);
    await ensureTemplate(server.url);
    process.env['ALLIM_TEST_DATABASE_URL'] = server.url;
  } catch (error) {
    process.env['ALLIM_TEST_DATABASE_ERROR'] = messageOf(error);
    process.stderr.write(`no test database: ${messageOf(error)}\n`);
  }
}

export async function teardown(): Promise<void> {
  await server?.stop();
}
