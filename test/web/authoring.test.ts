/** What agencies write and read over the API, and where one agency ends. */

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { EventType } from '../../domain/event.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let nts: string;
let nhis: string;
beforeAll(async () => {
  api = await createHttpApi();
  nts = await api.issueKey('nts', ['rules', 'read'], ['/nts/property-tax', '/nts/new']);
  nhis = await api.issueKey('nhis', ['rules', 'read'], ['/nhis/checkup']);
});
afterAll(() => api.close());

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
const call = (method: Method, url: string, payload?: object, key?: string) =>
  api.call({
    method,
    url,
    ...(payload === undefined ? {} : { payload }),
    ...(key === undefined ? {} : { key }),
  });

describe('event types', () => {
  const type: EventType = {
    type: 'kr.nts.refund.decided',
    agency: 'nts',
    sources: ['/nts/new'],
    effect: 'informs',
    title: { ko: '환급', en: 'Refund' },
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['amount'],
      properties: { amount: { type: 'integer' } },
    },
    examples: [{ amount: 3 }],
  };
  const put = (body: object, key = nts, name = type.type) =>
    call('PUT', `/api/v1/event-types/${name}`, body, key);

  test('are saved for the agency and its sources, and change only so that old events stay valid', async () => {
    expect((await put(type)).statusCode).toBe(200);
    expect((await call('GET', '/api/v1/event-types', undefined, nhis)).body).toContain(
      'kr.nts.refund.decided',
    );
    const wider = {
      ...type,
      schema: { ...type.schema, properties: { amount: { type: 'integer' }, note: { type: 'string' } } },
    };
    expect((await put(wider)).statusCode).toBe(200);
    const narrower = await put({
      ...type,
      schema: {
        type: 'object',
        required: ['amount', 'paidOn'],
        properties: { amount: { type: 'integer' }, paidOn: { type: 'string' } },
      },
      examples: [{ amount: 3, paidOn: '2026-01-01' }],
    });
    expect(narrower.json()).toMatchObject({
      status: 422,
      code: 'event-invalid',
      faults: [{ pointer: '/schema/required/1', message: expect.stringContaining('a new type') }],
    });
    expect((await put({ ...type, effect: 'opens', obligationKind: 'refund' })).json()).toMatchObject({
      faults: expect.arrayContaining([
        expect.objectContaining({ pointer: '/effect' }),
        expect.objectContaining({ pointer: '/obligationKind' }),
      ]),
    });
  });

  test.each([
    ['another agency', { ...type, agency: 'nhis' }, 403, 'forbidden'],
    ['a source that is not theirs', { ...type, sources: ['/nhis/checkup'] }, 422, 'source-foreign'],
    ['another name than the path', { ...type, type: 'kr.nts.other.thing' }, 422, 'request-invalid'],
    ['an example against the schema', { ...type, examples: [{}] }, 422, 'event-invalid'],
    ['a schema that is none', { ...type, schema: { type: 'object', required: 3 } }, 422, 'event-invalid'],
  ])('%s is refused', async (_name, body, status, code) => {
    const response = await put(body);
    expect([response.statusCode, (response.json() as { code: string }).code]).toEqual([status, code]);
  });

  test('of an agency that is not known', async () => {
    const response = await call('PUT', `/api/v1/event-types/${type.type}`, { ...type, agency: 'nobody' });
    expect(response.json()).toMatchObject({ status: 422, code: 'agency-unknown' });
  });
});

