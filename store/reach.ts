/** Which channels lead to whom: contact points that are verified and not known to lead nowhere. Addresses are not read. */
import type { Sql } from '../domain/sql.ts';
import { textArray } from './arrays.ts';

/** `channels` as T2 would find them; empty for whoever none leads to. */
export type Reach = { readonly citizen: string; readonly channels: readonly string[] };

const USABLE = 'verified_at IS NOT NULL AND invalid_at IS NULL';

/** Those with a usable contact point, by id, after `after`. */
export async function listReach(sql: Sql, after: string, limit: number): Promise<Reach[]> {
  const { rows } = await sql.query<Reach>({
    name: 'list-reach',
    text: `SELECT citizen_id AS citizen, array_agg(DISTINCT channel) AS channels FROM contact_points
      WHERE citizen_id > $1 AND ${USABLE} GROUP BY citizen_id ORDER BY citizen_id LIMIT $2`,
    values: [after, limit],
  });
  return rows;
}

/** Of each of these, in no order. */
export async function reachOf(sql: Sql, ids: readonly string[]): Promise<Reach[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<Reach>({
    name: 'reach-of',
    text: `SELECT u.id AS citizen, array_remove(array_agg(DISTINCT c.channel), NULL) AS channels FROM unnest($1::text[]) u(id)
      LEFT JOIN contact_points c ON c.citizen_id = u.id AND c.${USABLE.replace(' AND ', ' AND c.')} GROUP BY u.id`,
    values: [textArray(ids)],
  });
  return rows;
}

/** A snapshot of Postgres: what it shows is known, whatever was in progress then is not. */
export type ReachHorizon = string;

export async function reachHorizon(sql: Sql): Promise<ReachHorizon> {
  const { rows } = await sql.query<{ horizon: string }>('SELECT pg_current_snapshot()::text AS horizon');
  return rows[0]!.horizon;
}

/** Citizens of whom a change is seen now that was not seen at `since`, and what is seen now: a transaction that takes hours hides none but its own. */
export async function changedReach(
  sql: Sql,
  since: ReachHorizon,
): Promise<{ readonly ids: readonly string[]; readonly horizon: ReachHorizon }> {
  const { rows } = await sql.query<{ horizon: string; ids: string[] }>({
    name: 'changed-reach',
    text: `SELECT pg_current_snapshot()::text AS horizon, ARRAY(SELECT DISTINCT citizen_id FROM reach_changes
      WHERE changed_by >= pg_snapshot_xmin($1::pg_snapshot) AND NOT pg_visible_in_snapshot(changed_by, $1::pg_snapshot)) AS ids`,
    values: [since],
  });
  return rows[0]!;
}
