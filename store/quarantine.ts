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
      known.map((error) => error?.code ?? 'record-corrupt'),
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

function base64(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('base64');
}

export async function countQuarantine(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT count(*) AS n FROM quarantine WHERE state = 'open'`,
  );
  return rows[0]?.n ?? 0;
}
