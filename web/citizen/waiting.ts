/** Says in the ledger when people wait for their pages, so that who has time lets them go first (dispatcher/readers-first.ts). Nothing while they do not. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { tellReaderWait } from '../../store/reader-waits.ts';

/** How often at most it is said. */
const EVERY_MS = 100;
/** Somebody who waits for less does not notice. */
const SLOW_MS = 15;

/** For the routes of one scope: every answer counts, and how late this process comes to look at all. */
export function tellWaiting(
  app: FastifyInstance,
  { pool, logger }: { readonly pool: SqlPool; readonly logger: Logger },
): void {
  const process = randomUUID();
  let took: number[] = [];
  let timer: NodeJS.Timeout | undefined;

  async function tell(dueMs: number): Promise<void> {
    timer = undefined;
    const slow = took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.9)] ?? 0;
    took = [];
    const waitMs = slow + Math.max(0, performance.now() - dueMs);
    if (waitMs < SLOW_MS) return;
    try {
      await tellReaderWait(pool, process, waitMs);
    } catch (error) {
      logger.warn({ err: messageOf(error) }, 'that people wait could not be told');
    }
  }

  app.addHook('onResponse', async (_request, reply) => {
    took.push(reply.elapsedTime);
    const dueMs = performance.now() + EVERY_MS;
    timer ??= setTimeout(() => void tell(dueMs), EVERY_MS).unref();
  });
  app.addHook('onClose', async () => clearTimeout(timer));
}
