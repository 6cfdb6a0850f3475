import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import webPush from 'web-push';
import { type DeliveryId, shortId } from '../../domain/ids.ts';
import { allowedEndpoint, publicLookup } from '../../domain/public-endpoint.ts';
import { retryAfterMs } from '../../workers/providers/http-call.ts';
import type { Provider } from '../../workers/providers/provider.ts';
import { createPushProvider, PUSH_PLAINTEXT_BYTES } from '../../workers/providers/push.ts';
import { type PushSink, startPushSink } from '../sinks/push.ts';
import { createDelivery, createRecorder, no, yes } from './builders.ts';

const keys = webPush.generateVAPIDKeys();
const vapid = {
  subject: 'mailto:push@allim.example',
  publicKey: keys.publicKey,
  privateKey: keys.privateKey,
};
const content = {
  channel: 'push',
  title: '건강검진, 12월 31일(목)까지',
  body: '올해 받을 차례입니다.',
} as const;
const logger = createRecorder();

let sink: PushSink;
let push: Provider;
beforeAll(async () => {
  sink = await startPushSink();
  push = createPushProvider({ vapid, allowLoopback: true, window: 8, answerTimeoutMs: 150, logger });
  await push.start();
});
afterAll(async () => {
  await push.stop();
  await sink.stop();
});
afterEach(() => sink.fail(null));

const to = (name: string) => JSON.stringify(sink.subscriptionFor(name));

test('a notice arrives encrypted, signed, once, with its id as topic', async () => {
  const delivery = createDelivery(to('kim'), content, { urgent: true, expiresAtMs: Date.now() + 3_600_000 });
  const outcome = await push.send(delivery, yes);
  expect(outcome).toEqual({ kind: 'accepted', reference: expect.stringContaining('/message/') });
  const [received] = sink.received.splice(0);
  const id = shortId(delivery.delivery as DeliveryId);
  expect(received).toMatchObject({ address: 'kim', delivery: id, headers: { urgency: 'high' } });
  expect(JSON.parse(received!.text)).toEqual({ id, title: content.title, body: content.body });
  expect(Number(received!.headers['ttl'])).toBeGreaterThan(3_590);
  expect(Number(received!.headers['ttl'])).toBeLessThanOrEqual(3_600);
  expect(sink.violations).toEqual([]);
});

test('what its receipt is known by travels inside, where nobody on the way can read it', async () => {
  const receiptToken = (delivery: string, attempt: number) => `${attempt}.of-${delivery}`;
  const provider = createPushProvider({ vapid, allowLoopback: true, receiptToken });
  const delivery = createDelivery(to('kim'), content, { attempt: 3 });
  await provider.send(delivery, yes);
  await provider.stop();
  expect(JSON.parse(sink.received.splice(0)[0]!.text)).toMatchObject({
    receipt: `3.of-${delivery.delivery}`,
  });
});

test('many at once all arrive', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `citizen-${n}`);
  const outcomes = await Promise.all(names.map((name) => push.send(createDelivery(to(name), content), yes)));
  expect(outcomes.every((outcome) => outcome.kind === 'accepted')).toBe(true);
  expect(new Set(sink.received.splice(0).map((received) => received.address))).toEqual(new Set(names));
  expect(sink.violations).toEqual([]);
});

