/** Whatever a caller sends, the fault is told as theirs: no input makes a route answer 500. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthoringChecks } from '../../app/authoring-checks.ts';
import { attributeFaults } from '../../app/http.ts';
import { silentLogger } from '../../domain/logger.ts';
import { templateReader } from '../../store/template-versions.ts';
import { type ApiParts, apiRoutes } from '../../web/api/routes.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let checks: ReturnType<typeof createAuthoringChecks>;
beforeAll(async () => {
  api = await createHttpApi({
    seeded: true,
    checkAttributes: attributeFaults(),
    // The checks that ship; they need the catalogue that is made with the API.
    api: {
      checkEventType: (type) => checks.checkEventType(type),
      checkRule: (json: unknown, approved?: ReadonlyMap<string, number>) => checks.checkRule(json, approved),
      checkTemplate: (...given) => checks.checkTemplate(...given),
      recheckTemplate: (...given) => checks.recheckTemplate(...given),
    },
  });
  checks = createAuthoringChecks(api.catalogue, templateReader(api.database.pool));
});
afterAll(() => api.close());

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
const table = apiRoutes({ logger: silentLogger, checks: [] } as unknown as ApiParts);
const ROUTES: readonly (readonly [Method, string])[] = [
  ...table.map(([method, url]) => [method, url] as const),
  ['POST', '/api/v1/events'],
  ['PUT', '/api/v1/citizens/:id'],
];

/** 503 is an answer of /readyz where the broker of the test is asked after it was closed; here it never is. */
async function call(method: Method, url: string, body?: string | Buffer, type = 'application/json') {
  const response = await api.call({
    method,
    url,
    ...(body === undefined ? {} : { payload: body, headers: { 'content-type': type } }),
  });
  const told = `${method} ${url.slice(0, 120)} ${String(body ?? '').slice(0, 80)}`;
  expect([told, response.statusCode, response.statusCode < 500]).toEqual([told, response.statusCode, true]);
  if (response.statusCode >= 400) {
    expect([told, response.headers['content-type']]).toEqual([
      told,
      'application/problem+json; charset=utf-8',
    ]);
    expect([told, response.json()]).toEqual([
      told,
      expect.objectContaining({ status: response.statusCode, code: expect.any(String) }),
    ]);
  }
  return response;
}

const RULE = {
  ...(JSON.parse(
    readFileSync(new URL('../../rules/published/nts-property-tax.json', import.meta.url), 'utf8'),
  ) as Record<string, unknown>),
  tests: [],
};

