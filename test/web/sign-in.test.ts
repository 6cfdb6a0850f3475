/** Signing in and out over HTTP against the bundled provider, and what must not get anybody in. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser } from '../support/browser.ts';
import { CITIZEN, createSignInServer, PASSWORD, type SignInServer } from '../support/sign-in.ts';

let server: SignInServer;
beforeAll(async () => {
  server = await createSignInServer({
    mount(app) {
      app.get('/page', { config: { permission: 'staff', signIn: 'staff' } }, async () => 'a page');
      app.get('/api/rules', { config: { permission: 'rules' } }, async (request) => request.credential);
      app.post('/api/act', { config: { permission: 'person' } }, async () => ({ done: true }));
    },
  });
});
afterAll(() => server.close());

const SESSION = 'allim-session';
const who = async (browser: ReturnType<typeof createBrowser>) =>
  (await (await browser.ask(`${server.url}/api/v1/session`)).json()) as Record<string, unknown>;

describe('signing in', () => {
  test('staff come in with agency, roles and rights, and citizens as themselves', async () => {
    const staff = await server.signIn('nhis-author');
    expect(await who(staff)).toMatchObject({
      kind: 'staff',
      subject: 'nhis-author',
      name: '김서연',
      agency: 'nhis',
      roles: ['author'],
    });
    const credential = await (await staff.ask(`${server.url}/api/rules`)).json();
    expect(credential).toMatchObject({ id: 'staff:nhis-author', agency: 'nhis', sources: [] });
    expect(await who(await server.signIn('owner'))).toMatchObject({ agency: null, roles: ['owner'] });
    const citizen = await server.signIn(CITIZEN);
    expect(await who(citizen)).toMatchObject({ kind: 'citizen', citizen: CITIZEN });
    expect((await citizen.ask(`${server.url}/api/rules`)).status).toBe(403);
    expect((await citizen.ask(`${server.url}/page`)).status).toBe(403);
  });

  test('a page sends its visitor to sign-in and back; the API does not', async () => {
    const browser = createBrowser();
    const asked = await browser.ask(`${server.url}/page?x=1`);
    expect([asked.status, asked.headers.get('location')]).toEqual([
      303,
      '/sign-in?as=staff&next=%2Fpage%3Fx%3D1',
    ]);
    expect((await browser.ask(`${server.url}/api/rules`)).status).toBe(401);
    const form = await browser.visit(`${server.url}/page?x=1`);
    expect(form.text).toContain('nhis-author');
    const page = await browser.visit(form.url, { form: { account: 'nhis-author', password: PASSWORD } });
    expect([page.url, page.text]).toEqual([`${server.url}/page?x=1`, 'a page']);
  });

  test('one browser may be one person after another', async () => {
    const browser = await server.signIn('nhis-author');
    await server.signIn('nhis-approver', { browser });
    expect(await who(browser)).toMatchObject({ subject: 'nhis-approver' });
    await server.signIn(CITIZEN, { browser });
    expect(await who(browser)).toMatchObject({ kind: 'citizen' });
  });

  test('a wrong password, an unknown account and an account of the other kind stay outside', async () => {
    const url = `${server.url}/sign-in?as=staff`;
    for (const form of [
      { account: 'nhis-author', password: 'wrong' },
      { account: 'nobody', password: PASSWORD },
      { account: CITIZEN, password: PASSWORD },
    ]) {
      const browser = createBrowser();
      const page = await browser.visit(url);
      const answer = await browser.visit(page.url, { form });
      expect([form.account, answer.status]).toEqual([form.account, 401]);
      expect(browser.cookies.has(SESSION)).toBe(false);
    }
  });

  test('the pages have the headers of pages and speak the language that is asked for', async () => {
    const page = await createBrowser().visit(`${server.url}/sign-in?as=staff`, {
      headers: { 'accept-language': 'en' },
    });
    expect(page.text).toContain('<html lang="en">');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(policy).toContain("frame-ancestors 'none'");
    for (const [name, value] of [
      ['x-content-type-options', 'nosniff'],
      ['cache-control', 'no-store'],
      ['cross-origin-opener-policy', 'same-origin'],
      ['referrer-policy', 'no-referrer'],
    ])
      expect([name, page.headers.get(name!)]).toEqual([name, value]);
    expect(page.text).not.toMatch(/<style|\sstyle="|<script>|\son\w+="/);
  });
});

describe('signing out', () => {
  test('ends the session here and at the provider, and comes back', async () => {
    const browser = await server.signIn('nts-author');
    const token = browser.cookies.get(SESSION)!.value;
    const { csrf } = await who(browser);
    const page = await browser.visit(`${server.url}/sign-out`, { form: { _csrf: String(csrf) } });
    const to = /url=([^"]+)"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(to).toContain('/identity/session/end?');
    const there = await browser.visit(to);
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(there.text)?.[1] ?? '';
    const done = await browser.visit(`${server.url}/identity/session/end/confirm`, {
      form: { xsrf, logout: 'yes' },
    });
    expect(done.url).toBe(`${server.url}/sign-out/done`);
    expect(browser.cookies.has(SESSION)).toBe(false);
    browser.cookies.set(SESSION, { value: token, path: '/' });
    expect((await browser.ask(`${server.url}/api/v1/session`)).status).toBe(401);
  });

  test('what staff open and end stands in the audit trail, of citizens nothing does', async () => {
    const browser = await server.signIn('nts-operator');
    const { csrf } = await who(browser);
    await browser.visit(`${server.url}/sign-out`, { form: { _csrf: String(csrf) } });
    const citizen = await server.signIn(CITIZEN);
    await citizen.visit(`${server.url}/sign-out`, {
      form: { _csrf: String((await who(citizen))['csrf']) },
    });
    const { rows } = await server.database.pool.query<{ action: string; agency: string; object: string }>(
      `SELECT action, agency_id AS agency, object FROM audit_entries
       WHERE actor = 'staff:nts-operator' OR actor NOT LIKE 'staff:%' ORDER BY number`,
    );
    expect(rows).toEqual([
      { action: 'session.signed-in', agency: 'nts', object: expect.stringMatching(/^session:/) },
      { action: 'session.signed-out', agency: 'nts', object: rows[0]!.object },
    ]);
  });

  test('a link alone signs nobody out', async () => {
    const browser = await server.signIn('nts-author');
    await browser.visit(`${server.url}/sign-out`);
    expect(await who(browser)).toMatchObject({ subject: 'nts-author' });
  });

  test('everywhere ends the others too, and a citizen’s browser forgets what it kept', async () => {
    const [one, two] = [await server.signIn(CITIZEN), await server.signIn(CITIZEN)];
    const { csrf } = await who(one);
    const answer = await one.ask(`${server.url}/sign-out`, {
      form: { _csrf: String(csrf), everywhere: 'true' },
    });
    expect(answer.headers.get('clear-site-data')).toBe('"cache", "storage"');
    expect((await two.ask(`${server.url}/api/v1/session`)).status).toBe(401);
  });
});

describe('what must not get in', () => {
  /** A browser at the moment when the provider sends it back, and where to. */
  async function cameBack() {
    const browser = createBrowser();
    const form = await browser.visit(`${server.url}/sign-in?as=staff&next=/page`);
    let response = await browser.ask(form.url, { form: { account: 'nhis-author', password: PASSWORD } });
    let to = response.headers.get('location') ?? '';
    while (!to.includes('/sign-in/callback')) {
      response = await browser.ask(new URL(to, server.url).href);
      to = response.headers.get('location') ?? '';
    }
    return { browser, callback: to };
  }

  test('an address of the way back that was used before', async () => {
    const { browser, callback } = await cameBack();
    const kept = new Map(browser.cookies);
    expect((await browser.ask(callback)).headers.get('location')).toBe('/page');
    for (const [name, cookie] of kept) browser.cookies.set(name, cookie);
    browser.cookies.delete(SESSION);
    expect((await browser.ask(callback)).status).toBe(400);
    expect(browser.cookies.has(SESSION)).toBe(false);
  });

  test('another browser than the one that began', async () => {
    const { browser, callback } = await cameBack();
    const victim = createBrowser();
    expect((await victim.ask(callback)).status).toBe(400);
    expect(victim.cookies.size).toBe(0);
    // It did not spoil it for the one that began.
    expect((await browser.ask(callback)).status).toBe(303);
  });

  test('a state, a code or an issuer that is not the provider’s', async () => {
    for (const change of [
      (url: URL) => url.searchParams.set('state', 'another-state-0123456789'),
      (url: URL) => url.searchParams.set('code', 'another-code'),
      (url: URL) => url.searchParams.set('iss', 'https://evil.example'),
      (url: URL) => url.searchParams.delete('code'),
    ]) {
      const { browser, callback } = await cameBack();
      const url = new URL(callback);
      change(url);
      expect((await browser.ask(url.href)).status).toBe(400);
      expect(browser.cookies.has(SESSION)).toBe(false);
    }
  });

  test('a way back that took longer than ten minutes', async () => {
    const { browser, callback } = await cameBack();
    server.pass(11 * 60_000);
    expect((await browser.ask(callback)).status).toBe(400);
  });

  test('a session that was there before: a planted one ends', async () => {
    const attacker = await server.signIn('nts-author');
    const planted = attacker.cookies.get(SESSION)!;
    const victim = createBrowser();
    victim.cookies.set(SESSION, planted);
    await server.signIn('nhis-author', { browser: victim });
    expect(victim.cookies.get(SESSION)!.value).not.toBe(planted.value);
    expect((await attacker.ask(`${server.url}/api/v1/session`)).status).toBe(401);
  });

  test('no address but ours is gone on to', async () => {
    for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', '/sign-out', 'page']) {
      const browser = createBrowser();
      const form = await browser.visit(`${server.url}/sign-in?as=staff&next=${encodeURIComponent(next)}`);
      let response = await browser.ask(form.url, { form: { account: 'nhis-author', password: PASSWORD } });
      while (!String(response.url).includes('/sign-in/callback'))
        response = await browser.ask(new URL(response.headers.get('location') ?? '', server.url).href);
      expect([next, response.headers.get('location')]).toEqual([next, '/console']);
    }
  });

  test('a form of another site, or one without the session’s token', async () => {
    const browser = await server.signIn('nhis-author');
    const { csrf } = await who(browser);
    const act = (headers: Record<string, string>) =>
      browser.ask(`${server.url}/api/act`, { method: 'POST', headers });
    const right = { 'x-allim-csrf': String(csrf) };
    expect((await act({})).status).toBe(403);
    expect((await act({ 'x-allim-csrf': 'x'.repeat(43) })).status).toBe(403);
    expect((await act({ ...right, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await act({ ...right, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
    const other = await who(await server.signIn('nhis-author'));
    expect((await act({ 'x-allim-csrf': String(other['csrf']) })).status).toBe(403);
  });

  test('a bearer key wins over the cookie, a wrong one too', async () => {
    const browser = await server.signIn('nhis-author');
    const answer = await browser.ask(`${server.url}/api/rules`, {
      headers: { authorization: 'Bearer nobody' },
    });
    expect(answer.status).toBe(401);
  });
});

test('the log has neither tokens nor passwords', async () => {
  const browser = await server.signIn('nhis-author');
  const text = server.lines.join('\n');
  expect(text).toContain('signed in');
  expect(text).not.toContain(browser.cookies.get(SESSION)!.value.split('.')[1]!);
  expect(text).not.toContain(PASSWORD);
});
