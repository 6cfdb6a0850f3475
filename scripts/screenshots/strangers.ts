/** What needs no login: the front page, the way in, and the public pages. */
import type { Page } from 'playwright-core';
import { LANGUAGES, type Shot, STAFF_LANGUAGES } from './shot.ts';

const open = (
  name: string,
  at: Shot['at'] | string,
  languages: Shot['languages'],
  more: Partial<Shot> = {},
): Shot => ({
  name,
  as: () => null,
  at: typeof at === 'string' ? (_, language) => `${at}${at.includes('?') ? '&' : '?'}lang=${language}` : at,
  languages,
  ...more,
});

async function check(page: Page, code: string, last: string): Promise<void> {
  await page.locator('#code').fill(code);
  await page.locator('#last').fill(last);
  await page.locator('main button[type=submit]').click();
  await page.locator('main [role=status], main [role=alert]').first().waitFor();
}

export const STRANGER_SHOTS: readonly Shot[] = [
  open('front', '/demonstration', STAFF_LANGUAGES, {
    docs: [{ language: 'ko', width: 1440, file: 'front-1440-ko' }],
  }),
  open(
    'front-citizen',
    ({ citizens }, language) => `/demonstration/citizens/${citizens[language]}?lang=${language}`,
    STAFF_LANGUAGES,
  ),
  open('sign-in', '/sign-in', LANGUAGES),
  open('sign-in-staff', '/sign-in?as=staff&account=nhis-author', STAFF_LANGUAGES),
  open('sign-in-citizen', '/sign-in?as=citizen', LANGUAGES),
  open('sign-in-wrong', '/sign-in?as=staff&account=nhis-author', STAFF_LANGUAGES, {
    act: async (page) => {
      await page.locator('#password').fill('not the password');
      await page.locator('main button[type=submit]').click();
      await page.locator('#fault').waitFor();
    },
  }),
  open('sign-out', '/sign-out/done', LANGUAGES),
  open('public-check', '/check', LANGUAGES),
  open('public-check-found', '/check', LANGUAGES, {
    act: (page, { text }) => check(page, text.code, text.last),
    docs: [{ language: 'ko', width: 360, file: 'public-check-360-ko', height: 740 }],
  }),
  open('public-check-none', '/check', LANGUAGES, { act: (page) => check(page, 'K7Q2-93', '0000') }),
  open('public-check-wrong', '/check', ['ko', 'en'], { act: (page) => check(page, '가나다', '12') }),
  open('public-unsubscribe', ({ unsubscribe }, language) => `${unsubscribe}?lang=${language}`, LANGUAGES),
  open('public-unsubscribe-unknown', '/unsubscribe/x', LANGUAGES),
  open('public-real', '/real', LANGUAGES),
];
