/**
 * CloudEvents 1.0.2 in and out: JSON structured mode and Kafka binary mode (Kafka protocol binding §3.2-3.3).
 * What comes out of here is checked in form; whether its type exists and its data fits is event-types.ts.
 */

import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { CONTROL } from './control-characters.ts';
import { AllimError, type Fault } from './errors.ts';
import type { CloudEvent } from './event.ts';
import { type EventRowId, keyId } from './ids.ts';
import { hasNonFinite, isDeeperThan } from './json-shape.ts';
import { holdsResidentNumber } from './kr/resident-number.ts';
import { needText, type RecordFlaws } from './record-flaws.ts';

/** Attributes we give a meaning; any other lower-case name is an extension that is kept and hashed. */
const KNOWN = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'subject',
  'sequence',
  'expirytime',
  'allimobligation',
  'allimsubjectkey',
  'traceparent',
  'tracestate',
  'datacontenttype',
  'dataschema',
] as const;

/** Tracing says how an event travelled, not what it is. */
const UNHASHED = new Set(['traceparent', 'tracestate']);

const MAX_LENGTH: Readonly<Record<string, number>> = {
  id: 128,
  source: 256,
  type: 128,
  subject: 64,
  allimsubjectkey: 128,
};
const MAX_DATA_DEPTH = 64;
/** In JSON text: an escaped NUL or a lone surrogate, neither of which Postgres can hold. Backslashes before it must be paired. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;
const OBLIGATION = /^[a-z][a-z0-9-]{0,63}\/.{1,128}$/;
const MEDIA_JSON = /^application\/(?:[a-z0-9.+-]+\+)?json\s*(?:;.*)?$/i;

/** RFC 3339 with a year of four digits. Temporal alone also takes zones in brackets and years that the ledger cannot hold. */
const INSTANT = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 as the ledger can hold it. */
export function isInstant(value: string): boolean {
  if (!INSTANT.test(value)) return false;
  try {
    Temporal.Instant.from(value);
    return true;
  } catch {
    return false;
  }
}

function attributeFault(name: string, value: unknown): string | undefined {
  if (typeof value !== 'string') {
    const plain = typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value));
    return plain && !(KNOWN as readonly string[]).includes(name) ? undefined : 'must be a string';
  }
  if (value.length === 0) return 'must not be empty';
  if (CONTROL.test(value) || !value.isWellFormed())
    return 'must not hold control characters or lone surrogates';
  const max = (Object.hasOwn(MAX_LENGTH, name) ? MAX_LENGTH[name] : undefined) ?? 1024;
  if (value.length > max) return `must have at most ${max} characters`;
  if (name === 'specversion' && value !== '1.0') return 'must be "1.0"';
  // They are kept with the event, and the number would be too.
  if ((name === 'subject' || name === 'allimsubjectkey') && holdsResidentNumber(value))
    return 'must not hold a resident registration number';
  if (name === 'sequence' && !/^\d{1,18}$/.test(value)) return 'must be 1 to 18 digits';
  if ((name === 'time' || name === 'expirytime') && !isInstant(value))
    return 'must be an RFC 3339 time with an offset that exists, for example 2026-07-10T09:00:00+09:00';
  if (name === 'allimobligation' && !OBLIGATION.test(value))
    return 'must be kind/ref, for example property-tax/2026-07-000123';
  if (name === 'datacontenttype' && !MEDIA_JSON.test(value)) return 'must be application/json';
  return undefined;
}

/** Parses the JSON object of structured mode. Throws `event-invalid` with every fault. */
export function parseEvent(value: unknown): CloudEvent {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new AllimError('event-invalid', 'an event is a JSON object', {
      faults: [{ pointer: '', message: 'must be an object' }],
    });
  const faults: Fault[] = [];
  const event: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    if (name === 'data' || given === null) continue;
    if (name === 'data_base64')
      faults.push({ pointer: '/data_base64', message: 'binary data is not accepted; give data as JSON' });
    else if (!/^[a-z0-9]{1,20}$/.test(name))
      faults.push({
        pointer: `/${name.slice(0, 40)}`,
        message: 'is no CloudEvents attribute name (a-z, 0-9, at most 20)',
      });
    else {
      const fault = attributeFault(name, given);
      if (fault === undefined) event[name] = given;
      else faults.push({ pointer: `/${name}`, message: fault });
    }
  }
  for (const name of ['specversion', 'id', 'source', 'type'])
    if (!(name in event) && !faults.some((fault) => fault.pointer === `/${name}`))
      faults.push({ pointer: `/${name}`, message: 'is missing' });
  const data = (value as { data?: unknown }).data;
  if (data === null || typeof data !== 'object' || Array.isArray(data))
    faults.push({ pointer: '/data', message: 'must be an object' });
  // First, for what follows recurses.
  else if (isDeeperThan(data, MAX_DATA_DEPTH))
    faults.push({ pointer: '/data', message: `must be nested at most ${MAX_DATA_DEPTH} deep` });
  else if (hasNonFinite(data))
    faults.push({ pointer: '/data', message: 'must not hold numbers beyond what a double can say' });
  else if (UNSTORABLE.test(JSON.stringify(data)))
    faults.push({ pointer: '/data', message: 'must not hold NUL characters or lone surrogates' });
  if (event['subject'] !== undefined && event['allimsubjectkey'] !== undefined)
    faults.push({ pointer: '/allimsubjectkey', message: 'must not stand beside subject' });
  if (faults.length > 0)
    throw new AllimError(
      'event-invalid',
      `the event is not valid: ${faults.map((f) => `${f.pointer} ${f.message}`).join('; ')}`,
      { faults },
    );
  return { ...event, data } as unknown as CloudEvent;
}

