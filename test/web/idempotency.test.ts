/** A request that is said twice under one key is done once. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
beforeAll(async () => {
  api = await createHttpApi();
});
afterAll(() => api.close());

const issue = (key: string, label = 'portal', more: object = {}) =>
  api.call({
    method: 'POST',
    url: '/api/v1/agencies/nts/keys',
    payload: { label, scopes: ['read'] },
    headers: { 'idempotency-key': key },
    ...more,
  });
const keys = async (label: string): Promise<number> =>
  (await api.database.pool.query('SELECT 1 FROM api_keys WHERE label = $1', [label])).rows.length;

test('it is answered the same again, with the secret that was issued, which stands nowhere in clear', async () => {
  const first = await issue('one', 'same');
  const again = await issue('one', 'same');
  expect(first.statusCode).toBe(201);
  expect([again.statusCode, again.json()]).toEqual([201, first.json()]);
  expect(again.headers['idempotency-replayed']).toBe('true');
  expect(await keys('same')).toBe(1);
  const { rows } = await api.database.pool.query<{ kept: string }>(
    `SELECT encode(answer, 'escape') AS kept FROM idempotency_keys WHERE key = 'one'`,
  );
  expect(rows[0]!.kept).not.toContain((first.json() as { key: string }).key);
});

test('another body or another path under the same key is refused', async () => {
  await issue('two', 'first');
  expect((await issue('two', 'second')).json()).toMatchObject({ status: 422, code: 'idempotency-conflict' });
  expect(
    (await issue('two', 'first', { url: '/api/v1/agencies/nhis/keys' })).json(),
  ).toMatchObject({ status: 422, code: 'idempotency-conflict' });
  expect(await keys('second')).toBe(0);
});

test('of many at once one is done, and the others are told to wait or answered the same', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => issue('three', 'at-once')));
  expect(await keys('at-once')).toBe(1);
  for (const { statusCode } of all) expect([201, 409]).toContain(statusCode);
  expect(all.some(({ statusCode }) => statusCode === 201)).toBe(true);
});

test('one that is under way says so, and one whose process died can be said again', async () => {
  await issue('four', 'held');
  await api.database.pool.query(
    `UPDATE idempotency_keys SET status = NULL, answer = NULL, held_until = clock_timestamp() + interval '1 minute' WHERE key = 'four'`,
  );
  const busy = await issue('four', 'held');
  expect(busy.json()).toMatchObject({ status: 409, code: 'idempotency-busy' });
  expect(busy.headers['retry-after']).toBe('2');
  await api.database.pool.query(
    `UPDATE idempotency_keys SET held_until = clock_timestamp() - interval '1 second' WHERE key = 'four'`,
  );
  expect((await issue('four', 'held')).statusCode).toBe(201);
});

test('what was refused did nothing, so the key is free', async () => {
  const wrong = await issue('five', 'late', { payload: { label: 'late', scopes: ['read'], expiresAt: '2020-01-01T00:00:00Z' } });
  expect(wrong.statusCode).toBe(422);
  expect((await issue('five', 'late')).statusCode).toBe(201);
});

test('keys are each caller’s own, and must be readable', async () => {
  const [a, b] = [await api.issueKey('nts', ['rules']), await api.issueKey('nts', ['rules'])];
  const stop = (key: string) =>
    api.call({
      method: 'POST',
      url: '/api/v1/stops',
      key,
      payload: { scope: 'agency:nts', reason: 'test' },
      headers: { 'idempotency-key': 'mine' },
    });
  expect([(await stop(a)).statusCode, (await stop(b)).statusCode]).toEqual([201, 200]);
  expect((await issue('has a blank')).statusCode).toBe(422);
});
