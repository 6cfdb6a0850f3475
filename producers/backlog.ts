/**
 * How much was accepted and is not in the log yet. Where that grows beyond a bound, accepting more would only promise what is not done, so
 * callers are told to come back; first those agencies that have more than their share of it.
 */
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sql } from '../domain/sql.ts';
import { countUnrelayedByAgency } from '../store/events.ts';

export type Backlog = {
  /** Throws `too-many-requests`; null is the administrator, who has a share as an agency has. */
  admit(agency: string | null): void;
};

/** Five to twenty seconds of what the relay does. */
const MAX_UNRELAYED = 50_000;
const LOOK_MS = 500;

export function createBacklog(parts: {
  readonly pool: Sql;
  readonly logger: Logger;
  readonly max?: number;
}): Backlog {
  const max = parts.max ?? MAX_UNRELAYED;
  let counts: ReadonlyMap<string, number> = new Map();
  let total = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking = false;

  /** Beside the requests: nobody waits for it, and where the database does not answer the write itself says so. */
  function look(): void {
    if (looking || performance.now() - lookedAt < LOOK_MS) return;
    looking = true;
    countUnrelayedByAgency(parts.pool, 4 * max)
      .then((found) => {
        counts = found;
        total = [...found.values()].reduce((sum, count) => sum + count, 0);
      })
      .catch((error: unknown) => parts.logger.debug({ err: messageOf(error) }, 'the backlog was not counted'))
      .finally(() => {
        lookedAt = performance.now();
        looking = false;
      });
  }

  return {
    admit(agency) {
      look();
      if (total < max) return;
      const behind = agency === null ? total : (counts.get(agency) ?? 0);
      const sharers = agency !== null && counts.has(agency) ? counts.size : counts.size + 1;
      // Twice the bound is the end for everybody.
      if (total >= 2 * max || behind >= max / sharers)
        throw new AllimError('too-many-requests', 'what was accepted before has not reached the log yet', {
          ids: { waiting: behind },
        });
    },
  };
}
