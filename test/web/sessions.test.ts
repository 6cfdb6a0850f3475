/** How long somebody stays signed in, what a copied cookie is worth, and who the claims of a provider make of somebody. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createSealer } from '../../domain/sealing.ts';
import { type ClaimNames, citizenOf, staffOf } from '../../web/sign-in/claims.ts';
import { localPath } from '../../web/sign-in/local-path.ts';
import { createSessions, LIMITS, SESSIONS_A_PERSON, type Sessions } from '../../web/sign-in/sessions.ts';
import { createBrowser } from '../support/browser.ts';
import { createLogCapture } from '../support/http.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createSignInServer, PASSWORD } from '../support/sign-in.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const STAFF = {
  kind: 'staff',
  subject: 'nhis-author',
  name: '김서연',
  agency: 'nhis',
  roles: ['author'],
  locale: 'ko',
} as const;
const CITIZEN = { kind: 'citizen', citizen: 'c-1', locale: 'ko' } as const;
const GIVEN = { device: 'Chrome · Linux', idToken: 'an id token' };

let database: TestDatabase;
let sessions: Sessions;
let lines: readonly string[];
let nowMs = Date.parse('2026-11-23T00:00:00Z');
const pass = (ms: number) => {
  nowMs += ms;
};
beforeAll(async () => {
  database = await createDatabase({ max: 4 });
  const capture = createLogCapture();
  lines = capture.lines;
  sessions = createSessions({
    pool: database.pool,
    clock: { nowMs: () => nowMs },
    sealer: createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2)),
    logger: capture.logger,
  });
});
afterAll(() => database.drop());

const isIn = async (token: string) => (await sessions.read(token)) !== null;
/** Staff who have been busy for an hour: the answer to their next request has a new token. */
async function anHourLater(): Promise<{ old: string; fresh: string }> {
  const { token } = await sessions.open(STAFF, GIVEN);
  for (let n = 0; n < 3; n++) {
    pass(20 * MINUTE + 1);
    const found = await sessions.read(token);
    if (found?.freshToken) return { old: token, fresh: found.freshToken };
  }
  throw new Error('no new token came within the hour');
}

describe('a token', () => {
  test('is replaced after an hour, and the old one is good until the new one was seen', async () => {
    const { old, fresh } = await anHourLater();
    expect(fresh).not.toBe(old);
    expect(fresh.split('.')[0]).toBe(old.split('.')[0]);
    expect(await isIn(old)).toBe(true);
    expect(await isIn(fresh)).toBe(true);
    // Requests that left before.
    pass(29_000);
    expect(await isIn(old)).toBe(true);
    expect((await sessions.read(fresh))!.freshToken).toBeNull();
  });

  test('that was stolen ends the session when its time is over, for thief and owner alike', async () => {
    const { old, fresh } = await anHourLater();
    expect(await isIn(fresh)).toBe(true);
    pass(31_000);
    expect(await isIn(old)).toBe(false);
    expect(await isIn(fresh)).toBe(false);
    expect(lines.at(-1)).toContain('a token came back that was replaced');
    expect(lines.join('\n')).not.toContain(old.split('.')[1]);
  });

  test('that is offered and never arrives is offered anew, and only to one of several requests', async () => {
    const { old, fresh } = await anHourLater();
    expect((await sessions.read(old))!.freshToken).toBeNull();
    pass(MINUTE + 1);
    const answers = await Promise.all([1, 2, 3, 4].map(() => sessions.read(old)));
    const offered = answers.map((found) => found!.freshToken).filter((token) => token !== null);
    expect(offered).toHaveLength(1);
    expect(await isIn(fresh)).toBe(false);
    expect(await isIn(offered[0]!)).toBe(true);
  });

  test('keeps who it is and the token of forms when it is replaced', async () => {
    const { old, fresh } = await anHourLater();
    const [before, after] = [await sessions.read(old), await sessions.read(fresh)];
    expect(after!.csrf).toBe(before!.csrf);
    expect(after!.person).toEqual(before!.person);
  });

  test('opens nothing where a letter differs, and stands nowhere in the database', async () => {
    const { token, session } = await sessions.open(STAFF, GIVEN);
    const [id, secret = ''] = token.split('.');
    const other = `${secret[0] === 'A' ? 'B' : 'A'}${secret.slice(1)}`;
    for (const wrong of [
      `${id}.${other}`,
      `${id}.`,
      id!,
      secret,
      `${token}.x`,
      '',
      'x'.repeat(5_000),
      `${id}.${secret}\0`,
    ])
      expect([wrong.slice(0, 50), await isIn(wrong)]).toEqual([wrong.slice(0, 50), false]);
    expect(await isIn(token)).toBe(true);
    const { rows } = await database.pool.query('SELECT s::text AS row FROM sessions s WHERE id = $1', [
      session,
    ]);
    expect(JSON.stringify(rows)).not.toContain(secret);
    expect(JSON.stringify(rows)).not.toContain(Buffer.from(GIVEN.idToken).toString('hex'));
    expect(await sessions.end({ ...STAFF, session })).toEqual({ idToken: GIVEN.idToken });
    expect(await isIn(token)).toBe(false);
  });
});

