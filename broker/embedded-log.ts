/** The statements of the embedded log: append, read, bounds, topics. Each is one statement, and so one short transaction. */
import { AllimError } from '../domain/errors.ts';
import { partitionOf } from '../domain/murmur2.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Appended, LogRecord, NewRecord, TopicSpec } from './broker.ts';
import type { Chunk } from './partition-loop.ts';

export type Topic = { readonly id: number; readonly partitions: number; readonly compacted: boolean };
export type PartitionBounds = { readonly first: number; readonly next: number };

const DEFAULT_DELETE_RETENTION_MS = 24 * 3_600_000;
/** A statement over 1,000 rows costs its round trip and its sync once; beyond that nothing is won and memory is lost. */
const APPEND_RECORDS = 1_000;
const APPEND_BYTES = 8_000_000;
const READ_BYTES = 4_000_000;

export function unknownTopic(topic: string): AllimError {
  return new AllimError('topic-invalid', `topic ${topic} does not exist`, { ids: { topic } });
}

export async function findTopic(pool: SqlPool, topic: string): Promise<Topic | undefined> {
  const { rows } = await pool.query<Topic>(
    'SELECT id, partitions, compacted FROM log_topics WHERE topic = $1',
    [topic],
  );
  return rows[0];
}

/** Names that begin with `prefix`, in the order of their characters. */
export async function topicNames(pool: SqlPool, prefix: string): Promise<string[]> {
  const { rows } = await pool.query<{ topic: string }>(
    'SELECT topic FROM log_topics WHERE starts_with(topic, $1) ORDER BY topic COLLATE "C"',
    [prefix],
  );
  return rows.map(({ topic }) => topic);
}

/** Makes a topic with its partitions in one statement; one that exists is left as it is. */
export async function createTopic(pool: SqlPool, spec: TopicSpec): Promise<void> {
  await pool.query(
    `WITH made AS (INSERT INTO log_topics (topic, partitions, compacted, delete_retention_ms) VALUES ($1, $2, $3, $4)
       ON CONFLICT (topic) DO NOTHING RETURNING id)
     INSERT INTO log_partitions (topic_id, partition) SELECT id, p FROM made, generate_series(0, $2::int - 1) p`,
    [spec.topic, spec.partitions, spec.compacted, spec.deleteRetentionMs ?? DEFAULT_DELETE_RETENTION_MS],
  );
}

/**
 * One blob instead of an array of bytea: pg sends a Buffer as it is, and an array as escaped hexadecimal of twice the size.
 * `locked` takes the counter rows in the order of their numbers, so that two appends over several partitions cannot deadlock.
 */
const APPEND = `
WITH given AS (
  SELECT partition, bytes, key_at, key_length, value_at, value_length, headers,
         row_number() OVER (PARTITION BY partition ORDER BY place) - 1 AS step
    FROM unnest($2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::text[]) WITH ORDINALITY
      AS g (partition, bytes, key_at, key_length, value_at, value_length, headers, place)
), counts AS (SELECT partition, count(*) AS n FROM given GROUP BY partition),
locked AS (
  SELECT p.partition FROM log_partitions p JOIN counts USING (partition) WHERE p.topic_id = $1 ORDER BY p.partition FOR UPDATE OF p
), bumped AS (
  UPDATE log_partitions p SET next = p.next + c.n FROM counts c JOIN locked l USING (partition)
   WHERE p.topic_id = $1 AND p.partition = c.partition RETURNING p.partition, p.next - c.n AS base
), written AS (
  INSERT INTO log_records (topic_id, partition, record_offset, at_ms, bytes, key, value, headers)
  SELECT $1, g.partition, b.base + g.step, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, g.bytes,
         CASE WHEN g.key_length >= 0 THEN substring($9::bytea FROM g.key_at + 1 FOR g.key_length) END,
         CASE WHEN g.value_length >= 0 THEN substring($9::bytea FROM g.value_at + 1 FOR g.value_length) END, g.headers
    FROM given g JOIN bumped b USING (partition)
)
SELECT partition, base FROM bumped`;

/** Appends in statements of at most 1,000 records, in order. `sizes` runs parallel to `records`. */
export async function appendRecords(
  pool: SqlPool,
  topic: { readonly name: string } & Topic,
  records: readonly NewRecord[],
  sizes: readonly number[],
  spread: () => number,
): Promise<Appended[]> {
  const result: Appended[] = [];
  for (let at = 0; at < records.length; ) {
    let end = at;
    for (let bytes = 0; end < records.length && end - at < APPEND_RECORDS; end++) {
      bytes += sizes[end]!;
      if (bytes > APPEND_BYTES && end > at) break;
    }
    result.push(...(await appendOnce(pool, topic, records.slice(at, end), sizes.slice(at, end), spread)));
    at = end;
  }
  return result;
}

