import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { migrate } from '../../store/migrate.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let folder: string;
let database: TestDatabase;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'allim-migrations-'));
  database = await createDatabase({ migrated: false });
  await write('0001_first.sql', 'CREATE TABLE first (n int);');
  await write('0002_second.sql', 'CREATE TABLE second (n int);\nINSERT INTO second VALUES (2);');
});

afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

const write = (name: string, sql: string) => writeFile(path.join(folder, name), sql);
const run = () => migrate(database.pool, { logger: silentLogger, folder });

test('applies each file once, in order, and later ones later', async () => {
  expect(await run()).toEqual(['0001_first.sql', '0002_second.sql']);
  expect(await run()).toEqual([]);
  await write('0003_third.sql', 'CREATE TABLE third AS SELECT n FROM second;');
  expect(await run()).toEqual(['0003_third.sql']);
  expect((await database.pool.query('SELECT n FROM third')).rows).toEqual([{ n: 2 }]);
});

test('several that start at once apply it once', async () => {
  const results = await Promise.all([run(), run(), run()]);
  expect(results.flat().sort()).toEqual(['0001_first.sql', '0002_second.sql']);
});

test('a file that fails leaves nothing of itself and names itself and the line', async () => {
  await write('0003_bad.sql', 'CREATE TABLE half (n int);\n\nINSERT INTO nowhere VALUES (1);');
  await expect(run()).rejects.toMatchObject({
    code: 'migration-invalid',
    message: '0003_bad.sql line 3: relation "nowhere" does not exist',
  });
  const { rows } = await database.pool.query(
    `SELECT to_regclass('half') AS half, to_regclass('second')::text AS second`,
  );
  expect(rows).toEqual([{ half: null, second: 'second' }]);
  await write('0003_bad.sql', 'CREATE TABLE half (n int);');
  expect(await run()).toEqual(['0003_bad.sql']);
});

test('a file changed after it was applied is refused', async () => {
  await run();
  await write('0001_first.sql', 'CREATE TABLE first (n bigint);');
  await expect(run()).rejects.toThrow(/0001_first\.sql was changed after it was applied/);
});

test('other line ends are not a change', async () => {
  await run();
  await write('0002_second.sql', 'CREATE TABLE second (n int);\r\nINSERT INTO second VALUES (2);');
  expect(await run()).toEqual([]);
});

test('an applied file that is missing is refused, and so is one that comes too late', async () => {
  await run();
  await rm(path.join(folder, '0002_second.sql'));
  await expect(run()).rejects.toThrow(/has migration 0002_second\.sql, which this version does not know/);
  await write('0002_second.sql', 'CREATE TABLE second (n int);\nINSERT INTO second VALUES (2);');
  await database.pool.query('DELETE FROM schema_migrations WHERE number = 1');
  await expect(run()).rejects.toThrow(/0001_first\.sql was never applied, but later ones were/);
});

test.each([
  ['3_short.sql', /is not named like 0001_what_it_does\.sql/],
  ['0002_again.sql', /have the same number/],
])('%s is refused', async (name, message) => {
  await write(name, 'SELECT 1;');
  await expect(run()).rejects.toThrow(message);
});

test('a server that is too old is refused before anything is changed', async () => {
  const asked: string[] = [];
  const client = {
    async query(statement: string) {
      asked.push(statement);
      return { rows: [{ version: '14.19', number: '140019' }], rowCount: 1 };
    },
    release() {},
    on() {},
  };
  const pool = { ...client, connect: async () => client } as unknown as SqlPool;
  await expect(migrate(pool, { logger: silentLogger, folder })).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringMatching(/PostgreSQL 14\.19: 15 is the oldest/),
  });
  expect(asked.join()).not.toMatch(/CREATE|INSERT/);
});
