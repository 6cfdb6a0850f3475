/** Whatever staff do or look at stands in the trail, with who, why and on what; and the trail is read by those who may. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
beforeAll(async () => {
  api = await createHttpApi();
});
afterAll(() => api.close());

const OPERATOR = 'oh:nts:operator';
const AUDITOR = 'an:nts:auditor';

type Entry = { actor: string; actorName: string | null; action: string; object: string; reason: string | null; details: object };
const entries = async (query = '', as = AUDITOR): Promise<Entry[]> =>
  (
    (await api.call({ method: 'GET', url: `/api/v1/audit${query}`, as })).json() as { entries: Entry[] }
  ).entries;

test('a stop is written down with who made and who lifted it, in the transaction that does it', async () => {
  const url = '/api/v1/stops/agency:nts';
  await api.call({ method: 'PUT', url, as: OPERATOR, payload: { reason: '틀린 문구' } });
  await api.call({ method: 'DELETE', url, as: OPERATOR });
  await api.call({ method: 'DELETE', url, as: OPERATOR });
  expect(await entries('?object=stop:agency:nts')).toMatchObject([
    { action: 'stop.lifted', actor: 'staff:oh', actorName: 'OH', reason: null },
    { action: 'stop.made', actor: 'staff:oh', reason: '틀린 문구', details: { fresh: true } },
  ]);
});

test('keys, agencies and webhooks leave entries; secrets do not', async () => {
  const issued = await api.call({
    method: 'POST',
    url: '/api/v1/agencies/nts/keys',
    payload: { label: 'portal', scopes: ['read'] },
  });
  const { key, name } = issued.json() as { key: string; name: string };
  await api.call({ method: 'DELETE', url: `/api/v1/agencies/nts/keys/${name}` });
  await api.call({
    method: 'PUT',
    url: '/api/v1/agencies/nts/trial',
    payload: { trial: false },
  });
  const all = await entries('?action=key', 'owner');
  expect(all.map(({ action, actor, object }) => `${actor} ${action} ${object}`)).toEqual([
    `administrator key.revoked key:nts/${name}`,
    `administrator key.issued key:nts/${name}`,
  ]);
  const { rows } = await api.database.pool.query<{ text: string }>(
    `SELECT string_agg(e::text, ' ') AS text FROM audit_entries e`,
  );
  expect(rows[0]!.text).not.toContain(key);
  expect(await entries('?action=trial', 'owner')).toMatchObject([{ action: 'trial.set', object: 'trial:nts' }]);
});

test('an auditor reads the agency’s entries, others none, and asks whether the chain holds', async () => {
  await api.call({ method: 'PUT', url: '/api/v1/agencies/nhis', payload: { name: { ko: '공단', en: 'NHIS' } } });
  expect((await entries()).length).toBeGreaterThan(0);
  expect(JSON.stringify(await entries('?limit=200'))).not.toContain('agency:nhis');
  expect(await entries('?action=agency.saved', 'owner')).toMatchObject([{ object: 'agency:nhis' }]);
  expect((await api.call({ method: 'GET', url: '/api/v1/audit', as: OPERATOR })).statusCode).toBe(403);
  expect((await api.call({ method: 'GET', url: '/api/v1/audit?agency=nhis', as: AUDITOR })).statusCode).toBe(403);
  const verified = await api.call({ method: 'GET', url: '/api/v1/audit/verification', as: AUDITOR });
  expect(verified.json()).toMatchObject({ ok: true, findings: [] });
  const { number } = (verified.json() as { head: { number: number } }).head;
  const wrong = await api.call({
    method: 'GET',
    url: `/api/v1/audit/verification?number=${number}&hash=${'0'.repeat(64)}`,
    as: AUDITOR,
  });
  expect(wrong.json()).toMatchObject({ ok: false, findings: [{ number, what: 'not-as-noted' }] });
});

test('pages go on by number, and a time filters', async () => {
  const first = (await api.call({ method: 'GET', url: '/api/v1/audit?limit=2', as: 'owner' })).json() as {
    entries: { number: number }[];
    next: string;
  };
  expect(first.entries).toHaveLength(2);
  const second = (
    await api.call({ method: 'GET', url: `/api/v1/audit?limit=2&cursor=${first.next}`, as: 'owner' })
  ).json() as { entries: { number: number }[] };
  expect(second.entries[0]!.number).toBe(first.entries[1]!.number - 1);
  expect(await entries('?since=2099-01-01T00:00:00Z', 'owner')).toEqual([]);
  expect(
    (await api.call({ method: 'GET', url: '/api/v1/audit?since=yesterday', as: 'owner' })).statusCode,
  ).toBe(422);
});
