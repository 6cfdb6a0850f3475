/** Profile updates beside whatever a bench measures, at a steady rate. */
import { partitionOf } from '../domain/murmur2.ts';
import { TOPICS } from '../domain/records.ts';
import type { ShardBatch } from '../rules/run/shard.ts';
import { type Loaded, PARTITIONS } from './loaded-shards.ts';

const TICK_MS = 20;

export type Updating = { stop(): void; perSecond(): number; longestMs(): number };

/** What is due by the clock in each tick; `longestMs` is how far a tick came late, which is how long anything else was held up. */
export function updating({ shards, records }: Loaded, perSecond: number): Updating {
  const all = [...records];
  const beganAt = performance.now();
  const began = Math.max(...shards.map(({ position }) => position));
  const byPartition = new Map(shards.map((shard) => [shard.partition, shard]));
  let done = 0;
  let longest = 0;
  let lastAt = beganAt;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - lastAt - TICK_MS);
    lastAt = now;
    const batches = new Map<number, ShardBatch['records'][number][]>();
    for (const due = ((now - beganAt) * perSecond) / 1_000; done < due; done++) {
      const [key, value] = all[(done * 7_919) % all.length]!;
      const partition = partitionOf(key, PARTITIONS);
      const some = batches.get(partition) ?? [];
      batches.set(partition, some);
      some.push({ topic: TOPICS.profiles, partition, offset: began + done, key, headers: {}, value });
    }
    for (const [partition, some] of batches)
      byPartition
        .get(partition)!
        .apply({ from: some[0]!.offset, next: began + done, fence: 0, records: some });
  }, TICK_MS);
  return {
    stop: () => clearInterval(timer),
    perSecond: () => (done * 1_000) / (lastAt - beganAt),
    longestMs: () => longest,
  };
}
