/** Row-level security on the real server: what is read for an agency is its own even where the query does not say so. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { transaction } from '../../domain/sql.ts';
import {
  agencyTransaction,
  createAgencyPool,
  readAsAgency,
  readAsPlatform,
} from '../../store/agency-pool.ts';
import { MIGRATIONS, migrate } from '../../store/migrate.ts';
import { createPool } from '../../store/postgres.ts';
import { bare, insertAnyRow } from '../support/any-row.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

/** Never read for staff, guarded or not: what opens something, what is under way inside, what is sealed for somebody else. */
const WITHHELD = [
  'api_keys',
  'audit_head',
  'contact_codes',
  'idempotency_keys',
  'import_chunks',
  'log_leases',
  'log_members',
  'log_partitions',
  'log_records',
  'notice_reads',
  'outbox',
  'pumps',
  'question_sets',
  'reach_changes',
  'schema_migrations',
  'sessions',
  'sign_ins',
  'sms_references',
];
/** Of no agency, and read. */
const COMMON = [
  'agencies',
  'calendars',
  'channel_rates',
  'citizens',
  'consumer_offsets',
  'contact_points',
  'log_topics',
  'merged_profiles',
  'preferences',
  'receipts',
  'relations',
  'restores',
  'rules_processes',
  'run_adoptions',
  'settings',
  'worker_sessions',
];
const CHILDREN: Readonly<Record<string, readonly [key: string, parent: string]>> = {
  import_faults: ['import_id', 'imports'],
  rule_steps: ['rule_id', 'rules'],
  rule_version_texts: ['rule_id', 'rules'],
  webhook_calls: ['webhook_id', 'webhooks'],
};
/** Rows of no agency are everybody's there. */
const SHARED = ['opt_outs', 'stops', 'template_versions', 'templates'];

let database: TestDatabase;
let tables: readonly { name: string; agency: boolean; guarded: boolean; granted: boolean }[];
beforeAll(async () => {
  database = await createDatabase({ max: 2 });
  await bare(database.pool);
  const { rows } = await database.pool.query<(typeof tables)[number]>(
    `SELECT c.relname AS name, c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) AS guarded,
       EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'agency_id' AND NOT a.attisdropped) AS agency,
       has_table_privilege('allim_staff', c.oid, 'SELECT') AS granted
     FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1`,
  );
  tables = rows;
  for (const { name } of rows.filter(({ agency }) => agency)) {
    await insertAnyRow(database.pool, name, 1, { agency_id: 'nhis' });
    await insertAnyRow(database.pool, name, 2, { agency_id: 'nts' });
    if (SHARED.includes(name)) await insertAnyRow(database.pool, name, 3, { agency_id: null });
  }
  for (const [name, [key]] of Object.entries(CHILDREN))
    for (const n of [1, 2])
      await insertAnyRow(database.pool, name, n, {
        [key]: name.startsWith('rule_') ? `x${n}` : `00000000-0000-4000-8000-00000000000${n}`,
      });
});
afterAll(() => database.drop());

const names = (of: (typeof tables)[number][]) => of.map(({ name }) => name);

describe('every table', () => {
  test('that has an agency is guarded', () => {
    expect(names(tables.filter(({ agency, guarded }) => agency && !guarded))).toEqual([]);
    expect(tables.filter(({ agency }) => agency).length).toBeGreaterThan(30);
  });

  test('is read by staff or withheld from them because somebody decided so', () => {
    expect(names(tables.filter(({ granted }) => !granted))).toEqual(WITHHELD);
    expect(names(tables.filter(({ granted, guarded }) => granted && !guarded))).toEqual(COMMON);
    expect(names(tables.filter(({ guarded, agency }) => guarded && !agency))).toEqual(Object.keys(CHILDREN));
  });

  test('can only be read', async () => {
    const { rows } = await database.pool.query(
      `SELECT c.relname FROM pg_class c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
       WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND has_table_privilege('allim_staff', c.oid, p)`,
    );
    expect(rows).toEqual([]);
  });
});

