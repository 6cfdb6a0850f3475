/**
 * Which citizen an agency means by a key of its own, by the keyed hash of the key (domain/subject-key.ts). A new link wakes the events
 * that wait for it, in the transaction that makes it.
 */
import type { EventRowId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';

/** Any fixed number; see `holdLinks`. */
const LINKS_LOCK = 7_261_093_846;

export type IdentityLink = {
  readonly keyHash: Buffer;
  /** null takes the link back; what it was used for stands. */
  readonly citizen: string | null;
};

/**
 * Keeps links from being made until the transaction ends. Whoever finds no link and writes an event down as waiting holds this from before
 * the look: a link made in between would find nothing to wake, and the event would wait for ever.
 */
export async function holdLinks(sql: Sql): Promise<void> {
  await sql.query('SELECT pg_advisory_xact_lock_shared($1)', [LINKS_LOCK]);
}

/** Writes links of one agency and wakes what waits for them. The keys need to be distinct. Returns how many events were woken. */
export async function saveIdentityLinks(
  sql: Sql,
  agency: string,
  links: readonly IdentityLink[],
): Promise<number> {
  const made = links.filter((link) => link.citizen !== null);
  const ended = links.filter((link) => link.citizen === null);
  await sql.query('SELECT pg_advisory_xact_lock($1)', [LINKS_LOCK]);
  if (ended.length > 0)
    await sql.query('DELETE FROM identity_links WHERE agency_id = $1 AND key_hash = ANY($2::bytea[])', [
      agency,
      ended.map((link) => link.keyHash),
    ]);
  if (made.length === 0) return 0;
  const hashes = made.map((link) => link.keyHash);
  await sql.query({
    name: 'save-identity-links',
    text: `INSERT INTO identity_links AS l (agency_id, key_hash, citizen_id)
      SELECT $1, u.hash, u.citizen FROM unnest($2::bytea[], $3::text[]) u(hash, citizen) ORDER BY u.hash
      ON CONFLICT (agency_id, key_hash) DO UPDATE SET citizen_id = excluded.citizen_id WHERE l.citizen_id <> excluded.citizen_id`,
    values: [agency, hashes, made.map((link) => link.citizen)],
  });
  const { rowCount } = await sql.query({
    name: 'wake-linked',
    text: `UPDATE unresolved SET state = 'arrived', look_at = '-infinity'
      WHERE agency_id = $1 AND subject_key_hash = ANY($2::bytea[]) AND stage_run_id IS NULL AND state = 'waiting'`,
    values: [agency, hashes],
  });
  return rowCount ?? 0;
}

export type LinkedEvent = {
  readonly id: string;
  readonly event: EventRowId;
  readonly agency: string;
  /** null where the link was taken back again. */
  readonly citizen: string | null;
};

/** Events that waited for a link which has come, locked until the transaction ends, with whom they are about. */
export async function takeLinkedEvents(sql: Sql, limit: number): Promise<LinkedEvent[]> {
  const { rows } = await sql.query<LinkedEvent>(
    `SELECT u.id, u.event_id AS event, u.agency_id AS agency,
       (SELECT l.citizen_id FROM identity_links l WHERE l.agency_id = u.agency_id AND l.key_hash = u.subject_key_hash) AS citizen
     FROM unresolved u WHERE u.stage_run_id IS NULL AND u.state = 'arrived' ORDER BY u.id LIMIT $1 FOR UPDATE OF u SKIP LOCKED`,
    [limit],
  );
  return rows;
}

export async function anyLinkedEvents(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query<{ found: boolean }>({
    name: 'any-linked-events',
    text: `SELECT EXISTS (SELECT 1 FROM unresolved WHERE stage_run_id IS NULL AND state = 'arrived') AS found`,
  });
  return rows[0]?.found === true;
}

/** Ends the waiting of events that are judged now; those whose link went away again wait on. */
export async function endLinkedEvents(
  sql: Sql,
  judged: readonly string[],
  waiting: readonly string[],
): Promise<void> {
  if (judged.length > 0) await sql.query('DELETE FROM unresolved WHERE id = ANY($1::uuid[])', [judged]);
  if (waiting.length > 0)
    await sql.query(`UPDATE unresolved SET state = 'waiting' WHERE id = ANY($1::uuid[])`, [waiting]);
}
