/**
 * From rendered text to what a channel carries. The source of push is two parts, of email a subject line and the text:
 *   push:  `title: …` on the first line, the body below        email: `subject: …` on the first line, the text below        sms: the text
 * The HTML of an email is made here from its finished text, so the two can never say different things, and everything in it is escaped.
 */
import type { Content } from '../domain/content.ts';
import type { Channel } from '../domain/statuses.ts';

/** The first line of a source, by channel. */
export const HEADINGS: Readonly<Partial<Record<Channel, string>>> = { push: 'title', email: 'subject' };

/** C0 and C1 controls, and the bidirectional controls that make a text read otherwise than it is written. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const CONTROLS = new RegExp(CONTROL.source, 'g');

/** The same values with controls taken out of every string: a line break in an agency's data must not begin a line of ours. */
export function cleanValues<T>(value: T): T {
  if (typeof value === 'string') return (CONTROL.test(value) ? value.replace(CONTROLS, ' ') : value) as T;
  if (typeof value !== 'object' || value === null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const key in value) {
    const before: unknown = value[key];
    const after = cleanValues(before);
    if (after !== before) {
      copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
      copy[key] = after;
    }
  }
  return (copy ?? value) as T;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return /[&<>"']/.test(text) ? text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]!) : text;
}

/** What stands below every mail that can be stopped; a language without its own line is told in English. */
const UNSUBSCRIBE: Readonly<Record<string, string>> = {
  ko: '이런 메일을 그만 받으려면:',
  en: 'To stop emails of this kind:',
  vi: 'Để ngừng nhận email loại này:',
};

function footer(locale: string): string {
  return UNSUBSCRIBE[locale.split('-', 1)[0]!] ?? UNSUBSCRIBE['en']!;
}

/** Paragraphs are parted by an empty line. Only the rule's own action becomes a link: nothing in an agency's data can. */
function htmlOf(
  locale: string,
  subject: string,
  text: string,
  url: string | undefined,
  unsubscribe: string | undefined,
): string {
  let html = escapeHtml(text);
  const link = url === undefined ? undefined : escapeHtml(url);
  if (link !== undefined && html.includes(link))
    html = html.replace(link, () => `<a href="${link}">${link}</a>`);
  const body = html
    .split('\n\n')
    .map((paragraph) => paragraph.trim())
    .join('</p><p>')
    .replaceAll('\n', '<br>');
  const stop = unsubscribe === undefined ? '' : escapeHtml(unsubscribe);
  const below =
    stop === ''
      ? ''
      : `<p style="font-size:14px"><a href="${stop}">${escapeHtml(footer(locale).replace(/:$/, ''))}</a></p>`;
  return `<!doctype html><html lang="${escapeHtml(locale)}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(subject)}</title></head><body style="font-size:17px;line-height:1.6;max-width:40em"><p>${body}</p>${below}</body></html>`;
}

function split(text: string, heading: string): [first: string, rest: string] {
  const end = text.indexOf('\n');
  const first = end < 0 ? text : text.slice(0, end);
  return [first.slice(heading.length + 1).trim(), end < 0 ? '' : text.slice(end + 1).trim()];
}

/** `text` is what a source that passed the check rendered to; `unsubscribe` is where a mail of its kind is stopped. */
export function contentOf(
  channel: Channel,
  locale: string,
  text: string,
  url: string | undefined,
  unsubscribe?: string,
): Content {
  if (channel === 'sms') return { channel, text: text.trim() };
  const [first, rest] = split(text, HEADINGS[channel]!);
  if (channel === 'push') return { channel, title: first, body: rest };
  const html = htmlOf(locale, first, rest, url, unsubscribe);
  if (unsubscribe === undefined) return { channel, subject: first, text: rest, html };
  return { channel, subject: first, text: `${rest}\n\n${footer(locale)}\n${unsubscribe}`, html, unsubscribe };
}
