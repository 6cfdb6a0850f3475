/** Support: a notice by its code, a person by id or number, the chain of what happened, why and why not; and every look is written down. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { NotificationId } from '../../domain/ids.ts';
import { shortCode } from '../../domain/short-code.ts';
import { transaction } from '../../domain/sql.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';
import { saveMergedProfile } from '../support/merged-profile.ts';
import { createStaffApi } from '../support/staff-api.ts';

let it: Installation;
let api: Awaited<ReturnType<typeof createStaffApi>>;
let n = 0;
beforeAll(async () => {
  it = await install({ partitions: 1 });
  api = await createStaffApi(it, { looksPerMinute: 12 });
});
afterAll(async () => {
  await api.close();
  await it.close();
});
beforeEach(() => {
  n++;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
});

/** Each test looks as another person, so that one’s looks do not use up another’s. */
const staff = () => `yun${n}:nts:support`;

type Chain = {
  code: string;
  recipient: string;
  chain: {
    step: string;
    at: string | null;
    channel?: string;
    reason?: string | null;
    details?: Record<string, unknown>;
  }[];
};

async function told(more: object = {}): Promise<{ citizen: string; notice: NotificationId }> {
  const citizen = `s-${n}`;
  await it.citizen({ id: citizen, sms: `+8210777700${String(n).padStart(2, '0')}`, profile: {}, ...more });
  await it.publish(taxEvent({ id: `s-${n}`, subject: citizen, allimobligation: `property-tax/s-${n}` }));
  await it.idle();
  const [row] = await it.rows<{ id: NotificationId }>(
    'SELECT id FROM notifications WHERE recipient_id = $1',
    [citizen],
  );
  return { citizen, notice: row!.id };
}
const lookup = (payload: object, as = staff()) =>
  api.call({
    method: 'POST',
    url: '/api/v1/support/lookups',
    as,
    payload: { reason: '본인 전화 문의', ...payload },
  });
const steps = ({ chain }: Chain) =>
  chain.map(({ step, reason }) => (reason == null ? step : `${step}:${reason}`));

test('a notice by the code that somebody reads aloud: what happened, in order, each with its time', async () => {
  const { citizen, notice } = await told();
  const typed = shortCode(notice).toLowerCase().replace('-', ' ');
  const answer = await lookup({ code: typed });
  expect(answer.statusCode).toBe(200);
  const [chain] = (answer.json() as { notices: Chain[] }).notices;
  expect(chain).toMatchObject({
    code: shortCode(notice),
    recipient: citizen,
    rule: 'nts-property-tax',
    stage: 'opened',
  });
  expect(steps(chain!)).toEqual(['event:accepted', 'rule', 'judged:certain', 'planned', 'claimed', 'sent']);
  for (const { at } of chain!.chain) expect(at).not.toBeNull();
  const times = chain!.chain.map(({ at }) => Date.parse(at!));
  expect(times.slice(4)).toEqual(times.slice(4).toSorted((a, b) => a - b));
  const url = `/api/v1/support/notices/${shortCode(notice)}?reason=${encodeURIComponent('민원 2026-11')}`;
  expect((await api.call({ method: 'GET', url, as: staff() })).json()).toMatchObject({
    notices: [{ code: shortCode(notice) }],
  });
});

test('failed calls, waiting and the next try stand in the chain', async () => {
  it.providers.sms.answer = ({ attempt }) =>
    attempt === 1 ? { kind: 'temporary', code: 'busy' } : { kind: 'accepted', reference: null };
  const { citizen } = await told();
  const first = (await lookup({ citizen })).json() as { notices: Chain[] };
  expect(steps(first.notices[0]!).slice(4)).toEqual(['claimed', 'ended:waiting', 'waits:retry']);
  it.at(15 * 60_000);
  await it.idle();
  const later = (await lookup({ citizen })).json() as { notices: Chain[] };
  expect(steps(later.notices[0]!).slice(4)).toEqual(['claimed', 'ended:waiting', 'claimed', 'sent']);
});

test('a person by any way of writing their number; the number stands nowhere in the trail', async () => {
  const { citizen } = await told();
  const number = `010-7777-00${String(n).padStart(2, '0')}`;
  expect((await lookup({ phone: number })).json()).toMatchObject({
    citizens: [citizen],
    notices: [{ recipient: citizen }],
  });
  expect((await lookup({ phone: '010-0000-0000' })).json()).toMatchObject({ citizens: [], notices: [] });
  const entries = await it.rows<{ text: string }>(
    `SELECT e::text AS text FROM audit_entries e WHERE action = 'support.looked-up'`,
  );
  for (const { text } of entries) expect(text).not.toMatch(/7777-?00/);
});

