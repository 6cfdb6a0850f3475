/** Profiles, addresses and choices over HTTP. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { NewRecord } from '../../broker/broker.ts';
import { systemClock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Channel } from '../../domain/statuses.ts';
import { citizensOverHttp } from '../../producers/citizens.ts';
import { addressIndex, contactPointId, openAddress } from '../../store/contact-points.ts';
import { createServer } from '../../web/api/server.ts';
import { checkAttributes, createHttpApi, type HttpApi } from '../support/http.ts';

const p256dh = Buffer.concat([Buffer.from([4]), randomBytes(64)]).toString('base64url');
const auth = randomBytes(16).toString('base64url');
const ENDPOINT = 'https://push.example.net/send/secret-path';
const PUSH = { channel: 'push', subscription: { endpoint: ENDPOINT, keys: { p256dh, auth } } };

const ADMIN = { id: 'administrator', agency: null, scopes: [], sources: [] } as const;

let api: HttpApi;
let away = false;
beforeAll(async () => {
  api = await createHttpApi({
    broker: (real) => ({
      ...real,
      append: (topic, records) =>
        away ? Promise.reject(new AllimError('broker-unavailable', 'away')) : real.append(topic, records),
    }),
  });
});
afterAll(() => api.close());

const put = (id: string, payload: unknown, key?: string) =>
  api.call({
    method: 'PUT',
    url: `/api/v1/citizens/${encodeURIComponent(id)}`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(payload),
    ...(key === undefined ? {} : { key }),
  });

type Row = {
  id: string;
  channel: Channel;
  address: Buffer;
  verified_at: Date | null;
  invalid_at: Date | null;
};
async function contactPoints(citizen: string): Promise<(Row & { opened: string })[]> {
  const { rows } = await api.database.pool.query<Row>(
    'SELECT id, channel, address, verified_at, invalid_at FROM contact_points WHERE citizen_id = $1 ORDER BY channel',
    [citizen],
  );
  return rows.map((row) => ({ ...row, opened: openAddress(api.sealer, row.channel, row.address) }));
}

async function row<R>(table: string, citizen: string, column = 'citizen_id'): Promise<R | undefined> {
  const { rows } = await api.database.pool.query<R>(`SELECT * FROM ${table} WHERE ${column} = $1`, [citizen]);
  return rows[0];
}

const profilesOf = async (citizen: string) =>
  (await api.records(TOPICS.profiles))
    .filter((record) => record.key === citizen)
    .map((record) => ({
      partition: record.partition,
      value: JSON.parse(record.value!.toString()) as object,
    }));

describe('contact points', () => {
  test('are sealed, in normal form, verified where they say so, and nothing goes to the topic', async () => {
    const response = await put('c-1', {
      locale: 'en',
      contactPoints: [
        { channel: 'sms', address: '+82 10-1234-5678', verified: true },
        { channel: 'email', address: 'Kim.Minsu@EXAMPLE.kr' },
        PUSH,
      ],
    });
    expect([response.statusCode, response.json()]).toEqual([200, { citizen: 'c-1', profile: null }]);
    const [email, push, sms] = await contactPoints('c-1');
    expect(email).toMatchObject({ opened: 'Kim.Minsu@example.kr', verified_at: null });
    expect(JSON.parse(push!.opened)).toEqual({ endpoint: ENDPOINT, keys: { p256dh, auth } });
    expect(push!.verified_at).not.toBeNull();
    expect(sms).toMatchObject({
      opened: '+821012345678',
      id: contactPointId('c-1', 'sms', addressIndex(api.sealer, 'sms', '+821012345678')),
    });
    expect(sms!.verified_at).not.toBeNull();
    expect(sms!.address.includes('821012345678')).toBe(false);
    expect(await profilesOf('c-1')).toEqual([]);
    expect(await row('citizens', 'c-1', 'id')).toMatchObject({ locale: 'en', zone: 'Asia/Seoul' });
  });

  test('verified anew, an address that failed is used again; otherwise it is not', async () => {
    const point = { channel: 'sms', address: '+821022223333' };
    await put('c-2', { contactPoints: [{ ...point, verified: true }] });
    await api.database.pool.query(
      `UPDATE contact_points SET invalid_at = now(), invalid_code = 'unknown-number' WHERE citizen_id = 'c-2'`,
    );
    await put('c-2', { contactPoints: [point] });
    expect((await contactPoints('c-2'))[0]!.invalid_at).not.toBeNull();
    expect((await contactPoints('c-2'))[0]!.verified_at).not.toBeNull();
    await put('c-2', { contactPoints: [{ ...point, verified: true }] });
    expect((await contactPoints('c-2'))[0]!.invalid_at).toBeNull();
    await put('c-2', { contactPoints: [{ ...point, verified: false }] });
    expect((await contactPoints('c-2'))[0]!.verified_at).toBeNull();
    await put('c-2', { contactPoints: [{ ...point, remove: true }] });
    expect(await contactPoints('c-2')).toEqual([]);
  });

  test('a subscription whose keys were renewed stays one', async () => {
    await put('c-3', { contactPoints: [PUSH] });
    const renewed = randomBytes(16).toString('base64url');
    await put('c-3', {
      contactPoints: [{ ...PUSH, subscription: { endpoint: ENDPOINT, keys: { p256dh, auth: renewed } } }],
    });
    const points = await contactPoints('c-3');
    expect(points).toHaveLength(1);
    expect(points[0]!.opened).toContain(renewed);
  });
});

describe('choices', () => {
  test('merge: what is not given stays, null takes back', async () => {
    await put('c-4', {
      zone: 'America/New_York',
      preferences: {
        channels: ['push', 'sms'],
        quietHours: { from: '21:00', to: '08:00' },
        off: ['information'],
      },
      relations: [{ of: 'c-51b0', kind: 'guardian' }],
    });
    await put('c-4', { preferences: { off: [] } });
    expect(await row('preferences', 'c-4')).toMatchObject({
      channels: ['push', 'sms'],
      quiet_from: '21:00:00',
      quiet_to: '08:00:00',
      off: [],
    });
    await put('c-4', { preferences: { quietHours: null, channels: null } });
    expect(await row('preferences', 'c-4')).toMatchObject({
      channels: null,
      quiet_from: null,
      quiet_to: null,
    });
    expect(await row('citizens', 'c-4', 'id')).toMatchObject({ zone: 'America/New_York', locale: 'ko' });
    expect(await row('relations', 'c-51b0')).toMatchObject({ recipient_id: 'c-4', kind: 'guardian' });
    await put('c-4', { relations: [{ of: 'c-51b0', kind: 'guardian', remove: true }] });
    expect(await row('relations', 'c-51b0')).toBeUndefined();
  });
});

describe('attributes', () => {
  test('merge with source and time, and the whole record is in the log when the answer comes', async () => {
    const key = await api.issueKey('nhis', ['citizens']);
    await put('c-5', { attributes: { sido: '11', sigungu: '11680' } });
    const response = await put('c-5', { attributes: { birthDate: '1961-03-02', sigungu: null } }, key);
    const partition = partitionOf('c-5', 2);
    expect(response.json()).toMatchObject({ citizen: 'c-5', profile: { revision: 2, partition } });
    expect(await profilesOf('c-5')).toEqual([
      { partition, value: { sido: '11', sigungu: '11680' } },
      { partition, value: { sido: '11', birthDate: '1961-03-02' } },
    ]);
    expect(await row('merged_profiles', 'c-5')).toMatchObject({
      attributes: { sido: '11', birthDate: '1961-03-02' },
      provenance: {
        sido: { source: 'administrator' },
        birthDate: { source: 'nhis' },
        sigungu: { source: 'nhis' },
      },
    });
  });

  test('many at once about one citizen: each sees the one before, and the last record is the whole', async () => {
    const all = await Promise.all([
      ...Array.from({ length: 12 }, (_, n) =>
        put('c-6', { attributes: n % 2 ? { sido: '26' } : { birthDate: '1990-01-01' } }),
      ),
      ...Array.from({ length: 12 }, () => put('c-6', { contactPoints: [PUSH] })),
    ]);
    expect(new Set(all.map((response) => response.statusCode))).toEqual(new Set([200]));
    const offsets = all
      .map(
        (response) => (response.json() as { profile: { revision: number; offset: number } | null }).profile,
      )
      .filter((profile) => profile !== null)
      .sort((a, b) => a.revision - b.revision);
    expect(offsets.map((profile) => profile.revision)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
    expect(offsets.map((p) => p.offset)).toEqual(offsets.map((p) => p.offset).toSorted((a, b) => a - b));
    expect((await profilesOf('c-6')).at(-1)!.value).toEqual({ sido: '26', birthDate: '1990-01-01' });
  });

  test('by two servers at once: the newest record is the last in the log', async () => {
    const second = await createServer({
      credentials: { peek: () => ADMIN, verify: async () => ADMIN },
      logger: silentLogger,
    });
    // The first server's appends are slow, so that without the row's lock the second's would overtake them.
    const slow = {
      append: async (topic: string, records: readonly NewRecord[]) => {
        await delay(20);
        return api.broker.append(topic, records);
      },
    };
    const { pool } = api.database;
    await second.register(citizensOverHttp, {
      pool,
      broker: slow,
      sealer: api.sealer,
      clock: systemClock,
      logger: silentLogger,
      checkAttributes,
      populationRegister: false,
    });
    const there = (payload: object) =>
      second.inject({
        method: 'PUT',
        url: '/api/v1/citizens/c-8',
        headers: { authorization: 'Bearer x' },
        payload,
      });
    const all = await Promise.all(
      Array.from({ length: 10 }, (_, n) => {
        const payload = { attributes: { sigungu: `110${10 + n}` } };
        return n % 2 ? there(payload) : put('c-8', payload);
      }),
    );
    await second.close();
    const newest = all
      .map((response) => (response.json() as { profile: { revision: number; offset: number } }).profile)
      .toSorted((a, b) => a.revision - b.revision);
    expect(newest.map((profile) => profile.revision)).toEqual(Array.from({ length: 10 }, (_, n) => n + 1));
    expect(newest.map((p) => p.offset)).toEqual(newest.map((p) => p.offset).toSorted((a, b) => a - b));
    const kept = await row<{ attributes: object }>('merged_profiles', 'c-8');
    expect((await profilesOf('c-8')).at(-1)!.value).toEqual(kept!.attributes);
  });

  test('while the log is away nothing is kept and the caller may try again', async () => {
    away = true;
    const response = await put('c-7', { attributes: { sido: '11' }, locale: 'en' });
    away = false;
    expect([response.statusCode, (response.json() as { code: string }).code]).toEqual([
      503,
      'broker-unavailable',
    ]);
    expect(await row('citizens', 'c-7', 'id')).toBeUndefined();
    expect(await row('merged_profiles', 'c-7')).toBeUndefined();
  });

  test('where a register owns them, none are taken, and the rest is', async () => {
    const owned = await createHttpApi({ populationRegister: true });
    const send = (payload: object) =>
      owned.call({
        method: 'PUT',
        url: '/api/v1/citizens/c-1',
        headers: { 'content-type': 'application/json' },
        payload,
      });
    const refused = await send({ attributes: { sido: '11' }, locale: 'en' });
    expect(refused.json()).toMatchObject({
      status: 409,
      code: 'profile-owned',
      faults: [{ pointer: '/attributes' }],
    });
    expect((await send({ locale: 'en' })).statusCode).toBe(200);
    await owned.close();
  });
});

test('a zone that this Postgres does not know is refused at its place, and nothing is kept', async () => {
  // A server whose time zone files lack one that we know.
  const { pool } = api.database;
  const older = {
    query: pool.query.bind(pool),
    async connect() {
      const client = await pool.connect();
      const query = (statement: never, values?: readonly unknown[]) =>
        client.query(
          statement,
          values?.map((value) => (value === 'America/Coyhaique' ? 'America/Nowhere' : value)) as never,
        );
      return { query, release: client.release.bind(client), on: client.on.bind(client) };
    },
  } as typeof pool;
  const app = await createServer({
    credentials: { peek: () => ADMIN, verify: async () => ADMIN },
    logger: silentLogger,
  });
  await app.register(citizensOverHttp, {
    pool: older,
    broker: api.broker,
    sealer: api.sealer,
    clock: systemClock,
    logger: silentLogger,
    populationRegister: false,
    checkAttributes,
  });
  const change = (zone: string) =>
    app.inject({
      method: 'PUT',
      url: '/api/v1/citizens/c-zone',
      headers: { authorization: 'Bearer x' },
      payload: { zone },
    });
  const refused = await change('America/Coyhaique');
  expect(refused.json()).toMatchObject({
    status: 422,
    code: 'profile-invalid',
    faults: [{ pointer: '/zone' }],
  });
  expect(await row('citizens', 'c-zone', 'id')).toBeUndefined();
  expect((await change('America/Santiago')).statusCode).toBe(200);
  await app.close();
});

describe('what is refused, with the place and without the value', () => {
  test.each([
    ['an unknown member', { adress: 'x' }, '/adress'],
    ['nothing', {}, ''],
    ['a field that does not exist', { attributes: { shoeSize: 3 } }, '/attributes/shoeSize'],
    ['a value that the field has not', { attributes: { sido: 'Seoul' } }, '/attributes/sido'],
    ['a zone that does not exist', { zone: 'Asia/Atlantis' }, '/zone'],
    ['a zone that is an offset', { zone: '+09:00' }, '/zone'],
    ['a locale that is none', { locale: 'korean' }, '/locale'],
    [
      'a number that is none',
      { contactPoints: [{ channel: 'sms', address: '12345' }] },
      '/contactPoints/0/address',
    ],
    [
      'a number without texts',
      { contactPoints: [{ channel: 'sms', address: '+8221234567' }] },
      '/contactPoints/0/address',
    ],
    [
      'a mail address that is none',
      { contactPoints: [{ channel: 'email', address: 'a@b' }] },
      '/contactPoints/0/address',
    ],
    [
      'a header in a mail address',
      { contactPoints: [{ channel: 'email', address: 'a@example.kr\r\nBcc: b@example.kr' }] },
      '/contactPoints/0/address',
    ],
    ['no address', { contactPoints: [{ channel: 'email' }] }, '/contactPoints/0/address'],
    [
      'an address of push',
      { contactPoints: [{ channel: 'push', address: 'x' }] },
      '/contactPoints/0/address',
    ],
    ['an unknown channel', { contactPoints: [{ channel: 'fax', address: '1' }] }, '/contactPoints/0/channel'],
    [
      'an endpoint by http',
      {
        contactPoints: [
          { ...PUSH, subscription: { ...PUSH.subscription, endpoint: 'http://push.example.net/' } },
        ],
      },
      '/contactPoints/0/subscription/endpoint',
    ],
    [
      'a key of another length',
      { contactPoints: [{ ...PUSH, subscription: { endpoint: ENDPOINT, keys: { p256dh: 'AAAA', auth } } }] },
      '/contactPoints/0/subscription/keys/p256dh',
    ],
    [
      'an address twice',
      {
        contactPoints: [
          { channel: 'sms', address: '010-1111-2222' },
          { channel: 'sms', address: '+821011112222' },
        ],
      },
      '/contactPoints/1',
    ],
    ['a statutory notice switched off', { preferences: { off: ['statutory'] } }, '/preferences/off/0'],
    [
      'quiet hours that are none',
      { preferences: { quietHours: { from: '24:00', to: '08:00' } } },
      '/preferences/quietHours/from',
    ],
    [
      'quiet hours without end',
      { preferences: { quietHours: { from: '08:00', to: '08:00' } } },
      '/preferences/quietHours/to',
    ],
    ['a relation to oneself', { relations: [{ of: 'c-9', kind: 'carer' }] }, '/relations/0/of'],
    ['a lone surrogate', { attributes: { sido: '\ud800' } }, ''],
  ])('%s', async (_name, payload, pointer) => {
    const response = await put('c-9', payload);
    expect(response.statusCode).toBe(422);
    const faults = (response.json() as { faults: { pointer: string; message: string }[] }).faults;
    expect(faults.map((fault) => fault.pointer)).toContain(pointer);
    expect(response.body).not.toContain('Bcc');
    expect(await row('citizens', 'c-9', 'id')).toBeUndefined();
  });

  test('ids that are none', async () => {
    expect((await put('x'.repeat(65), { locale: 'ko' })).statusCode).toBe(422);
    expect((await put('😀'.repeat(33), { locale: 'ko' })).json()).toMatchObject({
      faults: [{ pointer: '/params/id' }],
    });
    expect((await put('a\u0007b', { locale: 'ko' })).statusCode).toBe(422);
    expect((await put('한글-id', { locale: 'ko' })).statusCode).toBe(200);
  });

  test('bodies that are none', async () => {
    const send = (payload: string | Buffer, type: string) =>
      api.call({ method: 'PUT', url: '/api/v1/citizens/c-9', headers: { 'content-type': type }, payload });
    expect((await send('{', 'application/json')).statusCode).toBe(400);
    expect((await send('a,b', 'text/csv')).statusCode).toBe(415);
    expect((await send(Buffer.alloc(2_000_000, 0x20), 'application/json')).statusCode).toBe(413);
  });
});

test('no line of the log holds an address or an attribute', () => {
  expect(api.lines.some((line) => line.includes('citizen changed'))).toBe(true);
  const personal = /1012345678|2222|Minsu|example\.kr|secret-path|11680|1961|Seoul/;
  // Ids of requests are random, and may hold anything.
  const said = api.lines.map((line) => line.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, ''));
  expect(said.filter((line) => personal.test(line))).toEqual([]);
});
