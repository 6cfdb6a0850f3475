/**
 * What a harness that was killed (-9) leaves behind: servers, processes of the product, file systems in memory. Its number is in the name of
 * every folder it made, so whoever comes next knows whose they are, and takes away what no living harness owns. What its processes had
 * written stays in .cache, for whoever looks.
 */
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../scripts/services/process.ts';
import { ROOT_HOME } from './postgres-server.ts';
import { FILE_SYSTEM } from './small-disk.ts';

/** In the command line of every harness, and in the names of its folders: `faults-4711`, `faults-faults-4711-1`. */
const HARNESS = path.join('test', 'faults', 'main.ts');
const OWNER = /\/(?:faults-)?faults-(\d+)(?=[-/]|$)/;
/** Only what a harness starts is ended: somebody may be reading a log in its folder. */
const STARTED = [
  /(^|\/)java\0.*kafka\.Kafka/,
  /^\S*redis-server/,
  /(^|\/)postgres(:|\0)/,
  /\0[^\0]*app\/main\.ts/,
  /\0[^\0]*test\/sinks\/main\.ts/,
  /raw-bullmq\//,
];

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isHarness(pid: number): boolean {
  return read(`/proc/${pid}/cmdline`).includes(HARNESS);
}

/** The harness whose folder this text names, where that harness is dead. */
function deadOwner(text: string): number | null {
  const found = OWNER.exec(text);
  if (found === null) return null;
  const pid = Number(found[1]);
  return isHarness(pid) ? null : pid;
}

/** By where it runs, what it was told on its command line, or where the product keeps its data. */
function ownerOf(pid: number, command: string): number | null {
  let folder = '';
  try {
    folder = readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // Ended in this moment, or not ours to look at.
  }
  const data = read(`/proc/${pid}/environ`)
    .split('\0')
    .find((line) => line.startsWith('ALLIM_DATA='));
  return deadOwner(folder) ?? deadOwner(command) ?? deadOwner(data ?? '');
}

async function endProcesses(): Promise<number> {
  let ended = 0;
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || pid === process.pid) continue;
    const command = read(`/proc/${pid}/cmdline`);
    if (!STARTED.some((pattern) => pattern.test(command)) || ownerOf(pid, command) === null) continue;
    try {
      process.kill(pid, 'SIGKILL');
      ended++;
    } catch {
      // Ended by itself, or by another harness that begins now.
    }
  }
  return ended;
}

async function unmountAll(): Promise<number> {
  let unmounted = 0;
  for (const line of read('/proc/mounts').split('\n')) {
    const [device, folder = ''] = line.split(' ');
    if (device !== FILE_SYSTEM || deadOwner(folder) === null) continue;
    // Lazily: a process that was ended a moment ago may still have files open there.
    await run('umount', ['-l', folder]).then(
      () => unmounted++,
      () => undefined,
    );
  }
  return unmounted;
}

async function removeFolders(): Promise<number> {
  if (!existsSync(ROOT_HOME)) return 0;
  let removed = 0;
  for (const name of await readdir(ROOT_HOME)) {
    const folder = path.join(ROOT_HOME, name);
    if (!name.startsWith('faults-') || deadOwner(folder) === null) continue;
    await rm(folder, { recursive: true, force: true });
    removed++;
  }
  return removed;
}

/** Ends, unmounts and removes what dead harnesses left on this machine, and says so; says nothing where there is nothing. Linux only. */
export async function clearLeftovers(say: (line: string) => void): Promise<void> {
  if (process.platform !== 'linux') return;
  const processes = await endProcesses();
  const mounts = await unmountAll();
  const folders = await removeFolders();
  if (processes + mounts + folders > 0)
    say(
      `left by harnesses that were killed, and cleared away: ${processes} processes, ${mounts} file systems, ${folders} folders`,
    );
}
