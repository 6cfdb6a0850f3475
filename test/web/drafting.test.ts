/** What the API says of a rule that is being written: faults, test citizens, days, texts; and what leaves today. Nothing of it is saved. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAuthoringChecks } from '../../app/authoring-checks.ts';
import { templateReader } from '../../store/template-versions.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

const FILE = path.join(import.meta.dirname, '..', '..', 'rules', 'published', 'nhis-breast-screening.json');
const rule = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, unknown> & {
  tests: Record<string, unknown>[];
  stages: Record<string, unknown>[];
};

let api: HttpApi;
let nhis: string;
let nts: string;
beforeAll(async () => {
  let checks: ReturnType<typeof createAuthoringChecks> | undefined;
  api = await createHttpApi({
    seeded: true,
    api: {
      checkRule: (json: unknown, approved?: ReadonlyMap<string, number>) => checks!.checkRule(json, approved),
      previewsOf: (...given) => checks!.previewsOf(...given),
    },
  });
  checks = createAuthoringChecks(api.catalogue, templateReader(api.database.pool));
  nhis = await api.issueKey('nhis', ['read']);
  nts = await api.issueKey('nts', ['read']);
});
afterAll(() => api.close());

const ask = async (what: string, payload: object, key = nhis) => {
  const response = await api.call({ method: 'POST', url: `/api/v1/rules/${what}`, payload, key });
  return { status: response.statusCode, body: response.json<Record<string, never>>() };
};

test('a rule that could be saved has no faults, and its test citizens come out as they expect', async () => {
  const { status, body } = await ask('check', { rule });
  expect(status).toBe(200);
  expect(body).toEqual({ faults: [], tests: rule.tests.map(({ expect: expected }) => expected) });
});

test('what a save would refuse is said with its place, and test citizens are judged all the same', async () => {
  const tests = [
    { ...rule.tests[0], expect: 'no' },
    { name: 'unreadable', citizen: 'nobody' },
  ];
  const { body } = await ask('check', { rule: { ...rule, channels: ['pigeon'], tests } });
  expect(body).toMatchObject({
    faults: expect.arrayContaining([
      expect.objectContaining({ pointer: expect.stringMatching(/^\/channels/) }),
    ]),
    tests: ['certain', null],
  });
});

test('a condition that cannot be read judges nobody', async () => {
  const { body } = await ask('check', {
    rule: { ...rule, condition: { '==': [{ var: 'citizen.nowhere' }, 1] } },
  });
  expect(body).toMatchObject({
    faults: [expect.objectContaining({ pointer: expect.stringMatching(/^\/condition/) })],
    tests: rule.tests.map(() => null),
  });
});

test('another agency learns nothing of an event type that is not its own', async () => {
  for (const what of ['check', 'previews', 'timeline'])
    expect((await ask(what, { rule }, nts)).status).toBe(403);
  expect((await ask('check', { rule: { ...rule, agency: 'nts' } }, nts)).status).toBe(403);
});

test('stages fall due as they will, off days off, and the days off in between are named', async () => {
  const { body } = await ask('timeline', {
    rule: {
      ...rule,
      stages: [
        ...rule.stages.slice(0, 1),
        { kind: 'd7', anchor: 'deadline', offset: '-P7D', time: '09:00', workingDay: 'previous' },
      ],
    },
    arrivesOn: '2026-11-23',
  });
  expect(body).toMatchObject({
    arrivesOn: '2026-11-23',
    deadline: '2026-12-31',
    moved: null,
    stages: [
      { kind: 'opened', dueAt: '2026-11-23T03:00:00.000Z' },
      { kind: 'd7', dueAt: '2026-12-24T00:00:00.000Z' },
    ],
    daysOff: expect.arrayContaining([
      { day: '2026-11-28', name: null },
      { day: '2026-12-25', name: expect.any(String) },
    ]),
  });
});

test('texts are shown as they would read, those that are being written in place of the saved ones', async () => {
  const name = 'breast-screening-opened';
  const saved = await ask('previews', { rule });
  const textOf = (body: Record<string, never>, file: string) =>
    (body['texts'] as unknown as { template: string; file: string; content: object; sms: object }[]).find(
      (text) => text.template === name && text.file === file,
    );
  expect(saved.body['faults']).toEqual([]);
  expect(textOf(saved.body, 'ko.sms.hbs')).toMatchObject({
    content: { channel: 'sms', text: expect.stringContaining('12/31') },
    sms: { kind: 'sms', bytes: expect.any(Number), parts: expect.any(Number) },
  });
  const edited = {
    [name]: { 'meta.json': '{"title":{"ko":"가"}}', 'ko.sms.hbs': '{{event.nowhere}} 가나다' },
  };
  const { body } = await ask('previews', { rule, edited });
  expect(textOf(body, 'ko.sms.hbs')).toMatchObject({
    content: null,
    fault: expect.stringContaining('ko.sms.hbs'),
  });
  expect(body['faults']).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        pointer: `/${name}/ko.sms.hbs`,
        message: expect.stringContaining('line 1: event.nowhere'),
        sentences: expect.objectContaining({
          ko: '1번째 줄: event.nowhere: 이 이벤트에는 그런 값이 없습니다.',
        }),
      }),
      expect.objectContaining({
        pointer: `/${name}/en.push.hbs`,
        message: expect.stringContaining('is missing'),
      }),
    ]),
  );
});

test('a text whose braces do not close is a fault and no failure, and the others are shown', async () => {
  const files = { 'meta.json': '{"title":{}}', 'ko.sms.hbs': '{{#if', 'en.sms.hbs': 'Screening' };
  const { status, body } = await ask('previews', { rule, edited: { 'breast-screening-opened': files } });
  expect(status).toBe(200);
  expect(body['texts']).toContainEqual(
    expect.objectContaining({ template: 'breast-screening-opened', file: 'en.sms.hbs', fault: null }),
  );
  expect(body['faults']).not.toContainEqual(
    expect.objectContaining({
      pointer: '/breast-screening-opened/ko.sms.hbs',
      message: expect.stringContaining('missing'),
    }),
  );
  expect(body['faults']).toEqual(
    expect.arrayContaining([expect.objectContaining({ pointer: '/breast-screening-opened/ko.sms.hbs' })]),
  );
});

test('today is a day of 24 hours with what leaves in each, of the caller alone', async () => {
  const { pool } = api.database;
  await pool.query(`SELECT ensure_month(date_trunc('month', now() AT TIME ZONE 'Asia/Seoul')::date)`);
  await pool.query(
    `INSERT INTO batches (id, month, agency_id, channel, lane, state, delivery_ids, open, created_at)
     VALUES (gen_random_uuid(), date_trunc('month', now() AT TIME ZONE 'Asia/Seoul')::date, 'nhis', 'sms', 'bulk', 'ended',
       ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 17)), 0, now())`,
  );
  const today = async (key: string) => {
    const response = await api.call({ method: 'GET', url: '/api/v1/today', key });
    expect(response.json()).toHaveProperty('hours');
    return response.json<{ hours: { hour: number; left: number | string }[]; quarantine: number }>();
  };
  const own = await today(nhis);
  expect(own.hours.map(({ hour }) => hour)).toEqual(Array.from({ length: 24 }, (_, hour) => hour));
  expect(own.hours.reduce((sum, { left }) => sum + Number(left), 0)).toBe(17);
  expect(own).toMatchObject({
    left: 17,
    held: 0,
    quarantine: 0,
    approvals: [],
    underWay: 0,
    plannedMs: null,
    ambiguous: 0,
  });
  expect((await today(nts)).hours.every(({ left }) => left === 0)).toBe(true);
  await pool.query('UPDATE batches SET delivery_ids = delivery_ids[1:7]');
  const few = await today(nhis);
  expect(few).toMatchObject({ left: '<10', held: 0 });
  expect(few.hours.filter(({ left }) => left !== 0)).toEqual([expect.objectContaining({ left: '<10' })]);
});
