/**
 * What happens to citizens, on the whole product: they sign in, prove their addresses, let a device show notices; an agency's event goes its
 * real way through rules, dispatcher and workers to a push service, a mail server and an SMSC on loopback; what left there is what they then
 * see, understand, finish, check and stop. In Korean and in English; the second person's browser has no script at all.
 *
 * A headless Chromium cannot reach its maker's push service, so a device's subscription is one of the sink's, which decrypts by RFC 8291 what
 * comes; the plain text goes to the browser's own service worker by its test protocol, as its push client would give it.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { ownContacts } from '../../store/own-choices.ts';
import { loadWords, type Words } from '../../web/pages/words.ts';
import { sessionCookie } from '../../web/sign-in/cookies.ts';
import { createSessions } from '../../web/sign-in/sessions.ts';
import type { Subscription } from '../sinks/push.ts';
import { chromiumPath, describeWithChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { PROFILE } from '../support/installation.ts';
import { findings, reach, said, scrollsSideways } from '../support/looking.ts';
import { watchShown } from '../support/shown.ts';
import { startWhole, type Whole } from '../support/whole.ts';

const PHONE = { width: 360, height: 740 };
const LANGUAGES = ['ko', 'en'] as const;
type Language = (typeof LANGUAGES)[number];

/** What the notices say, where it is not the app's own. */
const NOTICE = {
  ko: { tax: '재산세', before: '132,000원', after: '118,500원', paid: '77,000원', checkup: '건강검진' },
  en: {
    tax: 'Property tax',
    before: '132,000',
    after: '118,500',
    paid: '77,000',
    checkup: 'check-up',
  },
} as const;

const today = Temporal.Now.plainDateISO('Asia/Seoul');
const DUE = today.add({ days: 21 }).toString();

type Device = { readonly context: BrowserContext; readonly page: Page; readonly errors: string[] };

