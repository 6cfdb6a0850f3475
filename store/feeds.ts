/** Where each feed stands. One process polls a feed at a time: it holds a lease, and what it writes counts only while it does. */
import { randomUUID } from 'node:crypto';
import type { Sql } from '../domain/sql.ts';

export type FeedPlace = {
  readonly lease: string;
  readonly cursor: string | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Hashes of the last cursors, newest last. */
  readonly visited: readonly string[];
  readonly failures: number;
};

/** Enters feeds that are new. One whose address changed begins anew; the ledger knows what it repeats. */
export async function enterFeeds(
  sql: Sql,
  feeds: readonly { readonly name: string; readonly agency: string; readonly url: string }[],
): Promise<void> {
  await sql.query(
    `INSERT INTO feeds AS f (name, agency_id, url) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
     ON CONFLICT (name) DO UPDATE SET agency_id = excluded.agency_id, url = excluded.url, cursor = NULL, etag = NULL, last_modified = NULL,
       visited = '[]', state = 'new', code = NULL, message = NULL, failures = 0, next_at = '-infinity', lease = NULL, leased_until = '-infinity'
     WHERE (f.agency_id, f.url) <> (excluded.agency_id, excluded.url)`,
    [feeds.map((f) => f.name), feeds.map((f) => f.agency), feeds.map((f) => f.url)],
  );
}

/** Takes a feed that is due and that nobody has; undefined where there is nothing to do. */
export async function leaseFeed(
  sql: Sql,
  name: string,
  nowMs: number,
  untilMs: number,
): Promise<FeedPlace | undefined> {
  const { rows } = await sql.query<FeedPlace>(
    `UPDATE feeds SET lease = $2, leased_until = $4, looked_at = $3 WHERE name = $1 AND next_at <= $3 AND leased_until <= $3
     RETURNING lease, cursor, etag, last_modified AS "lastModified", visited, failures`,
    [name, randomUUID(), new Date(nowMs), new Date(untilMs)],
  );
  return rows[0];
}

/** After a page, in the transaction that took its events. False where somebody else has the feed now: then nothing may be kept. */
export async function advanceFeed(
  sql: Sql,
  name: string,
  place: Omit<FeedPlace, 'failures'>,
  counts: { readonly accepted: number; readonly refused: number; readonly untilMs: number },
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE feeds SET cursor = $3, etag = $4, last_modified = $5, visited = $6, accepted = accepted + $7, refused = refused + $8, leased_until = $9
     WHERE name = $1 AND lease = $2`,
    [
      name,
      place.lease,
      place.cursor,
      place.etag,
      place.lastModified,
      JSON.stringify(place.visited),
      counts.accepted,
      counts.refused,
      new Date(counts.untilMs),
    ],
  );
  return rowCount === 1;
}

/** Ends a round and gives the lease back. */
export async function endRound(
  sql: Sql,
  name: string,
  lease: string,
  outcome: {
    readonly failure: { readonly code: string; readonly message: string } | null;
    readonly nextMs: number;
    readonly nowMs: number;
  },
): Promise<void> {
  const { failure } = outcome;
  await sql.query(
    `UPDATE feeds SET lease = NULL, leased_until = '-infinity', next_at = $3, state = $4, code = $5, message = $6,
       failures = CASE WHEN $5::text IS NULL THEN 0 ELSE failures + 1 END, succeeded_at = CASE WHEN $5::text IS NULL THEN $7 ELSE succeeded_at END
     WHERE name = $1 AND lease = $2`,
    [
      name,
      lease,
      new Date(outcome.nextMs),
      failure === null ? 'ok' : 'failing',
      failure?.code ?? null,
      failure?.message ?? null,
      new Date(outcome.nowMs),
    ],
  );
}

export type FeedState = {
  readonly name: string;
  readonly agency: string;
  readonly state: 'new' | 'ok' | 'failing';
  readonly code: string | null;
  readonly message: string | null;
  readonly failures: number;
  readonly accepted: number;
  readonly refused: number;
  readonly nextAt: Date | null;
  readonly lookedAt: Date | null;
  readonly succeededAt: Date | null;
};

/** null is all agencies'. The cursor stays inside: it may hold a token. */
export async function listFeeds(sql: Sql, agency: string | null): Promise<FeedState[]> {
  const { rows } = await sql.query<FeedState>(
    `SELECT name, agency_id AS agency, state, code, message, failures, accepted, refused,
       CASE WHEN isfinite(next_at) THEN next_at END AS "nextAt", looked_at AS "lookedAt", succeeded_at AS "succeededAt"
     FROM feeds WHERE $1::text IS NULL OR agency_id = $1 ORDER BY name`,
    [agency],
  );
  return rows;
}
