/** What sign-in and sign-out show, apart from where the identity provider asks. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { html } from '../pages/html.ts';
import { CSRF_FIELD, csrfOf } from './csrf.ts';
import { sendSignInPage } from './page.ts';
import { SIGN_IN_WORDS, type SignInLanguage, type SignInWords } from './words.ts';

export function sendChoice(reply: FastifyReply, language: SignInLanguage, next: string | null): FastifyReply {
  const words = SIGN_IN_WORDS[language];
  const more = next === null ? '' : `&next=${encodeURIComponent(next)}`;
  const way = (as: string, title: string, text: string) =>
    html`<li><a href="/sign-in?as=${as}&lang=${language}${more}"><strong>${title}</strong><span>${text}</span></a></li>`;
  return sendSignInPage(reply, {
    language,
    title: words.choose,
    inLanguage: (one) => `/sign-in?lang=${one}${more}`,
    main: html`<p class="lead">${words.chooseLead}</p><ul class="ways">${way('citizen', words.asCitizen, words.asCitizenLead)}${way('staff', words.asStaff, words.asStaffLead)}</ul>`,
  });
}

export function sendProblem(
  reply: FastifyReply,
  language: SignInLanguage,
  problem: keyof SignInWords['problems'],
  status: number,
): FastifyReply {
  const words = SIGN_IN_WORDS[language];
  const { title, text } = words.problems[problem];
  return sendSignInPage(reply, {
    language,
    title,
    status,
    main: html`<p class="lead">${text}</p><p class="actions"><a class="button" href="/sign-in?lang=${language}">${words.again}</a><a href="/">${words.home}</a></p>`,
  });
}

export function sendSignOut(
  reply: FastifyReply,
  language: SignInLanguage,
  request: FastifyRequest,
): FastifyReply {
  const words = SIGN_IN_WORDS[language];
  return sendSignInPage(reply, {
    language,
    title: words.signOut,
    inLanguage: (one) => `/sign-out?lang=${one}`,
    main: html`<p class="lead">${words.signOutLead}</p><form method="post" action="/sign-out"><input type="hidden" name="${CSRF_FIELD}" value="${csrfOf(request)}"><p class="actions"><button type="submit">${words.signOut}</button><a href="/">${words.home}</a></p></form>`,
  });
}

/** A page in between: a form's redirect may not leave this host (form-action), a page may. */
export function sendSigningOut(reply: FastifyReply, language: SignInLanguage, there: URL): FastifyReply {
  const words = SIGN_IN_WORDS[language];
  return sendSignInPage(reply, {
    language,
    title: words.signingOut,
    head: html`<meta http-equiv="refresh" content="0; url=${there.href}">`,
    main: html`<p class="lead">${words.signingOutLead}</p><p class="actions"><a class="button" href="${there.href}">${words.goOn}</a></p>`,
  });
}

export function sendSignedOut(reply: FastifyReply, language: SignInLanguage): FastifyReply {
  const words = SIGN_IN_WORDS[language];
  return sendSignInPage(reply, {
    language,
    title: words.signedOut,
    inLanguage: (one) => `/sign-out/done?lang=${one}`,
    main: html`<p class="lead">${words.signedOutLead}</p><p class="actions"><a class="button" href="/sign-in?lang=${language}">${words.again}</a><a href="/">${words.home}</a></p>`,
  });
}
