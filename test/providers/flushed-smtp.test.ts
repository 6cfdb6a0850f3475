/** SMTP cut at each point, and answered once too often: what the final dot tells. The other adapters: flushed.test.ts. */

import { afterEach, describe, expect, test } from '@jest/globals';
import { createEmailProvider } from '../../workers/providers/email.ts';
import type { Provider } from '../../workers/providers/provider.ts';
import { startSmtpSink } from '../sinks/smtp.ts';
import { eventually } from '../support/eventually.ts';
import { createDelivery, yes } from './builders.ts';
import { serveConnections } from './scripted-server.ts';

const mail = { channel: 'email', subject: '제목', text: '본문', html: '<p>본문</p>' } as const;
const from = { name: 'Allim', address: 'a@allim.example' };

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

function keep<T extends { stop(): Promise<void> }>(part: T): T {
  opened.push(() => part.stop());
  return part;
}

const serve = async (handle: Parameters<typeof serveConnections>[0]) => keep(await serveConnections(handle));

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

/** A mail server that says twice what became of the first mail: at once, or when the next is begun and before its own answer. */
async function twiceAnswering(when: 'at once' | 'under the next mail') {
  const messages: string[] = [];
  const { port, sockets } = await serve((socket) => {
    let message: string | null = null;
    let owed = false;
    socket.write('220 script\r\n');
    socket.on('data', (chunk) => {
      const line = chunk.toString();
      if (message !== null) {
        message += line;
        if (!message.endsWith('\r\n.\r\n')) return;
        owed = messages.push(/^Message-ID: .*$/im.exec(message)?.[0] ?? '') === 1;
        message = null;
        socket.write(owed && when === 'at once' ? '250 taken\r\n250 taken\r\n' : '250 taken\r\n');
      } else if (/^DATA/i.test(line)) {
        message = '';
        socket.write('354 go ahead\r\n');
      } else {
        socket.write(owed && when === 'under the next mail' ? '250 taken\r\n250 ok\r\n' : '250 ok\r\n');
        owed = false;
      }
    });
  });
  return { url: `smtp://127.0.0.1:${port}`, sockets, messages };
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

  test('a mail answered twice, the second time under the next: that is not sent, and goes over another connection', async () => {
    const server = await twiceAnswering('under the next mail');
    const provider: Provider = keep(createEmailProvider({ url: server.url, from, window: 1 }));
    const send = () => provider.send(createDelivery('kim@example.kr', mail), yes);
    expect((await send()).kind).toBe('accepted');
    expect(await send()).toEqual({ kind: 'temporary', code: 'out-of-step' });
    expect((await send()).kind).toBe('accepted');
    expect(server.sockets).toHaveLength(2);
    expect(server.messages).toHaveLength(2);
    expect(new Set(server.messages).size).toBe(2);
  });

  test('a mail answered twice while nothing is under way: the connection is given up', async () => {
    const server = await twiceAnswering('at once');
    const provider: Provider = keep(createEmailProvider({ url: server.url, from, window: 1 }));
    const send = () => provider.send(createDelivery('kim@example.kr', mail), yes);
    expect((await send()).kind).toBe('accepted');
    await eventually(() => server.sockets[0]!.readableEnded);
    expect((await send()).kind).toBe('accepted');
    expect(server.sockets).toHaveLength(2);
    expect(server.messages).toHaveLength(2);
  });

  // When the second answer comes is the server's: also after the final dot of a later mail, where it cannot be told from the right one.
  test('whenever a second answer comes, it holds up one mail at most and doubles none', async () => {
    const sink = keep(await startSmtpSink());
    const provider: Provider = keep(createEmailProvider({ url: sink.url, from, window: 1 }));
    const send = () => provider.send(createDelivery('kim@example.kr', mail), yes);
    sink.fail({ kind: 'twice', times: 1 });
    const outcomes = [await send(), await send(), await send(), await send()];
    const held = outcomes.filter(({ kind }) => kind !== 'accepted');
    expect([[], [{ kind: 'temporary', code: 'out-of-step' }]]).toContainEqual(held);
    const ids = sink.received.map((received) => received.delivery);
    expect(ids).toHaveLength(outcomes.length - held.length);
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
