/**
 * The audit trail: what staff did and looked at, in one chain of hashes (domain/audit-entry.ts). An entry is written in the transaction that
 * does the thing, as its last statement: the head is locked from there to the commit, and puts entries in order. Deliveries never come here.
 */
import { type AuditEntry, auditHash } from '../domain/audit-entry.ts';
import { AllimError } from '../domain/errors.ts';
import { holdsResidentNumber } from '../domain/kr/resident-number.ts';
import type { Sql } from '../domain/sql.ts';

export type NewAuditEntry = Pick<AuditEntry, 'agency' | 'actor' | 'action' | 'object'> &
  Partial<Pick<AuditEntry, 'actorName' | 'reason' | 'details' | 'request'>>;

/** JSON as the database will give it back: what it cannot hold is left out, so that the hash is over what is kept. */
function storable<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '')) as T;
}

const plain = (text: string | null | undefined, max: number): string | null =>
  text == null ? null : text.replaceAll('\0', '').toWellFormed().slice(0, max).toWellFormed();

/** Call it last in a transaction: it waits for whoever is writing an entry, and whoever comes next waits for the commit. */
export async function recordAudit(sql: Sql, entry: NewAuditEntry): Promise<AuditEntry> {
  // Entries stay for ever. Requests were looked at where they came in; what is typed at a terminal was not.
  if (entry.reason != null && holdsResidentNumber(entry.reason))
    throw new AllimError('request-invalid', 'the reason must not hold a resident registration number', {
      faults: [{ pointer: '/reason', message: 'must not hold a resident registration number' }],
    });
  const { rows } = await sql.query<{ number: number; hash: Buffer; at: Date }>(
    `SELECT number, hash, date_trunc('milliseconds', clock_timestamp()) AS at FROM audit_head FOR UPDATE`,
  );
  const head = rows[0];
  if (head === undefined) throw new Error('the audit trail has no head');
  const next: AuditEntry = {
    number: head.number + 1,
    at: head.at,
    agency: entry.agency,
    actor: plain(entry.actor, 200) ?? '',
    actorName: plain(entry.actorName, 200),
    action: entry.action,
    object: plain(entry.object, 300),
    reason: plain(entry.reason, 1_000),
    details: storable(entry.details ?? {}),
    request: plain(entry.request, 100),
  };
  const hash = auditHash(next, head.hash);
  await sql.query(
    `WITH moved AS (UPDATE audit_head SET number = $1, hash = $12)
     INSERT INTO audit_entries (number, at, agency_id, actor, actor_name, action, object, reason, details, request, previous, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      next.number,
      next.at,
      next.agency,
      next.actor,
      next.actorName,
      next.action,
      next.object,
      next.reason,
      JSON.stringify(next.details),
      next.request,
      head.hash,
      hash,
    ],
  );
  return next;
}

export type AuditFilter = {
  /** null: all agencies'. */
  readonly agency: string | null;
  readonly actor: string | null;
  /** `rule` or `rule.approved`. */
  readonly action: string | null;
  /** `rule:nhis-checkup`, with all of its versions, or whole. */
  readonly object: string | null;
  readonly since: Date | null;
  readonly until: Date | null;
};

export type ShownAuditEntry = AuditEntry & { readonly hash: string };

const COLUMNS = `number, at, agency_id AS agency, actor, actor_name AS "actorName", action, object, reason, details, request`;

/** Newest first, those before entry `before`. */
export async function listAudit(
  sql: Sql,
  filter: AuditFilter,
  before: number | null,
  limit: number,
): Promise<ShownAuditEntry[]> {
  const { rows } = await sql.query<ShownAuditEntry>(
    `SELECT ${COLUMNS}, encode(hash, 'hex') AS hash FROM audit_entries
     WHERE ($1::text IS NULL OR agency_id = $1) AND ($2::text IS NULL OR actor = $2)
       AND ($3::text IS NULL OR action = $3 OR starts_with(action, $3 || '.'))
       AND ($4::text IS NULL OR object = $4 OR starts_with(object, $4 || '/'))
       AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
       AND ($7::bigint IS NULL OR number < $7)
     ORDER BY number DESC LIMIT $8`,
    [filter.agency, filter.actor, filter.action, filter.object, filter.since, filter.until, before, limit],
  );
  return rows;
}

/**
 * SQL: what a member of staff is called whose id stands in `id`, as they were called when they last did anything; NULL for keys and programs.
 * Read for an agency it says the names of its own trail.
 */
export const staffName = (id: string): string =>
  `(SELECT a.actor_name FROM audit_entries a WHERE starts_with(${id}, 'staff:') AND a.actor = ${id} AND a.actor_name IS NOT NULL
    ORDER BY a.number DESC LIMIT 1)`;

/** The last entry that there should be. */
export async function auditHead(sql: Sql): Promise<{ number: number; hash: Buffer } | undefined> {
  const { rows } = await sql.query<{ number: number; hash: Buffer }>('SELECT number, hash FROM audit_head');
  return rows[0];
}

/** In order, after entry `after`: everything that the verifier computes anew. */
export async function readChain(
  sql: Sql,
  after: number,
  limit: number,
): Promise<(AuditEntry & { readonly previous: Buffer; readonly hash: Buffer })[]> {
  const { rows } = await sql.query<AuditEntry & { previous: Buffer; hash: Buffer }>(
    `SELECT ${COLUMNS}, previous, hash FROM audit_entries WHERE number > $1 ORDER BY number LIMIT $2`,
    [after, limit],
  );
  return rows;
}
