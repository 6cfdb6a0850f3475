/**
 * Citizens by the thousand, merged into what is known of them, as `PUT /api/v1/citizens/{id}` merges one. Hot: 30 µs a citizen with two
 * contact points; 1,000 to 5,000 a call. Texts travel as one blob with offsets: pg writes an array of them escaped, at twice the size.
 */
import { HOME_LOCALE, ZONE } from '../domain/jurisdiction.ts';
import type { Sql } from '../domain/sql.ts';
import type { ContactPointId } from './contact-points.ts';

export type CitizenMerge = {
  readonly id: string;
  /** null leaves it as it is. */
  readonly locale: string | null;
  readonly zone: string | null;
  /** JSON of the attributes that are given; null where none is. */
  readonly attributes: string | null;
  /** JSON of where each of them is from. */
  readonly provenance: string;
};

function createBlob() {
  const parts: Buffer[] = [];
  let length = 0;
  return {
    put(part: Buffer): number {
      parts.push(part);
      length += part.length;
      return length - part.length;
    },
    bytes: () => Buffer.concat(parts, length),
  };
}

/** Makes the citizens' rows where they are missing, sets what is given, and holds their locks until the transaction ends. Ids are distinct. */
export async function saveCitizens(
  sql: Sql,
  citizens: readonly CitizenMerge[],
  nowMs: number,
): Promise<void> {
  const values = [
    citizens.map((one) => one.id),
    citizens.map((one) => one.locale),
    citizens.map((one) => one.zone),
    new Date(nowMs),
  ];
  // In the order of their ids, so that two files about the same people wait for each other instead of deadlocking.
  const { rowCount } = await sql.query({
    name: 'save-citizens-new',
    text: `INSERT INTO citizens (id, locale, zone, created_at, updated_at)
      SELECT u.id, coalesce(u.locale, $5), coalesce(u.zone, $6), $4, $4
      FROM unnest($1::text[], $2::text[], $3::text[]) u(id, locale, zone) ORDER BY u.id ON CONFLICT (id) DO NOTHING`,
    values: [...values, HOME_LOCALE, ZONE],
  });
  if (rowCount === citizens.length) return;
  await sql.query({
    name: 'save-citizens-known',
    text: `WITH held AS (SELECT id FROM citizens WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE)
      UPDATE citizens c SET locale = coalesce(u.locale, c.locale), zone = coalesce(u.zone, c.zone), updated_at = $4
      FROM held, unnest($1::text[], $2::text[], $3::text[]) u(id, locale, zone) WHERE c.id = held.id AND u.id = c.id`,
    values,
  });
}

/** Merges attributes into the records of citizens whose rows are locked; gives the whole record, as JSON, of those that were there before. */
export async function mergeProfiles(
  sql: Sql,
  citizens: readonly CitizenMerge[],
  nowMs: number,
): Promise<Map<string, string>> {
  const given = citizens.filter((one) => one.attributes !== null);
  if (given.length === 0) return new Map();
  const blob = createBlob();
  const at: number[] = [];
  const length: number[] = [];
  const provenances = new Map<string, number>();
  const provenance: number[] = [];
  for (const one of given) {
    const bytes = Buffer.from(one.attributes!);
    at.push(blob.put(bytes));
    length.push(bytes.length);
    if (!provenances.has(one.provenance)) provenances.set(one.provenance, provenances.size + 1);
    provenance.push(provenances.get(one.provenance)!);
  }
  const { rows } = await sql.query<{ citizen_id: string; attributes: string }>({
    name: 'merge-profiles',
    text: `WITH written AS (
        INSERT INTO merged_profiles AS m (citizen_id, attributes, provenance, revision, updated_at)
        SELECT u.id, convert_from(substring($4::bytea FROM u.at + 1 FOR u.length), 'UTF8')::jsonb, ($6::text[])[u.provenance]::jsonb, 1, $7
        FROM unnest($1::text[], $2::int[], $3::int[], $5::int[]) u(id, at, length, provenance)
        ON CONFLICT (citizen_id) DO UPDATE SET attributes = m.attributes || excluded.attributes,
          provenance = m.provenance || excluded.provenance, revision = m.revision + 1, updated_at = excluded.updated_at
        RETURNING citizen_id, attributes, xmax <> 0 AS known)
      SELECT citizen_id, attributes::text FROM written WHERE known`,
    values: [
      given.map((one) => one.id),
      at,
      length,
      blob.bytes(),
      provenance,
      [...provenances.keys()],
      new Date(nowMs),
    ],
  });
  return new Map(rows.map((row) => [row.citizen_id, row.attributes]));
}

