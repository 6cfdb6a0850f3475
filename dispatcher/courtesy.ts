/**
 * Who has much lets who has little go first. On a machine that is busy each step of a transaction takes the longer the more of them run, so
 * a large one waits with its beginning while small ones are under way; not for long, since there may always be some.
 */
import { setTimeout as delay } from 'node:timers/promises';

const LONGEST_MS = 50;

export type Courtesy = {
  /** Runs what is small and waited for. */
  first<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves once nothing small is under way, after `LONGEST_MS` at the latest. */
  after(): Promise<void>;
};

export function createCourtesy(longestMs = LONGEST_MS): Courtesy {
  let running = 0;
  let none = Promise.withResolvers<void>();
  return {
    async first(work) {
      running++;
      try {
        return await work();
      } finally {
        running--;
        if (running === 0) {
          none.resolve();
          none = Promise.withResolvers();
        }
      }
    },
    async after() {
      if (running > 0) await Promise.race([none.promise, delay(longestMs, undefined, { ref: false })]);
    },
  };
}
