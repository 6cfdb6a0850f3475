/**
 * The bundled PostgreSQL: started, adopted and stopped here, so that Allim runs with nothing but npm packages.
 * Guarantees: fsync is on; it listens on a Unix socket in a folder only its owner can enter, on no TCP port (Windows: loopback with a
 * generated password); one server per data folder, however many processes ask for it; the last one to stop ends it; a server left
 * by a killed process is adopted. It never deletes a database.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { hasLz4, prepareBinaries } from './bundled-binaries.ts';
import { choosePlace, failure, type Place, PORT } from './bundled-place.ts';
import {
  disarmLockFile,
  isAlive,
  isPostmaster,
  processTree,
  readLockFile,
  STOP_TIMEOUT_MS,
  shutDown,
  whereAbsent,
} from './bundled-process.ts';
import { renderSettings } from './bundled-settings.ts';

const run = promisify(execFile);

const START_TIMEOUT_MS = 60_000;

export type BundledPostgres = {
  /** For pg and for psql: `postgresql://allim@localhost/postgres?host=<socketDir>`. */
  readonly url: string;
  readonly socketDir: string;
  /** True where the server was running already. */
  readonly adopted: boolean;
  /** The server's processes, to measure its memory. */
  pids(): Promise<readonly number[]>;
  /** Ends the server unless another live process uses it. Safe to call twice. */
  stop(): Promise<void>;
};

export type BundledOptions = {
  /** Allim's data folder; the cluster lies in `postgres/` below it, or, for root, in /var/lib/allim/<hash of the folder>. */
  readonly dataDir: string;
  readonly logger: Logger;
  /** `loopback` is for Windows, and for testing that way elsewhere. */
  readonly transport?: 'socket' | 'loopback';
};

/** Made aside and renamed: a cluster is there wholly or not at all, also when two begin at once or the power fails. */
async function initialize(place: Place, bin: string, password: string | null): Promise<boolean> {
  if (existsSync(path.join(place.cluster, 'PG_VERSION'))) return false;
  // Two that ask in one process share its pid.
  const aside = path.join(place.home, `init-${process.pid}-${randomUUID().slice(0, 8)}`);
  const passwordFile = `${aside}.password`;
  if (password !== null) await writeFile(passwordFile, password, { mode: 0o600 });
  if (password !== null && place.uid !== undefined) await chown(passwordFile, place.uid, place.uid);
  const identity = place.uid === undefined ? {} : { uid: place.uid, gid: place.uid };
  const access = password === null ? ['--auth=trust'] : ['--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  try {
    await run(
      path.join(bin, 'initdb'),
      [
        '-D',
        aside,
        '-U',
        'allim',
        '--encoding=UTF8',
        // The builtin provider orders alike on every machine: an index survives a new libc.
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        '--no-instructions',
        ...access,
      ],
      { cwd: place.home, env: serverEnvironment(), ...identity },
    );
    await rename(aside, place.cluster).catch((error: NodeJS.ErrnoException) => {
      if (!existsSync(path.join(place.cluster, 'PG_VERSION'))) throw error;
    });
  } catch (cause) {
    const stderr = (cause as { stderr?: string }).stderr?.trim();
    throw failure(`initdb failed in ${place.home}: ${stderr || messageOf(cause)}`, cause);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(aside, { recursive: true, force: true });
  }
  return true;
}

/** Nothing of ours is inherited: PGDATA, PGPORT and the like would change what is started. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, SystemRoot, TEMP } = process.env;
  return { PATH, LC_ALL: 'C', ...(SystemRoot === undefined ? {} : { SystemRoot, TEMP }) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function launch(place: Place, bin: string, port: number, loopback: boolean): Promise<ChildProcess> {
  const { bavail, bsize } = await statfs(place.home);
  const settings = renderSettings({
    socketDir: loopback ? null : place.socketDir,
    port,
    hasLz4: await hasLz4(bin, place.cluster),
    freeBytes: bavail * bsize,
  });
  await writeFile(path.join(place.cluster, 'postgresql.conf'), settings);
  const logFile = path.join(place.home, 'postgres.log');
  const size = await stat(logFile).then(
    (found) => found.size,
    () => 0,
  );
  if (size > 10_000_000) await rename(logFile, `${logFile}.1`);
  const log = await open(logFile, 'a', 0o600);
  // Its own process group: Ctrl-C goes to us, and we end it after our own work has ended.
  const child = spawn(path.join(bin, 'postgres'), ['-D', place.cluster], {
    cwd: place.home,
    env: serverEnvironment(),
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    ...(place.uid === undefined ? {} : { uid: place.uid, gid: place.uid }),
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) =>
      reject(failure(`${path.join(bin, 'postgres')} does not start: ${messageOf(cause)}`, cause)),
    );
  }).finally(() => log.close());
  child.unref();
  return child;
}

/** For the message of an error, which must not be lost because its log is. */
async function logTail(place: Place): Promise<string> {
  const text = await readFile(path.join(place.home, 'postgres.log'), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-5).join('\n');
}

