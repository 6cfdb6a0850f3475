/**
 * Serves shards: holds the population of each assigned partition and answers its match requests with pages on `audiences.*`.
 * Guarantees: an answer knows every profile below the request's `minProfileOffset` and stands for one position; a request is done only
 * when all pages of one run were acknowledged; runs of a shard interleave, and the lanes do not wait for each other. It
 * keeps nothing on disk but snapshots, which it can do without, says of each change whom it put among those of an open broadcast (announcer.ts),
 * and never decides who is told.
 */
import type { Batch, Broker, Consumer, StartPosition, TopicPartition } from '../../broker/broker.ts';
import type { Clock } from '../../domain/clock.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { paced } from '../../domain/pace.ts';
import { decodeRequest, TOPICS } from '../../domain/records.ts';
import { LANES } from '../../domain/statuses.ts';
import type { Fields } from '../catalogue.ts';
import { Announcer } from './announcer.ts';
import { entryOf } from './entry.ts';
import { HeldShards, isKnown, KNOWN_TOPICS } from './held-shards.ts';
import { Lane, type LaneWork } from './lane.ts';
import { Placement } from './placement.ts';
import { Refusals } from './refused-profiles.ts';
import type { CrossingStore, RulesStore } from './rule-store.ts';
import { Runs } from './runs.ts';
import type { Shard, ShardRecord } from './shard.ts';
import { type SnapshotSettings, Snapshots } from './snapshots.ts';

export type { CrossingStore, RulesStore } from './rule-store.ts';
export const RULES_GROUP = 'rules';

export type ShardServerStatus = {
  readonly citizens: number;
  /** The position of each profile partition, by number; -1 where another process holds it. */
  readonly offsets: readonly number[];
  /** Whether every shard held here has read the profiles that were there when it was assigned. */
  readonly caughtUp: boolean;
  /** Requests taken and not yet done. */
  readonly outstanding: number;
  /** Profiles in the wrong partition: all since the start, and their share of the last 1,000 records (readiness ends at 0.01). */
  readonly misplaced: { readonly count: number; readonly share: number };
  readonly quarantined: number;
  readonly ignoredFields: number;
  readonly healthy: boolean;
};

export type ShardServer = {
  start(): Promise<void>;
  /** Lets running steps end; what is not done comes again to whoever serves the shard next. */
  stop(): Promise<void>;
  /** For tests: resolves when no request is outstanding. */
  drain(): Promise<void>;
  status(): ShardServerStatus;
  /** The shards held here that have caught up, for questions. They may be given up at any await. */
  held(): readonly Shard[];
};

export type ShardServerOptions = {
  readonly broker: Broker;
  readonly store: RulesStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fields: Fields;
  /** None are kept where it is left out. */
  readonly snapshots?: SnapshotSettings;
  /** With it, who enters and who leaves is announced. */
  readonly crossings?: CrossingStore;
  /** Between two looks at the open broadcasts. */
  readonly lookMs?: number;
  readonly plannedPollMs?: number;
  readonly awaitedPollMs?: number;
};

export function createShardServer(options: ShardServerOptions): ShardServer {
  return new Server(options);
}

/** Between two heartbeats in a long step; a session lasts 6 s. */
const BEAT_MS = paced(500);

