/**
 * Watches over the ledger's history: at the start, before any role runs, and every other second after, it compares where the database stands
 * with what was kept outside of it, and then keeps that anew. The mark lies in Redis where the queue does, else in a file of the data folder:
 * what is restored with the database would forget with it.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import { AGENCY_TOPIC_PREFIX, TOPICS } from '../domain/records.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Queue } from '../queue/queue.ts';
import { installationId, type LedgerMark, noticeRestore, readMark, writeMark } from '../store/restores.ts';

const LOOK_MS = paced(2_000, 800);

export type LedgerWatch = {
  /** Resolves when it is known whether the ledger was restored. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

type Aside = NonNullable<Queue['aside']>;

/** For where no Redis is. */
function fileAside(folder: string): Aside {
  const file = (name: string) => path.join(folder, `ledger-mark-${name}.json`);
  return {
    async read(name) {
      try {
        return await readFile(file(name), 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    async write(name, text) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const aside = `${file(name)}.${process.pid}`;
      await writeFile(aside, text, { mode: 0o600 });
      await rename(aside, file(name));
    },
  };
}

export function createLedgerWatch(parts: {
  readonly pool: SqlPool;
  readonly queue: Pick<Queue, 'aside'>;
  readonly broker: Pick<Broker, 'topics' | 'ends'>;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
}): LedgerWatch {
  const { pool, broker, clock, logger } = parts;
  const aside = parts.queue.aside ?? fileAside(parts.dataDir);
  let installation: string | undefined;
  /** The furthest that this process has seen: Redis may be wiped. */
  let seen: LedgerMark | null = null;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  async function ends(): Promise<Record<string, readonly number[]>> {
    const topics = [TOPICS.events, ...(await broker.topics(AGENCY_TOPIC_PREFIX))];
    return Object.fromEntries(
      await Promise.all(topics.map(async (topic) => [topic, await broker.ends(topic)] as const)),
    );
  }

  async function look(): Promise<void> {
    installation ??= await installationId(pool);
    const kept = readMark(await aside.read(installation));
    const mark = seen !== null && (kept === null || seen.atMs > kept.atMs) ? seen : kept;
    const { identity, noticed } = await noticeRestore(pool, mark, ends, clock.nowMs());
    if (noticed !== null)
      logger.error(
        { evidence: noticed, lastAliveAt: mark === null ? null : new Date(mark.atMs).toISOString() },
        'the database was restored: nothing is sent until a person has decided (npm run allim -- restore status)',
      );
    seen = { ...identity, atMs: clock.nowMs() };
    // A store that is full must not keep a process from starting: the next look writes it.
    await aside
      .write(installation, writeMark(seen))
      .catch((error: unknown) =>
        logger.warn({ err: messageOf(error) }, 'where the ledger stands could not be kept'),
      );
  }

  function next(): void {
    timer = setTimeout(() => {
      looking = look()
        .catch((error: unknown) =>
          logger.warn({ err: messageOf(error) }, 'where the ledger stands could not be looked at'),
        )
        .finally(() => {
          if (timer !== undefined) next();
        });
    }, LOOK_MS);
    timer.unref();
  }

  return {
    async start() {
      if (timer !== undefined) return;
      await look();
      next();
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await looking;
    },
  };
}
