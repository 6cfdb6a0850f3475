/** A file system of a known size in memory, for one server's data: only root can mount one. */

import { readFileSync } from 'node:fs';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../scripts/services/process.ts';
import type { SmallDisk } from './fault.ts';

export type Mounted = SmallDisk & { unmount(): Promise<void> };

/** What /proc/mounts calls all of them. */
export const FILE_SYSTEM = 'allim-faults';
const BALLAST = 'ballast';

const isMounted = (folder: string) =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .some((line) => line.split(' ')[1] === folder);

/** What a run that was killed left mounted there goes first. Null where nothing can be mounted; then `folder` is a folder like any other. */
export async function mountSmallDisk(folder: string, bytes: number): Promise<Mounted | null> {
  await unmount(folder);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
  const mounted = await run('mount', [
    '-t',
    'tmpfs',
    '-o',
    `size=${bytes},mode=755`,
    FILE_SYSTEM,
    folder,
  ]).then(
    () => true,
    () => false,
  );
  if (!mounted) return null;
  const ballast = path.join(folder, BALLAST);
  return {
    async fill(freeBytes) {
      // Whoever lives on it takes room meanwhile, and what is asked for too much is not given in part.
      for (let margin = 0; ; margin += 256 * 1024) {
        const { bavail, bsize } = await statfs(folder);
        const take = bavail * bsize - freeBytes - margin;
        if (take <= 0) return;
        const taken = await run('fallocate', ['-l', String(take), `${ballast}-${margin}`]).then(
          () => true,
          () => false,
        );
        if (taken) return;
      }
    },
    async mend() {
      for (const name of await readdir(folder))
        if (name.startsWith(BALLAST)) await rm(path.join(folder, name), { force: true });
    },
    unmount: () => unmount(folder),
  };
}

async function unmount(folder: string): Promise<void> {
  // Processes that ended a moment ago may still have files open there: lazily.
  if (process.platform === 'linux' && isMounted(folder)) await run('umount', ['-l', folder]);
}
