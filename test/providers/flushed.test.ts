/** What was flushed to the socket tells a call that was not made from one of which nobody knows: each adapter, cut at each point. */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import webPush from 'web-push';
import { createEmailProvider } from '../../workers/providers/email.ts';
import type { Provider } from '../../workers/providers/provider.ts';
import { createPushProvider } from '../../workers/providers/push.ts';
import { createSmsHttpProvider } from '../../workers/providers/sms-http.ts';
import { createSmsProvider } from '../../workers/providers/sms-smpp.ts';
import { startGatewaySink } from '../sinks/gateway.ts';
import { startPushSink, subscriptionAt } from '../sinks/push.ts';
import { startSmscSink } from '../sinks/smsc.ts';
import { startSmtpSink } from '../sinks/smtp.ts';
import { eventually } from '../support/eventually.ts';
import { createDelivery, yes } from './builders.ts';

const KIM = '+821012345678';
const sms = { channel: 'sms', text: '본문' } as const;
const mail = { channel: 'email', subject: '제목', text: '본문', html: '<p>본문</p>' } as const;
const note = { channel: 'push', title: '제목', body: '본문' } as const;
const vapid = { subject: 'mailto:a@allim.example', ...webPush.generateVAPIDKeys() };
const from = { name: 'Allim', address: 'a@allim.example' };

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function keep<T extends { stop(): Promise<void> }>(part: T): T {
  opened.push(() => part.stop());
  return part;
}

