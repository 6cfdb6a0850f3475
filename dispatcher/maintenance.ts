/**
 * What keeps the ledger from growing: partitions ahead of time, months that are over detached, and what is old deleted by little. Every
 * dispatcher may be told to; one at a time does it. Interrupted, it goes on the next time.
 */
import { type Clock, monthOf } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { SqlPool } from '../domain/sql.ts';
import { addMonths, detachMonths, withMonthsLock } from '../store/months.ts';
import { dropExpiredUnresolved } from '../store/unresolved.ts';
import { horizons, sweep } from '../store/upkeep.ts';

const MONTHS_AHEAD = 2;

export type MaintenanceParts = {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whole months before this one that stay attached; at least 2. */
  readonly keepMonths: number;
};

export function createMaintenance({ pool, clock, logger, keepMonths }: MaintenanceParts) {
  let running: Promise<void> | undefined;
  let stopped = false;

  /** Idempotent; needed before anything is planned. */
  async function prepare(): Promise<void> {
    stopped = false;
    const month = monthOf(clock.nowMs());
    for (let ahead = 0; ahead <= MONTHS_AHEAD; ahead++)
      await pool.query('SELECT ensure_month($1)', [addMonths(month, ahead)]);
  }

  async function tidy(): Promise<void> {
    await prepare();
    const nowMs = clock.nowMs();
    const expired = await dropExpiredUnresolved(pool, nowMs);
    if (expired > 0) logger.info({ expired }, 'events whose person never came have expired');
    await withMonthsLock(pool, async (sql) => {
      await detachMonths(sql, addMonths(monthOf(nowMs), -keepMonths), nowMs, logger);
      const swept = await sweep(sql, horizons(nowMs, keepMonths), () => !stopped);
      for (const { table, rows } of swept)
        if (table === 'outbox')
          logger.warn({ rows }, 'reports that an agency did not take for thirty days were dropped');
        else logger.info({ table, rows }, 'what was old was deleted');
    });
  }

  return {
    prepare,
    /** Does all of it, once at a time; what fails is told and done the next time. */
    run(): Promise<void> {
      running ??= tidy()
        .catch((error: unknown) =>
          logger.warn({ err: messageOf(error) }, 'maintenance failed and is tried again in an hour'),
        )
        .finally(() => {
          running = undefined;
        });
      return running;
    },
    /** Ends it between two steps. */
    async stop(): Promise<void> {
      stopped = true;
      await running;
    },
  };
}