test('the authorization of an origin is signed once', async () => {
  const provider = createPushProvider({ vapid, allowLoopback: true });
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    seen.add(request.headers.authorization ?? '');
    request.resume().on('end', () => response.writeHead(201).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  const address = JSON.stringify({ ...sink.subscriptionFor('lee'), endpoint });
  for (let n = 0; n < 3; n++) await provider.send(createDelivery(address, content), yes);
  expect(seen.size).toBe(1);
  await provider.stop();
  server.close();
});

test.each([
  ['never stops', 1_024, true],
  ['never says a thing more', 1, false],
])('an answer whose body %s is cut off', async (_name, bytes, goesOn) => {
  const provider = createPushProvider({ vapid, allowLoopback: true });
  let cut: () => void = () => {};
  const closed = new Promise<void>((done) => {
    cut = done;
  });
  const server = createServer((request, response) => {
    response.on('close', cut);
    const more = (): void => {
      response.write('x'.repeat(bytes));
      if (goesOn && !response.destroyed) setImmediate(more);
    };
    request.resume().on('end', () => {
      response.writeHead(201);
      more();
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  const address = JSON.stringify({ ...sink.subscriptionFor('lee'), endpoint });
  expect(await provider.send(createDelivery(address, content), yes)).toMatchObject({ kind: 'accepted' });
  await closed;
  await provider.stop();
  server.close();
});

describe('answers', () => {
  test.each([
    ['permanent', { kind: 'permanent', code: '410' }],
    ['technical', { kind: 'technical', code: '403' }],
    ['throttle', { kind: 'temporary', code: '429' }],
    ['broken', { kind: 'temporary', code: '500' }],
    ['refuse', { kind: 'temporary', code: '503' }],
  ] as const)('%s becomes %j', async (kind, expected) => {
    sink.fail({ kind, times: 1 });
    expect(await push.send(createDelivery(to('kim'), content), yes)).toEqual(expected);
    expect(sink.received.splice(0)).toEqual([]);
  });

  test('Retry-After is understood in both forms', async () => {
    sink.fail({ kind: 'throttle', times: 1, retryAfter: '120' });
    expect(await push.send(createDelivery(to('kim'), content), yes)).toMatchObject({ retryAfterMs: 120_000 });
    const now = Date.parse('2026-07-01T00:00:00Z');
    expect(retryAfterMs('Wed, 01 Jul 2026 00:02:00 GMT', now)).toBe(120_000);
    expect(retryAfterMs('Wed, 01 Jul 2020 00:02:00 GMT', now)).toBe(0);
    // Their clock is an hour ahead of ours, and says so.
    expect(retryAfterMs('Wed, 01 Jul 2026 01:02:00 GMT', now, 'Wed, 01 Jul 2026 01:00:00 GMT')).toBe(120_000);
    expect(retryAfterMs('soon', now)).toBeUndefined();
  });

  test('no answer in time is unknown: the message had left', async () => {
    sink.fail({ kind: 'hang', times: 1 });
    expect(await push.send(createDelivery(to('kim'), content), yes)).toEqual({
      kind: 'unknown',
      code: 'ETIMEDOUT',
    });
  });

  test('a connection lost after the message is unknown, and it may have arrived', async () => {
    sink.fail({ kind: 'cut', times: 1 });
    expect(await push.send(createDelivery(to('kim'), content), yes)).toMatchObject({ kind: 'unknown' });
    expect(sink.received.splice(0)).toHaveLength(1);
  });

  test('a refused connection is temporary: nothing left', async () => {
    const address = JSON.stringify({ ...sink.subscriptionFor('kim'), endpoint: 'http://127.0.0.1:1/push' });
    expect(await push.send(createDelivery(address, content), yes)).toEqual({
      kind: 'temporary',
      code: 'ECONNREFUSED',
    });
  });

  test('a status nobody has classified is tried again and told', async () => {
    const server = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(418).end());
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
    const address = JSON.stringify({ ...sink.subscriptionFor('lee'), endpoint });
    logger.lines.length = 0;
    expect(await push.send(createDelivery(address, content), yes)).toEqual({
      kind: 'temporary',
      code: '418',
    });
    expect(logger.lines.join()).toContain('"418"');
    server.closeAllConnections();
    server.close();
  });
});

test('a worker that has lost its session sends nothing', async () => {
  expect(await push.send(createDelivery(to('kim'), content), no)).toEqual({
    kind: 'temporary',
    code: 'session-lost',
  });
  expect(sink.received).toEqual([]);
});

test('what cannot be sent is refused before anything leaves', async () => {
  const long = { ...content, body: '가'.repeat(PUSH_PLAINTEXT_BYTES / 3) };
  expect(await push.send(createDelivery(to('kim'), long), yes)).toEqual({
    kind: 'technical',
    code: 'payload-too-large',
  });
  expect(await push.send(createDelivery('{"endpoint":1}', content), yes)).toMatchObject({
    code: 'subscription-invalid',
  });
  expect(await push.send(createDelivery('x', content), yes)).toMatchObject({ code: 'subscription-invalid' });
  const off = {
    ...sink.subscriptionFor('kim'),
    keys: { p256dh: Buffer.alloc(65, 4).toString('base64url'), auth: 'AAAAAAAAAAAAAAAAAAAAAA' },
  };
  expect(await push.send(createDelivery(JSON.stringify(off), content), yes)).toEqual({
    kind: 'permanent',
    code: 'subscription-invalid',
  });
  const sms = createDelivery(to('kim'), { channel: 'sms', text: 'x' });
  expect(await push.send(sms, yes)).toEqual({ kind: 'technical', code: 'content-mismatch' });
});

test('a wrong VAPID key is found at start', async () => {
  const wrong = createPushProvider({ vapid: { ...vapid, privateKey: 'AAAA' } });
  await expect(wrong.start()).rejects.toMatchObject({ code: 'config-invalid' });
  await wrong.stop();
});

test('two VAPID keys that do not belong together are found at start', async () => {
  const { publicKey } = webPush.generateVAPIDKeys();
  const wrong = createPushProvider({ vapid: { ...vapid, publicKey } });
  await expect(wrong.start()).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining('not that of the private key'),
  });
  await wrong.stop();
});

describe('endpoints', () => {
  test.each([
    'https://fcm.googleapis.com/fcm/send/x',
    'https://web.push.apple.com/x',
    'https://203.1.113.7/x',
    'https://[2606:4700::1]/x',
    'https://[3fff:1000::1]/x',
  ])('%s may be called', (endpoint) => {
    expect(allowedEndpoint(endpoint, false)?.href).toBe(endpoint);
  });

  test.each([
    'http://fcm.googleapis.com/x',
    'https://user:pw@example.com/x',
    'https://127.0.0.1/x',
    'https://localhost/x',
    'https://10.1.2.3/x',
    'https://172.16.0.1/x',
    'https://192.168.1.1/x',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/x',
    'https://0.0.0.0/x',
    'https://2130706433/x',
    'https://0x7f.1/x',
    'https://[::1]/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://[fd00::1]/x',
    'https://[fe80::1]/x',
    'https://[5f00::1]/x',
    'https://[5f00:ffff::1]/x',
    'https://[3fff::1]/x',
    'https://[3fff:fff:ffff::1]/x',
    'ftp://example.com/x',
    'not a url',
  ])('%s may not', (endpoint) => {
    expect(allowedEndpoint(endpoint, false)).toBeNull();
  });

  test('loopback in clear text only where it was allowed, and nothing else in clear text even then', () => {
    expect(allowedEndpoint('http://127.0.0.1:9/x', true)?.port).toBe('9');
    expect(allowedEndpoint('http://192.168.1.1/x', true)).toBeNull();
    expect(allowedEndpoint('http://example.com/x', true)).toBeNull();
  });

  test('a name that resolves to a private address is not dialled', async () => {
    const dial = (allowed: boolean) =>
      new Promise((done) =>
        publicLookup(allowed)('localhost', {}, (error, address) => done(error?.code ?? address)),
      );
    expect(await dial(false)).toBe('EADDRESSPRIVATE');
    expect(['127.0.0.1', '::1']).toContain(await dial(true));
  });
});
