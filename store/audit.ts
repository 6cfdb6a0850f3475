/** Asks the ledger whether its rows say the same thing in every place (store/audit-checks.ts), month by month. Changes and locks nothing. */
import type { Sql } from '../domain/sql.ts';
import { AUDIT_CHECKS } from './audit-checks.ts';

export type Finding = {
  readonly check: string;
  readonly says: string;
  /** YYYY-MM-01. */
  readonly month: string;
  readonly wrong: number;
  /** Ids of the first few. */
  readonly examples: readonly string[];
};

const EXAMPLES = 5;

/** Months with a partition, oldest first, as YYYY-MM-01. */
export async function attachedMonths(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ month: string }>(
    `SELECT to_date(right(c.relname, 6), 'YYYYMM')::text AS month FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'deliveries'::regclass AND NOT i.inhdetachpending AND c.relname ~ '_[0-9]{6}$' ORDER BY 1`,
  );
  return rows.map((row) => row.month);
}

/**
 * Everything that is wrong in `months` (YYYY-MM-01, attached). What only comes right in time is judged as of `beforeMs`: half a minute
 * back is enough where everything runs. Reads the months' rows whole, so a month of millions takes minutes.
 */
export async function audit(sql: Sql, months: readonly string[], beforeMs: number): Promise<Finding[]> {
  const before = `timestamptz '${new Date(beforeMs).toISOString()}'`;
  const findings: Finding[] = [];
  for (const month of months) {
    if (!/^\d{4}-\d{2}-01$/.test(month)) throw new RangeError(`a month is written YYYY-MM-01, not ${month}`);
    for (const check of AUDIT_CHECKS) {
      const { rows } = await sql.query<{ wrong: number; examples: string[] | null }>(
        `SELECT count(*)::int AS wrong, (array_agg(x.id::text ORDER BY x.id))[1:${EXAMPLES}] AS examples FROM (${check.sql(`date '${month}'`, before)}) x`,
      );
      const { wrong = 0, examples } = rows[0] ?? {};
      if (wrong > 0)
        findings.push({ check: check.name, says: check.says, month, wrong, examples: examples ?? [] });
    }
  }
  return findings;
}