const PATHS = [
  '%00',
  'a%00b',
  '%',
  '%ff',
  '%ed%a0%80',
  '%F0%9F%98%80',
  '..%2f..',
  'x'.repeat(600),
  '%0a',
  "'",
  '-1',
  '99999999999999999999',
  '1e9',
  '__proto__',
  'constructor',
];
describe.each(ROUTES)('%s %s', (method, url) => {
  const params = [...url.matchAll(/:\w+/g)].map(([name]) => name);
  const filled = (bad: string | null, at: string | null) =>
    params.reduce((path, name) => path.replace(name, name === at && bad !== null ? bad : '1'), url);
  const payload = method === 'GET' || method === 'DELETE' ? undefined : '{}';

  test('takes no path that could not be kept', async () => {
    for (const name of params)
      for (const bad of PATHS) {
        const { statusCode } = await call(method, filled(bad, name), payload);
        if (bad.includes('%00')) expect([400, 404]).toContain(statusCode);
      }
  });

  test('bears every query', async () => {
    for (const query of [
      'limit=1&limit=2',
      'limit[]=1',
      'limit[a]=1',
      'limit=99999999999999999999',
      'limit=1e3',
      'limit=%00',
      'cursor=%00',
      '%00=1',
      'cursor=a&cursor=b',
      `cursor=${'x'.repeat(5_000)}`,
      '__proto__=1',
      'limit=%ff',
      ...[
        '2026-99-99T00:00:00.000000Z',
        '2026-02-30T00:00:00.000000Z',
        '0000-01-01T00:00:00.000000Z',
        '2026-01-01T24:00:00.000000Z',
        '2026-01-01T23:59:60.000000Z',
      ]
        .map((at) => Buffer.from(`${at}|00000000-0000-0000-0000-000000000000`).toString('base64url'))
        .map((cursor) => `cursor=${cursor}`),
    ])
      await call(method, `${filled(null, null)}?${query}`, payload);
  });

  test('bears every body', async () => {
    const deep = (open: string, close: string) => open.repeat(50_000) + close.repeat(50_000);
    const types = url.endsWith('/events')
      ? ['application/cloudevents+json', 'application/cloudevents-batch+json', 'application/json']
      : ['application/json'];
    if (method === 'GET' || method === 'DELETE') return;
    for (const type of types)
      for (const body of [
        '',
        'null',
        '[]',
        '[null]',
        '1e999',
        '"x"',
        '{"a":1e999}',
        '{"__proto__":{}}',
        '{"constructor":{"prototype":1}}',
        '{"a":"\\u0000"}',
        '{"\\u0000":1}',
        '{"a":"\\ud800"}',
        '{"a":"\u0000"}',
        deep('[', ']'),
        `{"a":"\\u0041","b":${deep('[', ']')}}`,
        `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
        Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
        Buffer.from('\ufeff{}'),
      ])
        await call(method, filled(null, null), body, type);
  });
});

describe('bodies of the right form with values that are not', () => {
  const BAD: readonly unknown[] = [
    '\u0000',
    '\ud800',
    '',
    ' ',
    -1,
    1.5,
    1e300,
    2 ** 63,
    null,
    true,
    [],
    {},
    'x'.repeat(70_000),
    '99999-01-01',
    '+275760-09-13T00:00:00Z',
    '-000001-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
  ];
  const GOOD: readonly (readonly [Method, string, Record<string, unknown>, string?])[] = [
    ['PUT', '/api/v1/agencies/inputs', { name: { ko: 'a', en: 'b' } }],
    [
      'POST',
      '/api/v1/agencies/nts/keys',
      { label: 'a', scopes: ['read'], sources: ['/a'], expiresAt: '2099-01-01T00:00:00Z' },
    ],
    ['POST', '/api/v1/stops', { scope: 'agency:kosaf', reason: 'x' }],
    ['POST', '/api/v1/rules', RULE],
    ['PUT', '/api/v1/templates/inputs', { agency: 'nts', files: { 'meta.json': '{}' } }],
    [
      'PUT',
      '/api/v1/event-types/kr.nts.inputs.sent',
      {
        type: 'kr.nts.inputs.sent',
        agency: 'nts',
        sources: ['/nts'],
        effect: 'informs',
        title: { ko: 'a', en: 'b' },
        schema: { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } },
        examples: [{}],
      },
    ],
    [
      'PUT',
      '/api/v1/citizens/c-inputs',
      {
        locale: 'ko',
        zone: 'Asia/Seoul',
        attributes: { sido: '11' },
        contactPoints: [{ channel: 'sms', address: '+821012345678', verified: true }],
        preferences: { channels: ['sms'], quietHours: { from: '21:00', to: '08:00' }, off: ['service'] },
        relations: [{ of: 'c-2', kind: 'guardian' }],
      },
    ],
    [
      'POST',
      '/api/v1/events',
      {
        specversion: '1.0',
        id: 'i',
        source: '/nts/property-tax',
        type: 'kr.nts.property-tax.paid',
        time: new Date().toISOString(),
        expirytime: '2099-01-01T00:00:00Z',
        subject: 'c-1',
        sequence: '1',
        allimobligation: 'property-tax/1',
        traceparent: 'x',
        other: 'y',
        data: {},
      },
      'application/cloudevents+json',
    ],
  ];

  /** Of what takes a schema compiler or the checks of a whole rule to judge. */
  const SLOW = /\/(?:rules|event-types\/.*)$/;
  const FEW: readonly unknown[] = ['\u0000', '', -1, 2 ** 63, null, [], {}];

  /** Every copy of the value with one place in it replaced. */
  function* variants(value: unknown, bad: unknown): Generator<unknown> {
    yield bad;
    if (Array.isArray(value))
      for (const [index, item] of value.entries())
        for (const variant of variants(item, bad)) yield value.with(index, variant);
    else if (value !== null && typeof value === 'object')
      for (const [name, item] of Object.entries(value))
        for (const variant of variants(item, bad)) yield { ...value, [name]: variant };
  }

  test.each(GOOD)('%s %s', async (method, url, body, type = 'application/json') => {
    const texts = new Set<string>();
    for (const bad of SLOW.test(url) ? FEW : BAD)
      for (const variant of variants(body, bad)) texts.add(JSON.stringify(variant));
    for (const text of texts) await call(method, url, text, type);
  });
});
