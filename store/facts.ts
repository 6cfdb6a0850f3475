/** What a server says of itself and its settings: for the doctor. Reads only. */
import type { Sql } from '../domain/sql.ts';

export type PostgresFacts = {
  readonly version: string;
  readonly versionNumber: number;
  readonly clockMs: number;
  readonly inRecovery: boolean;
  readonly encoding: string;
  readonly encrypted: boolean;
  readonly superuser: boolean;
  readonly mayCreate: boolean;
  readonly connections: number;
  /** By name, as pg_settings has them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Names of applied migrations; null where there are none yet. */
  readonly migrations: readonly string[] | null;
  /** What the installation was made with; null before its first start. */
  readonly partitions: number | null;
  /** It was restored, and what may have been sent is not decided on. */
  readonly restored: boolean;
};

const SETTINGS = [
  'archive_mode',
  'archive_command',
  'archive_library',
  'fsync',
  'full_page_writes',
  'max_connections',
  'superuser_reserved_connections',
  'synchronous_commit',
  'statement_timeout',
  'transaction_timeout',
  'wal_level',
] as const;

export async function readPostgresFacts(sql: Sql): Promise<PostgresFacts> {
  const { rows } = await sql.query<
    Omit<PostgresFacts, 'migrations' | 'partitions' | 'restored'> & { tables: string[] }
  >(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS "versionNumber",
       (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "clockMs", pg_is_in_recovery() AS "inRecovery",
       pg_encoding_to_char(d.encoding) AS encoding,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted,
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) AS superuser,
       has_database_privilege(d.datname, 'CREATE') AND has_schema_privilege('public', 'CREATE') AS "mayCreate",
       (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
       (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name = ANY($1::text[])) AS settings,
       ARRAY(SELECT t FROM unnest(ARRAY['schema_migrations', 'settings', 'restores']) t WHERE to_regclass(t) IS NOT NULL) AS tables
     FROM pg_database d WHERE d.datname = current_database()`,
    [SETTINGS],
  );
  const { tables, ...facts } = rows[0]!;
  const migrations = tables.includes('schema_migrations')
    ? (await sql.query<{ name: string }>('SELECT name FROM schema_migrations ORDER BY number')).rows.map(
        (row) => row.name,
      )
    : null;
  const partitions = tables.includes('settings')
    ? (await sql.query<{ value: number }>(`SELECT value FROM settings WHERE name = 'partitions'`)).rows[0]
        ?.value
    : null;
  const restored =
    tables.includes('restores') &&
    (await sql.query('SELECT 1 FROM restores WHERE closed_at IS NULL')).rows.length > 0;
  return { ...facts, migrations, partitions: partitions ?? null, restored };
}
