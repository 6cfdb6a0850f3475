/**
 * An email as bytes (RFC 5322, 2045, 2047): text and HTML as alternatives, UTF-8 in base64. Written out here because composing with a
 * general library costs more than sending (220 µs a mail against 25), and ours always has the same shape.
 */
export type Mail = {
  readonly from: { readonly name: string; readonly address: string };
  readonly to: string;
  /** Without angle brackets. */
  readonly messageId: string;
  readonly dateMs: number;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** https address that stops mails of this kind with one POST (RFC 8058). */
  readonly unsubscribe?: string | undefined;
};

/** A dot-atom or quoted-free mailbox in ASCII and a domain: anything that could end a header or a command is not an address. */
const MAILBOX =
  /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export function isMailbox(address: string): boolean {
  return address.length <= 254 && MAILBOX.test(address);
}

function base64Lines(text: string): string {
  const encoded = Buffer.from(text, 'utf8').toString('base64');
  return encoded.replace(/.{76}/g, '$&\r\n');
}

/** RFC 2047 encoded words of at most 75 characters, split between code points; plain where it is printable ASCII. */
export function headerText(text: string): string {
  const flat = text.replaceAll(/[\r\n\t]+/g, ' ');
  if (/^[\x20-\x7e]*$/.test(flat) && flat.length <= 900 && !flat.includes('=?')) return flat;
  const words: string[] = [];
  let bytes: number[] = [];
  for (const character of flat) {
    const next = Buffer.from(character, 'utf8');
    if (bytes.length + next.length > 45) {
      words.push(Buffer.from(bytes).toString('base64'));
      bytes = [];
    }
    bytes.push(...next);
  }
  if (bytes.length > 0) words.push(Buffer.from(bytes).toString('base64'));
  return words.map((word) => `=?UTF-8?B?${word}?=`).join('\r\n ');
}

function part(type: string, text: string): string {
  return `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(text)}\r\n`;
}

export function composeMail(mail: Mail): Buffer {
  // base64 never begins a line with "--", so the boundary cannot occur in a part.
  const boundary = '=_allim';
  const name = headerText(mail.from.name);
  const phrase = name.startsWith('=?') ? name : `"${name.replaceAll(/["\\]/g, '\\$&')}"`;
  // RFC 8058 §3.1: both headers, for a mail program to show a button that asks nothing more.
  const unsubscribe =
    mail.unsubscribe === undefined
      ? ''
      : `List-Unsubscribe: <${mail.unsubscribe}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n`;
  const date = new Date(mail.dateMs).toUTCString().replace('GMT', '+0000');
  return Buffer.from(
    `From: ${phrase} <${mail.from.address}>\r\nTo: <${mail.to}>\r\nSubject: ${headerText(mail.subject)}\r\n` +
      `Message-ID: <${mail.messageId}>\r\nDate: ${date}\r\nAuto-Submitted: auto-generated\r\n${unsubscribe}MIME-Version: 1.0\r\n` +
      `Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n` +
      `--${boundary}\r\n${part('text/plain', mail.text)}--${boundary}\r\n${part('text/html', mail.html)}--${boundary}--\r\n`,
    'utf8',
  );
}
