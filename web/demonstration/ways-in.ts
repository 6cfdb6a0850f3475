/** Ways in for staff, for citizens and for whoever looks at what this is, each with an account to use. */
import { type Html, html } from '../pages/html.ts';
import { nameOf, STAFF_ACCOUNTS } from '../sign-in/bundled-accounts.ts';
import { SIGN_IN_WORDS } from '../sign-in/words.ts';
import { type Language, WORDS } from './words.ts';

export type WaysIn = {
  /** Of the bundled provider; null where another is configured, whose accounts nobody knows here. */
  readonly accounts: {
    readonly citizens: readonly string[];
    /** Shown where this machine alone can reach the page, else it is told in which file it lies. */
    readonly password: { readonly text: string } | { readonly file: string };
  } | null;
};

/** One agency's people see everything there is: another agency's are the same again. */
const AGENCY = 'nhis';

export function waysInHtml({ accounts }: WaysIn, language: Language): Html {
  const words = WORDS[language];
  const titles = SIGN_IN_WORDS[language];
  const at = (kind: 'staff' | 'citizen', account?: string) => {
    const query = new URLSearchParams({ as: kind, lang: language });
    if (account !== undefined) query.set('account', account);
    return `/sign-in?${query}`;
  };
  const staff = STAFF_ACCOUNTS.flatMap((one) =>
    one.role !== null && (one.agency === AGENCY || one.agency === null) ? [{ ...one, role: one.role }] : [],
  );
  const people = (kind: 'staff' | 'citizen') =>
    accounts === null
      ? html`<p><a href="${at(kind)}">${titles.signIn}</a></p>`
      : html`<ul class="ways-people">${
          kind === 'staff'
            ? staff.map(
                (one) =>
                  html`<li><a href="${at('staff', one.id)}">${titles.roles[one.role]}</a> <span class="quiet">${nameOf(one, language)}: ${titles.duties[one.role]}</span></li>`,
              )
            : accounts.citizens.map(
                (id) => html`<li><a href="${at('citizen', id)}"><code>${id}</code></a></li>`,
              )
        }</ul>`;
  const { password } = accounts ?? { password: null };
  return html`<section id="ways" aria-labelledby="ways-h"><h2 id="ways-h">${words.ways}</h2><p class="lead">${words.waysLead}</p>
${
  password === null
    ? ''
    : 'text' in password
      ? html`<p class="ways-password">${words.waysPassword} <code>${password.text}</code></p>`
      : html`<p class="ways-password">${words.waysPasswordFile} <code>${password.file}</code></p>`
}
<div class="ways"><div class="card"><h3>${words.waysStaff}</h3><p>${words.waysStaffText}</p>${people('staff')}</div>
<div class="card"><h3>${words.waysCitizen}</h3><p>${words.waysCitizenText}</p>${people('citizen')}</div>
<div class="card"><h3>${words.waysLook}</h3><p>${words.waysLookText}</p><ul class="ways-people"><li><a href="#try">${words.tryIt}</a></li><li><a href="/check">${words.waysCheck}</a></li><li><a href="/real">${words.waysReal}</a></li><li><a href="/api/v1/openapi.json">${words.waysApi}</a></li></ul></div></div></section>`;
}
