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

export function openSimulatedSend(
  sealer: Sealer,
  sealed: Uint8Array,
): { address: string; content: Record<string, unknown> } {
  return JSON.parse(sealer.open(SEAL, sealed).toString('utf8')) as {
    address: string;
    content: Record<string, unknown>;
  };
}

/** Everything in the outbox, opened, in portions of `portion` and in no particular order. */
export async function* readSimulatedSends(
  sql: Sql,
  sealer: Sealer,
  portion = 5_000,
): AsyncGenerator<
  (Pick<SimulatedSend, 'delivery' | 'channel' | 'address'> & { content: Record<string, unknown> })[]
> {
  let after: { delivery: string; attempt: number } = {
    delivery: '00000000-0000-0000-0000-000000000000',
    attempt: -1,
  };
  for (;;) {
    const { rows } = await sql.query<{ delivery: string; attempt: number; channel: string; sealed: Buffer }>(
      `SELECT delivery_id AS delivery, attempt, channel, sealed FROM simulated_sends
       WHERE (delivery_id, attempt) > ($1, $2) ORDER BY delivery_id, attempt LIMIT $3`,
      [after.delivery, after.attempt, portion],
    );
    if (rows.length === 0) return;
    after = rows.at(-1)!;
    yield rows.map(({ delivery, channel, sealed }) => ({
      delivery,
      channel,
      ...openSimulatedSend(sealer, sealed),
    }));
  }
}
