/** The server around all routes: who may, what an error looks like, what is left to do. */
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../domain/clock.ts';
import { ERROR_CODES } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import { createCredentials } from '../../web/api/credentials.ts';
import { STATUS } from '../../web/api/problems.ts';
import { type ApiParts, apiRoutes } from '../../web/api/routes.ts';
import { createServer } from '../../web/api/server.ts';
import { ADMINISTRATOR, createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
beforeAll(async () => {
  api = await createHttpApi({
    api: {
      checks: [
        {
          name: 'queue',
          check: async () => {},
        },
      ],
    },
  });
});
afterAll(() => api.close());

const get = (url: string, key?: string | null) =>
  api.call({ method: 'GET', url, ...(key === undefined ? {} : { key }) });

describe('permissions', () => {
  test('a route without one cannot be registered', async () => {
    const app = await createServer({
      credentials: { peek: () => 'guess', verify: async () => null },
      logger: silentLogger,
    });
    expect(() => app.get('/api/v1/open', async () => 'hello')).toThrow('has no permission');
    await app.close();
  });

  test('every route of the table refuses strangers and keys without the scope', async () => {
    const told = await api.issueKey('nts', ['webhooks']);
    const reader = await api.issueKey('nts', ['read']);
    // Only the shape of the table is read; no part is called.
    const routes = apiRoutes({ logger: silentLogger, checks: [] } as unknown as ApiParts);
    expect(routes.length).toBeGreaterThan(15);
    for (const [method, url, permission] of routes) {
      if (permission === 'public') continue;
      const path = url.replaceAll(/:\w+/g, '1');
      const stranger = await api.app.inject({ method, url: path, remoteAddress: `10.0.0.${routes.length}` });
      expect([path, [401, 429].includes(stranger.statusCode)]).toEqual([path, true]);
      const other = await api.call({ method, url: path, key: permission === 'webhooks' ? reader : told });
      expect([path, other.statusCode]).toEqual([path, 403]);
    }
  });

  test('a key works until it is revoked or expires', async () => {
    const issue = (more: object) =>
      api.call({
        method: 'POST',
        url: '/api/v1/agencies/nts/keys',
        payload: { label: 'portal', scopes: ['read'], ...more },
      });
    const issued = await issue({ expiresAt: '2099-01-01T00:00:00Z' });
    expect(issued.statusCode).toBe(201);
    const { key, name } = issued.json() as { key: string; name: string };
    const { rows } = await api.database.pool.query<{ key_hash: Buffer }>(
      `SELECT key_hash FROM api_keys WHERE encode(key_hash, 'hex') LIKE $1`,
      [`${name}%`],
    );
    expect(rows).toHaveLength(1);
    expect(api.lines.join('\n')).not.toContain(key);
    const removed = await api.call({ method: 'DELETE', url: `/api/v1/agencies/nts/keys/${name}` });
    expect(removed.statusCode).toBe(204);
    expect((await get('/api/v1/fields', key)).statusCode).toBe(401);

    const second = (await issue({})).json() as { key: string };
    await api.database.pool.query(
      "UPDATE api_keys SET expires_at = now() - interval '1 second' WHERE expires_at IS NULL",
    );
    expect((await get('/api/v1/fields', second.key)).statusCode).toBe(401);
    expect((await issue({ expiresAt: '2020-01-01T00:00:00Z' })).json()).toMatchObject({
      status: 422,
      faults: [{ pointer: '/expiresAt' }],
    });
    expect(
      (
        await api.call({
          method: 'POST',
          url: '/api/v1/agencies/nobody/keys',
          payload: { label: 'x', scopes: ['read'] },
        })
      ).json(),
    ).toMatchObject({ status: 422, code: 'agency-unknown' });
  });

  test('wrong credentials from one address are told to wait, right ones are not', async () => {
    const call = (token: string) =>
      api.app.inject({
        url: '/api/v1/fields',
        headers: { authorization: `Bearer ${token}` },
        remoteAddress: '192.0.2.7',
      });
    const statuses: number[] = [];
    for (let n = 0; n < 7; n++) statuses.push((await call(`wrong-${n}`)).statusCode);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const last = await call('wrong');
    expect(Number(last.headers['retry-after'])).toBeGreaterThan(0);
    expect((await call(ADMINISTRATOR)).statusCode).toBe(200);
  });
});

describe('guesses', () => {
  async function serverOf(trustedProxies: readonly string[] = []) {
    let asked = 0;
    const credentials = createCredentials({
      pool: {
        ...api.database.pool,
        query: (async (...given: Parameters<typeof api.database.pool.query>) => {
          asked++;
          return api.database.pool.query(...given);
        }) as typeof api.database.pool.query,
      },
      clock: systemClock,
      administratorToken: ADMINISTRATOR,
    });
    const app = await createServer({
      credentials,
      logger: silentLogger,
      failuresPerMinute: 3,
      trustedProxies,
    });
    app.get('/thing', { config: { permission: 'read' } }, async () => 'here');
    const call = (token: string, remoteAddress = '192.0.2.9', forwarded?: string) =>
      app.inject({
        url: '/thing',
        headers: {
          authorization: `Bearer ${token}`,
          ...(forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }),
        },
        remoteAddress,
      });
    return { app, call, asked: () => asked };
  }
  const guess = (n: number) => `allim_${String(n).padStart(43, 'x')}`;

  test('cost no query once an address was wrong too often, nor where no key looks like that', async () => {
    const { app, call, asked } = await serverOf();
    await call('admin');
    expect(asked()).toBe(0);
    const statuses = [];
    for (let n = 0; n < 6; n++) statuses.push((await call(guess(n))).statusCode);
    expect(statuses).toEqual([401, 401, 429, 429, 429, 429]);
    expect(asked()).toBe(2);
    await app.close();
  });

  test('at the same moment count as well', async () => {
    const { app, call, asked } = await serverOf();
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => call(guess(n))));
    expect(all.filter((response) => response.statusCode === 401)).toHaveLength(3);
    expect(asked()).toBe(3);
    await app.close();
  });

  test('do not shut out a key of the same address that was good before', async () => {
    const { app, call } = await serverOf();
    const key = await api.issueKey('nts', ['read']);
    expect((await call(key)).statusCode).toBe(200);
    for (let n = 0; n < 6; n++) await call(guess(n));
    expect((await call(guess(9))).statusCode).toBe(429);
    expect((await call(key)).statusCode).toBe(200);
    expect((await call(ADMINISTRATOR)).statusCode).toBe(200);
    await app.close();
  });

  test('behind a proxy count against the caller that the proxy names, and nobody else may name one', async () => {
    const { app, call } = await serverOf(['10.0.0.0/8']);
    for (let n = 0; n < 4; n++) await call(guess(n), '10.0.0.5', '198.51.100.1');
    expect((await call(guess(5), '10.0.0.5', '198.51.100.1')).statusCode).toBe(429);
    expect((await call(guess(5), '10.0.0.5', '198.51.100.2')).statusCode).toBe(401);
    for (let n = 0; n < 4; n++) await call(guess(n), '192.0.2.77', `198.51.100.${n}`);
    expect((await call(guess(5), '192.0.2.77', '198.51.100.9')).statusCode).toBe(429);
    await app.close();
  });
});

