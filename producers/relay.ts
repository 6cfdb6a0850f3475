/**
 * From the ledger to the log: events that were accepted over HTTP reach `agency-events`. What is offered goes at once, from memory; a
 * look at the ledger every second finds what a crash, a full memory or an absent broker left. At-least-once: an append that succeeded
 * and was not noted is repeated, and the intake of the dispatcher knows the event already.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { recordOfEvent } from '../domain/cloud-events.ts';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import { TOPICS } from '../domain/records.ts';
import type { SqlPool } from '../domain/sql.ts';
import { markRelayed, unrelayedEvents } from '../store/events.ts';

export type RelayItem = { readonly row: EventRowId; readonly record: ReturnType<typeof recordOfEvent> };

export interface Relay {
  start(): Promise<void>;
  /** Waits until what is in memory is in the log, or one append has failed; what is left is found by the next look of whoever runs. */
  stop(): Promise<void>;
  /** Resolves when every event that was committed before the call is in the log and noted. Rejects when the log is not to be had. */
  drain(): Promise<void>;
  /** Takes committed events; never waits and never fails. */
  offer(items: readonly RelayItem[]): void;
}

export type RelayParts = {
  readonly pool: SqlPool;
  readonly broker: Pick<Broker, 'append'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two looks at the ledger; 1 s unless told. */
  readonly lookEveryMs?: number;
};

const APPEND_RECORDS = 500;
/** Beyond these the ledger is memory enough: the look finds the rest. */
const MAX_OFFERED = 20_000;
const MAX_OFFERED_BYTES = 32 * 1_048_576;
/** Younger ones are still on their way through memory, here or in another process. */
const LEFT_BEHIND_MS = 2_000;

export function createRelay(parts: RelayParts): Relay {
  const { pool, broker, clock, logger } = parts;
  const offered = new Map<EventRowId, RelayItem>();
  /** Records that the log refuses for good. They stay unrelayed in the ledger and are told once a process. */
  const unfit = new Set<EventRowId>();
  let offeredBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let sending: Promise<void> | undefined;
  let looking: Promise<void> | undefined;

  async function relay(items: readonly RelayItem[]): Promise<void> {
    let done = items;
    try {
      await broker.append(
        TOPICS.events,
        items.map((item) => item.record),
      );
    } catch (error) {
      if (!(error instanceof AllimError) || error.retryable) throw error;
      done = await relaySingly(items);
    }
    mark('relay:acknowledged');
    await markRelayed(
      pool,
      done.map((item) => item.row),
    );
    mark('relay:noted');
  }

  /** One record that the log refuses must not keep back the others. */
  async function relaySingly(items: readonly RelayItem[]): Promise<RelayItem[]> {
    const done: RelayItem[] = [];
    for (const item of items)
      try {
        await broker.append(TOPICS.events, [item.record]);
        done.push(item);
      } catch (error) {
        if (!(error instanceof AllimError) || error.retryable) throw error;
        unfit.add(item.row);
        logger.error({ event: item.row, code: error.code }, 'an accepted event cannot be put into the log');
      }
    return done;
  }

  async function sendOffered(): Promise<void> {
    while (offered.size > 0) {
      const items = [...offered.values().take(APPEND_RECORDS)];
      try {
        await relay(items);
      } catch (error) {
        // The ledger has them, so memory need not: a log that is away for an hour must not fill it.
        offered.clear();
        offeredBytes = 0;
        logger.warn({ err: messageOf(error) }, 'events wait in the ledger: the log did not take them');
        return;
      }
      for (const item of items) {
        offered.delete(item.row);
        offeredBytes -= item.record.value.length;
      }
    }
  }

  async function catchUp(olderThanMs: number): Promise<void> {
    for (;;) {
      // Those in memory are on their way and those refused stay, so the look reaches beyond both.
      const limit = APPEND_RECORDS + offered.size + unfit.size;
      // Those that memory has sent while the ledger is read are done, though the answer still names them.
      const underway = new Set(offered.keys());
      const found = await unrelayedEvents(pool, new Date(olderThanMs), limit);
      const left = found
        .filter(({ row }) => !underway.has(row) && !offered.has(row) && !unfit.has(row))
        .slice(0, APPEND_RECORDS);
      if (left.length === 0) return;
      await relay(left.map(({ row, event }) => ({ row, record: recordOfEvent(event) })));
      logger.info({ events: left.length }, 'events that were left behind are in the log now');
      if (found.length < limit) return;
    }
  }

  function send(): Promise<void> {
    sending ??= sendOffered().finally(() => {
      sending = undefined;
      if (offered.size > 0) void send();
    });
    return sending;
  }

  function look(olderThanMs: number): Promise<void> {
    looking ??= catchUp(olderThanMs).finally(() => {
      looking = undefined;
    });
    return looking;
  }

  function schedule(): void {
    timer = setTimeout(() => {
      look(clock.nowMs() - LEFT_BEHIND_MS)
        .catch((error: unknown) => logger.warn({ err: messageOf(error) }, 'events could not be relayed'))
        .finally(() => {
          if (running) schedule();
        });
    }, parts.lookEveryMs ?? 1_000);
  }

  return {
    async start() {
      if (running) return;
      running = true;
      schedule();
    },
    async stop() {
      running = false;
      clearTimeout(timer);
      while (sending !== undefined) await sending;
      // The loop that looked has logged it.
      await looking?.catch(() => undefined);
    },
    async drain() {
      while (sending !== undefined) await sending;
      // As above; the look below is this one's own.
      await looking?.catch(() => undefined);
      // One millisecond on: `received_at < olderThan` must hold for what was received just now.
      await look(clock.nowMs() + 1);
    },
    offer(items) {
      if (!running || offered.size + items.length > MAX_OFFERED) return;
      for (const item of items) {
        if (offeredBytes > MAX_OFFERED_BYTES) break;
        if (!offered.has(item.row)) offeredBytes += item.record.value.length;
        offered.set(item.row, item);
      }
      void send();
    },
  };
}
