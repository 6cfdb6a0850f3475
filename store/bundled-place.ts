/** Where a data folder's cluster lies, who runs it, and whose it is. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, realpath, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AllimError } from '../domain/errors.ts';
import { isPostmaster, readLockFile, STOP_TIMEOUT_MS, shutDown, whereAbsent } from './bundled-process.ts';

/** Exists on every Unix without an account being made; Postgres refuses to run as root. */
const UNPRIVILEGED = 65_534;
const ROOT_HOME = '/var/lib/allim';
/** sun_path holds 108 bytes with the final zero on Linux; Postgres appends `/.s.PGSQL.5432`. */
const SOCKET_PATH_BYTES = 107;
/** Names the socket file; nothing listens on this port. */
export const PORT = 5432;

export type Place = {
  /** 0700 and the server's own: cluster, socket, log and the users' marks. */
  readonly home: string;
  readonly cluster: string;
  readonly socketDir: string;
  readonly uid: number | undefined;
  readonly copyRoot: string | undefined;
};

export function failure(message: string, cause?: unknown): AllimError {
  return new AllimError('store-unavailable', message, cause === undefined ? {} : { cause });
}

/** Makes a folder that only the server's user may enter. */
async function ownFolder(folder: string, uid: number | undefined): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  if (uid !== undefined) await chown(folder, uid, uid);
}

export async function choosePlace(dataDir: string): Promise<Place> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const data = await realpath(dataDir);
  const key = createHash('sha256').update(data).digest('hex').slice(0, 12);
  const root = process.getuid?.() === 0;
  const uid = root ? UNPRIVILEGED : undefined;
  const home = root ? path.join(ROOT_HOME, key) : path.join(data, 'postgres');
  if (root) {
    await mkdir(ROOT_HOME, { recursive: true, mode: 0o755 });
    await setAsideForeign(home, data);
  }
  await ownFolder(home, uid);
  if (root) await markOwner(home, data);
  const inside = path.join(home, 'run');
  const fits = Buffer.byteLength(path.join(inside, `.s.PGSQL.${PORT}`)) <= SOCKET_PATH_BYTES;
  const socketDir = fits ? inside : path.join(tmpdir(), `allim-${process.getuid?.() ?? 0}-${key}`);
  await ownFolder(socketDir, uid);
  // Where the folder stood already in a shared temporary directory it must be ours: chmod above would have failed on another's.
  if (!fits && (await stat(socketDir)).uid !== (uid ?? process.getuid?.() ?? 0))
    throw failure(`${socketDir} belongs to somebody else`);
  return {
    home,
    cluster: path.join(home, 'cluster'),
    socketDir,
    uid,
    copyRoot: root ? ROOT_HOME : undefined,
  };
}

/**
 * For root the cluster lies apart from the data folder. Both hold the same mark, so that a data folder that was deleted and made anew
 * (with new keys, under which the old rows cannot be read) begins with an empty database; the old one is kept beside it.
 */
async function setAsideForeign(home: string, data: string): Promise<void> {
  if (!existsSync(home)) return;
  const mine = await readFile(path.join(data, 'postgres-id'), 'utf8').catch(whereAbsent(null));
  const theirs = await readFile(path.join(home, 'id'), 'utf8').catch(whereAbsent(null));
  if (theirs === null || mine === theirs) return;
  const lock = await readLockFile(path.join(home, 'cluster'));
  if (lock !== null && (await isPostmaster(lock.pid, path.join(home, 'cluster'))))
    await shutDown(lock.pid, path.join(home, 'cluster'), STOP_TIMEOUT_MS);
  await rename(home, `${home}.before-${randomUUID().slice(0, 8)}`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

async function markOwner(home: string, data: string): Promise<void> {
  const file = path.join(data, 'postgres-id');
  // `wx`: of two that start at once the first decides.
  await writeFile(file, randomUUID(), { flag: 'wx', mode: 0o600 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await writeFile(path.join(home, 'id'), await readFile(file, 'utf8'), { mode: 0o600 });
}
