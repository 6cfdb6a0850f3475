/**
 * Campaigns, support, audit, quarantine and health in Chromium, over a ledger with everything in it: seen in Korean and English, wide and
 * narrow, without a finding of axe; acted on by keyboard alone. With ALLIM_SHOTS=folder each state is kept as a picture.
 */
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { AllimError } from '../../domain/errors.ts';
import type { NotificationId } from '../../domain/ids.ts';
import { keyId } from '../../domain/ids.ts';
import { TOPICS } from '../../domain/records.ts';
import { shortCode } from '../../domain/short-code.ts';
import { saveQuarantine } from '../../store/quarantine.ts';
import { mountAssets, readAssets } from '../../web/ui/assets.ts';
import { buildWebOnce } from '../support/built-web.ts';
import { chromiumPath, describeWithChromium } from '../support/chromium.ts';
import { eventually } from '../support/eventually.ts';
import { ADMINISTRATOR } from '../support/http.ts';
import { type Installation, install, taxEvent, windowEvent } from '../support/installation.ts';
import { until } from '../support/looking.ts';
import { saveMergedProfile } from '../support/merged-profile.ts';
import { createStaffApi } from '../support/staff-api.ts';
import { findingsOn, go, settled } from '../support/staff-browser.ts';

const SHOTS = process.env['ALLIM_SHOTS'];
const EVERYTHING = 'author,approver,operator,support,auditor';
const MAY = ['read', 'rules', 'approve', 'publish', 'operate', 'mend', 'support', 'audit'];

