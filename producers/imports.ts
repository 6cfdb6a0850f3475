/**
 * Files of rows: received whole and kept sealed, then taken block by block, in the order in which an agency's files came.
 * Guarantees: what was received is taken to its end, by another process if this one dies; a row taken twice changes nothing; each row is
 * accepted or reported, and where a file cannot be read to its end it is said from which line on nothing was taken. Holds a few blocks in
 * memory, whatever the size of the file. It never logs what a file says.
 */
import type { Clock } from '../domain/clock.ts';
import { AllimError, messageOf, safeMessage } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { SqlClient, SqlPool } from '../domain/sql.ts';
import { isTransient } from '../domain/transient.ts';
import {
  advanceImport,
  countOpenImports,
  dropAbandoned,
  dropImport,
  endImport,
  type Import,
  type ImportId,
  type ImportKind,
  nextImports,
  readChunks,
  saveChunk,
  saveFaults,
  saveImport,
  saveReceived,
  startImport,
} from '../store/imports.ts';
import type { Credential } from './credential.ts';
import type { Charset } from './csv/encoding.ts';
import type { Job, Kind, Take, Taken } from './csv/kind.ts';
import { pieces } from './csv/pieces.ts';
import { type Block, type Place, readHeader, readRows } from './csv/rows.ts';

export type ImportsParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kinds: Readonly<Record<ImportKind, Kind>>;
  /** Between two looks for work; 1 s unless told. */
  readonly lookEveryMs?: number;
};

export type GivenImport = {
  readonly id: ImportId;
  readonly kind: ImportKind;
  readonly agency: string | null;
  readonly name: string | null;
  readonly charset: Charset | null;
  readonly initial: boolean;
  readonly caller: Credential;
};

export interface Imports {
  start(): Promise<void>;
  /** Resolves when the block under way is committed; what is left goes on where it is started next. */
  stop(): Promise<void>;
  /**
   * Receives a file. `known` where one of this id is there already, and then nothing is read. Throws `import-invalid`,
   * `payload-too-large`, `too-many-requests`, and then nothing is kept.
   */
  receive(given: GivenImport, bytes: AsyncIterable<Uint8Array>): Promise<'fresh' | 'known'>;
}

const LANES = 2;
const MAX_OPEN = 50;
/** A file with so many faulty rows is the wrong file. */
const MAX_REFUSED = 100_000;
const ABANDONED_MS = 10 * 60_000;
const KEEP_MS = 90 * 86_400_000;
const TIDY_EVERY_MS = 60_000;
const MAX_FAILURES = 5;
const BACK_OFF_MS = 30_000;

/** Another process took the import up: it goes on there. */
class Overtaken extends Error {}

const purposeOf = (id: ImportId, start: number) => `import/${id}/${start}`;

