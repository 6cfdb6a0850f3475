/** Targeted events whose person is not known yet: by us (no link for the agency's key) or by the shard (no profile). */
import type { EventRowId, StageRunId } from '../domain/ids.ts';
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';

export type Unresolved = {
  readonly agency: string;
  readonly event: EventRowId;
  /** null where the event could not even open its obligation, because only the agency's key is known. */
  readonly stageRun: StageRunId | null;
  readonly citizen: string | null;
  readonly subjectKeyHash: Buffer | null;
  /** The shard's position when it did not know the citizen. */
  readonly askedOffset: number | null;
  /** When telling is pointless; null if never. */
  readonly expiresAtMs: number | null;
};

/**
 * A row stays until its event is judged or expires. Asked about in vain, it is looked at again after 1 s, 2 s, 4 s … 1 h: a profile that
 * came between the shard's answer and this row would otherwise wait for ever, since the shard tells of an arrival once.
 */
export async function saveUnresolved(sql: Sql, rows: readonly Unresolved[], nowMs: number): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    `INSERT INTO unresolved AS x (id, agency_id, event_id, stage_run_id, citizen_id, subject_key_hash, asked_offset, state, look_at, expires_at, created_at)
     SELECT u.id, u.agency, u.event, u.run, u.citizen, u.key, u.asked, CASE WHEN u.citizen IS NULL THEN 'waiting' ELSE 'new' END,
       $8::timestamptz + interval '1 second', u.expires, $8
     FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::bytea[], $7::bigint[], $9::timestamptz[])
       u(id, agency, event, run, citizen, key, asked, expires)
     ORDER BY u.id
     ON CONFLICT (id) DO UPDATE SET asked_offset = excluded.asked_offset,
       state = CASE x.state WHEN 'arrived' THEN 'arrived' ELSE excluded.state END,
       looks = least(x.looks + 1, 12), look_at = $8::timestamptz + least(interval '1 second' * (2 ^ x.looks), interval '1 hour')`,
    [
      rows.map((r) => keyId('unresolved', r.event, r.stageRun ?? 'unlinked')),
      rows.map((r) => r.agency),
      rows.map((r) => r.event),
      rows.map((r) => r.stageRun),
      rows.map((r) => r.citizen),
      rows.map((r) => r.subjectKeyHash),
      rows.map((r) => r.askedOffset),
      new Date(nowMs),
      rows.map((r) => (r.expiresAtMs === null ? null : new Date(r.expiresAtMs))),
    ],
  );
}

/** Events that were judged leave the list. */
export async function dropResolved(
  sql: Sql,
  stageRun: StageRunId,
  events: readonly EventRowId[],
): Promise<void> {
  if (events.length === 0) return;
  await sql.query('DELETE FROM unresolved WHERE id = ANY($1::uuid[])', [
    events.map((event) => keyId('unresolved', event, stageRun)),
  ]);
}

/** Called by the shard with citizens it saw for the first time: what waits for them may be judged, at once by anybody's clock. */
export async function markArrived(sql: Sql, citizens: readonly string[]): Promise<number> {
  const { rowCount } = await sql.query({
    name: 'mark-arrived',
    text: `UPDATE unresolved SET state = 'arrived', look_at = '-infinity' WHERE citizen_id = ANY($1::text[]) AND state <> 'arrived'`,
    values: [citizens],
  });
  return rowCount ?? 0;
}

/** Called by the shard for tombstones: nobody is left to be told. Returns how many events no longer wait. */
export async function dropForgotten(sql: Sql, citizens: readonly string[]): Promise<number> {
  const { rowCount } = await sql.query({
    name: 'drop-forgotten',
    text: 'DELETE FROM unresolved WHERE citizen_id = ANY($1::text[])',
    values: [citizens],
  });
  return rowCount ?? 0;
}

/** A person's links for an agency's keys, by the keyed hash of the key. */
export async function findLinks(
  sql: Sql,
  agencies: readonly string[],
  keyHashes: readonly Buffer[],
): Promise<Map<string, string>> {
  if (agencies.length === 0) return new Map();
  const { rows } = await sql.query<{ agency_id: string; key_hash: Buffer; citizen_id: string }>(
    `SELECT l.agency_id, l.key_hash, l.citizen_id FROM unnest($1::text[], $2::bytea[]) u(agency, hash)
     JOIN identity_links l ON l.agency_id = u.agency AND l.key_hash = u.hash`,
    [agencies, keyHashes],
  );
  return new Map(rows.map((row) => [linkKey(row.agency_id, row.key_hash), row.citizen_id]));
}

