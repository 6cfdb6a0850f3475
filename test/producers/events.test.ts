/** Events over HTTP: what is taken, what is refused, and that a refusal leaves nothing behind. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOPICS } from '../../domain/records.ts';
import type { BatchAnswer } from '../../producers/http.ts';
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

const binary = (headers: Record<string, string>) =>
  api.call({
    method: 'POST',
    url: URL,
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-source': '/nts/property-tax',
      'ce-type': 'kr.nts.property-tax.assessed',
      'ce-subject': 'c-1',
      ...headers,
    },
    payload: JSON.stringify({ amount: 1, dueOn: '2026-07-31' }),
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

  test.each([
    ['quoted, as senders by older bindings do', '"\\"old\\" id"', '"old" id'],
    ['one round of decoding and no more', '100%2525', '100%25'],
  ])('binary mode: %s', async (_name, header, id) => {
    const response = await binary({ 'ce-id': header });
    expect(response.json()).toEqual({ accepted: [{ source: '/nts/property-tax', id }] });
  });

  test.each([
    ['broken percent-encoding', '%E2%82'],
    ['letters that are not encoded', '납'],
  ])('binary mode refuses %s by the name of the header', async (_name, header) => {
    const response = await binary({ 'ce-id': Buffer.from(header, 'utf8').toString('latin1') });
    expect(response.json()).toMatchObject({ code: 'event-invalid', faults: [{ pointer: '/id' }] });
  });

  test('a compressed body is told to come plain', async () => {
    const response = await api.call({
      method: 'POST',
      url: URL,
      headers: { 'content-type': STRUCTURED, 'content-encoding': 'gzip' },
      payload: 'x',
    });
    expect(response.json()).toMatchObject({ code: 'content-type-unsupported', status: 415 });
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
    expect([response.statusCode, response.json()]).toEqual([202, { accepted: [], rejected: [] }]);
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
    ['an object in batched mode', '{}', BATCH, 400, 'request-malformed'],
    ['an empty body in batched mode', '', BATCH, 400, 'request-malformed'],
    ['a batch that never ends', '[', BATCH, 400, 'request-malformed'],
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
    expect(batch.statusCode).toBe(207);
    expect(batch.json()).toMatchObject({
      accepted: [{}],
      rejected: [{ index: 1, code: 'event-conflict', faults: [{ pointer: '/1/id' }] }],
    });
  });

  test('each event of a batch is judged on its own, and every refused one is named by its place', async () => {
    const before = await countEvents();
    const good = createEvent();
    const unknown = createEvent({ type: 'kr.nts.nothing.known' });
    const response = await post(
      [good, unknown, good, createEvent({ data: { amount: 1 } }), 'no event', { ...good, subject: 'c-2' }],
      BATCH,
    );
    expect(response.statusCode).toBe(207);
    const { accepted, rejected } = response.json() as BatchAnswer;
    const named = { source: '/nts/property-tax', id: good['id'] };
    expect(accepted).toEqual([named, named]);
    expect(rejected.map(({ index, code, faults }) => [index, code, faults[0]!.pointer])).toEqual([
      [1, 'event-type-unknown', '/1/type'],
      [3, 'event-invalid', '/3/data/dueOn'],
      [4, 'event-invalid', '/4'],
      [5, 'event-conflict', '/5/id'],
    ]);
    expect(rejected[0]).toMatchObject({ source: '/nts/property-tax', id: unknown['id'] });
    expect(await countEvents()).toBe(before + 1);
  });

  test('a batch of which nothing could be taken is 422', async () => {
    const before = await countEvents();
    const response = await post([createEvent({ data: {} }), 1], BATCH);
    expect(response.statusCode).toBe(422);
    expect((response.json() as BatchAnswer).rejected.map(({ index }) => index)).toEqual([0, 1]);
    expect(await countEvents()).toBe(before);
  });

  test('what breaks a batch in the middle costs what follows, and the answer says where', async () => {
    const [a, b] = [createEvent(), createEvent()];
    const cut = await post(`[${JSON.stringify(a)},${JSON.stringify(b).slice(0, 40)}`, BATCH);
    expect(cut.statusCode).toBe(207);
    expect(cut.json()).toMatchObject({
      accepted: [{ id: a['id'] }],
      rejected: [
        {
          index: 1,
          code: 'request-malformed',
          faults: [{ pointer: '/1', message: 'ends in the middle of its array' }],
        },
      ],
    });
    const c = createEvent();
    const inside = await post(`[{"a" 1}, ,${JSON.stringify(c)}]`, BATCH);
    expect(inside.json()).toMatchObject({
      accepted: [{ id: c['id'] }],
      rejected: [
        { index: 0, code: 'request-malformed' },
        { index: 1, code: 'request-malformed' },
      ],
    });
    const twice = await post(`[${JSON.stringify(createEvent())}] []`, BATCH);
    expect(twice.json()).toMatchObject({ accepted: [{}], rejected: [{ index: 1 }] });
  });

  test('a batch of 10,000 is taken, and of one more the last is refused', async () => {
    const events = Array.from({ length: 10_001 }, () => createEvent({ allimobligation: undefined }));
    const response = await post(events, BATCH);
    expect(response.statusCode).toBe(207);
    const { accepted, rejected } = response.json() as BatchAnswer;
    expect(accepted).toHaveLength(10_000);
    expect(rejected).toMatchObject([{ index: 10_000, code: 'payload-too-large' }]);
    const again = await post(events.slice(0, 10_000), BATCH);
    expect(again.statusCode).toBe(202);
    expect((again.json() as BatchAnswer).accepted).toHaveLength(10_000);
  });

  test('one event of a batch that is far too long costs the others nothing', async () => {
    const [a, b] = [createEvent(), createEvent({ data: { office: 'x'.repeat(600_000) } })];
    const response = await post([b, a], BATCH);
    expect(response.json()).toMatchObject({
      accepted: [{ id: a['id'] }],
      rejected: [{ index: 0, code: 'payload-too-large', faults: [{ pointer: '/0' }] }],
    });
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
