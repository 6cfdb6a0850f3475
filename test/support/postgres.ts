/**
 * A database of its own for each test file: a clone of the migrated template in the bundled server that test/support/setup.ts started, or
 * of the one that has the shipped catalogue in it as well.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { silentLogger } from '../../domain/logger.ts';
import { fingerprint, migrate, readMigrations } from '../../store/migrate.ts';
import { createPool, type Pool } from '../../store/postgres.ts';

export type TestDatabase = { readonly pool: Pool; readonly url: string; drop(): Promise<void> };

const LOCK = 4_410_077;
const ROOT = path.join(import.meta.dirname, '..', '..');
/** Whatever the catalogue is made of, and what checks and saves it. */
const SEEDED_FROM = ['app', 'domain', 'producers', 'rules', 'store', 'templates', 'web/api'];

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.toString();
}

async function migratedName(): Promise<string> {
  return `template_${fingerprint(await readMigrations()).slice(0, 16)}`;
}

let seeded: string | undefined;
/** Of everything below those folders, 45 ms: a template that is older than its sources would let a test pass that fails. */
function seededName(): string {
  if (seeded !== undefined) return seeded;
  const digest = createHash('sha256');
  for (const folder of SEEDED_FROM) {
    const entries = readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true });
    const files = entries.filter((one) => one.isFile()).map((one) => path.join(one.parentPath, one.name));
    for (const file of files.sort()) digest.update(path.relative(ROOT, file)).update(readFileSync(file));
  }
  seeded = `template_seeded_${digest.digest('hex').slice(0, 16)}`;
  return seeded;
}

/** Makes it where it is not there; the flag is set last, so a half-made one is made again. Returns its name. */
async function ensure(
  adminUrl: string,
  name: string,
  source: string,
  fill: (pool: Pool) => Promise<unknown>,
): Promise<string> {
  const admin = createPool({ url: adminUrl, max: 1, logger: silentLogger });
  const client = await admin.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const { rows } = await client.query<{ ready: boolean }>(
      'SELECT datistemplate AND NOT datallowconn AS ready FROM pg_database WHERE datname = $1',
      [name],
    );
    if (rows[0]?.ready) return name;
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${source}`);
    const template = createPool({ url: withDatabase(adminUrl, name), max: 1, logger: silentLogger });
    await fill(template).finally(() => template.end());
    await client.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false IS_TEMPLATE true`);
    return name;
  } finally {
    client.release(true);
    await admin.end();
  }
}

/** The template of the migrations as they are. Returns its name. */
export async function ensureTemplate(adminUrl: string): Promise<string> {
  return ensure(adminUrl, await migratedName(), 'template1', (pool) =>
    migrate(pool, { logger: silentLogger }),
  );
}

/** The template with the catalogue that ships, as it is. */
async function ensureSeeded(adminUrl: string): Promise<string> {
  const migrated = await ensureTemplate(adminUrl);
  return ensure(adminUrl, seededName(), migrated, async (pool) => {
    // Only here: what judges a catalogue is half the product, and most who want a database of it never load it.
    const { seedCatalogue } = await import('../../app/seed.ts');
    await seedCatalogue(pool, silentLogger);
  });
}

/** What `npm test` drops first: databases that killed runs left, and templates of migrations that are no more. */
export async function dropLeftovers(adminUrl: string): Promise<void> {
  const admin = createPool({ url: adminUrl, max: 1, logger: silentLogger });
  const keep = [await migratedName(), seededName()];
  try {
    const { rows } = await admin.query<{ datname: string; datistemplate: boolean }>(
      `SELECT datname, datistemplate FROM pg_database d WHERE (datname LIKE 'test\\_%' OR datname LIKE 'template\\_%') AND datname <> ALL($1::text[])
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
 * A migrated database, 25-45 ms. With `migrated: false` an empty one; with `seeded: true` the shipped catalogue is published in it, which
 * takes every file seconds that does so itself. Call it in `beforeAll` and `drop` in `afterAll`; `drop` closes
 * the pool and whatever other connections are left.
 */
export async function createDatabase(
  options: { readonly max?: number; readonly migrated?: boolean; readonly seeded?: boolean } = {},
): Promise<TestDatabase> {
  const adminUrl = testServerUrl();
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const source =
    options.migrated === false
      ? 'template1'
      : await (options.seeded === true ? ensureSeeded(adminUrl) : ensureTemplate(adminUrl));
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