describe('every look', () => {
  test('has a reason, and is written down with it', async () => {
    const { citizen } = await told();
    expect(
      (await api.call({ method: 'POST', url: '/api/v1/support/lookups', as: staff(), payload: { citizen } }))
        .statusCode,
    ).toBe(422);
    await lookup({ citizen });
    const [entry] = await it.rows(
      'SELECT actor, action, object, reason, details FROM audit_entries ORDER BY number DESC LIMIT 1',
    );
    expect(entry).toEqual({
      actor: `staff:yun${n}`,
      action: 'support.looked-up',
      object: `citizen:${citizen}`,
      reason: '본인 전화 문의',
      details: { by: 'citizen', found: 1 },
    });
  });

  test('is written down each time, also where it is said twice under one key', async () => {
    const { citizen } = await told();
    const count = async () =>
      (await it.rows(`SELECT 1 FROM audit_entries WHERE object = $1`, [`citizen:${citizen}`])).length;
    const before = await count();
    for (let look = 0; look < 2; look++) {
      const answer = await api.call({
        method: 'POST',
        url: '/api/v1/support/lookups',
        as: staff(),
        headers: { 'idempotency-key': 'same-look' },
        payload: { reason: '본인 전화 문의', citizen },
      });
      expect([answer.statusCode, answer.headers['idempotency-replayed']]).toEqual([200, undefined]);
    }
    expect(await count()).toBe(before + 2);
    expect(await it.rows(`SELECT 1 FROM idempotency_keys WHERE key = 'same-look'`)).toEqual([]);
  });

  test.each(['010-7777-0001로 전화함', '+82 10 7777 0001', '０１０７７７７０００１', '02-3423-5114'])(
    'has no telephone number in its reason: %s',
    async (reason) => {
      const { citizen } = await told();
      const answer = await lookup({ citizen, reason });
      expect(answer.json()).toMatchObject({ status: 422, faults: [{ pointer: '/reason' }] });
      expect(answer.body).not.toContain('7777');
    },
  );

  test('needs the permission, sees the own agency alone, and is limited', async () => {
    const { citizen, notice } = await told();
    expect((await lookup({ citizen }, 'kim:nts:author')).statusCode).toBe(403);
    const foreign = `han${n}:nhis:support`;
    expect((await lookup({ citizen }, foreign)).json()).toMatchObject({ notices: [] });
    expect((await lookup({ code: shortCode(notice) }, foreign)).json()).toMatchObject({ notices: [] });
    expect(
      (await lookup({ phone: `010-7777-00${String(n).padStart(2, '0')}` }, foreign)).json(),
    ).toMatchObject({ citizens: [] });
    const statuses: number[] = [];
    for (let look = 0; look < 14; look++) statuses.push((await lookup({ citizen })).statusCode);
    expect(statuses.slice(0, 12).every((status) => status === 200)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
  });

  test('asks for one thing, and says what is wrong with it', async () => {
    expect((await lookup({})).statusCode).toBe(422);
    expect((await lookup({ code: 'K7Q2-93', citizen: 'x' })).statusCode).toBe(422);
    expect((await lookup({ code: 'O0O0-00' })).json()).toMatchObject({ faults: [{ pointer: '/code' }] });
    expect((await lookup({ phone: '12345678' })).json()).toMatchObject({ faults: [{ pointer: '/phone' }] });
  });
});

test('a reason with a resident registration number is refused, and stands nowhere', async () => {
  const answer = await lookup({ citizen: 's-1', reason: '900101-1234567 본인' });
  expect(answer.json()).toMatchObject({
    status: 422,
    faults: [{ pointer: '/reason', code: 'resident-number' }],
  });
  expect(answer.body).not.toContain('1234567');
  expect(await it.rows(`SELECT 1 FROM audit_entries WHERE reason LIKE '%1234567%'`)).toEqual([]);
});

describe('why, and why not', () => {
  const why = (citizen: string, rule = 'nts-property-tax', as = staff()) =>
    api.call({
      method: 'POST',
      url: '/api/v1/support/explanations',
      as,
      payload: { citizen, rule, reason: '왜 못 받았나', language: 'ko' },
    });

  test('the condition leaf by leaf, and what the ledger has to say', async () => {
    const { citizen } = await told();
    await saveMergedProfile(it, citizen, { sido: '11' });
    const answer = (await why(citizen)).json();
    expect(answer).toMatchObject({
      rule: 'nts-property-tax',
      gates: ['told'],
      facts: { known: true, channels: ['sms'] },
    });
    expect((answer as { explanation: { reach: string; text: string } }).explanation).toMatchObject({
      reach: expect.any(String),
    });
  });

  test('somebody without an address, whom nobody knows, or who is dead', async () => {
    await it.citizen({ id: `w-${n}`, profile: {} });
    expect((await why(`w-${n}`)).json()).toMatchObject({ gates: ['no-address'], facts: { notices: [] } });
    expect((await why('nobody-known')).json()).toMatchObject({ facts: { known: false }, explanation: null });
    await transaction(it.pool, (sql) =>
      sql.query('UPDATE citizens SET dead_at = now() WHERE id = $1', [`w-${n}`]),
    );
    expect((await why(`w-${n}`)).json()).toMatchObject({ gates: ['dead', 'no-address'] });
    expect((await why('x', 'no-such-rule')).statusCode).toBe(404);
    expect((await why('x', 'nhis-general-checkup')).statusCode).toBe(404);
  });
});
