/**
 * One page of a feed: a GET that takes 30 seconds at most, from looking up the name to the last byte, and 16 MB. Redirects are not followed, and
 * every address is judged when it is dialled. Never throws for what the other side does.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ADDRESS_PRIVATE, allowedEndpoint, publicLookup } from '../domain/public-endpoint.ts';
import type { Feed } from './feeds-file.ts';
import { parseJson } from './json-body.ts';

export type FeedFailure = {
  readonly kind: 'failed';
  /** For whoever looks after the feed; see docs/operations.md. */
  readonly code: string;
  readonly message: string;
  /** The other side asked for so much patience. */
  readonly retryAfterMs?: number;
};
export type FeedPage =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'page';
      readonly events: readonly unknown[];
      /** Absolute; null where this is the last page there is now. */
      readonly next: string | null;
      readonly etag: string | null;
      readonly lastModified: string | null;
    }
  | FeedFailure;

export type PageRequest = {
  readonly feed: Feed;
  readonly url: string;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Ends the request, as somebody who stops. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  readonly maxBytes?: number;
};

const TIMEOUT_MS = 30_000;
const MAX_PAGE_BYTES = 16 * 1_048_576;
export const MAX_PAGE_EVENTS = 10_000;
const MAX_PATIENCE_MS = 3_600_000;

const failed = (code: string, message: string): FeedFailure => ({ kind: 'failed', code, message });

export function fetchPage(wanted: PageRequest): Promise<FeedPage> {
  const { feed, url, timeoutMs = TIMEOUT_MS, maxBytes = MAX_PAGE_BYTES } = wanted;
  const target = feed.allowPrivate ? URL.parse(url) : allowedEndpoint(url, false);
  if (target === null)
    return Promise.resolve(
      failed('address-private', 'the address is private; allowPrivate lets it be called'),
    );
  return new Promise((resolve) => {
    const finish = (page: FeedPage) => {
      clearTimeout(timer);
      resolve(page);
      request.destroy();
    };
    const request = (target.protocol === 'https:' ? httpsRequest : httpRequest)(target, {
      agent: false,
      ...(wanted.signal === undefined ? {} : { signal: wanted.signal }),
      ...(feed.allowPrivate ? {} : { lookup: publicLookup(false) }),
      headers: {
        accept: 'application/cloudevents-batch+json, application/json',
        'accept-encoding': 'identity',
        'user-agent': 'allim',
        ...(wanted.etag === null ? {} : { 'if-none-match': wanted.etag }),
        ...(wanted.lastModified === null ? {} : { 'if-modified-since': wanted.lastModified }),
        ...feed.headers,
      },
    });
    const timer = setTimeout(
      () => finish(failed('timeout', `the page did not end within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    request.on('error', (error: NodeJS.ErrnoException) =>
      finish(
        error.code === ADDRESS_PRIVATE
          ? failed('address-private', 'the name leads to a private address; allowPrivate lets it be called')
          : failed('unreachable', `the feed could not be reached (${error.code ?? 'ESOCKET'})`),
      ),
    );
    request.on('response', (response: IncomingMessage) => {
      response.on('error', () => finish(failed('cut-off', 'the answer was cut off')));
      const refusal = refusalOf(response);
      if (refusal !== null) return finish(refusal);
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) return finish(failed('too-large', `the page has more than ${maxBytes} bytes`));
        chunks.push(chunk);
      });
      response.on('end', () => finish(readPage(wanted, response, Buffer.concat(chunks))));
    });
    request.end();
  });
}

/** What the status line and the headers say already; null where the body is to be read. */
function refusalOf({ statusCode = 0, headers }: IncomingMessage): FeedPage | null {
  if (statusCode === 304) return { kind: 'unchanged' };
  if (statusCode >= 300 && statusCode < 400)
    return failed('redirected', 'the feed redirects, which is not followed; enter the address it leads to');
  if (statusCode < 200 || statusCode >= 300) {
    const seconds = Number(headers['retry-after']);
    return {
      ...failed(`http-${statusCode}`, `the feed answers ${statusCode}`),
      ...(seconds > 0 ? { retryAfterMs: Math.min(MAX_PATIENCE_MS, seconds * 1000) } : {}),
    };
  }
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (!/^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type))
    return failed(
      'not-json',
      `the feed answers ${/^[a-z0-9/.+-]{1,60}$/.test(type) ? type : 'something else'} instead of JSON`,
    );
  return null;
}

/** An array of events whose `Link` header names the next page, or `{ "events": […], "next": "…" }`, where next is a token or an address. */
function readPage({ feed, url }: PageRequest, { headers }: IncomingMessage, body: Buffer): FeedPage {
  let json: unknown;
  try {
    json = parseJson(body);
  } catch (error) {
    return failed('not-json', (error as Error).message.replace('the body', 'the page'));
  }
  const { events, next } = Array.isArray(json)
    ? { events: json, next: undefined }
    : ((json ?? {}) as { events?: unknown; next?: unknown });
  if (!Array.isArray(events))
    return failed('not-events', 'the page is neither an array of events nor an object with events');
  if (events.length > MAX_PAGE_EVENTS)
    return failed('too-large', `the page has more than ${MAX_PAGE_EVENTS} events`);
  const link = linkedNext(headers.link) ?? (typeof next === 'string' && next !== '' ? next : undefined);
  const etag = headers.etag ?? null;
  const lastModified = headers['last-modified'] ?? null;
  if (link === undefined) return { kind: 'page', events, next: null, etag, lastModified };
  const target = nextUrl(feed.url, url, link);
  if (target === null) return failed('cursor-foreign', 'the next page lies on another server');
  return { kind: 'page', events, next: target, etag, lastModified };
}

/** RFC 8288, as far as one link of the relation `next` goes. */
function linkedNext(header: string | string[] | undefined): string | undefined {
  for (const part of [header ?? []]
    .flat()
    .join(', ')
    .split(/,(?=\s*<)/)) {
    const match = /^\s*<([^>]{1,2048})>(.*)$/s.exec(part);
    if (match !== null && /;\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)/i.test(match[2]!))
      return match[1];
  }
  return undefined;
}

function nextUrl(feedUrl: string, pageUrl: string, next: string): string | null {
  if (next.length > 2_048) return null;
  if (!/^(?:https?:\/\/|\/|\?)/.test(next)) {
    const url = new URL(feedUrl);
    url.searchParams.set('cursor', next);
    return url.href;
  }
  const url = URL.parse(next, pageUrl);
  return url !== null && url.origin === new URL(feedUrl).origin && url.username === '' && url.password === ''
    ? url.href
    : null;
}
