/**
 * What a citizen has chosen and where they are reached, as they see it, and the withdrawals that they make and take back. In force with the
 * commit: planning and every claim read these rows.
 */
import { randomUUID } from 'node:crypto';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { openAddress } from './contact-points.ts';

export type OwnChoices = {
  readonly locale: string;
  readonly zone: string;
  /** null: every channel that a rule names. */
  readonly channels: readonly Channel[] | null;
  /** HH:MM. */
  readonly quietFrom: string | null;
  readonly quietTo: string | null;
  readonly off: readonly string[];
  readonly optOuts: readonly {
    readonly id: string;
    readonly agency: string | null;
    readonly category: string | null;
    readonly channel: string | null;
    readonly source: string;
    readonly since: string;
  }[];
};

/** undefined where nothing is known of them yet. */
export async function ownChoices(sql: Sql, citizen: string): Promise<OwnChoices | undefined> {
  const { rows } = await sql.query<OwnChoices>({
    name: 'own-choices',
    text: `SELECT c.locale, c.zone, p.channels, left(p.quiet_from::text, 5) AS "quietFrom", left(p.quiet_to::text, 5) AS "quietTo",
        coalesce(p.off, '{}') AS off,
        coalesce((SELECT jsonb_agg(jsonb_build_object('id', o.id, 'agency', o.agency_id, 'category', o.category, 'channel', o.channel,
          'source', o.source, 'since', o.created_at) ORDER BY o.created_at, o.id)
          FROM opt_outs o WHERE o.citizen_id = c.id AND o.ended_at IS NULL), '[]') AS "optOuts"
      FROM citizens c LEFT JOIN preferences p ON p.citizen_id = c.id WHERE c.id = $1`,
    values: [citizen],
  });
  return rows[0];
}

export type OwnContact = {
  readonly id: string;
  readonly channel: Channel;
  readonly address: string;
  readonly verified: boolean;
  readonly invalid: boolean;
  readonly since: Date;
};

export async function ownContacts(sql: Sql, sealer: Sealer, citizen: string): Promise<OwnContact[]> {
  const { rows } = await sql.query<Omit<OwnContact, 'address'> & { address: Buffer }>({
    name: 'own-contacts',
    text: `SELECT id, channel, address, verified_at IS NOT NULL AS verified, invalid_at IS NOT NULL AS invalid, created_at AS since
      FROM contact_points WHERE citizen_id = $1 ORDER BY channel, created_at, id`,
    values: [citizen],
  });
  return rows.map((row) => ({ ...row, address: openAddress(sealer, row.channel, row.address) }));
}

/** False where there is none of theirs under that id. */
export async function removeOwnContact(sql: Sql, citizen: string, id: string): Promise<boolean> {
  const { rowCount } = await sql.query('DELETE FROM contact_points WHERE citizen_id = $1 AND id = $2', [
    citizen,
    id,
  ]);
  return rowCount === 1;
}

/** Agencies that have told the citizen anything. */
export async function agenciesOf(sql: Sql, citizen: string): Promise<string[]> {
  const { rows } = await sql.query<{ agency: string }>({
    name: 'agencies-of',
    text: 'SELECT DISTINCT agency_id AS agency FROM notifications WHERE recipient_id = $1 ORDER BY 1',
    values: [citizen],
  });
  return rows.map((row) => row.agency);
}

export type OptOutScope = {
  readonly agency: string | null;
  readonly category: string | null;
  readonly channel: Channel | null;
};

/** Once: where such a withdrawal stands already, nothing is written. The citizen's row must be locked or written in this transaction. */
export async function optOut(
  sql: Sql,
  citizen: string,
  scope: OptOutScope,
  source: string,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `INSERT INTO opt_outs (id, citizen_id, agency_id, category, channel, source, created_at)
     SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (SELECT 1 FROM opt_outs WHERE citizen_id = $2 AND ended_at IS NULL
       AND agency_id IS NOT DISTINCT FROM $3 AND category IS NOT DISTINCT FROM $4 AND channel IS NOT DISTINCT FROM $5)`,
    [randomUUID(), citizen, scope.agency, scope.category, scope.channel, source, new Date(nowMs)],
  );
  return rowCount === 1;
}

/** Ends the withdrawals with exactly this scope; the rows stay as history. */
export async function optIn(sql: Sql, citizen: string, scope: OptOutScope, nowMs: number): Promise<void> {
  await sql.query(
    `UPDATE opt_outs SET ended_at = $5 WHERE citizen_id = $1 AND ended_at IS NULL AND agency_id IS NOT DISTINCT FROM $2
       AND category IS NOT DISTINCT FROM $3 AND channel IS NOT DISTINCT FROM $4`,
    [citizen, scope.agency, scope.category, scope.channel, new Date(nowMs)],
  );
}

/** Ends one, by its id. */
export async function endOptOut(sql: Sql, citizen: string, id: string, nowMs: number): Promise<boolean> {
  const { rowCount } = await sql.query(
    'UPDATE opt_outs SET ended_at = $3 WHERE citizen_id = $1 AND id = $2 AND ended_at IS NULL',
    [citizen, id, new Date(nowMs)],
  );
  return rowCount === 1;
}

export type OwnProfile = {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly provenance: Readonly<Record<string, { readonly source: string; readonly at: string }>>;
  readonly updatedAt: Date;
};

/** undefined where a register owns the profile, or nothing is known. */
export async function ownProfile(sql: Sql, citizen: string): Promise<OwnProfile | undefined> {
  const { rows } = await sql.query<OwnProfile>({
    name: 'own-profile',
    text: 'SELECT attributes, provenance, updated_at AS "updatedAt" FROM merged_profiles WHERE citizen_id = $1',
    values: [citizen],
  });
  return rows[0];
}
