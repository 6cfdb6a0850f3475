/**
 * Agencies, event types, rules and words: queries, and a reading copy that follows what is published within a second.
 * What stands here was checked when it was saved (rules/check/rule.ts, templates/check.ts, domain/event-types.ts).
 */
import { LRUCache } from 'lru-cache';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { EventType } from '../domain/event.ts';
import { compileEventTypes, type EventTypes } from '../domain/event-types.ts';
import { type LocaleFallbacks, NO_FALLBACKS, readLocaleFallbacks, textKeyOfFile } from '../domain/locales.ts';
import type { Logger } from '../domain/logger.ts';
import type { Rule } from '../domain/rule.ts';
import type { Sql, SqlPool } from '../domain/sql.ts';
import { noteStep } from './rule-versions.ts';

export type LiveRule = {
  readonly rule: Rule;
  readonly version: number;
  /** How often the rule was withdrawn before; of a version that may not be live, 0. */
  readonly withdrawals: number;
};
export type Agency = { readonly id: string; readonly name: Readonly<Record<string, string>> };

/** Everything that is live, at one revision. */
export type Snapshot = {
  readonly revision: number;
  readonly agencies: ReadonlyMap<string, Agency>;
  readonly eventTypes: EventTypes;
  readonly rulesByEventType: ReadonlyMap<string, readonly LiveRule[]>;
  readonly rules: ReadonlyMap<string, LiveRule>;
  /** Template name → id of its live version. */
  readonly templates: ReadonlyMap<string, number>;
  /** Id of a live template version → its texts (`vi.sms.possible`). */
  readonly texts: ReadonlyMap<number, ReadonlySet<string>>;
  readonly localeFallbacks: LocaleFallbacks;
};

export interface Catalogue {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** What is live as of the last look (at most a second old). */
  current(): Snapshot;
  /** Looks now. Call before refusing something as unknown. */
  refresh(): Promise<Snapshot>;
  /** A version that may no longer be live; cached, since versions do not change. A draft does: it is read each time. */
  ruleVersion(rule: string, version: number): Promise<LiveRule | undefined>;
  /** The stored definition of a template version; cached as well. */
  template(id: number): Promise<unknown>;
}

const LOOK_MS = 1_000;
/** Versions live at once, and those that notices of open campaigns still pin. A rule has at most 32 KB, a template a few hundred. */
const CACHED_RULE_VERSIONS = 2_000;
const CACHED_TEMPLATES = 500;

async function readRevision(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ value: number }>(
    `SELECT value FROM settings WHERE name = 'catalogue-revision'`,
  );
  return rows[0]?.value ?? 0;
}

/** Tells every reading copy that something was published. Part of the transaction that publishes. */
export async function bumpRevision(sql: Sql): Promise<void> {
  await sql.query(
    `INSERT INTO settings (name, value) VALUES ('catalogue-revision', '1')
     ON CONFLICT (name) DO UPDATE SET value = to_jsonb((settings.value #>> '{}')::bigint + 1)`,
  );
}

/**
 * Holds back every other publication until the transaction ends, and says at which revision. What was decided over a snapshot of that
 * revision is then still true.
 */
export async function lockRevision(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ value: number }>(
    `INSERT INTO settings (name, value) VALUES ('catalogue-revision', '0')
     ON CONFLICT (name) DO UPDATE SET value = settings.value RETURNING value`,
  );
  return rows[0]!.value;
}

