/** A campaign as staff see it and act on it: its equation adds up, what an action would do is what it does, and who looks sees it go on. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sweepCampaign, unsweptCampaigns } from '../../store/cancellations.ts';
import { createCampaignLive } from '../../web/api/campaign-live.ts';
import type { CampaignCounts } from '../../web/api/campaign-view.ts';
import { people, peopleParts } from '../../web/api/shown-people.ts';
import { eventually } from '../support/eventually.ts';
import { ADMINISTRATOR } from '../support/http.ts';
import { type Installation, install, START, taxEvent, windowEvent } from '../support/installation.ts';
import { createStaffApi } from '../support/staff-api.ts';

let it: Installation;
let api: Awaited<ReturnType<typeof createStaffApi>>;
let n = 0;
beforeAll(async () => {
  it = await install({ partitions: 1 });
  api = await createStaffApi(it);
});
afterAll(async () => {
  await api.close();
  await it.close();
});
beforeEach(async () => {
  n++;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
  await it.rows('DELETE FROM stops');
});

const OWNER = 'owner';
const OPERATOR = 'oh:nhis:operator';
const FOREIGN = 'han:nts:operator';

/** A broadcast that concerns `count` people of this test alone, planned. The last has no address. */
async function broadcast(count: number): Promise<string> {
  const area = ['26', '27', '28', '29', '30', '31', '36', '41', '51'][n]!;
  for (let at = 0; at < count; at++)
    await it.citizen({
      id: `k-${n}-${at}`,
      ...(at === count - 1 ? {} : { sms: `+8210${String(n * 1_000 + at).padStart(8, '0')}` }),
      profile: { sido: area, sigungu: `${area}110` },
    });
  await it.publish(windowEvent({ id: `k-${n}`, allimobligation: `checkup/k${n}`, data: { area } as never }));
  await it.settle();
  const [row] = await it.rows<{ id: string }>(
    'SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = $1',
    [`k-${n}`],
  );
  return row!.id;
}

/** To people of this test: what another left to be found again may leave late. */
const sentHere = () =>
  it.sent().filter(({ address }) => address.startsWith(`+8210${String(n).padStart(5, '0')}`));

const get = async (id: string, as = OWNER) =>
  (await api.call({ method: 'GET', url: `/api/v1/campaigns/${id}`, as })).json() as Record<string, never>;
const act = (id: string, action: string, payload: object = {}, as = OPERATOR) =>
  api.call({
    method: 'POST',
    url: `/api/v1/campaigns/${id}/${action}`,
    as,
    payload: { reason: '문구가 틀렸습니다', ...payload },
  });

test('the equation adds up before and after it is sent, by channel and by whose fault', async () => {
  const campaign = await broadcast(12);
  expect(await get(campaign)).toMatchObject({
    state: 'running',
    equation: {
      matched: 12,
      notified: 12,
      told: 0,
      done: 0,
      nobody: 0,
      recipients: { planned: 12, noAddress: 1 },
    },
    stages: [{ kind: 'opened', shards: 1, answered: 1, matched: 12 }],
    channels: [{ channel: 'sms', all: 11, planned: 11, sent: 0 }],
    notLeft: 11,
    actions: {
      pause: { may: true, holds: 11 },
      resume: { may: false },
      cancel: { may: true, cancels: 11, stages: 3 },
    },
  });
  it.providers.sms.answer = ({ address }) =>
    address.endsWith('0')
      ? { kind: 'permanent', code: 'unknown-number' }
      : { kind: 'accepted', reference: null };
  await it.idle();
  const sent = await get(campaign);
  expect(sent).toMatchObject({
    notLeft: 0,
    channels: [{ channel: 'sms', all: 11, sent: 9, failed: 2 }],
    failures: [{ fault: 'address', count: 2, codes: [{ code: 'unknown-number', count: 2 }] }],
  });
  const { columns } = sent['overTime'] as unknown as { columns: { sent: number; failed: number }[] };
  expect(columns.reduce((sum, one) => sum + one.sent, 0)).toBe(9);
  expect(columns.reduce((sum, one) => sum + one.failed, 0)).toBe(2);
});

test('an agency sees few people as few, and another agency sees nothing', async () => {
  const campaign = await broadcast(3);
  const shown = await get(campaign, OPERATOR);
  expect(shown).toMatchObject({ equation: { matched: '<10', notified: '<10', told: 0 }, notLeft: '<10' });
  for (const url of ['', '/live'])
    expect(
      (await api.call({ method: 'GET', url: `/api/v1/campaigns/${campaign}${url}`, as: FOREIGN })).statusCode,
    ).toBe(404);
  expect((await act(campaign, 'cancel', {}, FOREIGN)).statusCode).toBe(404);
  expect((await act(campaign, 'pause', {}, 'kim:nhis:author')).statusCode).toBe(403);
  // Nothing of it is left to leave in the next test.
  await it.idle();
});

