/** What a person does about a quarantined record: seen by its owner alone, sent again once, by whom is kept. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordOfEvent } from '../../domain/cloud-events.ts';
import { AllimError } from '../../domain/errors.ts';
import { keyId } from '../../domain/ids.ts';
import { TOPICS } from '../../domain/records.ts';
import { saveQuarantine } from '../../store/quarantine.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';
import { taxEvent } from '../support/installation.ts';

let api: HttpApi;
let offset = 0;

beforeAll(async () => {
  api = await createHttpApi();
});
afterAll(() => api.close());

type Kept = {
  topic?: string;
  agency?: string | null;
  key?: string;
  headers?: Record<string, string>;
  value?: string;
};

async function quarantine({ topic = TOPICS.events, agency = 'nts', ...record }: Kept): Promise<string> {
  const at = ++offset;
  await saveQuarantine(api.database.pool, api.sealer, [
    {
      topic,
      partition: 0,
      offset: at,
      key: record.key ?? null,
      headers: record.headers ?? { 'content-type': 'application/json' },
      value: Buffer.from(record.value ?? ''),
      error: new AllimError('event-invalid', 'the event is not valid'),
      ...(agency === null ? {} : { agency }),
    },
  ]);
  return keyId('quarantine', topic, 0, at);
}
const event = (id: string, data: object = { amount: 5, dueOn: '2099-01-31' }) =>
  recordOfEvent(taxEvent({ id, subject: 'c-1', data } as never));
const retry = (id: string, payload?: object, key?: string) =>
  api.call({
    method: 'POST',
    url: `/api/v1/quarantine/${id}/retry`,
    ...(payload === undefined ? {} : { payload }),
    ...(key === undefined ? {} : { key }),
  });
const show = (id: string, key?: string) =>
  api.call({ method: 'GET', url: `/api/v1/quarantine/${id}`, ...(key === undefined ? {} : { key }) });
const stateOf = async (event_id: string) =>
  (
    await api.database.pool.query<{ state: string }>('SELECT state FROM events WHERE event_id = $1', [
      event_id,
    ])
  ).rows[0]?.state;

describe('an event', () => {
  test('is sent again as it is once what was missing is there, and reaches the log', async () => {
    const id = await quarantine(event('as-it-is'));
    const response = await retry(id);
    expect(response.json()).toEqual({
      id,
      state: 'retried',
      event: { source: '/nts/property-tax', id: 'as-it-is' },
      known: false,
    });
    await eventually(async () => {
      const records = await api.records(TOPICS.events);
      expect(records.filter((r) => (r.headers as { ce_id?: string }).ce_id === 'as-it-is')).toHaveLength(1);
    });
    const shown = (await show(id)).json();
    expect(shown).toMatchObject({ state: 'retried', closedBy: 'administrator', mended: false });
    expect((await retry(id)).json()).toMatchObject({ status: 409, code: 'quarantine-closed' });
  });

  test('that is still wrong stays open, with the place; mended it is taken, and that is kept', async () => {
    const id = await quarantine(event('to-mend', { amount: 'five' }));
    const refused = await retry(id);
    expect(refused.statusCode).toBe(422);
    expect((refused.json() as { faults: { pointer: string }[] }).faults.map((f) => f.pointer)).toContain(
      '/data/amount',
    );
    const shown = (await show(id)).json() as { state: string; record: { value: string } };
    expect(shown.state).toBe('open');
    expect(JSON.parse(shown.record.value)).toEqual({ amount: 'five' });
    const mended = await retry(id, { event: taxEvent({ id: 'to-mend', subject: 'c-1' }) });
    expect(mended.statusCode).toBe(200);
    expect(await stateOf('to-mend')).toBe('received');
    expect((await show(id)).json()).toMatchObject({ state: 'retried', mended: true });
    const { rows } = await api.database.pool.query<{ mended: Buffer }>(
      'SELECT mended FROM quarantine WHERE id = $1',
      [id],
    );
    expect(rows[0]!.mended.toString('latin1')).not.toContain('c-1');
    expect(JSON.parse(api.sealer.open('quarantine-mended', rows[0]!.mended).toString())).toMatchObject({
      id: 'to-mend',
    });
  });

  test('that was taken meanwhile is closed and not sent twice; one with another content is a conflict', async () => {
    const first = await quarantine(event('twice'));
    const second = await quarantine(event('twice'));
    const other = await quarantine(event('twice', { amount: 6, dueOn: '2099-01-31' }));
    await retry(first);
    expect((await retry(second)).json()).toMatchObject({ known: true });
    expect((await retry(other)).json()).toMatchObject({ status: 409, code: 'event-conflict' });
    expect((await show(other)).json()).toMatchObject({ state: 'open' });
  });

  test('that HTTP took and the dispatcher then refused gets another turn', async () => {
    const id = await quarantine(event('refused'));
    await retry(id);
    await eventually(async () => {
      const { rowCount } = await api.database.pool.query(
        `UPDATE events SET state = 'refused' WHERE event_id = 'refused' AND relayed_at IS NOT NULL`,
      );
      expect(rowCount).toBe(1);
    });
    expect((await retry(await quarantine(event('refused')))).json()).toMatchObject({ known: false });
    await eventually(async () => {
      const records = await api.records(TOPICS.events);
      expect(records.filter((r) => (r.headers as { ce_id?: string }).ce_id === 'refused')).toHaveLength(2);
    });
  });

  test('retried by two at once goes once', async () => {
    const id = await quarantine(event('at-once'));
    const codes = (await Promise.all([retry(id), retry(id)])).map((response) => response.statusCode);
    expect(codes.toSorted()).toEqual([200, 409]);
  });

  test('can be dropped, by whom is kept, and then not be sent', async () => {
    const id = await quarantine(event('unwanted'));
    const key = await api.issueKey('nts', ['events'], ['/nts/property-tax']);
    const drop = await api.call({ method: 'POST', url: `/api/v1/quarantine/${id}/drop`, key });
    expect(drop.json()).toEqual({ id, state: 'dropped' });
    expect((await show(id)).json()).toMatchObject({
      state: 'dropped',
      closedBy: expect.stringMatching(/^key:/),
    });
    expect((await retry(id)).statusCode).toBe(409);
    expect(await stateOf('unwanted')).toBeUndefined();
  });

  test('of another agency is not there, and a key sends for its own sources alone', async () => {
    const id = await quarantine(event('foreign'));
    const other = await api.issueKey('nhis', ['events', 'read'], ['/nhis/checkup']);
    expect((await show(id, other)).statusCode).toBe(404);
    expect((await retry(id, undefined, other)).statusCode).toBe(404);
    const unbound = await api.issueKey('nts', ['events'], ['/nts/income-tax']);
    expect((await retry(id, undefined, unbound)).json()).toMatchObject({ code: 'source-foreign' });
    const reader = await api.issueKey('nts', ['read'], []);
    expect((await show(id, reader)).statusCode).toBe(403);
    const nobodys = await quarantine({ ...event('nobodys'), agency: null });
    expect((await show(nobodys, other)).statusCode).toBe(404);
    expect((await show(nobodys)).statusCode).toBe(200);
  });
});

test('a profile goes back to its topic, by its key', async () => {
  const id = await quarantine({ topic: TOPICS.profiles, agency: null, key: 'c-9', value: '{"sido":"99"}' });
  const response = await retry(id, { profile: { sido: '11' } });
  expect(response.json()).toMatchObject({ profile: 'c-9' });
  const records = await api.records(TOPICS.profiles);
  expect(records.map(({ key, value }) => [key, value?.toString()])).toContainEqual(['c-9', '{"sido":"11"}']);
});

test('what Allim wrote itself can only be dropped', async () => {
  const id = await quarantine({ topic: TOPICS.audiences.bulk, agency: null, value: '{}' });
  expect((await retry(id)).json()).toMatchObject({ status: 422, code: 'request-invalid' });
});