async function readSnapshot(sql: Sql, logger: Logger): Promise<Snapshot> {
  const revision = await readRevision(sql);
  const agencies = await sql.query<Agency>('SELECT id, name FROM agencies');
  const types = await sql.query<{ definition: EventType }>(
    'SELECT definition FROM event_types ORDER BY type',
  );
  const rules = await sql.query<{ definition: Rule; version: number; withdrawals: number }>(
    `SELECT v.definition, v.version, r.withdrawals FROM rules r JOIN rule_versions v ON v.rule_id = r.id AND v.version = r.live_version ORDER BY r.id`,
  );
  const templates = await sql.query<{ name: string; live_id: number; files: string[] }>(
    `SELECT t.name, t.live_id, ARRAY(SELECT jsonb_object_keys(v.definition -> 'files')) AS files
     FROM templates t JOIN template_versions v ON v.id = t.live_id`,
  );
  const localeFallbacks = await loadLocaleFallbacks(sql);
  const live = rules.rows.map(({ definition, ...of }) => ({ rule: definition, ...of }));
  const byType = new Map<string, LiveRule[]>();
  for (const rule of live) byType.set(rule.rule.on, [...(byType.get(rule.rule.on) ?? []), rule]);
  return {
    revision,
    agencies: new Map(agencies.rows.map((agency) => [agency.id, agency])),
    eventTypes: compileEventTypes(
      types.rows.map((row) => row.definition),
      // One agency's type must not stop what everybody else sends.
      (type, error) =>
        logger.error(
          { eventType: type.type, err: messageOf(error) },
          'an event type cannot be used and is left out',
        ),
    ),
    rulesByEventType: byType,
    rules: new Map(live.map((rule) => [rule.rule.id, rule])),
    templates: new Map(templates.rows.map((row) => [row.name, row.live_id])),
    texts: new Map(
      templates.rows.map((row) => [
        row.live_id,
        new Set(row.files.map(textKeyOfFile).filter((key) => key !== undefined)),
      ]),
    ),
    localeFallbacks,
  };
}