describe('answers', () => {
  test('every code has a status', () => {
    expect(Object.keys(STATUS).sort()).toEqual([...ERROR_CODES].sort());
  });

  test('a path that does not exist is a problem document with the request id', async () => {
    const response = await get('/nowhere', null);
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(response.json()).toMatchObject({
      type: 'urn:allim:problem:not-found',
      status: 404,
      instance: response.headers['x-request-id'],
    });
  });

  test('a path that cannot be decoded is a problem document as well', async () => {
    const response = await get('/api/v1/citizens/%ff/notifications', null);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(response.json()).toMatchObject({ status: 400, code: 'request-malformed' });
  });

  test('a fault of ours says nothing but its id, and the log has where it was', async () => {
    const broken = await createHttpApi({
      api: {
        fields: () => {
          throw new Error('duplicate key (address)=(kim@example.kr)');
        },
      },
    });
    const response = await broken.call({ method: 'GET', url: '/api/v1/fields' });
    expect(response.json()).toMatchObject({ status: 500, code: 'internal' });
    expect(response.body).not.toContain('kim@');
    const line = broken.lines.find((text) => text.includes('"failed"'));
    expect(line).toContain(response.headers['x-request-id'] as string);
    expect(line).toContain('server.test.ts');
    expect(line).not.toContain('kim@');
    await broken.close();
  });

  test('a caller who writes 10 MB reads why it was refused', async () => {
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(
        {
          port,
          host: '127.0.0.1',
          method: 'POST',
          path: '/api/v1/events',
          headers: {
            authorization: `Bearer ${ADMINISTRATOR}`,
            'content-type': 'application/cloudevents+json',
          },
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      call.on('error', reject);
      // Chunked, so that the size shows only while it is read.
      for (let n = 0; n < 10; n++) call.write(Buffer.alloc(1_000_000, 0x20));
      call.end();
    });
    expect(status).toBe(413);
  });
});

