/** `npm start` as a newcomer has it: the process itself, its page, and the commands that stand on the page. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Browser, chromium } from 'playwright-core';
import { createBrowser } from '../support/browser.ts';
import { buildWebOnce } from '../support/built-web.ts';
import { CHROMIUM, describeWithChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let folder: string;
let child: ChildProcess;
let ended: Promise<number | null>;
let said = '';
let out = '';
let url = '';

beforeAll(async () => {
  buildWebOnce();
  folder = await mkdtemp(path.join(tmpdir(), 'allim-demonstration-'));
  child = spawn(
    path.join(ROOT, 'node_modules', '.bin', 'node'),
    [
      '--disable-warning=ExperimentalWarning',
      path.join(ROOT, 'app', 'start.ts'),
      ...['--json', '--port', '0', '--citizens', '1500', '--data', path.join(folder, "it's data")],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: folder } },
  );
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  ended = new Promise((resolve) => child.once('exit', resolve));
  url = await Promise.race([
    eventually(
      () => {
        const found = /running: look at (\S+);/.exec(said)?.[1];
        if (found === undefined) throw new Error(said);
        return found;
      },
      { timeoutMs: 120_000 },
    ),
    ended.then((code) => Promise.reject(new Error(`ended with ${code}:\n${said}`))),
  ]);
}, 130_000);

afterAll(async () => {
  child.kill('SIGKILL');
  await ended;
  await rm(folder, { recursive: true, force: true });
});

async function page(
  at: string,
  headers: Record<string, string> = {},
): Promise<{ text: string; response: Response }> {
  const response = await fetch(`${url}${at}`, { headers });
  return { text: await response.text(), response };
}

const unescaped = (text: string) =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

async function commandOf(id: string): Promise<string> {
  const { text } = await page('/demonstration?lang=en');
  return unescaped(new RegExp(`<pre id="${id}"[^>]*><code>([^<]*)</code>`).exec(text)![1]!);
}

const bash = async (command: string) => (await run('bash', ['-c', command])).stdout;

/** Sections as they arrive, until `done` says so. */
async function watch(
  language: string,
  done: (sections: Map<string, string>) => boolean,
): Promise<Map<string, string>> {
  const stop = new AbortController();
  const sections = new Map<string, string>();
  const response = await fetch(`${url}/demonstration/live?lang=${language}`, { signal: stop.signal });
  const timer = setTimeout(() => stop.abort(new Error(`not seen: ${[...sections.keys()].join()}`)), 20_000);
  let rest = '';
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split('\n\n');
      rest = events.pop()!;
      for (const event of events) {
        const data = /^event: section\ndata: (.*)$/s.exec(event)?.[1];
        if (data === undefined) continue;
        const { id, html } = JSON.parse(data) as { id: string; html: string };
        sections.set(id, html);
      }
      if (done(sections)) return sections;
    }
    throw new Error('the stream ended');
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

