/** What a topic must be so that nothing on it is lost and nobody who was forgotten comes back. */
import type { TopicSpec } from '../../broker/broker.ts';
import type { TopicFacts } from '../../broker/kafka-facts.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Config } from '../config.ts';
import type { Notes } from './finding.ts';

const DAY_MS = 86_400_000;
const RETENTION_MS = 7 * DAY_MS;

export function judgeTopic(
  spec: TopicSpec,
  facts: TopicFacts | undefined,
  brokers: number,
  config: Config,
  notes: Notes,
): void {
  const at = `topic ${spec.topic}`;
  const production = config.env === 'production';
  if (facts === undefined) {
    if (production) notes.fault(at, 'does not exist', 'npm run allim -- topics makes those that are missing');
    return;
  }
  const { settings } = facts;
  if (facts.partitions !== spec.partitions)
    notes.fault(
      at,
      `has ${facts.partitions} partitions instead of ${spec.partitions}`,
      'the count can never change: make the topic anew before anything is in it, or set ALLIM_PARTITIONS before the first start',
    );
  const policy = settings['cleanup.policy'] ?? 'delete';
  const wanted = spec.compacted ? 'compact' : 'delete';
  if (policy !== wanted)
    notes.fault(
      at,
      `cleanup.policy is ${policy}`,
      `set cleanup.policy=${wanted}: ${spec.compacted ? 'whoever is deleted by age is not told any more' : 'only the last record of a key would stay'}`,
    );
  const number = (name: string) => Number(settings[name] ?? Number.NaN);
  if (number('max.message.bytes') < 1_114_112)
    notes.fault(
      at,
      `max.message.bytes is ${settings['max.message.bytes']}`,
      'set max.message.bytes=1310720: a record may have 1 MiB',
    );
  if (spec.deleteRetentionMs !== undefined && number('delete.retention.ms') < spec.deleteRetentionMs)
    notes.fault(
      at,
      `delete.retention.ms is ${settings['delete.retention.ms']}`,
      `set delete.retention.ms=${spec.deleteRetentionMs}: who was forgotten must stay so`,
    );
  const retention = number('retention.ms');
  if (!spec.compacted && retention >= 0 && retention < (spec.topic === TOPICS.events ? RETENTION_MS : DAY_MS))
    notes.fault(
      at,
      `retention.ms is ${retention}: what is not read in time is lost`,
      `set retention.ms=${RETENTION_MS}`,
    );
  if (settings['unclean.leader.election.enable'] === 'true')
    notes.fault(
      at,
      'unclean.leader.election.enable is true: acknowledged records can be lost',
      'set it to false',
    );
  if (!production || brokers < 3) return;
  if (facts.replicas < 3)
    notes.fault(
      at,
      `has ${facts.replicas} replica${facts.replicas === 1 ? '' : 's'}`,
      'reassign its partitions to three brokers',
    );
  if (number('min.insync.replicas') < 2)
    notes.fault(at, `min.insync.replicas is ${settings['min.insync.replicas']}`, 'set min.insync.replicas=2');
  if (facts.inSync < facts.replicas)
    notes.fault(
      at,
      `a partition has ${facts.inSync} of ${facts.replicas} replicas in sync`,
      'see which broker is down or behind',
    );
}
