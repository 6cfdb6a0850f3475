/** The parts of the page that change while one looks: each a function of what was read, with an id by which the browser replaces it. */
import { type Html, html } from '../pages/html.ts';
import type { Overview } from './overview.ts';
import { previewCard } from './previews.ts';
import { clockTime, count, dayName, type Language, nameIn, WORDS } from './words.ts';

type Section = (overview: Overview, language: Language) => Html;

/** Of a page whose whole is read again, and of every other page too: nobody may overlook that nothing leaves. */
export const stops: Section = ({ stops: inForce, catalogue }, language) => {
  const words = WORDS[language];
  return html`<div id="stops">${
    inForce.length === 0
      ? ''
      : html`<div class="stop" role="alert"><p class="stop-title">${words.stopped}</p><ul>${inForce.map(
          ({ scope, reason, createdAt }) => {
            const [kind = '', which] = scope.split(':');
            const name =
              kind === 'agency'
                ? nameIn(catalogue.agencies.get(which ?? '')?.name, language, which ?? '')
                : kind === 'channel'
                  ? (words.channels[which ?? ''] ?? which)
                  : which;
            const what = `${words.stopOf[kind] ?? kind}${name === undefined ? '' : ` ${name}`}`;
            const since =
              language === 'ko'
                ? `${clockTime(createdAt, language)}${words.stopSince}`
                : `${words.stopSince} ${clockTime(createdAt, language)}`;
            return html`<li><strong>${what}</strong> (${since}): ${reason}</li>`;
          },
        )}</ul></div>`
  }</div>`;
};

const progress: Section = ({ progress: { state, line, counted } }, language) => {
  const words = WORDS[language];
  return html`<div id="progress" class="progress ${state}">
    <p class="progress-state"><span class="dot" aria-hidden="true"></span>${words[state]}${
      state === 'done' && counted !== null
        ? html` <span class="quiet">· ${words.seconds(counted.seconds)}</span>`
        : ''
    }</p>
    ${
      counted === null
        ? html`<p class="quiet" lang="en">${line}</p>`
        : html`<p class="verdict">${words.verdict(counted.lost, counted.unexpected, counted.doubled)}</p><p class="quiet">${words.verdictHow}</p>`
    }
  </div>`;
};

const SENT = new Set(['sent', 'delivered']);
const UNDER_WAY = new Set(['planned', 'sending']);

const figures: Section = ({ totals, rules, deliveries }, language) => {
  const words = WORDS[language];
  const sum = (of: readonly { count: number }[]) => of.reduce((total, one) => total + one.count, 0);
  const sent = (channel: string) =>
    sum(deliveries.filter((d) => d.channel === channel && SENT.has(d.status)));
  const held = sum(deliveries.filter((d) => d.status === 'waiting'));
  const ended = sum(
    deliveries.filter((d) => !SENT.has(d.status) && !UNDER_WAY.has(d.status) && d.status !== 'waiting'),
  );
  const figure = (value: number, name: string, more?: string) =>
    html`<div class="figure"><dt>${name}</dt><dd>${count(value, language)}${more === undefined ? '' : html` <span class="quiet">${more}</span>`}</dd></div>`;
  return html`<section id="figures" aria-labelledby="figures-h"><h2 id="figures-h" class="visually-hidden">${words.figures}</h2><dl class="figures">
    ${figure(totals.events, words.events)}
    ${figure(totals.citizens, words.citizens)}
    ${figure(
      rules.reduce((total, rule) => total + rule.matched, 0),
      words.matched,
    )}
    ${figure(totals.notices, words.notices)}
    ${['push', 'email', 'sms'].map((channel) => figure(sent(channel), words.channels[channel]!))}
    ${figure(held, words.held)}
    ${figure(ended, words.notSent)}
  </dl></section>`;
};

