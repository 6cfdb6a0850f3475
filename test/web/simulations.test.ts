/** Simulations over the API: which questions they ask, how they count notices, what is rounded, and that nothing is sent. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import type { Rule } from '../../domain/rule.ts';
import type { Asking, WholeAnswer, WholeSet } from '../../rules/run/asking.ts';
import type { Question } from '../../rules/run/question.ts';
import { emptySketch, mix } from '../../rules/run/sketch.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

const published = (name: string) =>
  JSON.parse(
    readFileSync(path.join(import.meta.dirname, '..', '..', 'rules', 'published', `${name}.json`), 'utf8'),
  ) as Rule;
/** To everybody, on channels push, email, sms: at once, and 90, 30 and 7 days before the event's `closesOn`. */
const CHECKUP = published('nhis-general-checkup');
/** To whom the event names: at once, and 5 and 1 days before `dueOn`. */
const TAX = published('nts-property-tax');

/** As many citizens as `count`, other ones from another `from` on; three in four have SMS, the rest push and email. */
function setOf(count: number, from = 0): WholeSet {
  const sketch = emptySketch();
  for (let n = from; n < from + count; n++) mix(sketch, Math.imul(n + 1, 0x9e3779b1) >>> 0);
  const both = Math.floor(count / 4);
  return { count, sketch, cells: {}, reaches: [0, 0, 0, both, count - both, 0, 0, 0] };
}

let asked: Question[] = [];
let answerTo: (question: Question) => Partial<WholeAnswer>;
const ask: Asking = async (question) => {
  asked.push(question);
  return {
    sets: {},
    missing: {},
    sample: [],
    citizens: 100_000,
    offsets: [12, 34],
    overlayOffsets: [0, 0],
    reachAtMs: 0,
    partial: false,
    explanation: undefined,
    ...answerTo(question),
  };
};

let api: HttpApi;
let nhis: string;
let exact: string;
let nts: string;
beforeAll(async () => {
  api = await createHttpApi({ api: { ask, checkRule: (json) => json as Rule } });
  nhis = await api.issueKey('nhis', ['rules'], []);
  exact = await api.issueKey('nhis', ['rules', 'exact'], []);
  nts = await api.issueKey('nts', ['rules'], []);
});
afterAll(() => api.close());
beforeEach(() => {
  asked = [];
});

type Simulated = {
  state: string;
  steps: number;
  failure: string | null;
  result: {
    volumes: Record<string, Record<string, unknown>>;
    events: number;
    eventsLeftOut: number;
    partial: boolean;
  };
};
const post = (payload: object, key: string) =>
  api.call({ method: 'POST', url: '/api/v1/rules/simulation', payload, key });
async function simulate(payload: object, key: string): Promise<Simulated> {
  const begun = await post(payload, key);
  expect(begun.statusCode).toBe(202);
  const { id } = begun.json<{ id: string }>();
  return eventually(async () => {
    const found = await api.call({ method: 'GET', url: `/api/v1/rules/simulation/${id}`, key });
    expect(found.json<Simulated>().state).not.toBe('running');
    return found.json<Simulated>();
  });
}

async function addEvent(
  type: string,
  agency: string,
  at: string,
  body: object,
  state = 'accepted',
): Promise<void> {
  await api.database.pool.query(
    `INSERT INTO events (id, agency_id, source, event_id, type, sequence, state, hash, body, received_at)
     VALUES (gen_random_uuid(), $1, '/test', gen_random_uuid(), $2, 0, $3, '\\x00', $4, $5)`,
    [agency, type, state, JSON.stringify(body), at],
  );
}

