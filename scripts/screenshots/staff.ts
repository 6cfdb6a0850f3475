/** The console: every place and its main states, by whoever works there. */
import type { Page } from 'playwright-core';
import { type Shot, STAFF_LANGUAGES } from './shot.ts';

const LIVE_RULE = 'nhis-breast-screening';
const STEPS = ['who', 'when', 'what', 'try', 'publish'] as const;

type Role = 'author' | 'approver' | 'operator' | 'support' | 'auditor';

const place = (
  name: string,
  role: Role | 'owner',
  at: string | Shot['at'],
  more: Partial<Shot> = {},
): Shot => ({
  name: `staff-${name}`,
  as: () => (role === 'owner' ? 'owner' : `nhis-${role}`),
  at: typeof at === 'string' ? () => `/console${at}` : at,
  languages: STAFF_LANGUAGES,
  ...more,
});

/** The audience stands beside every step, and takes a moment. */
const counted = (page: Page) => page.locator('.audience .counts:not(.old)').waitFor();

/** Answers in the server's place. */
const answer = (path: string, status: number, body: object) => async (page: Page) => {
  await page.route(`**${path}`, (route) =>
    route.fulfill({ status, contentType: 'application/json', body: JSON.stringify(body) }),
  );
};

async function lookUp(page: Page, code: string, asked: string): Promise<void> {
  await page.locator('.support-question input[required]').first().fill(code);
  await page.locator('.support-question input[required], .support-question textarea').last().fill(asked);
  await page.locator('.support-question button[type=submit]').click();
  await page.locator('[aria-live] ol, [aria-live] h2').first().waitFor();
}

export const STAFF_SHOTS: readonly Shot[] = [
  place('today', 'approver', '/', {
    docs: [{ language: 'ko', width: 1440, file: 'console-today-1440-ko' }],
  }),
  place('rules', 'author', '/rules'),
  ...STEPS.map((step) =>
    place(`rule-${step}`, 'author', `/rules/${LIVE_RULE}?step=${step}`, {
      act: counted,
      ...(step === 'who'
        ? {
            docs: [{ language: 'ko', width: 1440, file: 'console-rule-1440-ko', height: 840 }],
          }
        : step === 'when' || step === 'what'
          ? {
              docs: [
                {
                  language: step === 'when' ? 'ko' : 'en',
                  width: 1440,
                  file: `console-rule-${step}-1440`,
                  height: 740,
                },
              ],
            }
          : {}),
    }),
  ),
  place('rule-text', 'author', `/rules/${LIVE_RULE}?step=who`, {
    act: async (page) => {
      await counted(page);
      await page.locator('.card button[aria-pressed=false]').last().click();
    },
  }),
  place('rule-new', 'author', '/rules/new'),
  place(
    'rule-approval',
    'approver',
    ({ approval }) => `/console/rules/${approval.rule}?version=${approval.version}&step=publish`,
    { act: counted },
  ),
  place('campaigns', 'operator', '/campaigns'),
  place('campaign', 'operator', ({ campaign }) => `/console/campaigns/${campaign}`, {
    docs: [{ language: 'ko', width: 1440, file: 'console-campaign-1440-ko' }],
  }),
  place('campaign-cancel', 'operator', ({ campaign }) => `/console/campaigns/${campaign}`, {
    act: (page) => page.locator('main button.danger').last().click(),
  }),
  place('quarantine', 'operator', '/quarantine'),
  place('quarantined', 'operator', ({ quarantined }) => `/console/quarantine/${quarantined}`),
  place('health', 'operator', '/health'),
  place('support', 'support', '/support'),
  place('support-chain', 'support', '/support', {
    act: (page, { text }, language) =>
      lookUp(page, text.code, language === 'ko' ? '검진 안내가 맞는지' : 'whether the notice is ours'),
    docs: [{ language: 'ko', width: 1440, file: 'console-support-1440-ko' }],
  }),
  place('audit', 'auditor', '/audit'),
  place('today-owner', 'owner', '/'),
  place('forbidden', 'author', '/audit'),
  place('not-found', 'author', '/nowhere'),
  place('empty', 'operator', '/campaigns', {
    before: answer('/api/v1/campaigns?*', 200, { campaigns: [], next: null }),
  }),
  place('error', 'operator', '/campaigns', {
    before: answer('/api/v1/campaigns?*', 500, {
      type: 'about:blank',
      title: 'internal-error',
      code: 'internal-error',
      status: 500,
    }),
  }),
  place('loading', 'operator', '/campaigns', {
    before: async (page) => {
      await page.route('**/api/v1/campaigns?*', () => {});
    },
  }),
  place('stopped', 'operator', '/', {
    before: answer('/api/v1/stops', 200, {
      stops: [
        {
          scope: 'agency:nhis',
          reason: '금액이 잘못된 안내를 보고 멈췄습니다',
          createdBy: 'staff:nhis-operator',
          createdAt: '2026-11-23T05:00:00.000Z',
        },
      ],
    }),
  }),
];
