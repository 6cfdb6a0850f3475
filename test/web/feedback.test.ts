/** Webhooks, the status topic, trial mode and stops over the API, and where one agency ends. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let production: HttpApi;
let nts: string;
let nhis: string;
beforeAll(async () => {
  api = await createHttpApi({ api: { webhookLoopback: false } });
  production = await createHttpApi({ production: true });
  nts = await api.issueKey('nts', ['webhooks', 'read', 'citizens', 'rules']);
  nhis = await api.issueKey('nhis', ['webhooks', 'read', 'citizens', 'rules']);
});
afterAll(async () => {
  await api.close();
  await production.close();
});

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
const call = (method: Method, url: string, payload?: object, key?: string, at = api) =>
  at.call({
    method,
    url,
    ...(payload === undefined ? {} : { payload }),
    ...(key === undefined ? {} : { key }),
  });
const URL_OK = 'https://hooks.nts.go.kr/allim';

describe('webhooks', () => {
  test('show their secret once, and belong to one agency', async () => {
    const made = await call('POST', '/api/v1/webhooks', { url: URL_OK }, nts);
    expect(made.statusCode).toBe(201);
    const { id, secret, ...rest } = made.json() as { id: string; secret: string };
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(rest).toEqual({ agency: 'nts', url: URL_OK, state: 'new' });
    const list = await call('GET', '/api/v1/webhooks', undefined, nts);
    expect(list.json()).toMatchObject({
      webhooks: [{ id, state: 'new', due: 0, givenUp: 0, lastError: null }],
    });
    expect(list.body).not.toContain('whsec_');
    expect(api.lines.join('\n')).not.toContain(secret);
    expect((await call('GET', '/api/v1/webhooks', undefined, nhis)).json()).toEqual({ webhooks: [] });
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/handshake'],
      ['POST', '/redelivery'],
    ] as const)
      expect((await call(method, `/api/v1/webhooks/${id}${path}`, undefined, nhis)).statusCode).toBe(404);
    expect((await call('POST', `/api/v1/webhooks/${id}/secret`, {}, nhis)).statusCode).toBe(404);
    const rotated = await call('POST', `/api/v1/webhooks/${id}/secret`, { keepPreviousHours: 1 }, nts);
    expect(rotated.statusCode).toBe(201);
    expect((rotated.json() as { secret: string }).secret).not.toBe(secret);
    expect((await call('POST', `/api/v1/webhooks/${id}/handshake`, undefined, nts)).statusCode).toBe(202);
    expect((await call('POST', `/api/v1/webhooks/${id}/redelivery`, undefined, nts)).json()).toEqual({
      id,
      reports: 0,
    });
    expect((await call('DELETE', `/api/v1/webhooks/${id}`, undefined, nts)).statusCode).toBe(204);
    expect((await call('GET', `/api/v1/webhooks/${id}`, undefined, nts)).statusCode).toBe(404);
  });

  test.each([
    ['http://hooks.nts.go.kr/', '/url'],
    ['https://127.0.0.1/', '/url'],
    ['https://10.0.0.8/', '/url'],
    ['https://[fd00::1]/', '/url'],
    ['https://localhost/', '/url'],
    ['https://user:secret@hooks.nts.go.kr/', '/url'],
    ['ftp://hooks.nts.go.kr/', '/url'],
    ['no url', '/url'],
  ])('at %s are refused with their place', async (url, pointer) => {
    const refused = await call('POST', '/api/v1/webhooks', { url }, nts);
    expect(refused.statusCode).toBe(422);
    expect(refused.json()).toMatchObject({ faults: [{ pointer }] });
  });

  test('are ten an agency at most, and the administrator says whose', async () => {
    expect((await call('POST', '/api/v1/webhooks', { url: URL_OK })).statusCode).toBe(422);
    expect((await call('POST', '/api/v1/webhooks', { url: URL_OK, agency: 'nobody' })).statusCode).toBe(422);
    expect((await call('POST', '/api/v1/webhooks', { url: URL_OK, agency: 'nts' }, nhis)).statusCode).toBe(
      403,
    );
    const made = await Promise.all(
      Array.from({ length: 12 }, () => call('POST', '/api/v1/webhooks', { url: URL_OK, agency: 'kosaf' })),
    );
    expect(made.map((one) => one.statusCode).sort()).toEqual([...Array(10).fill(201), 422, 422]);
  });

  test('need the scope', async () => {
    const reader = await api.issueKey('nts', ['read']);
    expect((await call('GET', '/api/v1/webhooks', undefined, reader)).statusCode).toBe(403);
  });
});

describe('the status topic', () => {
  test('is made when it is asked for', async () => {
    const at = '/api/v1/agencies/nts/status-topic';
    expect((await call('GET', at, undefined, nts)).json()).toEqual({ agency: 'nts', topic: null });
    const on = { agency: 'nts', topic: 'notification-status.nts' };
    expect((await call('PUT', at, undefined, nts)).json()).toEqual(on);
    expect((await call('GET', at, undefined, nts)).json()).toEqual(on);
    expect(await api.broker.ends('notification-status.nts')).toEqual([0, 0]);
    expect((await call('PUT', at, undefined, nhis)).statusCode).toBe(403);
    expect((await call('DELETE', at, undefined, nts)).statusCode).toBe(204);
    expect((await call('GET', at, undefined, nts)).json()).toMatchObject({ topic: null });
    expect((await call('PUT', '/api/v1/agencies/nobody/status-topic')).statusCode).toBe(422);
  });
});

describe('trial mode', () => {
  test('is where a new agency begins in production, and stays until it goes live', async () => {
    const put = (at: HttpApi) =>
      call('PUT', '/api/v1/agencies/new', { name: { ko: '새', en: 'New' } }, undefined, at);
    const get = (at: HttpApi) => call('GET', '/api/v1/agencies/new/trial', undefined, undefined, at);
    await put(api);
    expect((await get(api)).json()).toEqual({ agency: 'new', trial: false, recipients: [] });
    await put(production);
    expect((await get(production)).json()).toMatchObject({ trial: true });
    const live = await call('PUT', '/api/v1/agencies/new/trial', { trial: false }, undefined, production);
    expect(live.json()).toEqual({ agency: 'new', trial: false });
    await put(production);
    expect((await get(production)).json()).toMatchObject({ trial: false });
  });

  test('is left by the administrator alone; whom it reaches the agency says', async () => {
    const at = '/api/v1/agencies/nts/trial';
    expect((await call('PUT', at, { trial: true }, nts)).statusCode).toBe(403);
    expect((await call('PUT', at, { trial: true })).statusCode).toBe(200);
    const allowed = await call(
      'POST',
      `${at}/recipients`,
      { recipients: [{ citizen: 'c-1' }, { channel: 'sms', address: '+821012345678' }] },
      nts,
    );
    expect(allowed.statusCode).toBe(201);
    const { keys } = allowed.json() as { keys: string[] };
    expect(keys).toEqual(['citizen:c-1', expect.stringMatching(/^address:[0-9a-f]{64}$/)]);
    expect((await call('GET', at, undefined, nts)).json()).toEqual({
      agency: 'nts',
      trial: true,
      recipients: expect.arrayContaining([
        { key: 'citizen:c-1', channel: null },
        { key: keys[1], channel: 'sms' },
      ]),
    });
    expect((await call('GET', at, undefined, nhis)).statusCode).toBe(403);
    for (const key of keys)
      expect((await call('DELETE', `${at}/recipients/${key}`, undefined, nts)).statusCode).toBe(204);
    expect((await call('DELETE', `${at}/recipients/${keys[0]}`, undefined, nts)).statusCode).toBe(404);
    expect((await call('GET', `${at}/sends`, undefined, nts)).json()).toEqual({ sends: [] });
    await call('PUT', at, { trial: false });
  });

  test.each([
    [{}, '/recipients/0'],
    [{ citizen: 'c-1', channel: 'sms', address: '+821012345678' }, '/recipients/0'],
    [{ channel: 'sms' }, '/recipients/0'],
    [{ citizen: 'c-1', channel: 'sms' }, '/recipients/0'],
    [{ channel: 'sms', address: 'hello' }, '/recipients/0/address'],
    [{ channel: 'email', address: 'hello' }, '/recipients/0/address'],
  ])('refuses %j with its place', async (recipient, pointer) => {
    const refused = await call(
      'POST',
      '/api/v1/agencies/nts/trial/recipients',
      { recipients: [recipient] },
      nts,
    );
    expect(refused.statusCode).toBe(422);
    expect(refused.json()).toMatchObject({ faults: [{ pointer }] });
  });
});

describe('stops', () => {
  test('by their address, shown with the status to whom they concern', async () => {
    const reason = { reason: 'wrong text' };
    expect((await call('PUT', '/api/v1/stops/all', reason)).statusCode).toBe(201);
    expect((await call('PUT', '/api/v1/stops/all', reason)).statusCode).toBe(200);
    expect((await call('PUT', '/api/v1/stops/agency:nts', { reason: 'ours' }, nts)).statusCode).toBe(201);
    const shown = async (key?: string) =>
      (
        (await call('GET', '/api/v1/status', undefined, key)).json() as {
          stops: { scope: string; reason: string }[];
        }
      ).stops.map((stop) => `${stop.scope} ${stop.reason}`);
    expect(await shown()).toEqual(['agency:nts ours', 'all wrong text']);
    expect(await shown(nhis)).toEqual(['all wrong text']);
    expect((await call('PUT', '/api/v1/stops/agency:nobody', reason)).statusCode).toBe(422);
    expect((await call('PUT', '/api/v1/stops/everything', reason)).statusCode).toBe(422);
    expect((await call('PUT', '/api/v1/stops/all', {})).statusCode).toBe(422);
    for (const scope of ['all', 'agency:nts'])
      expect((await call('DELETE', `/api/v1/stops/${scope}`)).statusCode).toBe(204);
    expect(await shown()).toEqual([]);
  });
});
