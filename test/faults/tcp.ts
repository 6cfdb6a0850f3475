/**
 * The wire between the product and a server, and what can go wrong with it. Bytes pass in order or not at all; what a stalled wire holds
 * back passes once it is mended, as TCP would send it again. A reader that is slow slows the writer: nothing piles up here.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import type { FaultyProxy } from './proxy.ts';

type Direction = 'to-server' | 'to-client';
type Matches = (chunk: Buffer) => boolean;

/** What waits here, at most, before its sender has to wait too. */
const HELD_BYTES = 256 * 1024;
/** A throttled wire passes ten pieces a second, so that one large chunk does not stand for a pause. */
const PIECES_A_SECOND = 10;

type Way = {
  readonly direction: Direction;
  readonly from: Socket;
  readonly to: Socket;
  /** What has come and not passed; null is the sender's end. */
  readonly held: { readonly chunk: Buffer | null; readonly dueAt: number }[];
  heldBytes: number;
  lastDueAt: number;
  /** The receiver's buffer is full. */
  full: boolean;
  timer: NodeJS.Timeout | undefined;
};

type Line = { readonly client: Socket; readonly server: Socket; readonly ways: readonly [Way, Way] };

/** Only TCP has a reset; a Unix socket's other end, or one that is not connected yet, is closed. */
function reset(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/** Listens on a port of 127.0.0.1 (0 takes a free one) and leads to another, or to the path of a Unix socket. */
export async function createFaultyProxy(target: number | string, listenPort = 0): Promise<FaultyProxy> {
  const lines = new Set<Line>();
  /** Ends whose other end is gone: servers that do what they were told last, clients that do not know. */
  const orphans = new Set<Socket>();
  const silent = new Set<Direction>();
  let refusing = false;
  let delayMs = 0;
  let bytesPerSecond = Number.POSITIVE_INFINITY;
  let cutting: { readonly matches: Matches; readonly pass: boolean; left: number } | undefined;

  function pass(way: Way): void {
    clearTimeout(way.timer);
    way.timer = undefined;
    while (way.held.length > 0 && !silent.has(way.direction) && !way.full && !way.to.destroyed) {
      const { chunk, dueAt } = way.held[0]!;
      const early = dueAt - performance.now();
      if (early > 0.5) {
        way.timer = setTimeout(() => pass(way), early);
        return;
      }
      way.held.shift();
      if (chunk === null) {
        way.to.end();
        continue;
      }
      way.heldBytes -= chunk.length;
      way.full = !way.to.write(chunk);
    }
    const wait = way.full || way.heldBytes > HELD_BYTES || silent.has(way.direction);
    if (wait) way.from.pause();
    else way.from.resume();
  }

  function hold(way: Way, chunk: Buffer | null): void {
    const pieceBytes = Math.max(1, Math.min(HELD_BYTES, Math.floor(bytesPerSecond / PIECES_A_SECOND)));
    const length = chunk?.length ?? 0;
    for (let at = 0; at < Math.max(length, 1); at += pieceBytes) {
      const piece = chunk?.subarray(at, at + pieceBytes) ?? null;
      const takesMs = ((piece?.length ?? 0) / bytesPerSecond) * 1_000;
      // Never before what came earlier.
      way.lastDueAt = Math.max(performance.now() + delayMs, way.lastDueAt) + takesMs;
      way.held.push({ chunk: piece, dueAt: way.lastDueAt });
    }
    way.heldBytes += length;
    pass(way);
  }

  function came(line: Line, way: Way, chunk: Buffer): void {
    if (way.direction === 'to-server' && cutting?.matches(chunk)) {
      const { pass: done } = cutting;
      if (--cutting.left === 0) cutting = undefined;
      lines.delete(line);
      for (const one of line.ways) clearTimeout(one.timer);
      reset(line.client);
      if (!done) {
        reset(line.server);
        return;
      }
      // A reset would make the server's system throw away what it has not read yet. So it gets everything and the end of the input, and
      // whatever it answers goes nowhere.
      orphans.add(line.server);
      line.server.removeAllListeners('data');
      line.server.resume();
      for (const { chunk: earlier } of way.held) if (earlier !== null) line.server.write(earlier);
      line.server.end(chunk);
      return;
    }
    hold(way, chunk);
  }

  function connected(client: Socket): void {
    if (refusing) {
      client.on('error', () => {});
      reset(client);
      return;
    }
    const to = typeof target === 'string' ? { path: target } : { port: target, host: '127.0.0.1' };
    const server = createConnection({ ...to, allowHalfOpen: true });
    const way = (direction: Direction, from: Socket, to: Socket): Way => ({
      direction,
      from,
      to,
      held: [],
      heldBytes: 0,
      lastDueAt: 0,
      full: false,
      timer: undefined,
    });
    const line: Line = {
      client,
      server,
      ways: [way('to-server', client, server), way('to-client', server, client)],
    };
    lines.add(line);
    for (const one of line.ways) {
      const { from, to } = one;
      from.setNoDelay(true);
      from.on('data', (chunk: Buffer) => came(line, one, chunk));
      from.on('end', () => hold(one, null));
      to.on('drain', () => {
        one.full = false;
        pass(one);
      });
      // A broken end breaks the other; that it was closed in order has passed as an end before.
      from.on('error', () => lines.has(line) && reset(to));
      from.on('close', () => {
        orphans.delete(from);
        clearTimeout(one.timer);
        if (!lines.has(line)) return;
        if (!to.writableEnded) to.destroy();
        if (client.destroyed && server.destroyed) lines.delete(line);
      });
      if (silent.has(one.direction)) from.pause();
    }
  }

  const listener = createServer({ allowHalfOpen: true }, connected);
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  listener.once('error', reject);
  listener.listen(listenPort, '127.0.0.1', resolve);
  await listening;
  const { port } = listener.address() as { port: number };

  function breakLines(): void {
    for (const line of lines) {
      lines.delete(line);
      for (const one of line.ways) {
        clearTimeout(one.timer);
        reset(one.from);
      }
    }
  }
  function passAll(): void {
    for (const { ways } of lines) for (const one of ways) pass(one);
  }

  return {
    port,
    target(to) {
      target = to;
    },
    cut() {
      // The port is kept: somebody else might take it while it is free.
      refusing = true;
      breakLines();
    },
    silence(direction) {
      for (const one of ['to-server', 'to-client'] as const)
        if (direction === one || direction === 'both') silent.add(one);
      passAll();
    },
    forget() {
      for (const line of lines) {
        lines.delete(line);
        for (const one of line.ways) clearTimeout(one.timer);
        reset(line.server);
        // What the client says is taken and goes nowhere; that it hangs up is noticed.
        line.client.removeAllListeners('data');
        line.client.resume();
        line.client.on('end', () => line.client.destroy());
        orphans.add(line.client);
      }
    },
    cutAfter(matches, times = 1) {
      cutting = { matches, pass: true, left: times };
    },
    cutBefore(matches, times = 1) {
      cutting = { matches, pass: false, left: times };
    },
    slow(ms, limit = Number.POSITIVE_INFINITY) {
      delayMs = ms;
      bytesPerSecond = limit;
    },
    mend() {
      refusing = false;
      cutting = undefined;
      delayMs = 0;
      bytesPerSecond = Number.POSITIVE_INFINITY;
      silent.clear();
      for (const { ways } of lines)
        for (const one of ways) {
          one.lastDueAt = 0;
          for (const [at, { chunk }] of one.held.entries()) one.held[at] = { chunk, dueAt: 0 };
        }
      passAll();
    },
    async close() {
      const closed = new Promise<void>((done) => listener.close(() => done()));
      breakLines();
      for (const orphan of orphans) orphan.destroy();
      await closed;
    },
  };
}
