/**
 * Reads a bounce: a mail whose type is multipart/report; report-type=delivery-status (RFC 6522, 3464). Strict and small: of such a mail three
 * things matter, its headers, one part of plain "name: value" groups, and nothing else; what is not exactly that is not a bounce. Replies from
 * absent people come to the same address, and are none.
 */
import type { NewReceipt } from '../../domain/receipt.ts';

export type Bounce = Pick<NewReceipt, 'verdict' | 'code' | 'addressDead'> & {
  /** The mail's own, where it has one. */
  readonly messageId: string | null;
};

/** Names in small letters; folded lines are joined. A name that comes twice has both values. */
type Fields = ReadonlyMap<string, readonly string[]>;

const MAX_HEADER_BYTES = 64 * 1_024;
const MAX_STATUS_BYTES = 64 * 1_024;
/** Where mail systems write down whom the envelope named. */
const RECIPIENT_FIELDS = ['envelope-to', 'x-original-to', 'delivered-to', 'to'] as const;

/**
 * Enhanced status (RFC 3463) of a failure for good → the address itself is at fault. Anything else that failed for good (a policy, a content, a
 * domain that is misconfigured) says nothing about the mailbox.
 */
const DEAD_ADDRESS = /^5\.(?:1\.(?:1|2|3|6|10)|2\.1)$/;

function readFields(text: string): Fields {
  const fields = new Map<string, string[]>();
  for (const line of text.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/)) {
    const [, name, value = ''] = /^([\x21-\x39\x3b-\x7e]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = fields.get(name.toLowerCase());
    if (known === undefined) fields.set(name.toLowerCase(), [value.trim()]);
    else known.push(value.trim());
  }
  return fields;
}

/** A mail, or a part of one, up to the first empty line and after it. */
function parted(text: string): { readonly head: string; readonly body: string } {
  const [found] = /\r?\n\r?\n/.exec(text) ?? [];
  if (found === undefined) return { head: text, body: '' };
  const at = text.indexOf(found);
  return { head: text.slice(0, at), body: text.slice(at + found.length) };
}

function parameter(type: string, name: string): string | null {
  const [, quoted, plain] =
    new RegExp(`;\\s*${name}\\s*=\\s*(?:"([^"]{1,70})"|([^\\s;"]{1,70}))`, 'i').exec(type) ?? [];
  return quoted ?? plain ?? null;
}

function partsOf(body: string, boundary: string): string[] {
  const lines = body.split(/\r?\n/);
  const parts: string[] = [];
  let current: string[] | null = null;
  for (const line of lines) {
    const end = line.trimEnd();
    if (end !== `--${boundary}` && end !== `--${boundary}--`) {
      current?.push(line);
      continue;
    }
    if (current !== null) parts.push(current.join('\n'));
    if (end.endsWith('--') && end !== `--${boundary}`) return parts;
    current = [];
  }
  // A report that was cut off on its way still says what it says, as far as it came.
  if (current !== null) parts.push(current.join('\n'));
  return parts;
}

/** Local parts before any `@` of whom the mail was for, in the order in which they are to be believed. */
export function recipientsOf(mail: Buffer): string[] {
  const fields = readFields(parted(mail.toString('latin1', 0, MAX_HEADER_BYTES)).head);
  return RECIPIENT_FIELDS.flatMap((name) => fields.get(name) ?? []).flatMap((value) =>
    [...value.matchAll(/([^\s<>@,;:"]{1,64})@[^\s<>@,;:"]+/g)].map(([, local]) => local!),
  );
}

/** null for whatever is not a report of what became of a delivery. */
export function readBounce(mail: Buffer): Bounce | null {
  const { head, body } = parted(mail.toString('latin1'));
  if (head.length > MAX_HEADER_BYTES) return null;
  const fields = readFields(head);
  const type = fields.get('content-type')?.[0] ?? '';
  const boundary = parameter(type, 'boundary');
  if (!/^multipart\/report\s*;/i.test(type) || boundary === null) return null;
  if (parameter(type, 'report-type')?.toLowerCase() !== 'delivery-status') return null;
  const status = partsOf(body, boundary)
    .map(parted)
    .find((part) =>
      /^message\/delivery-status\b/i.test(readFields(part.head).get('content-type')?.[0] ?? ''),
    );
  if (status === undefined || status.body.length > MAX_STATUS_BYTES) return null;
  // The first group is of the message; each further one of a recipient. A mail of ours has one.
  const recipients = status.body
    .split(/\r?\n(?:[ \t]*\r?\n)+/)
    .map(readFields)
    .filter((group) => group.has('action'));
  const group = recipients[0];
  if (recipients.length !== 1 || group === undefined) return null;
  const judged = judge(group);
  return judged === null
    ? null
    : { ...judged, messageId: fields.get('message-id')?.[0]?.slice(0, 998) || null };
}

function judge(group: Fields): Pick<Bounce, 'verdict' | 'code' | 'addressDead'> | null {
  const action = group.get('action')?.[0]?.toLowerCase() ?? '';
  // Some write a word behind it: "5.1.1 (bad destination mailbox address)".
  const code = /^[245]\.\d{1,3}\.\d{1,3}(?=$|\s)/.exec(group.get('status')?.[0] ?? '')?.[0];
  if (code === undefined) return null;
  switch (action) {
    case 'failed':
      return code.startsWith('5')
        ? { verdict: 'permanent', code, addressDead: DEAD_ADDRESS.test(code) }
        : { verdict: 'temporary', code, addressDead: false };
    case 'delivered':
      return { verdict: 'delivered', code, addressDead: false };
    // Still being tried, or handed to a system that says no more.
    case 'delayed':
    case 'relayed':
    case 'expanded':
      return { verdict: 'none', code: `${action} ${code}`, addressDead: false };
    default:
      return null;
  }
}
