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

/** What one call would have carried; undefined where none was made. */
export async function simulatedContent(
  sql: Sql,
  sealer: Sealer,
  delivery: string,
): Promise<Record<string, unknown> | undefined> {
  const { rows } = await sql.query<{ sealed: Buffer }>(
    'SELECT sealed FROM simulated_sends WHERE delivery_id = $1 ORDER BY attempt DESC LIMIT 1',
    [delivery],
  );
  return rows[0] === undefined ? undefined : openSimulatedSend(sealer, rows[0].sealed).content;
}

/** With what was written down in place of its sealed form. */
function opened<T extends { readonly sealed: Buffer }>(sealer: Sealer, { sealed, ...row }: T) {
  return { ...row, ...openSimulatedSend(sealer, sealed) };
}

export type OpenedSend = Pick<SimulatedSend, 'delivery' | 'channel' | 'address'> & {
  readonly content: Record<string, unknown>;
  /** The event that the notice came from; null for a digest of several. */
  readonly event: { readonly source: string; readonly id: string } | null;
};

/** Everything in the outbox, opened, in portions of `portion` and in no particular order. */
export async function* readSimulatedSends(
  sql: Sql,
  sealer: Sealer,
  portion = 5_000,
): AsyncGenerator<OpenedSend[]> {
  let after: { delivery: string; attempt: number } = {
    delivery: '00000000-0000-0000-0000-000000000000',
    attempt: -1,
  };
  for (;;) {
    const { rows } = await sql.query<
      Pick<OpenedSend, 'delivery' | 'channel' | 'event'> & { attempt: number; sealed: Buffer }
    >(
      `SELECT s.delivery_id AS delivery, s.attempt, s.channel, s.sealed,
         CASE WHEN e.id IS NOT NULL THEN jsonb_build_object('source', e.source, 'id', e.event_id) END AS event
       FROM (SELECT * FROM simulated_sends WHERE (delivery_id, attempt) > ($1, $2) ORDER BY delivery_id, attempt LIMIT $3) s
       LEFT JOIN deliveries d ON d.id = s.delivery_id LEFT JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
       LEFT JOIN events e ON e.id = n.event_id ORDER BY s.delivery_id, s.attempt`,
      [after.delivery, after.attempt, portion],
    );
    if (rows.length === 0) return;
    after = rows.at(-1)!;
    yield rows.map((row) => opened(sealer, row));
  }
}

export type ShownSend = Pick<SimulatedSend, 'delivery' | 'channel' | 'address' | 'agency'> & {
  readonly content: Record<string, unknown>;
  readonly at: Date;
  readonly notification: string;
  readonly recipient: string;
  readonly locale: string;
  readonly rule: string;
  readonly stage: string;
  readonly reach: string;
  readonly eventType: string;
};

/**
 * The newest of every rule on each channel, at most `perChannel` a channel, newest first; or with `recipient` all of theirs.
 * Reads the whole outbox: for a demonstration, not for millions.
 */
export async function latestSimulatedSends(
  sql: Sql,
  sealer: Sealer,
  options: { readonly perChannel: number } | { readonly recipient: string },
): Promise<ShownSend[]> {
  const one = 'recipient' in options;
  const { rows } = await sql.query<Omit<ShownSend, 'content' | 'address'> & { sealed: Buffer }>(
    `WITH shown AS (
       SELECT s.delivery_id, s.attempt, s.channel, s.agency_id, s.sent_at, n.id, n.recipient_id, n.locale, n.stage_kind, n.reach, r.rule_id, n.event_id,
         row_number() OVER (PARTITION BY s.channel, r.rule_id ORDER BY s.sent_at DESC, s.delivery_id) AS of_kind
       FROM simulated_sends s JOIN deliveries d ON d.id = s.delivery_id JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
       JOIN stage_runs r ON r.id = n.stage_run_id WHERE $1::text IS NULL OR n.recipient_id = $1
     ), ranked AS (
       SELECT *, row_number() OVER (PARTITION BY channel ORDER BY sent_at DESC, delivery_id) AS place FROM shown WHERE $1::text IS NOT NULL OR of_kind = 1
     )
     SELECT k.delivery_id AS delivery, k.channel, k.agency_id AS agency, k.sent_at AS at, k.id AS notification, k.recipient_id AS recipient, k.locale,
       k.stage_kind AS stage, k.reach, k.rule_id AS rule, e.type AS "eventType", s.sealed
     FROM ranked k JOIN simulated_sends s ON s.delivery_id = k.delivery_id AND s.attempt = k.attempt JOIN events e ON e.id = k.event_id
     WHERE k.place <= $2 ORDER BY k.sent_at DESC, k.delivery_id`,
    [one ? options.recipient : null, one ? 200 : options.perChannel],
  );
  return rows.map((row) => opened(sealer, row));
}