describe('rules', () => {
  const rule = {
    id: 'nts-property-tax',
    agency: 'nts',
    on: 'kr.nts.property-tax.assessed',
    condition: { '==': [{ var: 'citizen.sido' }, '11'] },
  };

  test('draft, approval of exactly that content, publication', async () => {
    const drafted = await call('POST', '/api/v1/rules', rule, nts);
    expect(drafted.statusCode).toBe(201);
    const { version, hash } = drafted.json() as { version: number; hash: string };
    const again = await call('POST', '/api/v1/rules', rule, nts);
    expect(again.json()).toEqual({ id: rule.id, version, hash, warnings: [] });
    const at = `/api/v1/rules/${rule.id}/versions/${version}`;
    expect((await call('POST', `${at}/publication`, undefined, nts)).json()).toMatchObject({
      status: 409,
      code: 'rule-conflict',
    });
    const wrong = await call(
      'POST',
      `${at}/approval`,
      { hash: hash.replace(/^./, (c) => (c === '0' ? '1' : '0')) },
      nts,
    );
    expect(wrong.json()).toMatchObject({ status: 409, faults: [{ pointer: '/hash' }] });
    expect((await call('POST', `${at}/approval`, { hash }, nhis)).statusCode).toBe(404);
    expect((await call('POST', `${at}/approval`, { hash }, nts)).statusCode).toBe(200);
    expect(api.catalogue.current().rules.has(rule.id)).toBe(false);
    expect((await call('POST', `${at}/publication`, undefined, nts)).statusCode).toBe(200);
    expect(api.catalogue.current().rules.get(rule.id)).toMatchObject({ version, rule: { id: rule.id } });
    expect((await call('POST', '/api/v1/rules/nothing/versions/1/publication')).statusCode).toBe(404);
  });

  test('a field that does not exist is named, another agency is refused', async () => {
    const bad = { ...rule, condition: { '==': [{ var: 'citizen.nowhere' }, 1] } };
    expect((await call('POST', '/api/v1/rules', bad, nts)).json()).toMatchObject({
      status: 422,
      code: 'rule-invalid',
      faults: [{ pointer: '/condition/==/0/var' }],
    });
    expect((await call('POST', '/api/v1/rules', rule, nhis)).statusCode).toBe(403);
    expect((await call('POST', '/api/v1/rules', { ...rule, agency: 'nhis' }, nhis)).statusCode).toBe(403);
    const nobodys = await call('POST', '/api/v1/rules', { ...rule, agency: 'nobody' });
    expect(nobodys.json()).toMatchObject({ status: 422, code: 'agency-unknown' });
  });

  test('in production nobody approves what they wrote', async () => {
    const strict = await createHttpApi({ production: true });
    const [author, approver] = [
      await strict.issueKey('nts', ['rules']),
      await strict.issueKey('nts', ['rules']),
    ];
    const drafted = (
      await strict.call({ method: 'POST', url: '/api/v1/rules', payload: rule, key: author })
    ).json() as {
      hash: string;
    };
    const approve = (key: string) =>
      strict.call({
        method: 'POST',
        url: `/api/v1/rules/${rule.id}/versions/1/approval`,
        payload: { hash: drafted.hash },
        key,
      });
    expect((await approve(author)).json()).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await approve(approver)).statusCode).toBe(200);
    await strict.close();
  });
});