describeWithChromium('citizens', () => {
  let whole: Whole;
  let browser: Browser;
  let words: Record<Language, Words>;
  const contexts: BrowserContext[] = [];
  const outside: string[] = [];
  let count = 0;

  beforeAll(async () => {
    const languages = await loadWords();
    words = { ko: languages.words('ko'), en: languages.words('en') };
    [whole, browser] = await Promise.all([
      startWhole(),
      chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] }),
    ]);
  }, 120_000);
  // One person's browsers at a time: the protocol of one tells of the workers of all.
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await whole?.stop();
  });

  async function device(lang: Language, options: Parameters<Browser['newContext']>[0] = {}): Promise<Device> {
    const context = await browser.newContext({
      viewport: PHONE,
      reducedMotion: 'reduce',
      locale: lang,
      ...options,
    });
    contexts.push(context);
    context.on('request', (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(whole.url))
        outside.push(request.url());
    });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    return { context, page, errors };
  }

  /** A browser of a citizen who signs in as people do. */
  async function signIn(id: string, ...given: Parameters<typeof device>): Promise<Device> {
    const made = await device(...given);
    const { page } = made;
    await page.goto(`${whole.url}/me`);
    await page.locator('#typed').fill(id);
    await page.locator('#password').fill(whole.password);
    await page.locator('#password').press('Enter');
    await page.waitForURL(`${whole.url}/me`);
    return made;
  }

  /** One that they signed in at before: the way through the provider is walked by those who sign in. */
  async function signedIn(id: string, ...given: Parameters<typeof device>): Promise<Device> {
    const made = await device(...given);
    const { token } = await createSessions(whole.context).open(
      { kind: 'citizen', citizen: id, locale: given[0] },
      { device: 'Chrome', idToken: null },
    );
    await made.context.addCookies([{ name: sessionCookie(false), value: token, url: whole.url }]);
    await made.page.goto(`${whole.url}/me`);
    return made;
  }

  async function person(lang: Language): Promise<string> {
    const id = `c-walk-${lang}-${++count}`;
    await whole.send('PUT', `citizens/${id}`, { attributes: PROFILE, locale: lang });
    return id;
  }
  async function tax(subject: string, name: string, sequence: number, amount: number): Promise<void> {
    await whole.send('POST', 'events', {
      specversion: '1.0',
      id: `walk-${++count}`,
      source: '/nts/property-tax',
      type: 'kr.nts.property-tax.assessed',
      subject,
      allimobligation: `property-tax/${name}`,
      sequence: String(sequence),
      data: { amount, dueOn: DUE },
    });
  }

  /** The last thing that came there, of those that say so. */
  const came = (channel: 'push' | 'mail' | 'sms', address: string, says: RegExp | string = '') =>
    eventually(() => {
      const found = whole.sinks[channel].received.findLast(
        (one) =>
          one.address === address &&
          (typeof says === 'string' ? one.text.includes(says) : says.test(one.text)),
      );
      if (found === undefined) throw new Error(`nothing of ${says} came to ${address}`);
      return found;
    });

  /** An address, proven by what was sent to it. */
  async function prove(page: Page, lang: Language, channel: 'sms' | 'email', address: string, typed: string) {
    const { contacts } = words[lang];
    await page.goto(`${whole.url}/me/choices`);
    await page.locator(`#${channel}`).fill(typed);
    await page.locator(`#${channel}`).press('Enter');
    await page.waitForURL(/\/me\/contacts\//);
    const { text } = await came(channel === 'sms' ? 'sms' : 'mail', address, /\d{6}/);
    await page.locator('#code').fill('000000');
    await page.locator('#code').press('Enter');
    await page.locator('#code-fault').waitFor();
    await page.locator('#code').fill(/(?<!\d)\d{6}(?!\d)/.exec(text)![0]);
    await page.getByRole('button', { name: contacts.confirm }).click();
    expect(await said(page.locator('main'))).toContain(contacts.codeDone);
    expect(await said(page.locator('#contacts'))).toContain(contacts.verified);
  }

  /** The browser's push client as the sink's: its subscription, and the door to the service worker. */
  async function deviceOf({ context, page, errors }: Device, lang: Language, subscription: Subscription) {
    await context.grantPermissions(['notifications'], { origin: whole.url });
    await page.addInitScript((made) => {
      const mine = { ...made, toJSON: () => made, unsubscribe: async () => true };
      let on = localStorage.getItem('test-subscribed') === 'yes';
      Object.assign((globalThis as unknown as { PushManager: { prototype: object } }).PushManager.prototype, {
        getSubscription: async () => (on ? mine : null),
        subscribe: async () => {
          on = true;
          localStorage.setItem('test-subscribed', 'yes');
          return mine;
        },
      });
    }, subscription);
    await page.goto(`${whole.url}/me/choices`);
    // By keyboard, as all of this can be.
    await page.getByRole('button', { name: words[lang].push.yes }).waitFor();
    await reach(page, words[lang].push.yes);
    await page.keyboard.press('Enter');
    await page.getByText(words[lang].push.on).waitFor();
    const devtools = await context.newCDPSession(page);
    let registrationId = '';
    devtools.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      for (const one of registrations)
        if (one.scopeURL === `${whole.url}/me` && !one.isDeleted) registrationId = one.registrationId;
    });
    let active = false;
    devtools.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      for (const one of versions)
        if (one.registrationId === registrationId && one.status === 'activated') active = true;
    });
    devtools.on('ServiceWorker.workerErrorReported', ({ errorMessage }) => {
      errors.push(errorMessage.errorMessage);
    });
    await devtools.send('ServiceWorker.enable');
    await eventually(() => active);
    return {
      deliver: (data: string) =>
        devtools.send('ServiceWorker.deliverPushMessage', {
          origin: whole.url,
          registrationId,
          data,
        }),
      ...(await watchShown(context.serviceWorkers()[0]!)),
    };
  }

  test.each(LANGUAGES)(
    'are pushed to, understand, are corrected and finish, in %s',
    async (lang) => {
      const t = words[lang];
      const says = NOTICE[lang];
      const id = await person(lang);
      const [first, second] = await Promise.all([signIn(id, lang), signedIn(id, lang)]);
      const { page } = first;
      const main = page.locator('main');
      expect(await said(main)).toContain(t.todo.emptyTitle);
      const phone = await deviceOf(second, lang, whole.sinks.push.subscriptionFor(id));

      // The event, on its real way; an inbox is open meanwhile.
      const live = page.waitForResponse((answer) => answer.url().includes('/api/v1/me/live'));
      await page.goto(`${whole.url}/me`);
      await live;
      await tax(id, id, 1, 132_000);
      const pushed = await came('push', id, says.tax);
      await page.locator('.todo').getByText(says.before).first().waitFor();
      expect(await said(page.locator('[data-arrived]'))).toBe(t.todo.arrived);

      // Shown once, however often it comes, and reported.
      await phone.deliver(pushed.text);
      await phone.deliver(pushed.text);
      const { id: tag } = JSON.parse(pushed.text) as { id: string };
      const shown = { title: expect.stringContaining(says.tax), tag };
      await eventually(async () => expect(await phone.shown()).toEqual([shown]));
      await eventually(async () => expect(await statusesOf(id)).toEqual(['delivered']));

      // Read in the other browser, and taken down where it was shown.
      await page.getByRole('link', { name: says.tax }).first().click();
      await page.waitForURL(/\/me\/notices\//);
      for (const part of [t.notice.whyTitle, t.notice.whyLaw, t.notice.realTitle])
        expect(await said(main)).toContain(part);
      await phone.deliver((await came('push', id, '"read":true')).text);
      await eventually(async () => expect(await phone.takenDown()).toEqual([tag]));

      // Its push service gives the device another subscription, long after the session that made the first.
      const renewed = whole.sinks.push.subscriptionFor(`${id}-renewed`);
      const [worker] = second.context.serviceWorkers();
      await worker!.evaluate((fresh) => {
        const event = new Event('pushsubscriptionchange') as Event & Record<string, unknown>;
        event['newSubscription'] = { toJSON: () => fresh };
        event['waitUntil'] = () => {};
        (globalThis as unknown as EventTarget).dispatchEvent(event);
      }, renewed);
      await eventually(async () => expect(await endpointsOf(id)).toContain(renewed.endpoint));

      // A correction has the old and the new, and reaches the device under its new address.
      await tax(id, id, 2, 118_500);
      const corrected = await came('push', `${id}-renewed`, says.after);
      await phone.deliver(corrected.text);
      const correction = JSON.parse(corrected.text) as { id: string };
      await eventually(async () => expect(await phone.shown()).toHaveLength(2));
      expect((await phone.shown())[1]!.tag).toBe(correction.id);
      await page.goto(`${whole.url}/me/open/${correction.id}`);
      const change = page.locator('table.changes');
      expect(await said(change.locator('s').first())).toContain(says.before);
      expect(await said(change.locator('strong').first())).toContain(says.after);
      expect(await findings(page)).toEqual([]);
      await page.getByRole('button', { name: t.notice.done }).click();
      await page.getByText(t.notice.saidTitle).first().waitFor();
      await page.goto(`${whole.url}/me`);
      expect(await said(main)).toContain(t.todo.emptyTitle);
      expect([...first.errors, ...second.errors]).toEqual([]);
    },
    60_000,
  );

  async function statusesOf(recipient: string): Promise<string[]> {
    const { rows } = await whole.context.pool.query<{ status: string }>(
      `SELECT d.status FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month WHERE n.recipient_id = $1`,
      [recipient],
    );
    return rows.map(({ status }) => status);
  }
  async function endpointsOf(citizen: string): Promise<string[]> {
    const points = await ownContacts(whole.context.pool, whole.context.sealer, citizen);
    return points
      .filter(({ channel }) => channel === 'push')
      .map(({ address }) => (JSON.parse(address) as Subscription).endpoint);
  }

  test.each(LANGUAGES)(
    'need no script and no mouse: prove addresses, get mail, check its code, stop it, in %s',
    async (lang) => {
      const t = words[lang];
      const says = NOTICE[lang];
      const id = await person(lang);
      const { page } = await signIn(id, lang, { javaScriptEnabled: false });
      const number = `+82105550${String(1000 + count)}`;
      await prove(page, lang, 'sms', number, `0${number.slice(3)}`);
      const mailbox = `${id}@example.kr`;
      await prove(page, lang, 'email', mailbox, ` ${mailbox} `);

      // The notice comes by mail, the first channel of the rule that there is an address for.
      await tax(id, `${id}-a`, 1, 77_000);
      const mail = await came('mail', mailbox, says.paid);
      await page.goto(`${whole.url}/me`);
      await page.getByRole('link', { name: says.paid }).first().click();
      expect(await said(page.locator('main'))).toContain(t.notice.whyTitle);
      await page.getByRole('button', { name: t.notice.done }).click();
      expect(await said(page.locator('main'))).toContain(t.notice.saidTitle);
      await page.getByRole('link', { name: t.frame.todo }).click();
      expect(await said(page.locator('main'))).toContain(t.todo.emptyTitle);

      // Its code, as somebody else checks it who has the mail and the number.
      const code = /[2-9A-Z]{4}-[2-9A-Z]{2}/.exec(mail.text)![0];
      await page.goto(`${whole.url}/check?lang=${lang}`);
      await page.locator('#code').fill(code);
      await page.locator('#last').fill(number.slice(-4));
      await page.getByRole('button', { name: t.check.submit }).click();
      expect(await said(page.locator('main'))).toContain(t.check.foundTitle);
      expect(await said(page.locator('blockquote'))).toContain(says.paid);
      expect(await scrollsSideways(page)).toBe(false);

      // Looking at the link changes nothing; a mail program's POST (RFC 8058) ends these mails, and the law's notice comes by text.
      const stopped = async () =>
        (
          await whole.context.pool.query(
            'SELECT 1 FROM opt_outs WHERE citizen_id = $1 AND ended_at IS NULL',
            [id],
          )
        ).rows.length;
      const link = /^<(.+)>$/.exec(mail.headers['list-unsubscribe'] ?? '')![1]!;
      expect(mail.headers['list-unsubscribe-post']).toBe('List-Unsubscribe=One-Click');
      expect(link).toContain(`${whole.url}/unsubscribe/`);
      await page.goto(link);
      expect(await said(page.locator('main'))).toContain(t.unsubscribe.title);
      expect(await stopped()).toBe(0);
      const answer = await fetch(link, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'List-Unsubscribe=One-Click',
        redirect: 'manual',
      });
      expect(answer.status).toBe(200);
      expect(await stopped()).toBe(1);
      await tax(id, `${id}-b`, 1, 91_000);
      await came('sms', number, '91,000');
      expect(
        whole.sinks.mail.received.filter(
          ({ address, text }) => address === mailbox && text.includes('91,000'),
        ),
      ).toEqual([]);

      // Taken back where choices are made, and stopped again by the page's own button.
      await page.goto(`${whole.url}/me/choices`);
      await page.locator('#again').getByRole('button').click();
      expect(await stopped()).toBe(0);
      await page.goto(link);
      await page.getByRole('button', { name: t.unsubscribe.submit }).click();
      expect(await said(page.locator('main'))).toContain(t.unsubscribe.doneTitle);
      expect(await stopped()).toBe(1);
    },
    60_000,
  );

  test('choose without a script, and it is in force at once', async () => {
    const [off, on] = [await person('ko'), await person('ko')];
    const t = words.ko;
    const { page } = await signedIn(off, 'ko', { javaScriptEnabled: false });
    await page.locator('nav').getByRole('link', { name: t.frame.choices }).click();
    await page.locator('#c-service').uncheck();
    await page.locator('#categories').getByRole('button').click();
    expect(await said(page.locator('main'))).toContain(t.frame.saved);
    await whole.send('POST', 'events', {
      specversion: '1.0',
      id: `walk-${++count}`,
      source: '/nhis/checkup',
      type: 'kr.nhis.checkup-window.opened',
      allimobligation: `checkup/walk-${count}`,
      data: { year: today.year, parity: 0, area: 'all', closesOn: DUE },
    });
    const inboxOf = async (id: string) =>
      (
        await whole.context.pool.query(
          `SELECT 1 FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
           WHERE n.recipient_id = $1 AND c.category = 'service'`,
          [id],
        )
      ).rows.length;
    await eventually(async () => expect(await inboxOf(on)).toBe(1));
    await eventually(async () => {
      const { rows } = await whole.context.pool.query(`SELECT 1 FROM fanouts WHERE state = 'asked'`);
      expect(rows).toEqual([]);
    });
    expect(await inboxOf(off)).toBe(0);
    // The language too: of the very next page.
    await page.locator('#l-vi').check();
    await page.locator('#language').getByRole('button').click();
    expect(await page.locator('html').getAttribute('lang')).toBe('vi');
    // And what a form refuses is said beside it, with nothing lost.
    for (const channel of ['push', 'email', 'sms']) await page.locator(`#ch-${channel}`).check();
    await page.locator('#channels').getByRole('button').click();
    expect(await page.locator('#channels-fault').isVisible()).toBe(true);
  });

  test.each(LANGUAGES)(
    'go from inbox to why to done by keyboard alone, in %s',
    async (lang) => {
      const t = words[lang];
      const id = await person(lang);
      await tax(id, id, 1, 132_000);
      const { page } = await signedIn(id, lang, { viewport: { width: 1440, height: 900 } });
      await eventually(async () => {
        await page.reload();
        expect(await said(page.locator('main'))).toContain(NOTICE[lang].tax);
      });
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.className')).toBe('skip');
      await page.keyboard.press('Enter');
      await reach(page, NOTICE[lang].tax);
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/me\/notices\//);
      // Why is text, up to the agency's own page of the law it names.
      await reach(page, t.notice.whySource);
      expect(await page.locator('#why').isVisible()).toBe(true);
      await reach(page, t.notice.done, 'Shift+Tab');
      await page.keyboard.press('Space');
      await page.getByText(t.notice.saidTitle).first().waitFor();
      expect(await findings(page)).toEqual([]);
      await reach(page, t.notice.undone);
    },
    30_000,
  );

  test('see what is known of them, who looked and why, and take it along', async () => {
    const id = await person('en');
    await whole.send('POST', 'support/lookups', {
      citizen: id,
      reason: 'The citizen asks whether a tax notice is real',
    });
    const { page } = await signedIn(id, 'en');
    await page.locator('nav').getByRole('link', { name: words.en.frame.data }).click();
    const main = page.locator('main');
    await page.waitForURL(/\/me\/data$/);
    expect(await said(main)).toContain('The citizen asks whether a tax notice is real');
    expect(await said(main)).toContain('1980');
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: words.en.data.export }).click();
    const file = await readFile(await (await download).path(), 'utf8');
    expect(JSON.parse(file)).toMatchObject({
      citizen: id,
      facts: { birthDate: PROFILE.birthDate },
      looks: [{ reason: 'The citizen asks whether a tax notice is real' }],
    });
    expect(await findings(page)).toEqual([]);
  });

  test('and nothing was asked for outside, and no provider saw a fault', () => {
    expect(outside).toEqual([]);
    const { push, mail, sms } = whole.sinks;
    expect([...push.violations, ...mail.violations, ...sms.violations]).toEqual([]);
  });
});
