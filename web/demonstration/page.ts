/** The page around the sections: head, landmarks, what is said once. Works without JavaScript; with it, the sections follow what happens. */
import type { NotificationId } from '../../domain/ids.ts';
import { shortCode } from '../../domain/short-code.ts';
import { type Html, html } from '../pages/html.ts';
import { FONTS_PATH } from '../ui/assets.ts';
import { type CommandParts, type Examples, everybodyIn, threePeople, yourself } from './commands.ts';
import type { Overview } from './overview.ts';
import { SECTIONS } from './sections.ts';
import { AGENCY, type Sample, type WaysIn, waysInHtml } from './ways-in.ts';
import { type Language, languageName, nameIn, WORDS } from './words.ts';

function shell(language: Language, title: string, path: string, stops: Html, main: Html): string {
  const words = WORDS[language];
  const other = language === 'ko' ? 'en' : 'ko';
  return `<!doctype html>\n${
    html`<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<link rel="icon" href="/icons/allim.svg" type="image/svg+xml"><link rel="stylesheet" href="${FONTS_PATH}"><link rel="stylesheet" href="/demonstration/style.css"><script src="/demonstration/page.js" defer></script></head>
<body><a class="skip" href="#main">${words.skip}</a>
<header><p class="banner"><strong>${words.badge}</strong> ${words.demonstration}</p>
<div class="bar"><a class="brand" href="/demonstration?lang=${language}"><img src="/icons/allim.svg" alt="" width="32" height="32"> ${language === 'ko' ? '알림' : 'Allim'}</a>
<nav aria-label="${words.languages}"><a class="language" href="${path}?lang=${other}" hreflang="${other}" lang="${other}">${languageName(other)}</a></nav></div></header>
${stops}
<main id="main">${main}</main>
<footer><p>${words.foot}</p></footer>
<p id="said" class="visually-hidden" role="status"></p></body></html>`.markup
  }`;
}

function command(
  id: string,
  title: string,
  text: string,
  code: string,
  words: (typeof WORDS)[Language],
): Html {
  return html`<div class="command"><div class="command-head"><div><h3 id="${id}-h">${title}</h3><p>${text}</p></div><button type="button" class="copy" data-copy="${id}" data-copied="${words.copied}" hidden>${words.copy}<span class="visually-hidden">: ${title}</span></button></div><pre id="${id}" class="shell" tabindex="0" role="region" aria-labelledby="${id}-h"><code>${code}</code></pre></div>`;
}

export function mainPage(
  overview: Overview,
  language: Language,
  given: {
    readonly commands: CommandParts;
    readonly examples: Examples;
    readonly waysIn: WaysIn;
    /** One citizen's inbox, and the links to others. */
    readonly inbox: Html | null;
  },
): string {
  const words = WORDS[language];
  const { commands, examples, inbox, waysIn } = given;
  const anchors: [string, string][] = [
    ['ways', words.ways],
    ['try', words.tryIt],
    ['outbox', words.outbox],
    ['week', words.week],
    ['why-not', words.whyNot],
    ['citizen', words.oneCitizen],
    ['services', words.services],
  ];
  const part = (id: keyof typeof SECTIONS) => SECTIONS[id](overview, language);
  return shell(
    language,
    words.title,
    '/demonstration',
    part('stops'),
    html`<div class="intro"><h1>${words.title}</h1><p class="lead">${words.lead}</p>${part('progress')}</div>
${waysInHtml(waysIn, { sample: sampleOf(overview), agency: nameIn(overview.catalogue.agencies.get(AGENCY)?.name, language, AGENCY) }, language)}
${part('figures')}
<nav class="contents" aria-label="${words.sections}"><ul>${anchors.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>
<section id="try" aria-labelledby="try-h"><h2 id="try-h">${words.tryIt}</h2><p class="lead">${words.tryLead}</p>
<div class="try"><div>${command('c1', words.tryOneTitle, words.tryOne, threePeople(commands, examples), words)}
${command('c3', words.tryThreeTitle, words.tryThree, everybodyIn(commands, overview.catalogue), words)}
${command('c2', words.tryTwoTitle, words.tryTwo, yourself(commands, language), words)}</div>
<div class="card live"><h3>${words.live}</h3><p class="live-state" data-on="${words.liveOn}" data-off="${words.liveOff}" data-new="${words.liveNew('%')}"><span class="dot" aria-hidden="true"></span><span class="live-text">${words.liveOff}</span></p>${part('recent')}</div></div></section>
${part('outbox')}
${part('week')}
${part('why-not')}
<section id="citizen" aria-labelledby="citizen-h"><h2 id="citizen-h">${words.oneCitizen}</h2><p class="lead">${words.oneLead}</p>
${inbox ?? html`<p class="quiet">${words.nothing}</p>`}
${others(overview, language)}</section>
${part('services')}`,
  );
}

function sampleOf({ sends }: Overview): Sample | null {
  const text = sends.find(({ agency, channel }) => agency === AGENCY && channel === 'sms');
  return text === undefined
    ? null
    : { code: shortCode(text.notification as NotificationId), last: text.address.slice(-4) };
}

function others({ inboxes }: Overview, language: Language): Html {
  const words = WORDS[language];
  if (inboxes.length === 0) return html``;
  return html`<h3>${words.choose}</h3><ul class="others">${inboxes.map(
    ({ citizen, notices, kind }) =>
      html`<li><a href="/demonstration/citizens/${encodeURIComponent(citizen)}?lang=${language}"><code>${citizen}</code> <span class="quiet">${words.inboxKinds[kind]}${kind === 'full' ? ` ${notices}` : ''}</span></a></li>`,
  )}</ul>`;
}

/** `inbox` null: there is no such citizen. */
export function citizenPage(overview: Overview, language: Language, id: string, inbox: Html | null): string {
  const words = WORDS[language];
  return shell(
    language,
    `${words.oneCitizen} · ${words.title}`,
    `/demonstration/citizens/${encodeURIComponent(id)}`,
    SECTIONS.stops(overview, language),
    html`<div class="intro"><h1>${words.oneCitizen}</h1><p class="lead">${words.oneLead}</p></div>
<section id="citizen" aria-labelledby="notices-h"><h2 id="notices-h" class="visually-hidden">${words.notices}</h2>${inbox ?? html`<p>${words.noCitizen} <code>${id}</code></p>`}</section>
<section aria-labelledby="others-h"><h2 id="others-h" class="visually-hidden">${words.person}</h2>${others(overview, language)}<p><a href="/demonstration?lang=${language}">${words.back}</a></p></section>`,
  );
}