export type ContactPointMerge = {
  readonly id: ContactPointId;
  readonly citizen: string;
  readonly channel: 'sms' | 'email';
  readonly sealed: Buffer;
  /** 32 bytes. */
  readonly index: Buffer;
};

/**
 * Writes contact points of citizens whose rows are locked; `verified` as in saveContactPoints. Where `owner` is not null, those that
 * another wrote stay as they are. The ids are distinct.
 */
export async function mergeContactPoints(
  sql: Sql,
  points: readonly ContactPointMerge[],
  verified: boolean | undefined,
  writer: string,
  owner: string | null,
  nowMs: number,
): Promise<void> {
  if (points.length === 0) return;
  const blob = createBlob();
  const at: number[] = [];
  for (const point of points) {
    blob.put(point.index);
    at.push(blob.put(point.sealed));
  }
  await sql.query({
    name: 'merge-contact-points',
    text: `INSERT INTO contact_points AS c (id, citizen_id, channel, address, address_index, verified_at, created_at, writer)
      SELECT u.id, u.citizen, CASE WHEN u.sms THEN 'sms' ELSE 'email' END, substring($6::bytea FROM u.at + 1 FOR u.length),
        substring($6::bytea FROM u.at - 31 FOR 32), CASE WHEN $7 THEN $8::timestamptz END, $8, $9
      FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::int[], $5::int[]) u(id, citizen, sms, at, length)
      ON CONFLICT (id) DO UPDATE SET address = excluded.address,
        verified_at = CASE WHEN $7 IS FALSE THEN NULL ELSE coalesce(excluded.verified_at, c.verified_at) END,
        invalid_at = CASE WHEN excluded.verified_at IS NULL THEN c.invalid_at END,
        invalid_code = CASE WHEN excluded.verified_at IS NULL THEN c.invalid_code END
      WHERE $10::text IS NULL OR c.writer = $10`,
    values: [
      points.map((point) => point.id),
      points.map((point) => point.citizen),
      points.map((point) => point.channel === 'sms'),
      at,
      points.map((point) => point.sealed.length),
      blob.bytes(),
      verified ?? null,
      new Date(nowMs),
      writer,
      owner,
    ],
  });
}

/** Of these contact points those that others than `writer` wrote, and how they stand. */
export async function foreignPoints(
  sql: Sql,
  ids: readonly ContactPointId[],
  writer: string,
): Promise<Map<ContactPointId, { readonly verified: boolean; readonly invalid: boolean }>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql.query<{ id: ContactPointId; verified: boolean; invalid: boolean }>(
    `SELECT id, verified_at IS NOT NULL AS verified, invalid_at IS NOT NULL AS invalid FROM contact_points
     WHERE id = ANY($1::uuid[]) AND writer IS DISTINCT FROM $2`,
    [ids, writer],
  );
  return new Map(rows.map(({ id, ...how }) => [id, how]));
}

/**
 * A plan that was made while the table was empty reads it whole for every row that refers to it, until somebody has counted it. Costs
 * nothing once the statistics know of so many.
 */
export async function countCitizensOnce(sql: Sql, atLeast: number): Promise<void> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT reltuples::bigint AS n FROM pg_class WHERE oid = 'citizens'::regclass`,
  );
  if ((rows[0]?.n ?? 0) < atLeast) await sql.query('ANALYZE citizens');
}
