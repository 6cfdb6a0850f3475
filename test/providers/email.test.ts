import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createEmailProvider } from '../../workers/providers/email.ts';
import { composeMail, headerText, isMailbox } from '../../workers/providers/mime.ts';
import type { Provider } from '../../workers/providers/provider.ts';
import type { Sink } from '../sinks/sink.ts';
import { startSmtpSink } from '../sinks/smtp.ts';
import { createDelivery, createRecorder, no, yes } from './builders.ts';

const from = { name: '국민건강보험공단', address: 'notice@allim.example' };
const content = {
  channel: 'email',
  subject: '건강검진을 12월 31일(목)까지 받으세요. 비용은 없습니다.',
  text: '올해 차례입니다.\n\n.점으로 시작하는 줄\n끝',
  html: '<!doctype html><html lang="ko"><body><p>올해 차례입니다.</p></body></html>',
} as const;
const logger = createRecorder();

let sink: Sink;
let email: Provider;
beforeAll(async () => {
  sink = await startSmtpSink();
  email = createEmailProvider({ url: sink.url, from, window: 5, answerTimeoutMs: 400, logger });
  await email.start();
});
afterAll(async () => {
  await email.stop();
  await sink.stop();
});
afterEach(() => sink.fail(null));

/** A server that follows a script: one answer per line received, then what `after` says. */
async function startScript(answers: readonly string[]): Promise<{
  url: string;
  heard(): readonly string[];
  close(): void;
}> {
  const sockets: Socket[] = [];
  const heard: string[] = [];
  const server: Server = createServer((socket) => {
    sockets.push(socket);
    let at = 0;
    let inData = false;
    socket.on('error', () => {});
    socket.write('220 script\r\n');
    socket.on('data', (chunk) => {
      const text = chunk.toString();
      heard.push(text);
      if (inData && !text.endsWith('\r\n.\r\n')) return;
      const answer = answers[at++] ?? '421 over';
      if (answer === 'cut') return socket.destroy();
      inData = answer.startsWith('354');
      socket.write(`${answer}\r\n`);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard: () => heard,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('the envelope names a sender of its own for each call, the mail does not', async () => {
  const script = await startScript(['250 ok', '250 ok', '250 ok', '354 go on', '250 taken', '221 bye']);
  const provider = createEmailProvider({
    url: script.url,
    from,
    envelopeSender: (delivery, attempt) => `bounce+${delivery}.${attempt}@bounce.allim.example`,
  });
  const delivery = createDelivery('kim@example.kr', content, { attempt: 2 });
  expect(await provider.send(delivery, yes)).toMatchObject({ kind: 'accepted' });
  await provider.stop();
  script.close();
  const heard = script.heard().join('');
  expect(heard).toContain(`MAIL FROM:<bounce+${delivery.delivery}.2@bounce.allim.example>`);
  expect(heard.slice(heard.indexOf('From: '))).not.toContain('bounce');
});

test('a mail arrives whole, with the delivery as Message-ID', async () => {
  const delivery = createDelivery('kim@example.kr', content);
  expect(await email.send(delivery, yes)).toMatchObject({ kind: 'accepted' });
  expect(sink.received.splice(0)).toEqual([
    {
      channel: 'email',
      address: 'kim@example.kr',
      delivery: `<${delivery.delivery}@allim.example>`,
      headers: { subject: content.subject, from: expect.stringContaining(from.name), html: content.html },
      text: content.text,
      atMs: expect.any(Number),
    },
  ]);
  expect(sink.violations).toEqual([]);
});

test('a hundred over five connections all arrive, once', async () => {
  const names = Array.from({ length: 100 }, (_, n) => `c${n}@example.kr`);
  const waiting = [...names];
  await Promise.all(
    Array.from({ length: email.window }, async () => {
      for (let name = waiting.pop(); name; name = waiting.pop())
        expect(await email.send(createDelivery(name, content), yes)).toMatchObject({ kind: 'accepted' });
    }),
  );
  expect(
    sink.received
      .splice(0)
      .map((mail) => mail.address)
      .sort(),
  ).toEqual(names.sort());
  expect(sink.violations).toEqual([]);
});

describe('answers', () => {
  test.each([
    ['refuse', { kind: 'temporary', code: 'rcpt 451' }],
    ['throttle', { kind: 'temporary', code: 'rcpt 452' }],
    ['permanent', { kind: 'permanent', code: '5.1.1' }],
    ['technical', { kind: 'technical', code: 'mail 553' }],
    ['broken', { kind: 'technical', code: 'data 554' }],
  ] as const)('%s becomes %j, and the connection serves on', async (kind, expected) => {
    sink.fail({ kind, times: 1 });
    expect(await email.send(createDelivery('kim@example.kr', content), yes)).toEqual(expected);
    expect(sink.received).toEqual([]);
    expect(await email.send(createDelivery('kim@example.kr', content), yes)).toMatchObject({
      kind: 'accepted',
    });
    expect(sink.received.splice(0)).toHaveLength(1);
  });

  test('no answer after the message is unknown', async () => {
    sink.fail({ kind: 'hang', times: 1 });
    const outcome = await email.send(createDelivery('kim@example.kr', content), yes);
    expect(outcome).toEqual({ kind: 'unknown', code: 'ETIMEDOUT' });
  });

  test('a connection lost after the message is unknown, and it may have arrived', async () => {
    sink.fail({ kind: 'cut', times: 1 });
    expect(await email.send(createDelivery('kim@example.kr', content), yes)).toMatchObject({
      kind: 'unknown',
    });
    expect(sink.received.splice(0)).toHaveLength(1);
  });

  test.each([
    ['before MAIL', ['250 script', 'cut'], { kind: 'temporary', code: 'ECONNECTION' }],
    ['before RCPT', ['250 script', '250 ok', 'cut'], { kind: 'temporary', code: 'ECONNECTION' }],
    ['before DATA', ['250 script', '250 ok', '250 ok', 'cut'], { kind: 'temporary', code: 'ECONNECTION' }],
    [
      'after DATA',
      ['250 script', '250 ok', '250 ok', '354 go', 'cut'],
      { kind: 'unknown', code: 'ECONNECTION' },
    ],
    ['full mailbox', ['250 script', '250 ok', '552 5.2.2 full'], { kind: 'temporary', code: '5.2.2' }],
    ['relay denied', ['250 script', '250 ok', '550 5.7.1 no relay'], { kind: 'technical', code: '5.7.1' }],
    ['plain 550', ['250 script', '250 ok', '550 no'], { kind: 'permanent', code: 'rcpt 550' }],
    [
      'late 5.1.1',
      ['250 script', '250 ok', '250 ok', '354 go', '550 5.1.1 no'],
      { kind: 'permanent', code: '5.1.1' },
    ],
    ['unheard of', ['250 script', '250 ok', '577 what'], { kind: 'temporary', code: 'rcpt 577' }],
  ] as const)('%s', async (_, answers, expected) => {
    const script = await startScript(answers);
    const provider = createEmailProvider({ url: script.url, from, answerTimeoutMs: 1_000, logger });
    expect(await provider.send(createDelivery('kim@example.kr', content), yes)).toEqual(expected);
    script.close();
    await provider.stop();
  });

  test('a server that is away is temporary', async () => {
    const provider = createEmailProvider({ url: 'smtp://127.0.0.1:1', from });
    expect(await provider.send(createDelivery('kim@example.kr', content), yes)).toMatchObject({
      kind: 'temporary',
    });
    await provider.stop();
  });
});

test('a worker that loses its session before the message leaves sends nothing', async () => {
  expect(await email.send(createDelivery('kim@example.kr', content), no)).toEqual({
    kind: 'temporary',
    code: 'session-lost',
  });
  expect(sink.received).toEqual([]);
});

test.each([
  'kim',
  'kim@',
  'a b@example.kr',
  'kim@example.kr>\r\nRCPT TO:<x@y.kr',
  '김@example.kr',
  '"a"@example.kr',
  'a@-x.kr',
])('%j is not an address', async (address) => {
  expect(isMailbox(address)).toBe(false);
  expect(await email.send(createDelivery(address, content), yes)).toEqual({
    kind: 'permanent',
    code: 'address-invalid',
  });
});

test('where TLS is required, a server that offers none gets neither envelope nor password', async () => {
  const script = await startScript(['250-script\r\n250 AUTH PLAIN', '502 no', 'cut']);
  const url = script.url.replace('smtp://', 'smtp://user:secret@');
  const provider = createEmailProvider({ url: `${url}/?requireTLS=true`, from, logger });
  expect(await provider.send(createDelivery('kim@example.kr', content), yes)).toMatchObject({
    kind: 'temporary',
  });
  expect(script.heard().join('')).not.toMatch(/AUTH|MAIL FROM/);
  script.close();
  await provider.stop();
});

test('a half configured server is an error at once', () => {
  expect(() => createEmailProvider({ url: 'http://x', from })).toThrow('SMTP_URL');
  expect(() => createEmailProvider({ url: 'smtp://x', from: { name: 'x', address: 'x' } })).toThrow('sender');
});

test('headers stay on their line and below their length', () => {
  expect(headerText('plain')).toBe('plain');
  expect(headerText('a\r\nBcc: x')).toBe('a Bcc: x');
  const long = headerText('가'.repeat(100));
  for (const line of long.split('\r\n ')) expect(line.length).toBeLessThanOrEqual(75);
  const mail = composeMail({
    from,
    to: 'a@b.kr',
    messageId: 'x@y',
    dateMs: 0,
    subject: '=?x',
    text: 'x'.repeat(500),
    html: 'x',
  });
  for (const line of mail.toString().split('\r\n')) expect(line.length).toBeLessThanOrEqual(998);
  expect(mail.toString()).toContain('Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n');
});
