/**
 * T3: moves ready batches into the queue, as many as the window holds, agencies in turn. The ledger says what is queued; the queue may be
 * wiped, restored or full. A queued batch whose job is missing or failed after ten seconds is queued again under a new generation,
 * so that a job that turns up after all finds nothing to do.
 */
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import type { SqlPool } from '../domain/sql.ts';
import { CHANNELS, type Channel, LANES, type Lane } from '../domain/statuses.ts';
import type { Queue, QueueName } from '../queue/queue.ts';
import { pumpBatches, requeueBatches, staleQueued } from '../store/batches.ts';
import { createTask, type Task } from './task.ts';

/** Deliveries queued per channel and lane: enough for seconds of work, few enough that a stop or a recall meets most of it unsent. */
const WINDOW = 20_000;
const BATCHES_A_ROUND = 250;
/** While the window is full the next look is due when some of it has been worked off. */
const FULL_LOOK_MS = 50;
const IDLE_LOOK_MS = 1_000;
const STALE_MS = 10_000;
const RECONCILE_MS = 2_000;
const RECONCILE_LIMIT = 1_000;
/** Redis refuses writes when it is full and BullMQ then deadlocks: leave room. */
const MAX_FILL = 0.6;
/** A second of jobs is some hundred kilobytes: how full it is need not be known more often. */
const FILL_LOOK_MS = 1_000;

export function createPump(parts: { pool: SqlPool; queue: Queue; clock: Clock; logger: Logger }) {
  const { pool, queue, clock, logger } = parts;

  let filled = 0;
  let filledAt = Number.NEGATIVE_INFINITY;
  async function isFull(): Promise<boolean> {
    // While it is full it is looked at each time, so that work goes on as soon as there is room.
    if (filled > MAX_FILL || performance.now() - filledAt > FILL_LOOK_MS) {
      filled = await queue.fill();
      filledAt = performance.now();
    }
    return filled > MAX_FILL;
  }

  async function round(channel: Channel, lane: Lane): Promise<{ added: number; more: boolean }> {
    if (await isFull()) {
      logger.warn({ channel, lane }, 'the queue store is nearly full; nothing is queued until it drains');
      return { added: 0, more: false };
    }
    const result = await pumpBatches(pool, channel, lane, WINDOW, BATCHES_A_ROUND, clock.nowMs());
    if (result.queued.length > 0) {
      mark('pump:committed');
      await queue.add(`${channel}-${lane}`, result.queued);
      mark('pump:queued');
    }
    return { added: result.queued.length, more: result.more };
  }

  async function reconcile(channel: Channel, lane: Lane): Promise<void> {
    const name: QueueName = `${channel}-${lane}`;
    const stale = await staleQueued(pool, channel, lane, new Date(clock.nowMs() - STALE_MS), RECONCILE_LIMIT);
    if (stale.length === 0) return;
    const states = await queue.states(name, stale);
    const gone = stale.filter((_, index) => states[index] === 'missing' || states[index] === 'failed');
    if (gone.length === 0) return;
    const again = await requeueBatches(pool, gone);
    mark('requeue:committed');
    if (again > 0) {
      logger.warn({ queue: name, batches: again }, 'queued batches had no job and are queued again');
      wake([name]);
    }
  }

  const pumps = new Map<QueueName, Task>();
  for (const channel of CHANNELS)
    for (const lane of LANES) {
      let timer: NodeJS.Timeout | undefined;
      const task = createTask(
        `pump ${channel}-${lane}`,
        IDLE_LOOK_MS,
        async () => {
          const { added, more } = await round(channel, lane);
          if (!more) return false;
          if (added > 0) return true;
          clearTimeout(timer);
          timer = setTimeout(() => task.wake(), FULL_LOOK_MS);
          timer.unref();
          return false;
        },
        logger,
      );
      pumps.set(`${channel}-${lane}`, task);
    }
  const reconciler = createTask(
    'reconcile',
    RECONCILE_MS,
    async () => {
      for (const channel of CHANNELS)
        for (const lane of LANES)
          await reconcile(channel, lane).catch((error: unknown) =>
            logger.warn({ channel, lane, err: messageOf(error) }, 'queued batches could not be looked at'),
          );
      return false;
    },
    logger,
  );

  /** Looks at these queues now, or at all. */
  function wake(queues: Iterable<QueueName> = pumps.keys()): void {
    for (const name of queues) pumps.get(name)?.wake();
  }

  return {
    wake,
    /** One round of one channel and lane; how many batches it queued, and whether more are ready. */
    round,
    /** Queues again what has no job any more. */
    reconcile,
    start(): void {
      for (const task of [...pumps.values(), reconciler]) task.start();
    },
    async stop(): Promise<void> {
      await Promise.all([...pumps.values(), reconciler].map((task) => task.stop()));
    },
  };
}
