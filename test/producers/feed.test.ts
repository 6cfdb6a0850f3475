/** Feeds as agencies serve them, good and bad, on a server of the test's: what is taken, what is said of the rest, and when it is asked again. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { createFeeds, type FeedsParts } from '../../producers/feed.ts';
import { readFeeds } from '../../producers/feeds-file.ts';
import { listFeeds } from '../../store/feeds.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let server: Server;
let url: string;
let now: number;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const asked: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];

beforeAll(async () => {
  api = await createHttpApi({ relay: false });
  server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
});
afterAll(async () => {
  server.close();
  await api.close();
});
beforeEach(() => {
  now = Date.parse('2026-11-22T00:00:00Z');
  asked.length = 0;
});
afterEach(() => api.database.pool.query('TRUNCATE events, feeds, quarantine'));

const event = (id: string, more: Record<string, unknown> = {}) => ({
  specversion: '1.0',
  id,
  source: '/nts/property-tax',
  type: 'kr.nts.property-tax.assessed',
  subject: 'c-1',
  data: { amount: 5, dueOn: '2027-01-31' },
  ...more,
});
const json = (response: ServerResponse, body: unknown, headers: Record<string, string> = {}) =>
  response
    .writeHead(200, { 'content-type': 'application/cloudevents-batch+json', ...headers })
    .end(JSON.stringify(body));

/** Serves pages by path. */
const pages = (given: Record<string, [body: unknown, headers?: Record<string, string>]>) => {
  answer = (request, response) => {
    const page = given[request.url ?? ''];
    if (page === undefined) response.writeHead(404).end();
    else json(response, ...page);
  };
};

function createPoller(more: Partial<FeedsParts> = {}, feed: Record<string, unknown> = {}) {
  return createFeeds({
    ...api,
    pool: api.database.pool,
    clock: { nowMs: () => now },
    logger: silentLogger,
    chance: () => 0.5,
    feeds: readFeeds(
      JSON.stringify({
        feeds: [
          { name: 'tax', agency: 'nts', sources: ['/nts/property-tax'], url, allowPrivate: true, ...feed },
        ],
      }),
    ),
    ...more,
  });
}
const ids = async () =>
  (
    await api.database.pool.query<{ id: string }>('SELECT event_id AS id FROM events ORDER BY event_id')
  ).rows.map(({ id }) => id);
const state = async () => (await listFeeds(api.database.pool, null))[0]!;

describe('a feed that behaves', () => {
  test('is read page by page by links, and from where it ended the next time, conditionally', async () => {
    pages({
      '/events': [[event('1'), event('2')], { link: '</events?page=2>; rel="next", </about>; rel="about"' }],
      '/events?page=2': [[event('3')], { etag: '"v1"' }],
    });
    const feeds = createPoller({}, { headers: { authorization: 'Bearer of-the-feed' } });
    await feeds.poll();
    expect(await ids()).toEqual(['1', '2', '3']);
    expect(asked.map(({ path }) => path)).toEqual(['/events', '/events?page=2']);
    expect(asked[0]!.headers.authorization).toBe('Bearer of-the-feed');
    expect(await state()).toMatchObject({ state: 'ok', accepted: 3, refused: 0, failures: 0 });

    // Not before its time.
    await feeds.poll();
    expect(asked).toHaveLength(2);
    now += 60_000;
    answer = (request, response) => {
      expect(request.headers['if-none-match']).toBe('"v1"');
      response.writeHead(304).end();
    };
    await feeds.poll();
    expect(asked.map(({ path }) => path)).toEqual(['/events', '/events?page=2', '/events?page=2']);
    expect(await state()).toMatchObject({ state: 'ok', accepted: 3 });
  });

  test('may give a token instead of a link', async () => {
    pages({
      '/events': [{ events: [event('1')], next: 'a b&c' }],
      '/events?cursor=a+b%26c': [{ events: [event('2')] }],
    });
    await createPoller().poll();
    expect(await ids()).toEqual(['1', '2']);
  });

  test('repeats itself without harm', async () => {
    pages({ '/events': [[event('1'), event('1')]] });
    const feeds = createPoller();
    await feeds.poll();
    now += 60_000;
    await feeds.poll();
    expect(await ids()).toEqual(['1']);
    expect(await state()).toMatchObject({ accepted: 1, refused: 0, state: 'ok' });
  });

  test('is polled by one of two processes', async () => {
    pages({ '/events': [[event('1')]] });
    await Promise.all([createPoller().poll(), createPoller().poll()]);
    expect(asked).toHaveLength(1);
  });

  test('whose events are partly wrong brings the others; the wrong ones are quarantined once, and can be mended', async () => {
    pages({
      '/events': [[event('1'), event('2', { data: {} }), 'none', event('3', { source: '/nhis/checkup' })]],
    });
    const feeds = createPoller();
    await feeds.poll();
    now += 60_000;
    await feeds.poll();
    expect(await ids()).toEqual(['1']);
    const { rows } = await api.database.pool.query<{
      id: string;
      code: string;
      topic: string;
      agency_id: string;
    }>('SELECT id, code, topic, agency_id FROM quarantine ORDER BY code, id');
    expect(rows.map(({ code }) => code)).toEqual(['event-invalid', 'event-invalid', 'source-foreign']);
    expect(rows[0]).toMatchObject({ topic: 'feed:tax', agency_id: 'nts' });
    const mended = await api.call({
      method: 'POST',
      url: `/api/v1/quarantine/${rows[0]!.id}/retry`,
      payload: { event: event('2') },
    });
    expect(mended.statusCode).toBe(200);
    expect(await ids()).toEqual(['1', '2']);
  });
});

