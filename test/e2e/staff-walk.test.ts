/**
 * Staff on the real path, every role running: two people bring a rule from nothing into force, an event makes it a campaign, it is corrected
 * and stopped, support says why, and a record that could not be read is mended. In Korean and in English; the rule is written, approved and
 * published in each by pointer, every action counted, and by keyboard alone. Doing only what the screen says.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { ROLES } from '../../app/roles.ts';
import { TOPICS } from '../../domain/records.ts';
import { shortCode } from '../../domain/short-code.ts';
import { AUDIT_WORDS } from '../../web/console/client/pages/audit.words.ts';
import { CAMPAIGN_WORDS } from '../../web/console/client/pages/campaign.words.ts';
import { CAMPAIGNS_WORDS } from '../../web/console/client/pages/campaigns.words.ts';
import { QUARANTINE_WORDS } from '../../web/console/client/pages/quarantine.words.ts';
import { SENDING_WORDS } from '../../web/console/client/pages/sending.words.ts';
import { SUPPORT_WORDS } from '../../web/console/client/pages/support.words.ts';
import { TODAY_WORDS } from '../../web/console/client/pages/today.words.ts';
import { ACT_WORDS } from '../../web/console/client/parts/act.words.ts';
import { PUBLISH_WORDS } from '../../web/console/client/rule/publish.words.ts';
import { describeWithChromium } from '../support/chromium.ts';
import { type ConsoleServer, startConsole } from '../support/console-server.ts';
import { eventually } from '../support/eventually.ts';
import { type Hand, keyboard, pointer } from '../support/hands.ts';
import {
  createStaffBrowser,
  findingsOn,
  go,
  type Language,
  type StaffBrowser,
} from '../support/staff-browser.ts';
import { APPROVER, AUTHOR, approveAndPublish, OPERATOR, SUPPORT, writeRule } from '../support/staff-moves.ts';

const PEOPLE = 14;
/** Far enough that nobody is reminded yet. */
const [CLOSES, LATER] = [40, 70].map((days) =>
  Temporal.Now.plainDateISO('Asia/Seoul').add({ days }).toString(),
) as [string, string];
/** Of an author and an approver, from Today; 30 are the most that were allowed. */
const AIM = 18;
const BY_POINTER = `in ${AIM} actions at most`;
const BY_KEYBOARD = 'by keyboard alone, and always see where they are';
const NAMES = {
  ko: { ko: '유방암 검진 두 번째 안내', en: 'Breast screening reminder' },
  en: { ko: '유방암 검진 세 번째 안내', en: 'Breast screening, once more' },
} as const;
const OTHER_NAMES = {
  ko: { ko: '유방암 검진 네 번째 안내', en: 'Breast screening by keys' },
  en: { ko: '유방암 검진 다섯 번째 안내', en: 'Breast screening by pointer' },
} as const;

