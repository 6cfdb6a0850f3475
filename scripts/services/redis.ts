/** Debian's Redis 7, as the queue needs it: never evicting, and with a memory limit, so that its fill can be known. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ask, awaitReady, end, freePorts, installed, isRunning, launch, say } from './process.ts';

const MARKER = 'redis-server';

export type RedisServer = { readonly pid: number; readonly port: number };

export function redisRuns(server: RedisServer | undefined): boolean {
  return server !== undefined && isRunning(server.pid, MARKER);
}

/** `more` are settings of redis.conf over those here. With `port` it comes back where it was, and loads what its folder holds. */
export async function startRedis(
  folder: string,
  more: Readonly<Record<string, string>> = {},
  port?: number,
): Promise<RedisServer> {
  await installed('redis-server', '--version', ['redis-server']);
  await mkdir(folder, { recursive: true });
  const at = port ?? (await freePorts(1))[0]!;
  say(`starting Redis on 127.0.0.1:${at}`);
  const settings = {
    bind: '127.0.0.1',
    port: at,
    dir: folder,
    daemonize: 'no',
    // What a test needs of persistence it sets itself.
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    maxmemory: '1gb',
    ...more,
  };
  const logFile = path.join(folder, 'redis.log');
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const pid = await launch('redis-server', args, { cwd: folder, logFile });
  const alive = () => isRunning(pid, MARKER);
  const ready = async () =>
    (await ask(at, Buffer.from('PING\r\n'), 5))?.toString().startsWith('+PONG') ?? false;
  await awaitReady('Redis', alive, ready, logFile, 10_000);
  return { pid, port: at };
}

export async function stopRedis(server: RedisServer): Promise<void> {
  await end(server.pid, MARKER);
}
