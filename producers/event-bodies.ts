/**
 * CloudEvents over HTTP (HTTP protocol binding 1.0.2): structured mode, batched mode and binary mode, as JSON values for
 * domain/cloud-events.ts. Which mode it is says the content type.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { AllimError } from '../domain/errors.ts';
import { parseJson } from './json-body.ts';

export const EVENT_MEDIA_TYPES = [
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
  'application/json',
] as const;
export const MAX_BATCH_EVENTS = 1_000;

export type EventBody = { readonly batch: boolean; readonly values: readonly unknown[] };

export function readEventBody(headers: IncomingHttpHeaders, body: Uint8Array): EventBody {
  const contentType = (headers['content-type'] ?? '').toLowerCase();
  const mediaType = contentType.split(';', 1)[0]!.trim();
  const charset = /;\s*charset="?([^";\s]+)/.exec(contentType)?.[1];
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'us-ascii')
    throw unsupported(`${charset} is not read; send UTF-8`);
  if (mediaType === 'application/cloudevents-batch+json') return { batch: true, values: readBatch(body) };
  if (mediaType === 'application/cloudevents+json') return { batch: false, values: [parseJson(body)] };
  if (mediaType === 'application/json' && Object.keys(headers).some((name) => name.startsWith('ce-')))
    return { batch: false, values: [readBinary(headers, body)] };
  throw unsupported(
    'send application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers',
  );
}

function unsupported(message: string): AllimError {
  return new AllimError('content-type-unsupported', message);
}

function readBatch(body: Uint8Array): readonly unknown[] {
  const values = parseJson(body);
  const fault = !Array.isArray(values)
    ? 'must be an array of events'
    : values.length > MAX_BATCH_EVENTS
      ? `must have at most ${MAX_BATCH_EVENTS} events`
      : undefined;
  if (fault !== undefined)
    throw new AllimError('event-invalid', `the batch ${fault}`, {
      faults: [{ pointer: '', message: fault }],
    });
  return values as unknown[];
}

/** Header values are percent-encoded UTF-8 (§3.1.3.2); the body is `data`. */
function readBinary(headers: IncomingHttpHeaders, body: Uint8Array): unknown {
  const event: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith('ce-') && typeof value === 'string')
      event[name.slice(3)] = percentDecoded(name.slice(3), value);
  // The body is the event's data, so a fault of it stands there.
  return { ...event, datacontenttype: 'application/json', data: parseJson(body) };
}

function percentDecoded(attribute: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new AllimError('event-invalid', `the header ce-${attribute} is not percent-encoded UTF-8`, {
      faults: [{ pointer: `/${attribute}`, message: 'is not percent-encoded UTF-8' }],
    });
  }
}