describe('a past day', () => {
  test('is asked about stage by stage, each as of the day on which it would have fallen due', async () => {
    answerTo = () => {
      const from = asked.length * 10_000;
      return { sets: { certain: setOf(400, from), possible: setOf(80, from + 5_000) } };
    };
    const { result, steps } = await simulate({ rule: CHECKUP, asOf: '2026-02-01' }, nhis);
    expect(steps).toBe(4);
    const days = ['2026-02-01', '2026-10-02', '2026-12-01', '2026-12-24'];
    expect(asked).toMatchObject(
      days.map((asOf) => ({
        kind: 'audience',
        asked: { asOf, event: { year: 2026, closesOn: '2026-12-31' } },
        detail: false,
      })),
    );
    // Push first, where it leads to them. Only the certain are told of by this rule.
    const volumes = Object.fromEntries(days.map((day) => [day, { push: 100, sms: 300 }]));
    expect(result).toMatchObject({ events: 1, eventsLeftOut: 0, partial: false });
    for (const [day, channels] of Object.entries(result.volumes))
      expect(Object.fromEntries(Object.entries(channels).filter(([, n]) => n !== '<10'))).toEqual(
        volumes[day],
      );
    const possible = await simulate(
      { rule: { ...CHECKUP, reach: 'possible' }, asOf: '2026-02-01', event: { ...EVENT, area: '11' } },
      exact,
    );
    expect(possible.result.volumes['2026-02-01']).toMatchObject({ push: 120, sms: 360, none: 0 });
  });

  test('hides small counts, and rounds what differs from an answer before in a few people', async () => {
    answerTo = (question) =>
      ({
        sets: {
          certain:
            (question as Question & { kind: 'audience' }).asked.asOf === '2026-02-01'
              ? setOf(8, 900_000)
              : setOf(4_000, 500_000),
        },
      }) as Partial<WholeAnswer>;
    const first = await simulate({ rule: CHECKUP, asOf: '2026-02-01' }, nhis);
    expect(first.result.volumes['2026-02-01']).toMatchObject({ push: '<10', sms: '<10' });
    expect(first.result.volumes['2026-12-24']).toMatchObject({ push: 1_000, sms: 3_000 });
    // Three people fewer: what it says is no longer to the man, nor is a preview's.
    answerTo = () => ({ sets: { certain: setOf(3_997, 500_000) } });
    const near = { ...CHECKUP, condition: { and: [CHECKUP.condition, true] } };
    const second = await simulate({ rule: near, asOf: '2026-02-01' }, nhis);
    expect(second.result.volumes['2026-12-24']).toMatchObject({ push: '≈1000', sms: '≈3000', none: '<10' });
    const preview = await api.call({
      method: 'POST',
      url: '/api/v1/rules/preview',
      payload: { rule: near },
      key: nhis,
    });
    expect(preview.json()).toMatchObject({ code: 'question-refused' });
    const seen = await simulate({ rule: near, asOf: '2026-02-01' }, exact);
    expect(seen.result.volumes['2026-12-24']).toMatchObject({ push: 999, sms: 2_998 });
  });

  test('hides a count that is what the others leave of an audience counted elsewhere', async () => {
    answerTo = () => ({ sets: { certain: setOf(36, 700_000) } });
    const { result } = await simulate({ rule: { ...CHECKUP, id: 'few-by-push' }, asOf: '2026-02-01' }, nhis);
    // 9 by push: with the 27 by SMS beside it, it could be had from the 36.
    expect(result.volumes['2026-02-01']).toMatchObject({ push: '<10', sms: 'hidden', none: '<10' });
  });
});

const EVENT = { year: 2026, parity: 0, area: 'all', closesOn: '2026-12-31' };

