/**
 * Sessions of people who are signed in, and sign-ins under way. Only hashes of tokens come here; what follows from an old or a late one
 * is decided in web/sign-in/sessions.ts. Instants are given, so that limits hold by one clock.
 */
import type { Sql } from '../domain/sql.ts';

export type SignedInKind = 'staff' | 'citizen';

export type NewSession = {
  readonly id: string;
  readonly kind: SignedInKind;
  readonly subject: string;
  readonly name: string;
  readonly agency: string | null;
  readonly roles: readonly string[];
  readonly locale: string;
  readonly tokenHash: Buffer;
  readonly csrf: string;
  /** Sealed. */
  readonly idToken: Buffer | null;
  readonly device: string;
  readonly createdAt: Date;
  readonly endsAt: Date;
};
export type SessionRow = NewSession & {
  readonly nextHash: Buffer | null;
  readonly nextAt: Date | null;
  readonly previousHash: Buffer | null;
  readonly previousUntil: Date | null;
  readonly tokenAt: Date;
  readonly seenAt: Date;
};

/** Inserts, and deletes what the person has beyond `keep`, those first that were not seen for longest. Returns how many. */
export async function insertSession(sql: Sql, session: NewSession, keep: number): Promise<number> {
  const { id, kind, subject, name, agency, roles, locale, tokenHash, csrf, idToken, device } = session;
  await sql.query(
    `INSERT INTO sessions (id, kind, subject, name, agency_id, roles, locale, token_hash, token_at, csrf, id_token, device, created_at, seen_at, ends_at)
     VALUES ($1, $2, $3, $4, $5, $6::text[], $7, $8, $12, $9, $10, $11, $12, $12, $13)`,
    [
      id,
      kind,
      subject,
      name,
      agency,
      roles,
      locale,
      tokenHash,
      csrf,
      idToken,
      device,
      session.createdAt,
      session.endsAt,
    ],
  );
  const { rowCount } = await sql.query(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions WHERE kind = $1 AND subject = $2 AND id <> $3 ORDER BY seen_at DESC, id OFFSET $4)`,
    [kind, subject, id, keep - 1],
  );
  return rowCount ?? 0;
}

const COLUMNS = `id, kind, subject, name, agency_id AS agency, roles, token_hash AS "tokenHash", csrf, id_token AS "idToken", device,
  created_at AS "createdAt", ends_at AS "endsAt", next_hash AS "nextHash", next_at AS "nextAt", previous_hash AS "previousHash",
  previous_until AS "previousUntil", token_at AS "tokenAt", seen_at AS "seenAt"`;

/** Once a request of somebody who is signed in; a citizen's language is the one they chose since. */
export async function findSession(sql: Sql, id: string): Promise<SessionRow | undefined> {
  const { rows } = await sql.query<SessionRow>({
    name: 'find-session',
    text: `SELECT ${COLUMNS}, CASE kind WHEN 'citizen' THEN coalesce((SELECT c.locale FROM citizens c WHERE c.id = subject), locale)
        ELSE locale END AS locale
      FROM sessions WHERE id = $1`,
    values: [id],
  });
  return rows[0];
}

/** What limits are judged by, of those that are there. */
export async function livingSessions(
  sql: Sql,
  ids: readonly string[],
): Promise<Pick<SessionRow, 'id' | 'kind' | 'endsAt' | 'seenAt'>[]> {
  const { rows } = await sql.query<Pick<SessionRow, 'id' | 'kind' | 'endsAt' | 'seenAt'>>(
    'SELECT id, kind, ends_at AS "endsAt", seen_at AS "seenAt" FROM sessions WHERE id = ANY($1::uuid[])',
    [ids],
  );
  return rows;
}

export async function touchSession(sql: Sql, id: string, at: Date): Promise<void> {
  await sql.query('UPDATE sessions SET seen_at = $2 WHERE id = $1 AND seen_at < $2', [id, at]);
}

/** Notes a token that is about to be given to the browser. Of requests at the same time one is told true. */
export async function offerToken(
  sql: Sql,
  session: Pick<SessionRow, 'id' | 'tokenHash'>,
  nextHash: Buffer,
  at: Date,
  unlessSince: Date,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE sessions SET next_hash = $3, next_at = $4
     WHERE id = $1 AND token_hash = $2 AND (next_hash IS NULL OR next_at < $5)`,
    [session.id, session.tokenHash, nextHash, at, unlessSince],
  );
  return rowCount === 1;
}

