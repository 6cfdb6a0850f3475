/**
 * The pages of the citizen app in Chromium, on an installation whose steps a test takes itself: every page and state in three languages
 * without a finding of axe, live, offline, what a service worker does with what is pushed to it. What people do with them from an agency's
 * event on is walked in citizen-walk.test.ts.
 */
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { shortId } from '../../domain/ids.ts';
import { shortCode } from '../../domain/short-code.ts';
import { transaction } from '../../domain/sql.ts';
import { unsubscribeToken } from '../../domain/unsubscribe-tokens.ts';
import { mergeProfile } from '../../store/citizens.ts';
import { chromiumPath, describeWithChromium } from '../support/chromium.ts';
import { type CitizenSite, createCitizenSite } from '../support/citizen-site.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, PROFILE, taxEvent, windowEvent } from '../support/installation.ts';
import { findings, said, scrollsSideways } from '../support/looking.ts';
import { watchShown } from '../support/shown.ts';

/** A desk's 1280 at 400 %. */
const NARROW = { width: 320, height: 640 };
const PHONE = { width: 360, height: 740 };
const TABLET = { width: 768, height: 1024 };
const DESK = { width: 1440, height: 900 };
/** A folder for pictures of every page and state, for who looks at them. */
const SHOTS = process.env['ALLIM_SCREENSHOTS'];