async function appendOnce(
  pool: SqlPool,
  topic: { readonly name: string } & Topic,
  records: readonly NewRecord[],
  sizes: readonly number[],
  spread: () => number,
): Promise<Appended[]> {
  const blob: Buffer[] = [];
  let length = 0;
  const put = (bytes: Buffer | null): readonly [number, number] => {
    if (bytes === null) return [0, -1];
    blob.push(bytes);
    length += bytes.length;
    return [length - bytes.length, bytes.length];
  };
  const partitions: number[] = [];
  const columns: [number[], number[], number[], number[]] = [[], [], [], []];
  const headers: (string | null)[] = [];
  for (const record of records) {
    partitions.push(
      record.partition ??
        (record.key === null ? spread() % topic.partitions : partitionOf(record.key, topic.partitions)),
    );
    const key = put(record.key === null ? null : Buffer.from(record.key));
    const value = put(typeof record.value === 'string' ? Buffer.from(record.value) : record.value);
    columns[0].push(key[0]);
    columns[1].push(key[1]);
    columns[2].push(value[0]);
    columns[3].push(value[1]);
    headers.push(
      record.headers === undefined || Object.keys(record.headers).length === 0
        ? null
        : JSON.stringify(record.headers),
    );
  }
  const { rows } = await pool.query<{ partition: number; base: number }>({
    name: 'event-log-append',
    text: APPEND,
    values: [topic.id, partitions, sizes, ...columns, headers, Buffer.concat(blob, length)],
  });
  const next = new Map(rows.map((row) => [row.partition, row.base]));
  return partitions.map((partition) => {
    const offset = next.get(partition);
    if (offset === undefined)
      throw new AllimError('topic-invalid', `${topic.name} has no partition ${partition}`, {
        ids: { topic: topic.name, partition },
      });
    next.set(partition, offset + 1);
    return { topic: topic.name, partition, offset };
  });
}

/**
 * Bounds and records from one snapshot: where fewer than `limit` come back, everything up to `next` was seen, holes included.
 * The running sum looks at `bytes` and not at the values, so that a batch of large records is not read in vain.
 */
const READ = `
SELECT p.first, p.next, r.* FROM log_partitions p LEFT JOIN LATERAL (
  SELECT s.record_offset, s.at_ms, s.bytes, s.key, s.value, s.headers
    FROM (SELECT l.*, sum(l.bytes) OVER (ORDER BY l.record_offset) - l.bytes AS before
            FROM (SELECT * FROM log_records WHERE topic_id = $1 AND partition = $2 AND record_offset >= $3
                   ORDER BY record_offset LIMIT $4) l) s
   WHERE s.before < ${READ_BYTES}
) r ON true
WHERE p.topic_id = $1 AND p.partition = $2 ORDER BY r.record_offset`;

type ReadRow = {
  first: number;
  next: number;
  record_offset: number | null;
  at_ms: number;
  bytes: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: string | null;
};

/** What follows `from`, or undefined where nothing does yet. `offset-out-of-range` where the log does not reach from there. */
export async function readChunk(
  pool: SqlPool,
  topic: { readonly name: string; readonly id: number },
  partition: number,
  from: number,
  limit: number,
): Promise<Chunk | undefined> {
  const { rows } = await pool.query<ReadRow>({
    name: 'event-log-read',
    text: READ,
    values: [topic.id, partition, from, limit],
  });
  const at = { topic: topic.name, partition };
  const bounds = rows[0];
  if (bounds === undefined)
    throw new AllimError(
      'offset-out-of-range',
      `${topic.name}/${partition} is gone: the topic was made anew`,
      {
        ids: { ...at, offset: from },
      },
    );
  checkInRange(at, from, bounds);
  if (bounds.next === from) return undefined;
  const records: LogRecord[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (row.record_offset === null) break;
    bytes += row.bytes;
    records.push({
      ...at,
      offset: row.record_offset,
      key: row.key === null ? null : row.key.toString(),
      value: row.value,
      headers: row.headers === null ? {} : (JSON.parse(row.headers) as Record<string, string>),
      timestampMs: row.at_ms,
    });
  }
  const cut = records.length === limit || bytes >= READ_BYTES;
  return { from, next: cut ? records[records.length - 1]!.offset + 1 : bounds.next, records };
}

export function checkInRange(
  at: { readonly topic: string; readonly partition: number },
  offset: number,
  bounds: PartitionBounds,
): void {
  if (offset >= bounds.first && offset <= bounds.next) return;
  const why =
    offset < bounds.first
      ? `the log now begins at ${bounds.first}`
      : `the log ends at ${bounds.next}: the topic was made anew`;
  throw new AllimError('offset-out-of-range', `position ${offset} of ${at.topic}/${at.partition}: ${why}`, {
    ids: { ...at, offset, begin: bounds.first, end: bounds.next },
  });
}

/** By partition. Empty where the topic does not exist. */
export async function readBounds(pool: SqlPool, topic: string): Promise<PartitionBounds[]> {
  const { rows } = await pool.query<PartitionBounds>({
    name: 'event-log-bounds',
    text: `SELECT p.first, p.next FROM log_topics t JOIN log_partitions p ON p.topic_id = t.id WHERE t.topic = $1 ORDER BY p.partition`,
    values: [topic],
  });
  return rows;
}
