/**
 * The console in Chromium on a real server with real shards: counts follow the typing, faults stand where they are, nobody overwrites anybody;
 * and every place in every state is looked at by axe, also at 320 px, which is 400 % zoom of a desk's screen.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { describeWithChromium } from '../support/chromium.ts';
import { type ConsoleServer, type Someone, startConsole } from '../support/console-server.ts';
import { eventually } from '../support/eventually.ts';
import { until } from '../support/looking.ts';
import { createStaffBrowser, findingsOn, go, type StaffBrowser, settled } from '../support/staff-browser.ts';
import { AUTHOR, OPERATOR } from '../support/staff-moves.ts';

const CITIZENS = 2_000;
const OWNER: Someone = { subject: 'owner', name: '서지안', agency: null, roles: ['owner'] };
const EVERYBODY: Someone = {
  ...OPERATOR,
  roles: ['author', 'approver', 'operator', 'support', 'auditor'],
};
const PLACES = ['/', '/rules', '/campaigns', '/support', '/quarantine', '/health', '/audit'];
const STEPS = ['who', 'when', 'what', 'try', 'publish'].map(
  (step) => `/rules/nhis-breast-screening?step=${step}`,
);

describeWithChromium('the console', () => {
  let server: ConsoleServer;
  let staff: StaffBrowser;
  beforeAll(async () => {
    server = await startConsole(CITIZENS);
    staff = await createStaffBrowser(server);
  }, 120_000);
  afterAll(async () => {
    await staff?.close();
    await server?.stop();
  });

  const counted = (page: Page) => page.locator('.counts:not(.old) .count').first();

  test('a first visit loads 220 KB at most, and the rule page after it stays below 350', async () => {
    const page = await staff.open(AUTHOR, null);
    const loads = await page.context().newCDPSession(page);
    await loads.send('Network.enable');
    await loads.send('Network.setCacheDisabled', { cacheDisabled: true });
    let bytes = 0;
    const code = new Set<string>();
    loads.on('Network.responseReceived', ({ requestId, type }) => {
      if (type === 'Script' || type === 'Stylesheet' || type === 'Document') code.add(requestId);
    });
    loads.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (code.has(requestId)) bytes += encodedDataLength;
    });
    const loaded = async (where: string): Promise<number> => {
      bytes = 0;
      await page.goto(`${server.url}/console${where}`);
      await settled(page);
      return bytes / 1024;
    };
    const [first, rule] = [await loaded('/'), await loaded('/rules/nhis-breast-screening')];
    process.stdout.write(`first load: Today ${first.toFixed(0)} KB, a rule ${rule.toFixed(0)} KB\n`);
    expect(first).toBeGreaterThan(50);
    expect(first).toBeLessThan(220);
    expect(rule).toBeLessThan(350);
  });

  // Who may see small counts is refused none for what others of the agency asked before: answers may differ by fewer than ten people.
  test('every keystroke is followed by its count', async () => {
    const page = await staff.open(OWNER, '/rules/nhis-breast-screening?step=who');
    const value = page.locator('.query-rule input.input').first();
    await counted(page).waitFor();
    for (const age of ['55', '70', '45', '62']) {
      const before = await counted(page).textContent();
      await value.fill(age);
      await eventually(
        async () => {
          if ((await counted(page).textContent()) === before) throw new Error(`still ${before}`);
        },
        { timeoutMs: 5_000, everyMs: 20 },
      );
    }
  }, 30_000);

  test('what is wrong stands in the row it is about, and as text on its line', async () => {
    const page = await staff.open(AUTHOR, '/rules/nhis-breast-screening?step=who');
    await page.locator('.query-rule input.input').first().fill('마흔');
    await page.locator('.query-rule .fault').first().waitFor();
    expect(await findingsOn(page)).toEqual([]);
    await page.getByRole('button', { name: '글로 쓰기' }).click();
    await page
      .getByText(/^\d+행/)
      .first()
      .waitFor();
    expect(await findingsOn(page)).toEqual([]);
    await page.getByLabel('조건 (JSON)').fill('{"and": [');
    await page.getByText(/JSON이 아닙니다/).waitFor();
  });

  test('a rule that another changed meanwhile is not overwritten, and what was typed stays', async () => {
    const where = '/rules/nhis-breast-screening?step=who';
    const mine = await staff.open(AUTHOR, where);
    const theirs = await staff.open({ ...AUTHOR, subject: 'nhis-author-2' }, where);
    const title = (page: Page) => page.getByLabel('이름 (한국어)');
    await title(mine).fill('내가 고친 이름');
    await title(theirs).fill('남이 고친 이름');
    const save = (page: Page) => page.getByRole('button', { name: '저장', exact: true }).click();
    await save(theirs);
    await theirs.getByText(/저장됨/).waitFor();
    await save(mine);
    await mine
      .getByRole('alert')
      .getByText(/그사이 다른 사람이/)
      .waitFor();
    expect(await title(mine).inputValue()).toBe('내가 고친 이름');
    expect(await findingsOn(mine)).toEqual([]);
  });

  /** The first place is loaded, the others are gone to. */
  const look = async (page: Page, places: readonly string[], ready = settled): Promise<string[]> => {
    const found: string[] = [];
    for (const [index, where] of places.entries()) {
      if (index === 0) await page.goto(`${server.url}/console${where}`);
      else await go(page, where);
      await ready(page);
      for (const finding of await findingsOn(page)) found.push(`${where} ${finding}`);
    }
    return found;
  };

  test.each([
    ['ko', 1440, 900],
    ['en', 320, 256],
  ] as const)(
    'axe finds nothing on any place or step in %s at %i × %i',
    async (language, width, height) => {
      const page = await staff.open(EVERYBODY, null, { language, width, height });
      expect(await look(page, [...PLACES, '/rules/new', '/nowhere', ...STEPS])).toEqual([]);
    },
    90_000,
  );

  test('places that fail, load or are empty say so, and axe finds nothing on them', async () => {
    const page = await staff.open(EVERYBODY, null, { width: 360 });
    const places = [...PLACES.filter((place) => place !== '/support'), '/rules/nhis-breast-screening'];
    const api = '**/api/v1/**';
    await page.route(api, (route) =>
      route.fulfill({
        status: 500,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'internal', detail: 'it failed', instance: 'r-1', faults: [] }),
      }),
    );
    const failed = (at: Page) => until(at, 'main [role="alert"]');
    expect(await look(page, places, failed)).toEqual([]);
    await page.unroute(api);
    await page.route(api, () => undefined);
    const loading = (at: Page) => until(at, 'main .spinner');
    expect(await look(page, places, loading)).toEqual([]);
    await page.unroute(api);
    const empty = (at: Page) => until(at, 'main .empty:not([role="status"])');
    expect(await look(page, ['/campaigns', '/quarantine'], empty)).toEqual([]);
    await go(page, '/rules');
    await page.getByRole('searchbox').fill('nowhere');
    await empty(page);
    expect(await findingsOn(page)).toEqual([]);
  }, 90_000);

  test('names as long as they may be push nothing out of its place', async () => {
    const page = await staff.open(EVERYBODY, null, { width: 320, height: 640 });
    const long = `${'건강검진과예방접종안내'.repeat(12)} ${'Verylongwordsofaname'.repeat(4)}`.slice(0, 200);
    await page.route('**/api/v1/{rules,campaigns,today}*', async (route) => {
      const answer = await route.fetch();
      const text = await answer.text();
      await route.fulfill({
        response: answer,
        body: text.replaceAll(/"title":\{"ko":"[^"]*"/g, `"title":{"ko":"${long}"`),
      });
    });
    expect(await look(page, ['/', '/rules', '/campaigns'])).toEqual([]);
    await go(page, '/rules/new');
    await page.getByLabel('이름 (한국어)').fill(long);
    expect(await findingsOn(page)).toEqual([]);
  }, 30_000);

  test('who may not see a place is told so, and where to go', async () => {
    const page = await staff.open(AUTHOR, '/audit', { width: 360 });
    await page.getByText('이 화면을 볼 권한이 없습니다.').waitFor();
    expect(await findingsOn(page)).toEqual([]);
    await page.getByRole('link', { name: '오늘 화면으로' }).click();
    await page.getByRole('heading', { name: '오늘', exact: true }).waitFor();
  });

  test('nothing moves for those who want no movement', async () => {
    const page = await staff.open(AUTHOR, '/rules');
    await settled(page);
    const moving = await page.evaluate<number>(
      `[...document.querySelectorAll('*')].filter((one) => {
        const { transitionDuration, animationDuration, animationName } = getComputedStyle(one);
        return parseFloat(transitionDuration) > 0.01 || (animationName !== 'none' && parseFloat(animationDuration) > 0.01);
      }).length`,
    );
    expect(moving).toBe(0);
  });

  test('no page asked another host for anything, and none broke', () => {
    expect(staff.outside).toEqual([]);
    expect(staff.broken).toEqual([]);
  });
});