export function createCatalogue(pool: SqlPool, logger: Logger): Catalogue {
  let snapshot: Snapshot | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<Snapshot> | undefined;
  const versions = new LRUCache<string, LiveRule>({ max: CACHED_RULE_VERSIONS });
  const templates = new LRUCache<number, { readonly definition: unknown }>({ max: CACHED_TEMPLATES });

  function refresh(): Promise<Snapshot> {
    looking ??= (async () => {
      if (snapshot === undefined || (await readRevision(pool)) !== snapshot.revision)
        snapshot = await readSnapshot(pool, logger);
      return snapshot;
    })().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  return {
    async start() {
      await refresh();
      timer ??= setInterval(() => {
        refresh().catch((error: Error) =>
          logger.warn({ err: error.message }, 'could not look at the catalogue'),
        );
      }, LOOK_MS);
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      // Whoever asked for the look has heard of its failure; here it only must be over.
      await looking?.catch(() => undefined);
    },
    current() {
      if (snapshot === undefined) throw new Error('the catalogue was not started');
      return snapshot;
    },
    refresh,
    async ruleVersion(rule, version) {
      const key = `${rule}@${version}`;
      const cached = versions.get(key);
      if (cached !== undefined) return cached;
      const { rows } = await pool.query<{ definition: Rule; state: string }>(
        'SELECT definition, state FROM rule_versions WHERE rule_id = $1 AND version = $2',
        [rule, version],
      );
      if (rows[0] === undefined) return undefined;
      const { definition, state } = rows[0];
      const found = { rule: definition, version, withdrawals: 0 };
      if (state !== 'draft' && state !== 'awaiting') versions.set(key, found);
      return found;
    },
    async template(id) {
      const cached = templates.get(id);
      if (cached !== undefined) return cached.definition;
      const { rows } = await pool.query<{ definition: unknown }>(
        'SELECT definition FROM template_versions WHERE id = $1',
        [id],
      );
      const found = rows[0];
      if (found === undefined)
        throw new AllimError('not-found', `no template version ${id}`, { ids: { template: id } });
      templates.set(id, found);
      return found.definition;
    },
  };
}

const LOCALES = 'locale-fallbacks';

/** The table that was saved last; without one, everybody falls back to the language of the state. */
async function loadLocaleFallbacks(sql: Sql): Promise<LocaleFallbacks> {
  const { rows } = await sql.query<{ value: unknown }>('SELECT value FROM settings WHERE name = $1', [
    LOCALES,
  ]);
  return rows[0] === undefined ? NO_FALLBACKS : readLocaleFallbacks(rows[0].value);
}

/** In force everywhere within a second. Notices that are planned keep the language they were planned in. */
export async function saveLocaleFallbacks(sql: Sql, fallbacks: LocaleFallbacks): Promise<void> {
  const { rowCount } = await sql.query(
    `INSERT INTO settings (name, value) VALUES ($1, $2::text::jsonb) ON CONFLICT (name) DO UPDATE SET value = excluded.value
     WHERE settings.value <> excluded.value`,
    [LOCALES, JSON.stringify(fallbacks)],
  );
  if (rowCount === 1) await bumpRevision(sql);
}

/**
 * The same name again changes nothing, here and below: no reading copy is told to look anew. `trial`: a new agency begins in trial
 * (store/trial.ts); one that exists stays as it is.
 */
export async function saveAgency(
  sql: Sql,
  agency: Agency,
  { trial = false }: { readonly trial?: boolean } = {},
): Promise<void> {
  const { rowCount } = await sql.query(
    `INSERT INTO agencies (id, name, trial) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET name = excluded.name
     WHERE agencies.name <> excluded.name`,
    [agency.id, JSON.stringify(agency.name), trial],
  );
  if (rowCount === 1) await bumpRevision(sql);
}

export async function saveEventType(sql: Sql, type: EventType): Promise<void> {
  const { rowCount } = await sql.query(
    `INSERT INTO event_types (type, agency_id, definition) VALUES ($1, $2, $3)
     ON CONFLICT (type) DO UPDATE SET definition = excluded.definition, updated_at = now()
     WHERE event_types.definition <> excluded.definition`,
    [type.type, type.agency, JSON.stringify(type)],
  );
  if (rowCount === 1) await bumpRevision(sql);
}

/** Saves a draft; the same content again is the same version. */
export async function saveRuleDraft(
  sql: Sql,
  rule: Rule,
  hash: string,
  author: string,
): Promise<{ version: number }> {
  await sql.query(`INSERT INTO rules (id, agency_id) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, [
    rule.id,
    rule.agency,
  ]);
  await sql.query('SELECT 1 FROM rules WHERE id = $1 FOR UPDATE', [rule.id]);
  const same = await sql.query<{ version: number }>(
    `SELECT version FROM rule_versions WHERE rule_id = $1 AND hash = $2 AND state <> 'withdrawn' ORDER BY version DESC LIMIT 1`,
    [rule.id, hash],
  );
  if (same.rows[0] !== undefined) return same.rows[0];
  const { rows } = await sql.query<{ version: number }>(
    `INSERT INTO rule_versions (rule_id, version, agency_id, event_type, definition, hash, state, author)
     SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5, 'draft', $6 FROM rule_versions WHERE rule_id = $1
     RETURNING version`,
    [rule.id, rule.agency, rule.on, JSON.stringify(rule), hash, author],
  );
  const { version } = rows[0]!;
  await noteStep(sql, { rule: rule.id, version, step: 'drafted', by: author, hash });
  return { version };
}

/** False where no version has that hash, it was withdrawn, or somebody else has approved it. Doing it again changes nothing. */
export async function approveRule(
  sql: Sql,
  rule: string,
  version: number,
  hash: string,
  approver: string,
  reason: string | null = null,
): Promise<boolean> {
  const approved = await sql.query(
    `UPDATE rule_versions SET state = 'approved', approver = $4, approved_at = now()
     WHERE rule_id = $1 AND version = $2 AND hash = $3 AND state IN ('draft', 'awaiting')`,
    [rule, version, hash, approver],
  );
  if (approved.rowCount === 1) {
    await noteStep(sql, { rule, version, step: 'approved', by: approver, hash, reason });
    return true;
  }
  const { rows } = await sql.query(
    `SELECT 1 FROM rule_versions WHERE rule_id = $1 AND version = $2 AND hash = $3 AND state IN ('approved', 'published') AND approver = $4`,
    [rule, version, hash, approver],
  );
  return rows.length === 1;
}

/** Makes an approved version the live one. False where it was not approved. `by` is who did; its approver unless told. */
export async function publishRule(
  sql: Sql,
  rule: string,
  version: number,
  by?: string,
  reason: string | null = null,
): Promise<boolean> {
  const { rows } = await sql.query<{ hash: string; approver: string }>(
    `UPDATE rule_versions SET state = 'published', published_at = coalesce(published_at, now())
     WHERE rule_id = $1 AND version = $2 AND state IN ('approved', 'published') RETURNING hash, approver`,
    [rule, version],
  );
  const published = rows[0];
  if (published === undefined) return false;
  const changed = await sql.query(
    'UPDATE rules SET live_version = $2 WHERE id = $1 AND live_version IS DISTINCT FROM $2',
    [rule, version],
  );
  if (changed.rowCount === 1) {
    const { hash, approver } = published;
    await noteStep(sql, { rule, version, step: 'published', by: by ?? approver, hash, reason });
    await bumpRevision(sql);
  }
  return true;
}
