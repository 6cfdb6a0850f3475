/** The outbox of the embedded mode: what would have left, sealed. */
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';

export type SimulatedSend = {
  readonly delivery: string;
  readonly attempt: number;
  readonly agency: string;
  readonly channel: string;
  readonly address: string;
  readonly content: unknown;
};

const SEAL = 'simulated-send';

/** A call that is repeated stays one row. */
export async function saveSimulatedSends(
  sql: Sql,
  sealer: Sealer,
  rows: readonly SimulatedSend[],
): Promise<void> {
  await sql.query({
    name: 'save-simulated-sends',
    text: `INSERT INTO simulated_sends (delivery_id, attempt, agency_id, channel, sealed)
      SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::bytea[]) u ORDER BY 1, 2 ON CONFLICT DO NOTHING`,
    values: [
      rows.map((r) => r.delivery),
      rows.map((r) => r.attempt),
      rows.map((r) => r.agency),
      rows.map((r) => r.channel),
      rows.map((r) => sealer.seal(SEAL, JSON.stringify({ address: r.address, content: r.content }))),
    ],
  });
}
