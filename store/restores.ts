/**
 * A ledger that was restored knows less than what happened: what it holds as due may have been sent by the history that is gone. So a restore
 * is noticed before anything is sent (the server, its timeline and its position, against what this database says of itself and what is kept
 * outside of it), everything stops, and what was due before becomes ambiguous until a person decides (store/restored.ts).
 */
import { randomUUID } from 'node:crypto';
import type { Sql, SqlPool } from '../domain/sql.ts';
import { transaction } from '../domain/sql.ts';

/** Where a server's history stands. */
export type LedgerIdentity = {
  readonly server: string;
  readonly timeline: string;
  /** Bytes of the write-ahead log that are on disk. */
  readonly position: bigint;
};

/** What is kept outside of the database. */
export type LedgerMark = LedgerIdentity & { readonly atMs: number };

export function writeMark({ server, timeline, position, atMs }: LedgerMark): string {
  return JSON.stringify({ server, timeline, position: position.toString(), atMs });
}

/** null of what is no mark: nothing is concluded from it. */
export function readMark(text: string | null): LedgerMark | null {
  try {
    const { server, timeline, position, atMs } = JSON.parse(text ?? 'null') as Record<string, unknown>;
    if (typeof server !== 'string' || typeof timeline !== 'string' || typeof atMs !== 'number') return null;
    return { server, timeline, position: BigInt(String(position)), atMs };
  } catch {
    return null;
  }
}

/** The timeline is that of the log being written: the control file says it only after the checkpoint that follows a promotion. */
export async function readIdentity(sql: Sql): Promise<LedgerIdentity> {
  const { rows } = await sql.query<{ server: string; timeline: string; position: string }>({
    name: 'ledger-identity',
    text: `SELECT (SELECT system_identifier FROM pg_control_system())::text AS server,
      left(pg_walfile_name(pg_current_wal_lsn()), 8) AS timeline, (pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::text AS position`,
    values: [],
  });
  const { server, timeline, position } = rows[0]!;
  return { server, timeline, position: BigInt(position) };
}

/** A name for this installation that a copy of its database shares, drawn once. */
export async function installationId(sql: Sql): Promise<string> {
  await sql.query(
    `INSERT INTO settings (name, value) VALUES ('installation', to_jsonb($1::text)) ON CONFLICT (name) DO NOTHING`,
    [randomUUID()],
  );
  const { rows } = await sql.query<{ id: string }>(
    `SELECT value #>> '{}' AS id FROM settings WHERE name = 'installation'`,
  );
  return rows[0]!.id;
}

export type Evidence = 'server' | 'timeline' | 'position';

/** What gives a restore away; null where history has gone on. `known` is what the database says of itself. */
export function evidenceOf(
  now: LedgerIdentity,
  known: Pick<LedgerIdentity, 'server' | 'timeline'> | null,
  mark: LedgerMark | null,
): Evidence | null {
  for (const before of [known, mark]) {
    if (before === null) continue;
    if (before.server !== now.server) return 'server';
    if (before.timeline !== now.timeline) return 'timeline';
  }
  return mark !== null && mark.position > now.position ? 'position' : null;
}

export type Restore = {
  readonly id: string;
  readonly evidence: Evidence;
  readonly noticedAt: Date;
  readonly lastAliveAt: Date | null;
  /** Ends of the topics of events when it was noticed: what lies before is older than the restore. */
  readonly ends: Readonly<Record<string, readonly number[]>>;
};

/** The restore that nobody has closed. */
export async function openRestore(sql: Sql): Promise<Restore | null> {
  const { rows } = await sql.query<Restore>({
    name: 'open-restore',
    text: `SELECT id, evidence, noticed_at AS "noticedAt", last_alive_at AS "lastAliveAt", ends FROM restores WHERE closed_at IS NULL`,
    values: [],
  });
  return rows[0] ?? null;
}

export const RESTORE_STOP = 'restore';

/**
 * Looks whether this database was restored, and stops everything where it was: once, however many processes look. Questions that were asked
 * are asked again, since the answers may have been read already. Returns the identity now, and the restore where this look noticed it.
 */
export async function noticeRestore(
  pool: SqlPool,
  mark: LedgerMark | null,
  ends: () => Promise<Restore['ends']>,
  nowMs: number,
): Promise<{ readonly identity: LedgerIdentity; readonly noticed: Evidence | null }> {
  const identity = await readIdentity(pool);
  const known = (
    await pool.query<{ server: string; timeline: string }>(
      `SELECT value->>'server' AS server, value->>'timeline' AS timeline FROM settings WHERE name = 'ledger-identity'`,
    )
  ).rows[0];
  const evidence = evidenceOf(identity, known ?? null, mark);
  if (evidence === null && known !== undefined) return { identity, noticed: null };
  const found = evidence === null ? {} : await ends();
  return transaction(pool, async (sql) => {
    await sql.query(`SELECT pg_advisory_xact_lock(hashtext('allim-restore'))`);
    let noticed: Evidence | null = null;
    if (evidence !== null) {
      const { rowCount } = await sql.query(
        `INSERT INTO restores (id, evidence, noticed_at, last_alive_at, ends) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
        [
          randomUUID(),
          evidence,
          new Date(nowMs),
          mark === null ? null : new Date(mark.atMs),
          JSON.stringify(found),
        ],
      );
      if (rowCount === 1) noticed = evidence;
      await sql.query(
        `INSERT INTO stops (scope, reason, created_by) VALUES ('all', $1, $2) ON CONFLICT (scope) DO NOTHING`,
        [`the database was restored (${evidence}): npm run allim -- restore status`, RESTORE_STOP],
      );
      await sql.query(`UPDATE fanouts SET requested_at = NULL WHERE state = 'asked'`);
    }
    await sql.query(
      `INSERT INTO settings (name, value) VALUES ('ledger-identity', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      [JSON.stringify({ server: identity.server, timeline: identity.timeline })],
    );
    return { identity, noticed };
  });
}
