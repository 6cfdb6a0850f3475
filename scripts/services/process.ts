/** Processes that outlive the command that started them, and what they answer. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export const run = promisify(execFile);

export function say(line: string): void {
  process.stderr.write(`services: ${line}\n`);
}

export function has(program: string, versionFlag = '--version'): boolean {
  return spawnSync(program, [versionFlag], { stdio: 'ignore' }).error === undefined;
}

/** Installs Debian packages as root; says so. Throws with what to do elsewhere. */
export async function installed(
  program: string,
  versionFlag: string,
  packages: readonly string[],
): Promise<void> {
  if (has(program, versionFlag)) return;
  if (process.getuid?.() !== 0 || !has('apt-get'))
    throw new Error(
      `${program} is not installed: install it (Debian: apt-get install ${packages.join(' ')})`,
    );
  say(`${program} is missing: installing ${packages.join(' ')} with apt-get`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-q'], { env, maxBuffer: 64 << 20 });
  await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], {
    env,
    maxBuffer: 64 << 20,
  });
}

/** Starts a program in a session of its own, its output after what is in `logFile`. */
export async function launch(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd: string;
    readonly logFile: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly uid?: number;
    readonly gid?: number;
  },
): Promise<number> {
  const log = openSync(options.logFile, 'a');
  const child = spawn(program, args, {
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  return child.pid!;
}

/** Alive, and the program we started: a recorded pid may belong to anybody by now. */
export function isRunning(pid: number, marker: string): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(marker);
  } catch {
    const { stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return (stdout ?? '').includes(marker);
  }
}

/** Ends it at once: what these services hold is scratch. */
export async function end(pid: number, marker: string): Promise<void> {
  if (isRunning(pid, marker)) process.kill(pid, 'SIGKILL');
  while (isRunning(pid, marker)) await delay(20);
}

/** Below those that a system gives to connections going out: whoever is killed and started again finds its port as it left it. */
const [FIRST_PORT, PORTS] = [10_000, 20_000];
/** Processes that look for ports at once begin in different places. */
let nextPort = (process.pid * 97) % PORTS;

/** Nobody listens there now, and whoever else asks this process gets others. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const free: number[] = [];
  for (let tried = 0; free.length < count; tried++) {
    if (tried === PORTS) throw new Error(`no ${count} ports are free from ${FIRST_PORT} on`);
    const port = FIRST_PORT + nextPort;
    nextPort = (nextPort + 1) % PORTS;
    if (await isFree(port)) free.push(port);
  }
  return free;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Sends bytes and resolves to the first `length` bytes of the answer; null where none comes within a second. */
export function ask(port: number, question: Buffer, length: number): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let answer = Buffer.alloc(0);
    const finish = (value: Buffer | null) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(1_000, () => finish(null));
    socket.on('connect', () => socket.write(question));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= length) finish(answer);
    });
    socket.on('error', () => finish(null));
    socket.on('close', () => finish(null));
  });
}

/** Waits until `ready`, at most `timeoutMs`, and gives up at once when a process has died. */
export async function awaitReady(
  name: string,
  alive: () => boolean,
  ready: () => Promise<boolean>,
  logFile: string,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await ready())) {
    if (alive() && performance.now() < deadline) {
      await delay(50);
      continue;
    }
    const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
    throw new Error(
      `${name} ${alive() ? `is not ready after ${timeoutMs / 1000} s` : 'ended'}; the end of ${logFile}:\n${tail}`,
    );
  }
}
