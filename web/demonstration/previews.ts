/** What left, as its reader would see it: a phone's lock screen, a mail, a text message. Addresses are made up and shown in part all the same. */
import type { NotificationId } from '../../domain/ids.ts';
import { smsBytes } from '../../domain/kr/sms-bytes.ts';
import { shortCode } from '../../domain/short-code.ts';
import type { Snapshot } from '../../store/catalogue.ts';
import type { ShownSend } from '../../store/simulated-sends.ts';
import { type Html, html, lines } from '../pages/html.ts';
import { clockTime, type Language, nameIn, WORDS } from './words.ts';

/** `+82 10 0••• 1828`, `c•••@mail.example.kr`: enough to tell two apart. */
export function partOfAddress(channel: string, address: string): string {
  if (channel === 'push') {
    const { endpoint } = JSON.parse(address) as { endpoint: string };
    return new URL(endpoint).hostname;
  }
  if (channel === 'email') return address.replace(/^(.{2})[^@]*/, '$1•••');
  return address.replace(/^\+82(\d\d)(\d)\d+(\d{4})$/, '+82 $1-$2•••-$3');
}

const textOf = (content: Readonly<Record<string, unknown>>, part: string): string =>
  typeof content[part] === 'string' ? content[part] : '';

function push(send: ShownSend, from: string, language: Language): Html {
  return html`<div class="lock">
    <p class="lock-time" aria-hidden="true">${clockTime(send.at, language)}</p>
    <div class="lock-note" lang="${send.locale}">
      <p class="lock-from"><img class="lock-icon" src="/icons/allim.svg" alt="">${from}<span class="lock-when">${clockTime(send.at, language)}</span></p>
      <p class="lock-title">${textOf(send.content, 'title')}</p>
      <p class="lock-body">${lines(textOf(send.content, 'body'))}</p>
    </div>
  </div>`;
}

/** The link that stops such mails leads there from here too. */
function mailText(content: Readonly<Record<string, unknown>>): Html {
  const text = textOf(content, 'text').trim();
  const stop = textOf(content, 'unsubscribe');
  if (stop === '' || !text.endsWith(stop)) return lines(text);
  return html`${lines(text.slice(0, -stop.length))}<a class="mail-stop" href="${new URL(stop).pathname}">${stop}</a>`;
}

function email(send: ShownSend, from: string, language: Language): Html {
  return html`<div class="mail">
    <div class="mail-head">
      <span class="mail-avatar" aria-hidden="true">${from.slice(0, 1)}</span>
      <p class="mail-from">${from}<span class="mail-to">${WORDS[language].to}: ${partOfAddress('email', send.address)}</span></p>
      <span class="mail-when">${clockTime(send.at, language)}</span>
    </div>
    <div lang="${send.locale}">
      <p class="mail-subject">${textOf(send.content, 'subject')}</p>
      <p class="mail-body">${mailText(send.content)}</p>
    </div>
  </div>`;
}

function sms(send: ShownSend, language: Language): Html {
  const text = textOf(send.content, 'text');
  const bytes = smsBytes(text);
  return html`<div class="texts">
    <p class="texts-to">${partOfAddress('sms', send.address)} · ${clockTime(send.at, language)}</p>
    <p class="bubble" lang="${send.locale}">${lines(text)}</p>
    <p class="texts-size">${bytes <= 90 ? 'SMS' : 'LMS'} · ${bytes} bytes</p>
  </div>`;
}

/** One sending as its channel shows it, without a frame. */
export function preview(send: ShownSend, catalogue: Snapshot, language: Language): Html {
  const from = nameIn(
    catalogue.agencies.get(send.agency)?.name,
    send.locale === 'ko' ? 'ko' : 'en',
    send.agency,
  );
  if (send.channel === 'push') return push(send, from, language);
  if (send.channel === 'email') return email(send, from, language);
  return sms(send, language);
}

/** With what it is about and a way to the person and the reason. */
export function previewCard(send: ShownSend, catalogue: Snapshot, language: Language): Html {
  const words = WORDS[language];
  const rule = catalogue.rules.get(send.rule)?.rule;
  const type = catalogue.eventTypes.get(send.eventType);
  const code = shortCode(send.notification as NotificationId);
  return html`<li class="card preview" data-key="${send.delivery}">
    ${preview(send, catalogue, language)}
    <p class="because"><span class="tag">${nameIn(rule?.title, language, send.rule)}</span>${
      send.stage === 'corrected' ? html` <span class="tag strong">${words.correction}</span>` : ''
    }</p>
    <p class="because">${words.about}: ${nameIn(type?.title, language, send.eventType)}</p>
    <p class="because"><a href="/demonstration/citizens/${encodeURIComponent(send.recipient)}?lang=${language}#n-${send.notification}">${words.allOf}<span class="visually-hidden">, ${words.code} ${code}</span></a></p>
  </li>`;
}
