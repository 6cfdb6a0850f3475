/** What an agency's key may change of a citizen. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let nts: string;
let nhis: string;
let register: string;
beforeAll(async () => {
  api = await createHttpApi();
  nts = await api.issueKey('nts', ['citizens']);
  nhis = await api.issueKey('nhis', ['citizens']);
  register = await api.issueKey('kosaf', ['citizens', 'register']);
});
afterAll(() => api.close());

const put = (id: string, payload: object, key?: string) =>
  api.call({ method: 'PUT', url: `/api/v1/citizens/${id}`, payload, ...(key === undefined ? {} : { key }) });
const pointsOf = async (citizen: string) =>
  (
    await api.database.pool.query<{ channel: string; verified: boolean; writer: string | null }>(
      `SELECT channel, verified_at IS NOT NULL AS verified, writer FROM contact_points WHERE citizen_id = $1 ORDER BY channel`,
      [citizen],
    )
  ).rows;

const sms = { channel: 'sms', address: '+821012345678' };
const email = { channel: 'email', address: 'kim@example.kr' };
const subscription = (auth = randomBytes(16)) => ({
  endpoint: 'https://push.example.net/send/a',
  keys: {
    p256dh: Buffer.concat([Buffer.from([4]), randomBytes(64)]).toString('base64url'),
    auth: auth.toString('base64url'),
  },
});

test('what an agency writes is recorded as its own, and it may change that', async () => {
  await put('c-own', { contactPoints: [{ ...sms, verified: true }] }, nts);
  await put('c-own', { contactPoints: [email] });
  expect(await pointsOf('c-own')).toEqual([
    { channel: 'email', verified: false, writer: 'administrator' },
    { channel: 'sms', verified: true, writer: 'nts' },
  ]);
  expect((await put('c-own', { contactPoints: [{ ...sms, verified: false }] }, nts)).statusCode).toBe(200);
  expect((await put('c-own', { contactPoints: [{ ...sms, remove: true }] }, nts)).statusCode).toBe(200);
  expect(await pointsOf('c-own')).toHaveLength(1);
});

test('an agency may not remove, verify, un-verify or replace what another wrote', async () => {
  const push = { channel: 'push', subscription: subscription() };
  await put('c-1', { contactPoints: [{ ...sms, verified: true }, email, push] }, nts);
  const before = await pointsOf('c-1');
  for (const [change, place] of [
    [{ ...sms, remove: true }, 0],
    [{ ...sms, verified: false }, 0],
    [{ ...email, verified: true }, 0],
    [{ channel: 'push', subscription: subscription() }, 0],
  ] as const) {
    const response = await put('c-1', { contactPoints: [change] }, nhis);
    expect(response.json()).toMatchObject({
      status: 403,
      code: 'forbidden',
      detail: expect.stringContaining('register'),
      faults: [{ pointer: `/contactPoints/${place}`, message: 'was written by another' }],
    });
    expect(response.body).not.toContain('kim@');
  }
  // All or nothing: what is its own is not written either.
  const own = { channel: 'sms', address: '+821099998888' };
  const both = await put('c-1', { contactPoints: [own, { ...sms, remove: true }] }, nhis);
  expect(both.json()).toMatchObject({ status: 403, faults: [{ pointer: '/contactPoints/1' }] });
  expect(await pointsOf('c-1')).toEqual(before);
});

test('an agency may repeat what another wrote, and then nothing changes hands', async () => {
  const push = { channel: 'push', subscription: subscription() };
  await put('c-2', { contactPoints: [{ ...sms, verified: true }, push] }, nts);
  const again = await put('c-2', { contactPoints: [sms, push] }, nhis);
  expect(again.statusCode).toBe(200);
  expect((await pointsOf('c-2')).map((point) => point.writer)).toEqual(['nts', 'nts']);
});

test('an agency may not bring back an address that failed and that another wrote', async () => {
  await put('c-3', { contactPoints: [{ ...sms, verified: true }] }, nts);
  await api.database.pool.query(`UPDATE contact_points SET invalid_at = now() WHERE citizen_id = 'c-3'`);
  expect((await put('c-3', { contactPoints: [{ ...sms, verified: true }] }, nhis)).statusCode).toBe(403);
  expect((await put('c-3', { contactPoints: [{ ...sms, verified: true }] }, nts)).statusCode).toBe(200);
});

test('what nobody is known to have written belongs to no agency', async () => {
  await put('c-4', { contactPoints: [sms] });
  await api.database.pool.query(`UPDATE contact_points SET writer = NULL WHERE citizen_id = 'c-4'`);
  expect((await put('c-4', { contactPoints: [{ ...sms, remove: true }] }, nts)).statusCode).toBe(403);
});

test.each([
  ['preferences', { preferences: { off: ['service'] } }],
  ['relations', { relations: [{ of: 'c-child', kind: 'guardian' }] }],
  ['relations', { relations: [{ of: 'c-child', kind: 'guardian', remove: true }] }],
])("an agency's word about %s is refused, a register's is taken: %j", async (part, body) => {
  const refused = await put('c-5', { locale: 'en', ...body }, nts);
  expect(refused.json()).toMatchObject({ status: 403, code: 'forbidden', faults: [{ pointer: `/${part}` }] });
  expect((await put('c-5', body, register)).statusCode).toBe(200);
  expect((await put('c-5', body)).statusCode).toBe(200);
});

test("a register's key and the administrator change what others wrote", async () => {
  await put('c-6', { contactPoints: [sms, email] }, nts);
  expect((await put('c-6', { contactPoints: [{ ...sms, verified: true }] }, register)).statusCode).toBe(200);
  expect((await put('c-6', { contactPoints: [{ ...email, remove: true }] })).statusCode).toBe(200);
  expect(await pointsOf('c-6')).toEqual([{ channel: 'sms', verified: true, writer: 'nts' }]);
});

test('a mail address has at most 254 octets, and 64 before the @', async () => {
  const of = (address: string) => put('c-7', { contactPoints: [{ channel: 'email', address }] });
  const domain = (length: number) =>
    `${'d'.repeat(60)}.`
      .repeat(5)
      .slice(0, length - 3)
      .replace(/\.$/, 'd')
      .concat('.kr');
  expect((await of(`${'a'.repeat(64)}@${domain(254 - 65)}`)).statusCode).toBe(200);
  for (const address of [
    `${'a'.repeat(65)}@example.kr`,
    `${'a'.repeat(64)}@${domain(255 - 65)}`,
    `a@${'가'.repeat(60)}.kr`.padEnd(400, 'x'),
  ])
    expect((await of(address)).statusCode).toBe(422);
});
