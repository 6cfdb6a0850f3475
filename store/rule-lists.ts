/** Rules as people look at them: a list with how each stands, and one with all of its versions and who took which step. */
import type { Rule } from '../domain/rule.ts';
import type { Sql } from '../domain/sql.ts';
import { staffName } from './audit-trail.ts';
import type { Cursor } from './inbox.ts';
import type { RuleState, RuleStep } from './rule-versions.ts';

export const LISTED_STATES = ['draft', 'awaiting', 'live', 'withdrawn'] as const;
export type ListedState = (typeof LISTED_STATES)[number];

/** `live`: in force. `replaced`: was, until another version took its place. */
export type ShownState = Exclude<RuleState, 'published'> | 'live' | 'replaced';

export type ListedRule = Cursor & {
  readonly rule: string;
  readonly agency: string;
  readonly title: Readonly<Record<string, string>>;
  readonly on: string;
  readonly category: string;
  readonly live: {
    readonly version: number;
    readonly publishedAt: Date | null;
    readonly hash: string;
  } | null;
  readonly latest: {
    readonly version: number;
    readonly state: ShownState;
    readonly hash: string;
    readonly author: string;
    readonly at: Date;
  };
};

export type RuleFilter = {
  /** null: all agencies'. */
  readonly agency: string | null;
  readonly state: ListedState | null;
  readonly on: string | null;
  readonly category: string | null;
  /** Part of the id or of a title. */
  readonly text: string | null;
};

const shownState = (version: string, live: string): string =>
  `CASE WHEN ${version}.state = 'published' THEN CASE WHEN ${live} = ${version}.version THEN 'live' ELSE 'replaced' END ELSE ${version}.state END`;

/** What a filter by state means: a live rule that is being written anew is found as both. */
const IN_STATE: Readonly<Record<ListedState, string>> = {
  live: 'r.live_version IS NOT NULL',
  draft: `l.state = 'draft'`,
  awaiting: `l.state IN ('awaiting', 'approved')`,
  withdrawn: `r.live_version IS NULL AND r.withdrawn_at IS NOT NULL AND l.state IN ('withdrawn', 'published')`,
};

const COLUMNS = `to_char(r.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, r.id, r.id AS rule, r.agency_id AS agency,
  coalesce(v.definition, l.definition) -> 'title' AS title, coalesce(v.event_type, l.event_type) AS "on",
  coalesce(v.definition, l.definition) ->> 'category' AS category,
  CASE WHEN v.version IS NULL THEN NULL ELSE jsonb_build_object('version', v.version, 'publishedAt', v.published_at, 'hash', v.hash) END AS live,
  jsonb_build_object('version', l.version, 'state', ${shownState('l', 'r.live_version')}, 'hash', l.hash, 'author', l.author, 'at', l.created_at) AS latest`;
const FROM = `FROM rules r JOIN LATERAL (SELECT * FROM rule_versions x WHERE x.rule_id = r.id ORDER BY x.version DESC LIMIT 1) l ON true
  LEFT JOIN rule_versions v ON v.rule_id = r.id AND v.version = r.live_version`;

/** Changed last first; ids stand in for the second half of the cursor. */
export async function listRules(
  sql: Sql,
  filter: RuleFilter,
  after: Cursor | null,
  limit: number,
): Promise<ListedRule[]> {
  const state = filter.state === null ? '' : ` AND ${IN_STATE[filter.state]}`;
  const { rows } = await sql.query<ListedRule>(
    `SELECT ${COLUMNS} ${FROM}
     WHERE ($1::text IS NULL OR r.agency_id = $1) AND ($2::text IS NULL OR coalesce(v.event_type, l.event_type) = $2)
       AND ($3::text IS NULL OR coalesce(v.definition, l.definition) ->> 'category' = $3)
       AND ($4::text IS NULL OR strpos(lower(r.id), lower($4)) > 0
         OR strpos(lower(coalesce(v.definition, l.definition) #>> '{title}'), lower($4)) > 0)
       AND ($5::timestamptz IS NULL OR (r.changed_at, r.id) < ($5::timestamptz, $6::text))${state}
     ORDER BY r.changed_at DESC, r.id DESC LIMIT $7`,
    [filter.agency, filter.on, filter.category, filter.text, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

export async function findRule(sql: Sql, id: string): Promise<ListedRule | undefined> {
  const { rows } = await sql.query<ListedRule>(`SELECT ${COLUMNS} ${FROM} WHERE r.id = $1`, [id]);
  return rows[0];
}

export type ShownVersion = {
  readonly version: number;
  readonly state: ShownState;
  readonly hash: string;
  readonly author: string;
  readonly approver: string | null;
  readonly at: Date;
  readonly approvedAt: Date | null;
  readonly publishedAt: Date | null;
  readonly steps: readonly RuleStep[];
};

const VERSION = `v.version, ${shownState('v', 'r.live_version')} AS state, v.hash, v.author, v.approver, v.created_at AS at,
  v.approved_at AS "approvedAt", v.published_at AS "publishedAt",
  (SELECT coalesce(jsonb_agg(jsonb_build_object('step', s.step, 'by', s.by, 'byName', ${staffName('s.by')}, 'at', s.at, 'hash', s.hash, 'reason', s.reason) ORDER BY s.number), '[]')
   FROM rule_steps s WHERE s.rule_id = v.rule_id AND s.version = v.version) AS steps`;

/** Newest first. */
export async function versionsOf(sql: Sql, rule: string, limit: number): Promise<ShownVersion[]> {
  const { rows } = await sql.query<ShownVersion>(
    `SELECT ${VERSION} FROM rule_versions v JOIN rules r ON r.id = v.rule_id WHERE v.rule_id = $1 ORDER BY v.version DESC LIMIT $2`,
    [rule, limit],
  );
  return rows;
}

export async function findVersion(
  sql: Sql,
  rule: string,
  version: number,
): Promise<(ShownVersion & { readonly agency: string; readonly definition: Rule }) | undefined> {
  const { rows } = await sql.query<ShownVersion & { agency: string; definition: Rule }>(
    `SELECT ${VERSION}, v.agency_id AS agency, v.definition FROM rule_versions v JOIN rules r ON r.id = v.rule_id
     WHERE v.rule_id = $1 AND v.version = $2`,
    [rule, version],
  );
  return rows[0];
}