describe('templates', () => {
  const put = (agency: string | null, key?: string) =>
    call('PUT', '/api/v1/templates/refund-decided', { agency, files: { 'meta.json': '{}' } }, key);

  test('belong to one agency, or to all by the administrator', async () => {
    expect((await put(null, nts)).statusCode).toBe(403);
    const saved = await put('nts', nts);
    expect(saved.statusCode).toBe(200);
    const { version } = saved.json() as { version: number };
    expect(api.catalogue.current().templates.get('refund-decided')).toBe(version);
    expect(await api.catalogue.template(version)).toEqual({ 'meta.json': '{}' });
    expect((await put('nhis', nhis)).statusCode).toBe(403);
    expect((await put('nts', nts)).json()).toMatchObject({ version, state: 'published', live: true });
  });

  describe('in production', () => {
    const name = 'refund-decided';
    let strict: HttpApi;
    let author: string;
    let approver: string;
    beforeAll(async () => {
      strict = await createHttpApi({ production: true });
      author = await strict.issueKey('nts', ['rules']);
      approver = await strict.issueKey('nts', ['rules']);
    });
    afterAll(() => strict.close());
    const at = `/api/v1/templates/${name}`;
    const draft = async (files: object, key = author, agency = 'nts') =>
      strict.call({ method: 'PUT', url: at, payload: { agency, files }, key });
    const approve = (version: number, hash: string, key: string) =>
      strict.call({ method: 'POST', url: `${at}/versions/${version}/approval`, payload: { hash }, key });
    const live = async () => (await strict.catalogue.refresh()).templates.get(name);

    test('a template goes live when another person approves exactly its content', async () => {
      const first = (await draft({ 'meta.json': '{}' })).json() as { version: number; hash: string };
      expect(first).toMatchObject({ state: 'draft', live: false });
      expect(await live()).toBeUndefined();
      expect((await approve(first.version, first.hash, author)).json()).toMatchObject({
        status: 403,
        code: 'forbidden',
      });
      expect((await approve(first.version, 'another', approver)).json()).toMatchObject({
        status: 409,
        code: 'template-conflict',
        faults: [{ pointer: '/hash' }],
      });
      expect((await approve(first.version + 1, first.hash, approver)).statusCode).toBe(404);
      const foreign = await strict.issueKey('nhis', ['rules']);
      expect((await approve(first.version, first.hash, foreign)).statusCode).toBe(404);
      expect(await live()).toBeUndefined();
      expect((await approve(first.version, first.hash, approver)).json()).toEqual({
        name,
        version: first.version,
        state: 'published',
        live: true,
      });
      expect(await live()).toBe(first.version);

      const second = (await draft({ 'meta.json': '{}', 'ko.sms.hbs': 'x' })).json() as { version: number };
      expect(second).toMatchObject({ state: 'draft', live: false });
      expect(await live()).toBe(first.version);
      // What is live, saved again, takes the draft back.
      const third = (await draft({ 'meta.json': '{}' })).json() as { version: number };
      expect(third).toMatchObject({ state: 'published', live: true });
      expect(third.version).toBeGreaterThan(second.version);
      expect(await live()).toBe(third.version);
    });

    test('a name belongs to whoever drafted it first', async () => {
      const foreign = await strict.issueKey('nhis', ['rules']);
      const url = '/api/v1/templates/new-one';
      const put = (agency: string, key: string) =>
        strict.call({ method: 'PUT', url, payload: { agency, files: { 'meta.json': '{}' } }, key });
      expect((await put('nts', author)).statusCode).toBe(200);
      expect((await put('nhis', foreign)).statusCode).toBe(403);
    });
  });
});

describe('languages', () => {
  test('an agency has its name in any, Korean and English among them', async () => {
    const put = (name: object) => call('PUT', '/api/v1/agencies/kma', { name });
    expect((await put({ ko: '기상청', en: 'KMA', vi: 'Cơ quan Khí tượng' })).statusCode).toBe(200);
    expect(api.catalogue.current().agencies.get('kma')?.name['vi']).toBe('Cơ quan Khí tượng');
    expect((await put({ ko: '기상청', vi: 'x' })).statusCode).toBe(422);
    expect((await put({ ko: '기상청', en: 'KMA', vi: 7 })).statusCode).toBe(422);
  });

  test('the table and what it did are read by everybody, the counts only of their own notices', async () => {
    await api.database.pool.query(
      `INSERT INTO template_versions (name, hash, agency_id, definition) VALUES ('words', 'h', NULL, '{"files":{}}')`,
    );
    await api.database.pool.query(
      `INSERT INTO locale_counts SELECT a, (SELECT id FROM template_versions WHERE name = 'words'), w, u, s, n
       FROM (VALUES ('nts', 'vi', 'vi', 1, 5), ('nts', 'zh', 'en', 1, 2), ('nts', 'zh', 'en', 9, 9), ('nhis', 'zh', 'ko', 1, 4)) v(a, w, u, s, n)`,
    );
    const own = await call('GET', '/api/v1/locales', undefined, nts);
    expect(own.json()).toMatchObject({
      fellBack: 11,
      notices: [
        // Under ten are few, to whoever may not see them.
        { agency: 'nts', template: 'words', wanted: 'vi', used: 'vi', notices: '<10' },
        { agency: 'nts', template: 'words', wanted: 'zh', used: 'en', notices: 11 },
      ],
    });
    const all = (await call('GET', '/api/v1/locales')).json() as { fallbacks: object; fellBack: number };
    expect(all.fallbacks).toHaveProperty('*');
    expect(all.fellBack).toBe(15);
  });
});

