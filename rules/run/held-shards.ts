/**
 * The shards that a process holds: taken up at an assignment where they were left a moment ago, else from a snapshot, else from the
 * beginning of their topics; parked when they are given away.
 */
import { paced } from '../../domain/pace.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Fields } from '../catalogue.ts';
import { Population } from '../population/population.ts';
import type { Positions } from '../population/snapshot.ts';
import type { Announcer } from './announcer.ts';
import { Shard } from './shard.ts';
import type { Snapshots } from './snapshots.ts';

/** What shards are made of, by the name of their position; the other topics ask them. */
const KNOWN: Readonly<Record<keyof Positions, string>> = {
  profiles: TOPICS.profiles,
  overlays: TOPICS.overlays,
};
export const KNOWN_TOPICS: readonly string[] = Object.values(KNOWN);
export const isKnown = ({ topic }: { readonly topic: string }): boolean => KNOWN_TOPICS.includes(topic);

/** Far below the retention of tombstones, so nothing that a parked shard missed can be gone from the topic. */
const PARKED_MS = paced(60_000);

type At = { readonly topic: string; readonly partition: number };
/** Where a partition starts; these topics have no fences. */
type Start = At & { readonly offset: number; readonly fence: 0 };

type Edges = { readonly begins: Positions; readonly ends: Positions };

export type HeldShardsOptions = {
  /** First readable offsets, and those that come next, by partition. */
  readonly broker: {
    begins(topic: string): Promise<readonly number[]>;
    ends(topic: string): Promise<readonly number[]>;
  };
  readonly fields: Fields;
  readonly snapshots: Snapshots | undefined;
  readonly announcer: Announcer | undefined;
  placed(misplaced: boolean): void;
  /** Hears of each shard that has to catch up. */
  began(shard: Shard): void;
};

export class HeldShards {
  private readonly options: HeldShardsOptions;
  private readonly shards = new Map<number, Shard>();
  /** Given up a moment ago, kept in case they come back. */
  private readonly parked = new Map<number, { readonly shard: Shard; readonly timer: NodeJS.Timeout }>();
  partitions = 0;

  constructor(options: HeldShardsOptions) {
    this.options = options;
  }

  get(partition: number): Shard | undefined {
    return this.shards.get(partition);
  }

  all(): readonly Shard[] {
    return [...this.shards.values()];
  }

  /** `asked` are partitions of known topics. Returns where each goes on. */
  async takeUp(asked: readonly At[]): Promise<Start[]> {
    const { broker } = this.options;
    const [profileBegins, profileEnds, overlayBegins, overlayEnds] = await Promise.all([
      broker.begins(TOPICS.profiles),
      broker.ends(TOPICS.profiles),
      broker.begins(TOPICS.overlays),
      broker.ends(TOPICS.overlays),
    ]);
    const edges = new Map<number, Edges>();
    for (const { partition } of asked)
      edges.set(partition, {
        begins: { profiles: profileBegins[partition]!, overlays: overlayBegins[partition]! },
        ends: { profiles: profileEnds[partition]!, overlays: overlayEnds[partition]! },
      });
    const claimed = await this.options.announcer?.claim(
      new Map([...edges].map(([partition, { ends }]) => [partition, ends])),
    );
    const starts: Start[] = [];
    for (const [partition, edge] of edges) {
      const topics = asked.filter((at) => at.partition === partition).map(({ topic }) => topic);
      const shard =
        topics.length < KNOWN_TOPICS.length && this.shards.has(partition)
          ? this.afterFault(this.shards.get(partition)!, edge)
          : await this.takeUpOne(partition, edge);
      this.shards.set(partition, shard);
      const announced = claimed?.get(partition);
      if (announced !== undefined) await this.options.announcer?.follow(shard, announced, edge);
      for (const [name, topic] of Object.entries(KNOWN))
        if (topics.includes(topic))
          starts.push({ topic, partition, offset: shard.positions[name as keyof Positions], fence: 0 });
    }
    return starts;
  }

  private async takeUpOne(partition: number, edges: Edges): Promise<Shard> {
    this.shards.get(partition)?.close();
    const kept = this.unpark(partition);
    if (
      kept !== undefined &&
      fits(kept.positions, 'profiles', edges) &&
      fits(kept.positions, 'overlays', edges)
    )
      return kept;
    const restored = await this.options.snapshots?.restore(partition, this.partitions, edges);
    return this.begin(partition, restored?.population, restored?.facts ?? edges.begins, edges.ends);
  }

  /** One topic begins anew while the other is read on: what came from the other stays. */
  private afterFault(shard: Shard, edges: Edges): Shard {
    const { partition, positions, population } = shard;
    const [profiles, overlays] = [fits(positions, 'profiles', edges), fits(positions, 'overlays', edges)];
    if (profiles && overlays) return shard;
    shard.close();
    const next = profiles ? population : new Population(this.options.fields);
    if (!overlays) next.clearOverlays();
    else if (next !== population) next.copyOverlays(population);
    const from = {
      profiles: profiles ? positions.profiles : edges.begins.profiles,
      overlays: overlays ? positions.overlays : edges.begins.overlays,
    };
    return this.begin(partition, next, from, edges.ends);
  }

  private begin(
    partition: number,
    population: Population | undefined,
    from: Positions,
    ends: Positions,
  ): Shard {
    const shard = new Shard({
      partition,
      partitions: this.partitions,
      fields: this.options.fields,
      begin: from.profiles,
      end: ends.profiles,
      overlays: { begin: from.overlays, end: ends.overlays },
      ...(population === undefined ? {} : { population }),
      placed: this.options.placed,
    });
    this.options.began(shard);
    return shard;
  }

  /**
   * A member that was silent for a session loses everything and gets most of it back at once. Reading a million profiles again takes a minute,
   * in which it may fall silent anew and never get to answer; its columns and their positions are as good as they were.
   */
  park(partition: number): void {
    const shard = this.shards.get(partition);
    if (shard === undefined) return;
    shard.close();
    this.shards.delete(partition);
    this.options.announcer?.release(partition);
    if (!shard.caughtUp) return;
    const timer = setTimeout(() => this.parked.delete(partition), PARKED_MS);
    timer.unref();
    this.parked.set(partition, { shard, timer });
  }

  private unpark(partition: number): Shard | undefined {
    const found = this.parked.get(partition);
    clearTimeout(found?.timer);
    this.parked.delete(partition);
    return found?.shard;
  }

  /** Gives everything up, parked or not, and returns it. */
  clear(): readonly Shard[] {
    for (const partition of [...this.shards.keys()]) this.park(partition);
    return [...this.parked.keys()].map((partition) => this.unpark(partition)!);
  }
}

function fits(positions: Positions, topic: keyof Positions, { begins, ends }: Edges): boolean {
  return positions[topic] >= begins[topic] && positions[topic] <= ends[topic];
}
