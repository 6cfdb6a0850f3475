/**
 * Sockets to the brokers. kafkajs 2.2.4 lets a request fail that has no answer, and keeps the connection: where a firewall or a broker has
 * forgotten it, every later request fails on it too, for as long as TCP takes to give up (a quarter of an hour). So a connection on which something
 * was asked and nothing comes is broken here, and kafkajs makes another.
 */
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ISocketFactory, ISocketFactoryArgs } from 'kafkajs';

const LOOK_MS = 1_000;

/** As kafkajs does it, and without Nagle's delay, which holds a request back while the answer to the one before is awaited. */
export function openSocket({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
  // kafkajs passes null, whatever its types say, where there is to be no TLS.
  const tls = ssl as ConnectionOptions | null;
  const socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect)
    : connect({ host, port }, onConnect);
  return socket.setNoDelay(true).setKeepAlive(true, 60_000);
}

/** Sockets of `open` that break where nothing is read for `silenceMs` after something was written. */
export function watchful(open: ISocketFactory, silenceMs: number): ISocketFactory {
  return (args) => {
    const socket = open(args);
    let read = 0;
    let written = 0;
    let askedAt: number | undefined;
    const watch = setInterval(
      () => {
        const now = performance.now();
        if (socket.bytesRead !== read) askedAt = undefined;
        else if (socket.bytesWritten !== written) askedAt ??= now;
        read = socket.bytesRead;
        written = socket.bytesWritten;
        if (askedAt !== undefined && now - askedAt >= silenceMs)
          socket.destroy(new Error(`no answer for ${silenceMs} ms`));
      },
      Math.min(LOOK_MS, silenceMs / 4),
    );
    watch.unref();
    socket.once('close', () => clearInterval(watch));
    return socket;
  };
}