describe('stops', () => {
  test('an agency stops itself, the administrator everything, and who stopped resumes', async () => {
    const post = (scope: string, key?: string) =>
      call('POST', '/api/v1/stops', { scope, reason: 'test' }, key);
    expect((await post('agency:nts', nts)).statusCode).toBe(201);
    expect((await post('agency:nts', nts)).statusCode).toBe(200);
    expect((await post('agency:nhis', nts)).statusCode).toBe(403);
    expect((await post('all', nts)).statusCode).toBe(403);
    expect((await post('everything')).json()).toMatchObject({ status: 422, faults: [{ pointer: '/scope' }] });
    expect((await post(`campaign:${randomUUID()}`)).statusCode).toBe(404);
    expect((await post('channel:sms')).statusCode).toBe(201);
    expect((await post('agency:nhis')).statusCode).toBe(201);
    expect((await call('DELETE', '/api/v1/stops/agency:nhis', undefined, nhis)).statusCode).toBe(403);
    for (const scope of ['agency:nts', 'channel:sms', 'agency:nhis'])
      expect((await call('DELETE', `/api/v1/stops/${scope}`)).statusCode).toBe(204);
    expect((await call('DELETE', '/api/v1/stops/all')).statusCode).toBe(404);
    expect((await call('GET', '/api/v1/stops')).json()).toEqual({ stops: [] });
  });

  test("the administrator's reason takes the place of an agency's, and the agency sees only what stops it", async () => {
    const post = (scope: string, reason: string, key?: string) =>
      call('POST', '/api/v1/stops', { scope, reason }, key);
    const seen = async (key?: string) =>
      (
        (await call('GET', '/api/v1/stops', undefined, key)).json() as {
          stops: { scope: string; reason: string }[];
        }
      ).stops.map(({ scope, reason }) => `${scope} ${reason}`);
    expect((await post('agency:nts', 'ours', nts)).statusCode).toBe(201);
    expect((await post('agency:nts', 'theirs')).statusCode).toBe(200);
    expect((await post('agency:nts', 'ours', nts)).statusCode).toBe(200);
    expect((await post('agency:nhis', 'x', nhis)).statusCode).toBe(201);
    expect((await post('channel:sms', 'y')).statusCode).toBe(201);
    expect((await post('all', 'z')).statusCode).toBe(201);
    expect((await seen(nts)).sort()).toEqual(['agency:nts theirs', 'all z', 'channel:sms y']);
    expect(await seen()).toHaveLength(4);
    expect((await call('DELETE', '/api/v1/stops/agency:nts', undefined, nts)).statusCode).toBe(403);
    expect(await seen(nts)).toContain('agency:nts theirs');
    expect((await call('DELETE', '/api/v1/stops/agency:nhis', undefined, nhis)).statusCode).toBe(204);
    for (const scope of ['agency:nts', 'channel:sms', 'all'])
      expect((await call('DELETE', `/api/v1/stops/${scope}`)).statusCode).toBe(204);
  });
});