describeWithChromium('the citizen app', () => {
  let it: Installation;
  let site: CitizenSite;
  let browser: Browser;
  let url = '';
  let count = 0;
  const outside: string[] = [];

  beforeAll(async () => {
    it = await install();
    site = await createCitizenSite(it, { liveEveryMs: 50, pushKey: 'BAAA' });
    await site.app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(site.app.server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await site?.close();
    await it?.close();
  });

  async function enter(
    citizen: string,
    options: Parameters<Browser['newContext']>[0] = {},
    locale = 'ko',
  ): Promise<{ context: BrowserContext; page: Page }> {
    const { cookie } = await site.visit(citizen, locale);
    const [name, value] = cookie.split(/=(.*)/) as [string, string];
    const context = await browser.newContext({ viewport: PHONE, reducedMotion: 'reduce', ...options });
    await context.addCookies([{ name, value, url }]);
    context.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) outside.push(request.url());
    });
    return { context, page: await context.newPage() };
  }

  async function person(locale = 'ko'): Promise<string> {
    count++;
    const id = `c-e2e-${count}`;
    await it.citizen({
      id,
      locale,
      sms: `+8210777000${String(count).padStart(2, '0')}`,
      email: `e${count}@example.kr`,
    });
    await transaction(it.pool, (sql) => mergeProfile(sql, id, PROFILE, 'nhis', it.clock.nowMs()));
    return id;
  }
  async function taxed(id: string, amount = 132_000, dueOn = '2026-07-31'): Promise<string> {
    const obligation = `property-tax/e2e-${++count}`;
    await it.publish(
      taxEvent({
        id: `e2e-${count}`,
        subject: id,
        allimobligation: obligation,
        sequence: '1',
        data: { amount, dueOn },
      }),
    );
    await it.idle();
    return obligation;
  }

  test('a notice arrives in an open inbox within a second', async () => {
    const id = await person();
    await taxed(id, 10_000);
    const { context, page } = await enter(id);
    const live = page.waitForResponse((answer) => answer.url().includes('/api/v1/me/live'));
    await page.goto(`${url}/me`);
    await live;
    await it.publish(
      taxEvent({
        id: `live-${++count}`,
        subject: id,
        allimobligation: `property-tax/live-${count}`,
        data: { amount: 55_000, dueOn: '2026-07-20' },
      }),
    );
    await it.settle();
    const plannedMs = performance.now();
    await page.getByText('55,000원').first().waitFor({ timeout: 5_000 });
    expect(performance.now() - plannedMs).toBeLessThan(1_000);
    // The more urgent one stands first, and it is said aloud.
    expect(await said(page.locator('.todo').first())).toContain('55,000원');
    expect(await said(page.locator('[data-arrived]'))).toBe('새 안내가 왔습니다');
    expect(await findings(page)).toEqual([]);
    await context.close();
  });

  test('what was opened is read offline, and gone after signing out', async () => {
    const id = await person();
    await taxed(id, 20_000);
    const { context, page } = await enter(id);
    await page.goto(`${url}/me`);
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    await page.reload();
    await page.getByRole('link', { name: '재산세 20,000원', exact: true }).click();
    await page.waitForURL(/\/me\/notices\//);
    await eventually(() =>
      page.evaluate<boolean>(`caches.match(location.href).then((found) => found !== undefined)`),
    );
    await context.setOffline(true);
    await page.reload();
    expect(await said(page.locator('main'))).toContain('재산세 20,000원');
    expect(await page.locator('[data-offline]').isVisible()).toBe(true);
    await page.goto(`${url}/me/data`);
    expect(await said(page.locator('h1'))).toBe('인터넷에 연결되어 있지 않습니다');
    await context.setOffline(false);
    await page.goto(`${url}/me/data`);
    await page.getByRole('button', { name: '모든 기기에서 로그아웃' }).click();
    await page.waitForURL((to) => !to.pathname.startsWith('/me'));
    await page.goto(`${url}/real`);
    expect(await page.evaluate<string[]>('caches.keys()')).not.toContainEqual(
      expect.stringContaining('allim-pages-'),
    );
    await context.close();
  });

  test('a push is shown once, reported, and taken down when it was read', async () => {
    const id = await person();
    await taxed(id, 30_000);
    const { context, page } = await enter(id);
    await context.grantPermissions(['notifications'], { origin: url });
    await page.goto(`${url}/me`);
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    const devtools = await context.newCDPSession(page);
    const registered = Promise.withResolvers<string>();
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      const found = registrations.find((one) => one.scopeURL === `${url}/me`);
      if (found !== undefined) registered.resolve(found.registrationId);
    });
    await devtools.send('ServiceWorker.enable');
    const registrationId = await registered.promise;
    const push = (message: object) =>
      devtools.send('ServiceWorker.deliverPushMessage', {
        origin: url,
        registrationId,
        data: JSON.stringify(message),
      });
    const { shown, takenDown } = await watchShown(context.serviceWorkers()[0]!);
    const [row] = await it.rows<{ id: string }>(
      `SELECT d.id FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month WHERE n.recipient_id = $1`,
      [id],
    );
    const tag = shortId(row!.id as never);
    const reports: string[] = [];
    context.on('request', (request) => {
      if (request.url().endsWith('/receipts/push')) reports.push(request.postData() ?? '');
    });
    for (let n = 0; n < 2; n++)
      await push({
        id: tag,
        title: '건강검진, 12월 31일까지',
        body: '올해 받을 차례입니다.',
        receipt: '1.x',
      });
    await eventually(async () => expect(await shown()).toEqual([{ title: '건강검진, 12월 31일까지', tag }]));
    await eventually(() => reports.length > 0);
    expect(JSON.parse(reports[0]!)).toEqual({ id: tag, receipt: '1.x' });
    await push({ id: tag, read: true });
    await eventually(async () => expect(await takenDown()).toEqual([tag]));
    // What was shown is not shown again, however late it comes.
    await push({ id: tag, title: 'again', body: 'x' });
    await push({ id: 'B'.repeat(22), title: '', body: '' });
    await eventually(async () => expect(await shown()).toHaveLength(2));
    expect((await shown())[1]!.tag).toBe('B'.repeat(22));
    await context.close();
  });

  test('push is asked for after the first notice was read, and never when a page loads', async () => {
    const id = await person();
    await taxed(id, 40_000);
    const { context, page } = await enter(id);
    await context.addInitScript(`window.asked = 0; const real = Notification.requestPermission; Notification.requestPermission = (...given) => { window.asked++; return Promise.resolve('denied'); };
      Object.defineProperty(Notification, 'permission', { get: () => 'default' });`);
    await page.goto(`${url}/me`);
    await page.evaluate('navigator.serviceWorker.ready.then(() => true)');
    expect(await page.getByText('다음 안내는 바로 받으시겠어요?').isVisible()).toBe(false);
    await page.getByRole('link', { name: '재산세 40,000원', exact: true }).click();
    await page.getByText('다음 안내는 바로 받으시겠어요?').waitFor();
    expect(await page.evaluate('window.asked')).toBe(0);
    expect(await findings(page)).toEqual([]);
    await page.getByRole('button', { name: '이 기기로 받기' }).click();
    await page.getByText('브라우저가 알림을 막고 있습니다').waitFor();
    expect(await page.evaluate('window.asked')).toBe(1);
    await context.close();
  });

  test.each(['ko', 'en', 'vi'])(
    'every page and state is without a finding, in %s',
    async (lang) => {
      const id = await person(lang);
      const obligation = await taxed(id);
      await it.publish(windowEvent({ id: `axe-${++count}`, allimobligation: `checkup/axe-${count}` }));
      await it.idle();
      await it.publish(
        taxEvent({
          id: `axe2-${++count}`,
          subject: id,
          allimobligation: obligation,
          sequence: '2',
          data: { amount: 118_500, dueOn: '2026-07-31' },
        }),
      );
      await it.idle();
      const rows = await it.rows<{ id: string; stage: string }>(
        'SELECT id, stage_kind AS stage FROM notifications WHERE recipient_id = $1 ORDER BY created_at, version',
        [id],
      );
      const notice = (stage: string) => `/me/notices/${rows.find((row) => row.stage === stage)?.id}`;
      const [mail] = await it.rows<{ id: string }>(
        `SELECT d.id FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month WHERE n.recipient_id = $1 AND d.channel = 'email' LIMIT 1`,
        [id],
      );
      const empty = await person(lang);
      const addresses = [
        '/me',
        '/me/all',
        ...rows.map((row) => `/me/notices/${row.id}`),
        '/me/choices',
        '/me/data',
        `/check?lang=${lang}`,
        `/real?lang=${lang}`,
        `/unsubscribe/${unsubscribeToken(it.sealer, mail!.id as never)}?lang=${lang}`,
        `/me/offline?lang=${lang}`,
        // The same pages with other words in them: once is enough.
        ...(lang === 'ko'
          ? [
              '/me/all?q=zzz',
              '/me/choices?said=saved',
              '/me/notices/00000000-0000-4000-8000-000000000000',
              '/unsubscribe/x',
            ]
          : []),
      ];
      expect(notice('corrected')).not.toContain('undefined');
      const faults: string[] = [];
      const look = async (page: Page, name: string) => {
        for (const fault of await findings(page)) faults.push(`${name}: ${fault}`);
        for (const viewport of SHOTS === undefined ? [NARROW] : [NARROW, PHONE, TABLET, DESK]) {
          await page.setViewportSize(viewport);
          if (await scrollsSideways(page)) faults.push(`${name} scrolls sideways at ${viewport.width}`);
          if (SHOTS === undefined) continue;
          const file = `${name.replaceAll(/[^a-z]+/gi, '-').slice(0, 40)}-${viewport.width}-${lang}.png`;
          await page.screenshot({ path: path.join(SHOTS, file), fullPage: true });
        }
        await page.setViewportSize(PHONE);
      };
      const { context, page } = await enter(id, { locale: lang }, lang);
      for (const address of addresses) {
        await page.goto(url + address);
        await look(page, address);
      }
      await page.goto(`${url}/me/choices`);
      await page.locator('#email').fill('nobody');
      await page.locator('#email').press('Enter');
      await page.locator('#email-fault').waitFor();
      await look(page, 'a wrong address');
      await page.locator('#email').fill(`proof${count}@example.kr`);
      await page.locator('#email').press('Enter');
      await page.waitForURL(/\/me\/contacts\//);
      await look(page, 'a code');
      await page.goto(`${url}/check?lang=${lang}`);
      await page.locator('#code').fill(shortCode(rows[0]!.id as never));
      await page.locator('#last').fill('0000');
      await page.locator('#last').press('Enter');
      await page.locator('main .notice').waitFor();
      await look(page, 'a check that finds nothing');
      await context.close();
      const other = await enter(empty, { locale: lang }, lang);
      for (const address of ['/me', '/me/all', '/me/data']) {
        await other.page.goto(url + address);
        await look(other.page, `${address} of who has nothing`);
      }
      await other.context.close();
      expect(faults).toEqual([]);
    },
    120_000,
  );

  test('text of twice the size, words without an end and what is not for one keep their page', async () => {
    const id = await person();
    await taxed(id);
    await it.citizen({ id, email: `${'ab'.repeat(30)}@${'cd'.repeat(30)}.example.kr` });
    const { context, page } = await enter(id);
    const faults: string[] = [];
    const [notice] = await it.rows<{ id: string }>('SELECT id FROM notifications WHERE recipient_id = $1', [
      id,
    ]);
    for (const address of [
      '/me',
      '/me/all',
      `/me/notices/${notice?.id}`,
      '/me/choices',
      '/me/data',
      '/check',
      '/real',
    ]) {
      await page.goto(url + address);
      await page.setViewportSize(NARROW);
      if (await scrollsSideways(page)) faults.push(`${address} scrolls sideways`);
      await page.setViewportSize(PHONE);
      await page.evaluate(`document.documentElement.style.fontSize = '200%'`);
      if (await scrollsSideways(page)) faults.push(`${address} scrolls sideways with large text`);
      if (SHOTS !== undefined)
        await page.screenshot({
          path: path.join(SHOTS, `large-${address.replaceAll(/[^a-z]+/g, '-')}.png`),
          fullPage: true,
        });
    }
    expect(faults).toEqual([]);
    // Somebody on the staff is no citizen: told so, and led to where they can be one.
    const { token } = await site.sessions.open(
      {
        kind: 'staff',
        subject: 'nhis-author',
        name: '김서연',
        agency: 'nhis',
        roles: ['author'],
        locale: 'ko',
      },
      { device: 'Chrome', idToken: null },
    );
    await context.clearCookies();
    await context.addCookies([{ name: 'allim-session', value: token, url }]);
    const answer = await page.goto(`${url}/me/data`);
    expect([answer?.status(), await said(page.locator('h1'))]).toEqual([403, expect.any(String)]);
    expect(await findings(page)).toEqual([]);
    if (SHOTS !== undefined) await page.screenshot({ path: path.join(SHOTS, 'forbidden.png') });
    await context.close();
  });

  test('nothing is fetched from outside', () => {
    expect(outside).toEqual([]);
  });
});
