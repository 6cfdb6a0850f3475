/** Ways in for staff, for citizens and for whoever looks at what this is, each with an account to use. */
import { type Html, html } from '../pages/html.ts';
import { aboutOf, type BundledAccount, nameOf, STAFF_ACCOUNTS } from '../sign-in/bundled-accounts.ts';
import { SIGN_IN_WORDS } from '../sign-in/words.ts';
import { type Language, WORDS } from './words.ts';

export type WaysIn = {
  /** Of the bundled provider; null where another is configured, whose accounts nobody knows here. */
  readonly accounts: {
    readonly citizens: readonly BundledAccount[];
    /** Shown where this machine alone can reach the page, else it is told in which file it lies. */
    readonly password: { readonly text: string } | { readonly file: string };
  } | null;
};

/** A text message that left: with its code and the end of its number anybody can check it. */
export type Sample = { readonly code: string; readonly last: string };

/** One agency's people see everything there is: another agency's are the same again. */
export const AGENCY = 'nhis';

type Role = NonNullable<BundledAccount['role']>;

/** Where each role finds something to do at once. */
const PLACES: Readonly<Record<Role, string>> = {
  author: '/console/rules/nhis-general-checkup?step=who',
  approver: '/console',
  operator: '/console/campaigns',
  support: '/console/support',
  auditor: '/console/audit',
  owner: '/console',
};

/** `sample` null: no text message of that agency has left yet. */
export function waysInHtml(
  { accounts }: WaysIn,
  given: { readonly sample: Sample | null; readonly agency: string },
  language: Language,
): Html {
  const { sample, agency } = given;
  const words = WORDS[language];
  const password = accounts?.password ?? null;
  return html`<section id="ways" aria-labelledby="ways-h"><h2 id="ways-h">${words.ways}</h2><p class="lead">${words.waysLead}</p>
${password === null ? '' : passwordHtml(password, language)}
<div class="ways">
<div class="card way"><h3>${words.waysStaff}</h3><p>${words.waysStaffText(agency)}</p>${accounts === null ? signIn('staff', language) : staffHtml(sample, language)}</div>
<div class="card way"><h3>${words.waysCitizen}</h3><p>${words.waysCitizenText}</p>${accounts === null ? signIn('citizen', language) : citizensHtml(accounts.citizens, language)}</div>
<div class="card way"><h3>${words.waysLook}</h3><p>${words.waysLookText}</p>${lookHtml(sample, language)}</div>
</div></section>`;
}

function passwordHtml(password: NonNullable<WaysIn['accounts']>['password'], language: Language): Html {
  const words = WORDS[language];
  if (!('text' in password))
    return html`<p class="ways-password">${words.waysPasswordFile} <code>${password.file}</code></p>`;
  return html`<p class="ways-password"><span>${words.waysPassword}</span> <code id="password">${password.text}</code> <button type="button" class="copy" data-copy="password" data-copied="${words.copied}" hidden>${words.copy}<span class="visually-hidden">: ${words.waysPassword}</span></button></p>`;
}

const signIn = (kind: 'staff' | 'citizen', language: Language): Html =>
  html`<p><a class="button" href="/sign-in?as=${kind}&lang=${language}">${SIGN_IN_WORDS[language].signIn}</a></p>`;

function person(href: string, name: string, beside: string, text: string): Html {
  return html`<li><a class="person-link" href="${href}"><span class="person-name">${name}<span class="quiet">${beside}</span></span><span class="person-text">${text}</span></a></li>`;
}

function staffHtml(sample: Sample | null, language: Language): Html {
  const words = WORDS[language];
  const { roles } = SIGN_IN_WORDS[language];
  const shown = STAFF_ACCOUNTS.filter(({ agency }) => agency === AGENCY || agency === null);
  return html`<ul class="ways-people">${shown.map((one) => {
    const role = one.role!;
    const query = new URLSearchParams({ as: 'staff', lang: language, account: one.id, next: PLACES[role] });
    const task =
      role === 'support' && sample !== null ? words.waysSupport(sample.code) : words.waysTasks[role];
    return person(`/sign-in?${query}`, roles[role], nameOf(one, language), task);
  })}</ul>`;
}

function citizensHtml(citizens: readonly BundledAccount[], language: Language): Html {
  return html`<ul class="ways-people">${citizens.map((one) => {
    const query = new URLSearchParams({ as: 'citizen', lang: language, account: one.id });
    return person(`/sign-in?${query}`, nameOf(one, language), '', aboutOf(one, language));
  })}</ul>`;
}

function lookHtml(sample: Sample | null, language: Language): Html {
  const words = WORDS[language];
  const check = sample === null ? words.waysCheckText : words.waysCheckWith(sample.code, sample.last);
  const rows: readonly (readonly [href: string, name: string, text: string])[] = [
    ['#try', words.tryIt, words.waysTryText],
    ['#outbox', words.outbox, words.waysOutboxText],
    [`/check?lang=${language}`, words.waysCheck, check],
    [`/real?lang=${language}`, words.waysReal, words.waysRealText],
    ['/api/v1/openapi.json', words.waysApi, words.waysApiText],
  ];
  return html`<ul class="ways-people">${rows.map(([href, name, text]) => person(href, name, '', text))}</ul>`;
}