describe('health', () => {
  test('ready only while every check passes, and why not is for the log', async () => {
    expect((await get('/healthz', null)).json()).toEqual({ up: true });
    const good = await get('/readyz', null);
    expect([good.statusCode, good.json()]).toEqual([
      200,
      {
        ready: true,
        checks: [
          { name: 'database', ok: true },
          { name: 'queue', ok: true },
        ],
      },
    ]);
    const other = await createHttpApi({
      api: {
        checks: [{ name: 'queue', check: () => Promise.reject(new Error('redis://user:password@host')) }],
      },
    });
    const bad = await other.call({ method: 'GET', url: '/readyz', key: null });
    expect([bad.statusCode, bad.json()]).toEqual([
      503,
      {
        ready: false,
        checks: [
          { name: 'database', ok: true },
          { name: 'queue', ok: false },
        ],
      },
    ]);
    expect(other.lines.join('\n')).toContain('"check":"queue"');
    expect(other.lines.join('\n')).not.toContain('password');
    await other.close();
  });
});

describe('status', () => {
  type Status = { idle: boolean; backlog: Record<string, number>; quarantine: number };
  const status = async () => (await get('/api/v1/status')).json() as Status;
  const idle = async () => (await status()).idle;
  const query = (text: string) => api.database.pool.query(text);

  test('is idle when nothing is left, and says where something is', async () => {
    expect(await status()).toEqual({
      idle: true,
      backlog: {
        imports: 0,
        events: 0,
        profiles: 0,
        requests: 0,
        pages: 0,
        schedulesDue: 0,
        deliveries: 0,
        reports: 0,
        receipts: 0,
      },
      population: null,
      quarantine: 0,
      quarantineCounted: 0,
      ambiguous: 0,
      stops: [],
      restore: null,
    });

    await api.broker.append(TOPICS.events, [
      { key: 'a', value: '{}' },
      { key: 'b', value: '{}' },
    ]);
    expect(await status()).toMatchObject({ idle: false, backlog: { events: 2 } });
    const ends = await api.broker.ends(TOPICS.events);
    for (const [partition, end] of ends.entries())
      await api.database.pool.query(
        `INSERT INTO consumer_offsets (group_name, topic, partition, position, fence) VALUES ('allim-dispatcher-events', $1, $2, $3, 1)`,
        [TOPICS.events, partition, end],
      );
    expect(await idle()).toBe(true);

    await api.broker.append(TOPICS.audiences.urgent, [{ key: null, value: '{}', partition: 1 }]);
    expect(await status()).toMatchObject({ idle: false, backlog: { pages: 1 } });
    await api.database.pool.query(
      `INSERT INTO consumer_offsets (group_name, topic, partition, position, fence) VALUES ('pages', $1, 1, 1, 1)`,
      [TOPICS.audiences.urgent],
    );

    const id = '00000000-0000-0000-0000-000000000001';
    const month = `date_trunc('month', now())::date`;
    await query(`SELECT ensure_month(${month})`);
    for (const [insert, remove, backlog] of [
      [
        `INSERT INTO events (id, agency_id, source, event_id, type, sequence, state, hash, body, received_at)
         VALUES ('${id}', 'nts', 's', 'e', 't', 0, 'received', '', '{}', now() + interval '1 hour')`,
        'DELETE FROM events',
        { events: 1 },
      ],
      [
        `INSERT INTO schedules VALUES ('${id}', 'nts', '${id}', NULL, NULL, NULL, 'r', 'd7', now())`,
        'DELETE FROM schedules',
        { schedulesDue: 1 },
      ],
      [
        `INSERT INTO batches VALUES ('${id}', ${month}, 'nts', 'sms', 'bulk', 'queued', 1, '{}', 7, now(), now())`,
        'DELETE FROM batches',
        { deliveries: 7 },
      ],
      [
        `INSERT INTO waiting VALUES (now(), '${id}', ${month}, 'nts', 'sms', 'bulk', 'retry')`,
        'DELETE FROM waiting',
        { deliveries: 1 },
      ],
      [
        `INSERT INTO unresolved (id, agency_id, event_id, citizen_id, state, look_at, created_at) VALUES ('${id}', 'nts', '${id}', 'c', 'arrived', now(), now())`,
        'DELETE FROM unresolved',
        { requests: 1 },
      ],
    ] as const) {
      await query(insert);
      expect(await status()).toMatchObject({ idle: false, backlog });
      await query(remove);
      expect(await idle()).toBe(true);
    }
    // What lies in the future is not left to do now.
    await query(
      `INSERT INTO schedules VALUES ('${id}', 'nts', '${id}', NULL, NULL, NULL, 'r', 'd7', now() + interval '1 hour')`,
    );
    await query(
      `INSERT INTO waiting VALUES (now() + interval '1 hour', '${id}', ${month}, 'nts', 'sms', 'bulk', 'retry')`,
    );
    expect(await idle()).toBe(true);
  });

  test('profiles that no shard has read keep it from being idle', async () => {
    const offsets = [0, 0];
    const shards = await createHttpApi({ api: { population: async () => ({ citizens: 1, offsets }) } });
    await shards.broker.append(TOPICS.profiles, [{ key: null, value: '{}', partition: 1 }]);
    const read = async () => (await shards.call({ method: 'GET', url: '/api/v1/status' })).json();
    expect(await read()).toMatchObject({ idle: false, backlog: { profiles: 1 } });
    offsets[1] = 1;
    expect(await read()).toMatchObject({ idle: true, population: { citizens: 1, offsets: [0, 1] } });
    await shards.close();
  });
});

test('what is no HTTP is answered with a problem and with the headers of every answer', async () => {
  if (api.app.server.address() === null) await api.app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = api.app.server.address() as AddressInfo;
  for (const [sent, status] of [
    ['GET /healthz HTTP/1.1\r\nno colon\r\n\r\n', 400],
    ['nonsense\r\n\r\n', 400],
    [`GET /healthz HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
  ] as const) {
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(sent));
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('close', () => resolve(text)).on('error', reject);
    });
    expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    for (const line of ['x-content-type-options: nosniff', 'cache-control: no-store', "default-src 'none'"])
      expect(said).toContain(line);
    expect(JSON.parse(said.slice(said.indexOf('\r\n\r\n') + 4))).toMatchObject({
      status,
      code: 'request-malformed',
    });
    expect(said).not.toContain('nonsense');
  }
});
