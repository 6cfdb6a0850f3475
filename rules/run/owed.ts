/**
 * What a shard owes the store after a batch: records that were refused, citizens who came and who were forgotten. Nothing of it is lost while
 * the store is away: it stays with the shard.
 */
import type { Clock } from '../../domain/clock.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { Refusals } from './refused-profiles.ts';
import type { RulesStore } from './rule-store.ts';
import type { Shard, ShardRecord } from './shard.ts';

export class Owed {
  private readonly store: RulesStore;
  private readonly logger: Logger;
  private readonly refusals: Refusals;
  /** Records since the start. */
  quarantined = 0;

  constructor({ store, clock, logger }: { store: RulesStore; clock: Clock; logger: Logger }) {
    this.store = store;
    this.logger = logger;
    this.refusals = new Refusals(clock);
  }

  /** Resolves when the shard owes nothing; rejects as the store does. */
  async settle(shard: Shard): Promise<void> {
    await this.quarantineProfiles(shard);
    if (shard.forgotten.length > 0) {
      await this.store.profilesForgotten(shard.forgotten);
      shard.forgotten = [];
    }
    if (shard.arrived.length === 0) return;
    await this.store.profilesArrived(shard.arrived);
    shard.arrived = [];
  }

  /** Best effort, repeated by a timer: what fails here is found again. */
  async announceAwaited(shards: readonly Shard[]): Promise<void> {
    try {
      const ready = shards.filter((shard) => shard.caughtUp);
      if (ready.length === 0) return;
      const awaited = await this.store.awaited();
      const known = awaited.filter((id) => ready.some((shard) => shard.population.slotOf(id) !== undefined));
      if (known.length > 0) await this.store.profilesArrived(known);
    } catch (error) {
      this.logger.warn({ error: messageOf(error) }, 'awaited profiles could not be announced');
    }
  }

  async quarantine(record: ShardRecord, error: Error, fanout?: string): Promise<void> {
    await this.store.quarantine({ ...record, error, ...(fanout === undefined ? {} : { fanout }) });
    this.quarantined++;
  }

  /** All of a batch at once. Stored before the batch is done: where that fails the batch comes again, and they are still there. */
  private async quarantineProfiles(shard: Shard): Promise<void> {
    const { refused } = shard;
    if (refused.length === 0) return;
    const judged = this.refusals.judge(refused);
    await this.store.quarantineProfiles(
      judged.kept.map(({ record, error }) => ({ ...record, error })),
      judged.counted,
    );
    this.refusals.note(judged);
    this.quarantined += refused.length;
    shard.refused = [];
    this.logger.warn(
      { partition: shard.partition, kept: judged.kept.length, counted: refused.length - judged.kept.length },
      'profiles were quarantined',
    );
  }
}
