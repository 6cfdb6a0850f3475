/** Versions of templates: drafts until approved, and which one is live. Deliveries that pinned an older one keep it. */
import type { Sql } from '../domain/sql.ts';
import { bumpRevision } from './catalogue.ts';
import type { Cursor } from './inbox.ts';

export type TemplateVersion = {
  readonly name: string;
  readonly hash: string;
  /** null: all agencies share it. */
  readonly agency: string | null;
  readonly definition: unknown;
  /** Who wrote it; another person approves it in production. */
  readonly author: string;
};

export type TemplateState = 'draft' | 'published';
export type SavedTemplate = {
  readonly version: number;
  readonly state: TemplateState;
  readonly live: boolean;
};

/**
 * Saves a draft; what was saved last, saved again, is the same version with its first author, and what is live takes the drafts since then
 * back. Whoever calls holds the revision's lock.
 */
export async function saveTemplateDraft(sql: Sql, template: TemplateVersion): Promise<SavedTemplate> {
  const { rows: newest } = await sql.query<SavedTemplate & { readonly hash: string }>(
    `SELECT v.id AS version, v.hash, v.state, t.live_id IS NOT DISTINCT FROM v.id AS live
     FROM template_versions v LEFT JOIN templates t ON t.name = v.name WHERE v.name = $1 ORDER BY v.id DESC LIMIT 1`,
    [template.name],
  );
  if (newest[0]?.hash === template.hash) {
    const { hash: _, ...same } = newest[0];
    return same;
  }
  const live = await liveTemplate(sql, template.name);
  if (live?.hash === template.hash) return renew(sql, template.name, live);
  const { rows } = await sql.query<SavedTemplate>(
    `INSERT INTO template_versions (name, hash, agency_id, definition, state, author) VALUES ($1, $2, $3, $4, 'draft', $5)
     RETURNING id AS version, state, false AS live`,
    [template.name, template.hash, template.agency, JSON.stringify(template.definition), template.author],
  );
  return rows[0]!;
}

/** The words that are live as the newest version, with whoever wrote and approved them. */
async function renew(sql: Sql, name: string, live: LiveTemplate): Promise<SavedTemplate> {
  const { rows } = await sql.query<SavedTemplate>(
    `INSERT INTO template_versions (name, hash, agency_id, definition, state, author, approver, approved_at)
     SELECT name, hash, agency_id, definition, state, author, approver, approved_at FROM template_versions WHERE id = $1
     RETURNING id AS version, state, true AS live`,
    [live.version],
  );
  await sql.query('UPDATE templates SET live_id = $2 WHERE name = $1', [name, rows[0]!.version]);
  await bumpRevision(sql);
  return rows[0]!;
}

/** Of a version `v` with what is live of it, `t`: who wrote it and what it came from. */
export const WRITERS = `ARRAY(SELECT DISTINCT w.author FROM template_versions w
  WHERE w.name = v.name AND w.id <= v.id AND (w.id = v.id OR w.id > coalesce(t.live_id, 0)) AND w.author IS NOT NULL ORDER BY 1)`;

export type TemplateVersionState = {
  readonly agency: string | null;
  readonly state: TemplateState;
  readonly hash: string;
  /** Since what is live; empty from before authors were kept. */
  readonly writers: readonly string[];
  readonly definition: unknown;
  /** Nothing was saved since. */
  readonly newest: boolean;
};

export async function templateVersion(
  sql: Sql,
  name: string,
  version: number,
): Promise<TemplateVersionState | undefined> {
  const { rows } = await sql.query<TemplateVersionState>(
    `SELECT v.agency_id AS agency, v.state, v.hash, ${WRITERS} AS writers, v.definition,
       NOT EXISTS (SELECT FROM template_versions x WHERE x.name = $1 AND x.id > $2) AS newest
     FROM template_versions v LEFT JOIN templates t ON t.name = v.name WHERE v.name = $1 AND v.id = $2`,
    [name, version],
  );
  return rows[0];
}

/** Makes the version the live one, with its first approver. The version must exist. */
export async function publishTemplate(
  sql: Sql,
  name: string,
  version: number,
  approver: string,
): Promise<void> {
  await sql.query(
    `UPDATE template_versions SET state = 'published', approver = $3, approved_at = now()
     WHERE name = $1 AND id = $2 AND state = 'draft'`,
    [name, version, approver],
  );
  const { rowCount } = await sql.query(
    `INSERT INTO templates AS t (name, agency_id, live_id) SELECT name, agency_id, id FROM template_versions WHERE name = $1 AND id = $2
     ON CONFLICT (name) DO UPDATE SET live_id = excluded.live_id WHERE t.live_id <> excluded.live_id`,
    [name, version],
  );
  if (rowCount === 1) await bumpRevision(sql);
}

export type LiveTemplate = {
  readonly version: number;
  readonly hash: string;
  /** Who made it live; null: from before that was kept. */
  readonly decider: string | null;
};

