/** Whom we know: locale, zone, choices, relations, and the attributes that a merge starts from. */
import { HOME_LOCALE, ZONE } from '../domain/jurisdiction.ts';
import type { Sql } from '../domain/sql.ts';

/** Makes the citizen's row where it is missing, sets what is given, and holds its lock until the transaction ends. */
export async function saveCitizen(
  sql: Sql,
  id: string,
  given: { readonly locale?: string | undefined; readonly zone?: string | undefined },
  nowMs: number,
): Promise<void> {
  await sql.query({
    name: 'save-citizen',
    text: `INSERT INTO citizens AS c (id, locale, zone, created_at, updated_at)
      VALUES ($1, coalesce($2, $5), coalesce($3, $6), $4, $4)
      ON CONFLICT (id) DO UPDATE SET locale = coalesce($2, c.locale), zone = coalesce($3, c.zone), updated_at = $4`,
    values: [id, given.locale ?? null, given.zone ?? null, new Date(nowMs), HOME_LOCALE, ZONE],
  });
}

/**
 * Whether this server's Postgres can reckon in the zone: its time zone files may be older than ours, and a claim that meets one it does not
 * know fails for everybody in it. A zone that is unknown ends the transaction.
 */
export async function zoneKnown(sql: Sql, zone: string): Promise<boolean> {
  try {
    await sql.query('SELECT now() AT TIME ZONE $1', [zone]);
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === '22023') return false;
    throw error;
  }
}

/** undefined leaves a choice as it is; null takes it back. */
export type Preferences = {
  readonly channels?: readonly string[] | null | undefined;
  /** HH:MM, half-open, in the citizen's zone. */
  readonly quietHours?: { readonly from: string; readonly to: string } | null | undefined;
  readonly off?: readonly string[] | undefined;
};

export async function savePreferences(
  sql: Sql,
  citizen: string,
  given: Preferences,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `INSERT INTO preferences AS p (citizen_id, channels, quiet_from, quiet_to, off, updated_at)
     VALUES ($1, $2::text[], $3::time, $4::time, coalesce($5::text[], '{}'), $8)
     ON CONFLICT (citizen_id) DO UPDATE SET
       channels = CASE WHEN $6 THEN excluded.channels ELSE p.channels END,
       quiet_from = CASE WHEN $7 THEN excluded.quiet_from ELSE p.quiet_from END,
       quiet_to = CASE WHEN $7 THEN excluded.quiet_to ELSE p.quiet_to END,
       off = coalesce($5::text[], p.off), updated_at = $8`,
    [
      citizen,
      given.channels ?? null,
      given.quietHours?.from ?? null,
      given.quietHours?.to ?? null,
      given.off ?? null,
      given.channels !== undefined,
      given.quietHours !== undefined,
      new Date(nowMs),
    ],
  );
}

/** The citizen is told about `of`. */
export type Relation = { readonly of: string; readonly kind: string };

export async function saveRelations(
  sql: Sql,
  recipient: string,
  relations: readonly Relation[],
): Promise<void> {
  if (relations.length === 0) return;
  await sql.query(
    `INSERT INTO relations (citizen_id, recipient_id, kind)
     SELECT u.of, $1, u.kind FROM unnest($2::text[], $3::text[]) u(of, kind) ORDER BY 1, 3 ON CONFLICT DO NOTHING`,
    [recipient, relations.map((r) => r.of), relations.map((r) => r.kind)],
  );
}

export async function removeRelations(
  sql: Sql,
  recipient: string,
  relations: readonly Relation[],
): Promise<void> {
  if (relations.length === 0) return;
  await sql.query(
    `DELETE FROM relations r USING unnest($2::text[], $3::text[]) u(of, kind)
     WHERE r.recipient_id = $1 AND r.citizen_id = u.of AND r.kind = u.kind`,
    [recipient, relations.map((r) => r.of), relations.map((r) => r.kind)],
  );
}

type Attributes = Record<string, unknown>;
export type Provenance = Readonly<Record<string, { readonly source: string; readonly at: string }>>;
export type MergedProfile = {
  readonly attributes: Readonly<Attributes>;
  readonly revision: number;
};

/**
 * Merges attributes into the citizen's record, each with its source and time, and gives the whole back. null makes one unknown again. The
 * row stays locked until the transaction ends.
 */
export async function mergeProfile(
  sql: Sql,
  citizen: string,
  given: Readonly<Attributes>,
  source: string,
  nowMs: number,
): Promise<MergedProfile> {
  const found = await sql.query<{ attributes: Attributes; provenance: Provenance }>({
    name: 'lock-merged-profile',
    text: `INSERT INTO merged_profiles (citizen_id, attributes, provenance, revision) VALUES ($1, '{}', '{}', 0)
      ON CONFLICT (citizen_id) DO UPDATE SET citizen_id = excluded.citizen_id RETURNING attributes, provenance`,
    values: [citizen],
  });
  const at = new Date(nowMs).toISOString();
  const attributes = new Map(Object.entries(found.rows[0]!.attributes));
  const provenance = new Map(Object.entries(found.rows[0]!.provenance));
  for (const [name, value] of Object.entries(given)) {
    if (value === null) attributes.delete(name);
    else attributes.set(name, value);
    // Also of what was taken back: who said that it is unknown.
    provenance.set(name, { source, at });
  }
  const whole = Object.fromEntries(attributes);
  const { rows } = await sql.query<{ revision: number }>({
    name: 'save-merged-profile',
    text: `UPDATE merged_profiles SET attributes = $2, provenance = $3, revision = revision + 1, updated_at = $4
      WHERE citizen_id = $1 RETURNING revision`,
    values: [citizen, JSON.stringify(whole), JSON.stringify(Object.fromEntries(provenance)), new Date(nowMs)],
  });
  return { attributes: whole, revision: rows[0]!.revision };
}
