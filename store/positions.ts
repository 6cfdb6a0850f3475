/**
 * Where each consumer stands, kept beside the work it did. The fence is ours and not the broker's generation: a broker forgets a group
 * that commits nothing to it and counts from one again.
 */
import { AllimError } from '../domain/errors.ts';
import type { Sql } from '../domain/sql.ts';

type TopicPartition = { readonly topic: string; readonly partition: number };
type StartPosition = TopicPartition & { readonly offset: number; readonly fence: number };

/**
 * Takes partitions over: raises their fences, so that whoever held them can no longer move them, and says where they stand.
 * A partition seen for the first time starts at `begins(topic)[partition]`.
 */
export async function claimPositions(
  sql: Sql,
  group: string,
  partitions: readonly TopicPartition[],
  begins: (topic: string) => Promise<readonly number[]>,
): Promise<StartPosition[]> {
  const first = new Map<string, readonly number[]>();
  for (const { topic } of partitions) if (!first.has(topic)) first.set(topic, await begins(topic));
  const { rows } = await sql.query<{ topic: string; partition: number; position: number; fence: number }>(
    `INSERT INTO consumer_offsets AS o (group_name, topic, partition, position, fence)
     SELECT $1, t, p, b, 1 FROM unnest($2::text[], $3::int[], $4::bigint[]) u(t, p, b) ORDER BY t, p
     ON CONFLICT (group_name, topic, partition) DO UPDATE SET fence = o.fence + 1
     RETURNING topic, partition, position, fence`,
    [
      group,
      partitions.map((p) => p.topic),
      partitions.map((p) => p.partition),
      partitions.map((p) => first.get(p.topic)?.[p.partition] ?? 0),
    ],
  );
  return rows.map((row) => ({
    topic: row.topic,
    partition: row.partition,
    offset: row.position,
    fence: row.fence,
  }));
}

/** Moves a position in the transaction that did the work. `position-fenced` where somebody took the partition over or it stands elsewhere. */
export async function advancePosition(
  sql: Sql,
  group: string,
  batch: TopicPartition & { from: number; next: number; fence: number },
): Promise<void> {
  const { rowCount } = await sql.query({
    name: 'advance-position',
    text: `UPDATE consumer_offsets SET position = $5, updated_at = now()
           WHERE group_name = $1 AND topic = $2 AND partition = $3 AND position = $4 AND fence = $6`,
    values: [group, batch.topic, batch.partition, batch.from, batch.next, batch.fence],
  });
  if (rowCount !== 1)
    throw new AllimError('position-fenced', 'another member holds this partition now', {
      ids: { group, topic: batch.topic, partition: batch.partition, from: batch.from },
    });
}
