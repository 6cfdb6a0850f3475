/** The citizen app: its four places, a notice in its states, and what is shown where there is nothing, no right or no network. */
import type { Page } from 'playwright-core';
import { LANGUAGES, type Shot, type World } from './shot.ts';

const place = (name: string, at: string, more: Partial<Shot> = {}): Shot => ({
  name: `citizen-${name}`,
  as: ({ citizens }, language) => citizens[language],
  at: () => at,
  languages: LANGUAGES,
  ...more,
});

const openFirst = (from: string) => async (page: Page) => {
  await page.locator(from).first().click();
  await page.waitForURL(/\/me\/notices\//);
};

const idle = (world: World) => world.idle;
/** A thing to do that is no emergency. */
const FIRST_OPEN = '.todo:not(:has(.badge.danger)) .todo-title a';

export const CITIZEN_SHOTS: readonly Shot[] = [
  place('todo', '/me', {
    docs: [
      { language: 'ko', width: 360, file: 'citizen-todo-360-ko', height: 740 },
      { language: 'vi', width: 360, file: 'citizen-todo-360-vi', height: 740 },
    ],
  }),
  place('todo-empty', '/me', { as: idle, languages: ['ko'] }),
  place('all', '/me/all'),
  place('all-none', '/me/all?q=zzz'),
  place('notice', '/me', {
    act: openFirst(FIRST_OPEN),
    docs: [
      { language: 'ko', width: 360, file: 'citizen-notice-360-ko', height: 740 },
      { language: 'en', width: 360, file: 'citizen-notice-360-en', height: 740 },
    ],
  }),
  place('why', '/me', {
    act: async (page) => {
      await openFirst(FIRST_OPEN)(page);
      for (const one of await page.locator('main details > summary').all()) await one.click();
      await page.locator('#why').scrollIntoViewIfNeeded();
    },
  }),
  place('correction', '/me', {
    as: ({ corrected }) => corrected,
    languages: ['ko'],
    act: openFirst('.todo:has(.badge.warning) .todo-title a'),
  }),
  place('choices', '/me/choices', {
    docs: [{ language: 'ko', width: 360, file: 'citizen-choices-360-ko', height: 740 }],
  }),
  place('contacts', '/me/choices', {
    act: async (page) => {
      await page.locator('#email').fill('someone@example.kr');
      await page.locator('form:has(#email) button[type=submit]').click();
      await page.waitForURL(/\/me\/contacts\//);
    },
  }),
  place('data', '/me/data'),
  place('not-found', '/me/notices/00000000-0000-4000-8000-000000000000'),
  place('offline', '/me/offline', { at: (_, language) => `/me/offline?lang=${language}`, as: () => null }),
];
