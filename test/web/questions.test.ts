/** Questions over the API: who may ask what, which counts are shown, what is refused, and that each is logged. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Asking, WholeAnswer, WholeSet } from '../../rules/run/asking.ts';
import { emptySketch, mix } from '../../rules/run/sketch.ts';
import { shownDistricts, shownPartition, shownParts, shownShares } from '../../web/api/shown-counts.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';
import { saveSketchedRule } from '../support/live-rule.ts';

const setOf = (count: number, from = 0): WholeSet => {
  const sketch = emptySketch();
  for (let n = from; n < from + count; n++) mix(sketch, Math.imul(n + 1, 0x9e3779b1) >>> 0);
  return {
    count,
    sketch,
    cells: { sex: { '': 0, F: count - 3, M: 3 } },
    reaches: [0, 0, 0, 0, count, 0, 0, 0],
  };
};

let answers: (signal: AbortSignal | undefined) => Promise<Partial<WholeAnswer>>;
const ask: Asking = async (_, options) => ({
  sets: {},
  missing: {},
  sample: [],
  citizens: 100_000,
  offsets: [12, 34],
  overlayOffsets: [5, 6],
  reachAtMs: 0,
  partial: false,
  explanation: undefined,
  ...(await answers(options?.signal)),
});
const audienceOf =
  (count: number, possible = 20, from = 0) =>
  async () => ({
    sets: { certain: setOf(count, from), possible: setOf(possible, 1_000_000) },
  });

let api: HttpApi;
let nts: string;
let exact: string;
let nhis: string;
beforeAll(async () => {
  api = await createHttpApi({ api: { ask } });
  nts = await api.issueKey('nts', ['rules', 'read', 'citizens'], ['/nts/property-tax']);
  exact = await api.issueKey('nts', ['rules', 'read', 'exact'], ['/nts/property-tax']);
  nhis = await api.issueKey('nhis', ['rules', 'read'], ['/nhis/checkup']);
});
afterAll(() => api.close());

const draft = (sido: string) => ({
  agency: 'nts',
  on: 'kr.nts.property-tax.assessed',
  condition: { '==': [{ var: 'citizen.sido' }, sido] },
});
const preview = (rule: object, key: string | null = nts, more: object = {}) =>
  api.call({ method: 'POST', url: '/api/v1/rules/preview', payload: { rule, ...more }, key });

describe('a preview', () => {
  test('hides small counts, from those who may not see them', async () => {
    answers = audienceOf(5_000, 4);
    expect((await preview(draft('11'))).json()).toMatchObject({
      certain: 5_000,
      possible: '<10',
      breakdown: { sex: { certain: { '': '<10', F: 'hidden', M: '<10' } } },
      channels: { certain: { push: '<10', sms: 5_000, none: '<10' } },
      offsets: [12, 34],
      partial: false,
      warnings: [],
    });
    expect((await preview(draft('11'), exact)).json()).toMatchObject({
      possible: 4,
      breakdown: { sex: { certain: { '': 0, F: 4_997, M: 3 } } },
    });
  });

  test('is refused where it differs from an earlier one in a few, and may be repeated', async () => {
    answers = audienceOf(7_000);
    expect((await preview(draft('26'))).statusCode).toBe(200);
    answers = audienceOf(7_004);
    const refused = await preview(draft('27'));
    expect(refused.json()).toMatchObject({ status: 403, code: 'question-refused' });
    expect((await preview(draft('27'), exact)).statusCode).toBe(200);
    // The same question after people have moved.
    expect((await preview(draft('26'))).statusCode).toBe(200);
    // As many, but others.
    answers = audienceOf(7_004, 20, 50_000);
    expect((await preview(draft('28'))).statusCode).toBe(200);
  });

  test('warns of what cannot have been meant, and says what is wrong', async () => {
    answers = audienceOf(100, 20, 200_000);
    const contradiction = {
      and: [{ '==': [{ var: 'citizen.sido' }, '11'] }, { '==': [{ var: 'citizen.sido' }, '26'] }],
    };
    expect((await preview({ ...draft('11'), condition: contradiction })).json()).toMatchObject({
      warnings: [{ code: 'leaf-contradicts', pointer: '/condition/and/1/==' }],
    });
    expect((await preview({ ...draft('11'), condition: { '==': [1] } })).json()).toMatchObject({
      status: 422,
      code: 'rule-invalid',
    });
  });

  test('gives way to a newer one of the same screen', async () => {
    const begun = Promise.withResolvers<void>();
    answers = async (signal) => {
      begun.resolve();
      await new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
      return {};
    };
    const first = preview(draft('29'));
    await begun.promise;
    answers = audienceOf(300, 20, 300_000);
    const second = await preview(draft('30'));
    expect(second.statusCode).toBe(200);
    expect((await first).json()).toMatchObject({ status: 409, code: 'question-superseded' });
  });

  test('is for the own agency, and for those who write rules', async () => {
    expect((await preview(draft('11'), nhis)).statusCode).toBe(403);
    expect((await preview(draft('11'), null)).statusCode).toBe(401);
  });
});

test('a live rule is asked about by its id; a citizen is explained, or not known', async () => {
  await saveSketchedRule(api, 'nts-asked', draft('11'));
  answers = audienceOf(900, 20, 400_000);
  const get = (url: string, key = nts) => api.call({ method: 'GET', url, key });
  expect((await get('/api/v1/rules/nts-asked/audience?asOf=2026-02-01')).json()).toMatchObject({
    asOf: '2026-02-01',
    certain: 900,
  });
  expect((await get('/api/v1/rules/nts-asked/audience?asOf=2026-02-31')).statusCode).toBe(422);
  expect((await get('/api/v1/rules/nobody/audience')).statusCode).toBe(404);
  expect((await get('/api/v1/rules/nts-asked/audience', nhis)).statusCode).toBe(404);
  answers = async () => ({
    explanation: { reach: 'certain', leaves: [], deciding: [], missing: [], deceased: null, text: 'yes' },
  });
  expect((await get('/api/v1/citizens/c-1/explanation?rule=nts-asked&language=en')).json()).toMatchObject({
    citizen: 'c-1',
    reach: 'certain',
  });
  answers = async () => ({ explanation: null });
  expect((await get('/api/v1/citizens/c-2/explanation?rule=nts-asked')).statusCode).toBe(404);
  answers = async () => ({
    sets: {
      both: setOf(4_000, 500_000),
      onlyFirst: setOf(3, 600_000),
      onlySecond: setOf(0),
      neither: setOf(95_997, 700_000),
    },
  });
  const pair = { first: { rule: 'nts-asked' }, second: { draft: draft('26') } };
  const difference = await api.call({
    method: 'POST',
    url: '/api/v1/rules/difference',
    payload: pair,
    key: nts,
  });
  expect(difference.json()).toMatchObject({
    stay: '≈4000',
    leave: '<10',
    enter: '<10',
    neither: '≈96000',
  });
});

test('every question is in a log that nobody changes', async () => {
  const { pool } = api.database;
  const { rows } = await pool.query<{ kind: string; outcome: string }>(
    'SELECT DISTINCT kind, outcome FROM questions ORDER BY 1, 2',
  );
  expect(rows).toEqual(
    expect.arrayContaining([
      { kind: 'audience', outcome: 'answered' },
      { kind: 'difference', outcome: 'answered' },
      { kind: 'explanation', outcome: 'answered' },
      { kind: 'preview', outcome: 'refused' },
    ]),
  );
  await expect(pool.query(`UPDATE questions SET purpose = 'x'`)).rejects.toThrow('append-only');
  await expect(pool.query('DELETE FROM questions')).rejects.toThrow('append-only');
});

describe('small counts', () => {
  test('are not what is left when the shown parts are taken from the whole', () => {
    expect(shownParts({ a: 500, b: 40, c: 3 }, false)).toEqual({ a: 500, b: 'hidden', c: '<10' });
    expect(shownParts({ a: 500, b: 4, c: 8 }, false)).toEqual({ a: 500, b: '<10', c: '<10' });
    expect(shownParts({ a: 500, b: 0 }, false)).toEqual({ a: 500, b: '<10' });
    expect(shownParts({ a: 500, c: 3 }, true)).toEqual({ a: 500, c: 3 });
  });
  test('of districts are hidden with their region, and shares with what they leave', () => {
    expect(shownDistricts({ '11680': 30, '41110': 50 }, { '11': 'hidden', '41': 50 }, false)).toEqual({
      '11680': 'hidden',
      '41110': 50,
    });
    expect(shownShares({ push: 60, sms: 97, none: 3 }, 100, false)).toEqual({
      push: 60,
      sms: 'hidden',
      none: '<10',
    });
  });
  test('among the parts of a whole let all of them be rounded', () => {
    const parts = { both: 1_234, first: 50, second: 60 };
    expect(shownPartition(parts, false)).toEqual(parts);
    const few = { both: 1_234, first: 50, second: 6 };
    expect(shownPartition(few, false)).toEqual({ both: '≈1200', first: '<100', second: '<10' });
    expect(shownPartition(few, true)).toEqual(few);
  });
});
