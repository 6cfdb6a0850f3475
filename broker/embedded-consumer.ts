/**
 * A member of a consumer group on the embedded log. Guarantees that nothing is handed over before the position of this assignment
 * was given, and that work on a partition has ended before its lease is given up; a session that could not be prolonged in
 * time aborts everything, because somebody else may hold it by then.
 */
import { AllimError, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Consumer, StartPosition, Subscription, TopicPartition } from './broker.ts';
import type { EmbeddedGroup } from './embedded-group.ts';
import { checkInRange, readBounds, readChunk, type Topic } from './embedded-log.ts';
import type { Wakes } from './embedded-wake.ts';
import {
  backOffMs,
  type ChunkSource,
  DEFAULT_BATCH_RECORDS,
  keyOf,
  type PartitionLoop,
  pauseFor,
  startPartitionLoop,
} from './partition-loop.ts';

export type EmbeddedConsumerOptions = {
  readonly pool: SqlPool;
  readonly subscription: Subscription;
  readonly group: EmbeddedGroup;
  readonly wakes: Wakes;
  readonly sessionMs: number;
  readonly beatMs: number;
  readonly logger: Logger;
  topic(name: string): Promise<Topic>;
};

type Held = { readonly at: TopicPartition; loop: PartitionLoop | undefined; stopped: boolean };

const UNHEALTHY_AFTER_SILENCE_MS = 30_000;