describe('a session', () => {
  test('ends after half an hour without a request, and not while there are some', async () => {
    const { token } = await sessions.open(STAFF, GIVEN);
    pass(LIMITS.staff.idleMs - 1_000);
    expect(await isIn(token)).toBe(true);
    pass(LIMITS.staff.idleMs - 1_000);
    expect(await isIn(token)).toBe(true);
    pass(LIMITS.staff.idleMs + 1_000);
    expect(await isIn(token)).toBe(false);
    pass(-LIMITS.staff.idleMs);
    expect(await isIn(token)).toBe(false);
  });

  test('ends after eight hours, however busy', async () => {
    let { token, session } = await sessions.open(STAFF, GIVEN);
    const began = nowMs;
    while (nowMs - began < LIMITS.staff.lifeMs - 20 * MINUTE) {
      pass(19 * MINUTE);
      const found = await sessions.read(token);
      expect(found).not.toBeNull();
      expect(found!.endsAt.getTime()).toBe(began + 8 * HOUR);
      token = found!.freshToken ?? token;
    }
    pass(began + LIMITS.staff.lifeMs - nowMs);
    expect(await sessions.lives(session)).toBe(false);
    expect(await isIn(token)).toBe(false);
  });

  test('of a citizen lasts thirty days', async () => {
    const { token } = await sessions.open(CITIZEN, { device: 'Safari', idToken: null });
    pass(LIMITS.citizen.lifeMs - MINUTE);
    expect(await isIn(token)).toBe(true);
    pass(MINUTE);
    expect(await isIn(token)).toBe(false);
  });

  test('is one of ten of a person: the one not seen for longest goes, and nobody else’s', async () => {
    const other = await sessions.open({ ...STAFF, subject: 'nts-author', agency: 'nts' }, GIVEN);
    const citizen = await sessions.open({ ...CITIZEN, citizen: 'nhis-approver' }, GIVEN);
    const who = { ...STAFF, subject: 'nhis-approver' };
    const tokens: string[] = [];
    for (let n = 0; n < SESSIONS_A_PERSON; n++) {
      tokens.push((await sessions.open(who, GIVEN)).token);
      pass(1_000);
    }
    pass(MINUTE);
    expect(await isIn(tokens[0]!)).toBe(true);
    tokens.push((await sessions.open(who, GIVEN)).token);
    const lives = await Promise.all(tokens.map(isIn));
    expect(lives).toEqual(tokens.map((_, n) => n !== 1));
    expect([await isIn(other.token), await isIn(citizen.token)]).toEqual([true, true]);
    const me = (await sessions.read(tokens[0]!))!.person;
    expect(await sessions.list(me)).toHaveLength(SESSIONS_A_PERSON);
    const theirs = (await sessions.read(other.token))!.person;
    expect(await sessions.endOne(me, theirs.session)).toBe(false);
    expect(await sessions.endOthers(me)).toBe(SESSIONS_A_PERSON - 1);
    expect([await isIn(tokens[0]!), await isIn(other.token)]).toEqual([true, true]);
  });
});

describe('guessing', () => {
  test('passwords is stopped for the address, and the right one too until the minute is over', async () => {
    const server = await createSignInServer({ failuresPerMinute: 3 });
    try {
      const browser = createBrowser();
      const form = await browser.visit(`${server.url}/sign-in?as=staff`);
      const attempt = (password: string) =>
        browser.ask(form.url, { form: { account: 'nhis-author', password } });
      for (const password of ['one', 'two', 'three']) expect((await attempt(password)).status).toBe(401);
      const refused = await attempt(PASSWORD);
      expect(refused.status).toBe(429);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    } finally {
      await server.close();
    }
  });

  test('ways back and beginnings without end are stopped as well', async () => {
    const server = await createSignInServer({ limits: { begun: 4, failed: 3 } });
    try {
      const browser = createBrowser();
      const statuses = async (url: string, times: number) => {
        const all: number[] = [];
        for (let n = 0; n < times; n++) all.push((await browser.ask(`${server.url}${url}`)).status);
        return all;
      };
      expect(await statuses(`/sign-in/callback?state=${'x'.repeat(40)}&code=1`, 5)).toEqual([
        400, 400, 400, 429, 429,
      ]);
      expect(await statuses('/sign-in?as=staff', 6)).toEqual([303, 303, 303, 303, 429, 429]);
      for (const url of [`/sign-in/callback?state=${'x'.repeat(40)}`, '/sign-in?as=staff']) {
        const wait = Number((await browser.ask(`${server.url}${url}`)).headers.get('retry-after'));
        expect([url, wait > 0, wait <= 60]).toEqual([url, true, true]);
      }
    } finally {
      await server.close();
    }
  });
});

