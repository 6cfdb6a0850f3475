/** Of a citizen who signs in: whether we know them, and in which language they want to read. */
import type { Sql } from '../domain/sql.ts';

export async function isCitizen(sql: Sql, id: string): Promise<boolean> {
  const { rows } = await sql.query('SELECT 1 FROM citizens WHERE id = $1', [id]);
  return rows.length > 0;
}

export async function citizenLocale(sql: Sql, id: string): Promise<string | null> {
  const { rows } = await sql.query<{ locale: string }>('SELECT locale FROM citizens WHERE id = $1', [id]);
  return rows[0]?.locale ?? null;
}
