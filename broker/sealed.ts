/**
 * The event log with values sealed on the topics that carry citizens' data: a broker around a broker, so that whoever appends or consumes
 * sees plain values. A sealed record says so in the header `allim-sealed`, whose value is the id of the key; one without it is plain and is
 * read as such, so that sealing can be switched on and keys be changed while everything runs.
 * Guarantees: a record under a key that we lack stops its partition instead of being quarantined as nonsense: give the key and it goes on.
 * It seals no keys, no headers and no tombstones.
 */
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Broker, LogRecord, NewRecord, Subscription } from './broker.ts';

export const SEALED_HEADER = 'allim-sealed';

/** Binds a value to its topic and key: a profile cannot be put under another citizen's name. */
export function sealPurpose(topic: string, key: string | null): string {
  return `log/${topic}/${key ?? ''}`;
}

export type SealedBrokerOptions = {
  readonly sealer: Sealer;
  /** Whether appends are sealed; what is sealed is opened either way. */
  readonly seal: boolean;
  readonly topics: ReadonlySet<string>;
  readonly logger: Logger;
};

export function createSealedBroker(broker: Broker, options: SealedBrokerOptions): Broker {
  const { sealer, seal, topics, logger } = options;

  function sealRecord(topic: string, record: NewRecord): NewRecord {
    if (record.value === null) return record;
    return {
      ...record,
      value: sealer.seal(sealPurpose(topic, record.key), record.value),
      headers: { ...record.headers, [SEALED_HEADER]: sealer.keyId },
    };
  }

  function open(record: LogRecord): LogRecord {
    const keyId = record.headers[SEALED_HEADER];
    if (keyId === undefined || record.value === null) return record;
    if (!sealer.knows(keyId))
      throw new AllimError(
        'seal-key-unknown',
        `${record.topic}/${record.partition} at ${record.offset} is sealed under a key that is not here: add it to ALLIM_ENCRYPTION_KEYS_OLD`,
        {
          ids: {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            key: keyId.slice(0, 64),
          },
        },
      );
    try {
      const value = sealer.open(sealPurpose(record.topic, record.key), record.value);
      const { [SEALED_HEADER]: _, ...headers } = record.headers;
      return { ...record, value, headers };
    } catch {
      // Changed or moved: it goes on as it is, cannot be read, and is quarantined with its header.
      const { topic, partition, offset } = record;
      logger.warn({ topic, partition, offset }, 'a sealed record cannot be opened');
      return record;
    }
  }

  function subscribe(subscription: Subscription) {
    const blocked = new Set<string>();
    const consumer = broker.subscribe({
      ...subscription,
      async handle(batch) {
        const at = `${batch.topic}/${batch.partition}`;
        let records: readonly LogRecord[];
        try {
          records = topics.has(batch.topic) ? batch.records.map(open) : batch.records;
        } catch (error) {
          blocked.add(at);
          throw error;
        }
        blocked.delete(at);
        await subscription.handle({ ...batch, records });
      },
      async revoked(partitions) {
        for (const { topic, partition } of partitions) blocked.delete(`${topic}/${partition}`);
        await subscription.revoked?.(partitions);
      },
    });
    return { ...consumer, healthy: () => blocked.size === 0 && consumer.healthy() };
  }

  return {
    start: () => broker.start(),
    stop: () => broker.stop(),
    prepare: (specs, how) => broker.prepare(specs, how),
    append: (topic, records) =>
      broker.append(
        topic,
        seal && topics.has(topic) ? records.map((record) => sealRecord(topic, record)) : records,
      ),
    topics: (prefix) => broker.topics(prefix),
    ends: (topic) => broker.ends(topic),
    begins: (topic) => broker.begins(topic),
    subscribe,
    ping: () => broker.ping(),
  };
}