describeWithChromium('staff', () => {
  let server: ConsoleServer;
  let staff: StaffBrowser;
  beforeAll(async () => {
    server = await startConsole(0, ROLES);
    staff = await createStaffBrowser(server);
    for (let n = 0; n < PEOPLE; n++)
      await server.call('PUT', `/api/v1/citizens/walk-${n}`, {
        attributes: {
          birthDate: `19${70 + 2 * (n % 5)}-05-05`,
          sex: 'F',
          sido: '11',
          sigungu: '11680',
          lastBreastScreening: 2024,
        },
        contactPoints: [
          { channel: 'sms', address: `+8210000012${String(n).padStart(2, '0')}`, verified: true },
        ],
      });
  }, 120_000);
  afterAll(async () => {
    await staff?.close();
    await server?.stop();
  });

  const event = (id: string, obligation: string, sequence: string, closesOn = CLOSES) =>
    server.call('POST', '/api/v1/events', {
      specversion: '1.0',
      id,
      source: '/nhis/screening',
      type: 'kr.nhis.breast-screening-window.opened',
      allimobligation: obligation,
      sequence,
      data: { year: 2026, parity: 0, screenedBefore: 2024, area: 'all', closesOn },
    });

  /** The campaign of an event under the rule that was written, once it is planned. */
  async function campaignOf(id: string, rule: string): Promise<string> {
    let found = '';
    await eventually(async () => {
      const { rows } = await server.context.pool.query<{ id: string }>(
        `SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = $1 AND c.rule_id = $2
           AND (SELECT count(*) FROM notifications n JOIN stage_runs s ON s.id = n.stage_run_id WHERE s.campaign_id = c.id) = $3`,
        [id, rule, PEOPLE],
      );
      found = rows[0]!.id;
    });
    return found;
  }

  async function clean(page: Page): Promise<void> {
    expect([page.url(), await findingsOn(page)]).toEqual([page.url(), []]);
  }

  async function bringIntoForce(
    rule: string,
    name: { readonly ko: string; readonly en: string },
    hand: (page: Page) => Hand,
    language: Language,
  ): Promise<void> {
    const author = await staff.open(AUTHOR, '/', { language });
    const writing = hand(author);
    await writeRule(author, writing, language, name);
    // Who wrote it is not offered to approve it.
    await author.goto(`${server.url}/console/rules/${rule}?step=publish`);
    await author.getByRole('heading', { name: PUBLISH_WORDS[language].next }).waitFor();
    expect(await author.getByRole('button', { name: PUBLISH_WORDS[language].approve }).count()).toBe(0);
    await clean(author);
    const approver = await staff.open(APPROVER, '/', { language });
    const deciding = hand(approver);
    await approveAndPublish(approver, deciding, language);
    const actions = writing.count() + deciding.count();
    process.stdout.write(
      `author to publish: ${actions} ${hand === pointer ? 'actions' : 'presses of keys'}\n`,
    );
    if (hand === pointer) expect(actions).toBeLessThanOrEqual(AIM);
    const { rows } = await server.context.pool.query(
      `SELECT v.definition -> 'stages' AS stages, v.author, v.approver, (SELECT count(*)::int FROM rule_version_texts t
         JOIN templates l ON l.live_id = t.template_version WHERE t.rule_id = r.id) AS texts
       FROM rules r JOIN rule_versions v ON v.rule_id = r.id AND v.version = r.live_version WHERE r.id = $1`,
      [rule],
    );
    expect(rows).toEqual([
      {
        stages: [
          expect.objectContaining({ kind: 'opened', anchor: 'event' }),
          expect.objectContaining({ kind: 'd7', anchor: 'deadline', offset: '-P7D' }),
        ],
        author: 'staff:nhis-author',
        approver: 'staff:nhis-approver',
        texts: 3,
      },
    ]);
    await clean(approver);
  }

  describe.each(['ko', 'en'] as const)('in %s', (language) => {
    const rule = language === 'ko' ? 'nhis-breast-screening-reminder' : 'nhis-breast-screening-once-more';
    const words = {
      act: ACT_WORDS[language],
      campaign: CAMPAIGN_WORDS[language],
      campaigns: CAMPAIGNS_WORDS[language],
      sending: SENDING_WORDS[language],
      support: SUPPORT_WORDS[language],
      quarantine: QUARANTINE_WORDS[language],
      today: TODAY_WORDS[language],
    };
    let operator: Page;
    let first = '';

    /** Opens the dialog, gives a reason and does it. What it said it would do. */
    async function act(label: string, verb: string): Promise<string> {
      await operator.getByRole('button', { name: label, exact: true }).first().click();
      const dialog = operator.locator('dialog[open]');
      await dialog.getByLabel(words.act.why).fill('문구를 다시 봅니다');
      const said = (await dialog.locator('form > div').first().textContent()) ?? '';
      await dialog.getByRole('button', { name: verb, exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
      return said;
    }
    const badge = (state: string) =>
      operator
        .locator('.place-head .badge', { hasText: words.sending.campaignStates[state]! })
        .waitFor({ timeout: 10_000 });

    test(`two people bring a rule into force ${language === 'ko' ? BY_POINTER : BY_KEYBOARD}`, async () => {
      await bringIntoForce(rule, NAMES[language], language === 'ko' ? pointer : keyboard, language);
    }, 60_000);

    test('a stop holds what an event plans; the campaign is paused, let go, and seen to leave', async () => {
      operator = await staff.open(OPERATOR, '/campaigns', { language });
      await act(words.campaigns.stopAll, words.campaigns.stopVerb);
      await operator.locator('.stop-state.danger').waitFor();
      await clean(operator);
      await event(`${language}-1`, `breast-screening/${language}`, '1');
      first = await campaignOf(`${language}-1`, rule);
      await operator.reload();
      await operator.locator(`a[href="/console/campaigns/${first}"]`).click();
      await operator.locator('h1', { hasText: NAMES[language][language] }).waitFor();
      await operator.locator('.sum-whole', { hasText: String(PEOPLE) }).waitFor();
      expect(await act(words.campaign.pause, words.campaign.pause)).toBe(
        words.campaign.pauseWould(String(PEOPLE)),
      );
      await badge('paused');
      await clean(operator);
      await operator.locator('main').getByRole('link', { name: words.campaign.back }).click();
      await act(words.campaigns.goOn, words.campaigns.goOn);
      await operator.locator('.stop-state.success, .stops').first().waitFor();
      await operator.goto(`${server.url}/console/campaigns/${first}`);
      expect(await act(words.campaign.resume, words.campaign.resume)).toBe(
        words.campaign.resumeWould(String(PEOPLE)),
      );
      // Nobody reloads it: the page follows.
      const { sent } = words.campaign.columns;
      await operator
        .locator(`td[data-label="${sent}"]`, { hasText: String(PEOPLE) })
        .first()
        .waitFor();
    }, 60_000);

    test('a correction tells those who were told, and a cancelled campaign keeps what has not left', async () => {
      await event(`${language}-2`, `breast-screening/${language}`, '2', LATER);
      const corrected = await campaignOf(`${language}-2`, rule);
      await go(operator, `/campaigns/${corrected}`);
      await operator.locator('tbody tr', { hasText: words.sending.channels['sms']! }).first().waitFor();
      const { rows } = await server.context.pool.query<{ kind: string; count: number }>(
        `SELECT n.stage_kind AS kind, count(*)::int FROM notifications n JOIN stage_runs s ON s.id = n.stage_run_id
         WHERE s.campaign_id = $1 GROUP BY 1`,
        [corrected],
      );
      expect(rows).toEqual([{ kind: 'corrected', count: PEOPLE }]);
      await clean(operator);

      await operator.goto(`${server.url}/console/campaigns`);
      await act(words.campaigns.stopAll, words.campaigns.stopVerb);
      await event(`${language}-3`, `breast-screening/${language}-b`, '1');
      const third = await campaignOf(`${language}-3`, rule);
      await go(operator, `/campaigns/${third}`);
      expect(await act(words.campaign.cancel, words.campaign.cancel)).toContain(
        words.campaign.cancelWould(String(PEOPLE), 1),
      );
      await badge('cancelled');
      await clean(operator);
      await operator.goto(`${server.url}/console/campaigns`);
      await act(words.campaigns.goOn, words.campaigns.goOn);
    }, 60_000);

    test('support finds the notice by its code, sees what happened to it, and says why', async () => {
      const { rows } = await server.context.pool.query<{ id: string }>(
        `SELECT n.id FROM notifications n JOIN stage_runs s ON s.id = n.stage_run_id WHERE s.campaign_id = $1 LIMIT 1`,
        [first],
      );
      const page = await staff.open(SUPPORT, '/support', { language });
      await page
        .getByLabel(words.support.ways.code, { exact: true })
        .last()
        .fill(shortCode(rows[0]!.id as never));
      await page.getByLabel(words.support.what).fill('왜 문자가 왔나');
      await page.getByRole('button', { name: words.support.look, exact: true }).click();
      for (const step of ['event', 'rule', 'planned', 'sent'] as const)
        await page.locator(`.chain-${step}`, { hasText: words.support.steps[step] }).first().waitFor();
      await page.getByLabel(words.support.whyWhich).selectOption(rule);
      await page.getByRole('button', { name: words.support.whyAsk, exact: true }).click();
      await page.getByText(words.support.reach.certain).waitFor();
      await clean(page);
    }, 60_000);

    test('a record that could not be read is mended and sent again', async () => {
      await server.context.broker.append(TOPICS.events, [
        {
          key: null,
          value: Buffer.from(
            JSON.stringify({
              specversion: '1.0',
              id: `${language}-bad`,
              source: '/nhis/screening',
              type: 'kr.nhis.breast-screening-window.opened',
              data: { year: 2026, parity: 'even', screenedBefore: 2024, area: '26', closesOn: CLOSES },
            }),
          ),
          headers: { 'content-type': 'application/cloudevents+json' },
        },
      ]);
      await eventually(async () => {
        const { rows } = await server.context.pool.query(`SELECT FROM quarantine WHERE state = 'open'`);
        expect(rows).toHaveLength(1);
      });
      await go(operator, '/');
      await operator.getByRole('link', { name: words.today.look }).click();
      await operator.locator('tbody a').first().click();
      const area = operator.getByLabel(words.quarantine.mend);
      await area.fill((await area.inputValue()).replace('"even"', '0'));
      await operator.getByRole('button', { name: words.quarantine.retryMended, exact: true }).click();
      await operator.getByText(words.quarantine.retried(false)).waitFor();
      await clean(operator);
    }, 60_000);
  });

  test.each([
    ['ko', BY_KEYBOARD, 'nhis-breast-screening-by-keys', keyboard],
    ['en', BY_POINTER, 'nhis-breast-screening-by-pointer', pointer],
  ] as const)(
    'in %s two people bring a rule into force %s',
    async (language, _, rule, hand) => {
      await bringIntoForce(rule, OTHER_NAMES[language], hand, language);
    },
    60_000,
  );

  test('no page asked another host for anything, none broke, and the trail is whole', async () => {
    const page = await staff.open({ ...OPERATOR, roles: ['auditor'] }, '/audit');
    await page.getByRole('button', { name: AUDIT_WORDS.ko.check }).click();
    await page.locator('.notice.success').waitFor();
    expect(staff.outside).toEqual([]);
    expect(staff.broken).toEqual([]);
  });
});
