/** What is known of a postmaster from outside: its lock file, whether it lives, its children. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const STOP_TIMEOUT_MS = 20_000;

/** For a file that need not be there. Any other fault counts: what cannot be read is not absent. */
export function whereAbsent<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code !== 'ENOENT') throw error;
    return value;
  };
}

export type LockFile = { readonly pid: number; readonly port: number; readonly status: string };

/** postmaster.pid: pid, data directory, start time, port, socket directory, address, shared memory key, status (src/include/utils/pidfile.h). */
export async function readLockFile(cluster: string): Promise<LockFile | null> {
  const text = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(whereAbsent(''));
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  return { pid, port: Number(lines[3] ?? 0), status: (lines[7] ?? '').trim() };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process is a postmaster of this cluster. A pid alone proves nothing: after a reboot it belongs to anybody. */
export async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') {
    // A postmaster changes into its data directory. A zombie has no working directory any more.
    // One that ended in this moment, or that is another person's, is not ours.
    return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === cluster;
  }
  if (process.platform === 'win32') return true;
  // ps fails where there is no such process.
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.includes('postgres') && stdout.includes(cluster);
}

/**
 * A lock file whose pid lives but is another program keeps Postgres from starting. The file itself has to stay, since it also names the
 * shared memory by which Postgres sees backends that outlived their postmaster; so only the pid is replaced, by ours: Postgres
 * takes no notice of a lock that names its own parent.
 */
export async function disarmLockFile(cluster: string): Promise<void> {
  const file = path.join(cluster, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8')).split('\n');
  lines[0] = String(process.pid);
  await writeFile(file, lines.join('\n'));
}

/** The postmaster and its children. */
export async function processTree(postmaster: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  if (process.platform === 'linux') {
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      // Processes end while they are listed.
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
      // The second field is the command in parentheses and may hold anything.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(name), Number(fields[1]));
    }
  } else if (process.platform !== 'win32') {
    const { stdout } = await run('ps', ['-axo', 'pid=,ppid=']);
    for (const line of stdout.split('\n')) {
      const [pid, parent] = line.trim().split(/\s+/).map(Number);
      if (pid !== undefined && parent !== undefined) parents.set(pid, parent);
    }
  }
  const children = [...parents].filter(([, parent]) => parent === postmaster).map(([pid]) => pid);
  return isAlive(postmaster) ? [postmaster, ...children] : [];
}

/** Fast shutdown (SIGINT: sessions are ended, a checkpoint is written), after `timeoutMs` the immediate one, which recovers at the next start. */
export async function shutDown(pid: number, cluster: string, timeoutMs: number): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch {
      // Gone already, which is what was wanted.
    }
  };
  signal('SIGINT');
  const deadline = performance.now() + timeoutMs;
  let immediate = false;
  while (await isPostmaster(pid, cluster)) {
    if (!immediate && performance.now() > deadline) {
      immediate = true;
      signal('SIGQUIT');
    }
    await delay(20);
  }
}
