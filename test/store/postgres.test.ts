import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { transaction } from '../../domain/sql.ts';
import { isTransient } from '../../domain/transient.ts';
import { createPool } from '../../store/postgres.ts';
import { createFaultyProxy } from '../faults/tcp.ts';
import { eventually } from '../support/eventually.ts';
import { createLogCapture } from '../support/http.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ migrated: false });
});

afterAll(async () => {
  await database.drop();
});

describe('values arrive as domain/sql.ts says', () => {
  test.each([
    ['5::int8', 5],
    ["'{1,NULL,9007199254740991}'::int8[]", [1, null, 9_007_199_254_740_991]],
    ['count(*)', 1],
    ["date '2026-02-03'", '2026-02-03'],
    ["'{2026-02-03,NULL}'::date[]", ['2026-02-03', null]],
    ['1.50::numeric', '1.50'],
    ["timestamptz '2026-02-03T00:00:00+09'", new Date('2026-02-02T15:00:00Z')],
    ['NULL::int8', null],
    ['\'{"a":[1]}\'::jsonb', { a: [1] }],
    ["'\\x00ff'::bytea", Buffer.from([0, 255])],
  ])('%s', async (expression, expected) => {
    const { rows } = await database.pool.query(`SELECT ${expression} AS value`);
    expect(rows[0]?.['value']).toEqual(expected);
  });

  test('a bigint that a number cannot hold is refused, not rounded', async () => {
    await expect(database.pool.query('SELECT 9007199254740993::int8')).rejects.toThrow(
      /does not fit a number/,
    );
    // The connection it came on is still good.
    expect((await database.pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

test('session settings apply to every connection, blanks and all', async () => {
  const options = { search_path: '"a b", public', TimeZone: 'Asia/Seoul' };
  const pool = createPool({
    url: database.url,
    max: 2,
    applicationName: 'x y',
    logger: silentLogger,
    options,
  });
  const { rows } = await pool.query(
    `SELECT current_setting('search_path') AS path, current_setting('TimeZone') AS zone, current_setting('application_name') AS name`,
  );
  expect(rows).toEqual([{ path: '"a b", public', zone: 'Asia/Seoul', name: 'x y' }]);
  await pool.end();
  await pool.end();
});

test('a named statement is prepared once a connection', async () => {
  const pool = createPool({ url: database.url, max: 1, logger: silentLogger });
  for (const n of [1, 2, 3])
    expect((await pool.query({ name: 'double', text: 'SELECT $1::int * 2 AS n', values: [n] })).rows).toEqual(
      [{ n: n * 2 }],
    );
  const { rows } = await pool.query('SELECT name FROM pg_prepared_statements');
  expect(rows).toEqual([{ name: 'double' }]);
  await pool.end();
});

test('connections that the server ends, idle or in use, break their query and nothing else', async () => {
  const pool = createPool({ url: database.url, max: 2, logger: silentLogger });
  const used = await pool.connect();
  await pool.query('SELECT 1');
  // Other test files use the same server: only this database's sessions.
  await database.pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'allim'`,
  );
  const error = await used.query('SELECT 1').catch((reason: unknown) => reason);
  expect(isTransient(error)).toBe(true);
  used.release(true);
  // The idle one may be handed out once more before its socket is known to be closed: an error of that query, which says so.
  await eventually(async () => {
    const answer = await pool.query('SELECT 1 AS one').catch((reason: unknown) => reason);
    if (answer instanceof Error) expect(isTransient(answer)).toBe(true);
    expect(answer).toMatchObject({ rows: [{ one: 1 }] });
  });
  await pool.end();
});

test('a pool that closes cuts off who does not give a connection back, says so, and does not wait for ever', async () => {
  const log = createLogCapture();
  const pool = createPool({
    url: database.url,
    max: 2,
    applicationName: 'leaky',
    logger: log.logger,
    endMs: 50,
  });
  const kept = await pool.connect();
  await pool.query('SELECT 1');
  await pool.end();
  await expect(kept.query('SELECT 1')).rejects.toThrow();
  expect(log.lines.filter((line) => line.includes('not given back'))).toHaveLength(1);
  await eventually(
    async () =>
      (await database.pool.query(`SELECT 1 FROM pg_stat_activity WHERE application_name = 'leaky'`)).rows
        .length === 0,
  );
});

test('a transaction that throws leaves nothing and gives its connection back', async () => {
  await database.pool.query('CREATE TABLE t (n int)');
  await expect(
    transaction(database.pool, async (sql) => {
      await sql.query('INSERT INTO t VALUES (1)');
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect((await database.pool.query('SELECT count(*) FROM t')).rows).toEqual([{ count: 0 }]);
  expect(database.pool.totalCount - database.pool.idleCount).toBe(0);
});

test('a network that goes away fails what is asked in time, and its connections are not used again', async () => {
  const socket = new URL(database.url).searchParams.get('host');
  const wire = await createFaultyProxy(`${socket}/.s.PGSQL.5432`);
  const url = new URL(database.url);
  url.search = '';
  url.host = `127.0.0.1:${wire.port}`;
  const pool = createPool({ url: url.toString(), max: 2, logger: silentLogger, answerMs: 300 });
  try {
    const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
    const beganAt = performance.now();
    const lost = transaction(pool, async (sql) => {
      await sql.query('SELECT 1');
      wire.silence('both');
      await sql.query('SELECT 2');
    });
    const error: unknown = await lost.catch((thrown: unknown) => thrown);
    expect(isTransient(error)).toBe(true);
    // Once, and not once more for a ROLLBACK.
    expect(performance.now() - beganAt).toBeLessThan(590);
    expect(pool.totalCount).toBe(0);
    wire.mend();
    const again = await pool.query('SELECT pg_backend_pid() AS pid');
    expect(again.rows[0]?.['pid']).not.toBe(rows[0]?.['pid']);
  } finally {
    await pool.end();
    await wire.close();
  }
});

test('a statement that nobody waits for any more does not commit later', async () => {
  await database.pool.query('CREATE TABLE held (n int)');
  const pool = createPool({ url: database.url, max: 1, logger: silentLogger, answerMs: 200 });
  const holder = await database.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE held');
    await expect(pool.query('INSERT INTO held VALUES (1)')).rejects.toThrow();
    const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await eventually(async () => expect((await database.pool.query(waits)).rows).toEqual([]));
    await holder.query('COMMIT');
    expect((await database.pool.query('SELECT n FROM held')).rows).toEqual([]);
  } finally {
    holder.release();
    await pool.end();
  }
});

test('a session that says nothing within its transaction is ended, so that its locks are free', async () => {
  const pool = createPool({ url: database.url, max: 1, logger: silentLogger, answerMs: 200 });
  const client = await pool.connect();
  await client.query('BEGIN');
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await eventually(async () => {
    const left = await database.pool.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [rows[0]?.pid]);
    expect(left.rows).toEqual([]);
  });
  client.release(true);
  await pool.end();
});
