/** Work that is looked at every so often and at once when woken. Runs never overlap; one that fails is logged and tried again later. */
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';

/** A task that fails is tried again after this at the latest, unless it is looked at less often anyway: an outage ends at any moment. */
const LONGEST_BACK_OFF_MS = paced(3_000);

export interface Task {
  start(): void;
  /** Resolves when a run under way has ended. */
  stop(): Promise<void>;
  /** Runs now, or once more after the run under way. */
  wake(): void;
}

/** `run` returns true where there is more to do at once. */
export function createTask(name: string, everyMs: number, run: () => Promise<boolean>, logger: Logger): Task {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let stopped = true;
  let failures = 0;

  async function loop(): Promise<void> {
    do {
      again = false;
      try {
        if (await run()) again = true;
        failures = 0;
      } catch (error) {
        failures++;
        logger.warn({ task: name, failures, err: messageOf(error) }, 'a task failed and will be tried again');
        again = false;
      }
    } while (again && !stopped);
  }

  function kick(): void {
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    clearTimeout(timer);
    running = loop().finally(() => {
      running = undefined;
      if (stopped) return;
      // A fault outside of us (a database that restarts) is not helped by being asked more often.
      timer = setTimeout(kick, Math.max(everyMs, Math.min(LONGEST_BACK_OFF_MS, everyMs * (1 + failures))));
    });
  }

  return {
    start() {
      if (!stopped) return;
      stopped = false;
      kick();
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
    wake: kick,
  };
}
