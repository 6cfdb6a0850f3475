/** What becomes of a rule: who may take which step, what is written down of it, and what two people at once are told. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { verifyAudit } from '../../store/audit-verification.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let id = '';
let n = 0;
beforeAll(async () => {
  api = await createHttpApi();
});
afterAll(async () => {
  expect(await verifyAudit(api.database.pool)).toMatchObject({ ok: true });
  await api.close();
});
beforeEach(() => {
  id = `nts-rule-${++n}`;
});

const AUTHOR = 'kim:nts:author';
const SECOND = 'park:nts:author';
const BOTH = 'lee:nts:author,approver';
const APPROVER = 'choi:nts:approver';
const OTHER = 'jung:nts:approver';
const FOREIGN = 'han:nhis:author,approver';

const rule = (more: object = {}) => ({
  id,
  agency: 'nts',
  title: { ko: `재산세 ${n}`, en: `Property tax ${n}` },
  on: 'kr.nts.property-tax.assessed',
  category: 'statutory',
  condition: { '==': [{ var: 'citizen.sido' }, '11'] },
  templates: {},
  ...more,
});

const call = (
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  as: string,
  payload?: object,
  headers: Record<string, string> = {},
) => api.call({ method, url, as, headers, ...(payload === undefined ? {} : { payload }) });
const at = (v = 1) => `/api/v1/rules/${id}/versions/${v}`;

async function draft(as = AUTHOR, more: object = {}): Promise<{ version: number; hash: string }> {
  const answer = await call('POST', '/api/v1/rules', as, rule(more));
  expect(answer.statusCode).toBe(201);
  return answer.json() as { version: number; hash: string };
}
const actionsOn = async (object: string): Promise<string[]> =>
  (
    await api.database.pool.query<{ line: string }>(
      `SELECT actor || ' ' || action AS line FROM audit_entries WHERE object = $1 OR starts_with(object, $1 || '/') ORDER BY number`,
      [object],
    )
  ).rows.map(({ line }) => line);

test('from draft to live: asked for, refused, written anew, approved by another, published with a reason', async () => {
  const first = await draft();
  const asked = await call('POST', `${at()}/request`, AUTHOR, { hash: first.hash, note: '검토해 주세요' });
  expect(asked.json()).toMatchObject({ state: 'awaiting' });
  expect((await call('GET', '/api/v1/rules?state=awaiting', APPROVER)).json()).toMatchObject({
    rules: [{ id, state: 'awaiting', live: null, latest: { version: 1, state: 'awaiting' } }],
  });
  const refused = await call('POST', `${at()}/refusal`, APPROVER, {
    hash: first.hash,
    reason: '지역이 틀렸습니다',
  });
  expect(refused.json()).toMatchObject({ state: 'draft' });
  const seen = await call('GET', at(), AUTHOR);
  expect(seen.json()).toMatchObject({
    state: 'draft',
    reason: '지역이 틀렸습니다',
    may: { edit: true, approve: 'permission' },
  });
  const edited = await call(
    'PUT',
    at(),
    AUTHOR,
    rule({ condition: { '==': [{ var: 'citizen.sido' }, '26'] } }),
    {
      'if-match': String(seen.headers['etag']),
    },
  );
  const { hash } = edited.json() as { hash: string };
  expect(edited.headers['etag']).toBe(`"${hash}"`);
  expect((await call('POST', `${at()}/approval`, APPROVER, { hash: first.hash })).json()).toMatchObject({
    status: 409,
    faults: [{ pointer: '/hash' }],
  });
  expect((await call('POST', `${at()}/approval`, APPROVER, { hash })).statusCode).toBe(200);
  expect((await call('POST', `${at()}/publication`, AUTHOR)).json()).toMatchObject({
    status: 422,
    faults: [{ pointer: '/reason' }],
  });
  const published = await call('POST', `${at()}/publication`, AUTHOR, { reason: '2026년 고지' });
  expect(published.statusCode).toBe(200);
  expect(api.catalogue.current().rules.get(id)).toMatchObject({ version: 1 });
  const shown = (await call('GET', `/api/v1/rules/${id}`, AUTHOR)).json() as {
    state: string;
    versions: { steps: { step: string; by: string; reason: string | null }[] }[];
  };
  expect(shown).toMatchObject({ state: 'live', live: { version: 1, hash } });
  expect(shown.versions[0]!.steps.map(({ step, by }) => `${step} ${by}`)).toEqual([
    'drafted staff:kim',
    'requested staff:kim',
    'refused staff:choi',
    'edited staff:kim',
    'approved staff:choi',
    'published staff:kim',
  ]);
  expect(await actionsOn(`rule:${id}`)).toEqual([
    'staff:kim rule.drafted',
    'staff:kim rule.approval-requested',
    'staff:choi rule.refused',
    'staff:kim rule.edited',
    'staff:choi rule.approved',
    'staff:kim rule.published',
  ]);
});

describe('another person approves', () => {
  test('not whoever wrote it, nor whoever wrote any of it', async () => {
    const { hash } = await draft(BOTH);
    expect((await call('POST', `${at()}/approval`, BOTH, { hash })).statusCode).toBe(403);
    const edited = await call('PUT', at(), AUTHOR, rule({ category: 'service' }), {
      'if-match': `"${hash}"`,
    });
    const { hash: second } = edited.json() as { hash: string };
    expect((await call('POST', `${at()}/approval`, BOTH, { hash: second })).statusCode).toBe(403);
    expect((await call('GET', at(), BOTH)).json()).toMatchObject({
      writers: ['staff:lee', 'staff:kim'],
      may: { approve: 'wrote-it' },
    });
    expect((await call('POST', `${at()}/approval`, AUTHOR, { hash: second })).statusCode).toBe(403);
    expect((await call('POST', `${at()}/approval`, APPROVER, { hash: second })).statusCode).toBe(200);
  });

  test('what was approved is not changed any more; the next content is a version of its own', async () => {
    const { hash } = await draft();
    await call('POST', `${at()}/approval`, APPROVER, { hash });
    const edited = await call('PUT', at(), AUTHOR, rule({ category: 'service' }), {
      'if-match': `"${hash}"`,
    });
    expect(edited.json()).toMatchObject({ status: 409, code: 'rule-conflict' });
    expect(await draft(AUTHOR, { category: 'service' })).toMatchObject({ version: 2 });
    expect((await call('GET', at(), AUTHOR)).json()).toMatchObject({ state: 'approved', hash });
  });

  test('of two at once one wins, and the other is told who did', async () => {
    const { hash } = await draft();
    const both = await Promise.all(
      [APPROVER, OTHER].map((as) => call('POST', `${at()}/approval`, as, { hash })),
    );
    expect(both.map(({ statusCode }) => statusCode).sort()).toEqual([200, 409]);
    const lost = both.find(({ statusCode }) => statusCode === 409)!.json() as { detail: string };
    expect(lost.detail).toMatch(/approved before, by staff:(choi|jung) at 20/);
    expect((await actionsOn(`rule:${id}`)).filter((line) => line.endsWith('rule.approved'))).toHaveLength(1);
    // The winner may say it twice.
    const winner = both[0]!.statusCode === 200 ? APPROVER : OTHER;
    expect((await call('POST', `${at()}/approval`, winner, { hash })).statusCode).toBe(200);
  });

  test('an edit that comes between reading and approving is not approved', async () => {
    const { hash } = await draft();
    await call('POST', `${at()}/request`, AUTHOR, { hash });
    await call('PUT', at(), SECOND, rule({ category: 'service' }), { 'if-match': `"${hash}"` });
    expect((await call('POST', `${at()}/approval`, APPROVER, { hash })).statusCode).toBe(409);
    expect((await call('GET', at(), SECOND)).json()).toMatchObject({ state: 'draft' });
  });
});

describe('If-Match', () => {
  test('is needed to edit, and names what is there', async () => {
    const { hash } = await draft();
    expect((await call('PUT', at(), AUTHOR, rule({ category: 'service' }))).json()).toMatchObject({
      status: 428,
      code: 'precondition-required',
    });
    const mine = await call('PUT', at(), AUTHOR, rule({ category: 'service' }), { 'if-match': `"${hash}"` });
    const theirs = await call('PUT', at(), SECOND, rule({ category: 'information' }), {
      'if-match': `"${hash}"`,
    });
    expect(theirs.statusCode).toBe(412);
    expect(theirs.headers['etag']).toBe(mine.headers['etag']);
    expect(theirs.json()).toMatchObject({
      code: 'precondition-failed',
      current: { version: 1, state: 'draft', hash: (mine.json() as { hash: string }).hash },
    });
  });

  test('keeps a new version from covering one that its author has not seen', async () => {
    const { hash } = await draft();
    await call('POST', `${at()}/approval`, APPROVER, { hash });
    const { hash: second } = await draft(SECOND, { category: 'service' });
    const late = await call('POST', '/api/v1/rules', AUTHOR, rule({ category: 'information' }), {
      'if-match': `"${hash}"`,
    });
    expect(late.json()).toMatchObject({ status: 412, current: { version: 2, hash: second } });
    const good = await call('POST', '/api/v1/rules', AUTHOR, rule({ category: 'information' }), {
      'if-match': `"${second}"`,
    });
    expect(good.json()).toMatchObject({ version: 3 });
  });

  test('of templates as well', async () => {
    const put = (files: object, headers: Record<string, string> = {}) =>
      call('PUT', `/api/v1/templates/${id}`, AUTHOR, { agency: 'nts', files }, headers);
    const first = await put({ 'ko.sms.hbs': 'a' });
    expect(first.headers['etag']).toBeDefined();
    expect(
      (await put({ 'ko.sms.hbs': 'a', 'en.sms.hbs': 'b' }, { 'if-match': '"another"' })).json(),
    ).toMatchObject({
      status: 412,
      current: { name: id },
    });
    expect(
      (await put({ 'ko.sms.hbs': 'a', 'en.sms.hbs': 'b' }, { 'if-match': String(first.headers['etag']) }))
        .statusCode,
    ).toBe(200);
    expect((await call('GET', `/api/v1/templates/${id}`, AUTHOR)).json()).toMatchObject({
      versions: [{ author: 'staff:kim' }, { author: 'staff:kim' }],
    });
    expect((await call('GET', `/api/v1/templates/${id}`, FOREIGN)).statusCode).toBe(404);
  });
});

describe('withdrawal', () => {
  async function publish(): Promise<void> {
    const { hash } = await draft();
    await call('POST', `${at()}/approval`, APPROVER, { hash });
    await call('POST', `${at()}/publication`, APPROVER, { reason: 'go' });
  }
  const withdraw = (payload: object, as = AUTHOR) =>
    call('POST', `/api/v1/rules/${id}/withdrawal`, as, {
      reason: '틀린 안내',
      planned: 'cancel',
      ...payload,
    });

  test('says first what it would end, then ends it, and the version cannot come back', async () => {
    await publish();
    await api.database.pool.query(
      `INSERT INTO campaigns (id, agency_id, rule_id, category, day, accepted_at) VALUES (gen_random_uuid(), 'nts', $1, 'statutory', '2026-11-23', now())`,
      [id],
    );
    const dry = await withdraw({ dryRun: true });
    expect(dry.json()).toMatchObject({ dryRun: true, campaigns: 1, stages: 0, version: 1 });
    expect(api.catalogue.current().rules.has(id)).toBe(true);
    expect((await withdraw({})).json()).toMatchObject({ dryRun: false, campaigns: 1 });
    expect(api.catalogue.current().rules.has(id)).toBe(false);
    const { rows } = await api.database.pool.query<{ reason: string }>(
      'SELECT cancel_reason AS reason FROM campaigns WHERE rule_id = $1',
      [id],
    );
    expect(rows).toEqual([{ reason: '틀린 안내' }]);
    expect((await withdraw({})).json()).toMatchObject({ status: 409, code: 'rule-conflict' });
    expect((await call('POST', `${at()}/publication`, APPROVER, { reason: 'again' })).statusCode).toBe(409);
    expect((await call('GET', '/api/v1/rules?state=withdrawn', AUTHOR)).json()).toMatchObject({
      rules: [{ id, state: 'withdrawn' }],
    });
    // The same content again is another version.
    expect(await draft()).toMatchObject({ version: 2 });
  });

  test('leaves what is planned where somebody says so', async () => {
    await publish();
    await api.database.pool.query(
      `INSERT INTO campaigns (id, agency_id, rule_id, category, day, accepted_at) VALUES (gen_random_uuid(), 'nts', $1, 'statutory', '2026-11-23', now())`,
      [id],
    );
    expect((await withdraw({ planned: 'leave' })).statusCode).toBe(200);
    const { rows } = await api.database.pool.query(
      'SELECT 1 FROM campaigns WHERE rule_id = $1 AND cancelled_at IS NULL',
      [id],
    );
    expect(rows).toHaveLength(1);
  });
});

describe('who may', () => {
  test('an agency does not see another’s rules, and each role does its own part', async () => {
    const { hash } = await draft();
    expect((await call('GET', `/api/v1/rules/${id}`, FOREIGN)).statusCode).toBe(404);
    expect((await call('GET', at(), FOREIGN)).statusCode).toBe(404);
    expect((await call('POST', `${at()}/approval`, FOREIGN, { hash })).statusCode).toBe(404);
    expect((await call('POST', '/api/v1/rules', APPROVER, rule())).statusCode).toBe(403);
    expect((await call('POST', `${at()}/approval`, 'oh:nts:operator', { hash })).statusCode).toBe(403);
    const listed = (await call('GET', '/api/v1/rules?limit=200', FOREIGN)).json() as {
      rules: { agency: string }[];
    };
    expect(listed.rules.every(({ agency }) => agency === 'nhis')).toBe(true);
  });

  test('lists go by cursor, and are searched by name', async () => {
    for (let i = 0; i < 3; i++) {
      id = `nts-paged-${i}`;
      await draft(AUTHOR, { title: { ko: `가나다 ${i}` } });
    }
    const first = (
      await call('GET', `/api/v1/rules?q=${encodeURIComponent('가나다')}&limit=2`, AUTHOR)
    ).json() as {
      rules: { id: string }[];
      next: string;
    };
    expect(first.rules.map((one) => one.id)).toEqual(['nts-paged-2', 'nts-paged-1']);
    const second = (
      await call(
        'GET',
        `/api/v1/rules?q=${encodeURIComponent('가나다')}&limit=2&cursor=${first.next}`,
        AUTHOR,
      )
    ).json();
    expect(second).toMatchObject({ rules: [{ id: 'nts-paged-0' }], next: null });
    expect((await call('GET', '/api/v1/rules?cursor=bm9uZQ', AUTHOR)).statusCode).toBe(422);
  });
});
