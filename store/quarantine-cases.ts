/** One quarantined record at a time: what it is, and what a person did about it. */
import type { Fault } from '../domain/errors.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import { staffName } from './audit-trail.ts';

export type QuarantineState = 'open' | 'retried' | 'dropped';

export type QuarantinedRecord = {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer | null;
  /** Key or headers were no UTF-8: their text is not what was sent. */
  readonly flawed: boolean;
};

export type QuarantineCase = {
  readonly id: string;
  readonly at: Date;
  /** null where nobody could be told to own it. */
  readonly agency: string | null;
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly code: string;
  readonly message: string;
  readonly faults: readonly Fault[];
  readonly state: QuarantineState;
  readonly closedBy: string | null;
  readonly closedByName: string | null;
  readonly closedAt: Date | null;
  /** It was retried with another body. */
  readonly mended: boolean;
  readonly record: QuarantinedRecord;
};

type Row = Omit<QuarantineCase, 'record'> & { readonly sealed: Buffer };

/** Undefined where there is none, or none that `agency` may see; null sees all. `lock` holds it to the end of the transaction. */
export async function findQuarantined(
  sql: Sql,
  sealer: Sealer,
  id: string,
  agency: string | null,
  lock: boolean,
): Promise<QuarantineCase | undefined> {
  const { rows } = await sql.query<Row>(
    `SELECT id, created_at AS at, agency_id AS agency, topic, partition, record_offset AS "offset", code, message, faults, state,
        closed_by AS "closedBy", ${staffName('closed_by')} AS "closedByName", closed_at AS "closedAt", mended IS NOT NULL AS mended, record AS sealed
     FROM quarantine WHERE id = $1 AND ($2::text IS NULL OR agency_id = $2)${lock ? ' FOR UPDATE' : ''}`,
    [id, agency],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { sealed, ...rest } = row;
  // Written by saveQuarantine alone.
  const kept = JSON.parse(sealer.open('quarantine', sealed).toString('utf8')) as {
    key: string | null;
    headers: Record<string, string>;
    value: string | null;
    rawHeaders?: unknown;
  };
  return {
    ...rest,
    record: {
      key: kept.key,
      headers: kept.headers,
      value: kept.value === null ? null : Buffer.from(kept.value, 'base64'),
      flawed: kept.rawHeaders !== undefined,
    },
  };
}

export async function closeQuarantined(
  sql: Sql,
  sealer: Sealer,
  closed: {
    readonly id: string;
    readonly state: 'retried' | 'dropped';
    readonly by: string;
    readonly atMs: number;
    /** What was sent instead. */
    readonly mended?: unknown;
  },
): Promise<void> {
  await sql.query(
    'UPDATE quarantine SET state = $2, closed_by = $3, closed_at = $4, mended = $5 WHERE id = $1',
    [
      closed.id,
      closed.state,
      closed.by,
      new Date(closed.atMs),
      closed.mended === undefined ? null : sealer.seal('quarantine-mended', JSON.stringify(closed.mended)),
    ],
  );
}