/** The browser has shown the token it was offered: that is the current one now. */
export async function takeToken(
  sql: Sql,
  id: string,
  nextHash: Buffer,
  at: Date,
  previousUntil: Date,
): Promise<void> {
  await sql.query(
    `UPDATE sessions SET previous_hash = token_hash, previous_until = $4, token_hash = next_hash, token_at = $3, next_hash = NULL, next_at = NULL
     WHERE id = $1 AND next_hash = $2`,
    [id, nextHash, at, previousUntil],
  );
}

export async function setSessionLocale(sql: Sql, id: string, locale: string): Promise<void> {
  await sql.query('UPDATE sessions SET locale = $2 WHERE id = $1', [id, locale]);
}

export async function deleteSession(sql: Sql, id: string): Promise<boolean> {
  const { rowCount } = await sql.query('DELETE FROM sessions WHERE id = $1', [id]);
  return rowCount === 1;
}

/** One of the person's own; false where they have no such session. */
export async function deleteSessionOf(
  sql: Sql,
  person: { readonly kind: SignedInKind; readonly subject: string },
  id: string,
): Promise<boolean> {
  const { rowCount } = await sql.query('DELETE FROM sessions WHERE id = $1 AND kind = $2 AND subject = $3', [
    id,
    person.kind,
    person.subject,
  ]);
  return rowCount === 1;
}

/** All of a person but `except`. Returns how many. */
export async function deleteSessionsOf(
  sql: Sql,
  person: { readonly kind: SignedInKind; readonly subject: string },
  except: string | null,
): Promise<number> {
  const { rowCount } = await sql.query(
    'DELETE FROM sessions WHERE kind = $1 AND subject = $2 AND ($3::uuid IS NULL OR id <> $3)',
    [person.kind, person.subject, except],
  );
  return rowCount ?? 0;
}

export type ListedSession = {
  readonly id: string;
  readonly device: string;
  readonly createdAt: Date;
  readonly seenAt: Date;
  readonly endsAt: Date;
};

/** Those that still count, the newest sight first. */
export async function listSessionsOf(
  sql: Sql,
  person: { readonly kind: SignedInKind; readonly subject: string },
  now: Date,
  idleSince: Date,
): Promise<ListedSession[]> {
  const { rows } = await sql.query<ListedSession>(
    `SELECT id, device, created_at AS "createdAt", seen_at AS "seenAt", ends_at AS "endsAt" FROM sessions
     WHERE kind = $1 AND subject = $2 AND ends_at > $3 AND seen_at > $4 ORDER BY seen_at DESC, id`,
    [person.kind, person.subject, now, idleSince],
  );
  return rows;
}

export type SignInRow = {
  readonly stateHash: Buffer;
  readonly browserHash: Buffer;
  readonly kind: SignedInKind;
  readonly secrets: Buffer;
  readonly createdAt: Date;
};

export async function saveSignIn(sql: Sql, row: SignInRow): Promise<void> {
  await sql.query(
    'INSERT INTO sign_ins (state_hash, browser_hash, kind, secrets, created_at) VALUES ($1, $2, $3, $4, $5)',
    [row.stateHash, row.browserHash, row.kind, row.secrets, row.createdAt],
  );
}

/** Takes it away: nobody ends it a second time. Not there for another browser, which must not spoil it for the right one. */
export async function takeSignIn(
  sql: Sql,
  stateHash: Buffer,
  browserHash: Buffer,
): Promise<SignInRow | undefined> {
  const { rows } = await sql.query<SignInRow>(
    `DELETE FROM sign_ins WHERE state_hash = $1 AND browser_hash = $2
     RETURNING state_hash AS "stateHash", browser_hash AS "browserHash", kind, secrets, created_at AS "createdAt"`,
    [stateHash, browserHash],
  );
  return rows[0];
}
