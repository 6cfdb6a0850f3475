/** What staff do in the console to bring a rule into force, move by move as the screen suggests it; with either hand, in either language. */
import type { Page } from 'playwright-core';
import { RULES_WORDS } from '../../web/console/client/pages/rules.words.ts';
import { TODAY_WORDS } from '../../web/console/client/pages/today.words.ts';
import { BUILDER_WORDS } from '../../web/console/client/rule/builder.words.ts';
import { PUBLISH_WORDS } from '../../web/console/client/rule/publish.words.ts';
import { RULE_WORDS } from '../../web/console/client/rule/rule.words.ts';
import { TESTS_WORDS } from '../../web/console/client/rule/tests.words.ts';
import type { Someone } from './console-server.ts';
import type { Hand } from './hands.ts';
import type { Language } from './staff-browser.ts';

const person = (role: 'author' | 'approver' | 'operator' | 'support', name: string): Someone => ({
  subject: `nhis-${role}`,
  name,
  agency: 'nhis',
  roles: [role],
});
export const AUTHOR = person('author', '김서연');
export const APPROVER = person('approver', '박도현');
export const OPERATOR = person('operator', '이준호');
export const SUPPORT = person('support', '최유진');

const EVENT = 'kr.nhis.breast-screening-window.opened';

/** Women of 40 and over, in their parity year, not screened since 2024; at the opening and seven days before the end. From Today. */
export async function writeRule(
  page: Page,
  hand: Hand,
  language: Language,
  name: { readonly ko: string; readonly en: string },
): Promise<void> {
  const words = RULE_WORDS[language];
  const { addRule, value } = BUILDER_WORDS[language];
  const { suggest, summary } = TESTS_WORDS[language];
  await hand.follow(new RegExp(`^${RULES_WORDS[language].title}$`));
  await page.getByRole('link', { name: RULES_WORDS[language].fresh }).first().waitFor();
  await hand.follow(new RegExp(RULES_WORDS[language].fresh));
  await page.getByLabel(words.titleKo).waitFor();
  await hand.fill(words.titleKo, name.ko);
  await hand.fill(words.titleEn, name.en);
  await hand.choose(words.event, EVENT);
  await page.getByLabel(addRule).waitFor();
  // The row says “is, female” at once.
  await hand.choose(addRule, 'citizen.sex');
  await page.getByText('성별이 여성일 것').waitFor();
  await hand.choose(addRule, 'yearAge(citizen.birthDate)');
  await hand.fill(value, '40');
  await hand.choose(addRule, 'parity(citizen.birthDate)');
  await hand.choose(addRule, 'citizen.lastBreastScreening');
  await page.getByText('연 나이 40세 이상일 것').waitFor();
  await page.getByText('turning 40 or over in the year').waitFor();
  await page.locator('.counts:not(.old) .count').first().waitFor();
  await hand.tab(words.steps.what);
  await page.locator('.bubble').first().waitFor();
  await hand.tab(words.steps.try);
  await hand.press(suggest);
  await page.getByText(summary(4, 4)).waitFor();
  await hand.press(words.request);
  await page.waitForURL(/\/rules\/nhis-/);
  await page.getByText(RULES_WORDS[language].states.awaiting).first().waitFor();
}

/** From Today, whoever did not write it. */
export async function approveAndPublish(page: Page, hand: Hand, language: Language): Promise<void> {
  const words = PUBLISH_WORDS[language];
  await hand.follow(new RegExp(TODAY_WORDS[language].read));
  await page.getByRole('button', { name: words.approveAndPublish, exact: true }).waitFor();
  // What is approved is seen beside it: the texts as their readers get them, in both languages.
  for (const figure of ['.lock', '.mail', '.bubble'])
    for (const locale of ['ko', 'en'])
      await page
        .locator(`.next ${figure}[lang="${locale}"], .next ${figure} [lang="${locale}"]`)
        .first()
        .waitFor();
  await hand.fill(words.reason, '검진 기간이 시작되어 알립니다');
  await hand.press(words.approveAndPublish);
  await page.locator('.rule-head').getByText(RULES_WORDS[language].states.live).waitFor();
}