test('pause, resume and cancel say what they would do, do it, and are written down', async () => {
  const campaign = await broadcast(12);
  expect((await act(campaign, 'cancel', { dryRun: true }, OWNER)).json()).toMatchObject({
    dryRun: true,
    would: { may: true, cancels: 11, stages: 3 },
  });
  expect((await act(campaign, 'pause', { dryRun: true }, OWNER)).json()).toMatchObject({
    would: { holds: 11 },
  });
  expect((await get(campaign))['state']).toBe('running');
  expect((await act(campaign, 'pause')).statusCode).toBe(200);
  expect(await get(campaign)).toMatchObject({
    state: 'paused',
    stops: [{ scope: `campaign:${campaign}`, reason: '문구가 틀렸습니다', by: 'staff:oh' }],
    actions: { resume: { may: true, sends: 11 } },
  });
  await it.idle();
  expect(sentHere()).toEqual([]);
  expect((await act(campaign, 'resume')).statusCode).toBe(200);
  expect((await act(campaign, 'resume')).statusCode).toBe(404);
  expect((await act(campaign, 'cancel')).statusCode).toBe(200);
  for (const unswept of await unsweptCampaigns(it.pool))
    await sweepCampaign(it.pool, unswept, it.clock.nowMs());
  it.at(60_000);
  await it.idle();
  expect(sentHere()).toEqual([]);
  expect(await get(campaign)).toMatchObject({
    state: 'cancelled',
    notLeft: 0,
    channels: [{ channel: 'sms', cancelled: 11 }],
    actions: { cancel: { may: false } },
  });
  const actions = await it.rows<{ action: string }>(
    'SELECT action FROM audit_entries WHERE object = $1 ORDER BY number',
    [`campaign:${campaign}`],
  );
  expect(actions.map(({ action }) => action)).toEqual([
    'campaign.paused',
    'campaign.resumed',
    'campaign.cancelled',
  ]);
});

test('a rule that is withdrawn takes its campaigns along; what it had told stays', async () => {
  const campaign = await broadcast(4);
  const url = '/api/v1/rules/nhis-general-checkup/withdrawal';
  const dry = await api.call({
    method: 'POST',
    url,
    as: 'kim:nhis:author',
    payload: { reason: '법이 바뀌었습니다', planned: 'cancel', dryRun: true },
  });
  expect(dry.statusCode).toBe(200);
  const [before] = await it.rows<{ n: number }>(
    'SELECT count(*)::int AS n FROM schedules WHERE rule_id = $1',
    ['nhis-general-checkup'],
  );
  expect(dry.json()).toMatchObject({ stages: before!.n });
  const done = await api.call({
    method: 'POST',
    url,
    as: 'kim:nhis:author',
    payload: { reason: '법이 바뀌었습니다', planned: 'cancel' },
  });
  expect(done.statusCode).toBe(200);
  for (const unswept of await unsweptCampaigns(it.pool))
    await sweepCampaign(it.pool, unswept, it.clock.nowMs());
  await it.idle();
  expect(sentHere()).toEqual([]);
  expect(await get(campaign)).toMatchObject({
    state: 'cancelled',
    cancelReason: '법이 바뀌었습니다',
    ahead: [],
  });
  // It goes on under its next version, also on the same day.
  const live = await it.rows<{ definition: object }>(
    `SELECT definition FROM rule_versions WHERE rule_id = 'nhis-general-checkup' ORDER BY version DESC LIMIT 1`,
  );
  const drafted = await api.call({
    method: 'POST',
    url: '/api/v1/rules',
    payload: live[0]!.definition as object,
    as: 'kim:nhis:author',
  });
  const { version, hash } = drafted.json() as { version: number; hash: string };
  const at = `/api/v1/rules/nhis-general-checkup/versions/${version}`;
  await api.call({ method: 'POST', url: `${at}/approval`, payload: { hash }, as: 'lee:nhis:approver' });
  expect(
    (
      await api.call({
        method: 'POST',
        url: `${at}/publication`,
        payload: { reason: '다시' },
        as: 'lee:nhis:approver',
      })
    ).statusCode,
  ).toBe(200);
  n++;
  const next = await broadcast(2);
  await it.idle();
  expect(sentHere()).toHaveLength(1);
  expect((await get(next))['state']).toBe('running');
});