describe('the page', () => {
  test('shows the week in the language that is asked for, says what it is, and takes no inline script', async () => {
    expect((await fetch(url, { redirect: 'manual' })).headers.get('location')).toBe('/demonstration');
    const korean = await page('/demonstration');
    const english = await page('/demonstration', { 'accept-language': 'en-GB,ko;q=0.5' });
    expect((await page('/demonstration?lang=ko', { 'accept-language': 'en' })).text).toContain(
      '<html lang="ko">',
    );
    expect(korean.text).toContain('여기는 데모입니다');
    expect(english.text).toContain('This is the demonstration');
    expect(english.text).toContain('0 missed, 0 told by mistake, 0 told twice');
    for (const { text, response } of [korean, english]) {
      expect(response.headers.get('content-security-policy')).toContain("script-src 'self'");
      expect(text).not.toMatch(/<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/);
      for (const id of ['figures', 'try', 'recent', 'outbox', 'week', 'why-not', 'citizen', 'services'])
        expect(text).toContain(`id="${id}"`);
      // Every channel has left something, and each notice its reason.
      for (const kind of ['lock-title', 'mail-subject', 'bubble', 'leaves']) expect(text).toContain(kind);
    }
  });

  test('leads everybody in, each with an account to use, to where there is something to do', async () => {
    const { text } = await page('/demonstration?lang=en');
    const password = /<code id="password">([^<]+)</.exec(text)?.[1] ?? '';
    const links = [...text.matchAll(/href="(\/sign-in\?[^"]+)"/g)].map(([, link]) => unescaped(link!));
    const asked = links.map((link) => new URLSearchParams(link.split('?')[1]));
    expect(asked.filter((one) => one.get('as') === 'staff')).toHaveLength(6);
    expect(asked.filter((one) => one.get('as') === 'citizen')).toHaveLength(5);
    for (const [index, link] of links.entries()) {
      const browser = createBrowser();
      const form = await browser.visit(`${url}${link}`);
      const account = asked[index]!.get('account')!;
      expect(form.text).toContain(`value="${account}" checked`);
      const inside = await browser.visit(form.url, { form: { account, password } });
      const at = new URL(inside.url);
      expect([account, at.pathname + at.search, inside.status]).toEqual([
        account,
        asked[index]!.get('next') ?? '/me',
        200,
      ]);
      // Nobody of them comes to an empty inbox.
      if (account.startsWith('c-'))
        expect([account, inside.text]).toEqual([account, expect.stringContaining('class="todo')]);
    }
  }, 60_000);

  test('every link of the ways in leads somewhere', async () => {
    const { text } = await page('/demonstration?lang=ko');
    const ways = text.slice(text.indexOf('id="ways"'), text.indexOf('id="figures"'));
    const links = [...ways.matchAll(/href="([^"]+)"/g)].map(([, link]) => unescaped(link!));
    expect(links.length).toBeGreaterThan(14);
    for (const link of links) {
      // Signing in needs a browser's cookies: the test before does it.
      if (link.startsWith('/sign-in')) continue;
      if (link.startsWith('#')) expect(text).toContain(`id="${link.slice(1)}"`);
      else expect([link, (await fetch(`${url}${link}`)).status]).toEqual([link, 200]);
    }
  });

  test('something waits for staff: a change to approve and a record to mend', async () => {
    const token = (await bash(`echo "${/Bearer (\$\(cat .*?\))"/.exec(await commandOf('c1'))![1]!}"`)).trim();
    const get = async (at: string) =>
      (await fetch(`${url}${at}`, { headers: { authorization: `Bearer ${token}` } })).json();
    expect(await get('/api/v1/today')).toMatchObject({
      approvals: [{ rule: 'nhis-breast-screening', version: 2, by: 'staff:nhis-author', byName: '김서연' }],
      quarantine: 1,
    });
    expect(await get('/api/v1/quarantine')).toMatchObject({
      quarantine: [{ agency: 'nhis', code: 'event-invalid', faults: [{ pointer: '/data/year' }] }],
    });
  });

  test('a mail can be stopped by its link', async () => {
    const { text } = await page('/demonstration?lang=en');
    const link = /class="mail-stop" href="([^"]+)"/.exec(text)![1]!;
    expect((await page(link)).text).toContain('List-Unsubscribe');
  });

  test('a command copied from it produces a push, a mail and a text message, seen live with their reason', async () => {
    const command = await commandOf('c1');
    expect(command).not.toContain('undefined');
    const seen = watch('en', (sections) => {
      const recent = sections.get('recent') ?? '';
      return (
        (recent.match(/try-\d+-\d/g) ?? []).length === 3 &&
        ['Push 1', 'Email 1', 'SMS 1'].every((one) => recent.includes(one))
      );
    });
    expect(JSON.parse(await bash(command))).toMatchObject({ accepted: [{}, {}, {}] });
    await seen;
    const { text } = await page('/demonstration?lang=en');
    for (const amount of ['132,000', '87,000', '45,300']) expect(text).toContain(amount);
    const subject = /"subject": "([^"]+)"/.exec(command)![1]!;
    const citizen = await page(`/demonstration/citizens/${subject}?lang=en`);
    expect(citizen.text).toContain(
      'the amount is more than 0 won <span class="quiet">(the amount 132,000 won)',
    );
  }, 40_000);

  test('the others work too: a new citizen of one’s own, and everybody in a district', async () => {
    expect(await bash(await commandOf('c2'))).toContain('"accepted"');
    expect(JSON.parse(await bash(await commandOf('c3')))).toMatchObject({ accepted: [{}] });
    await eventually(
      async () => {
        const { text } = await page('/demonstration/citizens/c-me?lang=en');
        expect(text).toContain('Email: sent');
      },
      { timeoutMs: 20_000 },
    );
  }, 40_000);

  test('shows what came from outside as text', async () => {
    const hostile = '<img src=x onerror=alert(1)>';
    const token = (await bash(`echo "${/Bearer (\$\(cat .*?\))"/.exec(await commandOf('c1'))![1]!}"`)).trim();
    const response = await fetch(`${url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify({
        ...{ specversion: '1.0', id: hostile, source: '/nts/property-tax', type: 'kr.nts.property-tax.paid' },
        ...{ subject: 'c-me', allimobligation: 'property-tax/none', data: {} },
      }),
    });
    expect(response.status).toBe(202);
    const { text } = await page('/demonstration');
    expect(text).toContain('&lt;img src=x onerror=alert(1)&gt;');
    expect(text).not.toContain('<img src=x');
    const nobody = await page(`/demonstration/citizens/${encodeURIComponent(hostile)}`);
    expect([nobody.response.status, nobody.text.includes('<img src=x')]).toEqual([404, false]);
  });

  test('a stop is seen at once, on every page, until it is lifted', async () => {
    const token = (await bash(`echo "${/Bearer (\$\(cat .*?\))"/.exec(await commandOf('c1'))![1]!}"`)).trim();
    const call = (method: string, at: string, body?: object) =>
      fetch(`${url}/api/v1/stops${at}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    const seen = watch('ko', (sections) => sections.get('stops')?.includes('시험 삼아') ?? false);
    expect((await call('POST', '', { scope: 'agency:nts', reason: '시험 삼아' })).status).toBeLessThan(300);
    await seen;
    for (const at of ['/demonstration?lang=ko', '/demonstration/citizens/c-me?lang=ko'])
      await eventually(async () => expect((await page(at)).text).toContain('발송이 멈춰 있습니다'));
    expect((await call('DELETE', '/agency:nts')).status).toBeLessThan(300);
    await watch('ko', (sections) => sections.has('stops') && !sections.get('stops')!.includes('시험 삼아'));
  }, 40_000);
});

describeWithChromium('the page in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: await which(CHROMIUM!), args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(() => browser?.close());

  const which = async (program: string) =>
    program.includes('/') ? program : (await bash(`command -v ${program}`)).trim();
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

  test.each([
    ['ko', 1440, '/demonstration'],
    ['en', 360, '/demonstration'],
    ['ko', 360, '/demonstration/citizens/c-me'],
  ])(
    'holds to WCAG 2.2 AA in %s at %i px: %s',
    async (language, width, at) => {
      const context = await browser.newContext({ viewport: { width, height: 900 }, bypassCSP: true });
      const tab = await context.newPage();
      const faults: string[] = [];
      tab.on('pageerror', (error) => faults.push(String(error)));
      await tab.goto(`${url}${at}?lang=${language}`);
      await tab.addScriptTag({ path: axe });
      const violations = await tab.evaluate<string[]>(`axe.run(document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    }).then((found) => found.violations.map(({ id, nodes }) => id + ': ' + nodes[0].html))`);
      expect(violations).toEqual([]);
      // Nothing sticks out, and what is pressed is large enough.
      const small = await tab.evaluate<{ sticksOut: boolean; low: string[] }>(`({
      sticksOut: document.documentElement.scrollWidth > innerWidth,
      low: [...document.querySelectorAll('a, button, summary')]
        .filter((one) => getComputedStyle(one).display !== 'inline' && !one.matches('.skip'))
        .filter((one) => one.getBoundingClientRect().height < 44)
        .map((one) => one.outerHTML.slice(0, 80)),
    })`);
      expect(small).toEqual({ sticksOut: false, low: [] });
      expect(faults).toEqual([]);
      await context.close();
    },
    60_000,
  );

  test('follows events without a reload and without breaking its own policy', async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const tab = await context.newPage();
    const console: string[] = [];
    tab.on('console', (message) => console.push(message.text()));
    await tab.goto(`${url}/demonstration?lang=en`);
    await tab.locator('.live-state.on').waitFor();
    expect(await tab.locator('.copy').first().isVisible()).toBe(true);
    const newest = () => tab.locator('#recent li').first().getAttribute('data-key');
    const before = await newest();
    await bash(await commandOf('c1'));
    await tab.locator('#recent .fresh').first().waitFor();
    expect(await newest()).not.toBe(before);
    await tab.locator('#outbox .fresh').first().waitFor();
    await eventually(async () => expect(await tab.locator('#said').textContent()).toContain('New event'));
    // The keyboard alone: the first stop is the way past the head.
    await tab.keyboard.press('Tab');
    expect(await tab.evaluate('document.activeElement.className')).toBe('skip');
    expect(console).toEqual([]);
    await context.close();
  }, 60_000);
});

test('ends when told to, with the streams still open, and with nobody lost', async () => {
  const stream = await fetch(`${url}/demonstration/live`);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  await stream.body?.cancel().catch(() => {});
  expect(JSON.parse(out.trimEnd().split('\n').at(-1)!)).toMatchObject({ lost: 0, unexpected: 0, doubled: 0 });
}, 40_000);
