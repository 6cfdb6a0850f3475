/** Who on the staff looked at a citizen: from the audit trail, which nobody can change; the citizen reads of it what concerns them. */
import type { Sql } from '../domain/sql.ts';

export type Look = {
  readonly at: Date;
  /** null: the platform's own staff. */
  readonly agency: string | null;
  readonly reason: string | null;
};

const MOST = 200;

/** Newest first. */
export async function looksAt(sql: Sql, citizen: string): Promise<Look[]> {
  const { rows } = await sql.query<Look>(
    `SELECT at, agency_id AS agency, reason FROM audit_entries
     WHERE object = $1 AND starts_with(action, 'support.') ORDER BY number DESC LIMIT ${MOST}`,
    [`citizen:${citizen}`],
  );
  return rows;
}
