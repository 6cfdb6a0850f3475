import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Provider } from '../../workers/providers/provider.ts';
import { createSmsProvider } from '../../workers/providers/sms-smpp.ts';
import { type SmscSink, startSmscSink } from '../sinks/smsc.ts';
import { eventually } from '../support/eventually.ts';
import { createDelivery, createRecorder, no, yes } from './builders.ts';

const KIM = '+821012345678';
const content = { channel: 'sms', text: '[강남구청] 재산세 132,000원, 7/31까지. 확인 R2HC-77' } as const;
const logger = createRecorder();
const options = {
  source: '1577-1000'.replaceAll('-', ''),
  window: 10,
  answerTimeoutMs: 150,
  reconnectMs: 10,
  logger,
};

let sink: SmscSink;
let sms: Provider;
beforeAll(async () => {
  sink = await startSmscSink();
  sms = createSmsProvider({ ...options, url: sink.url });
  await sms.start();
});
afterAll(async () => {
  await sms.stop();
  await sink.stop();
});
afterEach(() => sink.fail(null));

/** Until the session is bound anew. */
async function sendUntilAccepted(provider: Provider): Promise<void> {
  await eventually(async () => (await provider.send(createDelivery(KIM, content), yes)).kind === 'accepted');
}

test('a text arrives in Hangul, from our number', async () => {
  const expiresAtMs = Date.now() + 3_600_000;
  const outcome = await sms.send(createDelivery(KIM, content, { urgent: true, expiresAtMs }), yes);
  expect(outcome).toEqual({ kind: 'accepted', reference: expect.any(String) });
  expect(sink.received.splice(0)).toEqual([
    {
      channel: 'sms',
      address: KIM,
      delivery: null,
      headers: { source: '15771000', coding: '8', id: expect.any(String) },
      text: content.text,
      atMs: expect.any(Number),
    },
  ]);
});

test('a long text travels whole', async () => {
  const text = '가나다라마바사아자차'.repeat(60);
  expect(await sms.send(createDelivery(KIM, { channel: 'sms', text }), yes)).toMatchObject({
    kind: 'accepted',
  });
  expect(sink.received.splice(0)[0]?.text).toBe(text);
});

test('a window of texts is answered each for itself', async () => {
  const numbers = Array.from({ length: 50 }, (_, n) => `+8210${String(10_000_000 + n)}`);
  const outcomes = await Promise.all(numbers.map((number) => sms.send(createDelivery(number, content), yes)));
  const references = outcomes.map((outcome) => (outcome.kind === 'accepted' ? outcome.reference : null));
  expect(new Set(references).size).toBe(50);
  expect(
    sink.received
      .splice(0)
      .map((text) => text.address)
      .sort(),
  ).toEqual(numbers);
});

describe('answers', () => {
  test.each([
    ['refuse', { kind: 'temporary', code: 'ESME_RMSGQFUL' }],
    ['throttle', { kind: 'temporary', code: 'ESME_RTHROTTLED', retryAfterMs: 1_000 }],
    ['permanent', { kind: 'permanent', code: 'ESME_RINVDSTADR' }],
    ['technical', { kind: 'technical', code: 'ESME_RINVSRCADR' }],
    ['broken', { kind: 'temporary', code: 'ESME_RSYSERR' }],
  ] as const)('%s becomes %j', async (kind, expected) => {
    sink.fail({ kind, times: 1 });
    expect(await sms.send(createDelivery(KIM, content), yes)).toEqual(expected);
    expect(sink.received).toEqual([]);
  });

  test('no answer in time is unknown', async () => {
    sink.fail({ kind: 'hang', times: 1 });
    expect(await sms.send(createDelivery(KIM, content), yes)).toEqual({
      kind: 'unknown',
      code: 'answer-timeout',
    });
  });

  test('a session lost after the text is unknown; the next binding serves on', async () => {
    sink.fail({ kind: 'cut', times: 1 });
    expect(await sms.send(createDelivery(KIM, content), yes)).toEqual({
      kind: 'unknown',
      code: 'connection-lost',
    });
    expect(sink.received.splice(0)).toHaveLength(1);
    await sendUntilAccepted(sms);
    sink.received.length = 0;
  });
});

test('bindings dropped by the SMSC are made anew', async () => {
  const before = sink.binds();
  sink.drop();
  await sendUntilAccepted(sms);
  expect(sink.binds()).toBe(before + 1);
  sink.received.length = 0;
});

test('a worker that has lost its session sends nothing, and no number is no address', async () => {
  expect(await sms.send(createDelivery(KIM, content), no)).toEqual({
    kind: 'temporary',
    code: 'session-lost',
  });
  for (const address of ['01012345678', '+82234235114', '+82x'])
    expect(await sms.send(createDelivery(address, content), yes)).toEqual({
      kind: 'permanent',
      code: 'address-invalid',
    });
  expect(sink.received).toEqual([]);
});

test('without an SMSC the others start all the same, and texts wait', async () => {
  const away = createSmsProvider({ ...options, url: 'smpp://a:b@127.0.0.1:1' });
  await away.start();
  expect(await away.send(createDelivery(KIM, content), yes)).toEqual({
    kind: 'temporary',
    code: 'not-bound',
  });
  await away.stop();
  await away.stop();
});

test('a refused bind is told, and texts wait', async () => {
  const wrong = createSmsProvider({ ...options, url: sink.url.replace('secret', 'wrong') });
  logger.lines.length = 0;
  await wrong.start();
  expect(await wrong.send(createDelivery(KIM, content), yes)).toEqual({
    kind: 'temporary',
    code: 'not-bound',
  });
  expect(logger.lines.join()).toContain('ESME_RINVPASWD');
  expect(logger.lines.join()).not.toContain('wrong');
  await wrong.stop();
});

test('a URL that is none is an error at once', () => {
  expect(() => createSmsProvider({ ...options, url: 'https://x' })).toThrow('SMS_URL');
});