describeWithChromium('the pages of staff', () => {
  let it: Installation;
  let api: Awaited<ReturnType<typeof createStaffApi>>;
  let browser: Browser;
  let url = '';
  let campaign = '';
  let notice = '' as NotificationId;
  let record = '';
  const outside: string[] = [];

  beforeAll(async () => {
    buildWebOnce();
    it = await install({ partitions: 1 });
    api = await createStaffApi(it, { looksPerMinute: 100 }, async (app) => {
      const assets = readAssets();
      await mountAssets(app, assets);
      const [ui, script] = [assets.entry('ui'), assets.entry('console')];
      const person = (agency: string) =>
        JSON.stringify({
          id: 'staff:kim',
          name: '김하늘',
          agency: { id: agency, name: { ko: '국민건강보험공단', en: 'National Health Insurance Service' } },
          agencies: [],
          roles: ['operator'],
          may: MAY,
        }).replaceAll('"', '&quot;');
      app.get('/console/*', { config: { permission: 'public' } }, async (request, reply) => {
        const { lang = 'ko', agency = 'nhis' } = request.query as { lang?: string; agency?: string };
        return reply
          .header('content-security-policy', "default-src 'self'; img-src 'self' data:")
          .type('text/html; charset=utf-8')
          .send(`<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>Allim</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="allim-csrf" content="x"><link rel="icon" href="data:,">
${[...ui.styles, ...script.styles].map((href) => `<link rel="stylesheet" href="${href}">`).join('')}
<script type="module" src="${script.script}"></script></head><body class="console"><div id="root" data-person="${person(agency)}"></div></body></html>`);
      });
    });
    await seed();
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    url = `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: chromiumPath(), args: ['--no-sandbox'] });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await api?.close();
    await it?.close();
    expect(outside).toEqual([]);
  });

  async function seed(): Promise<void> {
    for (let at = 0; at < 40; at++)
      await it.citizen({
        id: `e-${at}`,
        ...(at < 12 ? {} : { sms: `+8210500000${String(at).padStart(2, '0')}` }),
        ...(at % 2 === 0 ? { email: `e${at}@example.kr` } : {}),
        profile: { sido: '50', sigungu: '50110' },
      });
    it.providers.sms.answer = ({ address }) =>
      address.endsWith('3')
        ? { kind: 'permanent', code: 'unknown-number' }
        : { kind: 'accepted', reference: null };
    await it.publish(
      windowEvent({ id: 'checkup-2026-jeju', allimobligation: 'checkup/e1', data: { area: '50' } as never }),
    );
    await it.idle();
    await it.publish(
      windowEvent({
        id: 'checkup-2026-jeju-2',
        allimobligation: 'checkup/e2',
        data: { area: '50' } as never,
      }),
    );
    await it.settle();
    await it.publish(taxEvent({ id: 'tax-1', subject: 'e-20', allimobligation: 'property-tax/e1' }));
    const [row] = await it.rows<{ id: string }>(
      `SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = 'checkup-2026-jeju-2'`,
    );
    campaign = row!.id;
    const [told] = await it.rows<{ id: NotificationId; recipient_id: string }>(
      `SELECT n.id, n.recipient_id FROM notifications n JOIN deliveries d ON d.notification_id = n.id WHERE d.status = 'sent' AND n.agency_id = 'nhis' LIMIT 1`,
    );
    notice = told!.id;
    await saveMergedProfile(it, told!.recipient_id, {
      birthDate: '1980-05-05',
      sido: '50',
      sigungu: '50110',
    });
    await saveQuarantine(it.pool, it.sealer, [
      {
        topic: TOPICS.events,
        partition: 0,
        offset: 9,
        key: null,
        headers: {
          ce_id: 'w-bad',
          ce_source: '/nhis/checkup',
          ce_type: 'kr.nhis.checkup-window.opened',
          ce_specversion: '1.0',
        },
        value: Buffer.from(
          JSON.stringify({ year: 2026, parity: 'even', area: '50', closesOn: '2026-12-31' }),
        ),
        error: new AllimError('event-invalid', 'the event is not valid: /data/parity must be integer', {
          faults: [{ pointer: '/data/parity', message: 'must be integer' }],
        }),
        agency: 'nhis',
      },
    ]);
    record = keyId('quarantine', TOPICS.events, 0, 9);
  }

  async function open(
    at: string,
    { language = 'ko', width = 1440, as = `kim:nhis:${EVERYTHING}` } = {},
  ): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      reducedMotion: 'reduce',
      extraHTTPHeaders: { authorization: `Bearer ${ADMINISTRATOR}`, 'x-test-staff': as },
    });
    context.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) outside.push(request.url());
    });
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    const said: string[] = [];
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('console', (message) => said.push(message.text()));
    page.on('requestfailed', (request) => said.push(`${request.url()} ${request.failure()?.errorText}`));
    page.on('response', (response) => {
      if (response.status() >= 400) said.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(`${url}/console${at}${at.includes('?') ? '&' : '?'}lang=${language}`);
    await until(page, 'main h1, main [role="alert"]').catch((error: Error) => {
      throw new Error(`${at}: ${error.message}\n${said.join('\n')}`);
    });
    return page;
  }

  async function look(page: Page, name: string): Promise<void> {
    await settled(page);
    expect([name, await findingsOn(page)]).toEqual([name, []]);
    if (SHOTS !== undefined) await page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
  }

  test.each([
    ['ko', 1440],
    ['en', 768],
    ['ko', 360],
  ])(
    'every page in %s at %i px: nothing that axe finds, nothing that sticks out',
    async (language, width) => {
      const pages = {
        campaigns: '/campaigns',
        campaign: `/campaigns/${campaign}`,
        support: '/support',
        audit: '/audit',
        quarantine: '/quarantine',
        record: `/quarantine/${record}`,
        health: '/health',
      };
      const page = await open(pages.campaigns, { language, width });
      for (const [name, at] of Object.entries(pages)) {
        if (at !== pages.campaigns) await go(page, at);
        await look(page, `${name}-${language}-${width}`);
      }
      await page.context().close();
    },
    120_000,
  );

  test('a campaign is paused, resumed and cancelled by keyboard alone, and the page follows', async () => {
    const page = await open(`/campaigns/${campaign}`);
    await page.getByText('보내는 중').first().waitFor();
    const press = async (label: string): Promise<void> => {
      const button = page.getByRole('button', { name: label, exact: true }).first();
      await button.focus();
      await page.keyboard.press('Enter');
      await page.locator('dialog[open] textarea').focus();
      await page.keyboard.type('문구가 틀렸습니다');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await eventually(async () => expect(await page.locator('dialog[open]').count()).toBe(0));
    };
    await press('잠시 멈추기');
    await page.locator('.place-head .badge', { hasText: '멈춤' }).waitFor();
    await look(page, 'campaign-paused');
    await press('이어서 보내기');
    await page.locator('.place-head .badge', { hasText: '보내는 중' }).waitFor();
    await page.getByRole('button', { name: '취소하기', exact: true }).first().click();
    await page.locator('dialog[open]').waitFor();
    await look(page, 'campaign-cancel-dialog');
    await page.keyboard.press('Escape');
    await press('취소하기');
    await page.locator('.place-head .badge', { hasText: '취소됨' }).waitFor();
    await page.context().close();
  }, 60_000);

  test('support finds a notice by its code, sees what happened, and says why', async () => {
    for (const [language, width] of [
      ['ko', 1440],
      ['en', 360],
    ] as const) {
      const page = await open('/support', { language, width });
      const [text, what] = [
        page.locator('.support-question input[maxlength="64"]'),
        page.locator('.support-question input[maxlength="200"]'),
      ];
      await text.fill(shortCode(notice));
      await what.fill(language === 'ko' ? '왜 문자가 왔나' : 'Why a text came');
      await page.keyboard.press('Enter');
      await until(page, '.chain-sent');
      const rule = page.locator('main section.card select');
      await eventually(async () => expect(await rule.locator('option').count()).toBeGreaterThan(1));
      await rule.selectOption('nhis-general-checkup');
      await page.locator('main section.card form button').click();
      await until(page, 'main section.card h3');
      await look(page, `support-found-${language}-${width}`);
      await page.context().close();
    }
  }, 60_000);

  test('a record is mended and taken in; the trail says so, and is whole', async () => {
    const page = await open(`/quarantine/${record}`);
    const area = page.locator('textarea.record');
    await area.fill((await area.inputValue()).replace('"even"', '0'));
    await page.getByRole('button', { name: '고쳐서 다시 보내기' }).click();
    await page.locator('.notice.success').waitFor();
    await page.goto(`${url}/console/audit`);
    await page.getByRole('button', { name: '기록이 온전한지 확인하기' }).click();
    await page.locator('.notice.success').waitFor();
    expect(await page.locator('table').textContent()).toContain('격리된 기록을 다시 보냄');
    await look(page, 'audit-checked');
    await page.context().close();
  }, 60_000);

  test('who may not see a place is told so', async () => {
    const page = await open('/campaigns/00000000-0000-4000-8000-000000000001');
    await page.locator('[role="alert"]').waitFor();
    await look(page, 'campaign-none');
    await page.context().close();
  });
});
