/**
 * T3: moves ready batches into the queue, as many as the window holds, shared out between agencies. The ledger says what is queued; the
 * queue may be wiped, restored from yesterday, full, or away. A queued batch whose job is missing or failed after ten seconds is queued
 * again under a new generation, so that a job that turns up after all finds nothing to do. Nothing here waits for the queue for longer than
 * its port allows.
 */
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import { paced } from '../domain/pace.ts';
import type { SqlPool } from '../domain/sql.ts';
import { CHANNELS, type Channel, LANES, type Lane } from '../domain/statuses.ts';
import type { Queue, QueueName } from '../queue/queue.ts';
import { requeueBatches, staleQueued } from '../store/batches.ts';
import { NO_LIMIT, pumpBatches, pumpLimited } from '../store/pump.ts';
import { createTask, type Task } from './task.ts';
import { createWindow } from './window.ts';

export type PumpParts = {
  readonly pool: SqlPool;
  readonly queue: Queue;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Parts of the window that an agency has for each one of an agency that is not named. */
  readonly weights?: ReadonlyMap<string, number>;
  /** Deliveries a second that may leave on a channel, over all workers; one that is not named goes as fast as it can. */
  readonly rates?: ReadonlyMap<Channel, number>;
};

const BATCHES_A_ROUND = 250;
/** While the window is full the next look is due when some of it has been worked off. */
const FULL_LOOK_MS = 50;
const IDLE_LOOK_MS = paced(1_000, 500);
const STALE_MS = paced(10_000);
const RECONCILE_MS = paced(2_000, 800);
const RECONCILE_LIMIT = 1_000;
/** Redis refuses writes when it is full and BullMQ then deadlocks: leave room. */
const MAX_FILL = 0.6;
/** A second of jobs is some hundred kilobytes: how full it is need not be known more often. */
const FILL_LOOK_MS = paced(1_000, 500);
/** What of a limited rate may be saved up. The urgent lane may always spend half a second of it that the bulk lane leaves. */
const BURST_MS: Readonly<Record<Lane, number>> = { urgent: 1_000, bulk: 500 };

export function createPump(parts: PumpParts) {
  const { pool, queue, clock, logger } = parts;
  const weights = parts.weights ?? new Map<string, number>();
  const windows = new Map(
    CHANNELS.flatMap((channel) =>
      LANES.map((lane) => [`${channel}-${lane}`, createWindow(parts.rates?.get(channel) ?? null)] as const),
    ),
  );

  let filled = 0;
  let filledAt = Number.NEGATIVE_INFINITY;
  let full = false;
  /** Rejects where the queue's store does not answer: then nothing is moved that could not be added. */
  async function isFull(): Promise<boolean> {
    // While it is full it is looked at each time, so that work goes on as soon as there is room.
    if (filled > MAX_FILL || performance.now() - filledAt > FILL_LOOK_MS) {
      filled = await queue.fill();
      filledAt = performance.now();
    }
    const now = filled > MAX_FILL;
    if (now !== full)
      logger.warn(
        { fill: filled },
        now
          ? 'the queue store is nearly full; nothing is queued until it drains'
          : 'the queue store has room again',
      );
    full = now;
    return full;
  }

  async function round(channel: Channel, lane: Lane): Promise<{ added: number; more: boolean }> {
    if (await isFull()) return { added: 0, more: false };
    const name: QueueName = `${channel}-${lane}`;
    const window = windows.get(name)!;
    const rate = parts.rates?.get(channel);
    const asked = {
      channel,
      lane,
      window: window.size(),
      limit: BATCHES_A_ROUND,
      weights,
      nowMs: clock.nowMs(),
    };
    const { queued, workedOff, open, more, locked } =
      rate === undefined
        ? await pumpBatches(pool, { ...asked, credit: NO_LIMIT })
        : await pumpLimited(pool, asked, { perSecond: rate, burstMs: BURST_MS[lane] });
    if (locked) window.note(workedOff, open, performance.now());
    if (queued.length === 0) return { added: 0, more };
    mark('pump:committed');
    try {
      // Those that go ahead are taken from the end of the list first.
      const ahead = queued.filter((batch) => batch.ahead);
      if (ahead.length > 0) await queue.add(name, ahead.toReversed(), { ahead: true });
      const rest = ahead.length === 0 ? queued : queued.filter((batch) => !batch.ahead);
      if (rest.length > 0) await queue.add(name, rest);
    } catch (error) {
      // Some may lie there all the same: under a generation that is no longer theirs once they are ready again.
      filledAt = Number.NEGATIVE_INFINITY;
      await requeueBatches(pool, queued).catch((also: unknown) =>
        logger.warn(
          { queue: name, err: messageOf(also) },
          'batches that could not be queued are left to the reconciler',
        ),
      );
      throw error;
    }
    mark('pump:queued');
    return { added: queued.length, more };
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
      // Side by side: where the queue is away each of them waits until its call is given up.
      await Promise.all(
        CHANNELS.flatMap((channel) =>
          LANES.map((lane) =>
            reconcile(channel, lane).catch((error: unknown) =>
              logger.warn({ channel, lane, err: messageOf(error) }, 'queued batches could not be looked at'),
            ),
          ),
        ),
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
