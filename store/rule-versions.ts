/**
 * Versions of rules: how each stands, every step that a person took with it, and what may come next. A version changes as a draft only; from
 * its approval on it says what was approved. Queries of drafting, approval and publication stand in catalogue.ts.
 */
import type { Rule } from '../domain/rule.ts';
import type { Sql } from '../domain/sql.ts';

export const RULE_STATES = ['draft', 'awaiting', 'approved', 'published', 'withdrawn'] as const;
export type RuleState = (typeof RULE_STATES)[number];

export type RuleStepKind =
  | 'drafted'
  | 'edited'
  | 'requested'
  | 'refused'
  | 'approved'
  | 'published'
  | 'withdrawn';

export type RuleStep = {
  readonly step: RuleStepKind;
  readonly by: string;
  /** null: no member of staff. */
  readonly byName: string | null;
  readonly at: Date;
  /** Of what the version said then. */
  readonly hash: string;
  readonly reason: string | null;
};

export type RuleVersionState = {
  readonly agency: string;
  readonly state: RuleState;
  readonly hash: string;
  readonly author: string;
  readonly approver: string | null;
  readonly approvedAt: Date | null;
  /** Everybody who wrote any of it. */
  readonly writers: readonly string[];
  readonly live: boolean;
};

/** Locks the version until the transaction ends. */
export async function lockRuleVersion(
  sql: Sql,
  rule: string,
  version: number,
): Promise<RuleVersionState | undefined> {
  const { rows } = await sql.query<RuleVersionState>(
    `SELECT v.agency_id AS agency, v.state, v.hash, v.author, v.approver, v.approved_at AS "approvedAt",
       ARRAY(SELECT DISTINCT s.by FROM rule_steps s WHERE s.rule_id = $1 AND s.version = $2 AND s.step IN ('drafted', 'edited')) AS writers,
       EXISTS (SELECT 1 FROM rules r WHERE r.id = $1 AND r.live_version = $2) AS live
     FROM rule_versions v WHERE v.rule_id = $1 AND v.version = $2 FOR UPDATE OF v`,
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

/** Who published or withdrew the rule last; undefined where nobody has. */
export async function lastDecider(sql: Sql, rule: string): Promise<string | undefined> {
  const { rows } = await sql.query<{ by: string }>(
    `SELECT by FROM rule_steps WHERE rule_id = $1 AND step IN ('published', 'withdrawn') ORDER BY at DESC, number DESC LIMIT 1`,
    [rule],
  );
  return rows[0]?.by;
}

export type NewStep = Pick<RuleStep, 'step' | 'by' | 'hash'> & {
  readonly rule: string;
  readonly version: number;
  readonly reason?: string | null;
};

/** The version, or the whole rule, is locked by whoever takes the step. */
export async function noteStep(sql: Sql, { rule, version, step, by, hash, reason }: NewStep): Promise<void> {
  await sql.query(
    `WITH changed AS (UPDATE rules SET changed_at = clock_timestamp() WHERE id = $1)
     INSERT INTO rule_steps (rule_id, version, number, step, by, hash, reason)
     SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6 FROM rule_steps WHERE rule_id = $1 AND version = $2`,
    [rule, version, step, by, hash, reason ?? null],
  );
}

/** Somebody writes on: what they save every few seconds is one step. */
const SAME_HAND_MINUTES = 10;

/**
 * Writes a draft anew; one that awaited approval is a draft again. False where it is neither. `noted`: false where the same person goes on
 * writing, which is one step. The version is locked.
 */
export async function editDraft(
  sql: Sql,
  version: number,
  rule: Rule,
  hash: string,
  by: string,
): Promise<{ edited: boolean; noted: boolean }> {
  const { rowCount } = await sql.query(
    `UPDATE rule_versions SET definition = $3, hash = $4, event_type = $5, state = 'draft'
     WHERE rule_id = $1 AND version = $2 AND state IN ('draft', 'awaiting')`,
    [rule.id, version, JSON.stringify(rule), hash, rule.on],
  );
  if (rowCount !== 1) return { edited: false, noted: false };
  const { rows } = await sql.query<{ goesOn: boolean }>(
    `SELECT step IN ('drafted', 'edited') AND by = $3 AND at > clock_timestamp() - interval '${SAME_HAND_MINUTES} minutes' AS "goesOn"
     FROM rule_steps WHERE rule_id = $1 AND version = $2 ORDER BY number DESC LIMIT 1`,
    [rule.id, version, by],
  );
  if (rows[0]?.goesOn === true) {
    await sql.query('UPDATE rules SET changed_at = clock_timestamp() WHERE id = $1', [rule.id]);
    return { edited: true, noted: false };
  }
  await noteStep(sql, { rule: rule.id, version, step: 'edited', by, hash });
  return { edited: true, noted: true };
}

/** From `draft` to `awaiting`, or back with a reason. False where the version does not stand so. The version is locked. */
export async function moveDraft(
  sql: Sql,
  to: 'awaiting' | 'draft',
  step: Omit<NewStep, 'step'>,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    'UPDATE rule_versions SET state = $4 WHERE rule_id = $1 AND version = $2 AND hash = $3 AND state = $5',
    [step.rule, step.version, step.hash, to, to === 'awaiting' ? 'draft' : 'awaiting'],
  );
  if (rowCount !== 1) return false;
  await noteStep(sql, { ...step, step: to === 'awaiting' ? 'requested' : 'refused' });
  return true;
}