export function createImports(parts: ImportsParts): Imports {
  const { pool, sealer, clock, logger } = parts;
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let stopping = new AbortController();
  let looking: Promise<void> | undefined;
  let again = false;
  let tidiedMs = Number.NEGATIVE_INFINITY;
  const running = new Map<ImportId, Promise<void>>();
  const failures = new Map<ImportId, { count: number; untilMs: number }>();

  async function receive(given: GivenImport, bytes: AsyncIterable<Uint8Array>): Promise<'fresh' | 'known'> {
    const { id, kind, agency, name, caller, initial } = given;
    if ((await countOpenImports(pool, agency)) >= MAX_OPEN)
      throw new AllimError('too-many-requests', `${MAX_OPEN} imports are not done yet; wait for one to end`);
    const row = { id, kind, agency, name, credential: caller, options: initial ? { initial } : {} };
    if (!(await saveImport(pool, row, clock.nowMs()))) return 'known';
    try {
      let start = 0;
      let charset: Charset = 'utf-8';
      const found = (one: Charset) => {
        charset = one;
      };
      for await (const piece of pieces(bytes, given.charset, found)) {
        if (start === 0)
          parts.kinds[kind].check(readHeader(piece).names, { agency, caller, options: row.options });
        const sealed = sealer.seal(purposeOf(id, start), piece);
        if (!(await saveChunk(pool, id, start, sealed, clock.nowMs())))
          throw new AllimError('request-malformed', 'the file came too slowly, and was given up');
        start += piece.length;
      }
      await saveReceived(pool, id, { charset, bytes: start }, clock.nowMs());
    } catch (error) {
      // What was not received whole is not kept; where that fails too it is found abandoned.
      await dropImport(pool, id).catch(() => undefined);
      throw error;
    }
    logger.info({ import: id, kind, agency, caller: caller.id }, 'file received');
    wake();
    return 'fresh';
  }

  async function* opened(id: ImportId, from: number): AsyncGenerator<Buffer> {
    for await (const { start, sealed } of readChunks(pool, id, from)) {
      const piece = sealer.open(purposeOf(id, start), sealed);
      yield start < from ? piece.subarray(from - start) : piece;
    }
  }

  async function run(one: Import): Promise<void> {
    const kind = parts.kinds[one.kind];
    const caller = one.credential as Credential;
    const { id, agency, options } = one;
    const job: Job = { id, agency, caller, options, signal: stopping.signal };
    const [head] = await firstOf(opened(one.id, 0));
    const header = readHeader(head ?? Buffer.alloc(0));
    kind.check(header.names, job);
    const take: Take = kind.open(header.names, job);
    const from: Place = one.bytesDone === 0 ? header.next : { at: one.bytesDone, lines: one.linesDone };
    let place = from;
    let saved = one.bytesDone;
    let refused = one.refused;
    // The next block is judged and sealed while the database writes this one.
    let writing: Promise<void> = Promise.resolve();
    const commitOf =
      (block: Block) =>
      async (sql: Parameters<typeof saveFaults>[0], taken: Taken): Promise<void> => {
        const faults = [...block.faults, ...taken.faults].sort((a, b) => a.line - b.line);
        const out = new Set(faults.filter((fault) => !fault.taken).map((fault) => fault.line)).size;
        await saveFaults(sql, one.id, faults);
        const step = {
          from: saved,
          to: block.next.at,
          lines: block.next.lines,
          rows: taken.accepted + out,
          accepted: taken.accepted,
          refused: out,
          unresolved: taken.unresolved,
        };
        if (!(await advanceImport(sql, one.id, one.run, step, clock.nowMs()))) throw new Overtaken();
        saved = block.next.at;
        refused += out;
      };
    try {
      for await (const block of readRows(opened(one.id, place.at), place, header, kind.blockBytes)) {
        const write = await take(block.rows);
        await writing;
        if (stopped) return;
        if (refused > MAX_REFUSED)
          throw new AllimError('import-invalid', `${refused} rows were refused: this is the wrong file`, {
            faults: [
              { pointer: '', message: `${refused} rows were refused: this is the wrong file` },
              { pointer: `/line/${place.lines + 1}`, message: 'and what follows was not looked at' },
            ],
          });
        writing = write(commitOf(block));
        // Awaited at the next block; until then a failure must not count as unhandled.
        writing.catch(() => undefined);
        place = block.next;
      }
    } finally {
      // What ends the file must not end what is written of it.
      await writing;
    }
    await endImport(pool, one.id, one.run, null, clock.nowMs());
    logger.info({ import: one.id, kind: one.kind, agency: one.agency }, 'import done');
  }

  /** Runs one import to its end, or until it has to be taken up again. */
  async function work(one: Import): Promise<void> {
    try {
      await run(one);
      failures.delete(one.id);
    } catch (error) {
      if (error instanceof Overtaken || (stopped && isTransient(error))) return;
      const fatal = error instanceof AllimError && !error.retryable;
      const before = failures.get(one.id)?.count ?? 0;
      if (!fatal && (isTransient(error) || before + 1 < MAX_FAILURES)) {
        const count = isTransient(error) ? Math.max(before, 1) : before + 1;
        failures.set(one.id, { count, untilMs: clock.nowMs() + Math.min(BACK_OFF_MS, 1_000 * 2 ** before) });
        logger.warn({ import: one.id, err: safeMessage(error) }, 'an import stopped and will go on');
        return;
      }
      failures.delete(one.id);
      const code = error instanceof AllimError ? error.code : 'internal';
      const reason = `${fatal ? reasonOf(error) : 'a fault of ours, which the log has'}; nothing after the rows that are counted was taken`;
      await endImport(pool, one.id, one.run, { code, reason }, clock.nowMs());
      logger.warn({ import: one.id, code, err: safeMessage(error) }, 'import failed');
    }
  }

  /** Holds the agency's lock while its oldest import runs; the server lets go of it when this process dies. */
  async function takeUp(next: { readonly id: ImportId; readonly agency: string | null }): Promise<boolean> {
    const client: SqlClient = await pool.connect();
    const key = `imports/${next.agency ?? ''}`;
    let broken: Error | undefined;
    try {
      const { rows } = await client.query<{ held: boolean }>(
        'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS held',
        [key],
      );
      if (rows[0]?.held !== true) return false;
      try {
        const one = await startImport(client, next.id, clock.nowMs());
        if (one !== undefined) await work(one);
        return one !== undefined;
      } finally {
        await client.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [key]);
      }
    } catch (error) {
      // A session that may still hold the lock must not go back into the pool.
      broken = error as Error;
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async function look(): Promise<void> {
    if (clock.nowMs() - tidiedMs > TIDY_EVERY_MS) {
      tidiedMs = clock.nowMs();
      const left = await dropAbandoned(pool, new Date(tidiedMs - ABANDONED_MS), new Date(tidiedMs - KEEP_MS));
      if (left > 0) logger.warn({ imports: left }, 'files that were never received whole were given up');
    }
    for (const next of await nextImports(pool, 20)) {
      if (stopped || running.size >= LANES) return;
      if (running.has(next.id) || (failures.get(next.id)?.untilMs ?? 0) > clock.nowMs()) continue;
      const taken = takeUp(next)
        .catch((error: unknown) => {
          logger.warn({ import: next.id, err: safeMessage(error) }, 'an import could not be taken up');
          return false;
        })
        .then((done) => {
          running.delete(next.id);
          if (done) wake();
        });
      running.set(next.id, taken);
    }
  }

  function wake(): void {
    if (stopped) return;
    if (looking !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    looking = look()
      .catch((error: unknown) => logger.warn({ err: messageOf(error) }, 'imports could not be looked for'))
      .finally(() => {
        looking = undefined;
        if (stopped) return;
        timer = setTimeout(wake, again ? 0 : (parts.lookEveryMs ?? 1_000));
        again = false;
      });
  }

  return {
    receive,
    async start() {
      if (!stopped) return;
      stopped = false;
      stopping = new AbortController();
      wake();
    },
    async stop() {
      stopped = true;
      stopping.abort();
      clearTimeout(timer);
      await looking;
      await Promise.all(running.values());
    },
  };
}

function reasonOf(error: AllimError): string {
  return error.faults.length === 0
    ? error.message
    : error.faults
        .map(({ pointer, message }) => `${pointer.replace('/line/', 'line ')} ${message}`.trim())
        .join('; ');
}

async function firstOf<T>(all: AsyncGenerator<T>): Promise<[T] | []> {
  for await (const one of all) return [one];
  return [];
}
