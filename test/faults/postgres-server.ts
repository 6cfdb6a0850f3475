/** A Postgres of the fault tests' own, on a TCP port: killed with all its backends, frozen, started again with its data. */
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '../../domain/logger.ts';
import { awaitReady, freePorts, launch, run } from '../../scripts/services/process.ts';
import { hasLz4, prepareBinaries } from '../../store/bundled-binaries.ts';
import { isAlive, processTree, readLockFile, shutDown } from '../../store/bundled-process.ts';
import { renderSettings } from '../../store/bundled-settings.ts';
import { createPool } from '../../store/postgres.ts';
import type { Services } from './fault.ts';
import { mountSmallDisk } from './small-disk.ts';

/** Exists on every Unix; Postgres refuses to run as root, and its programs and data must be reachable for whom it runs as. */
const UNPRIVILEGED = 65_534;
export const ROOT_HOME = '/var/lib/allim';
const STOP_MS = 5_000;

export type PostgresServer = Services['postgres'] & {
  readonly port: number;
  /** For the next run to end what a killed one left. */
  readonly pid: number;
  stop(): Promise<void>;
};

/** A new cluster with an empty database `allim`; `name` keeps those of several runs apart. About 2 s. */
export async function startPostgresServer(
  folder: string,
  options: { readonly name: string; readonly diskBytes: number; readonly maxConnections?: number },
): Promise<PostgresServer> {
  const root = process.getuid?.() === 0;
  const home = root ? path.join(ROOT_HOME, `faults-${options.name}`) : path.join(folder, 'postgres');
  const dataDir = path.join(home, 'data');
  const logFile = path.join(folder, 'postgres.log');
  const { bin } = await prepareBinaries(root ? ROOT_HOME : undefined);
  const identity = root ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
  const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' };
  await mkdir(home, { recursive: true, mode: 0o755 });
  await chmod(home, 0o755);
  const disk = await mountSmallDisk(dataDir, options.diskBytes);
  const cluster = path.join(dataDir, 'cluster');
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  if (root) for (const one of [dataDir, cluster]) await chown(one, UNPRIVILEGED, UNPRIVILEGED);
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];
  await run(
    path.join(bin, 'initdb'),
    ['-D', cluster, '-U', 'allim', '--auth=trust', '--no-instructions', ...locale],
    { cwd: home, env, ...identity },
  );
  const [port] = (await freePorts(1)) as [number];
  const settings = renderSettings({
    socketDir: null,
    port,
    hasLz4: await hasLz4(bin, cluster),
    // As much log as a tenth of it: the disk must not be filled by anything but a fault.
    freeBytes: options.diskBytes,
  });
  await writeFile(path.join(cluster, 'postgresql.conf'), settings);
  await writeFile(path.join(cluster, 'local.conf'), `max_connections = ${options.maxConnections ?? 200}\n`);

  let pid = 0;
  let dead = true;
  const urlOf = (database: string) => `postgresql://allim@127.0.0.1:${port}/${database}`;

  async function accepts(): Promise<boolean> {
    const lock = await readLockFile(cluster);
    // Until the new one has written its own, the file is its predecessor's.
    return lock?.pid === pid && lock.status === 'ready';
  }
  async function start(): Promise<void> {
    if (!dead && isAlive(pid)) return;
    // Backends that outlive a killed postmaster for a moment keep its successor from starting; so it is tried again.
    for (let attempt = 1; ; attempt++) {
      pid = await launch(path.join(bin, 'postgres'), ['-D', cluster], {
        cwd: home,
        logFile,
        env,
        ...identity,
      });
      dead = false;
      try {
        await awaitReady('Postgres', () => isAlive(pid), accepts, logFile, 60_000);
        return;
      } catch (error) {
        if (attempt === 5) throw error;
      }
    }
  }
  async function signal(name: NodeJS.Signals): Promise<void> {
    for (const one of await processTree(pid))
      try {
        process.kill(one, name);
      } catch {
        // Ended in this moment.
      }
  }

  await start();
  const admin = createPool({ url: urlOf('postgres'), max: 1, logger: silentLogger });
  await admin.query('CREATE DATABASE allim').finally(() => admin.end());

  return {
    url: urlOf('allim'),
    port,
    dataDir,
    disk,
    get pid() {
      return pid;
    },
    start,
    async kill() {
      const tree = await processTree(pid);
      await signal('SIGKILL');
      dead = true;
      while (tree.some(isAlive)) await delay(10);
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async stop() {
      await signal('SIGCONT');
      if (!dead) await shutDown(pid, cluster, STOP_MS);
      await disk?.unmount();
      await rm(home, { recursive: true, force: true });
    },
  };
}
