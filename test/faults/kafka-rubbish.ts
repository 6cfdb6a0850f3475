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

const OPEN = `SELECT id, topic FROM quarantine WHERE state = 'open' AND key LIKE 'fault-%'`;

export async function corruptRecords(stage: Stage): Promise<void> {
  await withKafka(stage, async (kafka, admin) => {
    const records: Raw[] = [];
    for (const topic of BROKEN_TOPICS)
      records.push(...rubbish(stage, topic, (await admin.fetchTopicOffsets(topic)).length));
    await write(kafka, shuffled(stage, records));
  });
}

/** Says which topic has too little in quarantine, and puts what is there aside for the rounds that follow. */
export async function judgeCorrupt(stage: Stage): Promise<readonly string[]> {
  const missing = async () => {
    const rows = await stage.sql<{ id: string; topic: string }>(OPEN);
    return BROKEN_TOPICS.filter((topic) => rows.filter((row) => row.topic === topic).length < 3);
  };
  const late = await eventually(async () => (await missing()).length === 0, {
    timeoutMs: 20_000,
    everyMs: 200,
  }).then(() => [], missing);
  for (const { id } of await stage.sql<{ id: string }>(OPEN))
    await stage.api('POST', `/api/v1/quarantine/${id}/drop`);
  return late.map((topic) => `of three broken records on ${topic} not all are in quarantine`);
}
