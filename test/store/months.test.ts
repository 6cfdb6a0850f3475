/** Months that are over: detached, written, dropped, brought back; interrupted at every step, and refused where something is open. */
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { COMMANDS } from '../../app/commands/commands.ts';
import { silentLogger } from '../../domain/logger.ts';
import { verifyMonth, writeMonth } from '../../store/month-files.ts';
import { detachMonths, readMonths, withMonthsLock } from '../../store/months.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, START, windowEvent } from '../support/installation.ts';

const MONTH = '2026-07-01';
const LATER = '2026-09-01';
const root = mkdtempSync(path.join(tmpdir(), 'allim-months-'));
const folder = path.join(root, 'archive');
const environment = { ...process.env };
let it: Installation;
let out = '';
let whole: unknown;

beforeAll(async () => {
  it = await install();
  for (let i = 0; i < 7; i++)
    await it.citizen({ id: `m-${i}`, sms: `+8210555600${i}0`, profile: {}, locale: i === 1 ? 'en' : 'ko' });
  await it.publish(windowEvent({ id: 'over' }));
  await it.idle();
  // The later stages of the same window are of another day.
  await it.rows('DELETE FROM schedules');
  whole = await rowsOfMonth();
  Object.assign(process.env, { DATABASE_URL: it.database.url, ALLIM_DATA: root });
  for (const stream of [process.stdout, process.stderr])
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
});
afterAll(async () => {
  jest.restoreAllMocks();
  process.env = environment;
  await it.close();
  rmSync(root, { recursive: true, force: true });
});
afterEach(() => {
  out = '';
});

const run = (line: string) => {
  const [name = '', ...argv] = line.split(' ');
  return COMMANDS.get(name)!.run(argv);
};
const detach = (oldest = LATER, nowMs = START) =>
  withMonthsLock(it.pool, (sql) => detachMonths(sql, oldest, nowMs, silentLogger));
const stateOf = async () => [
  ...new Set(((await readMonths(it.pool)).get(MONTH) ?? []).map((part) => part.state)),
];

async function rowsOfMonth(): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const table of ['notifications', 'deliveries', 'batches', 'attempts', 'delivery_items'])
    found[table] = await it.rows(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
  return found;
}

test('a month stays while anything of it is open, or while it is kept', async () => {
  expect(await detach(MONTH)).toEqual([]);
  for (const [open, close] of [
    [`UPDATE fanouts SET state = 'asked'`, `UPDATE fanouts SET state = 'complete'`],
    [
      `INSERT INTO waiting SELECT now(), id, month, agency_id, channel, lane, 'retry' FROM deliveries LIMIT 1`,
      'DELETE FROM waiting',
    ],
    [`UPDATE batches SET state = 'queued'`, `UPDATE batches SET state = 'ended'`],
    [
      `INSERT INTO schedules (id, agency_id, campaign_id, rule_id, stage_kind, due_at) SELECT gen_random_uuid(), agency_id, id, rule_id, 'opened', '2026-07-20' FROM campaigns LIMIT 1`,
      'DELETE FROM schedules',
    ],
    [
      `INSERT INTO unresolved (id, agency_id, event_id, stage_run_id, citizen_id, state, created_at) SELECT gen_random_uuid(), agency_id, id, id, 'x', 'new', now() FROM stage_runs LIMIT 1`,
      'DELETE FROM unresolved',
    ],
  ] as const) {
    await it.rows(open);
    expect(await detach()).toEqual([]);
    await it.rows(close);
  }
  expect(await stateOf()).toEqual(['attached']);
  expect(await rowsOfMonth()).toEqual(whole);
});

test('a detach that was interrupted between two tables, or within one, goes on; two at once are one', async () => {
  await it.rows('ALTER TABLE attempts DETACH PARTITION attempts_202607 CONCURRENTLY');
  const reader = await it.pool.connect();
  const breaker = await it.pool.connect();
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM batches');
  await breaker.query(`SET lock_timeout = '100ms'`);
  await expect(
    breaker.query('ALTER TABLE batches DETACH PARTITION batches_202607 CONCURRENTLY'),
  ).rejects.toThrow();
  breaker.release(true);
  expect((await readMonths(it.pool)).get(MONTH)).toEqual(
    expect.arrayContaining([expect.objectContaining({ parent: 'batches', state: 'detaching' })]),
  );
  await reader.query('COMMIT');
  reader.release();

  const both = await Promise.all([detach(), detach()]);
  expect(both.filter((one) => one !== undefined).flat()).toEqual([MONTH]);
  expect(await stateOf()).toEqual(['archived']);
  expect(await it.rows('SELECT id FROM deliveries')).toEqual([]);
  expect(await it.rows('SELECT count(*) AS n FROM archive.deliveries_202607')).toEqual([{ n: 7 }]);
});

test('what was opened after it was looked at is attached again', async () => {
  await it.rows(`UPDATE archive.batches_202607 SET state = 'ready'`);
  await it.rows('ALTER TABLE archive.notifications_202607 SET SCHEMA public');
  expect(await detach()).toEqual([]);
  expect(await stateOf()).toEqual(['attached']);
  await it.rows(`UPDATE batches SET state = 'ended'`);
  expect(await detach()).toEqual([MONTH]);
});

