/** A port that takes connections and never says anything, and one that refuses them. */
import { createServer, type Socket } from 'node:net';

export type SilentServer = {
  readonly port: number;
  /** Nobody listens there. */
  readonly refusedPort: number;
  stop(): Promise<void>;
};

async function listen(sockets: Set<Socket>) {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as { port: number }).port };
}

export async function createSilentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  const silent = await listen(sockets);
  const gone = await listen(sockets);
  await new Promise((resolve) => gone.server.close(resolve));
  return {
    port: silent.port,
    refusedPort: gone.port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => silent.server.close(resolve));
    },
  };
}