const week: Section = ({ week: rows, catalogue }, language) => {
  const words = WORDS[language];
  const days = Map.groupBy(rows, (row) => row.day);
  const number = (value: number) =>
    html`<td class="number${value === 0 ? ' zero' : ''}">${value === 0 ? '–' : count(value, language)}</td>`;
  return html`<section id="week" aria-labelledby="week-h"><h2 id="week-h">${words.week}</h2><p class="lead">${words.weekLead}</p>
  ${
    rows.length === 0
      ? html`<p class="quiet">${words.nothing}</p>`
      : html`<div class="scroll" tabindex="0" role="group" aria-labelledby="week-h"><table>
    <thead><tr><th scope="col">${words.what}</th><th scope="col">${words.agency}</th><th scope="col" class="number">${words.events}</th><th scope="col" class="number">${words.notices}</th>${[
      'push',
      'email',
      'sms',
    ].map(
      (channel) => html`<th scope="col" class="number">${words.channels[channel]}</th>`,
    )}<th scope="col" class="number">${words.held} · ${words.notSent}</th></tr></thead>
    ${[...days].map(
      ([day, of]) =>
        html`<tbody><tr class="day"><th scope="rowgroup" colspan="8">${dayName(day, language)}</th></tr>${of.map(
          (row) => {
            const type = catalogue.eventTypes.get(row.type);
            const silent = type?.effect === 'settles' || type?.effect === 'withdraws';
            return html`<tr><th scope="row">${nameIn(type?.title, language, row.type)}</th><td class="agency">${nameIn(catalogue.agencies.get(row.agency)?.name, language, row.agency)}</td>${number(row.events)}${
              silent && row.notices === 0
                ? html`<td colspan="5" class="quiet">${words.silent}</td>`
                : html`${number(row.notices)}${number(row.push)}${number(row.email)}${number(row.sms)}${number(row.unsent)}`
            }</tr>`;
          },
        )}</tbody>`,
    )}
  </table></div>`
  }</section>`;
};

/** A mail is as long as two of the others. */
const SHOWN: Readonly<Record<string, number>> = { push: 4, email: 2, sms: 4 };

const outbox: Section = ({ sends, catalogue }, language) => {
  const words = WORDS[language];
  return html`<section id="outbox" aria-labelledby="outbox-h"><h2 id="outbox-h">${words.outbox}</h2><p class="lead">${words.outboxLead}</p>
  <div class="channels">${['push', 'email', 'sms'].map((channel) => {
    const of = sends.filter((send) => send.channel === channel).slice(0, SHOWN[channel]);
    return html`<div class="channel"><h3>${words.channels[channel]}</h3>${
      of.length === 0
        ? html`<p class="quiet">${words.nothing}</p>`
        : html`<ul class="cards">${of.map((send) => previewCard(send, catalogue, language))}</ul>`
    }</div>`;
  })}</div></section>`;
};

const recent: Section = ({ recent: events, catalogue }, language) => {
  const words = WORDS[language];
  return html`<div id="recent">${
    events.length === 0
      ? html`<p class="quiet">${words.nothing}</p>`
      : html`<ol class="recent">${events.map((event) => {
          const sent = (['push', 'email', 'sms'] as const)
            .filter((channel) => event[channel] > 0)
            .map((channel) => `${words.channels[channel]} ${count(event[channel], language)}`);
          const title = nameIn(catalogue.eventTypes.get(event.type)?.title, language, event.type);
          const effect = catalogue.eventTypes.get(event.type)?.effect;
          const silent = effect === 'settles' || effect === 'withdraws';
          const outcome =
            event.state === 'superseded'
              ? words.superseded
              : sent.join(' · ') ||
                (event.notices > 0 ? `${words.notices} ${event.notices}` : silent ? words.silent : '–');
          return html`<li data-key="${event.row}" data-title="${title}"><span class="recent-time">${clockTime(event.receivedAt, language, true)}</span><span class="recent-what"><strong>${title}</strong> <code>${event.id}</code><span class="quiet">${
            event.subject === null
              ? words.everybody
              : html`<a href="/demonstration/citizens/${encodeURIComponent(event.subject)}?lang=${language}">${event.subject}</a>`
          }</span></span><span class="recent-out">${outcome}</span></li>`;
        })}</ol>`
  }</div>`;
};