function parseJson(value: Uint8Array | null, pointer: string): unknown {
  if (value === null)
    throw new AllimError('event-invalid', 'the record has no value', {
      faults: [{ pointer, message: 'is missing' }],
    });
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch (cause) {
    const message = cause instanceof SyntaxError ? 'is not JSON' : 'is not UTF-8';
    throw new AllimError('event-invalid', `the record ${message}`, { cause, faults: [{ pointer, message }] });
  }
}

/** Headers by lower-case name. One that decides what the event is must stand there once: which of two counts is not ours to choose. */
function headersOf(record: RecordText): Map<string, string> {
  const headers = new Map<string, string>();
  const twice = new Set((record.flaws?.repeated ?? []).map((name) => name.toLowerCase()));
  for (const [name, value] of Object.entries(record.headers)) {
    const lower = name.toLowerCase();
    if (headers.has(lower)) twice.add(lower);
    headers.set(lower, value);
  }
  const faults = [...twice]
    .filter((name) => name.startsWith('ce_') || name === 'content-type')
    .map((name) => ({
      pointer: name === 'content-type' ? '/datacontenttype' : `/${name.slice(3, 43)}`,
      message: 'is given by more than one header',
    }));
  if (faults.length > 0)
    throw new AllimError('event-invalid', 'a header of the event is repeated', { faults });
  return headers;
}

type RecordText = {
  readonly headers: Readonly<Record<string, string>>;
  readonly flaws?: RecordFlaws;
};

/**
 * A Kafka record in binary or structured mode, told apart by its content type as the binding says. Throws `record-corrupt` where key or
 * headers are not UTF-8, `event-invalid` and `content-type-unsupported`.
 */
export function eventOfRecord(record: RecordText & { readonly value: Uint8Array | null }): CloudEvent {
  needText(record);
  const headers = headersOf(record);
  const contentType = headers.get('content-type') ?? '';
  if (/^application\/cloudevents\+json/i.test(contentType)) return parseEvent(parseJson(record.value, ''));
  const event: Record<string, unknown> = {};
  for (const [name, value] of headers) if (name.startsWith('ce_')) event[name.slice(3)] = value;
  if (Object.keys(event).length === 0)
    throw new AllimError(
      'event-invalid',
      'the record is no CloudEvent: neither ce_ headers nor content-type application/cloudevents+json',
      {
        faults: [{ pointer: '', message: 'is no CloudEvent' }],
      },
    );
  if (contentType !== '' && !MEDIA_JSON.test(contentType))
    throw new AllimError(
      'content-type-unsupported',
      `data of type ${contentType.slice(0, 80)} is not accepted; give application/json`,
    );
  if (contentType !== '') event['datacontenttype'] = contentType;
  return parseEvent({ ...event, data: parseJson(record.value, '/data') });
}

/** Binary mode. The key keeps what belongs together in order: citizen or subject key, else obligation, else the event's id. */
export function recordOfEvent(event: CloudEvent): {
  key: string;
  headers: Record<string, string>;
  value: string;
} {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(event))
    if (name !== 'data' && name !== 'datacontenttype' && value !== undefined)
      headers[`ce_${name}`] = String(value);
  return {
    key: event.subject ?? event.allimsubjectkey ?? event.allimobligation ?? event.id,
    headers,
    value: JSON.stringify(event.data),
  };
}

/** SHA-256 over RFC 8785 JSON: the same key with another hash is a conflict. The media type's spelling and tracing do not count. */
export function eventHash(event: CloudEvent): Buffer {
  const hashed: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) {
    if (UNHASHED.has(name) || name === 'datacontenttype') continue;
    // Binary mode knows only strings, so a number or a boolean must hash as its text.
    hashed[name] = name === 'data' ? value : String(value);
  }
  return hash('sha256', canonicalize(hashed) ?? '', 'buffer');
}

export function eventRowId(event: Pick<CloudEvent, 'source' | 'id'>): EventRowId {
  return keyId<EventRowId>('event', event.source, event.id);
}
