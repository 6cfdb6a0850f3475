/** A TCP proxy in front of a service, to cut it off, to let it fall silent, and to bring it back, without touching others that use it. */
import { connect, createServer, type Socket } from 'node:net';

export type TcpProxy = {
  readonly port: number;
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Keeps connections and forwards nothing any more, as a stopped process or a dropped route does. */
  stall(): void;
  /** Ends a cut or a stall. */
  restore(): Promise<void>;
  close(): Promise<void>;
};

export async function createProxy(
  target: { host: string; port: number } | { path: string },
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let stalled = false;
  const create = () =>
    createServer((client) => {
      const server = connect(target);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        sockets.add(from);
        from.on('data', (chunk) => to.write(chunk));
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        if (stalled) from.pause();
      }
    });
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server = create();
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  let server = create();
  await listen(0);
  const { port } = server.address() as { port: number };
  const cut = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    cut,
    stall() {
      stalled = true;
      for (const socket of sockets) socket.pause();
    },
    async restore() {
      stalled = false;
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listen(port);
    },
    close: cut,
  };
}