const whyNot: Section = ({ rules, deliveries, totals, catalogue }, language) => {
  const words = WORDS[language];
  const cell = (value: number) =>
    html`<td class="number${value === 0 ? ' zero' : ''}">${value === 0 ? '–' : count(value, language)}</td>`;
  return html`<section id="why-not" aria-labelledby="why-not-h"><h2 id="why-not-h">${words.whyNot}</h2><p class="lead">${words.whyNotLead}</p>
  <div class="scroll" tabindex="0" role="group" aria-labelledby="why-not-h"><table>
    <thead><tr><th scope="col">${words.rule}</th>${[
      words.matched,
      words.notices,
      words.told,
      words.doneAlready,
      words.replaced,
      words.optedOut,
      words.nobody,
    ].map(
      (name) => html`<th scope="col" class="number">${name}</th>`,
    )}<th scope="col" class="number">${words.noAddress}<br><span class="quiet">(${words.ofThose})</span></th></tr></thead>
    <tbody>${rules.map(
      (row) =>
        html`<tr><th scope="row">${nameIn(catalogue.rules.get(row.rule)?.rule.title, language, row.rule)}</th>${[row.matched, row.notified, row.told, row.done, row.superseded, row.optedOut, row.nobody, row.noAddress].map(cell)}</tr>`,
    )}</tbody></table></div>
  <h3 id="deliveries-h">${words.deliveries}</h3>
  <div class="scroll" tabindex="0" role="group" aria-labelledby="deliveries-h"><table class="narrow">
    <thead><tr><th scope="col">${words.status}</th><th scope="col">${words.reason}</th>${['push', 'email', 'sms'].map((channel) => html`<th scope="col" class="number">${words.channels[channel]}</th>`)}</tr></thead>
    <tbody>${[...Map.groupBy(deliveries, (d) => `${d.status}/${d.reason ?? ''}`)].map(([key, of]) => {
      const [status = '', reason = ''] = key.split('/');
      const of_ = (channel: string) =>
        of.filter((d) => d.channel === channel).reduce((total, d) => total + d.count, 0);
      return html`<tr><th scope="row">${words.statuses[status] ?? status}</th><td>${reason === '' ? '–' : (words.reasons[reason] ?? reason)}</td>${['push', 'email', 'sms'].map((channel) => cell(of_(channel)))}</tr>`;
    })}</tbody></table></div>
  ${totals.unresolved > 0 ? html`<p>${words.unresolved}: ${count(totals.unresolved, language)}</p>` : ''}
  ${totals.quarantine > 0 ? html`<p>${words.quarantine}: ${count(totals.quarantine, language)}</p>` : ''}
  </section>`;
};

const services: Section = ({ services: running, backlog }, language) => {
  const words = WORDS[language];
  const left = Object.entries(backlog).filter(([, value]) => value > 0);
  return html`<section id="services" aria-labelledby="services-h"><h2 id="services-h">${words.services}</h2><p class="lead">${words.servicesLead}</p>
  <div class="scroll" tabindex="0" role="group" aria-labelledby="services-h"><table class="narrow"><thead><tr><th scope="col">${words.part}</th><th scope="col">${words.is}</th><th scope="col">${words.health}</th></tr></thead>
  <tbody>${running.map(
    ({ name, is, ok }) =>
      html`<tr><th scope="row">${words.names[name] ?? name}</th><td lang="en">${is}</td><td><span class="health ${ok ? 'well' : 'ill'}"><span class="dot" aria-hidden="true"></span>${ok ? words.well : words.ill}</span></td></tr>`,
  )}</tbody></table></div>
  <p>${words.backlog}: ${left.length === 0 ? words.idle : left.map(([what, value]) => `${what} ${count(value, language)}`).join(' · ')}</p></section>`;
};

/** In the order of the page; ids are those of the elements. */
export const SECTIONS = {
  stops,
  progress,
  figures,
  recent,
  outbox,
  week,
  'why-not': whyNot,
  services,
} as const satisfies Record<string, Section>;
export type SectionId = keyof typeof SECTIONS;
export const SECTION_IDS = Object.keys(SECTIONS) as readonly SectionId[];
