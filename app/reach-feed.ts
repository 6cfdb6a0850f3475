/**
 * Keeps in the shards which channels lead to whom. A shard that is new here is read whole, in pages; from then on what changed is asked about
 * every two seconds, and so is whoever came since. A shard that was away for a round is new. Counts of channels are as old as the last round,
 * and say so. A round that fails is made again.
 */

import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { paced } from '../domain/pace.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { REACH_BITS, type Reachable } from '../rules/population/reachable.ts';
import type { Shard } from '../rules/run/shard.ts';
import {
  changedReach,
  listReach,
  type Reach,
  type ReachHorizon,
  reachHorizon,
  reachOf,
} from '../store/reach.ts';

/** One statement of some ten milliseconds, and as many to write it down. */
const PAGE = 5_000;
const EVERY_MS = paced(2_000);
/** Changes are kept for two days (store/upkeep.ts). */
const CHANGES_KEPT_MS = 86_400_000;

export type ReachFeed = {
  start(): void;
  stop(): Promise<void>;
  /** One round, for tests. */
  round(): Promise<void>;
};

export type ReachFeedParts = {
  readonly pool: SqlPool;
  readonly clock: { nowMs(): number };
  readonly logger: Logger;
  readonly shards: () => readonly Shard[];
  readonly partitions: () => number;
};

export function createReachFeed(parts: ReachFeedParts): ReachFeed {
  const { pool, clock, logger } = parts;
  let since: ReachHorizon | undefined;
  /** When the last round began: a shard that knows less has missed what changed since. */
  let lastMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let stopped = false;

  function write(shards: ReadonlyMap<number, Shard>, rows: readonly Reach[]): void {
    for (const { citizen, channels } of rows)
      shards.get(partitionOf(citizen, parts.partitions()))?.population.setReach(
        citizen,
        channels.reduce((bits, channel) => bits | REACH_BITS[channel as Channel], 0),
      );
  }

  async function readAll(shards: ReadonlyMap<number, Shard>): Promise<void> {
    for (const { population } of shards.values()) population.forgetReach();
    for (let after: string | undefined = ''; after !== undefined && !stopped; ) {
      const rows: Reach[] = await listReach(pool, after, PAGE);
      write(shards, rows);
      after = rows.length < PAGE ? undefined : rows.at(-1)!.citizen;
    }
  }

  async function ask(shards: ReadonlyMap<number, Shard>, ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += PAGE)
      write(shards, await reachOf(pool, ids.slice(at, at + PAGE)));
  }

  async function askNewcomers(shards: ReadonlyMap<number, Shard>): Promise<void> {
    for (const { population } of shards.values()) {
      const { reachable } = population;
      for (let some = reachable.takeNewcomers(PAGE); some.length > 0; some = reachable.takeNewcomers(PAGE))
        await ask(shards, some).catch((error: unknown) => {
          reachable.putBack(some);
          throw error;
        });
    }
  }

  async function round(): Promise<void> {
    const startedAt = clock.nowMs();
    const held = new Map(parts.shards().map((shard) => [shard.partition, shard]));
    if (held.size === 0) return;
    if (since === undefined || startedAt - lastMs > CHANGES_KEPT_MS) {
      since = await reachHorizon(pool);
      lastMs = startedAt;
    }
    const unread = new Map([...held].filter(([, { population }]) => isBehind(population.reachable)));
    if (unread.size > 0) await readAll(unread);
    if (stopped) return;
    await askNewcomers(held);
    const { ids, horizon } = await changedReach(pool, since);
    await ask(
      held,
      ids.filter((id) => held.has(partitionOf(id, parts.partitions()))),
    );
    since = horizon;
    lastMs = startedAt;
    for (const { population } of held.values()) population.reachable.asOfMs = startedAt;
  }

  function isBehind({ asOfMs }: Reachable): boolean {
    return asOfMs === null || asOfMs < lastMs;
  }

  function begin(): void {
    running ??= round()
      .catch((error: unknown) =>
        logger.warn({ error: messageOf(error) }, 'which channels lead to whom could not be read'),
      )
      .finally(() => {
        running = undefined;
      });
  }

  return {
    start() {
      stopped = false;
      timer ??= setInterval(begin, EVERY_MS);
      begin();
    },
    async stop() {
      stopped = true;
      clearInterval(timer);
      timer = undefined;
      await running;
    },
    round,
  };
}