describe('a query that says no agency', () => {
  test('sees the own agency’s rows, in every guarded table', async () => {
    const seen = tables.filter(({ agency, granted }) => agency && granted);
    for (const { name } of seen) {
      const expected = SHARED.includes(name) ? ['nhis', null] : ['nhis'];
      const { rows } = await agencyTransaction(database.pool, 'nhis', (sql) =>
        sql.query<{ agency: string | null }>(`SELECT agency_id AS agency FROM ${name} ORDER BY agency_id`),
      );
      expect([name, rows.map(({ agency }) => agency)]).toEqual([name, expected]);
    }
  });

  test('sees what hangs on them, and nothing that hangs on another’s', async () => {
    for (const [name, [key]] of Object.entries(CHILDREN)) {
      const of = (agency: string) =>
        agencyTransaction(database.pool, agency, (sql) =>
          sql.query(`SELECT ${key}::text AS key FROM ${name}`),
        );
      const [nhis, nts, nobody] = [await of('nhis'), await of('nts'), await of('nobody')];
      expect([name, nhis.rows.length, nts.rows.length, nobody.rows.length]).toEqual([name, 1, 1, 0]);
      expect(nhis.rows).not.toEqual(nts.rows);
    }
  });

  test('sees nothing where no agency was said, and everything as the owner', async () => {
    const without = await transaction(database.pool, async (sql) => {
      await sql.query('SET LOCAL ROLE allim_staff');
      return (await sql.query('SELECT agency_id FROM campaigns')).rows;
    });
    expect(without).toEqual([]);
    const { rows } = await database.pool.query('SELECT agency_id FROM campaigns ORDER BY 1');
    expect(rows).toEqual([{ agency_id: 'nhis' }, { agency_id: 'nts' }]);
  });

  test('reaches neither what is withheld nor a partition past its parent', async () => {
    const { rows } = await database.pool.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace`,
    );
    const partitions = rows.map(({ name }) => name);
    expect(partitions).toContain('deliveries_202611');
    for (const name of [...partitions, ...WITHHELD])
      await expect(
        agencyTransaction(database.pool, 'nhis', (sql) => sql.query(`SELECT 1 FROM ${name}`)),
      ).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the pool', () => {
  const read = `SELECT agency_id AS agency FROM campaigns ORDER BY 1`;

  test('reads as the agency however deep it is asked, several at once as well, and as the platform outside', async () => {
    const pool = createAgencyPool(database.pool);
    const deep = async () => {
      await Promise.resolve();
      return (await pool.query(read)).rows;
    };
    const [nhis, nts, all, platform] = await Promise.all([
      readAsAgency('nhis', () => Promise.all([deep(), deep(), deep()])),
      readAsAgency('nts', deep),
      deep(),
      readAsAgency('nts', () => readAsPlatform(deep)),
    ]);
    expect(nhis).toEqual(Array(3).fill([{ agency: 'nhis' }]));
    expect(nts).toEqual([{ agency: 'nts' }]);
    expect(all).toEqual([{ agency: 'nhis' }, { agency: 'nts' }]);
    expect(platform).toEqual(all);
  });

  test('gives connections back as they came, after what fails too', async () => {
    const one = createPool({ url: database.url, max: 1, logger: silentLogger });
    const pool = createAgencyPool(one);
    const state = async () =>
      (
        await one.query(
          `SELECT current_user::text = session_user::text AS own, current_setting('allim.agency', true) AS agency, current_setting('transaction_read_only') AS read_only`,
        )
      ).rows[0];
    const before = await state();
    expect(before).toMatchObject({ own: true, read_only: 'off' });
    await readAsAgency('nhis', () => pool.query(read));
    await expect(readAsAgency('nhis', () => pool.query('SELECT 1/0'))).rejects.toThrow(/division by zero/);
    expect(await state()).toEqual({ ...before, agency: '' });
    await one.end();
  });

  test('takes an agency as a value, whatever stands in it', async () => {
    const pool = createAgencyPool(database.pool);
    for (const agency of [`nhis' OR 'a' = 'a`, '', 'NHIS', '*'])
      expect((await readAsAgency(agency, () => pool.query(read))).rows).toEqual([]);
  });

  test('lets what writes through as today, and the role write nothing', async () => {
    const pool = createAgencyPool(database.pool);
    await readAsAgency('nhis', () =>
      pool.query(`UPDATE campaigns SET rule_id = 'y' WHERE agency_id = 'nhis'`),
    );
    await readAsAgency('nhis', () =>
      transaction(pool, (sql) => sql.query(`UPDATE campaigns SET rule_id = 'z' WHERE rule_id = 'y'`)),
    );
    expect((await pool.query(`SELECT 1 FROM campaigns WHERE rule_id = 'z'`)).rows).toHaveLength(1);
    await expect(
      agencyTransaction(database.pool, 'nhis', (sql) => sql.query('DELETE FROM campaigns')),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^(25006|42501)$/) });
  });
});

describe('a database user who is no superuser', () => {
  const LIMITED = 'allim_limited';
  let folder: string;
  let own: TestDatabase;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'allim-roles-'));
    own = await createDatabase({ migrated: false, max: 1 });
    await database.pool.query(
      `DO $$ BEGIN CREATE ROLE ${LIMITED} LOGIN NOCREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    await database.pool.query(`REVOKE allim_staff FROM ${LIMITED}`);
    await own.pool.query(`GRANT ALL ON SCHEMA public TO ${LIMITED}`);
  });
  afterAll(async () => {
    await own.drop();
    await database.pool.query(`REVOKE allim_staff FROM ${LIMITED}`);
    await database.pool.query(`DROP ROLE IF EXISTS ${LIMITED}`);
    await rm(folder, { recursive: true, force: true });
  });

  /** The part of the migration that looks after the role, by whatever name, as the user who may not. */
  async function run(role: string): Promise<readonly string[]> {
    const text = await readFile(path.join(MIGRATIONS, '0021_row_security.sql'), 'utf8');
    const block = /DO \$\$[\s\S]*?\nEND\n\$\$;/.exec(text)![0].replaceAll('allim_staff', role);
    await writeFile(path.join(folder, '0001_role.sql'), block);
    const pool = createPool({ url: own.url, max: 1, logger: silentLogger });
    try {
      // Who may take a role goes by the session's user, and that stays for as long as the one connection does.
      await pool.query(`SET SESSION AUTHORIZATION ${LIMITED}`);
      return await migrate(pool, { logger: silentLogger, folder });
    } finally {
      await pool.end();
    }
  }

  test('is told what to run where it may not create the role', async () => {
    await expect(run('allim_staff_of_nobody')).rejects.toMatchObject({
      code: 'migration-invalid',
      message: expect.stringMatching(
        /allim_limited may not create roles: as a superuser run {2}CREATE ROLE allim_staff_of_nobody NOLOGIN NOINHERIT; GRANT allim_staff_of_nobody TO allim_limited;/,
      ),
    });
  });

  test('is told what to run where it may not take it, and goes on once it may', async () => {
    await expect(run('allim_staff')).rejects.toThrow(
      /allim_limited may not take the role allim_staff: as a superuser run {2}GRANT allim_staff TO allim_limited;/,
    );
    await database.pool.query(`GRANT allim_staff TO ${LIMITED}`);
    expect(await run('allim_staff')).toEqual(['0001_role.sql']);
  });
});
