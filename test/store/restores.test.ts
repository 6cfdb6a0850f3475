/** A restore is noticed by what it cannot bring back: on a cluster of the file's own that is stopped, copied and put back. */
import { execFile } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { type BundledPostgres, startBundledPostgres } from '../../store/bundled.ts';
import { choosePlace } from '../../store/bundled-place.ts';
import { migrate } from '../../store/migrate.ts';
import { createPool, type Pool } from '../../store/postgres.ts';
import {
  evidenceOf,
  type LedgerMark,
  noticeRestore,
  openRestore,
  readIdentity,
  readMark,
  writeMark,
} from '../../store/restores.ts';
import { eventually } from '../support/eventually.ts';

let dataDir = '';
let home = '';
let cluster = '';
let uid: number | undefined;
let server: BundledPostgres | undefined;
let pool: Pool;
const NOW = Date.parse('2026-07-10T12:00:00+09:00');

async function start(): Promise<void> {
  server = await startBundledPostgres({ dataDir, logger: silentLogger });
  pool = createPool({ url: server.url, max: 2, logger: silentLogger });
}
async function stop(): Promise<void> {
  await pool.end();
  await server?.stop();
  server = undefined;
}
const notice = (mark: LedgerMark | null) =>
  noticeRestore(pool, mark, async () => ({ 'agency-events': [3, 4] }), NOW);
const markNow = async (): Promise<LedgerMark> => ({ ...(await readIdentity(pool)), atMs: NOW });
/** Keeps owner and modes: the server refuses a cluster of somebody else's. */
const copyCluster = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to]);
async function writeFileAs(name: string, text: string): Promise<void> {
  const file = path.join(cluster, name);
  await writeFile(file, text);
  if (uid !== undefined) await chown(file, uid, uid);
}

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-restore-'));
  ({ home, cluster, uid } = await choosePlace(dataDir));
  await start();
  await migrate(pool, { logger: silentLogger });
}, 60_000);
afterAll(async () => {
  if (server !== undefined) await stop();
  for (const folder of [dataDir, home, `${cluster}-backup`])
    await rm(folder, { recursive: true, force: true });
});

test('history that goes on is no restore, also over a restart and without a mark', async () => {
  expect(await notice(null)).toMatchObject({ noticed: null });
  const mark = await markNow();
  expect(readMark(writeMark(mark))).toEqual(mark);
  await stop();
  await start();
  expect(await notice(mark)).toMatchObject({ noticed: null });
  expect(await notice(null)).toMatchObject({ noticed: null });
  expect(await openRestore(pool)).toBeNull();
});

test('an account without any privilege sees where the server stands', async () => {
  const client = await pool.connect();
  try {
    await client.query('CREATE ROLE plain');
    await client.query('SET ROLE plain');
    expect((await readIdentity(client)).timeline).toBe('00000001');
  } finally {
    await client.query('RESET ROLE');
    client.release();
  }
});

test('a copy of the files that is put back is known by its position, once', async () => {
  await stop();
  await copyCluster(cluster, `${cluster}-backup`);
  await start();
  await pool.query(
    `INSERT INTO settings (name, value) SELECT 'x' || n, to_jsonb(n) FROM generate_series(1, 5000) n`,
  );
  const mark = await markNow();
  await stop();
  await rm(cluster, { recursive: true });
  await copyCluster(`${cluster}-backup`, cluster);
  await start();
  expect(await notice(mark)).toMatchObject({ noticed: 'position' });
  expect(await openRestore(pool)).toMatchObject({
    evidence: 'position',
    ends: { 'agency-events': [3, 4] },
    lastAliveAt: new Date(NOW),
  });
  expect((await pool.query('SELECT scope, created_by FROM stops')).rows).toEqual([
    { scope: 'all', created_by: 'restore' },
  ]);
  expect(await notice(mark)).toMatchObject({ noticed: null });
  expect((await pool.query('SELECT 1 FROM restores')).rows).toHaveLength(1);
}, 60_000);

test('a recovery that ends is known by its timeline, though nothing is kept outside', async () => {
  await pool.query('UPDATE restores SET closed_at = now()');
  await stop();
  await writeFileAs('recovery.signal', '');
  await writeFileAs('local.conf', "restore_command = 'false'\n");
  await start();
  // It takes readers before it has ended its recovery.
  await eventually(async () =>
    expect((await pool.query('SELECT pg_is_in_recovery() AS yes')).rows).toEqual([{ yes: false }]),
  );
  expect(await notice(null)).toMatchObject({ noticed: 'timeline' });
}, 60_000);

test('another server is another history', () => {
  const now = { server: '1', timeline: '00000001', position: 10n };
  expect(evidenceOf(now, { server: '2', timeline: '00000001' }, null)).toBe('server');
  expect(evidenceOf(now, null, { ...now, server: '2', atMs: 0 })).toBe('server');
  expect(evidenceOf(now, now, { ...now, position: 10n, atMs: 0 })).toBeNull();
  expect(readMark('nonsense')).toBeNull();
});
