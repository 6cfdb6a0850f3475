/** Events over HTTP: what is taken, what is refused, and that a refusal leaves nothing behind. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOPICS } from '../../domain/records.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

const URL = '/api/v1/events';
const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';

let api: HttpApi;
let number = 0;

beforeAll(async () => {
  api = await createHttpApi();
});
afterAll(() => api.close());

function createEvent(more: Record<string, unknown> = {}): Record<string, unknown> {
  const id = `e-${++number}`;
  return {
    specversion: '1.0',
    id,
    source: '/nts/property-tax',
    type: 'kr.nts.property-tax.assessed',
    time: new Date().toISOString(),
    subject: 'c-7f3a9e',
    allimobligation: `property-tax/${id}`,
    data: { amount: 132000, dueOn: '2026-07-31' },
    ...more,
  };
}

const post = (payload: unknown, contentType: string = STRUCTURED, key?: string) =>
  api.call({
    method: 'POST',
    url: URL,
    headers: { 'content-type': contentType },
    payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    ...(key === undefined ? {} : { key }),
  });

async function countEvents(): Promise<number> {
  const { rows } = await api.database.pool.query<{ n: number }>('SELECT count(*) AS n FROM events');
  return rows[0]!.n;
}

const logged = async (id: unknown) =>
  (await api.records(TOPICS.events)).filter((r) => (r.headers as Record<string, string>)['ce_id'] === id);

describe('what is accepted', () => {
  test('an event that ends something, however late it is', async () => {
    const event = createEvent({
      type: 'kr.nts.property-tax.paid',
      expirytime: '2026-01-01T00:00:00Z',
      data: {},
    });
    const response = await post(event);
    expect([response.statusCode, response.body]).toEqual([202, expect.stringContaining('accepted')]);
    await eventually(async () => expect(await logged(event['id'])).toHaveLength(1));
  });

  test('a structured event is committed before the answer and reaches the log', async () => {
    const event = createEvent();
    const response = await post(event);
    expect(response.statusCode).toBe(202);
    expect(response.json()).toEqual({ accepted: [{ source: event['source'], id: event['id'] }] });
    const { rows } = await api.database.pool.query<{ state: string; body: { data: object } }>(
      'SELECT state, body FROM events WHERE event_id = $1',
      [event['id']],
    );
    expect(rows[0]).toMatchObject({ state: 'received', body: { data: { amount: 132000 } } });
    const [record] = await eventually(async () => {
      const found = await logged(event['id']);
      expect(found).toHaveLength(1);
      return found;
    });
    expect(record!.key).toBe('c-7f3a9e');
    expect(JSON.parse(record!.value!.toString())).toEqual(event['data']);
  });

  test('binary mode says the same by headers, percent-encoded', async () => {
    const id = `납세-${++number}`;
    const response = await api.call({
      method: 'POST',
      url: URL,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'ce-specversion': '1.0',
        'ce-id': encodeURIComponent(id),
        'ce-source': '/nts/property-tax',
        'ce-type': 'kr.nts.property-tax.assessed',
        'ce-subject': 'c-1',
        'ce-allimobligation': 'property-tax/x',
      },
      payload: JSON.stringify({ amount: 1, dueOn: '2026-07-31' }),
    });
    expect(response.json()).toEqual({ accepted: [{ source: '/nts/property-tax', id }] });
    expect(response.statusCode).toBe(202);
  });

  test('the same event again is accepted again and stays one row and one record', async () => {
    const event = createEvent();
    await post(event);
    await eventually(async () => expect(await logged(event['id'])).toHaveLength(1));
    // Order of members and tracing are no content.
    const { data, ...rest } = event;
    const again = await post({
      data,
      ...rest,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    });
    expect(again.statusCode).toBe(202);
    await api.relay.drain();
    expect(await logged(event['id'])).toHaveLength(1);
  });

  test('a batch, with one event twice in it', async () => {
    const [a, b] = [createEvent(), createEvent({ subject: undefined })];
    const response = await post([a, b, a], BATCH);
    expect(response.statusCode).toBe(202);
    expect((response.json() as { accepted: unknown[] }).accepted).toHaveLength(3);
    await eventually(async () => expect(await logged(b['id'])).toHaveLength(1));
    expect(await logged(a['id'])).toHaveLength(1);
  });

  test('an empty batch takes nothing', async () => {
    const response = await post([], BATCH);
    expect([response.statusCode, response.json()]).toEqual([202, { accepted: [] }]);
  });

  test('an event type that another process registered a moment ago is looked up before it is refused', async () => {
    const { rows } = await api.database.pool.query<{ definition: Record<string, unknown> }>(
      `SELECT definition FROM event_types WHERE type = 'kr.nts.property-tax.assessed'`,
    );
    const type = `kr.nts.property-tax.assessed-${++number}`;
    await api.database.pool.query(
      `INSERT INTO event_types (type, agency_id, definition) VALUES ($1, 'nts', $2)`,
      [type, JSON.stringify({ ...rows[0]!.definition, type })],
    );
    await api.database.pool.query(
      `UPDATE settings SET value = to_jsonb((value #>> '{}')::bigint + 1) WHERE name = 'catalogue-revision'`,
    );
    expect((await post(createEvent({ type }))).statusCode).toBe(202);
  });
});

describe('what is refused, with the place', () => {
  const data = { amount: 1, dueOn: '2026-07-31' };
  test.each([
    ['an unknown type', { type: 'kr.nts.nothing.known' }, 'event-type-unknown', '/type'],
    ['data against its schema', { data: { ...data, amount: '1' } }, 'event-invalid', '/data/amount'],
    ['a member the schema lacks', { data: { ...data, name: 'x' } }, 'event-invalid', '/data/name'],
    ['a day that does not exist', { data: { ...data, dueOn: '2026-02-30' } }, 'event-invalid', '/data/dueOn'],
    ['a time that does not exist', { time: '2026-02-30T00:00:00Z' }, 'event-invalid', '/time'],
    ['a source of another agency', { source: '/nhis/checkup' }, 'source-foreign', '/source'],
    ['an obligation of another kind', { allimobligation: 'checkup/1' }, 'event-invalid', '/allimobligation'],
    ['a sequence that is none', { sequence: '-1' }, 'event-invalid', '/sequence'],
    ['two subjects', { allimsubjectkey: 'k' }, 'event-invalid', '/allimsubjectkey'],
    ['no id', { id: undefined }, 'event-invalid', '/id'],
    ['an old specversion', { specversion: '0.3' }, 'event-invalid', '/specversion'],
    ['one from 400 days ago', { time: '2020-01-01T00:00:00Z' }, 'event-too-old', '/time'],
    ['one that has expired', { expirytime: '2020-01-01T00:00:00Z' }, 'event-expired', '/expirytime'],
    ['data that is no object', { data: [1] }, 'event-invalid', '/data'],
    ['a NUL in the data', { data: { ...data, office: 'a\u0000b' } }, 'event-invalid', '/data'],
  ])('%s', async (_name, more, code, pointer) => {
    const before = await countEvents();
    const response = await post(createEvent(more));
    expect(response.statusCode).toBe(422);
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    const problem = response.json() as { code: string; faults: { pointer: string }[] };
    expect(problem).toMatchObject({ type: `urn:allim:problem:${code}`, code, status: 422 });
    expect(problem.faults.map((fault) => fault.pointer)).toContain(pointer);
    expect(await countEvents()).toBe(before);
  });

  test.each([
    ['malformed JSON', '{"specversion": ', STRUCTURED, 400, 'request-malformed'],
    ['no JSON but UTF-8 broken', Buffer.from([0x7b, 0xff, 0x7d]), STRUCTURED, 400, 'request-malformed'],
    ['an empty body', '', STRUCTURED, 400, 'request-malformed'],
    ['a member that changes a prototype', '{"__proto__": {}}', STRUCTURED, 400, 'request-malformed'],
    ['the same by an escape', '{"\\u005f_proto__": {}}', STRUCTURED, 400, 'request-malformed'],
    ['text', 'hello', 'text/plain', 415, 'content-type-unsupported'],
    ['JSON without ce- headers', '{}', 'application/json', 415, 'content-type-unsupported'],
    ['another encoding', '{}', `${STRUCTURED}; charset=euc-kr`, 415, 'content-type-unsupported'],
    ['an array in structured mode', '[]', STRUCTURED, 422, 'event-invalid'],
    ['an object in batched mode', '{}', BATCH, 422, 'event-invalid'],
    ['1,001 events', JSON.stringify(Array(1_001).fill(0)), BATCH, 422, 'event-invalid'],
    ['10 MB', Buffer.alloc(10_000_000, 0x20), STRUCTURED, 413, 'payload-too-large'],
  ])('%s', async (_name, payload, contentType, status, code) => {
    const response = await post(payload, contentType);
    expect([response.statusCode, (response.json() as { code: string }).code]).toEqual([status, code]);
  });

  test('an event whose data the shards could not be sent, or with too many attributes', async () => {
    const type = 'kr.nts.anything.said';
    await api.call({
      method: 'PUT',
      url: `/api/v1/event-types/${type}`,
      payload: {
        type,
        agency: 'nts',
        sources: ['/nts/property-tax'],
        effect: 'informs',
        title: { ko: '글', en: 'Text' },
        schema: { type: 'object' },
        examples: [{}],
      },
    });
    const said = (bytes: number) =>
      post(createEvent({ type, allimobligation: undefined, data: { text: 'x'.repeat(bytes) } }));
    // `{"text":""}` is 11 bytes.
    expect((await said(262_144 - 11)).statusCode).toBe(202);
    expect((await said(262_144 - 10)).json()).toMatchObject({
      status: 413,
      code: 'payload-too-large',
      faults: [{ pointer: '/data' }],
    });
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`x${index}`, 'y'.repeat(1_000)]),
    );
    const attributes = await post(createEvent(many));
    expect([attributes.statusCode, (attributes.json() as { code: string }).code]).toEqual([
      413,
      'payload-too-large',
    ]);
  });

  test('the same id with another content is a conflict, alone, in a batch, and within one', async () => {
    const event = createEvent();
    await post(event);
    const other = { ...event, data: { amount: 2, dueOn: '2026-07-31' } };
    expect((await post(other)).statusCode).toBe(409);
    const batch = await post([createEvent(), other], BATCH);
    expect(batch.statusCode).toBe(409);
    expect(batch.json()).toMatchObject({ code: 'event-conflict', faults: [{ pointer: '/1/id' }] });
    const fresh = createEvent();
    const within = await post([fresh, { ...fresh, subject: 'c-other' }], BATCH);
    expect(within.json()).toMatchObject({ status: 409, faults: [{ pointer: '/1/id' }] });
    expect(await logged(fresh['id'])).toHaveLength(0);
  });

  test('a batch is taken whole or not at all, and every refused event is named by its place', async () => {
    const before = await countEvents();
    const good = createEvent();
    const response = await post(
      [
        good,
        createEvent({ type: 'kr.nts.nothing.known' }),
        good,
        createEvent({ data: { amount: 1 } }),
        'no event',
      ],
      BATCH,
    );
    expect(response.statusCode).toBe(422);
    const problem = response.json() as { detail: string; faults: { pointer: string; message: string }[] };
    expect(problem.faults.map((fault) => fault.pointer)).toEqual(['/1/type', '/3/data/dueOn', '/4']);
    expect(problem.faults[0]!.message).toBe('event-type-unknown: is not a known event type');
    expect(problem.detail).toContain('3 of 5 events');
    expect(await countEvents()).toBe(before);
  });
});

describe('who may', () => {
  test('a key publishes for its own sources and no others', async () => {
    const key = await api.issueKey('nts', ['events'], ['/nts/property-tax']);
    expect((await post(createEvent(), STRUCTURED, key)).statusCode).toBe(202);
    const unbound = await api.issueKey('nts', ['events'], ['/nts/income-tax']);
    const refused = await post(createEvent(), STRUCTURED, unbound);
    expect(refused.json()).toMatchObject({
      status: 422,
      code: 'source-foreign',
      faults: [{ pointer: '/source' }],
    });
    const foreign = await api.issueKey('nhis', ['events'], ['/nts/property-tax']);
    expect((await post(createEvent(), STRUCTURED, foreign)).json()).toMatchObject({ code: 'source-foreign' });
    const reader = await api.issueKey('nts', ['read'], ['/nts/property-tax']);
    expect((await post(createEvent(), STRUCTURED, reader)).statusCode).toBe(403);
  });
});

test('no line of the log says what an event said', () => {
  expect(api.lines.length).toBeGreaterThan(10);
  expect(api.lines.filter((line) => /132000|강남구청|2026-07-31/.test(line))).toEqual([]);
});
