/** What the table of languages did: how many notices were wanted in one language and written in which. */
import type { Sql } from '../domain/sql.ts';

export type LocaleCount = {
  readonly agency: string;
  readonly template: string;
  readonly wanted: string;
  readonly used: string;
  /** Planned ever, exact. */
  readonly notices: number;
};

/** By template, wanted and used language; of one agency, or of all. Where `wanted` is not `used` somebody was told in another language. */
export async function countLocales(sql: Sql, agency: string | null): Promise<LocaleCount[]> {
  const { rows } = await sql.query<LocaleCount>(
    `SELECT c.agency_id AS agency, v.name AS template, c.wanted, c.used, sum(c.notices)::bigint AS notices
     FROM locale_counts c JOIN template_versions v ON v.id = c.template_id
     WHERE $1::text IS NULL OR c.agency_id = $1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`,
    [agency],
  );
  return rows;
}
