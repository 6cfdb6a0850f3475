/**
 * Wakes readers of the embedded log: at once within the process, by NOTIFY from other processes, and by a poll each second for
 * whatever a broken connection kept from us. Nothing depends on a wake but latency. Holds one connection of the pool for LISTEN.
 */
import { randomUUID } from 'node:crypto';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { SqlClient, SqlPool } from '../domain/sql.ts';
import { backOffMs, keyOf, pauseFor } from './partition-loop.ts';

const CHANNEL = 'allim_event_log';
const POLL_MS = 1_000;
/** Postgres takes payloads under 8,000 bytes. */
const PAYLOAD_BYTES = 7_000;

export type Wakes = {
  start(): void;
  stop(): Promise<void>;
  /** Wakes everybody who listens to the key, here and in other processes. */
  wake(keys: Iterable<string>): void;
  /** Returns how to end it. */
  listen(key: string, awake: () => void): () => void;
};

export function createWakes(pool: SqlPool, logger: Logger): Wakes {
  const self = randomUUID();
  const listeners = new Map<string, Set<() => void>>();
  const stopping = new AbortController();
  let outgoing = new Set<string>();
  let sending: Promise<void> | undefined;
  let listening: Promise<void> | undefined;
  /** The counters at the last poll. */
  const seen = new Map<string, number>();
  let looking: Promise<void> | undefined;
  let poll: NodeJS.Timeout | undefined;

  function fire(keys: Iterable<string>): void {
    for (const key of keys) for (const awake of [...(listeners.get(key) ?? [])]) awake();
  }

  /** What is added while a statement is under way goes with the next one, so appends in quick succession share it. */
  async function send(): Promise<void> {
    while (outgoing.size > 0 && !stopping.signal.aborted) {
      const keys = [...outgoing];
      outgoing = new Set();
      const payloads: string[] = [];
      let payload = self;
      for (const key of keys) {
        if (payload.length + key.length > PAYLOAD_BYTES) {
          payloads.push(payload);
          payload = self;
        }
        payload += `\n${key}`;
      }
      payloads.push(payload);
      try {
        await pool.query({
          name: 'event-log-notify',
          text: `SELECT pg_notify('${CHANNEL}', p) FROM unnest($1::text[]) p`,
          values: [payloads],
        });
      } catch (error) {
        logger.debug({ error: messageOf(error) }, 'notification lost, the poll makes up for it');
      }
    }
    sending = undefined;
  }

  async function keepListening(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      let client: SqlClient | undefined;
      let broken: Error | undefined;
      try {
        client = await pool.connect();
        const gone = Promise.withResolvers<void>();
        const end = () => gone.resolve();
        client.on('error', end);
        client.on('end', end);
        client.on('notification', ({ channel, payload }) => {
          if (channel !== CHANNEL || payload === undefined) return;
          const [from, ...keys] = payload.split('\n');
          if (from !== self) fire(keys);
        });
        stopping.signal.addEventListener('abort', end, { once: true });
        await client.query(`LISTEN ${CHANNEL}`);
        failures = 0;
        await gone.promise;
        stopping.signal.removeEventListener('abort', end);
        broken = new Error('no longer listening');
      } catch (error) {
        failures++;
        broken = error instanceof Error ? error : new Error(messageOf(error));
        logger.warn({ failures, error: broken.message }, 'cannot listen to the event log');
      }
      // A connection that listens must not go back into the pool: it would keep its listeners.
      client?.release(broken);
      if (!stopping.signal.aborted) await pauseFor(backOffMs(failures + 1), stopping.signal);
    }
  }

  /** One statement for the whole process: whose counter moved since the last look. */
  async function look(): Promise<void> {
    if (listeners.size === 0) return;
    try {
      const { rows } = await pool.query<{ topic: string; partition: number; next: number }>({
        name: 'event-log-poll',
        text: 'SELECT t.topic, p.partition, p.next FROM log_partitions p JOIN log_topics t ON t.id = p.topic_id',
      });
      const moved: string[] = [];
      for (const row of rows) {
        const key = keyOf(row);
        if (seen.get(key) !== row.next) moved.push(key);
        seen.set(key, row.next);
      }
      fire(moved);
    } catch (error) {
      logger.debug({ error: messageOf(error) }, 'poll failed, the next one makes up for it');
    }
  }

  return {
    start() {
      listening ??= keepListening();
      poll ??= setInterval(() => {
        looking ??= look().finally(() => {
          looking = undefined;
        });
      }, POLL_MS);
      poll.unref();
    },
    async stop() {
      clearInterval(poll);
      await looking;
      await sending;
      stopping.abort();
      await listening;
    },
    wake(keys) {
      const all = [...keys];
      fire(all);
      for (const key of all) outgoing.add(key);
      sending ??= send();
    },
    listen(key, awake) {
      const set = listeners.get(key) ?? new Set();
      listeners.set(key, set.add(awake));
      return () => {
        set.delete(awake);
        if (set.size === 0) listeners.delete(key);
      };
    },
  };
}
