/** A database of its own for each test file: a clone of the migrated template in the bundled server that test/support/setup.ts started. */
import { randomUUID } from 'node:crypto';
import { silentLogger } from '../../domain/logger.ts';
import { fingerprint, migrate, readMigrations } from '../../store/migrate.ts';
import { createPool, type Pool } from '../../store/postgres.ts';

export type TestDatabase = { readonly pool: Pool; readonly url: string; drop(): Promise<void> };

const LOCK = 4_410_077;

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.toString();
}

/** Makes the template if the migrations changed; the flag is set last, so a half-made one is made again. Returns its name. */
export async function ensureTemplate(adminUrl: string): Promise<string> {
  const name = `template_${fingerprint(await readMigrations()).slice(0, 16)}`;
  const admin = createPool({ url: adminUrl, max: 1, logger: silentLogger });
  const client = await admin.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const { rows } = await client.query<{ datname: string; ready: boolean }>(
      `SELECT datname, datistemplate AND NOT datallowconn AS ready FROM pg_database WHERE datname LIKE 'template\\_%'`,
    );
    if (rows.some((row) => row.datname === name && row.ready)) return name;
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name}`);
    const template = createPool({ url: withDatabase(adminUrl, name), max: 1, logger: silentLogger });
    await migrate(template, { logger: silentLogger }).finally(() => template.end());
    await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
    return name;
  } finally {
    client.release(true);
    await admin.end();
  }
}

/** What `npm test` drops first: databases that killed runs left, and templates of migrations that are no more. */
export async function dropLeftovers(adminUrl: string): Promise<void> {
  const admin = createPool({ url: adminUrl, max: 1, logger: silentLogger });
  const keep = `template_${fingerprint(await readMigrations()).slice(0, 16)}`;
  try {
    const { rows } = await admin.query<{ datname: string; datistemplate: boolean }>(
      `SELECT datname, datistemplate FROM pg_database d WHERE (datname LIKE 'test\\_%' OR datname LIKE 'template\\_%') AND datname <> $1
         AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname)`,
      [keep],
    );
    for (const { datname, datistemplate } of rows) {
      // Not for all: one whose DROP was interrupted cannot be altered any more, only dropped.
      if (datistemplate) await admin.query(`ALTER DATABASE ${datname} WITH IS_TEMPLATE false`);
      await admin.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
    }
  } finally {
    await admin.end();
  }
}

export function testServerUrl(): string {
  const url = process.env['ALLIM_TEST_DATABASE_URL'];
  if (url === undefined)
    throw new Error(
      `no test database: ${process.env['ALLIM_TEST_DATABASE_ERROR'] ?? 'test/support/setup.ts did not run'}`,
    );
  return url;
}

/**
 * A migrated database, 25-45 ms. With `migrated: false` an empty one. Call it in `beforeAll` and `drop` in `afterAll`; `drop` closes
 * the pool and whatever other connections are left.
 */
export async function createDatabase(
  options: { readonly max?: number; readonly migrated?: boolean } = {},
): Promise<TestDatabase> {
  const adminUrl = testServerUrl();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const source = options.migrated === false ? 'template1' : await ensureTemplate(adminUrl);
  const admin = createPool({ url: adminUrl, max: 1, logger: silentLogger });
  await admin.query(`CREATE DATABASE ${name} TEMPLATE ${source}`).finally(() => admin.end());
  const url = withDatabase(adminUrl, name);
  const pool = createPool({ url, max: options.max ?? 10, applicationName: 'test', logger: silentLogger });
  return {
    pool,
    url,
    drop: async () => {
      await pool.end();
      const last = createPool({ url: adminUrl, max: 1, logger: silentLogger });
      await last.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).finally(() => last.end());
    },
  };
}