export function createEmbeddedConsumer(options: EmbeddedConsumerOptions): Consumer {
  const { pool, subscription, group, wakes } = options;
  const logger = options.logger.child({ group: subscription.group });
  const groupKey = `group ${subscription.group}`;
  const stopping = new AbortController();
  const paused = new Set<string>();
  const holding = new Map<string, Held>();
  /** Being ended; their leases are not given back yet. */
  const leaving = new Set<Held>();
  let beginning: Promise<unknown> = Promise.resolve();
  let joined = false;
  let beatAt = performance.now();
  /** The guard has ended the work on what is held: it goes on only under new leases. */
  let silenced = false;
  let running: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  let guard: NodeJS.Timeout | undefined;
  let nudge: (() => void) | undefined;

  /** Ends the work on partitions and tells the subscription; they are no longer held here after that. */
  async function drop(which: readonly Held[]): Promise<void> {
    if (which.length === 0) return;
    await Promise.all(which.map((held) => held.loop?.end()));
    const gone = which.filter((held) => holding.get(keyOf(held.at)) === held);
    for (const held of gone) {
      holding.delete(keyOf(held.at));
      paused.delete(keyOf(held.at));
    }
    if (gone.length === 0) return;
    try {
      await subscription.revoked?.(gone.map((held) => held.at));
    } catch (error) {
      logger.error({ error: messageOf(error) }, 'revoked() failed');
    }
  }

  async function topicsOf(): Promise<Map<string, number>> {
    const found = subscription.topics.map(
      async (name) => [name, (await options.topic(name)).partitions] as const,
    );
    return new Map(await Promise.all(found));
  }

  function stop(held: Held, error: Error): void {
    held.stopped = true;
    void held.loop?.end();
    logger.error({ ...held.at, error: error.message }, 'partition stopped');
    subscription.stopped?.(held.at, error);
  }

  /** Reads where the position stands; waits for a wake where nothing follows. */
  function sourceOf(held: Held, id: number, start: number): ChunkSource {
    const { topic, partition } = held.at;
    const limit = subscription.maxBatchRecords ?? DEFAULT_BATCH_RECORDS;
    let position = start;
    return {
      async take(signal) {
        for (let failures = 0; !signal.aborted; ) {
          // Listening begins before reading: what is appended in between wakes us.
          const { promise: awake, resolve } = Promise.withResolvers<void>();
          const unlisten = wakes.listen(keyOf(held.at), resolve);
          signal.addEventListener('abort', resolve as () => void);
          try {
            const chunk = await readChunk(pool, { name: topic, id }, partition, position, limit);
            failures = 0;
            if (chunk !== undefined) {
              position = chunk.next;
              return signal.aborted ? undefined : chunk;
            }
            await awake;
          } catch (error) {
            if (error instanceof AllimError && error.code === 'offset-out-of-range') {
              stop(held, error);
              return undefined;
            }
            failures++;
            logger.warn({ topic, partition, failures, error: messageOf(error) }, 'read failed, again');
            await pauseFor(backOffMs(failures), signal);
          } finally {
            unlisten();
            signal.removeEventListener('abort', resolve as () => void);
          }
        }
        return undefined;
      },
      async seek(offset) {
        position = offset;
      },
    };
  }

  async function begin(fresh: readonly Held[]): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      const waiting = fresh.filter(
        (held) => holding.get(keyOf(held.at)) === held && held.loop === undefined && !held.stopped,
      );
      if (waiting.length === 0) return;
      try {
        const starts = await subscription.assigned(waiting.map((held) => held.at));
        const startOf = new Map(starts.map((start) => [keyOf(start), start]));
        for (const held of waiting) {
          const key = keyOf(held.at);
          const { id } = await options.topic(held.at.topic);
          const bounds = (await readBounds(pool, held.at.topic))[held.at.partition];
          if (bounds === undefined) throw new AllimError('topic-invalid', `${key} does not exist`);
          const start = startOf.get(key) ?? { ...held.at, offset: bounds.first, fence: 0 };
          try {
            checkInRange(held.at, start.offset, bounds);
          } catch (error) {
            stop(held, error as Error);
            continue;
          }
          if (holding.get(key) === held && !leaving.has(held)) held.loop = run(held, id, start);
        }
        return;
      } catch (error) {
        logger.warn({ failures, error: messageOf(error) }, 'no positions for the assignment yet');
        await pauseFor(backOffMs(failures), stopping.signal);
      }
    }
  }

  function run(held: Held, id: number, start: StartPosition): PartitionLoop {
    const { at } = held;
    return startPartitionLoop({
      start,
      source: sourceOf(held, id, start.offset),
      subscription,
      paused: paused.has(keyOf(at)),
      logger,
      async heartbeat() {
        if (holding.get(keyOf(at)) !== held)
          throw new AllimError('position-fenced', `${keyOf(at)} was revoked`);
      },
      async positionAgain() {
        const [again] = await subscription.assigned([at]);
        return (
          again ?? { ...at, offset: (await readBounds(pool, at.topic))[at.partition]?.first ?? 0, fence: 0 }
        );
      },
    });
  }

  async function beat(): Promise<void> {
    const sentAt = performance.now();
    const topics = await topicsOf();
    const view = await group.beat(topics);
    // A beat that left in time and was answered late counts too: the guard did not wait for the answer.
    const late = silenced || sentAt - beatAt > options.sessionMs;
    silenced = false;
    beatAt = sentAt;
    if (!joined) wakes.wake([groupKey]);
    joined = true;
    // While we were silent somebody else may have held what is ours again now: everything starts from its position.
    if (late) return ending([...holding.values()]);
    const mine = new Set(view.mine.map(keyOf));
    const surplus = new Set(view.surplus.map(keyOf));
    const giveUp = [...holding.values()].filter(({ at }) => !mine.has(keyOf(at)) || surplus.has(keyOf(at)));
    if (giveUp.length > 0) ending(giveUp);
    // A lease in the table that we know nothing of: taken, and the answer lost. Given back, it is taken again properly.
    const kept = new Set([...holding.values(), ...leaving].map(({ at }) => keyOf(at)));
    const unknown = view.mine.filter((at) => !kept.has(keyOf(at)));
    if (unknown.length > 0) await group.release(unknown);
    if (view.free.length === 0 && unknown.length === 0) return;
    const taken = await group.take(topics);
    if (taken.length === 0) return;
    const fresh = taken.map((at): Held => ({ at, loop: undefined, stopped: false }));
    for (const held of fresh) holding.set(keyOf(held.at), held);
    logger.info({ partitions: holding.size, taken: fresh.length }, 'assigned');
    beginning = Promise.all([beginning, begin(fresh)]);
  }

  /** Gives leases up when their work has ended, beside the heartbeat: a slow handler must not cost the session. */
  function ending(which: readonly Held[]): void {
    const now = which.filter((held) => !leaving.has(held));
    if (now.length === 0) return;
    for (const held of now) leaving.add(held);
    void drop(now)
      .then(() => group.release(now.map((held) => held.at)))
      .then(() => wakes.wake([groupKey]))
      .catch((error: unknown) => logger.warn({ error: messageOf(error) }, 'lease not released, it will be'))
      .finally(() => {
        for (const held of now) leaving.delete(held);
      });
  }
  async function keepMembership(): Promise<void> {
    const unlisten = wakes.listen(groupKey, () => nudge?.());
    for (let failures = 0; !stopping.signal.aborted; ) {
      const { promise: nudged, resolve } = Promise.withResolvers<void>();
      nudge = resolve;
      const sleep = new AbortController();
      const timer = pauseFor(options.beatMs, sleep.signal);
      try {
        await beat();
        failures = 0;
      } catch (error) {
        failures++;
        logger.warn({ failures, error: messageOf(error) }, 'no heartbeat');
      }
      await Promise.race([timer, nudged]);
      sleep.abort();
    }
    unlisten();
  }

  return {
    async start() {
      if (running !== undefined || stopped !== undefined) return;
      beatAt = performance.now();
      running = keepMembership();
      // Beside the heartbeat, which may hang in a dead connection.
      guard = setInterval(() => {
        if (performance.now() - beatAt <= options.sessionMs) return;
        silenced = true;
        for (const held of holding.values()) void held.loop?.end();
      }, options.beatMs / 2);
      guard.unref();
    },
    stop() {
      stopped ??= (async () => {
        stopping.abort();
        clearInterval(guard);
        nudge?.();
        await running;
        await beginning;
        await drop([...holding.values()]);
        await group
          .leave()
          .catch((error: unknown) => logger.warn({ error: messageOf(error) }, 'group not left'));
        wakes.wake([groupKey]);
      })();
      return stopped;
    },
    pause(which) {
      for (const at of which) {
        paused.add(keyOf(at));
        holding.get(keyOf(at))?.loop?.pause();
      }
    },
    resume(which) {
      for (const at of which) {
        paused.delete(keyOf(at));
        holding.get(keyOf(at))?.loop?.resume();
      }
    },
    assignment: () => [...holding.values()].map((held) => held.at),
    healthy: () =>
      performance.now() - beatAt < UNHEALTHY_AFTER_SILENCE_MS &&
      ![...holding.values()].some((held) => held.stopped),
  };
}