test('is written to files once, whatever an interrupted run left, and dropped only with them', async () => {
  expect(await run('months drop 2026-07 --yes')).toBe(1);
  expect(out).toContain('there is no');
  mkdirSync(path.join(folder, '2026-07.partial'), { recursive: true });
  writeFileSync(path.join(folder, '2026-07.partial', 'deliveries.copy.zst'), 'half');
  expect(await run('months archive')).toBe(0);
  expect(await run('months archive 2026-07')).toBe(0);
  expect(readdirSync(folder)).toEqual(['2026-07']);
  const manifest = await verifyMonth(folder, MONTH);
  expect(manifest.tables.map(({ table, rows }) => [table, rows])).toEqual([
    ['attempts', 0],
    ['batches', expect.any(Number)],
    ['deliveries', 7],
    ['delivery_items', 0],
    ['notifications', 7],
  ]);
  out = '';
  await run('months list');
  expect(out).toMatch(/^2026-07 {2}detached, [\d.]+ MB {2}in files$/m);

  // A row that the files do not hold.
  await it.rows(
    'INSERT INTO archive.attempts_202607 (delivery_id, number, month, agency_id, finished_at, outcome) SELECT id, 1, month, agency_id, now(), $1 FROM archive.deliveries_202607 LIMIT 1',
    ['sent'],
  );
  expect(await run('months drop 2026-07 --yes')).toBe(1);
  expect(out).toContain('attempts has 1 rows in the archive and 0 in its file');
  await it.rows('DELETE FROM archive.attempts_202607');
  expect(await run('months drop 2026-07')).toBe(0);
  expect(out).toContain('would be dropped');
  expect(await stateOf()).toEqual(['archived']);
  expect(await run('months drop 2026-07 --yes')).toBe(0);
  expect(await stateOf()).toEqual([]);
});

test('a file that was changed, or is missing, is refused, and nothing is loaded', async () => {
  const file = path.join(folder, '2026-07', 'deliveries.copy.zst');
  appendFileSync(file, 'x');
  expect(await run('months restore 2026-07 --yes')).toBe(1);
  expect(out).toContain('deliveries.copy.zst');
  expect(await stateOf()).toEqual([]);
  rmSync(path.join(folder, '2026-07'), { recursive: true });
  expect(await run('months restore 2026-07')).toBe(1);
});

test('comes back from its files as it was, beside a partition that was made meanwhile, and is left attached', async () => {
  // Written anew from the rows that the first test saw.
  await it.rows(`SELECT ensure_month('2026-07-01')`);
  for (const [table, rows] of Object.entries(whole as Record<string, { row: string }[]>))
    for (const { row } of rows) await it.rows(`INSERT INTO ${table} SELECT ($1::${table}).*`, [row]);
  expect(await detach()).toEqual([MONTH]);
  await run('months archive');
  await run('months drop 2026-07 --yes');
  await it.rows(`SELECT ensure_month('2026-07-01')`);

  out = '';
  expect(await run('months restore 2026-07')).toBe(0);
  expect(out).toContain('would be loaded');
  expect(await it.rows('SELECT id FROM deliveries')).toEqual([]);
  expect(await run('months restore 2026-07 --yes')).toBe(0);
  expect(await stateOf()).toEqual(['attached']);
  expect(await rowsOfMonth()).toEqual(whole);
  expect(await it.audit()).toEqual([]);
  expect(await detach(LATER, Date.now())).toEqual([]);
  expect(await detach(LATER, Date.now() + 31 * 86_400_000)).toEqual([MONTH]);
  out = '';
  expect(await run('months restore 2026-07 --yes')).toBe(0);
  expect(out).toContain('is attached again');
  expect(await rowsOfMonth()).toEqual(whole);
});

test('is not attached where rows of it are open, nor over rows that are there', async () => {
  expect(await detach(LATER, Date.now() + 31 * 86_400_000)).toEqual([MONTH]);
  await it.rows(`UPDATE archive.deliveries_202607 SET status = 'planned'`);
  expect(await run('months restore 2026-07 --yes')).toBe(1);
  expect(out).toContain('they would be sent');
  rmSync(path.join(folder, '2026-07'), { recursive: true });
  await withMonthsLock(it.pool, (sql) => writeMonth(sql, folder, MONTH, START));
  await run('months drop 2026-07 --yes');
  out = '';
  expect(await run('months restore 2026-07 --yes')).toBe(1);
  expect(out).toContain('they would be sent');
  expect(await stateOf()).toEqual([]);
});

test('a command waits for nobody: where a dispatcher is at it, it says so', async () => {
  let release = () => {};
  const held = withMonthsLock(it.pool, () => new Promise<void>((resolve) => (release = resolve)));
  await eventually(async () => {
    const { rows } = await it.pool.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted`);
    expect(rows.length).toBeGreaterThan(0);
  });
  expect(await run('months list')).toBe(1);
  expect(out).toContain('try again in a minute');
  release();
  await held;
});

test.each([
  ['months', 'say what: list, archive, drop, restore'],
  ['months toString', 'say what'],
  ['months drop', 'say which month'],
  ['months drop 2026-13', 'is no month'],
  ['months restore 2026-01 2026-02', 'one at a time'],
])('%s ends with 2 and says: %s', async (line, says) => {
  expect(await run(line)).toBe(2);
  expect(out).toContain(says);
});
