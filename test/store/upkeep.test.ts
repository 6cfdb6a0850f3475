/** What is old goes by little, and nothing that something may still need. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventRowId } from '../../domain/cloud-events.ts';
import { horizons, RULES, sweep } from '../../store/upkeep.ts';
import { type Installation, install, START, taxEvent, windowEvent } from '../support/installation.ts';

const DAY = 86_400_000;
let it: Installation;

beforeAll(async () => {
  it = await install();
  for (let i = 0; i < 3; i++) await it.citizen({ id: `u-${i}`, sms: `+8210555700${i}0`, profile: {} });
  await it.publish(windowEvent({ id: 'window' }), taxEvent({ id: 'tax', subject: 'u-1' }));
  await it.idle();
  await it.rows(
    `INSERT INTO worker_sessions (id, host, pid, ended_at, swept_at) VALUES (gen_random_uuid(), 'old', 1, '2026-07-10', '2026-07-10')`,
  );
});
afterAll(async () => {
  await it.close();
});

const counts = async () =>
  (
    await it.rows<Record<string, number>>(
      `SELECT ${[
        ...new Set([...RULES.map(({ table }) => table), 'events', 'campaigns', 'runs', 'pages', 'schedules']),
      ]
        .map(
          (table) =>
            `(SELECT count(*) FROM ${table}${table === 'worker_sessions' ? ` WHERE host = 'old'` : ''}) AS ${table}`,
        )
        .join(', ')}`,
    )
  )[0]!;
const sweepAt = (nowMs: number, keepMonths = 14) => sweep(it.pool, horizons(nowMs, keepMonths), () => true);

test('nothing goes before its time', async () => {
  const before = await counts();
  expect(before).toMatchObject({ events: 2, obligations: 4, campaigns: 2, fanouts: 3, stage_runs: 2 });
  expect(await sweepAt(START + 29 * DAY)).toEqual([]);
  expect(await counts()).toEqual(before);
});

test('fan-outs of one person’s events go after ninety days, with their runs and pages; a broadcast’s stay', async () => {
  await sweepAt(START + 91 * DAY);
  expect(await counts()).toMatchObject({ fanouts: 2, runs: 2, pages: 2, stage_runs: 2, events: 2 });
});

test('what a stage still to come needs stays, however old: obligation, event and campaign', async () => {
  await it.rows(`UPDATE obligations SET updated_at = '2026-07-10', deadline = NULL`);
  const kept = await it.rows<{ event_id: string; obligation_id: string; campaign_id: string }>(
    'SELECT DISTINCT event_id, obligation_id, campaign_id FROM schedules WHERE obligation_id IS NOT NULL',
  );
  expect(kept).toHaveLength(1);
  await it.rows('DELETE FROM schedules WHERE obligation_id IS NULL');
  await sweepAt(START + 4_000 * DAY);
  // Stage runs whose month is attached stay, and with them their campaigns.
  expect(await counts()).toMatchObject({ stage_runs: 2, campaigns: 2 });
  await it.rows(
    'ALTER TABLE notifications DETACH PARTITION notifications_202607; ALTER TABLE notifications_202607 SET SCHEMA archive',
  );
  for (let round = 0; round < 3; round++) await sweepAt(START + 4_000 * DAY);
  expect(await it.rows('SELECT id FROM obligations')).toEqual([{ id: kept[0]!.obligation_id }]);
  expect(await it.rows('SELECT id FROM events')).toEqual([
    { id: eventRowId({ source: '/nts/property-tax', id: 'tax' }) },
  ]);
  expect(await it.rows('SELECT id FROM campaigns')).toEqual([{ id: kept[0]!.campaign_id }]);
  expect(await counts()).toMatchObject({ fanouts: 0, runs: 0, pages: 0, stage_runs: 0, worker_sessions: 0 });
  expect(Object.entries(await counts()).filter(([table, n]) => table.startsWith('told') && n > 0)).toEqual(
    [],
  );
});

test('when nothing is to come, all of it goes', async () => {
  await it.rows('DELETE FROM schedules');
  for (let round = 0; round < 3; round++) await sweepAt(START + 4_000 * DAY);
  expect(Object.entries(await counts()).filter(([, n]) => n > 0)).toEqual([]);
  await it.rows(
    `ALTER TABLE archive.notifications_202607 SET SCHEMA public; DELETE FROM notifications_202607; DELETE FROM deliveries`,
  );
});

test('what somebody holds is passed over, and goes the next time', async () => {
  await it.rows(
    `INSERT INTO outbox (agency_id, reports, created_at) SELECT 'nts', to_jsonb(repeat('x', 1500)), '2026-01-01' FROM generate_series(1, 300)`,
  );
  const holder = await it.pool.connect();
  await holder.query('BEGIN');
  await holder.query('SELECT 1 FROM outbox WHERE number % 3 = 0 FOR UPDATE');
  expect(await sweepAt(START)).toEqual([{ table: 'outbox', rows: 200 }]);
  await holder.query('COMMIT');
  holder.release();
  expect(await sweep(it.pool, horizons(START, 14), () => false)).toEqual([]);
  expect(await sweepAt(START)).toEqual([{ table: 'outbox', rows: 100 }]);
  expect((await counts())['outbox']).toBe(0);
});