describe('claims', () => {
  const NAMES: ClaimNames = {
    agency: 'agency',
    roles: 'realm_access.roles',
    rolePrefix: 'allim-',
    citizen: 'sub',
  };
  const given = { isAgency: (id: string) => ['nhis', 'nts'].includes(id), locale: 'ko' };
  const right = {
    sub: 'a1',
    name: '김서연',
    agency: 'nhis',
    realm_access: { roles: ['allim-author', 'other'] },
  };
  const staff = (more: object) => staffOf({ ...right, ...more }, NAMES, given);

  test('make staff of an agency with the roles that are ours', () => {
    expect(staff({})).toEqual({
      kind: 'staff',
      subject: 'a1',
      name: '김서연',
      agency: 'nhis',
      roles: ['author'],
      locale: 'ko',
    });
    expect(staff({ realm_access: { roles: 'allim-support, allim-operator' } }).roles).toEqual([
      'operator',
      'support',
    ]);
    expect(staff({ name: '\u0000 \n' }).name).toBe('a1');
    expect(staff({ name: '가'.repeat(300) }).name).toHaveLength(100);
  });

  test('make an owner, who belongs to no agency whatever is claimed beside it', () => {
    const owner = staff({ realm_access: { roles: ['allim-author', 'allim-owner'] } });
    expect([owner.agency, owner.roles]).toEqual([null, ['owner']]);
  });

  test.each([
    ['no role', { realm_access: { roles: [] } }],
    ['a role of somebody else', { realm_access: { roles: ['author', 'owner', 'superallim-owner'] } }],
    ['roles elsewhere', { realm_access: {}, roles: ['allim-owner'] }],
    ['a role that is an object', { realm_access: { roles: [{ name: 'allim-owner' }] } }],
    ['roles of a prototype', { realm_access: Object.create({ roles: ['allim-owner'] }) }],
    ['no agency', { agency: undefined }],
    ['an unknown agency', { agency: 'nobody' }],
    ['several agencies', { agency: ['nhis', 'nts'] }],
    ['no subject', { sub: undefined }],
    ['a subject with blanks', { sub: 'a 1' }],
    ['a subject without end', { sub: 'a'.repeat(256) }],
  ])('with %s let nobody in', (_, more) => {
    expect(() => staff(more)).toThrow(expect.objectContaining({ code: 'sign-in-refused' }));
  });

  test('make a citizen of a citizen’s id alone', () => {
    expect(citizenOf({ sub: 'c-1' }, NAMES, 'vi')).toEqual({ kind: 'citizen', citizen: 'c-1', locale: 'vi' });
    const named = { ...NAMES, citizen: 'citizen' };
    // Ids are what registers say, so most of what can be written may be one.
    expect(citizenOf({ sub: 'x', citizen: '시민 1' }, named, 'ko')).toMatchObject({ citizen: '시민 1' });
    for (const citizen of ['', 7, null, undefined, 'c\n1', 'c\0', 'c'.repeat(65), ['c-1']])
      expect(() => citizenOf({ sub: 'x', citizen }, named, 'ko')).toThrow(
        expect.objectContaining({ code: 'sign-in-refused' }),
      );
  });
});

describe('a place to go on to', () => {
  test.each(['/', '/console', '/me/notices/1?x=1#why', '/me?q=%EA%B1%B4%EA%B0%95', '/sign-inside'])(
    '%s is ours',
    (path) => {
      expect(localPath(path)).toBe(path);
    },
  );
  test.each([
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/..//evil.example',
    '/./\\evil.example',
    '/%2e%2e//evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    'console',
    '',
    ' /console',
    '/sign-in?as=staff',
    '/sign-out',
    '/identity/auth',
    '/x/../sign-out',
    `/${'x'.repeat(600)}`,
    '/\ud800',
    null,
    undefined,
    ['/console'],
    7,
  ])('%j is not', (path) => {
    expect(localPath(path)).toBeNull();
  });
});
