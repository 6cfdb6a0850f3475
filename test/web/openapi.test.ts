/** The document says every route, with its permission and its answers; and every route that changes something names itself to the audit trail. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ApiParts } from '../../web/api/routes.ts';
import { apiRoutes } from '../../web/api/routes.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

type Operation = {
  summary: string;
  security: unknown[];
  responses: Record<string, { description: string; content?: Record<string, unknown> }>;
  parameters?: { name: string; in: string }[];
  requestBody?: unknown;
  'x-allim-permission': string;
};
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
};

let api: HttpApi;
let document: Document;
beforeAll(async () => {
  api = await createHttpApi();
  const answer = await api.call({ method: 'GET', url: '/api/v1/openapi.json', key: null });
  expect(answer.statusCode).toBe(200);
  document = answer.json() as Document;
});
afterAll(() => api.close());

const routes = () =>
  apiRoutes({ logger: { child: () => ({}) }, checks: [] } as unknown as ApiParts).filter(([, url]) =>
    url.startsWith('/api/'),
  );

test('every route of the table stands in it', () => {
  expect(document.openapi).toBe('3.1.0');
  for (const [method, url, permission] of routes()) {
    const operation = document.paths[url.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    expect([url, operation?.['x-allim-permission']]).toEqual([url, permission]);
    const statuses = Object.keys(operation!.responses);
    expect(statuses.some((status) => status.startsWith('2'))).toBe(true);
    expect(statuses).toEqual(expect.arrayContaining(['429', '503']));
    if (permission !== 'public') expect(statuses).toEqual(expect.arrayContaining(['401', '403']));
    for (const [, name] of url.matchAll(/:(\w+)/g))
      expect(operation!.parameters).toContainEqual(expect.objectContaining({ name, in: 'path' }));
    expect(operation!.summary.length).toBeGreaterThan(5);
  }
});

test('what producers mount stands in it too, and nothing that is no API does', () => {
  for (const path of ['/api/v1/events', '/api/v1/imports', '/api/v1/citizens/{id}', '/api/v1/identity-links'])
    expect(Object.keys(document.paths)).toContain(path);
  expect(Object.keys(document.paths).filter((path) => !path.startsWith('/api/v1/'))).toEqual([]);
});

test('refusals are problem documents', () => {
  const { responses } = document.paths['/api/v1/rules/{id}/versions/{v}']!['put']!;
  expect(responses['412']!.content).toEqual({
    'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
  });
  expect(document.components.schemas['Problem']).toMatchObject({ required: expect.arrayContaining(['code']) });
});

/** They ask and change nothing; questions about the population have a log of their own. */
const ASKING = /^\/api\/v1\/rules\/(check|timeline|previews|preview|overlap|difference|simulation)$/;

test('what changes something is named in the audit trail', () => {
  const unnamed = routes()
    .filter(([method, url, , at]) => method !== 'GET' && at.action === undefined && !ASKING.test(url))
    .map(([method, url]) => `${method} ${url}`);
  expect(unnamed).toEqual([]);
});
