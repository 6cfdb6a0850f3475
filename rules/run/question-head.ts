/** What every answer of a shard says of itself. */
import type { ShardAnswer } from './question.ts';
import type { Shard } from './shard.ts';

export function headOf(
  shard: Shard,
): Pick<ShardAnswer, 'shard' | 'offset' | 'overlayOffset' | 'citizens' | 'reachAtMs'> {
  return {
    shard: shard.partition,
    offset: shard.positions.profiles,
    overlayOffset: shard.positions.overlays,
    citizens: shard.population.size,
    reachAtMs: shard.population.reachable.asOfMs,
  };
}
