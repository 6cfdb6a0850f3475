import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A server on loopback that does with each connection what it is told. */
export async function serveConnections(
  handle: (socket: Socket) => void,
): Promise<{ readonly port: number; readonly sockets: Socket[]; stop(): Promise<void> }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    handle(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
