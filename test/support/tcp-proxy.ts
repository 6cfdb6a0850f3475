/** A TCP proxy on loopback that can be cut: connections are broken and new ones refused until it is mended. */
import { createConnection, createServer, type Server, type Socket } from 'node:net';

export type TcpProxy = {
  readonly port: number;
  cut(): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
};

/** `listenPort` 0 takes a free one. `target` is a port of 127.0.0.1 or the path of a Unix socket. */
export async function createTcpProxy(target: number | string, listenPort = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = listenPort;

  async function mend(): Promise<void> {
    if (server !== undefined) return;
    const opened = createServer((client) => {
      const upstream =
        typeof target === 'string' ? createConnection(target) : createConnection(target, '127.0.0.1');
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        sockets.add(from);
        from.setNoDelay(true);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    opened.once('error', reject);
    opened.listen(port, '127.0.0.1', resolve);
    await promise;
    const address = opened.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    port = address.port;
    server = opened;
  }
  async function cut(): Promise<void> {
    const closing = server;
    if (closing === undefined) return;
    server = undefined;
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  }

  await mend();
  return {
    get port() {
      return port;
    },
    cut,
    mend,
    close: cut,
  };
}