describe('the inbox and the quarantine', () => {
  beforeEach(() => api.database.pool.query('TRUNCATE notifications, deliveries, quarantine'));

  async function createNotices(agency: string, count: number): Promise<void> {
    const month = `date_trunc('month', now())::date`;
    const { pool } = api.database;
    await pool.query(`SELECT ensure_month(${month})`);
    const [event, campaign, run, obligation] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    await pool.query(`INSERT INTO rules (id, agency_id) VALUES ($1, $1) ON CONFLICT DO NOTHING`, [agency]);
    await pool.query(
      `INSERT INTO events (id, agency_id, source, event_id, type, sequence, state, hash, body, received_at)
       VALUES ($1, $2, '/s', $3, 't', 0, 'accepted', '', '{}', now())`,
      [event, agency, event],
    );
    await pool.query(
      `INSERT INTO campaigns (id, agency_id, rule_id, category, event_id, accepted_at) VALUES ($1, $2, $2, 'service', $3, now())`,
      [campaign, agency, event],
    );
    await pool.query(
      `INSERT INTO stage_runs (id, agency_id, campaign_id, rule_id, rule_version, stage_kind, due_at, as_of, month)
       VALUES ($1, $2, $3, $2, 1, 'opened', now(), now()::date, ${month})`,
      [run, agency, campaign],
    );
    await pool.query(
      `INSERT INTO obligations VALUES ($1, $2, 'tax', '7', 'c-1', 1, 'open', $3, '2026-12-31', now())`,
      [obligation, agency, event],
    );
    for (let n = 0; n < count; n++) {
      const id = randomUUID();
      await pool.query(
        `INSERT INTO notifications (id, month, agency_id, stage_run_id, run_id, obligation_id, event_id, citizen_id, recipient_id, stage_kind,
           version, reach, template_id, locale, no_address, created_at)
         VALUES ($1, ${month}, $2, $3, $3, $4, $5, 'c-1', 'c-mother', 'opened', 1, 'certain', 1, 'ko', false, date_trunc('second', now()))`,
        [id, agency, run, obligation, event],
      );
      await pool.query(
        `INSERT INTO deliveries (id, month, agency_id, notification_id, contact_point_id, channel, lane, status)
         VALUES ($1, ${month}, $2, $3, $1, 'sms', 'bulk', 'planned')`,
        [randomUUID(), agency, id],
      );
    }
  }

  type Page = { notifications: { id: string; agency: string }[]; next: string | null };
  async function readAll(key?: string): Promise<Page['notifications']> {
    const all: Page['notifications'] = [];
    let cursor = '';
    do {
      const page = (
        await call('GET', `/api/v1/citizens/c-mother/notifications?limit=2${cursor}`, undefined, key)
      ).json() as Page;
      expect(page.notifications.length).toBeLessThanOrEqual(2);
      all.push(...page.notifications);
      cursor = page.next === null ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    return all;
  }

  test('an inbox is paged without gaps, and an agency sees its own notices in it', async () => {
    await createNotices('nts', 5);
    await createNotices('nhis', 2);
    const all = await readAll();
    expect(new Set(all.map((notice) => notice.id)).size).toBe(7);
    expect(all).toHaveLength(7);
    expect(all[0]).toMatchObject({
      stage: 'opened',
      citizen: 'c-1',
      obligation: 'tax/7',
      obligationState: 'open',
      deadline: '2026-12-31',
      noAddress: false,
      deliveries: [{ channel: 'sms', status: 'planned', code: null, attempt: 0, at: null }],
    });
    expect(new Set((await readAll(nts)).map((notice) => notice.agency))).toEqual(new Set(['nts']));
    expect(await readAll(nhis)).toHaveLength(2);
  });

  test.each([['limit=0'], ['limit=201'], ['limit=ten'], ['cursor=nonsense'], ['page=2']])(
    '%s is refused',
    async (query) => {
      const response = await call('GET', `/api/v1/citizens/c-1/notifications?${query}`);
      expect(response.json()).toMatchObject({ status: 422, code: 'request-invalid' });
    },
  );

  test('the quarantine shows where and why, and never the record', async () => {
    await api.database.pool.query(
      `INSERT INTO quarantine (id, agency_id, topic, partition, record_offset, key, code, message, faults, record)
       VALUES (gen_random_uuid(), 'nts', 'agency-events', 1, 42, 'k', 'event-invalid', 'is wrong', '[{"pointer":"/data","message":"is wrong"}]', 'sealed')`,
    );
    const page = (await call('GET', '/api/v1/quarantine', undefined, nts)).json();
    expect(page).toMatchObject({
      quarantine: [
        {
          topic: 'agency-events',
          partition: 1,
          offset: 42,
          code: 'event-invalid',
          faults: [{ pointer: '/data' }],
        },
      ],
      next: null,
    });
    expect(JSON.stringify(page)).not.toContain('sealed');
    expect((await call('GET', '/api/v1/quarantine', undefined, nhis)).json()).toEqual({
      quarantine: [],
      next: null,
    });
  });
});
