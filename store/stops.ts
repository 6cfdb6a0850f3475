/** What must not be sent now. The claim and the regrouping read this table. */
import type { Sql } from '../domain/sql.ts';

export type Stop = {
  /** `all`, `agency:<id>`, `channel:<name>` or `campaign:<uuid>`. */
  readonly scope: string;
  readonly agency: string | null;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
};

/** False where the scope is stopped already; the first reason stands. */
export async function saveStop(
  sql: Sql,
  stop: Pick<Stop, 'scope' | 'agency' | 'reason' | 'createdBy'>,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    'INSERT INTO stops (scope, agency_id, reason, created_by) VALUES ($1, $2, $3, $4) ON CONFLICT (scope) DO NOTHING',
    [stop.scope, stop.agency, stop.reason, stop.createdBy],
  );
  return rowCount === 1;
}

export async function removeStop(sql: Sql, scope: string): Promise<boolean> {
  const { rowCount } = await sql.query('DELETE FROM stops WHERE scope = $1', [scope]);
  return rowCount === 1;
}

export async function listStops(sql: Sql): Promise<Stop[]> {
  const { rows } = await sql.query<Stop>(
    'SELECT scope, agency_id AS agency, reason, created_by AS "createdBy", created_at AS "createdAt" FROM stops ORDER BY scope',
  );
  return rows;
}

export async function campaignAgency(sql: Sql, campaign: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ agency: string }>(
    'SELECT agency_id AS agency FROM campaigns WHERE id = $1::uuid',
    [campaign],
  );
  return rows[0]?.agency;
}