/** Brings a server up or finds one: resolves when it accepts connections. */
async function bringUp(
  place: Place,
  bin: string,
  loopback: boolean,
): Promise<{ pid: number; port: number; adopted: boolean }> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let child: ChildProcess | null = null;
  let attempts = 0;
  while (performance.now() < deadline) {
    const lock = await readLockFile(place.cluster);
    if (lock !== null && (await isPostmaster(lock.pid, place.cluster))) {
      // `ready` is the last line of the lock file once connections are accepted; `starting` covers crash recovery too.
      if (lock.status === 'ready')
        return { pid: lock.pid, port: lock.port, adopted: child === null || child.pid !== lock.pid };
    } else if (child === null || child.exitCode !== null || child.signalCode !== null) {
      // Our own start may lose against another's, or meet backends that outlive a killed postmaster for a moment.
      // A busy machine may take long to end those, and nothing but waiting helps.
      if (attempts++ >= 20 && !(await logTail(place)).includes('is still in use')) break;
      if (attempts > 1) await delay(Math.min(100 * attempts, 1000));
      if (lock !== null && isAlive(lock.pid) && lock.pid !== process.pid) await disarmLockFile(place.cluster);
      child = await launch(place, bin, loopback ? await freePort() : PORT, loopback);
    }
    await delay(15);
  }
  throw failure(
    `the bundled Postgres did not become ready; the end of ${place.home}/postgres.log:\n${await logTail(place)}`,
  );
}

/** Marks of the processes that use the server, one file a process. Returns how many others live. */
async function otherUsers(place: Place): Promise<number> {
  const folder = path.join(place.home, 'users');
  let others = 0;
  for (const name of await readdir(folder).catch(whereAbsent([]))) {
    const pid = Number(name.split('-')[0]);
    if (isAlive(pid)) others++;
    else await rm(path.join(folder, name), { force: true });
  }
  return others;
}

/**
 * Starts the server of this data folder or adopts the one that runs. About 0.7 s the first time, 0.1 s after.
 * Errors: `config-invalid` where no binary serves this platform; `store-unavailable` with the end of the server's log otherwise.
 */
export async function startBundledPostgres(options: BundledOptions): Promise<BundledPostgres> {
  const { logger } = options;
  const loopback =
    (options.transport ?? (process.platform === 'win32' ? 'loopback' : 'socket')) === 'loopback';
  const place = await choosePlace(options.dataDir);
  const { bin, version } = await prepareBinaries(place.copyRoot);

  const passwordFile = path.join(place.home, 'password');
  if (loopback)
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { flag: 'wx', mode: 0o600 }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      },
    );
  const password = loopback ? await readFile(passwordFile, 'utf8') : null;

  // The mark comes before the server: another's stop between the two would end what we are about to use.
  const mark = path.join(place.home, 'users', `${process.pid}-${randomUUID().slice(0, 8)}`);
  await mkdir(path.dirname(mark), { recursive: true, mode: 0o700 });
  await writeFile(mark, '');
  try {
    const created = await initialize(place, bin, password);
    const major = (await readFile(path.join(place.cluster, 'PG_VERSION'), 'utf8')).trim();
    if (major !== version.split('.')[0])
      throw new AllimError(
        'config-invalid',
        `${place.cluster} was written by Postgres ${major}, this is ${version}: dump it with the old release and load it anew`,
      );
    const server = await bringUp(place, bin, loopback);
    logger.info(
      { pid: server.pid, version, created, adopted: server.adopted, folder: place.home },
      server.adopted ? 'bundled Postgres adopted' : 'bundled Postgres started',
    );
    const url =
      password === null
        ? `postgresql://allim@localhost:${PORT}/postgres?host=${encodeURIComponent(place.socketDir)}`
        : `postgresql://allim:${password}@127.0.0.1:${server.port}/postgres`;
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      await rm(mark, { force: true });
      if ((await otherUsers(place)) > 0) return;
      const lock = await readLockFile(place.cluster);
      if (lock === null || !(await isPostmaster(lock.pid, place.cluster))) return;
      await shutDown(lock.pid, place.cluster, STOP_TIMEOUT_MS);
      logger.info({ pid: lock.pid }, 'bundled Postgres stopped');
    };
    return {
      url,
      socketDir: place.socketDir,
      adopted: server.adopted,
      pids: async () => processTree((await readLockFile(place.cluster))?.pid ?? server.pid),
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  } catch (error) {
    await rm(mark, { force: true });
    throw error;
  }
}
