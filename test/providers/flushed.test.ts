/** What was flushed to the socket tells a call that was not made from one of which nobody knows: each adapter, cut at each point. */

import { afterEach, describe, expect, test } from '@jest/globals';
import webPush from 'web-push';
import { createPushProvider } from '../../workers/providers/push.ts';
import { createSmsHttpProvider } from '../../workers/providers/sms-http.ts';
import { createSmsProvider } from '../../workers/providers/sms-smpp.ts';
import { startGatewaySink } from '../sinks/gateway.ts';
import { startPushSink, subscriptionAt } from '../sinks/push.ts';
import { startSmscSink } from '../sinks/smsc.ts';
import { eventually } from '../support/eventually.ts';
import { createDelivery, yes } from './builders.ts';
import { serveConnections } from './scripted-server.ts';

const KIM = '+821012345678';
const sms = { channel: 'sms', text: '본문' } as const;
const note = { channel: 'push', title: '제목', body: '본문' } as const;
const vapid = { subject: 'mailto:a@allim.example', ...webPush.generateVAPIDKeys() };

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function keep<T extends { stop(): Promise<void> }>(part: T): T {
  opened.push(() => part.stop());
  return part;
}

const serve = async (handle: Parameters<typeof serveConnections>[0]) => keep(await serveConnections(handle));

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
  test('calls that wait for a connection each get one where the server keeps none', async () => {
    const { port, sockets } = await serve((socket) =>
      socket.on('data', () =>
        socket.end('HTTP/1.1 201 Created\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'),
      ),
    );
    const send = http.push(port);
    const outcomes = await Promise.all([send(), send(), send()]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(sockets).toHaveLength(3);
  });

  test('a worker that loses its session while its call waits for a connection: not sent', async () => {
    let answer: () => void = () => {};
    const { port, sockets } = await serve((socket) =>
      socket.on('data', () => {
        answer = () => socket.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
      }),
    );
    const provider = keep(createPushProvider({ vapid, allowLoopback: true, window: 1 }));
    const address = JSON.stringify(subscriptionAt(`http://127.0.0.1:${port}`, 'kim'));
    let alive = true;
    const first = provider.send(createDelivery(address, note), yes);
    const second = provider.send(createDelivery(address, note), () => alive);
    await eventually(() => sockets[0]!.bytesRead > 0);
    alive = false;
    answer();
    expect((await first).kind).toBe('accepted');
    expect(await second).toEqual({ kind: 'temporary', code: 'session-lost' });
  });

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