/** What `findLinks` keeps a citizen under. */
export function linkKey(agency: string, keyHash: Buffer): string {
  return `${agency}\n${keyHash.toString('hex')}`;
}

export type Pending = {
  readonly id: string;
  readonly agency: string;
  readonly event: EventRowId;
  readonly stageRun: StageRunId;
  readonly citizen: string;
  readonly askedOffset: number;
  readonly state: 'new' | 'arrived';
};

export async function anyUnresolvedDue(sql: Sql, nowMs: number): Promise<boolean> {
  const { rows } = await sql.query<{ found: boolean }>({
    name: 'any-unresolved-due',
    text: `SELECT EXISTS (SELECT 1 FROM unresolved WHERE state IN ('new', 'arrived') AND look_at <= $1 AND stage_run_id IS NOT NULL) AS found`,
    values: [new Date(nowMs)],
  });
  return rows[0]?.found === true;
}

/** Rows that are due for a look, locked until the transaction ends. */
export async function takePendingUnresolved(sql: Sql, nowMs: number, limit: number): Promise<Pending[]> {
  const { rows } = await sql.query<Pending>(
    `SELECT id, agency_id AS agency, event_id AS event, stage_run_id AS "stageRun", citizen_id AS citizen, asked_offset AS "askedOffset", state
     FROM unresolved WHERE state IN ('new', 'arrived') AND look_at <= $1 AND stage_run_id IS NOT NULL
     ORDER BY look_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [new Date(nowMs), limit],
  );
  return rows;
}

/** `asked`: a question about these is under way. `postponed`: the shard has not moved on, so nothing can have arrived. */
export async function markLooked(
  sql: Sql,
  asked: readonly string[],
  postponed: readonly string[],
  nowMs: number,
): Promise<void> {
  if (asked.length > 0)
    await sql.query(`UPDATE unresolved SET state = 'asked' WHERE id = ANY($1::uuid[])`, [asked]);
  if (postponed.length > 0)
    await sql.query(
      `UPDATE unresolved SET looks = least(looks + 1, 12),
         look_at = $2::timestamptz + least(interval '1 second' * (2 ^ looks), interval '1 hour') WHERE id = ANY($1::uuid[])`,
      [postponed, new Date(nowMs)],
    );
}

export async function dropExpiredUnresolved(sql: Sql, nowMs: number): Promise<number> {
  const { rowCount } = await sql.query('DELETE FROM unresolved WHERE expires_at < $1', [new Date(nowMs)]);
  return rowCount ?? 0;
}

/** Citizens that events wait for. */
export async function awaitedCitizens(sql: Sql, limit = 100_000): Promise<string[]> {
  const { rows } = await sql.query<{ citizen_id: string }>(
    `SELECT DISTINCT citizen_id FROM unresolved WHERE citizen_id IS NOT NULL AND state = 'new' LIMIT $1`,
    [limit],
  );
  return rows.map((row) => row.citizen_id);
}

const instant = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export type UnresolvedEvent = {
  readonly id: string;
  readonly at: string;
  readonly agency: string;
  readonly event: { readonly source: string; readonly id: string; readonly type: string };
  /** `link`: nobody has said whom the agency's key means; `profile`: nothing is known of the citizen. */
  readonly waitsFor: 'link' | 'profile';
  readonly expiresAt: Date | null;
};

/** Newest first; by event, since the agency's keys are not kept in clear. One row an event and stage. */
export async function listUnresolved(
  sql: Sql,
  agency: string | null,
  after: { readonly at: string; readonly id: string } | null,
  limit: number,
): Promise<UnresolvedEvent[]> {
  const { rows } = await sql.query<UnresolvedEvent>(
    `SELECT u.id, ${instant('u.created_at')} AS at, u.agency_id AS agency,
       jsonb_build_object('source', e.source, 'id', e.event_id, 'type', e.type) AS event,
       CASE WHEN u.citizen_id IS NULL THEN 'link' ELSE 'profile' END AS "waitsFor", u.expires_at AS "expiresAt"
     FROM unresolved u JOIN events e ON e.id = u.event_id
     WHERE ($1::text IS NULL OR u.agency_id = $1) AND ($2::timestamptz IS NULL OR (u.created_at, u.id) < ($2::timestamptz, $3::uuid))
     ORDER BY u.created_at DESC, u.id DESC LIMIT $4`,
    [agency, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}
