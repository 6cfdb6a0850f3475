/** Open inboxes hear of what comes: soon, once, and only of what is theirs. */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type CitizenSite, createCitizenSite, type Visitor } from '../support/citizen-site.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, taxEvent } from '../support/installation.ts';

let it: Installation;
let site: CitizenSite;
let port = 0;
const open: (() => void)[] = [];

beforeAll(async () => {
  it = await install();
  site = await createCitizenSite(it, { liveEveryMs: 20, liveAliveMs: 40 });
  await site.app.listen({ host: '127.0.0.1', port: 0 });
  port = (site.app.server.address() as AddressInfo).port;
});
afterAll(async () => {
  for (const close of open) close();
  await site.close();
  await it.close();
});

/** What a browser's EventSource would get. */
async function follow(visitor: Visitor, since = it.clock.nowMs()) {
  const events: { kind: string; data: { id: string; tags?: string[] }; atMs: number }[] = [];
  const status = Promise.withResolvers<number>();
  const ended = { yet: false };
  const call = request(
    { port, path: `/api/v1/me/live?since=${since}`, headers: { cookie: visitor.cookie } },
    (answer) => {
      status.resolve(answer.statusCode ?? 0);
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const [, kind, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
          if (kind !== undefined) events.push({ kind, data: JSON.parse(data!), atMs: performance.now() });
          text = text.slice(end + 2);
        }
      });
      answer
        .on('error', () => {})
        .on('end', () => {
          ended.yet = true;
        });
    },
  );
  call.on('error', () => {});
  call.end();
  open.push(() => call.destroy());
  return { events, ended, status: await status.promise };
}

test('a notice that is planned is told within a second, once, to its recipient alone', async () => {
  for (const id of ['c-live', 'c-deaf']) await it.citizen({ id, sms: `+82103333000${id.length}` });
  const mine = await follow(await site.visit('c-live'));
  const other = await follow(await site.visit('c-deaf'));
  expect([mine.status, other.status]).toEqual([200, 200]);
  await it.publish(taxEvent({ id: 'e-live', subject: 'c-live', allimobligation: 'property-tax/live' }));
  await it.settle();
  const plannedMs = performance.now();
  const [event] = await eventually(() => {
    expect(mine.events).toHaveLength(1);
    return mine.events;
  });
  expect(event!.kind).toBe('notice');
  expect(event!.atMs - plannedMs).toBeLessThan(1_000);
  const rows = await it.rows<{ id: string }>('SELECT id FROM notifications WHERE recipient_id = $1', [
    'c-live',
  ]);
  expect(event!.data).toEqual({ id: rows[0]!.id });
  expect(other.events).toEqual([]);

  // Read in one window, told in the others; the notice itself is not told again.
  const visitor = await site.visit('c-live');
  const second = await follow(visitor);
  await visitor.get(`/me/notices/${rows[0]!.id}`);
  await eventually(() => mine.events.some((one) => one.kind === 'read'));
  expect(mine.events.filter((one) => one.kind === 'notice')).toHaveLength(1);
  await eventually(() => second.events.some((one) => one.kind === 'read'));
});

test('what came between the page and the connection is told at once', async () => {
  await it.citizen({ id: 'c-between', sms: '+821033330009' });
  const visitor = await site.visit('c-between');
  const writtenMs = it.clock.nowMs();
  await it.publish(
    taxEvent({ id: 'e-between', subject: 'c-between', allimobligation: 'property-tax/between' }),
  );
  await it.settle();
  const late = await follow(visitor, writtenMs);
  await eventually(() => late.events.length === 1);
});

test('needs a login', async () => {
  const stranger = await follow({ cookie: '' } as Visitor);
  expect(stranger.status).toBe(401);
});

test('ends for whoever was signed out elsewhere, and goes on for the others', async () => {
  await it.citizen({ id: 'c-lost', sms: '+821033330011' });
  const [lost, kept] = [await site.visit('c-lost'), await site.visit('c-lost')];
  const [there, here] = [await follow(lost), await follow(kept)];
  await site.sessions.endOthers({
    kind: 'citizen',
    citizen: 'c-lost',
    session: kept.session,
    locale: 'ko',
  });
  await eventually(() => there.ended.yet);
  await it.publish(taxEvent({ id: 'e-lost', subject: 'c-lost', allimobligation: 'property-tax/lost' }));
  await it.settle();
  await eventually(() => here.events.length === 1);
  expect([there.events, here.ended.yet]).toEqual([[], false]);
});