test('the cursor moves only with the events: what cannot be kept is asked for again', async () => {
  pages({
    '/events': [[event('1')], { link: '</events?page=2>; rel=next' }],
    '/events?page=2': [[event('2')]],
  });
  const feeds = createPoller();
  await api.database.pool.query(`ALTER TABLE events ADD CONSTRAINT not_yet CHECK (event_id <> '2')`);
  await feeds.poll();
  expect(await ids()).toEqual(['1']);
  expect(await state()).toMatchObject({ state: 'failing', code: 'not-taken' });
  await api.database.pool.query('ALTER TABLE events DROP CONSTRAINT not_yet');
  now += 600_000;
  await feeds.poll();
  expect(await ids()).toEqual(['1', '2']);
  expect(asked.map(({ path }) => path)).toEqual(['/events', '/events?page=2', '/events?page=2']);
  expect(await state()).toMatchObject({ state: 'ok', code: null });
});

describe('a feed that does not', () => {
  const trickle = (response: ServerResponse, head: string) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write(head);
  };
  test.each<[string, string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['sends HTML', 'not-json', (_, r) => r.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
    [
      'sends HTML and calls it JSON',
      'not-json',
      (_, r) => r.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
    ],
    ['sends another object', 'not-events', (_, r) => json(r, { items: [] })],
    ['never ends', 'timeout', (_, r) => trickle(r, '[')],
    ['is huge', 'too-large', (_, r) => json(r, [event('1', { data: { office: 'x'.repeat(200_000) } })])],
    [
      'is cut off',
      'cut-off',
      (_, r) => {
        r.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' }).write('[');
        setImmediate(() => r.destroy());
      },
    ],
    ['redirects', 'redirected', (_, r) => r.writeHead(302, { location: 'http://169.254.169.254/' }).end()],
    ['has trouble', 'http-503', (_, r) => r.writeHead(503).end()],
    ['names itself as next', 'cursor-repeats', (_, r) => json(r, [], { link: '</events>; rel="next"' })],
    [
      'leads elsewhere',
      'cursor-foreign',
      (_, r) => json(r, [], { link: '<https://example.com/x>; rel="next"' }),
    ],
  ])('%s: %s', async (_name, code, behave) => {
    answer = behave;
    const feeds = createPoller({ limits: { timeoutMs: 300, maxBytes: 100_000 } });
    await feeds.poll();
    const failing = await state();
    expect(failing).toMatchObject({ state: 'failing', code, failures: 1 });
    expect(failing.message).toMatch(/\w+ \w+/);
    // Twice its interval, and then four times.
    expect(failing.nextAt).toEqual(new Date(now + 120_000));
    now += 120_000;
    await feeds.poll();
    expect(await state()).toMatchObject({ failures: 2, nextAt: new Date(now + 240_000) });
    pages({ '/events': [[event('well again')]] });
    now += 240_000;
    await feeds.poll();
    expect(await state()).toMatchObject({ state: 'ok', code: null, failures: 0 });
    expect(await ids()).toEqual(['well again']);
  });

  test('goes backwards: what it brought is kept, and its circle is not followed', async () => {
    pages({
      '/events': [[event('1')], { link: '</events?page=2>; rel=next' }],
      '/events?page=2': [[event('2')], { link: '</events>; rel=next' }],
    });
    await createPoller().poll();
    expect(await ids()).toEqual(['1', '2']);
    expect(asked).toHaveLength(2);
    expect(await state()).toMatchObject({ state: 'failing', code: 'cursor-backwards' });
  });

  test('has a next page for ever is left alone after twenty that brought nothing', async () => {
    let page = 0;
    answer = (_request, response) =>
      json(response, [event('1')], { link: `</events?page=${++page}>; rel=next` });
    await createPoller().poll();
    expect(asked).toHaveLength(21);
    expect(await state()).toMatchObject({ state: 'failing', code: 'endless', accepted: 1 });
  });

  test('asks for patience is given it', async () => {
    answer = (_request, response) => response.writeHead(429, { 'retry-after': '900' }).end();
    await createPoller().poll();
    expect((await state()).nextAt).toEqual(new Date(now + 900_000));
  });

  test('lies inside is not called unless that was allowed', async () => {
    pages({ '/events': [[event('1')]] });
    const poller = createPoller();
    const inside = readFeeds(
      JSON.stringify({
        feeds: [{ name: 'tax', agency: 'nts', sources: ['/x'], url: 'https://127.0.0.1:1/events' }],
      }),
    );
    await createPoller({ feeds: inside }).poll();
    expect(await state()).toMatchObject({ code: 'address-private' });
    const byName = readFeeds(
      JSON.stringify({
        feeds: [{ name: 'tax', agency: 'nts', sources: ['/x'], url: 'https://localhost.localdomain:1/' }],
      }),
    );
    await createPoller({ feeds: byName }).poll();
    expect((await state()).code).toMatch(/^(address-private|unreachable)$/);
    expect(asked).toEqual([]);
    await poller.poll();
    expect(await ids()).toEqual(['1']);
  });

  test('stands still is let go when the process stops', async () => {
    answer = (_request, response) => trickle(response, '[');
    const feeds = createPoller();
    const polled = feeds.poll();
    await new Promise<void>((resolve) => server.once('request', () => resolve()));
    await feeds.stop();
    await polled;
    expect(await state()).toMatchObject({ failures: 0, state: 'ok' });
  });
});

describe('the file of feeds', () => {
  const feed = { name: 'a', agency: 'nts', sources: ['/x'], url: 'https://example.com/' };
  test.each([
    ['{', ['']],
    ['{}', ['/feeds']],
    [JSON.stringify({ feeds: [{ ...feed, url: 'ftp://x' }] }), ['/feeds/0/url']],
    [JSON.stringify({ feeds: [{ ...feed, url: 'http://example.com' }] }), ['/feeds/0/url']],
    [JSON.stringify({ feeds: [{ ...feed, url: 'https://a:b@example.com' }] }), ['/feeds/0/url']],
    [JSON.stringify({ feeds: [feed, feed] }), ['/feeds/1/name']],
    [JSON.stringify({ feeds: [{ ...feed, every: 5 }] }), ['/feeds/0/every']],
    [JSON.stringify({ feeds: [{ ...feed, headers: { a: 'b\nc' } }] }), ['/feeds/0/headers/a']],
  ])('%s names its fault', (text, pointers) => {
    try {
      readFeeds(text);
      throw new Error('was read');
    } catch (error) {
      expect(error).toMatchObject({
        code: 'config-invalid',
        faults: pointers.map((pointer) => ({ pointer })),
      });
    }
  });
});