const laneKey = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`;

class Server implements ShardServer {
  private readonly broker: Broker;
  private readonly store: RulesStore;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly runs: Runs;
  private readonly placement = new Placement();
  private readonly refusals: Refusals;
  private readonly announcer: Announcer | undefined;
  private readonly awaitedPollMs: number;
  private readonly snapshots: Snapshots | undefined;
  private readonly shards: HeldShards;
  private readonly lanes = new Map<string, Lane>();
  private consumer: Consumer | undefined;
  private sweep: NodeJS.Timeout | undefined;
  private quarantined = 0;

  constructor(options: ShardServerOptions) {
    this.broker = options.broker;
    this.store = options.store;
    this.clock = options.clock;
    this.logger = options.logger;
    this.refusals = new Refusals(options.clock);
    this.runs = new Runs({
      append: (topic, partition, value) => appendTo(options.broker, topic, partition, [value]),
      store: options.store,
      fields: options.fields,
      shard: (partition) => this.shards.get(partition),
      answered: (partition, checked, version, event) =>
        this.announcer?.include(partition, entryOf(checked, version, event)),
      plannedPollMs: options.plannedPollMs ?? 50,
    });
    this.awaitedPollMs = options.awaitedPollMs ?? paced(30_000);
    this.snapshots = options.snapshots && new Snapshots(options.snapshots, options);
    if (options.crossings !== undefined)
      this.announcer = new Announcer({
        ...options,
        store: options.crossings,
        append: (topic, partition, values) => appendTo(options.broker, topic, partition, values),
      });
    this.shards = new HeldShards({
      broker: options.broker,
      fields: options.fields,
      snapshots: this.snapshots,
      announcer: this.announcer,
      placed: (misplaced) => this.placement.note(misplaced),
      began: (shard) => this.noteCatchUp(shard),
    });
  }

  async start(): Promise<void> {
    if (this.consumer !== undefined) return;
    this.shards.partitions = (await this.broker.ends(TOPICS.profiles)).length;
    this.consumer = this.broker.subscribe({
      group: RULES_GROUP,
      topics: [...KNOWN_TOPICS, ...LANES.map((lane) => TOPICS.requests[lane])],
      coPartitioned: true,
      assigned: (partitions) => this.assigned(partitions),
      revoked: (partitions) => this.revoked(partitions),
      handle: (batch) => this.handle(batch),
      stopped: (at, error) =>
        this.logger.error({ ...at, error: messageOf(error) }, 'a partition of rules stopped'),
    });
    this.announcer?.start();
    await this.consumer.start();
    this.snapshots?.start(() => this.shards.all());
    this.sweep = setInterval(() => void this.announceAwaited(this.shards.all()), this.awaitedPollMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.sweep);
    for (const lane of this.lanes.values()) lane.close();
    this.runs.stop();
    await this.consumer?.stop();
    this.consumer = undefined;
    await this.announcer?.stop();
    await this.snapshots?.stop(this.shards.clear());
    this.lanes.clear();
  }

  async drain(): Promise<void> {
    while (this.status().outstanding > 0) await new Promise((resume) => setTimeout(resume, 5));
  }

  status(): ShardServerStatus {
    const shards = this.shards.all();
    const sum = (of: (shard: Shard) => number): number =>
      shards.reduce((total, shard) => total + of(shard), 0);
    return {
      citizens: sum((shard) => shard.population.size),
      offsets: Array.from({ length: this.shards.partitions }, (_, p) => this.offsetOf(p)),
      caughtUp: shards.every((shard) => shard.caughtUp),
      outstanding: [...this.lanes.values()].reduce((total, lane) => total + lane.outstanding, 0),
      misplaced: this.placement.status(),
      quarantined: this.quarantined,
      ignoredFields: sum((shard) => shard.population.ignoredFields),
      healthy: this.consumer?.healthy() ?? false,
    };
  }

  /** What was read and is not announced yet is still to do. */
  private offsetOf(partition: number): number {
    const position = this.shards.get(partition)?.position ?? -1;
    return Math.min(position, this.announcer?.announced(partition) ?? position);
  }

  held(): readonly Shard[] {
    return this.shards.all().filter((shard) => shard.caughtUp);
  }

  private async assigned(partitions: readonly TopicPartition[]): Promise<readonly StartPosition[]> {
    const known = partitions.filter(isKnown);
    const goesOn = known.length === 0 ? [] : await this.shards.takeUp(known);
    const requests = partitions.filter((at) => !isKnown(at));
    if (requests.length === 0) return goesOn;
    const starts = await this.store.startPositions(RULES_GROUP, requests);
    for (const { topic, partition } of requests) {
      const start = starts.find((found) => found.topic === topic && found.partition === partition);
      const at = { topic, partition };
      this.lanes.get(laneKey(at))?.close();
      this.lanes.set(laneKey(at), new Lane(at, start ?? { fence: 0 }, this.laneWork(), this.logger));
    }
    return [...goesOn, ...starts];
  }

  private async revoked(partitions: readonly TopicPartition[]): Promise<void> {
    for (const at of partitions) {
      if (isKnown(at)) {
        this.shards.park(at.partition);
      } else {
        this.lanes.get(laneKey(at))?.close();
        this.lanes.delete(laneKey(at));
      }
    }
  }

  private noteCatchUp(shard: Shard): void {
    const startedAt = this.clock.nowMs();
    shard.reached(0).then(
      () => {
        const { partition, population } = shard;
        this.logger.info(
          { partition, citizens: population.size, ms: this.clock.nowMs() - startedAt },
          'shard caught up',
        );
        return this.announceAwaited([shard]);
      },
      () => {},
    );
  }

  private async handle(batch: Batch): Promise<void> {
    if (isKnown(batch)) return this.handleKnown(batch);
    this.lanes.get(laneKey(batch))?.accept(batch);
  }

  private async handleKnown(batch: Batch): Promise<void> {
    const shard = this.shards.get(batch.partition);
    await shard?.inTurn(async () => {
      if (batch.signal.aborted) return;
      if (batch.topic === TOPICS.profiles) shard.apply(batch);
      else shard.applyOverlays(batch);
      await shard.prepare(pauseFor(batch));
      await this.announcer?.send(batch.partition);
      await this.settle(shard);
    });
  }

  /** Gives the store what the shard owes it. */
  private async settle(shard: Shard): Promise<void> {
    await this.quarantineProfiles(shard);
    if (shard.forgotten.length > 0) {
      await this.store.profilesForgotten(shard.forgotten);
      shard.forgotten = [];
    }
    if (shard.arrived.length === 0) return;
    await this.store.profilesArrived(shard.arrived);
    shard.arrived = [];
  }

  /** Best effort, repeated by the timer: what fails here is found again. */
  private async announceAwaited(shards: readonly Shard[]): Promise<void> {
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

  private async quarantine(record: ShardRecord, error: Error, fanout?: string): Promise<void> {
    await this.store.quarantine({ ...record, error, ...(fanout === undefined ? {} : { fanout }) });
    this.quarantined++;
  }

  private laneWork(): LaneWork {
    return {
      answer: (record, signal) => this.runs.answer(record, signal),
      quarantine: (record, error) => this.quarantine(record, error, fanoutOf(record)),
      advance: ({ topic, partition }, from, next, fence) =>
        this.store.advance(RULES_GROUP, topic, partition, from, next, fence),
      pause: (at) => this.consumer?.pause([at]),
      resume: (at) => this.consumer?.resume([at]),
    };
  }
}

/** Lets the event loop turn, and keeps the membership while a long step is done in pieces. */
function pauseFor(batch: Batch): () => Promise<void> {
  let beatAt = performance.now();
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    if (performance.now() - beatAt < BEAT_MS) return;
    await batch.heartbeat();
    beatAt = performance.now();
  };
}

async function appendTo(
  broker: Broker,
  topic: string,
  partition: number,
  values: readonly Buffer[],
): Promise<void> {
  await broker.append(
    topic,
    values.map((value) => ({ key: null, value, partition })),
  );
}

function fanoutOf(record: ShardRecord): string | undefined {
  try {
    return decodeRequest(record.value).fanout;
  } catch {
    return undefined;
  }
}