/** A server that does with each connection what it is told. */
async function serve(handle: (socket: Socket) => void): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    handle(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  opened.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

const http = {
  push: (port: number) => {
    const url = `http://127.0.0.1:${port}`;
    const provider = keep(
      createPushProvider({ vapid, allowLoopback: true, window: 1, answerTimeoutMs: 300 }),
    );
    return () => provider.send(createDelivery(JSON.stringify(subscriptionAt(url, 'kim')), note), yes);
  },
  gateway: (port: number) => {
    const url = `http://allim:secret@127.0.0.1:${port}/v1`;
    const provider = keep(createSmsHttpProvider({ url, source: '1', window: 1, answerTimeoutMs: 300 }));
    return () => provider.send(createDelivery(KIM, sms), yes);
  },
};

describe.each(Object.entries(http))('HTTP, %s', (name, connect) => {
  test('nobody listens: not sent', async () => {
    expect(await connect(1)()).toEqual({ kind: 'temporary', code: 'ECONNREFUSED' });
  });

  test('cut while it still greets, in TLS: not sent', async () => {
    const { port } = await serve((socket) => socket.resetAndDestroy());
    const url = `https://127.0.0.1:${port}`;
    // Nobody may push to a loopback address over TLS; the caller is the same.
    if (name === 'push') return;
    const provider = keep(createSmsHttpProvider({ url, source: '1' }));
    expect(await provider.send(createDelivery(KIM, sms), yes)).toEqual({
      kind: 'temporary',
      code: 'ECONNRESET',
    });
  });

  test('cut after the request, before the answer: nobody knows', async () => {
    const { port } = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await connect(port)()).toEqual({ kind: 'unknown', code: 'ECONNRESET' });
  });

  test('cut in the middle of the answer: nobody knows', async () => {
    const { port } = await serve((socket) => socket.once('data', () => socket.end('HTTP/1.1 201 Crea')));
    expect((await connect(port)()).kind).toBe('unknown');
  });

  test('a kept connection that was reset before any byte of the next request: not sent', async () => {
    const sink = keep(await (name === 'push' ? startPushSink() : startGatewaySink()));
    // Between the sink and us, so that the test holds the connection.
    const { port, sockets } = await serve((socket) => {
      if (name === 'gateway')
        socket.on('data', (chunk) => {
          const { reference } = JSON.parse(chunk.toString().split('\r\n\r\n')[1]!) as { reference: string };
          const body = JSON.stringify({ reference, id: 'g' });
          socket.write(`HTTP/1.1 201 Created\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        });
      else socket.on('data', () => socket.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'));
    });
    expect(sink.received).toEqual([]);
    const send = connect(port);
    expect((await send()).kind).toBe('accepted');
    await new Promise((resolve) => setImmediate(resolve));
    // The kernel knows that it is gone, and our event loop does not: both happen before it turns.
    sockets[0]!.resetAndDestroy();
    const outcome = await send();
    expect(sockets).toHaveLength(1);
    expect(outcome.kind).toBe('temporary');
    expect((await send()).kind).toBe('accepted');
  });
});

describe('HTTP, both', () => {
  test('a push service that answers twice: the second is not taken for the answer to the next', async () => {
    const sink = keep(await startPushSink());
    const provider = keep(
      createPushProvider({ vapid, allowLoopback: true, window: 1, answerTimeoutMs: 300 }),
    );
    const send = (who: string) =>
      provider.send(createDelivery(JSON.stringify(subscriptionAt(sink.url, who)), note), yes);
    sink.fail({ kind: 'twice', times: 1, ms: 30 });
    expect((await send('kim')).kind).toBe('accepted');
    sink.fail({ kind: 'hang', times: 1 });
    expect(await send('lee')).toEqual({ kind: 'unknown', code: 'answer-repeated' });
  });
});

/** A mail server that answers each line, and cuts where it is told. */
async function mailServer(
  cutAt: 'greeting' | 'mail' | 'rcpt' | 'data' | 'go-ahead' | 'dot',
): Promise<number> {
  const { port } = await serve((socket) => {
    if (cutAt === 'greeting') return void socket.resetAndDestroy();
    let inData = false;
    socket.write('220 script\r\n');
    socket.on('data', (chunk) => {
      const line = chunk.toString();
      const cut = () => socket.resetAndDestroy();
      if (inData) {
        if (line.endsWith('\r\n.\r\n')) cut();
      } else if (/^EHLO/i.test(line)) socket.write('250 script\r\n');
      else if (/^MAIL/i.test(line)) cutAt === 'mail' ? cut() : socket.write('250 ok\r\n');
      else if (/^RCPT/i.test(line)) cutAt === 'rcpt' ? cut() : socket.write('250 ok\r\n');
      else if (cutAt === 'data') cut();
      else {
        inData = true;
        socket.write('354 go ahead\r\n');
        if (cutAt === 'go-ahead') {
          // Takes nothing any more: what is larger than its buffers cannot leave whole.
          socket.pause();
          setTimeout(cut, 50);
        }
      }
    });
  });
  return port;
}

describe('SMTP', () => {
  test.each(['greeting', 'mail', 'rcpt', 'data'] as const)('cut at %s: not sent', async (at) => {
    const url = `smtp://127.0.0.1:${await mailServer(at)}`;
    const provider = keep(createEmailProvider({ url, from }));
    expect((await provider.send(createDelivery('kim@example.kr', mail), yes)).kind).toBe('temporary');
  });

  test('cut in the message, before its final dot had left: not sent', async () => {
    const url = `smtp://127.0.0.1:${await mailServer('go-ahead')}`;
    const provider = keep(createEmailProvider({ url, from }));
    const html = `<p>${'본문 '.repeat(2_000_000)}</p>`;
    const outcome = await provider.send(createDelivery('kim@example.kr', { ...mail, html }), yes);
    expect(outcome.kind).toBe('temporary');
  });

  test('cut after the final dot: nobody knows', async () => {
    const url = `smtp://127.0.0.1:${await mailServer('dot')}`;
    const provider = keep(createEmailProvider({ url, from }));
    expect((await provider.send(createDelivery('kim@example.kr', mail), yes)).kind).toBe('unknown');
  });

  test('a server that answers twice is out of step: what it says is believed of nothing', async () => {
    const sink = keep(await startSmtpSink());
    const provider: Provider = keep(createEmailProvider({ url: sink.url, from, window: 1 }));
    const send = () => provider.send(createDelivery('kim@example.kr', mail), yes);
    sink.fail({ kind: 'twice', times: 1 });
    expect((await send()).kind).toBe('accepted');
    // The second answer meets either an idle connection, which is given up, or the next mail.
    expect(['accepted', 'temporary']).toContain((await send()).kind);
    expect((await send()).kind).toBe('accepted');
    const ids = sink.received.map((received) => received.delivery);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('a greylisting server is asked again when it says', async () => {
    const { port } = await serve((socket) => {
      socket.write('220 script\r\n');
      socket.on('data', (chunk) =>
        socket.write(
          /^RCPT/i.test(chunk.toString())
            ? '450 4.2.0 Greylisted, try again in 300 seconds\r\n'
            : '250 ok\r\n',
        ),
      );
    });
    const provider = keep(createEmailProvider({ url: `smtp://127.0.0.1:${port}`, from }));
    expect(await provider.send(createDelivery('kim@example.kr', mail), yes)).toMatchObject({
      kind: 'temporary',
      retryAfterMs: 300_000,
    });
  });
});

describe('SMPP', () => {
  test('not bound: not sent', async () => {
    const provider = keep(createSmsProvider({ url: 'smpp://a:b@127.0.0.1:1', source: '1' }));
    await provider.start();
    expect(await provider.send(createDelivery(KIM, sms), yes)).toEqual({
      kind: 'temporary',
      code: 'not-bound',
    });
  });

  test('reset before the text was written: not sent', async () => {
    const sink = keep(await startSmscSink());
    const provider = keep(createSmsProvider({ url: sink.url, source: '1', reconnectMs: 10 }));
    await provider.start();
    // As above: the kernel knows, our event loop does not.
    sink.reset();
    expect(await provider.send(createDelivery(KIM, sms), yes)).toEqual({
      kind: 'temporary',
      code: 'not-written',
    });
    expect(sink.received).toEqual([]);
  });

  test('cut after it was written: nobody knows', async () => {
    const sink = keep(await startSmscSink());
    const provider = keep(createSmsProvider({ url: sink.url, source: '1', reconnectMs: 10 }));
    await provider.start();
    sink.fail({ kind: 'cut', times: 1 });
    expect(await provider.send(createDelivery(KIM, sms), yes)).toEqual({
      kind: 'unknown',
      code: 'connection-lost',
    });
  });

  test('a centre that answers twice says nothing of the next text', async () => {
    const sink = keep(await startSmscSink());
    const provider = keep(createSmsProvider({ url: sink.url, source: '1', answerTimeoutMs: 150 }));
    await provider.start();
    sink.fail({ kind: 'twice', times: 1, ms: 20 });
    expect((await provider.send(createDelivery(KIM, sms), yes)).kind).toBe('accepted');
    sink.fail({ kind: 'hang', times: 1 });
    expect(await provider.send(createDelivery(KIM, sms), yes)).toEqual({
      kind: 'unknown',
      code: 'answer-timeout',
    });
    sink.fail(null);
    await eventually(async () => (await provider.send(createDelivery(KIM, sms), yes)).kind === 'accepted');
  });

  test('a text that cannot be encoded fails through us, alone', async () => {
    const sink = keep(await startSmscSink());
    const provider = keep(createSmsProvider({ url: sink.url, source: '1' }));
    await provider.start();
    const expiresAtMs = Number.NaN;
    const outcomes = await Promise.allSettled([
      provider.send(createDelivery(KIM, sms, { expiresAtMs }), yes),
      provider.send(createDelivery(KIM, sms), yes),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled']);
  });
});
