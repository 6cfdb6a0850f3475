/** New texts in production: a rule is saved with drafts of them, approved together with them, and goes live with exactly those. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAuthoringChecks } from '../../app/authoring-checks.ts';
import { seedCatalogue } from '../../app/seed.ts';
import { silentLogger } from '../../domain/logger.ts';
import { verifyAudit } from '../../store/audit-verification.ts';
import { templateReader } from '../../store/template-versions.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

const FILE = path.join(import.meta.dirname, '..', '..', 'rules', 'published', 'nhis-breast-screening.json');
const shipped = JSON.parse(readFileSync(FILE, 'utf8')) as { stages: { kind: string }[] };
const AUTHOR = 'kim:nhis:author';
const BOTH = 'lee:nhis:author,approver';
const APPROVER = 'choi:nhis:approver';
const RULE = 'nhis-own-words';
const TEXT = 'nhis-own-words-opened';

let api: HttpApi;
beforeAll(async () => {
  let checks: ReturnType<typeof createAuthoringChecks> | undefined;
  api = await createHttpApi({
    seeded: true,
    production: true,
    api: {
      checkRule: (json: unknown, approved?: ReadonlyMap<string, number>) => checks!.checkRule(json, approved),
      checkTemplate: (...given) => checks!.checkTemplate(...given),
      recheckTemplate: (...given) => checks!.recheckTemplate(...given),
    },
  });
  checks = createAuthoringChecks(api.catalogue, templateReader(api.database.pool));
}, 60_000);
afterAll(async () => {
  expect(await verifyAudit(api.database.pool)).toMatchObject({ ok: true });
  await api.close();
});

const call = async (
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  as: string,
  payload?: object,
  etag?: string,
) => {
  const headers = etag === undefined ? {} : { 'if-match': etag };
  const answer = await api.call({ method, url, as, headers, ...(payload === undefined ? {} : { payload }) });
  return { status: answer.statusCode, body: answer.json<Record<string, never>>() };
};
const at = (version: number, what = '') => `/api/v1/rules/${RULE}/versions/${version}${what}`;

const files = (sms: string) => ({
  'meta.json': '{"title":{"ko":"검진 안내","en":"Screening"}}',
  'ko.sms.hbs': sms,
  'en.sms.hbs': 'Screening by {{shortDate deadline}}. Code {{code}}',
});
const rule = (more: object = {}) => ({
  ...shipped,
  id: RULE,
  channels: ['sms'],
  stages: shipped.stages.slice(0, 1),
  templates: { opened: TEXT },
  ...more,
});
const saveText = async (sms: string, as = AUTHOR): Promise<{ hash: string; version: number }> => {
  const url = `/api/v1/templates/${TEXT}`;
  const { etag } = (await api.call({ method: 'GET', url, as })).headers;
  const { status, body } = await call('PUT', url, as, { agency: 'nhis', files: files(sms) }, etag);
  expect([status, body]).toMatchObject([200, { state: 'draft', live: false }]);
  return body as unknown as { hash: string; version: number };
};
const liveText = async () => (await api.catalogue.refresh()).templates.get(TEXT);
const FIRST = '[{{agency}}] 검진 대상입니다. {{shortDate deadline}}까지. 확인 {{code}}';

test('a rule without its texts is refused, and with drafts of them it is kept', async () => {
  expect((await call('POST', '/api/v1/rules', AUTHOR, rule())).status).toBe(422);
  await saveText(FIRST);
  expect(await call('POST', '/api/v1/rules', AUTHOR, rule())).toMatchObject({
    status: 201,
    body: { version: 1 },
  });
  expect((await call('GET', at(1), APPROVER)).body).toMatchObject({
    texts: [{ name: TEXT, author: 'staff:kim' }],
    may: { approve: true },
  });
});

test('who wrote a text does not approve it with the rule, and nobody approves another than they read', async () => {
  const { body } = await call('GET', at(1), APPROVER);
  const hash = String(body['hash']);
  const { hash: second } = await saveText(`${FIRST} `, BOTH);
  expect((await call('GET', at(1), BOTH)).body).toMatchObject({ may: { approve: 'wrote-it' } });
  const [read] = body['texts'] as unknown as { hash: string }[];
  expect(
    await call('POST', at(1, '/approval'), APPROVER, { hash, texts: { [TEXT]: read!.hash } }),
  ).toMatchObject({ status: 409, body: { faults: [{ pointer: `/texts/${TEXT}` }] } });
  expect((await call('POST', at(1, '/approval'), BOTH, { hash, texts: { [TEXT]: second } })).status).toBe(
    403,
  );
  expect(
    (await call('POST', at(1, '/approval'), APPROVER, { hash, texts: { 'nhis-others': second } })).status,
  ).toBe(409);
  // Somebody else's last touch makes it nobody else's text.
  const { hash: third, version } = await saveText(`${FIRST}  `, AUTHOR);
  expect((await call('GET', at(1), BOTH)).body).toMatchObject({
    texts: [{ author: 'staff:kim', writers: ['staff:kim', expect.stringContaining('staff:')] }],
    may: { approve: 'wrote-it' },
  });
  expect((await call('POST', at(1, '/approval'), BOTH, { hash, texts: { [TEXT]: third } })).status).toBe(403);
  expect(
    (await call('POST', `/api/v1/templates/${TEXT}/versions/${version}/approval`, BOTH, { hash: third }))
      .status,
  ).toBe(403);
});

test('a person writes over the text that they read, and says which that is', async () => {
  const url = `/api/v1/templates/${TEXT}`;
  const payload = { agency: 'nhis', files: files(`${FIRST} 다시`) };
  expect(await call('PUT', url, AUTHOR, payload)).toMatchObject({ status: 428 });
  expect(await call('PUT', url, AUTHOR, payload, `"${'0'.repeat(64)}"`)).toMatchObject({ status: 412 });
});

test('what goes live with the rule is what was approved with it, whatever was written since', async () => {
  const { body } = await call('GET', at(1), APPROVER);
  const [text] = body['texts'] as unknown as { hash: string; version: number }[];
  const approval = { hash: body['hash'], texts: { [TEXT]: text!.hash } };
  expect((await call('POST', at(1, '/approval'), APPROVER, approval)).status).toBe(200);
  expect((await call('GET', at(1), APPROVER)).body).toMatchObject({ state: 'approved', texts: [] });
  const later = await saveText(`${FIRST} 문의 1577-1000`);
  expect(await liveText()).toBeUndefined();
  expect((await call('POST', at(1, '/publication'), APPROVER, { reason: '시작' })).status).toBe(200);
  expect(await liveText()).toBe(text!.version);
  expect((await call('GET', at(1), APPROVER)).body).toMatchObject({
    state: 'live',
    texts: [{ version: later.version }],
  });
  // Whoever approves the later ones sees both.
  const template = await call('GET', `/api/v1/templates/${TEXT}`, APPROVER);
  expect(template.body).toMatchObject({
    live: text!.version,
    definition: { files: files(`${FIRST} 문의 1577-1000`) },
    liveDefinition: { files: files(`${FIRST}  `) },
  });
});

test('a live rule whose texts wait for approval is among what waits today', async () => {
  const { body } = await call('GET', '/api/v1/today', APPROVER);
  expect(body['approvals']).toEqual([
    expect.objectContaining({ rule: RULE, version: 1, by: 'staff:kim', texts: 1 }),
  ]);
  const newest = (await call('GET', at(1), APPROVER)).body['texts'] as unknown as {
    hash: string;
    version: number;
  }[];
  const url = `/api/v1/templates/${TEXT}/versions/${newest[0]!.version}/approval`;
  expect((await call('POST', url, AUTHOR, { hash: newest[0]!.hash })).status).toBe(403);
  expect((await call('POST', url, APPROVER, { hash: newest[0]!.hash })).status).toBe(200);
  expect((await call('GET', '/api/v1/today', APPROVER)).body).toMatchObject({ approvals: [] });
  expect((await call('GET', `/api/v1/templates/${TEXT}`, APPROVER)).body).toMatchObject({
    live: newest[0]!.version,
    liveDefinition: null,
  });
});

test('a text that waits is taken back by saving what is live, and words of long ago come back as others do', async () => {
  const url = `/api/v1/templates/${TEXT}`;
  const before = await liveText();
  const waiting = async () => (await call('GET', at(1), APPROVER)).body['texts'] as unknown as object[];
  const lastLive = (await call('GET', url, APPROVER)).body['definition'] as unknown as { files: object };
  const draft = await saveText(`${FIRST} 늦지 마세요`);
  expect(await waiting()).toHaveLength(1);
  await call('PUT', url, AUTHOR, { agency: 'nhis', files: lastLive.files }, '*');
  expect(await waiting()).toEqual([]);
  expect((await call('GET', '/api/v1/today', APPROVER)).body).toMatchObject({ approvals: [] });
  expect((await call('GET', url, APPROVER)).body).toMatchObject({ definition: { files: lastLive.files } });
  // Whoever still has the page open on which it was read approves nothing that was taken back.
  expect(
    (await call('POST', `${url}/versions/${draft.version}/approval`, APPROVER, { hash: draft.hash })).status,
  ).toBe(409);
  const after = await liveText();
  expect(after).toBeGreaterThan(before!);
  expect((await call('GET', url, APPROVER)).body).toMatchObject({ live: after, liveDefinition: null });
  const again = await saveText(`${FIRST}  `);
  expect(await waiting()).toMatchObject([{ version: again.version, hash: again.hash }]);
  const approval = { hash: again.hash };
  expect((await call('POST', `${url}/versions/${again.version}/approval`, APPROVER, approval)).status).toBe(
    200,
  );
  expect(await liveText()).toBe(again.version);
});

test('what ships comes again at a restart, and leaves words that people decided', async () => {
  const name = 'breast-screening-opened';
  const url = `/api/v1/templates/${name}`;
  const shippedOne = (await api.catalogue.refresh()).templates.get(name);
  const { definition } = (await call('GET', url, APPROVER)).body as unknown as {
    definition: { files: Record<string, string> };
  };
  const changed = {
    agency: 'nhis',
    files: {
      ...definition.files,
      'ko.sms.hbs': '[{{agency}}] 유방암 검진 {{shortDate deadline}}까지. 확인 {{code}}',
    },
  };
  const { body } = await call('PUT', url, AUTHOR, changed, '*');
  await seedCatalogue(api.database.pool, silentLogger);
  expect((await api.catalogue.refresh()).templates.get(name)).toBe(shippedOne);
  expect((await call('GET', url, APPROVER)).body['definition']).toMatchObject({ files: changed.files });
  const approval = await call('POST', `${url}/versions/${body['version']}/approval`, APPROVER, {
    hash: body['hash'],
  });
  expect(approval.status).toBe(200);
  await seedCatalogue(api.database.pool, silentLogger);
  expect((await api.catalogue.refresh()).templates.get(name)).toBe(body['version']);
});

test('an older version of a rule does not bring its older words back', async () => {
  const live = await liveText();
  const { body } = await call('POST', '/api/v1/rules', AUTHOR, rule({ category: 'information' }));
  await call('POST', at(2, '/approval'), APPROVER, { hash: body['hash'] });
  expect((await call('POST', at(2, '/publication'), APPROVER, { reason: '갈래' })).status).toBe(200);
  expect((await call('POST', at(1, '/publication'), APPROVER, { reason: '되돌림' })).status).toBe(200);
  expect(await liveText()).toBe(live);
});
