/** What could not be taken in: whole, sealed, with the place and the reason. Nothing that arrived is thrown away unseen. */
import { AllimError, safeMessage } from '../domain/errors.ts';
import { keyId } from '../domain/ids.ts';
import type { RecordFlaws } from '../domain/record-flaws.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';

export type Rejected = {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Uint8Array | null;
  /** Then the bytes of key and headers are kept beside their text. */
  readonly flaws?: RecordFlaws;
  readonly error: unknown;
  readonly agency?: string;
};

/**
 * Idempotent by (topic, partition, offset): a record that comes again is one row. The key is sealed with the record, because it may be an
 * agency's own key for a person; in clear stands a profile's alone, which is our id of the citizen.
 */
export async function saveQuarantine(sql: Sql, sealer: Sealer, rejected: readonly Rejected[]): Promise<void> {
  if (rejected.length === 0) return;
  const known = rejected.map(({ error }) => (error instanceof AllimError ? error : undefined));
  await sql.query(
    `INSERT INTO quarantine (id, agency_id, topic, partition, record_offset, key, code, message, faults, record)
     SELECT id, agency, topic, partition, record_offset, key, code, message, faults::jsonb, record
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bytea[])
       u(id, agency, topic, partition, record_offset, key, code, message, faults, record)
     ORDER BY id ON CONFLICT (id) DO NOTHING`,
    [
      rejected.map((r) => keyId('quarantine', r.topic, r.partition, r.offset)),
      rejected.map((r) => r.agency ?? null),
      rejected.map((r) => r.topic),
      rejected.map((r) => r.partition),
      rejected.map((r) => r.offset),
      rejected.map((r) =>
        r.topic === TOPICS.profiles ? (r.key?.replaceAll('\0', '').slice(0, 256) ?? null) : null,
      ),
      rejected.map((r) => codeOf(r.error)),
      rejected.map((r) => safeMessage(r.error).replaceAll('\0', '').slice(0, 2000)),
      known.map((error) => JSON.stringify(error?.faults ?? []).replaceAll('\\u0000', '')),
      rejected.map((r) =>
        sealer.seal(
          'quarantine',
          JSON.stringify({
            key: r.key,
            headers: r.headers,
            value: base64(r.value),
            ...(r.flaws === undefined
              ? {}
              : {
                  rawKey: base64(r.flaws.rawKey),
                  rawHeaders: r.flaws.rawHeaders.map(([name, value]) => [name, base64(value)]),
                }),
          }),
        ),
      ),
    ],
  );
}

/** Records refused for one reason that are counted instead of kept: their offsets, ascending. */
export type Counted = {
  readonly topic: string;
  readonly partition: number;
  readonly code: string;
  readonly offsets: readonly number[];
};

type Counter = { readonly count: number; readonly from: number; readonly through: number };

/** A row of `settings` for each partition and reason. Between `from` and `through` every record of that reason is either kept or counted. */
const counterOf = (topic: string, partition: number, code: string): string =>
  `quarantine-counted/${topic}/${partition}/${code}`;

/**
 * Counts `counted`, each offset once however often it comes, and returns those of `kept` that were not counted before. Call it in the
 * transaction that saves them, and for one partition from one process at a time.
 */
export async function countQuarantined<R extends Rejected>(
  sql: Sql,
  kept: readonly R[],
  counted: readonly Counted[],
): Promise<R[]> {
  const nameOf = (r: R) => counterOf(r.topic, r.partition, codeOf(r.error));
  const names = [...kept.map(nameOf), ...counted.map((c) => counterOf(c.topic, c.partition, c.code))];
  const { rows } = await sql.query<{ name: string; value: Counter }>(
    'SELECT name, value FROM settings WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE',
    [[...new Set(names)]],
  );
  const counters = new Map(rows.map(({ name, value }) => [name, value]));
  const isCounted = (name: string, offset: number): boolean => {
    const counter = counters.get(name);
    return counter !== undefined && offset >= counter.from && offset <= counter.through;
  };
  for (const { topic, partition, code, offsets } of counted) {
    const name = counterOf(topic, partition, code);
    const candidates = offsets.filter((offset) => !isCounted(name, offset));
    const stored = await sql.query<{ record_offset: number }>(
      'SELECT record_offset FROM quarantine WHERE id = ANY($1::uuid[])',
      [candidates.map((offset) => keyId('quarantine', topic, partition, offset))],
    );
    const known = new Set(stored.rows.map((row) => row.record_offset));
    const fresh = candidates.filter((offset) => !known.has(offset));
    if (fresh.length === 0) continue;
    const before = counters.get(name);
    const counter: Counter = {
      count: (before?.count ?? 0) + fresh.length,
      from: Math.min(before?.from ?? Number.POSITIVE_INFINITY, fresh[0]!),
      through: Math.max(before?.through ?? -1, fresh.at(-1)!),
    };
    await sql.query(
      'INSERT INTO settings (name, value) VALUES ($1, $2::jsonb) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      [name, JSON.stringify(counter)],
    );
  }
  return kept.filter((r) => !isCounted(nameOf(r), r.offset));
}

function codeOf(error: unknown): string {
  return error instanceof AllimError ? error.code : 'record-corrupt';
}

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}

export async function countQuarantine(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT count(*) AS n FROM quarantine WHERE state = 'open'`,
  );
  return rows[0]?.n ?? 0;
}
