/**
 * Addresses: sealed from the first row, found by a keyed blind index. One row a citizen, channel and address; a subscription for push is
 * one address by its endpoint, so renewed keys replace the old ones.
 */
import { besideId, type Id, placedId } from '../domain/ids.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';

export type ContactPointId = Id<'contact-point'>;

export type ContactPoint = {
  readonly channel: Channel;
  /** What is looked for: the E.164 number, the mail address in normal form, the endpoint of a subscription. */
  readonly address: string;
  /** What a provider is given: the same, or for push the JSON of the subscription. */
  readonly content: string;
  /** undefined leaves it as it is, and a new one unverified. */
  readonly verified: boolean | undefined;
};

/** One that another wrote. */
export type ForeignContactPoint = {
  readonly verified: boolean;
  /** A failure has said that it leads nowhere. */
  readonly invalid: boolean;
  readonly content: string;
};

/** The associated data of a sealed address: one of another channel does not open. */
const purposeOf = (channel: Channel) => `contact-point/${channel}`;

export function sealAddress(sealer: Sealer, channel: Channel, content: string): Buffer {
  return sealer.seal(purposeOf(channel), content);
}

/** What `ContactPoint.content` was. Throws where the row was changed or the key is another. */
export function openAddress(sealer: Sealer, channel: Channel, sealed: Uint8Array): string {
  return sealer.open(purposeOf(channel), sealed).toString('utf8');
}

export function addressIndex(sealer: Sealer, channel: Channel, address: string): Buffer {
  return sealer.index(purposeOf(channel), address);
}

/** Placed by the citizen: a page reads the contact points of neighbours, and so does a batch. */
export function contactPointId(citizen: string, channel: Channel, index: Buffer): ContactPointId {
  return besideId<ContactPointId>(
    'contact-point',
    placedId<Id<'citizen'>>('citizen', [], citizen),
    channel,
    index.toString('hex'),
  );
}

/**
 * Writes contact points of one citizen, whose row must exist and be locked. Verified ones lose what a failure had said about them.
 * The channels and addresses need to be distinct. `writer` is kept with those that are new: who wrote one first, whoever changes it later.
 */
export async function saveContactPoints(
  sql: Sql,
  sealer: Sealer,
  citizen: string,
  points: readonly ContactPoint[],
  nowMs: number,
  writer: string | null = null,
): Promise<void> {
  if (points.length === 0) return;
  const indexes = points.map((point) => addressIndex(sealer, point.channel, point.address));
  await sql.query({
    name: 'save-contact-points',
    text: `INSERT INTO contact_points AS c (id, citizen_id, channel, address, address_index, verified_at, created_at, writer)
      SELECT u.id, $1, u.channel, u.address, u.index, CASE WHEN u.verified THEN $7::timestamptz END, $7, $8
      FROM unnest($2::uuid[], $3::text[], $4::bytea[], $5::bytea[], $6::boolean[]) u(id, channel, address, index, verified)
      ORDER BY u.id
      ON CONFLICT (id) DO UPDATE SET address = excluded.address,
        verified_at = CASE WHEN ($6::boolean[])[array_position($2::uuid[], c.id)] IS FALSE THEN NULL
          ELSE coalesce(excluded.verified_at, c.verified_at) END,
        invalid_at = CASE WHEN excluded.verified_at IS NULL THEN c.invalid_at END,
        invalid_code = CASE WHEN excluded.verified_at IS NULL THEN c.invalid_code END`,
    values: [
      citizen,
      points.map((point, at) => contactPointId(citizen, point.channel, indexes[at]!)),
      points.map((point) => point.channel),
      points.map((point) => sealAddress(sealer, point.channel, point.content)),
      indexes,
      points.map((point) => point.verified ?? null),
      new Date(nowMs),
      writer,
    ],
  });
}

/** How contact points of a citizen stand that others than `writer` wrote, in the order given; undefined for its own and for new ones. */
export async function foreignContactPoints(
  sql: Sql,
  sealer: Sealer,
  citizen: string,
  points: readonly Pick<ContactPoint, 'channel' | 'address'>[],
  writer: string,
): Promise<readonly (ForeignContactPoint | undefined)[]> {
  if (points.length === 0) return [];
  const ids = points.map(({ channel, address }) =>
    contactPointId(citizen, channel, addressIndex(sealer, channel, address)),
  );
  const { rows } = await sql.query<{
    id: ContactPointId;
    channel: Channel;
    address: Buffer;
    verified: boolean;
    invalid: boolean;
  }>(
    `SELECT id, channel, address, verified_at IS NOT NULL AS verified, invalid_at IS NOT NULL AS invalid FROM contact_points
     WHERE citizen_id = $1 AND id = ANY($2::uuid[]) AND writer IS DISTINCT FROM $3`,
    [citizen, ids, writer],
  );
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => {
    const row = found.get(id);
    if (row === undefined) return undefined;
    const { verified, invalid } = row;
    return { verified, invalid, content: openAddress(sealer, row.channel, row.address) };
  });
}

export async function removeContactPoints(
  sql: Sql,
  sealer: Sealer,
  citizen: string,
  points: readonly Pick<ContactPoint, 'channel' | 'address'>[],
): Promise<void> {
  if (points.length === 0) return;
  await sql.query('DELETE FROM contact_points WHERE citizen_id = $1 AND id = ANY($2::uuid[])', [
    citizen,
    points.map(({ channel, address }) =>
      contactPointId(citizen, channel, addressIndex(sealer, channel, address)),
    ),
  ]);
}
