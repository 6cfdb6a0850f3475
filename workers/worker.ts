/**
 * The workers' role: takes batches from the queue and delivers them. Keeps nothing: what it has in flight stands in the ledger under its
 * session. Stopping lets calls under way end and report; being killed leaves them to the dispatcher, which takes them for ambiguous.
 */
import type { Clock } from '../domain/clock.ts';
import type { DeliveryId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { Metrics } from '../domain/metrics.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { SqlPool } from '../domain/sql.ts';
import { CHANNELS, type Channel, LANES } from '../domain/statuses.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { Queue, QueueWorker } from '../queue/queue.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { createCoalescer } from './coalescer.ts';
import { createDeliver } from './deliver.ts';
import { createFailingStages } from './failing-stages.ts';
import { createRenderer } from './message.ts';
import type { Provider } from './providers/provider.ts';
import { createSession } from './session.ts';
import { createStopWatch } from './stop-watch.ts';

export type WorkerParts = {
  /** Its statements run with nested loops only (store/turn.ts). */
  readonly pool: SqlPool;
  readonly queue: Queue;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly unsubscribeUrl?: ((delivery: DeliveryId) => string | undefined) | undefined;
  readonly sealer: Sealer;
  readonly providers: Readonly<Record<Channel, Provider>>;
  /** Takes what agencies in trial would have sent. */
  readonly simulated: Readonly<Record<Channel, Provider>>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Uniform in [0, 1), for the jitter of retries. */
  readonly chance: () => number;
  /** Batches in hand at a time, by lane. */
  readonly batches?: { readonly urgent: number; readonly bulk: number };
  /** Rows of one claim at most. */
  readonly claimSize?: number;
};

const STOP_MS = 20_000;

export function createWorker(parts: WorkerParts) {
  const { pool, queue, logger } = parts;
  const batches = parts.batches ?? { urgent: 4, bulk: 4 };
  const stops = createStopWatch({ pool, logger });
  // Each lane says what it has to say for itself: in one statement with hundreds of bulk rows, one urgent row would wait for them all, and
  // for those of the statement before. And each has a session of its own, since what is lost of a session is looked for in one place.
  const lanes = LANES.map((lane) => {
    const session = createSession({ pool, logger });
    return { lane, session, coalescer: createCoalescer({ pool, session, clock: parts.clock, logger }) };
  });
  const failing = createFailingStages(parts);
  const renderer = createRenderer({
    pool,
    catalogue: parts.catalogue,
    calendar: parts.calendar,
    unsubscribeUrl: parts.unsubscribeUrl,
  });
  let working: QueueWorker[] = [];

  return {
    async start(): Promise<void> {
      if (working.length > 0) return;
      for (const channel of CHANNELS) {
        await parts.providers[channel].start();
        await parts.simulated[channel].start();
      }
      for (const { session } of lanes) await session.start();
      for (const channel of CHANNELS) {
        // A claimed row is ambiguous when we die, so no more are claimed than the provider takes at once: the window is shared out.
        const share = Math.floor(parts.providers[channel].window / (batches.urgent + batches.bulk));
        const claimSize = Math.max(1, Math.min(parts.claimSize ?? 100, share));
        for (const { lane, session, coalescer } of lanes) {
          const handle = createDeliver(
            { ...parts, coalescer, session, stops, renderer, failing },
            channel,
            claimSize,
          );
          working.push(queue.work(`${channel}-${lane}`, { concurrency: batches[lane], handle }));
        }
      }
    },
    async stop(): Promise<void> {
      const stopping = working;
      working = [];
      await Promise.all(stopping.map((worker) => worker.stop(STOP_MS)));
      await stops.stop();
      await failing.stop();
      for (const channel of CHANNELS) {
        await parts.providers[channel].stop();
        await parts.simulated[channel].stop();
      }
      for (const { session } of lanes) await session.stop();
    },
  };
}
