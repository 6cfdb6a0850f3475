/**
 * A broker in memory for tests of single parts: one member of each group, which holds every partition. It keeps the port's promises
 * (order per partition, a batch at a time per partition, the same batch again after a failure) and no more: adapters have the
 * conformance suite.
 */
import type {
  Appended,
  Batch,
  Broker,
  Consumer,
  LogRecord,
  NewRecord,
  Subscription,
  TopicPartition,
} from '../../broker/broker.ts';
import { AllimError } from '../../domain/errors.ts';
import { partitionOf } from '../../domain/murmur2.ts';

type Partition = { readonly records: (LogRecord | null)[]; readonly wake: Set<() => void> };

export class MemoryBroker implements Broker {
  readonly consumers: MemoryConsumer[] = [];
  private readonly logs = new Map<string, Partition[]>();
  /** Called before an append is written; what it throws, the append rejects with. */
  beforeAppend: (topic: string) => void = () => {};

  create(topic: string, partitions: number): void {
    this.logs.set(
      topic,
      Array.from({ length: partitions }, () => ({ records: [], wake: new Set<() => void>() })),
    );
  }

  partition(topic: string, partition: number): Partition {
    const found = this.logs.get(topic)?.[partition];
    if (found === undefined) throw new AllimError('topic-invalid', `no ${topic}/${partition}`);
    return found;
  }

  /** What a partition holds now. */
  read(topic: string, partition: number): LogRecord[] {
    return this.partition(topic, partition).records.filter((record) => record !== null);
  }

  /** Leaves holes, as transaction markers and compaction do: offsets without records. */
  skip(topic: string, partition: number, count: number): void {
    const { records, wake } = this.partition(topic, partition);
    for (let i = 0; i < count; i++) records.push(null);
    for (const call of wake) call();
  }

  async append(topic: string, given: readonly NewRecord[]): Promise<readonly Appended[]> {
    this.beforeAppend(topic);
    const count = this.logs.get(topic)?.length ?? 0;
    const touched = new Set<Partition>();
    const appended = given.map(({ key, value, headers, partition }): Appended => {
      const at = partition ?? partitionOf(key ?? '', count);
      const log = this.partition(topic, at);
      const offset = log.records.length;
      const bytes = value === null ? null : Buffer.from(value as Buffer);
      log.records.push({
        topic,
        partition: at,
        offset,
        key,
        value: bytes,
        headers: headers ?? {},
        timestampMs: 0,
      });
      touched.add(log);
      return { topic, partition: at, offset };
    });
    for (const log of touched) for (const call of log.wake) call();
    return appended;
  }

  async topics(prefix: string): Promise<readonly string[]> {
    return [...this.logs.keys()].filter((topic) => topic.startsWith(prefix)).toSorted();
  }

  async ends(topic: string): Promise<readonly number[]> {
    return (this.logs.get(topic) ?? []).map(({ records }) => records.length);
  }

  async begins(topic: string): Promise<readonly number[]> {
    return (this.logs.get(topic) ?? []).map(() => 0);
  }

  subscribe(subscription: Subscription): Consumer {
    const consumer = new MemoryConsumer(this, subscription);
    this.consumers.push(consumer);
    return consumer;
  }

  partitionsOf(topics: readonly string[]): TopicPartition[] {
    return topics.flatMap((topic) =>
      (this.logs.get(topic) ?? []).map((_, partition) => ({ topic, partition })),
    );
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async prepare(): Promise<void> {}
  async ping(): Promise<void> {}
}

class MemoryConsumer implements Consumer {
  private readonly broker: MemoryBroker;
  private readonly subscription: Subscription;
  private readonly paused = new Set<string>();
  private stopping = new AbortController();
  private held: readonly TopicPartition[] = [];
  private loops: Promise<void>[] = [];

  constructor(broker: MemoryBroker, subscription: Subscription) {
    this.broker = broker;
    this.subscription = subscription;
  }

  async start(): Promise<void> {
    this.held = this.broker.partitionsOf(this.subscription.topics);
    const starts = await this.subscription.assigned(this.held);
    this.loops = this.held.map((at) => {
      const start = starts.find((found) => found.topic === at.topic && found.partition === at.partition);
      return this.loop(at, start?.offset ?? 0, start?.fence ?? 0);
    });
  }

  private async loop(at: TopicPartition, startOffset: number, startFence: number): Promise<void> {
    let [position, fence] = [startOffset, startFence];
    const { signal } = this.stopping;
    const { records, wake } = this.broker.partition(at.topic, at.partition);
    while (!signal.aborted) {
      if (position >= records.length || this.paused.has(`${at.topic}/${at.partition}`)) {
        await new Promise<void>((resolve) => {
          const done = (): void => {
            wake.delete(done);
            signal.removeEventListener('abort', done);
            resolve();
          };
          wake.add(done);
          signal.addEventListener('abort', done);
        });
        continue;
      }
      const slice = records.slice(position, position + (this.subscription.maxBatchRecords ?? 500));
      const batch: Batch = {
        ...at,
        from: position,
        next: position + slice.length,
        fence,
        records: slice.filter((record) => record !== null),
        heartbeat: async () => {},
        advance: (next) => {
          position = next;
        },
        signal,
      };
      try {
        await this.subscription.handle(batch);
        position = batch.next;
      } catch (error) {
        if (error instanceof AllimError && error.code === 'position-fenced') {
          const [start] = await this.subscription.assigned([at]);
          [position, fence] = [start?.offset ?? 0, start?.fence ?? 0];
        } else await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  }

  async stop(): Promise<void> {
    await this.leave();
  }

  private async leave(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    if (this.held.length > 0) await this.subscription.revoked?.(this.held);
    this.held = [];
  }

  /** Loses everything and gets it back, as a member does that was silent for a session. */
  async rejoin(): Promise<void> {
    await this.leave();
    this.stopping = new AbortController();
    await this.start();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.paused.add(`${topic}/${partition}`);
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      this.paused.delete(`${topic}/${partition}`);
      for (const call of this.broker.partition(topic, partition).wake) call();
    }
  }

  assignment(): readonly TopicPartition[] {
    return this.held;
  }

  healthy(): boolean {
    return !this.stopping.signal.aborted;
  }
}
