/**
 * Texts on their way with a rule: what was saved of its templates and is not live yet, what of it was approved with a version, and how that
 * goes live with it. A template that is live goes forward only: a version of a rule from long ago does not bring back older words.
 */
import type { Sql } from '../domain/sql.ts';
import { staffName } from './audit-trail.ts';
import { publishTemplate, WRITERS } from './template-versions.ts';

export type RuleText = {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  /** null: from before authors were kept. */
  readonly author: string | null;
  readonly authorName: string | null;
  /** Everybody who wrote of it since what is live: none of them approves it, as of a rule. */
  readonly writers: readonly string[];
  readonly at: Date;
};

type Waiting = {
  readonly agency: string;
  readonly rule: string;
  readonly version: number;
  /** Templates of the rule. */
  readonly names: readonly string[];
};

/** Of each of the agency's templates the newest version, where another one or none is live and it was not approved with this very version. */
export async function waitingTexts(sql: Sql, { agency, rule, version, names }: Waiting): Promise<RuleText[]> {
  const { rows } = await sql.query<RuleText>(
    `SELECT v.name, v.id AS version, v.hash, v.author, ${staffName('v.author')} AS "authorName", ${WRITERS} AS writers, v.created_at AS at
     FROM unnest($1::text[]) n(name)
       JOIN LATERAL (SELECT * FROM template_versions x WHERE x.name = n.name ORDER BY x.id DESC LIMIT 1) v ON true
       LEFT JOIN templates t ON t.name = v.name
     WHERE v.agency_id = $2 AND (t.live_id IS NULL OR t.live_id < v.id)
       AND NOT EXISTS (SELECT FROM rule_version_texts a WHERE a.rule_id = $3 AND a.version = $4 AND a.template_version = v.id)
     ORDER BY v.name`,
    [[...new Set(names)], agency, rule, version],
  );
  return rows;
}

/** Until the version is published, or published again. */
export async function keepApprovedTexts(
  sql: Sql,
  rule: string,
  version: number,
  texts: readonly RuleText[],
): Promise<void> {
  await sql.query(
    `INSERT INTO rule_version_texts (rule_id, version, template, template_version)
     SELECT $1, $2, * FROM unnest($3::text[], $4::integer[])`,
    [rule, version, texts.map(({ name }) => name), texts.map((text) => text.version)],
  );
}

export type ApprovedText = { readonly name: string; readonly version: number; readonly definition: unknown };

/** Those of a version that are newer than what is live. */
export async function approvedTexts(sql: Sql, rule: string, version: number): Promise<ApprovedText[]> {
  const { rows } = await sql.query<ApprovedText>(
    `SELECT v.name, v.id AS version, v.definition FROM rule_version_texts a JOIN template_versions v ON v.id = a.template_version
       LEFT JOIN templates t ON t.name = v.name
     WHERE a.rule_id = $1 AND a.version = $2 AND (t.live_id IS NULL OR t.live_id < v.id) ORDER BY v.name`,
    [rule, version],
  );
  return rows;
}

export async function publishTexts(
  sql: Sql,
  texts: readonly ApprovedText[],
  approver: string,
): Promise<void> {
  for (const { name, version } of texts) await publishTemplate(sql, name, version, approver);
}