export async function liveTemplate(sql: Sql, name: string): Promise<LiveTemplate | undefined> {
  const { rows } = await sql.query<LiveTemplate>(
    `SELECT v.id AS version, v.hash, coalesce(v.approver, v.author) AS decider
     FROM templates t JOIN template_versions v ON v.id = t.live_id WHERE t.name = $1`,
    [name],
  );
  return rows[0];
}

/** What is live already stays; what is new becomes live at once. For what ships, and for trials. */
export async function saveTemplate(sql: Sql, template: TemplateVersion): Promise<number> {
  const live = await liveTemplate(sql, template.name);
  if (live?.hash === template.hash) return live.version;
  const { version } = await saveTemplateDraft(sql, template);
  await publishTemplate(sql, template.name, version, template.author);
  return version;
}

/** The agency that owns a template or its first draft, null where all share it; undefined where there is none of that name. */
export async function templateOwner(sql: Sql, name: string): Promise<string | null | undefined> {
  const { rows } = await sql.query<{ agency: string | null }>(
    `SELECT agency_id AS agency FROM (
       SELECT agency_id, 0 AS id FROM templates WHERE name = $1 UNION ALL SELECT agency_id, id FROM template_versions WHERE name = $1
     ) owners ORDER BY id LIMIT 1`,
    [name],
  );
  return rows[0]?.agency;
}

/** What a check of rules asks of templates. */
export type TemplateReader = {
  readonly owner: (name: string) => Promise<string | null | undefined>;
  /** The version that was saved last, live or not. */
  readonly saved: (name: string) => Promise<number | undefined>;
};

export const templateReader = (sql: Sql): TemplateReader => ({
  owner: (name) => templateOwner(sql, name),
  async saved(name) {
    const { rows } = await sql.query<{ version: number | null }>(
      'SELECT max(id) AS version FROM template_versions WHERE name = $1',
      [name],
    );
    return rows[0]?.version ?? undefined;
  },
});

export type ListedTemplate = Cursor & {
  readonly name: string;
  readonly agency: string | null;
  readonly live: number | null;
  readonly latest: { readonly version: number; readonly state: TemplateState; readonly hash: string };
};

/** An agency's own and the shared ones, changed last first. */
export async function listTemplates(
  sql: Sql,
  agency: string | null,
  after: Cursor | null,
  limit: number,
): Promise<ListedTemplate[]> {
  const { rows } = await sql.query<ListedTemplate>(
    `SELECT to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, l.name AS id, l.name, l.agency_id AS agency,
       t.live_id AS live, jsonb_build_object('version', l.id, 'state', l.state, 'hash', l.hash) AS latest
     FROM (SELECT DISTINCT ON (name) * FROM template_versions ORDER BY name, id DESC) l LEFT JOIN templates t ON t.name = l.name
     WHERE ($1::text IS NULL OR l.agency_id IS NULL OR l.agency_id = $1)
       AND ($2::timestamptz IS NULL OR (l.created_at, l.name) < ($2::timestamptz, $3::text))
     ORDER BY l.created_at DESC, l.name DESC LIMIT $4`,
    [agency, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

export type FoundTemplate = {
  readonly name: string;
  readonly agency: string | null;
  readonly live: number | null;
  /** Newest first. */
  readonly versions: readonly {
    readonly version: number;
    readonly state: TemplateState;
    readonly hash: string;
    readonly author: string | null;
    readonly approver: string | null;
    readonly at: Date;
  }[];
  /** Of the newest version. */
  readonly definition: unknown;
  /** Of the live version, where that is another: what the newest would take the place of. */
  readonly liveDefinition: unknown;
};

export async function findTemplate(sql: Sql, name: string): Promise<FoundTemplate | undefined> {
  const { rows } = await sql.query<
    FoundTemplate['versions'][number] & Omit<FoundTemplate, 'name' | 'versions'>
  >(
    `SELECT v.id AS version, v.state, v.hash, v.author, v.approver, v.created_at AS at, v.agency_id AS agency, t.live_id AS live,
       CASE WHEN row_number() OVER newest = 1 THEN v.definition END AS definition,
       CASE WHEN row_number() OVER newest = 1 AND t.live_id <> v.id
         THEN (SELECT l.definition FROM template_versions l WHERE l.id = t.live_id) END AS "liveDefinition"
     FROM template_versions v LEFT JOIN templates t ON t.name = v.name WHERE v.name = $1
     WINDOW newest AS (ORDER BY v.id DESC) ORDER BY v.id DESC LIMIT 50`,
    [name],
  );
  const newest = rows[0];
  if (newest === undefined) return undefined;
  const { agency, live, definition, liveDefinition } = newest;
  const versions = rows.map(
    ({ agency: _, live: __, definition: ___, liveDefinition: ____, ...version }) => version,
  );
  return { name, agency, live, versions, definition, liveDefinition };
}
