/** Where one says who one is, on the bundled provider: accounts to choose from, a field for another, one password for all. */
import { type Html, html } from '../pages/html.ts';
import { aboutOf, type BundledAccount, nameOf } from './bundled-accounts.ts';
import { SIGN_IN_WORDS, type SignInLanguage } from './words.ts';

export type AccountForm = {
  readonly language: SignInLanguage;
  readonly kind: 'staff' | 'citizen';
  readonly accounts: readonly BundledAccount[];
  readonly agencyName: (agency: string) => string;
  /** Chosen beforehand, by the link that led here or by the try before. */
  readonly chosen: string | null;
  readonly wrong: boolean;
};

function choice(account: BundledAccount, { language, chosen }: AccountForm): Html {
  const words = SIGN_IN_WORDS[language];
  const { id, role } = account;
  const [title, text] =
    role === null
      ? [nameOf(account, language), aboutOf(account, language)]
      : [words.roles[role], `${nameOf(account, language)} · ${words.duties[role]}`];
  return html`<li><label><input type="radio" name="account" value="${id}"${chosen === id ? html` checked` : ''}><span><strong>${title}</strong><span>${text}</span></span></label></li>`;
}

export function accountForm(form: AccountForm): Html {
  const { language, kind, accounts, chosen, wrong } = form;
  const words = SIGN_IN_WORDS[language];
  const groups = Map.groupBy(accounts, ({ agency }) => agency);
  const listed = accounts.some(({ id }) => id === chosen);
  /** Whoever was chosen beforehand has only the password left to type; the others wait behind one line. */
  const first = accounts.find(({ id }) => id === chosen);
  const title = (agency: string | null) =>
    kind === 'citizen' ? words.account : agency === null ? words.owner : form.agencyName(agency);
  const field = html`<div class="field"><label for="password">${words.password}</label><p class="hint" id="password-hint">${words.passwordHint}</p><input type="password" id="password" name="password" maxlength="100" required autocomplete="off" aria-describedby="password-hint${wrong ? ' fault' : ''}"${wrong ? html` aria-invalid="true"` : ''}></div>
<button class="wide" type="submit">${words.signIn}</button>`;
  const all = html`${[...groups].map(([agency, of]) => {
    const others = of.filter((one) => one !== first);
    return others.length === 0
      ? ''
      : html`<fieldset><legend>${title(agency)}</legend><ul class="accounts">${others.map((one) => choice(one, form))}</ul></fieldset>`;
  })}
<div class="field"><label for="typed">${words.otherAccount}</label><p class="hint" id="typed-hint">${words.otherHint[kind]}</p><input type="text" id="typed" name="typed" maxlength="64" autocapitalize="off" spellcheck="false" aria-describedby="typed-hint" value="${chosen !== null && !listed ? chosen : ''}"></div>`;
  return html`<p class="lead">${words.demonstrationLead}</p>
${wrong ? html`<p class="fault" role="alert" id="fault">${words.wrong}</p>` : ''}
<form method="post" autocomplete="off">
${
  first === undefined
    ? html`${all}${field}`
    : html`<fieldset><legend>${title(first.agency)}</legend><ul class="accounts one">${choice(first, form)}</ul></fieldset>${field}<details class="others"><summary>${words.others}</summary>${all}</details>`
}</form>`;
}

/** Signing out there is a form that somebody has to send; a script of ours does where there is JavaScript. */
export function signOutForm(language: SignInLanguage, form: Html): Html {
  const words = SIGN_IN_WORDS[language];
  return html`<p class="lead">${words.signingOutLead}</p>${form}<p class="actions"><button type="submit" form="op.logoutForm" name="logout" value="yes" id="go-on">${words.signOut}</button></p>`;
}
