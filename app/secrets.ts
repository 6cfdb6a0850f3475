/**
 * Secrets of this installation: given by the environment, else generated once into `secrets/` of the data folder, one file each, 0600.
 * A file that is there is never replaced, not even a broken one: under another key the addresses we hold could not be read any more.
 */
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Config } from './config.ts';
import { decodeKey } from './environment.ts';

export type Key = {
  /** 32 bytes. */
  readonly bytes: Buffer;
  /** Eight characters that name the key without telling it; stored beside what it encrypted. */
  readonly id: string;
};

export type Secrets = {
  /** Bearer token with every right. */
  readonly adminToken: string;
  /** AES-256-GCM over contact points and sealed values. */
  readonly encryptionKey: Key;
  /** HMAC-SHA-256 of addresses and of agencies' own keys, so that they can be looked up without being stored. */
  readonly indexKey: Key;
  /** Keys that sealed before and only open. */
  readonly oldEncryptionKeys: readonly Key[];
};

/** Where the administrator's token lies when it was generated: for the line that tells a person where to look. */
export function adminTokenFile(dataDir: string): string {
  return path.join(dataDir, 'secrets', 'admin-token');
}

/**
 * Reads the file, or makes it of 32 random bytes, or of what `draw` gives. It appears under its name with its content, synced: a crash in between leaves none, and of
 * two processes that start at once one makes it and both read the same.
 */
export async function generated(
  file: string,
  logger: Logger,
  draw: () => string = () => randomBytes(32).toString('base64url'),
): Promise<string> {
  const existing = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new AllimError('config-invalid', `${file} cannot be read (${error.code})`, { cause: error });
  });
  if (existing !== null) {
    const { mode } = await stat(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      logger.warn({ file, mode: (mode & 0o777).toString(8) }, 'a secret was open to others; closed it');
      await chmod(file, 0o600);
    }
    return existing.trim();
  }
  const aside = `${file}.${randomUUID()}`;
  const handle = await open(aside, 'wx', 0o600);
  try {
    await handle.writeFile(`${draw()}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  // A link fails where the name exists; a rename would replace what another process has just made and used.
  const made = await link(aside, file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
      return false;
    },
  );
  await rm(aside, { force: true });
  if (made) logger.info({ file }, 'secret generated');
  return (await readFile(file, 'utf8')).trim();
}

function keyOf(text: string, where: string): Key {
  const bytes = decodeKey(text);
  if (bytes === null)
    throw new AllimError(
      'config-invalid',
      `${where} does not hold 32 bytes in base64 or hexadecimal: put the right key back`,
    );
  return { bytes, id: hash('sha256', bytes, 'hex').slice(0, 8) };
}

/** All secrets, generating those that are neither given nor there. Errors: `config-invalid`, naming the file. */
export async function loadSecrets(
  config: Pick<Config, 'dataDir' | 'secrets' | 'oldEncryptionKeys'>,
  logger: Logger,
): Promise<Secrets> {
  const folder = path.join(config.dataDir, 'secrets');
  const given = config.secrets;
  // Where all are given nothing is written: a container's file system may be read-only.
  if (Object.values(given).includes(null)) await mkdir(folder, { recursive: true, mode: 0o700 });
  const key = async (value: string | null, variable: string, name: string) => {
    if (value !== null) return keyOf(value, variable);
    const file = path.join(folder, name);
    return keyOf(await generated(file, logger), file);
  };
  const file = adminTokenFile(config.dataDir);
  const adminToken = given.adminToken ?? (await generated(file, logger));
  if (adminToken.length < 32)
    throw new AllimError(
      'config-invalid',
      `${file} is shorter than 32 characters: remove it, and another is made`,
    );
  return {
    adminToken,
    encryptionKey: await key(given.encryptionKey, 'ALLIM_ENCRYPTION_KEY', 'encryption-key'),
    indexKey: await key(given.indexKey, 'ALLIM_INDEX_KEY', 'index-key'),
    oldEncryptionKeys: config.oldEncryptionKeys.map((text) => keyOf(text, 'ALLIM_ENCRYPTION_KEYS_OLD')),
  };
}
