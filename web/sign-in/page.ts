/** The pages of sign-in: one card in the middle, readable without a style sheet, working without JavaScript. */
import type { FastifyReply } from 'fastify';
import { type PageNeeds, pageHeaders } from '../pages/headers.ts';
import { type Html, html } from '../pages/html.ts';
import { FONTS_PATH } from '../ui/assets.ts';
import { SIGN_IN_LANGUAGES, SIGN_IN_WORDS, type SignInLanguage } from './words.ts';

/** As its readers call it. */
const languageName = (language: SignInLanguage): string =>
  new Intl.DisplayNames(language, { type: 'language' }).of(language) ?? language;

export type SignInPage = {
  readonly language: SignInLanguage;
  readonly title: string;
  readonly main: Html;
  /** Set in head: a refresh, a script of ours. */
  readonly head?: Html;
  /** Shown above the card: whose page this is where it is not Allim's own. */
  readonly badge?: string;
  /** This page in another language; without it none is offered, because going there would lose what is under way. */
  readonly inLanguage?: (language: SignInLanguage) => string;
  readonly needs?: PageNeeds;
  readonly status?: number;
};

export function signInHtml({ language, title, main, head, badge, inLanguage }: SignInPage): string {
  const words = SIGN_IN_WORDS[language];
  return `<!doctype html>\n${
    html`<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title} · Allim</title>
<link rel="icon" href="/icons/allim.svg" type="image/svg+xml"><link rel="stylesheet" href="${FONTS_PATH}"><link rel="stylesheet" href="/sign-in/style.css">${head}</head>
<body><a class="skip" href="#main">${words.skip}</a>
<header><a class="brand" href="/"><img src="/icons/allim.svg" alt="" width="32" height="32"> ${language === 'ko' ? '알림' : 'Allim'}</a>${
      inLanguage === undefined
        ? ''
        : html`<nav aria-label="${words.language}">${SIGN_IN_LANGUAGES.filter((one) => one !== language).map(
            (one) =>
              html`<a href="${inLanguage(one)}" hreflang="${one}" lang="${one}">${languageName(one)}</a>`,
          )}</nav>`
    }</header>
<main id="main" class="card">${badge === undefined ? '' : html`<p class="badge">${badge}</p>`}<h1>${title}</h1>${main}</main></body></html>`
      .markup
  }`;
}

export function sendSignInPage(reply: FastifyReply, page: SignInPage): FastifyReply {
  return pageHeaders(reply, page.language, page.needs)
    .code(page.status ?? 200)
    .type('text/html; charset=utf-8')
    .send(signInHtml(page));
}
