/** What the rules processes hold, for whoever asks elsewhere. */
import type { Sql } from '../domain/sql.ts';

export type Population = {
  readonly citizens: number;
  /** By shard, the position up to which its profiles are known; -1 where nobody serves it. */
  readonly offsets: readonly number[];
  /** Every shard is served and has read what was there when it was assigned. */
  readonly caughtUp: boolean;
};

const FRESH = "interval '5 seconds'";

/** `address`: where the process takes questions. */
export async function reportPopulation(
  sql: Sql,
  id: string,
  status: Population,
  address: string | null,
): Promise<void> {
  await sql.query({
    name: 'report-population',
    text: `INSERT INTO rules_processes (id, citizens, positions, caught_up, address) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (id) DO UPDATE SET citizens = excluded.citizens, positions = excluded.positions, caught_up = excluded.caught_up,
        address = excluded.address, reported_at = clock_timestamp()`,
    values: [id, status.citizens, status.offsets, status.caughtUp, address],
  });
}

export async function dropReport(sql: Sql, id: string): Promise<void> {
  await sql.query(
    `DELETE FROM rules_processes WHERE id = $1 OR reported_at < clock_timestamp() - interval '1 day'`,
    [id],
  );
}

export async function readPopulation(sql: Sql): Promise<Population> {
  const { rows } = await sql.query<{ citizens: number; positions: number[]; caught_up: boolean }>(
    `SELECT citizens, positions, caught_up FROM rules_processes WHERE reported_at > clock_timestamp() - ${FRESH}`,
  );
  const shards = Math.max(0, ...rows.map((row) => row.positions.length));
  const offsets = Array.from({ length: shards }, (_, shard) =>
    Math.max(...rows.map((row) => row.positions[shard] ?? -1)),
  );
  return {
    citizens: rows.reduce((sum, row) => sum + row.citizens, 0),
    offsets,
    caughtUp: shards > 0 && offsets.every((offset) => offset >= 0) && rows.every((row) => row.caught_up),
  };
}

/** Where questions are taken now, and how many shards there are in all; none where nobody serves. */
export async function questionAddresses(
  sql: Sql,
): Promise<{ readonly urls: readonly string[]; readonly shards: number }> {
  const { rows } = await sql.query<{ address: string | null; shards: number }>({
    name: 'question-addresses',
    text: `SELECT address, cardinality(positions) AS shards FROM rules_processes WHERE reported_at > clock_timestamp() - ${FRESH}`,
  });
  return {
    urls: rows.flatMap(({ address }) => address ?? []),
    shards: Math.max(0, ...rows.map(({ shards }) => shards)),
  };
}
