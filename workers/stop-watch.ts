/**
 * What is stopped, for rows that were claimed before the stop. The claim looks for itself; this looks again every 100 ms while batches are
 * in hand, and not at all when none are. A call is refused when its scope is stopped, and also when the last look began more than a
 * second ago: a stop is in force within a second even where the database has become slow, at the price of a delivery that waits.
 */
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { SqlPool } from '../domain/sql.ts';
import { readStopScopes } from '../store/stops.ts';
import type { Claimed } from '../store/turn.ts';

const LOOK_MS = 100;
/** Older than this is looked at again before a call; after twice as much a call is refused. */
const FRESH_MS = 500;
const KNOWN_MS = 1_000;

type Scopes = Pick<Claimed, 'agency' | 'channel' | 'campaign'>;

export interface StopWatch {
  /** Batches are in hand from now until the function that it returns is called. */
  watch(): () => void;
  /**
   * Resolves when what is known is fresh; at once where it is and nothing stops the row. A row that was claimed after a stop was lifted must
   * not be held by what was known before, so a stop is looked at once more. Never rejects.
   */
  known(row: Scopes): Promise<void>;
  /** Look immediately before a call. */
  mayCall(row: Scopes): boolean;
  /** Waits for a look under way. */
  stop(): Promise<void>;
}

export function createStopWatch({ pool, logger }: { pool: SqlPool; logger: Logger }): StopWatch {
  let scopes: ReadonlySet<string> = new Set();
  /** When the last look that was answered began, by the monotonic clock. */
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let watching = 0;

  const age = () => performance.now() - lookedAt;

  function look(): Promise<void> {
    looking ??= (async () => {
      const beganAt = performance.now();
      try {
        scopes = new Set(await readStopScopes(pool));
        lookedAt = beganAt;
      } catch (error) {
        logger.warn({ err: messageOf(error) }, 'the stops could not be looked at');
      }
    })().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  function next(): void {
    if (timer !== undefined || watching === 0) return;
    timer = setTimeout(
      () => {
        void look().finally(() => {
          timer = undefined;
          next();
        });
      },
      Math.max(0, Math.min(LOOK_MS, LOOK_MS - age())),
    );
  }

  function isStopped({ agency, channel, campaign }: Scopes): boolean {
    if (scopes.size === 0) return false;
    const above = ['all', `agency:${agency}`, `channel:${channel}`, `campaign:${campaign}`];
    return above.some((scope) => scopes.has(scope));
  }

  return {
    watch() {
      watching++;
      next();
      let released = false;
      return () => {
        if (released) return;
        released = true;
        watching--;
      };
    },
    async known(row) {
      if (age() > FRESH_MS || isStopped(row)) await look();
    },
    mayCall: (row) => age() <= KNOWN_MS && !isStopped(row),
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      watching = 0;
      await looking;
    },
  };
}
