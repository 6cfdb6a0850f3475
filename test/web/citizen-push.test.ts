/** Browsers that show notices: what is taken and what is not, renewal without a session, taking down elsewhere; and the service worker's own logic. */
import { createECDH, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { shortId } from '../../domain/ids.ts';
import { isPushService, PUSH_SERVICES } from '../../domain/push-services.ts';
import { isPoint, readSubscription } from '../../producers/push-subscription.ts';
import {
  isKept,
  keeperOf,
  languageOf,
  partsOf,
  readPushed,
  remember,
} from '../../web/citizen/client/shown.ts';
import { type CitizenSite, createCitizenSite, type Visitor } from '../support/citizen-site.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, taxEvent } from '../support/installation.ts';

let it: Installation;
let site: CitizenSite;

beforeAll(async () => {
  it = await install();
  site = await createCitizenSite(it, { pushKey: 'B'.repeat(87) });
});
afterAll(async () => {
  await site.close();
  await it.close();
});

function subscription(name: string) {
  const key = createECDH('prime256v1');
  key.generateKeys();
  return {
    endpoint: `https://fcm.googleapis.com/fcm/send/${name}`,
    keys: { p256dh: key.getPublicKey().toString('base64url'), auth: randomBytes(16).toString('base64url') },
  };
}

const subscribe = (visitor: Visitor, payload: object) =>
  site.app.inject({
    method: 'POST',
    url: '/api/v1/me/push',
    headers: { cookie: visitor.cookie, 'x-allim-csrf': visitor.csrf },
    payload,
  });
const endpoints = async (citizen: string) =>
  (
    await it.rows<{ n: number }>(
      `SELECT count(*) AS n FROM contact_points WHERE citizen_id = $1 AND channel = 'push'`,
      [citizen],
    )
  )[0]!.n;

describe('a subscription', () => {
  test('is taken for whoever is signed in, and ends where they end it', async () => {
    const visitor = await site.visit('c-sub');
    const made = subscription('a');
    const answer = await subscribe(visitor, made);
    expect(answer.statusCode).toBe(201);
    expect(await endpoints('c-sub')).toBe(1);
    expect((await subscribe(visitor, made)).statusCode).toBe(201);
    expect(await endpoints('c-sub')).toBe(1);
    const ended = await site.app.inject({
      method: 'DELETE',
      url: '/api/v1/me/push',
      headers: { cookie: visitor.cookie, 'x-allim-csrf': visitor.csrf },
      payload: { endpoint: made.endpoint },
    });
    expect(ended.statusCode).toBe(204);
    expect(await endpoints('c-sub')).toBe(0);
  });

  test('is refused without a session, and without its token', async () => {
    expect(
      (await site.app.inject({ method: 'POST', url: '/api/v1/me/push', payload: subscription('b') }))
        .statusCode,
    ).toBe(401);
    const visitor = await site.visit('c-sub');
    const forged = await site.app.inject({
      method: 'POST',
      url: '/api/v1/me/push',
      headers: { cookie: visitor.cookie },
      payload: subscription('b'),
    });
    expect(forged.statusCode).toBe(403);
  });

  test.each([
    ['http', { endpoint: 'http://fcm.googleapis.com/x' }],
    ['another host', { endpoint: 'https://evil.example/fcm.googleapis.com' }],
    ['a host that ends alike', { endpoint: 'https://xfcm.googleapis.com/' }],
    ['an address inside', { endpoint: 'https://169.254.169.254/latest' }],
    ['loopback', { endpoint: 'http://127.0.0.1:1/push' }],
    ['a port', { endpoint: 'https://fcm.googleapis.com:8443/x' }],
    ['a dot behind the host', { endpoint: 'https://fcm.googleapis.com./x' }],
    ['an address mapped into IPv6', { endpoint: 'https://[::ffff:169.254.169.254]/x' }],
    ['a password', { endpoint: 'https://a:b@fcm.googleapis.com/x' }],
    ['no point', { keys: { p256dh: 'AAAA', auth: randomBytes(16).toString('base64url') } }],
    ['a short secret', { keys: { ...subscription('x').keys, auth: 'AAAA' } }],
    ['nothing', { endpoint: undefined }],
  ])('with %s is refused', async (_, more) => {
    const answer = await subscribe(await site.visit('c-bad'), { ...subscription('c'), ...more });
    expect([answer.statusCode, (answer.json() as { code: string }).code]).toEqual([422, 'request-invalid']);
    expect(await endpoints('c-bad')).toBe(0);
  });

  test('whose key is as long as a point and none is refused', () => {
    const { keys } = subscription('d');
    const bytes = Buffer.from(keys.p256dh, 'base64url');
    expect(isPoint(keys.p256dh)).toBe(true);
    bytes[64] = bytes[64]! ^ 1;
    expect(isPoint(bytes.toString('base64url'))).toBe(false);
    expect(isPoint(Buffer.concat([Buffer.from([4]), Buffer.alloc(64)]).toString('base64url'))).toBe(false);
  });

  test('is one of twenty: the oldest goes', async () => {
    const visitor = await site.visit('c-many');
    for (let n = 0; n < 22; n++) {
      it.at(1_000);
      expect((await subscribe(visitor, subscription(`many-${n}`))).statusCode).toBe(201);
    }
    expect(await endpoints('c-many')).toBe(20);
  });

  test('that was made last is where notices go', async () => {
    const visitor = await site.visit('c-newest');
    for (const name of ['first', 'second']) {
      it.at(1_000);
      await subscribe(visitor, subscription(name));
    }
    await it.publish(
      taxEvent({ id: 'e-newest', subject: 'c-newest', allimobligation: 'property-tax/newest' }),
    );
    await it.citizen({ id: 'c-newest' });
    await it.idle();
    const sent = it.sent();
    it.forgetSent();
    expect(sent.map(({ address }) => (JSON.parse(address) as { endpoint: string }).endpoint)).toEqual([
      subscription('second').endpoint,
    ]);
  });

  test('is renewed by its token alone, once', async () => {
    const { renewal } = (await subscribe(await site.visit('c-renew'), subscription('old'))).json() as {
      renewal: string;
    };
    const renew = (token: string, name: string) =>
      site.app.inject({
        method: 'POST',
        url: '/push/renewals',
        payload: { token, subscription: subscription(name) },
      });
    const fresh = await renew(renewal, 'new');
    expect(fresh.statusCode).toBe(200);
    expect(await endpoints('c-renew')).toBe(1);
    expect((await renew(renewal, 'again')).statusCode).toBe(404);
    expect((await renew((fresh.json() as { renewal: string }).renewal, 'newer')).statusCode).toBe(200);
    const [id] = renewal.split('.');
    expect((await renew(`${id}.${'A'.repeat(22)}`, 'forged')).statusCode).toBe(401);
  });
});

test('what is read is taken down where it was shown, and opened from there for its own citizen alone', async () => {
  await it.citizen({ id: 'c-shown' });
  const visitor = await site.visit('c-shown');
  await subscribe(visitor, subscription('shown'));
  await it.publish(taxEvent({ id: 'e-shown', subject: 'c-shown', allimobligation: 'property-tax/shown' }));
  await it.idle();
  const [sent] = it.sent().filter((one) => one.channel === 'push');
  const opened = await visitor.get(`/me/open/${shortId(sent!.delivery as never)}`);
  expect(opened.headers.location).toMatch(/^\/me\/notices\//);
  const other = await (await site.visit('c-sub')).get(`/me/open/${shortId(sent!.delivery as never)}`);
  expect(other.headers.location).toBe('/me');
  const page = await visitor.get(opened.headers.location as string);
  expect(page.body).toContain(`data-tags="${shortId(sent!.delivery as never)}"`);
  const took = await eventually(() => {
    const found = site.pushes.filter((one) => one.delivery === sent!.delivery);
    expect(found).toHaveLength(1);
    return found[0]!;
  });
  expect(took.content).toEqual({ channel: 'push', title: '', body: '', read: true });
  // Read again it is not taken down again.
  await visitor.get(opened.headers.location as string);
  expect(site.pushes.filter((one) => one.delivery === sent!.delivery)).toHaveLength(1);
});

describe('the service worker', () => {
  const words = { title: 'T', body: 'B' };
  const id = 'A'.repeat(22);

  test('shows what it is told, and generic words where it is told none', () => {
    const told = JSON.stringify({ id, title: '건강검진', body: '받으세요', receipt: '1.x' });
    expect(readPushed(told, words)).toEqual({
      kind: 'show',
      id,
      title: '건강검진',
      body: '받으세요',
      receipt: '1.x',
    });
    expect(readPushed(JSON.stringify({ id, title: ' ' }), words)).toEqual({
      kind: 'show',
      id,
      ...words,
      receipt: null,
    });
    expect(readPushed(JSON.stringify({ id, read: true }), words)).toEqual({ kind: 'read', id });
    for (const text of [null, '', 'x', 'null', '[]', '{"id":"../x"}', '{"id":5}'])
      expect(readPushed(text, words)).toEqual({ kind: 'nothing' });
  });

  test('drops what it has shown, and forgets the oldest of three hundred', () => {
    let shown: readonly string[] = [];
    for (let n = 0; n < 400; n++) ({ shown } = remember(shown, String(n)));
    expect(shown).toHaveLength(300);
    expect(remember(shown, '399').before).toBe(true);
    expect(remember(shown, '0').before).toBe(false);
  });

  test('keeps lists and notices, and nothing else, under the name of whose they are', () => {
    expect(
      ['/me', '/me/all', '/me/notices/00000000-0000-4000-8000-000000000000'].map((p) => isKept(p, '')),
    ).toEqual([true, true, true]);
    expect(['/me/choices', '/me/data', '/me/data/export', '/sign-in'].map((p) => isKept(p, ''))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect(isKept('/me/all', '?q=x')).toBe(false);
    expect(keeperOf('<meta name="allim-keeper" content="0123456789abcdef">')).toBe('0123456789abcdef');
    expect(keeperOf('<meta name="allim-keeper" content="">')).toBeNull();
    const page =
      '<html lang="vi"><link href="/assets/ui-AbC_d-12.css"><img src="/icons/allim.svg"><a href="/me">';
    expect([languageOf(page), languageOf('<html>')]).toEqual(['vi', null]);
    expect(partsOf(page + page)).toEqual(['/assets/ui-AbC_d-12.css', '/icons/allim.svg']);
  });
});

test('push services are known by their hosts', () => {
  for (const host of [
    'fcm.googleapis.com',
    'updates.push.services.mozilla.com',
    'web.push.apple.com',
    'db5p.notify.windows.com',
  ])
    expect([host, isPushService(host, PUSH_SERVICES)]).toEqual([host, true]);
  for (const host of ['push.apple.com', 'fcm.googleapis.com.evil.example', 'notify.windows.com.example'])
    expect([host, isPushService(host, PUSH_SERVICES)]).toEqual([host, false]);
  expect('fault' in readSubscription(subscription('x'), { services: [], allowLoopback: false })).toBe(true);
});
