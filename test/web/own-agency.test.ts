/** Staff read as their agency: whatever a route forgets to ask for, the database shows it nothing of anybody else’s. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool, Statement } from '../../domain/sql.ts';
import { SCOPES } from '../../producers/credential.ts';
import { createAgencyPool } from '../../store/agency-pool.ts';
import { createCredentials, issueKey } from '../../web/api/credentials.ts';
import { type Endpoint, endpoint, mountRoutes, ok, streamEndpoint } from '../../web/api/endpoint.ts';
import { type ApiParts, apiRoutes } from '../../web/api/routes.ts';
import { createServer } from '../../web/api/server.ts';
import { bare, insertAnyRow } from '../support/any-row.ts';
import { ADMINISTRATOR, signInByHeader } from '../support/http.ts';
import { type Installation, install } from '../support/installation.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createStaffApi } from '../support/staff-api.ts';

const AUTHORIZATION = { authorization: `Bearer ${ADMINISTRATOR}` };

describe('a route that forgot whose rows it asks for', () => {
  let database: TestDatabase;
  let app: FastifyInstance;
  beforeAll(async () => {
    database = await createDatabase({ max: 4 });
    await bare(database.pool);
    for (const [n, agency] of ['nhis', 'nts'].entries()) {
      await insertAnyRow(database.pool, 'agencies', n + 1, { id: agency });
      await insertAnyRow(database.pool, 'campaigns', n + 1, { agency_id: agency });
    }
    const { pool } = database;
    const guarded = createAgencyPool(pool);
    const clock = { nowMs: () => Date.parse('2026-11-23T00:00:00Z') };
    app = await createServer({
      credentials: createCredentials({ pool, clock, administratorToken: ADMINISTRATOR }),
      logger: silentLogger,
    });
    signInByHeader(app);
    const forgetful = async () =>
      (
        await guarded.query<{ agency: string }>('SELECT agency_id AS agency FROM campaigns ORDER BY 1')
      ).rows.map(({ agency }) => agency);
    const asks: Endpoint = endpoint({ answer: async () => ok(await forgetful()) });
    mountRoutes(app, [
      ['GET', '/read', 'read', asks],
      [
        'POST',
        '/asks',
        'read',
        endpoint({ reads: true, body: Type.Object({}), answer: async () => ok(await forgetful()) }),
      ],
      [
        'GET',
        '/stream',
        'read',
        streamEndpoint({
          async stream(_call, open) {
            const found = await forgetful();
            open().end(JSON.stringify(found));
          },
        }),
      ],
    ]);
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  const ask = async (as: string | null, method: 'GET' | 'POST', url: string) => {
    const headers = { ...AUTHORIZATION, ...(as === null ? {} : { 'x-test-staff': as }) };
    const answer = await app.inject({ method, url, headers, ...(method === 'POST' ? { payload: {} } : {}) });
    return JSON.parse(answer.body) as unknown;
  };

  test.each([
    ['GET', '/read'],
    ['POST', '/asks'],
    ['GET', '/stream'],
  ] as const)('%s %s answers staff with their own, and the platform with all', async (method, url) => {
    expect(await ask('kim:nhis:author', method, url)).toEqual(['nhis']);
    expect(await ask('lee:nts:auditor', method, url)).toEqual(['nts']);
    expect(await ask('lee:kosaf:auditor', method, url)).toEqual([]);
    expect(await ask('han', method, url)).toEqual(['nhis', 'nts']);
    expect(await ask(null, method, url)).toEqual(['nhis', 'nts']);
    for (const [agency, seen] of [
      ['nhis', ['nhis']],
      ['nts', ['nts']],
    ] as const) {
      const { key } = await issueKey(database.pool, {
        agency,
        label: 'forgetful',
        scopes: ['read'],
        sources: [],
        expiresAt: null,
      });
      const answer = await app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${key}` },
        ...(method === 'POST' ? { payload: {} } : {}),
      });
      expect(JSON.parse(answer.body)).toEqual(seen);
    }
  });
});

describe('every question', () => {
  const EVERYTHING = 'kim:nhis:author,approver,operator,support,auditor';
  /** Sums of what waits and the chain of the trail: of the installation, and naming nobody. */
  const OF_THE_PLATFORM = [
    /^SELECT count\(\*\).* FROM imports/s,
    // Whose key it is.
    /FROM api_keys\b/s,
    /FROM (?:outgoing|outbox|events)\b/s,
    /consumer_offsets/s,
  ];
  let it: Installation;
  let api: Awaited<ReturnType<typeof createStaffApi>>;
  const plain: string[] = [];

  beforeAll(async () => {
    it = await install({ partitions: 1 });
    const recording: SqlPool = {
      connect: () => it.pool.connect(),
      query<R>(statement: Statement, values?: readonly unknown[]) {
        plain.push(typeof statement === 'string' ? statement : statement.text);
        return it.pool.query<R>(statement, values);
      },
    };
    api = await createStaffApi(it, { pool: recording });
  });
  afterAll(async () => {
    await api.close();
    await it.close();
  });

  const NONE = '00000000-0000-4000-8000-000000000001';
  const VALUES: Readonly<Record<string, string>> = {
    ':v': '1',
    ':kind': 'deliveries',
    ':code': 'ZZZZ-ZZ',
    ':name': 'none',
  };
  const addressOf = (url: string) => {
    const at = url.replaceAll(
      /:\w+/g,
      (name) => VALUES[name] ?? (url.includes('/agencies/') ? 'nhis' : NONE),
    );
    return url.startsWith('/api/v1/support/notices') ? `${at}?reason=why%20so` : at;
  };

  test.each([
    ['staff', ['read', 'rules', 'operate', 'mend', 'support', 'audit']],
    ['a key', ['read', 'rules', 'imports', 'citizens', 'webhooks', 'operate', 'mend']],
  ] as const)('of %s goes through the guarded pool', async (who, permissions) => {
    const issued = await issueKey(it.pool, {
      agency: 'nhis',
      label: 'all',
      scopes: SCOPES,
      sources: [],
      expiresAt: null,
    });
    const as = who === 'staff' ? { as: EVERYTHING } : { headers: { authorization: `Bearer ${issued.key}` } };
    const routes = apiRoutes({ logger: { child: () => ({}) }, checks: [] } as unknown as ApiParts);
    const asked = routes.filter(
      ([method, url, permission, at]) =>
        method === 'GET' &&
        at.stream === undefined &&
        url.startsWith('/api/') &&
        (permissions as readonly string[]).includes(permission),
    );
    const unguarded: unknown[] = [];
    for (const [, url] of asked) {
      plain.length = 0;
      const answer = await api.call({
        method: 'GET',
        url: addressOf(url),
        ...as,
      });
      expect([url, answer.statusCode]).toEqual([url, expect.any(Number)]);
      expect([url, answer.statusCode < 500 || answer.statusCode === 503]).toEqual([url, true]);
      for (const text of plain.filter((one) => !/^\s*(?:INSERT|UPDATE|DELETE)\b/i.test(one)))
        if (!OF_THE_PLATFORM.some((known) => known.test(text))) unguarded.push([url, text]);
    }
    expect(unguarded).toEqual([]);
    expect(asked.length).toBeGreaterThan(25);
  });
});
