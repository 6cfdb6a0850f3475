/** Whom we know of a person before telling them: locale, choices, usable contact points. Part of T2 and of the next channels. */
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { textArray } from './arrays.ts';

/** What decides whether and where a person is told. Absent from the map: we know nothing of them, so there is no address. */
export type Person = {
  locale: string;
  dead: boolean;
  /** Allowed channels; null for all. */
  channels: readonly string[] | null;
  off: readonly string[];
  optOuts: {
    readonly agency: string | null;
    readonly category: string | null;
    readonly channel: string | null;
  }[];
  contactPoints: { readonly id: string; readonly channel: Channel }[];
};

/** `since` is seconds since the epoch, exact to the microsecond. */
type Point = { readonly id: string; readonly channel: Channel; readonly since: number };

/** Addresses by age; of devices the one that was added last first, because that is what its owner was told when they added it. */
const rank = ({ channel, since }: Point): number => (channel === 'push' ? -since : since);

export async function loadPeople(sql: Sql, ids: readonly string[]): Promise<Map<string, Person>> {
  const people = new Map<string, Person>();
  const found = await sql.query<{
    id: string;
    locale: string;
    dead: boolean;
    channels: string[] | null;
    off: string[] | null;
  }>({
    name: 'load-people',
    text: `SELECT c.id, c.locale, c.dead_at IS NOT NULL AS dead, p.channels, p.off
      FROM citizens c LEFT JOIN preferences p ON p.citizen_id = c.id WHERE c.id = ANY($1::text[])`,
    values: [textArray(ids)],
  });
  for (const row of found.rows)
    people.set(row.id, {
      locale: row.locale,
      dead: row.dead,
      channels: row.channels,
      off: row.off ?? [],
      optOuts: [],
      contactPoints: [],
    });
  if (people.size === 0) return people;
  const known = textArray([...people.keys()]);
  // Put in order here, a few a person: ordering ten thousand rows costs the server more than finding them.
  const points = await sql.query<Point & { citizen_id: string }>({
    name: 'load-contact-points',
    text: `SELECT citizen_id, id, channel, date_part('epoch', created_at) AS since FROM contact_points
      WHERE citizen_id = ANY($1::text[]) AND verified_at IS NOT NULL AND invalid_at IS NULL`,
    values: [known],
  });
  const pointsOf = Map.groupBy(points.rows, (row) => row.citizen_id);
  for (const [citizen, rows] of pointsOf) {
    if (rows.length > 1) rows.sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
    for (const { id, channel } of rows) people.get(citizen)?.contactPoints.push({ id, channel });
  }
  const optOuts = await sql.query<{
    citizen_id: string;
    agency: string | null;
    category: string | null;
    channel: string | null;
  }>({
    name: 'load-opt-outs',
    text: `SELECT citizen_id, agency_id AS agency, category, channel FROM opt_outs WHERE citizen_id = ANY($1::text[]) AND ended_at IS NULL`,
    values: [known],
  });
  for (const row of optOuts.rows) people.get(row.citizen_id)?.optOuts.push(row);
  return people;
}
