/** How a version of a rule stands, for those who approve and publish it. */
import type { Rule } from '../domain/rule.ts';
import type { Sql } from '../domain/sql.ts';

export type RuleVersionState = {
  readonly agency: string;
  readonly state: 'draft' | 'approved' | 'published' | 'withdrawn';
  readonly hash: string;
  readonly author: string;
  readonly approver: string | null;
};

/** Locks the version until the transaction ends. */
export async function lockRuleVersion(
  sql: Sql,
  rule: string,
  version: number,
): Promise<RuleVersionState | undefined> {
  const { rows } = await sql.query<RuleVersionState>(
    `SELECT agency_id AS agency, state, hash, author, approver FROM rule_versions WHERE rule_id = $1 AND version = $2 FOR UPDATE`,
    [rule, version],
  );
  return rows[0];
}

/** The agency that owns a rule; undefined where there is none of that id. */
export async function ruleOwner(sql: Sql, rule: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ agency: string }>(
    'SELECT agency_id AS agency FROM rules WHERE id = $1',
    [rule],
  );
  return rows[0]?.agency;
}

/** The rule of a version; undefined where there is none. */
export async function ruleOfVersion(sql: Sql, rule: string, version: number): Promise<Rule | undefined> {
  const { rows } = await sql.query<{ definition: Rule }>(
    'SELECT definition FROM rule_versions WHERE rule_id = $1 AND version = $2',
    [rule, version],
  );
  return rows[0]?.definition;
}
