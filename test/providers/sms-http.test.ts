import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Provider } from '../../workers/providers/provider.ts';
import { createSmsHttpProvider } from '../../workers/providers/sms-http.ts';
import { type GatewaySink, startGatewaySink } from '../sinks/gateway.ts';
import { createDelivery, createRecorder, no, yes } from './builders.ts';

const KIM = '+821012345678';
const content = { channel: 'sms', text: '[강남구청] 재산세 132,000원, 7/31까지. 확인 R2HC-77' } as const;
const logger = createRecorder();
const options = { source: '15771000', window: 4, connectTimeoutMs: 500, answerTimeoutMs: 150, logger };

let sink: GatewaySink;
let sms: Provider;
beforeAll(async () => {
  sink = await startGatewaySink();
  sms = createSmsHttpProvider({ ...options, url: sink.url });
  await sms.start();
});
afterAll(async () => {
  await sms.stop();
  await sink.stop();
});
afterEach(() => {
  sink.fail(null);
  sink.failQuestions(null);
  sink.received.length = 0;
  sink.repeated.length = 0;
});

const text = (more: object = {}) => createDelivery(KIM, content, more);

test('a text arrives with our reference, from our number', async () => {
  const delivery = text();
  expect(await sms.send(delivery, yes)).toEqual({
    kind: 'accepted',
    reference: expect.stringMatching(/^g-/),
  });
  expect(sink.received).toEqual([
    expect.objectContaining({
      channel: 'sms',
      address: KIM,
      delivery: delivery.delivery,
      headers: { source: '15771000' },
      text: content.text,
    }),
  ]);
  expect(sink.violations).toEqual([]);
});

test('the same delivery again is taken once, and answered as before', async () => {
  const delivery = text();
  const first = await sms.send(delivery, yes);
  expect(await sms.send({ ...delivery, attempt: 2 }, yes)).toEqual(first);
  expect(sink.received).toHaveLength(1);
  expect(sink.repeated).toEqual([delivery.delivery]);
});

describe('answers', () => {
  test.each([
    ['refuse', { kind: 'temporary', code: 'carrier-unavailable' }],
    ['throttle', { kind: 'temporary', code: '429' }],
    ['permanent', { kind: 'permanent', code: 'number-unknown' }],
    ['technical', { kind: 'technical', code: 'sender-unknown' }],
    // It may have been taken before it broke: it is asked.
    ['broken', { kind: 'unknown', code: '500' }],
    ['hang', { kind: 'unknown', code: 'ETIMEDOUT' }],
    ['cut', { kind: 'unknown', code: 'ECONNRESET' }],
  ] as const)('%s becomes %j', async (kind, expected) => {
    sink.fail({ kind, times: 1 });
    expect(await sms.send(text(), yes)).toEqual(expected);
  });

  test('Retry-After is understood in both forms', async () => {
    sink.fail({ kind: 'throttle', times: 1, retryAfter: '120' });
    expect(await sms.send(text(), yes)).toMatchObject({ retryAfterMs: 120_000 });
    sink.fail({ kind: 'refuse', times: 1, retryAfter: 'date' });
    const { retryAfterMs } = (await sms.send(text(), yes)) as { retryAfterMs: number };
    expect(retryAfterMs).toBeGreaterThanOrEqual(0);
    expect(retryAfterMs).toBeLessThanOrEqual(2_000);
  });

  test('one that belongs to the text before is not taken for this one', async () => {
    const single = createSmsHttpProvider({ ...options, window: 1, url: sink.url });
    sink.fail({ kind: 'twice', times: 1, ms: 30 });
    expect(await single.send(text(), yes)).toMatchObject({ kind: 'accepted' });
    // On the connection on which the answer comes once more; the gateway itself keeps silent.
    sink.fail({ kind: 'hang', times: 1 });
    expect(await single.send(text(), yes)).toEqual({ kind: 'unknown', code: 'answer-foreign' });
    sink.fail(null);
    expect(await single.send(text(), yes)).toMatchObject({ kind: 'accepted' });
    await single.stop();
  });
});

describe('asked what became of a text', () => {
  const ask = (delivery: ReturnType<typeof text>) => sms.ask!(delivery, yes);

  test('whose answer was lost, the gateway says that it has it', async () => {
    const delivery = text();
    sink.fail({ kind: 'cut', times: 1 });
    await sms.send(delivery, yes);
    expect(await ask(delivery)).toEqual({ kind: 'accepted', reference: expect.stringMatching(/^g-/) });
  });

  test('that it never had, it says so', async () => {
    expect(await ask(text())).toBe('absent');
  });

  test('that failed after it was taken, it says how', async () => {
    const delivery = text();
    await sms.send(delivery, yes);
    sink.lose(delivery.delivery, 'number-unknown');
    expect(await ask(delivery)).toEqual({ kind: 'permanent', code: 'number-unknown' });
  });

  test.each([404, 401, 500, 200])('an answer %i that does not speak of it says nothing', async (status) => {
    sink.failQuestions(status);
    expect(await ask(text())).toMatchObject({ kind: 'temporary', code: 'ask-failed' });
  });

  test('nobody asks under a lost session, and a question that gets no answer is asked again', async () => {
    const before = sink.asked.length;
    expect(await sms.ask!(text(), no)).toMatchObject({ code: 'session-lost' });
    expect(sink.asked).toHaveLength(before);
    const away = createSmsHttpProvider({ ...options, url: 'http://127.0.0.1:1/v1' });
    expect(await away.ask!(text(), yes)).toEqual({ kind: 'temporary', code: 'ECONNREFUSED' });
    await away.stop();
  });
});

test('a wrong password is ours to mend, and is not logged', async () => {
  const wrong = createSmsHttpProvider({ ...options, url: sink.url.replace('secret', 'wrong-word') });
  expect(await wrong.send(text(), yes)).toEqual({ kind: 'technical', code: '401' });
  expect(logger.lines.join()).not.toContain('wrong-word');
  await wrong.stop();
});

test('a worker that has lost its session sends nothing, and no number is no address', async () => {
  expect(await sms.send(text(), no)).toEqual({ kind: 'temporary', code: 'session-lost' });
  expect(await sms.send(createDelivery('01012345678', content), yes)).toEqual({
    kind: 'permanent',
    code: 'address-invalid',
  });
  expect(sink.received).toEqual([]);
});

test.each(['smpp://x', 'https://gateway/?key=1', 'nonsense'])('%s is an error at once', (url) => {
  expect(() => createSmsHttpProvider({ ...options, url })).toThrow('SMS_URL');
});
