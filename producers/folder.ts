/**
 * A folder as a way in: what an SFTP server drops into `<inbox>/<agency>/{events,citizens,links}/*.csv` is imported as it would be over
 * HTTP, and then lies in `done/` or `failed/` beside it, with its error file. A file is taken when it no longer changes, or when
 * `<name>.done` stands beside it. An import's id is made of the file's name, size and time: a file that a crash left where it was is found
 * to be that import. One process at a time watches; it never follows a link, and never looks outside of these folders.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AllimError, safeMessage } from '../domain/errors.ts';
import { keyId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { findImport, IMPORT_KINDS, type Import, type ImportId, type ImportKind } from '../store/imports.ts';
import type { Credential } from './credential.ts';
import { errorCell, errorFile } from './csv/error-file.ts';
import type { Imports } from './imports.ts';

export type FolderParts = {
  /** Absolute. */
  readonly folder: string;
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly imports: Pick<Imports, 'receive'>;
  readonly logger: Logger;
  /** Between two looks, and how long a file must have stayed as it is; 2 s unless told. */
  readonly lookEveryMs?: number;
};

export interface Folder {
  start(): Promise<void>;
  stop(): Promise<void>;
}

type Found = {
  readonly file: string;
  readonly agency: string;
  readonly kind: ImportKind;
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
};

export function createFolder(parts: FolderParts): Folder {
  const { pool, catalogue, logger } = parts;
  const everyMs = parts.lookEveryMs ?? 2_000;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let stopped = true;
  /** As it was at the look before: `size mtime`. */
  let seen = new Map<string, string>();

  async function list(): Promise<Found[]> {
    const found: Found[] = [];
    for (const agency of catalogue.current().agencies.keys())
      for (const kind of IMPORT_KINDS) {
        const folder = path.join(parts.folder, agency, kind);
        const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
        for (const entry of entries) {
          if (!entry.isFile() || entry.name.startsWith('.') || !/\.csv$/i.test(entry.name)) continue;
          const file = path.join(folder, entry.name);
          const state = await lstat(file).catch(() => undefined);
          if (state?.isFile() !== true) continue;
          found.push({ file, agency, kind, name: entry.name, size: state.size, mtimeMs: state.mtimeMs });
        }
      }
    // In the order in which they came, as over HTTP.
    return found.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.file < b.file ? -1 : 1));
  }

  /** Whose folder it is may speak for the agency: for all sources that its event types have. */
  function callerOf(agency: string): Credential {
    const types = [...catalogue.current().eventTypes.all].filter((type) => type.agency === agency);
    const sources = [...new Set(types.flatMap((type) => type.sources))];
    return { id: `folder:${agency}`, agency, scopes: ['imports', 'events', 'citizens'], sources };
  }

  async function take(found: Found): Promise<void> {
    const { agency, kind, name, size, mtimeMs } = found;
    const id = keyId<ImportId>('import-file', agency, kind, name, size, mtimeMs);
    const known = await findImport(pool, id, agency);
    if (known?.state === 'done' || known?.state === 'failed') return moveAway(found, known);
    if (known !== undefined) return;
    let handle: FileHandle | undefined;
    try {
      // Not through a link: whoever may write here must not have other files of ours read.
      handle = await open(found.file, constants.O_RDONLY | constants.O_NOFOLLOW);
      await parts.imports.receive(
        { id, kind, agency, name, charset: null, initial: false, caller: callerOf(agency) },
        handle.createReadStream({ autoClose: false, highWaterMark: 262_144 }),
      );
    } catch (error) {
      if (!(error instanceof AllimError) || error.retryable) throw error;
      await moveAway(found, error);
    } finally {
      await handle?.close();
    }
  }

  async function moveAway(found: Found, end: Import | AllimError): Promise<void> {
    const refused = end instanceof AllimError;
    const wellEnded = !refused && end.state === 'done' && (end.accepted > 0 || end.refused === 0);
    const folder = path.join(path.dirname(found.file), wellEnded ? 'done' : 'failed');
    await mkdir(folder, { recursive: true });
    // Files of one name come every day.
    const taken = await lstat(path.join(folder, found.name)).catch(() => undefined);
    const stamp = new Date(found.mtimeMs).toISOString().replaceAll(/[:.]/g, '');
    const target = path.join(folder, taken === undefined ? found.name : `${stamp}-${found.name}`);
    if (refused || end.refused + end.unresolved > 0 || end.reason !== null)
      await pipeline(Readable.from(reportOf(end)), await writable(`${target}.errors.csv`));
    await rename(found.file, target);
    await rm(`${found.file}.done`, { force: true });
    logger.info(
      {
        agency: found.agency,
        kind: found.kind,
        state: wellEnded ? 'done' : 'failed',
        ...(refused ? { code: end.code } : { import: end.id, accepted: end.accepted, refused: end.refused }),
      },
      'a file of the inbox has been taken',
    );
  }

  async function* reportOf(end: Import | AllimError): AsyncGenerator<string> {
    if (end instanceof AllimError) {
      yield '\ufeffline,column,code,message,row\r\n';
      yield `,,${end.code},${errorCell(end.message)},refused\r\n`;
      return;
    }
    yield* errorFile(pool, end.id);
    if (end.reason !== null) yield `,,${end.code ?? ''},${errorCell(end.reason)},refused\r\n`;
  }

  async function look(): Promise<void> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [
        FOLDER_LOCK,
      ]);
      if (rows[0]?.held !== true) return;
      try {
        await catalogue.refresh();
        const before = seen;
        seen = new Map();
        for (const found of await list()) {
          if (stopped) return;
          const state = `${found.size} ${found.mtimeMs}`;
          seen.set(found.file, state);
          const announced = await lstat(`${found.file}.done`).catch(() => undefined);
          if (announced === undefined && before.get(found.file) !== state) continue;
          await take(found).catch((error: unknown) =>
            logger.warn(
              { agency: found.agency, kind: found.kind, err: safeMessage(error) },
              'a file of the inbox stays where it is and is tried again',
            ),
          );
        }
      } finally {
        await client.query('SELECT pg_advisory_unlock($1)', [FOLDER_LOCK]);
      }
    } catch (error) {
      // A session that may still hold the lock must not go back into the pool.
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  function kick(): void {
    looking = look()
      .catch((error: unknown) => logger.warn({ err: safeMessage(error) }, 'the inbox could not be looked at'))
      .finally(() => {
        looking = undefined;
        if (!stopped) timer = setTimeout(kick, everyMs);
      });
  }

  return {
    async start() {
      if (!stopped) return;
      stopped = false;
      kick();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** Any fixed number; all who watch the same database must use the same. */
const FOLDER_LOCK = 7_261_093_847;

/** Anew, in place of what a crash left half written; never through a link. */
async function writable(file: string) {
  await rm(file, { force: true });
  return (await open(file, 'wx', 0o640)).createWriteStream();
}
