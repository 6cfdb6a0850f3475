/**
 * CloudEvents over HTTP (HTTP protocol binding 1.0.2): structured mode, batched mode and binary mode. Which mode it is says the content type.
 * A batch is read as it arrives and judged in slices, so its length costs no memory.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { AllimError } from '../domain/errors.ts';
import { MAX_EVENT_TEXT_BYTES } from './event-check.ts';
import type { Given } from './event-intake.ts';
import { createArraySplitter, type Element } from './json-array.ts';
import { parseJson } from './json-body.ts';

export const BATCH_MEDIA_TYPE = 'application/cloudevents-batch+json';
export const SINGLE_MEDIA_TYPES = ['application/cloudevents+json', 'application/json'] as const;
export const MAX_BATCH_EVENTS = 10_000;
export const MAX_BATCH_BYTES = 128 * 1_048_576;
/** Of one slice: what is in memory of a batch at a time. */
const SLICE_EVENTS = 500;
const SLICE_BYTES = 1_048_576;

/** `batch`, `structured` or `binary`; throws `content-type-unsupported`. */
export function modeOf(headers: IncomingHttpHeaders): 'batch' | 'structured' | 'binary' {
  const contentType = (headers['content-type'] ?? '').toLowerCase();
  const mediaType = contentType.split(';', 1)[0]!.trim();
  const charset = /;\s*charset="?([^";\s]+)/.exec(contentType)?.[1];
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'us-ascii')
    throw unsupported(`${charset} is not read; send UTF-8`);
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== '')
    throw unsupported('compressed bodies are not read; send it plain');
  if (mediaType === BATCH_MEDIA_TYPE) return 'batch';
  if (mediaType === 'application/cloudevents+json') return 'structured';
  if (mediaType === 'application/json' && Object.keys(headers).some((name) => name.startsWith('ce-')))
    return 'binary';
  throw unsupported(
    'send application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers',
  );
}

function unsupported(message: string): AllimError {
  return new AllimError('content-type-unsupported', message);
}

/** The JSON value of a single event. Throws `request-malformed`, or `event-invalid` for a header. */
export function readSingle(headers: IncomingHttpHeaders, body: Uint8Array): unknown {
  return modeOf(headers) === 'structured' ? parseJson(body) : readBinary(headers, body);
}

/** The body is `data`; everything else stands in headers. */
function readBinary(headers: IncomingHttpHeaders, body: Uint8Array): unknown {
  const event: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith('ce-') && typeof value === 'string')
      event[name.slice(3)] = headerText(name.slice(3), value);
  // The body is the event's data, so a fault of it stands there.
  return { ...event, datacontenttype: 'application/json', data: parseJson(body) };
}

/**
 * A header's value as §3.1.3.2 reads it: quotes and their escapes first, which senders by older versions of the binding use, then one round
 * of percent-decoding, which must give UTF-8. Anything beyond ASCII has to be percent-encoded.
 */
function headerText(attribute: string, value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(value.trim());
  const text = quoted === null ? value : quoted[1]!.replaceAll(/\\(.)/g, '$1');
  try {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII begins with them
    if (/^[\x00-\x7f]*$/.test(text)) return decodeURIComponent(text);
  } catch {
    // Said below.
  }
  throw new AllimError('event-invalid', `the header ce-${attribute} is not percent-encoded UTF-8`, {
    faults: [{ pointer: `/${attribute}`, message: 'is not percent-encoded UTF-8' }],
  });
}

/**
 * The elements of a batch in slices of at most 500. A fault of the array itself ends it: the last element of the last slice is then that
 * fault, and nothing after it was read.
 */
export async function* readBatch(body: AsyncIterable<Uint8Array>): AsyncGenerator<Given[]> {
  const splitter = createArraySplitter(MAX_EVENT_TEXT_BYTES);
  let slice: Given[] = [];
  let sliceBytes = 0;
  let events = 0;
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      for (const element of splitter.push(chunk)) {
        if (++events > MAX_BATCH_EVENTS) throw tooLarge(`more than ${MAX_BATCH_EVENTS} events`);
        slice.push(parsed(element));
        sliceBytes += element.bytes?.length ?? 0;
        if (slice.length < SLICE_EVENTS && sliceBytes < SLICE_BYTES) continue;
        yield slice;
        slice = [];
        sliceBytes = 0;
      }
      if (bytes > MAX_BATCH_BYTES) throw tooLarge(`more than ${MAX_BATCH_BYTES} bytes`);
    }
    splitter.end();
  } catch (error) {
    if (!(error instanceof AllimError)) throw error;
    slice.push({ error });
  }
  if (slice.length > 0) yield slice;
}

function tooLarge(what: string): AllimError {
  const message = `the batch has ${what}; nothing from here on was read`;
  return new AllimError('payload-too-large', message, { faults: [{ pointer: '', message }] });
}

function parsed({ bytes }: Element): Given {
  if (bytes === null) {
    const message = `may have ${MAX_EVENT_TEXT_BYTES} bytes`;
    return {
      error: new AllimError('payload-too-large', 'the event is too large', {
        faults: [{ pointer: '', message }],
      }),
    };
  }
  try {
    return { value: parseJson(bytes) };
  } catch (error) {
    if (error instanceof AllimError) return { error };
    throw error;
  }
}