describe('past events', () => {
  test('for everybody are asked about one by one, of that time and that type', async () => {
    const at = (day: string) => `2026-03-${day}T10:00:00+09:00`;
    await addEvent(CHECKUP.on, 'nhis', at('02'), { data: EVENT });
    await addEvent(CHECKUP.on, 'nhis', at('03'), { data: { ...EVENT, area: '11' } });
    await addEvent(CHECKUP.on, 'nhis', at('03'), { data: { ...EVENT, area: '26' } }, 'superseded');
    await addEvent(CHECKUP.on, 'nhis', at('05'), { data: { ...EVENT, area: '41' } });
    await addEvent(TAX.on, 'nts', at('03'), { data: { amount: 1, dueOn: '2026-07-31' }, subject: 'c-1' });
    answerTo = () => ({ sets: { certain: setOf(40, asked.length * 10_000) } });
    const { result } = await simulate({ rule: CHECKUP, from: '2026-03-01', to: '2026-03-04' }, exact);
    expect(result.events).toBe(2);
    const areas = asked.map((question) => (question as Question & { kind: 'audience' }).asked.event['area']);
    expect(areas.filter((area) => area === 'all')).toHaveLength(4);
    expect(areas.filter((area) => area === '11')).toHaveLength(4);
    // Both windows close on one day, so do their reminders come on one.
    expect(result.volumes).toMatchObject({
      '2026-03-02': { push: 10, sms: 30 },
      '2026-03-03': { push: 10, sms: 30 },
      '2026-12-24': { push: 20, sms: 60 },
    });
  });

  test('that name people are asked about as pairs, a day at a time', async () => {
    const at = '2026-04-02T10:00:00+09:00';
    const tax = (subject: string, dueOn: string) => ({ data: { amount: 1, dueOn }, subject });
    await addEvent(TAX.on, 'nts', at, tax('c-1', '2026-05-15'));
    await addEvent(TAX.on, 'nts', at, tax('c-2', '2026-05-29'));
    await addEvent(TAX.on, 'nts', at, { data: { amount: 1, dueOn: '2026-05-15' }, allimsubjectkey: 'k-1' });
    answerTo = () => ({ sets: { certain: setOf(20, asked.length * 10_000) } });
    const { result } = await simulate({ rule: TAX, from: '2026-04-01', to: '2026-04-30' }, nts);
    expect(result).toMatchObject({ events: 2, eventsLeftOut: 1 });
    const pairs = asked.map((question) => {
      const { asked: one, pairs } = question as Question & { kind: 'targets' };
      return [one.asOf, pairs.map(({ citizen }) => citizen).sort()];
    });
    expect(Object.fromEntries(pairs)).toEqual({
      '2026-04-02': ['c-1', 'c-2'],
      '2026-05-10': ['c-1'],
      '2026-05-14': ['c-1'],
      '2026-05-24': ['c-2'],
      '2026-05-28': ['c-2'],
    });
    expect(Object.keys(result.volumes)).toEqual(pairs.map(([day]) => day).sort());
  });
});

test('one that fails says so, and is logged like those that do not; nothing of the ledger is touched', async () => {
  answerTo = () => {
    throw new AllimError('shards-unavailable', 'no shard answered; ask again in a moment');
  };
  const failed = await simulate({ rule: CHECKUP, asOf: '2026-02-02' }, nhis);
  expect(failed).toMatchObject({
    state: 'failed',
    failure: expect.stringContaining('no shard'),
    result: null,
  });
  const { rows } = await api.database.pool.query<{ outcome: string; n: number }>(
    `SELECT outcome, count(*)::int AS n FROM questions WHERE kind = 'simulation' GROUP BY 1 ORDER BY 1`,
  );
  expect(rows).toEqual([
    { outcome: 'answered', n: 8 },
    { outcome: 'failed', n: 1 },
  ]);
  for (const table of ['campaigns', 'stage_runs', 'fanouts', 'notifications'])
    expect((await api.database.pool.query(`SELECT FROM ${table}`)).rowCount).toBe(0);
});

test('it takes a day or a time of the own agency, and is shown to that agency alone', async () => {
  answerTo = () => ({ sets: { certain: setOf(20, 800_000) } });
  for (const wrong of [
    {},
    { from: '2026-02-01' },
    { asOf: '2026-02-01', from: '2026-02-01', to: '2026-02-02' },
  ])
    expect((await post({ rule: CHECKUP, ...wrong }, nhis)).json()).toMatchObject({ status: 422 });
  expect((await post({ rule: CHECKUP, asOf: '2026-02-31' }, nhis)).statusCode).toBe(422);
  expect((await post({ rule: CHECKUP, asOf: '2026-02-01' }, nts)).statusCode).toBe(403);
  const begun = await post({ rule: CHECKUP, asOf: '2026-02-01' }, nhis);
  const { id } = begun.json<{ id: string }>();
  const get = (key: string, of = id) =>
    api.call({ method: 'GET', url: `/api/v1/rules/simulation/${of}`, key });
  expect((await get(nhis)).statusCode).toBe(200);
  expect((await get(nts)).statusCode).toBe(404);
  expect((await get(nhis, '00000000-0000-0000-0000-000000000000')).statusCode).toBe(404);
});
