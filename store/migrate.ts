/**
 * Applies store/migrations/NNNN_name.sql in order, each once and in a transaction of its own, under an advisory lock.
 * What was applied is recorded with the file's SHA-256 and compared at every start: a file that was changed or removed afterwards is
 * refused, because a database made by the files as they are now would differ from this one.
 */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sql, SqlPool } from '../domain/sql.ts';

export const MIGRATIONS = path.join(import.meta.dirname, 'migrations');

export type Migration = {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
};

/** Any fixed number; all who migrate this database must use the same. */
const LOCK = 7_261_093_845;

function invalid(message: string, cause?: unknown): AllimError {
  return new AllimError('migration-invalid', message, cause === undefined ? {} : { cause });
}

/** Reads a folder of migrations, ascending. Line ends are normalised first: a checkout with CRLF is the same migration. */
export async function readMigrations(folder: string = MIGRATIONS): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const migrations: Migration[] = [];
  for (const name of names) {
    const match = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name);
    if (match === null) throw invalid(`${name} in ${folder} is not named like 0001_what_it_does.sql`);
    const number = Number(match[1]);
    if (migrations.at(-1)?.number === number)
      throw invalid(`${migrations.at(-1)?.name} and ${name} have the same number`);
    const sql = (await readFile(path.join(folder, name), 'utf8')).replaceAll('\r\n', '\n');
    migrations.push({ number, name, sql, sha256: hash('sha256', sql, 'hex') });
  }
  return migrations;
}

/** One hash over all migrations: a template database made by the same files can be used again. */
export function fingerprint(migrations: readonly Migration[]): string {
  return hash(
    'sha256',
    migrations.map((migration) => `${migration.name} ${migration.sha256}\n`).join(''),
    'hex',
  );
}

async function applied(sql: Sql): Promise<ReadonlyMap<number, { name: string; sha256: string }>> {
  await sql.query(`CREATE TABLE IF NOT EXISTS schema_migrations (
    number int PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`);
  const { rows } = await sql.query<{ number: number; name: string; sha256: string }>(
    'SELECT number, name, sha256 FROM schema_migrations ORDER BY number',
  );
  return new Map(rows.map((row) => [row.number, row]));
}

function check(
  done: ReadonlyMap<number, { name: string; sha256: string }>,
  migrations: readonly Migration[],
): void {
  const files = new Map(migrations.map((migration) => [migration.number, migration]));
  const highest = Math.max(0, ...done.keys());
  for (const [number, row] of done) {
    const file = files.get(number);
    if (file === undefined)
      throw invalid(
        `the database has migration ${row.name}, which this version does not know: it was made by a newer one, or the file was removed`,
      );
    if (file.sha256 !== row.sha256)
      throw invalid(
        `${file.name} was changed after it was applied (SHA-256 ${row.sha256.slice(0, 12)}… is now ${file.sha256.slice(0, 12)}…): undo the change and write a new migration`,
      );
  }
  for (const migration of migrations)
    if (migration.number < highest && !done.has(migration.number))
      throw invalid(
        `${migration.name} was never applied, but later ones were: give it a number after ${highest}`,
      );
}

/** The oldest that everything is tried on: scripts/try-postgres.ts. */
const OLDEST_POSTGRES = 15;

async function checkVersion(sql: Sql): Promise<void> {
  const { rows } = await sql.query<{ version: string; number: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number`,
  );
  const { version, number } = rows[0]!;
  if (Number(number) < OLDEST_POSTGRES * 10_000)
    throw new AllimError(
      'config-invalid',
      `the database is PostgreSQL ${version}: ${OLDEST_POSTGRES} is the oldest that serves, 18 is what is bundled`,
    );
}

/**
 * Brings the database up to the files. Returns the names of what was applied now. Several processes may call it at once: one works,
 * the others wait and find it done. Errors: `migration-invalid`, naming the file and, where Postgres says so, the line.
 */
export async function migrate(
  pool: SqlPool,
  options: { readonly logger: Logger; readonly folder?: string },
): Promise<readonly string[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS);
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    // A session lock: it spans the transactions below and is released by the server if we die.
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await checkVersion(client);
    const done = await applied(client);
    check(done, migrations);
    const names: string[] = [];
    for (const migration of migrations) {
      if (done.has(migration.number)) continue;
      const startedMs = performance.now();
      try {
        await client.query('BEGIN');
        await client.query(migration.sql);
        await client.query('INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)', [
          migration.number,
          migration.name,
          migration.sha256,
        ]);
        await client.query('COMMIT');
      } catch (cause) {
        // The cause is what is told; a connection that is gone has rolled back by itself.
        await client.query('ROLLBACK').catch(() => {});
        throw invalid(`${migration.name}${lineOf(cause, migration.sql)}: ${messageOf(cause)}`, cause);
      }
      names.push(migration.name);
      options.logger.info(
        { migration: migration.name, ms: Math.round(performance.now() - startedMs) },
        'migration applied',
      );
    }
    return names;
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch((error: Error) => {
      broken = error;
    });
    client.release(broken);
  }
}

/** Postgres counts characters from 1 in `position`. */
function lineOf(error: unknown, sql: string): string {
  const position = Number((error as { position?: unknown }).position);
  return Number.isSafeInteger(position) && position > 0
    ? ` line ${sql.slice(0, position).split('\n').length}`
    : '';
}
