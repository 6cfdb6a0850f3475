/**
 * Citizens by the thousand: what a demonstration, a bench or a first import writes. Rows that are there already stay as they are, so a load
 * that was cut off may be done again. Addresses arrive sealed.
 */
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';

export type BulkContactPoint = {
  readonly id: string;
  readonly channel: Channel;
  readonly address: Buffer;
  readonly index: Buffer;
};

export type BulkCitizen = {
  readonly id: string;
  readonly locale: string;
  /** The whole profile, as it stands on citizen-profiles: later PUTs merge into it. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly contactPoints: readonly BulkContactPoint[];
};

/**
 * Writes citizens, what their profiles are merged from, and their contact points, verified as of `nowMs`. Hot: 25 µs a citizen with two
 * contact points; 2,000 to 5,000 a call.
 */
export async function insertCitizens(
  sql: Sql,
  citizens: readonly BulkCitizen[],
  source: string,
  nowMs: number,
): Promise<void> {
  const now = new Date(nowMs);
  await sql.query({
    name: 'bulk-citizens',
    text: `WITH people AS (
        INSERT INTO citizens (id, locale) SELECT id, locale FROM unnest($1::text[], $2::text[]) u(id, locale) ON CONFLICT (id) DO NOTHING
      )
      INSERT INTO merged_profiles (citizen_id, attributes, provenance)
      SELECT id, attributes::jsonb, (SELECT jsonb_object_agg(name, $4::jsonb) FROM jsonb_object_keys(attributes::jsonb) name)
      FROM unnest($1::text[], $3::text[]) u(id, attributes) ON CONFLICT (citizen_id) DO NOTHING`,
    values: [
      citizens.map((citizen) => citizen.id),
      citizens.map((citizen) => citizen.locale),
      citizens.map((citizen) => JSON.stringify(citizen.attributes)),
      JSON.stringify({ source, at: now.toISOString() }),
    ],
  });
  const points = citizens.flatMap((citizen) =>
    citizen.contactPoints.map((point) => ({ ...point, citizen: citizen.id })),
  );
  await sql.query({
    name: 'bulk-contact-points',
    text: `INSERT INTO contact_points (id, citizen_id, channel, address, address_index, verified_at)
      SELECT id, citizen, channel, address, index, $6
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[]) u(id, citizen, channel, address, index)
      ON CONFLICT DO NOTHING`,
    values: [
      points.map((point) => point.id),
      points.map((point) => point.citizen),
      points.map((point) => point.channel),
      points.map((point) => point.address),
      points.map((point) => point.index),
      now,
    ],
  });
}

export type CitizenChoices = {
  /** HH:MM in the citizen's zone. */
  readonly quietHours: readonly { readonly citizen: string; readonly from: string; readonly to: string }[];
  readonly optOuts: readonly { readonly citizen: string; readonly category: string }[];
};

/** What citizens have chosen, beside what they have chosen before. The citizens must exist. */
export async function insertChoices(sql: Sql, choices: CitizenChoices, source: string): Promise<void> {
  const { quietHours, optOuts } = choices;
  if (quietHours.length > 0)
    await sql.query(
      `INSERT INTO preferences (citizen_id, quiet_from, quiet_to) SELECT * FROM unnest($1::text[], $2::time[], $3::time[]) u
       ON CONFLICT (citizen_id) DO NOTHING`,
      [quietHours.map((q) => q.citizen), quietHours.map((q) => q.from), quietHours.map((q) => q.to)],
    );
  if (optOuts.length > 0)
    await sql.query(
      `INSERT INTO opt_outs (id, citizen_id, category, source)
       SELECT id, citizen, category, $4 FROM unnest($1::uuid[], $2::text[], $3::text[]) u(id, citizen, category) ON CONFLICT (id) DO NOTHING`,
      [
        optOuts.map((o) => keyId('opt-out', source, o.citizen, o.category)),
        optOuts.map((o) => o.citizen),
        optOuts.map((o) => o.category),
        source,
      ],
    );
}
