/**
 * Where each consumer stands, kept beside the work it did. The fence is ours and not the broker's generation: a broker forgets a group
 * that commits nothing to it and counts from one again.
 */
import { AllimError } from '../domain/errors.ts';
import { DAYS } from '../domain/records.ts';
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

type Slice = TopicPartition & { readonly from: number; readonly next: number; readonly fence: number };

/** Moves a position in the transaction that did the work. `position-fenced` where somebody took the partition over or it stands elsewhere. */
export function advancePosition(sql: Sql, group: string, slice: Slice): Promise<void> {
  return advancePositions(sql, group, [slice]);
}

/** Moves the positions of several partitions, all or none. */
export async function advancePositions(sql: Sql, group: string, slices: readonly Slice[]): Promise<void> {
  const { rowCount } = await sql.query({
    name: 'advance-positions',
    text: `UPDATE consumer_offsets o SET position = u.next, updated_at = now()
           FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[]) u(topic, partition, start, next, fence)
           WHERE o.group_name = $1 AND o.topic = u.topic AND o.partition = u.partition AND o.position = u.start AND o.fence = u.fence`,
    values: [
      group,
      slices.map((s) => s.topic),
      slices.map((s) => s.partition),
      slices.map((s) => s.from),
      slices.map((s) => s.next),
      slices.map((s) => s.fence),
    ],
  });
  if (rowCount !== slices.length)
    throw new AllimError('position-fenced', 'another member holds this partition now', {
      ids: { group, partitions: slices.map((s) => `${s.topic}/${s.partition}@${s.from}`).join(' ') },
    });
}

export type StoredPosition = TopicPartition & { readonly group: string; readonly offset: number };

/** Of topics: up to which day the shards announced who entered and left stands beside them, and is none. */
export async function readPositions(sql: Sql): Promise<readonly StoredPosition[]> {
  const { rows } = await sql.query<StoredPosition>(
    `SELECT group_name AS "group", topic, partition, position AS offset FROM consumer_offsets
     WHERE topic <> '${DAYS}' ORDER BY group_name, topic, partition`,
  );
  return rows;
}

/**
 * By a person's hand: what lies between is never read. Whoever holds the partition loses it and asks for the position again. False where the group
 * has no position there.
 */
export async function movePosition(
  sql: Sql,
  group: string,
  at: TopicPartition,
  offset: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE consumer_offsets SET position = $4, fence = fence + 1, updated_at = now() WHERE group_name = $1 AND topic = $2 AND partition = $3`,
    [group, at.topic, at.partition, offset],
  );
  return rowCount === 1;
}
