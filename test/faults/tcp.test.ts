import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import type { FaultyProxy } from './proxy.ts';
import { createFaultyProxy } from './tcp.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

type Echo = { readonly port: number; received: string; readonly sockets: Set<Socket>; ended: number };

/** Answers with what it got, unless `mute`. */
async function echo(mute = false): Promise<Echo> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      self.received += chunk.toString('latin1');
      if (!mute) socket.write(chunk);
    });
    socket.on('end', () => {
      self.ended++;
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const self: Echo = { port: (server.address() as { port: number }).port, received: '', sockets, ended: 0 };
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return self;
}

async function proxyTo(port: number): Promise<FaultyProxy> {
  const proxy = await createFaultyProxy(port);
  closing.push(() => proxy.close());
  return proxy;
}

type Client = { readonly socket: Socket; got: string; error: string; closed: boolean; ended: boolean };

function dial(port: number): Client {
  const socket = createConnection({ port, host: '127.0.0.1' });
  const self: Client = { socket, got: '', error: '', closed: false, ended: false };
  socket.on('data', (chunk: Buffer) => {
    self.got += chunk.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    self.error = error.code ?? '';
  });
  socket.on('end', () => {
    self.ended = true;
  });
  socket.on('close', () => {
    self.closed = true;
  });
  closing.push(async () => socket.destroy());
  return self;
}

const is = (text: string) => (chunk: Buffer) => chunk.toString().includes(text);

describe('a faulty proxy', () => {
  test('is a wire where nothing is asked of it, also for the end of the input', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    const client = dial(proxy.port);
    client.socket.end('hello');
    await eventually(() => expect(client).toMatchObject({ got: 'hello', ended: true, error: '' }));
    expect(server.ended).toBe(1);
  });

  test('cut resets connections, and new ones until it is mended', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    const client = dial(proxy.port);
    client.socket.write('a');
    await eventually(() => expect(client.got).toBe('a'));
    proxy.cut();
    await eventually(() => expect(client).toMatchObject({ error: 'ECONNRESET', closed: true }));
    const second = dial(proxy.port);
    second.socket.write('b');
    await eventually(() => expect(second.closed).toBe(true));
    proxy.mend();
    const third = dial(proxy.port);
    third.socket.write('c');
    await eventually(() => expect(third.got).toBe('c'));
    expect(server.received).toBe('ac');
  });

  test.each([
    ['to-server', ''],
    ['to-client', 'one'],
    ['both', ''],
  ] as const)(
    'silent %s, the connection stays open and what was held passes afterwards',
    async (direction, there) => {
      const server = await echo();
      const proxy = await proxyTo(server.port);
      const client = dial(proxy.port);
      await once(client.socket, 'connect');
      await eventually(() => expect(server.sockets.size).toBe(1));
      proxy.silence(direction);
      client.socket.write('one');
      const during = dial(proxy.port);
      during.socket.write('one');
      if (there !== '') await eventually(() => expect(server.received).toBe('oneone'));
      // What goes another way has passed by now, and this has not.
      const other = await proxyTo(server.port);
      const witness = dial(other.port);
      witness.socket.write('!');
      await eventually(() => expect(witness.got).toBe('!'));
      expect(client).toMatchObject({ got: '', closed: false });
      expect(server.received.replaceAll('!', '')).toBe(there.repeat(2));
      proxy.mend();
      await eventually(() => expect([client.got, during.got]).toEqual(['one', 'one']));
    },
  );

  test('forget: the server has lost the connection, the client is not told, and new ones pass', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    const client = dial(proxy.port);
    client.socket.write('a');
    await eventually(() => expect(client.got).toBe('a'));
    proxy.forget();
    await eventually(() => expect(server.sockets.size).toBe(0));
    client.socket.write('b');
    const next = dial(proxy.port);
    next.socket.write('c');
    await eventually(() => expect(next.got).toBe('c'));
    expect(client).toMatchObject({ got: 'a', closed: false, error: '' });
    expect(server.received).toBe('ac');
    client.socket.end();
    await eventually(() => expect(client.closed).toBe(true));
  });

  test('cutAfter lets the chunk arrive and no answer pass', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    const client = dial(proxy.port);
    proxy.cutAfter(is('COMMIT'));
    client.socket.write('BEGIN');
    await eventually(() => expect(client.got).toBe('BEGIN'));
    client.socket.write('COMMIT');
    await eventually(() => expect(client).toMatchObject({ error: 'ECONNRESET', got: 'BEGIN' }));
    await eventually(() => expect(server).toMatchObject({ received: 'BEGINCOMMIT', ended: 1 }));
    const next = dial(proxy.port);
    next.socket.write('COMMIT');
    await eventually(() => expect(next.got).toBe('COMMIT'));
  });

  test('cutBefore does not let it arrive', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    proxy.cutBefore(is('COMMIT'), 2);
    for (const _ of [1, 2]) {
      const client = dial(proxy.port);
      client.socket.write('COMMIT');
      await eventually(() => expect(client.error).toBe('ECONNRESET'));
    }
    const client = dial(proxy.port);
    client.socket.write('COMMIT');
    await eventually(() => expect(client.got).toBe('COMMIT'));
    expect(server.received).toBe('COMMIT');
  });

  test('slow, every chunk takes its time in order, and a throttle holds', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    proxy.slow(20, 100_000);
    const client = dial(proxy.port);
    const startedAt = performance.now();
    client.socket.write('x'.repeat(10_000));
    client.socket.write('y');
    await eventually(() => expect(client.got.length).toBe(10_001));
    // 20 ms a way, and 100 ms for the bytes.
    expect(performance.now() - startedAt).toBeGreaterThan(130);
    expect(client.got.endsWith('xy')).toBe(true);
    proxy.slow(60_000);
    client.socket.write('late');
    await eventually(() => expect(client.socket.bytesWritten).toBe(10_005));
    expect(client.got.length).toBe(10_001);
    proxy.mend();
    await eventually(() => expect(client.got.endsWith('late')).toBe(true));
  });

  test('a silent wire slows its sender down instead of taking everything in', async () => {
    const server = await echo(true);
    const proxy = await proxyTo(server.port);
    const client = dial(proxy.port);
    await once(client.socket, 'connect');
    proxy.silence('to-server');
    const chunk = Buffer.alloc(1 << 20, 'x');
    for (let sent = 0; sent < 64; sent++) client.socket.write(chunk);
    await eventually(() => expect(client.socket.writableLength).toBeGreaterThan(16 << 20));
    proxy.mend();
    await eventually(() => expect(server.received.length).toBe(64 << 20));
  });

  test('leads elsewhere for connections made from then on', async () => {
    const [first, second] = [await echo(), await echo()];
    const proxy = await proxyTo(first.port);
    const old = dial(proxy.port);
    old.socket.write('1');
    await eventually(() => expect(first.received).toBe('1'));
    proxy.target(second.port);
    const fresh = dial(proxy.port);
    fresh.socket.write('2');
    await eventually(() => expect(second.received).toBe('2'));
    old.socket.write('3');
    await eventually(() => expect(first.received).toBe('13'));
  });

  test('a server that is not there breaks the connection', async () => {
    const server = await echo();
    const proxy = await proxyTo(server.port);
    await closing.shift()?.();
    const client = dial(proxy.port);
    await eventually(() => expect(client.closed).toBe(true));
  });
});
