/**
 * The provider of the embedded mode: what would have left is written down through a function of the caller's. Calls that come while one
 * write is under way go into the next one together, so a batch costs one statement. Accepted means: stored.
 */
import { type Clock, systemClock } from '../../domain/clock.ts';
import type { Content } from '../../domain/content.ts';
import { messageOf } from '../../domain/errors.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import type { Channel } from '../../domain/statuses.ts';
import { Flights, SESSION_LOST } from './calls.ts';
import type { Outcome, OutgoingDelivery, Provider } from './provider.ts';

export type OutboxRow = {
  readonly delivery: string;
  readonly attempt: number;
  readonly agency: string;
  readonly channel: Channel;
  readonly address: string;
  readonly content: Content;
  readonly atMs: number;
};

export type OutboxOptions = {
  readonly channel: Channel;
  /** Writes all or none. A row that is written twice (same delivery and attempt) must stay one row: a call may be repeated. */
  readonly store: (rows: readonly OutboxRow[]) => Promise<void>;
  readonly window?: number;
  /** Rows of one write at most. */
  readonly batch?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
};

type Waiting = {
  readonly delivery: OutgoingDelivery;
  readonly mayCall: () => boolean;
  readonly settle: (outcome: Outcome) => void;
};

export function createOutboxProvider(options: OutboxOptions): Provider {
  const { channel, store, window = 1_000, batch = 500 } = options;
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const flights = new Flights();
  let waiting: Waiting[] = [];
  let writing = false;

  async function write(): Promise<void> {
    writing = true;
    // Lets the callers of this turn get in line first.
    await Promise.resolve();
    while (waiting.length > 0) {
      const due = waiting.slice(0, batch);
      waiting = waiting.slice(batch);
      const allowed = due.filter((call) => call.mayCall());
      for (const call of due) if (!allowed.includes(call)) call.settle(SESSION_LOST);
      if (allowed.length === 0) continue;
      const atMs = clock.nowMs();
      const rows = allowed.map(({ delivery: { delivery, attempt, agency, address, content } }) => ({
        delivery,
        attempt,
        agency,
        channel,
        address,
        content,
        atMs,
      }));
      let outcome: Outcome = { kind: 'accepted', reference: null };
      try {
        await store(rows);
      } catch (error) {
        logger.warn(
          { provider: 'outbox', channel, reason: messageOf(error) },
          'the outbox could not be written',
        );
        // Whether the write was lost or only its answer is not known; the same rows written again stay the same rows.
        outcome = { kind: 'temporary', code: 'outbox-unavailable' };
      }
      for (const call of allowed) call.settle(outcome);
    }
    writing = false;
  }

  return {
    name: 'outbox',
    channel,
    window,
    repeats: 'replaced',
    async start() {},
    stop: () => flights.idle(),
    send(delivery, mayCall) {
      if (delivery.content.channel !== channel)
        return Promise.resolve({ kind: 'technical', code: 'content-mismatch' });
      return flights.track(
        new Promise<Outcome>((settle) => {
          waiting.push({ delivery, mayCall, settle });
          if (!writing) void write();
        }),
      );
    },
  };
}
