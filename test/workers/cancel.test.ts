/** A campaign that a person cancels: for good, wherever its deliveries are. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { cancelCampaign, sweepCampaign, unsweptCampaigns } from '../../store/cancellations.ts';
import { readStopScopes, saveStop } from '../../store/stops.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, START, windowEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());
beforeEach(async () => {
  n++;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
  await it.rows('DELETE FROM stops');
});

/** A broadcast that concerns `count` people of this test alone, planned. */
async function broadcast(count: number): Promise<string> {
  const area = ['26', '27', '28', '29', '30', '31'][n]!;
  for (let at = 0; at < count; at++)
    await it.citizen({
      id: `c-${n}-${at}`,
      sms: `+8210${String(n * 1_000 + at).padStart(8, '0')}`,
      profile: { sido: area, sigungu: `${area}110` },
    });
  await it.publish(windowEvent({ id: `w-${n}`, allimobligation: `checkup/${n}`, data: { area } as never }));
  await it.settle();
  const [row] = await it.rows<{ id: string }>(
    `SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = $1`,
    [`w-${n}`],
  );
  return row!.id;
}

const cancel = (campaign: string) =>
  cancelCampaign(it.pool, campaign, { by: 'administrator', reason: 'wrong text' }, it.clock.nowMs());

const statuses = async (): Promise<string[]> =>
  (
    await it.rows<{ line: string }>(
      `SELECT DISTINCT d.status || coalesce('/' || d.code, '') AS line FROM deliveries d JOIN notifications x ON x.id = d.notification_id
       WHERE x.recipient_id LIKE $1 ORDER BY 1`,
      [`c-${n}-%`],
    )
  ).map(({ line }) => line);

test('what is ready ends in the background, with its batches', async () => {
  const campaign = await broadcast(5);
  expect(await cancel(campaign)).toMatchObject({ fresh: true });
  const [unswept] = await unsweptCampaigns(it.pool);
  expect(unswept).toMatchObject({ id: campaign });
  expect(await sweepCampaign(it.pool, unswept!, it.clock.nowMs())).toBe(5);
  expect(await statuses()).toEqual(['cancelled/campaign']);
  expect(await unsweptCampaigns(it.pool)).toEqual([]);
  expect(await it.rows(`SELECT 1 FROM batches WHERE state <> 'ended'`)).toEqual([]);
  await it.idle();
  expect(it.sent()).toEqual([]);
});

test('what is queued ends at its claim', async () => {
  const campaign = await broadcast(3);
  await it.pump();
  await cancel(campaign);
  await it.deliver();
  expect(it.sent()).toEqual([]);
  expect(await statuses()).toEqual(['cancelled/campaign']);
});

test('what was claimed before is not called, and ends at the next claim', async () => {
  const campaign = await broadcast(1);
  await it.pump();
  const { sms } = it.providers;
  const real = sms.send.bind(sms);
  sms.send = async (delivery, mayCall) => {
    await cancel(campaign);
    await eventually(() => !mayCall());
    return real(delivery, mayCall);
  };
  try {
    await it.deliver();
  } finally {
    sms.send = real;
  }
  expect(it.sent()).toEqual([]);
  it.at(60_000);
  await it.idle();
  expect(await statuses()).toEqual(['cancelled/campaign']);
});

test('what waits ends too, and nothing is planned of what is answered later', async () => {
  const campaign = await broadcast(2);
  await saveStop(it.pool, { scope: 'all', agency: null, reason: 'hold', createdBy: 'administrator' });
  await it.rows(`UPDATE batches SET state = 'queued', generation = 1 WHERE state = 'ready'`);
  const batches = await it.rows<{ batch: string }>(`SELECT id AS batch FROM batches WHERE state = 'queued'`);
  for (const { batch } of batches) await it.hand.deliver('sms', { batch, generation: 1 });
  expect(await statuses()).toEqual(['waiting/stopped']);
  await cancel(campaign);
  const unswept = (await unsweptCampaigns(it.pool)).find(({ id }) => id === campaign)!;
  expect(await sweepCampaign(it.pool, unswept, it.clock.nowMs())).toBe(2);
  expect(await statuses()).toEqual(['cancelled/campaign']);
  expect(await it.rows('SELECT 1 FROM waiting')).toEqual([]);
});

test('twice is once, and its later stages never fall due', async () => {
  const campaign = await broadcast(1);
  await cancel(campaign);
  expect(
    await cancelCampaign(it.pool, campaign, { by: 'nhis', reason: 'another' }, it.clock.nowMs()),
  ).toMatchObject({ fresh: false, reason: 'wrong text' });
  expect(await it.rows('SELECT 1 FROM schedules WHERE campaign_id = $1', [campaign])).toEqual([]);
  expect(await readStopScopes(it.pool)).toContain(`campaign:${campaign}`);
  it.at('2026-12-24T12:00:00+09:00');
  await it.idle();
  expect(it.sent()).toEqual([]);
});
