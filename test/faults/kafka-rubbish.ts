/** Records that nobody can read, and what has to become of them: each in quarantine, and everything around them done. */
import { randomUUID } from 'node:crypto';
import { partitionOf } from '../../domain/murmur2.ts';
import { TOPICS } from '../../domain/records.ts';
import { eventually } from '../support/eventually.ts';
import type { Stage } from './fault.ts';
import { type Raw, withKafka, write } from './kafka-hands.ts';
import { shuffled, whole } from './outage.ts';

const PLACE = { source: '/nts/property-tax', type: 'kr.nts.property-tax.assessed' };

/** A key of nobody, so that rubbish in the place of a profile forgets no citizen. */
const nobody = () => Buffer.from(`fault-${randomUUID()}`);

function rubbish(stage: Stage, topic: string, partitions: number): Raw[] {
  const bytes = Buffer.from(Array.from({ length: 64 }, () => whole(stage, 0, 255)));
  const values: [Buffer, Record<string, string>][] = [
    [bytes, {}],
    [Buffer.from('{"broken": '), { 'content-type': 'application/json' }],
    [
      Buffer.from('[]'),
      { ce_specversion: '1.0', ce_id: randomUUID(), ce_source: PLACE.source, ce_type: PLACE.type },
    ],
  ];
  return values.map(([value, headers]) => {
    const key = nobody();
    // A profile in a partition that is not its key's would be quarantined for that.
    return { topic, partition: partitionOf(key.toString(), partitions), key, value, headers };
  });
}

const BROKEN_TOPICS = [
  TOPICS.events,
  TOPICS.profiles,
  ...Object.values(TOPICS.requests),
  ...Object.values(TOPICS.audiences),
];

/** Resolves when each of the records lies in quarantine. */
export async function corruptRecords(stage: Stage): Promise<void> {
  const places = await withKafka(stage, async (kafka, admin) => {
    const records: Raw[] = [];
    for (const topic of BROKEN_TOPICS)
      records.push(...rubbish(stage, topic, (await admin.fetchTopicOffsets(topic)).length));
    return await write(kafka, shuffled(stage, records));
  });
  const quarantined = () =>
    stage.sql<{ id: string; topic: string }>(
      `SELECT q.id, q.topic FROM quarantine q JOIN unnest($1::text[], $2::int[], $3::bigint[]) u(topic, partition, "offset")
         ON q.topic = u.topic AND q.partition = u.partition AND q.record_offset = u."offset" WHERE q.state = 'open'`,
      [places.map((at) => at.topic), places.map((at) => at.partition), places.map((at) => at.offset)],
    );
  const all = await eventually(async () => (await quarantined()).length === places.length, {
    timeoutMs: 60_000,
    everyMs: 200,
  }).then(
    () => true,
    () => false,
  );
  const rows = await quarantined();
  for (const { id } of rows) await stage.api('POST', `/api/v1/quarantine/${id}/drop`);
  if (all) return;
  const counts = BROKEN_TOPICS.map((topic) => `${topic} ${rows.filter((row) => row.topic === topic).length}`);
  throw new Error(`of three broken records on each topic, in quarantine are: ${counts.join(', ')}`);
}