describe('the list', () => {
  test('goes by cursor, and by what became of each', async () => {
    const campaign = await broadcast(2);
    const list = async (query: string, as = OPERATOR) =>
      (await api.call({ method: 'GET', url: `/api/v1/campaigns?${query}`, as })).json() as {
        campaigns: { campaign: string; state: string; planned: unknown }[];
        next: string | null;
      };
    const first = await list('limit=1');
    expect(first.campaigns).toHaveLength(1);
    const second = await list(`limit=1&cursor=${first.next}`);
    expect(second.campaigns[0]!.campaign).not.toBe(first.campaigns[0]!.campaign);
    expect(
      (await list('state=cancelled&limit=200')).campaigns.every(({ state }) => state === 'cancelled'),
    ).toBe(true);
    await act(campaign, 'pause');
    expect((await list('state=paused')).campaigns).toMatchObject([{ campaign, planned: '<10' }]);
    expect((await list('limit=200', FOREIGN)).campaigns).toEqual([]);
  });
});

describe('as it goes on', () => {
  test('whoever looks is sent the document, and again when it changes', async () => {
    const campaign = await broadcast(12);
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    let read = '';
    const stream = request({
      port,
      host: '127.0.0.1',
      path: `/api/v1/campaigns/${campaign}/live`,
      headers: { authorization: `Bearer ${ADMINISTRATOR}` },
    });
    stream.on('response', (response) => {
      expect(response.headers['content-type']).toContain('text/event-stream');
      response.setEncoding('utf8').on('data', (chunk: string) => {
        read += chunk;
      });
    });
    stream.on('error', () => undefined);
    stream.end();
    const documents = () =>
      [...read.matchAll(/^event: campaign\ndata: (.*)$/gm)].map(
        (match) => JSON.parse(match[1]!) as { notLeft: number },
      );
    await eventually(() => documents().length === 1);
    expect(documents()[0]).toMatchObject({ notLeft: 11 });
    await it.idle();
    await eventually(() => documents().at(-1)?.notLeft === 0);
    stream.destroy();
  });

  test('many who look at one campaign cost one count; it ends with the right to look', async () => {
    const campaign = await broadcast(2);
    let counted = 0;
    let allowed = true;
    const written = new Map<number, string>();
    const counts = {
      head: { id: campaign, stops: [], ahead: [] },
      stages: [],
      deliveries: [],
      overTime: [],
      spanMinutes: 1,
      possible: 0,
      asOf: new Date(),
    };
    const live = createCampaignLive({
      count: async () => {
        counted++;
        return counts as unknown as CampaignCounts;
      },
      failed: (error) => {
        throw error;
      },
      everyMs: 5,
      aliveMs: 10,
    });
    const ended = new Set<number>();
    for (let viewer = 0; viewer < 20; viewer++) {
      const add = (text: string) => void written.set(viewer, (written.get(viewer) ?? '') + text);
      live.add(
        campaign,
        {
          write: add,
          end: (text = '') => {
            add(text);
            ended.add(viewer);
          },
          on: () => undefined,
          writableLength: 0,
          destroy: () => undefined,
        } as never,
        { exact: true, mayLook: async () => allowed },
      );
    }
    await eventually(() => counted >= 5);
    // Twenty saw the same, once, since nothing changed.
    for (const text of written.values()) expect(text.match(/event: campaign/g)).toHaveLength(1);
    allowed = false;
    await eventually(() => ended.size === 20);
    expect(written.get(7)).toContain('event: end');
    live.stop();
  });
});

test('few people are shown as few, and never to be had by subtraction', () => {
  expect([people(0, false), people(9, false), people(10, false), people(9, true)]).toEqual([0, '<10', 10, 9]);
  expect(peopleParts({ a: 100, b: 20, c: 3, d: 0 }, false)).toEqual({ a: 100, b: 'hidden', c: '<10', d: 0 });
  expect(peopleParts({ a: 100, b: 20, c: 6, d: 5 }, false)).toEqual({ a: 100, b: 20, c: '<10', d: '<10' });
  expect(peopleParts({ a: 100, b: 3 }, true)).toEqual({ a: 100, b: 3 });
});

test('what a day of single events sends is a campaign as well', async () => {
  await it.citizen({ id: 'day-1', sms: '+821055550001', profile: {} });
  await it.publish(taxEvent({ id: 'day-1', subject: 'day-1', allimobligation: 'property-tax/day-1' }));
  await it.idle();
  const [row] = await it.rows<{ id: string }>(
    `SELECT id FROM campaigns WHERE rule_id = 'nts-property-tax' ORDER BY accepted_at DESC LIMIT 1`,
  );
  expect(await get(row!.id)).toMatchObject({
    event: null,
    equation: { matched: 1 },
    channels: [{ channel: 'sms', sent: 1 }],
  });
});
