/**
 * Trial mode of an agency: only whom it allows is called, everything else is rendered and kept in `simulated_sends`. The claim judges by
 * these tables (store/turn.ts). Addresses are kept as blind indexes and cannot be read back.
 */
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { addressIndex } from './contact-points.ts';
import { openSimulatedSend } from './simulated-sends.ts';

/** Addresses in the normal form of `ContactPoint.address`. */
export type TrialRecipient =
  | { readonly citizen: string }
  | { readonly channel: Channel; readonly address: string };

export type Trial = {
  readonly trial: boolean;
  /** Keys: `citizen:<id>`, or `address:<hex>` with its channel. */
  readonly recipients: readonly { readonly key: string; readonly channel: string | null }[];
};

/** Undefined where there is no such agency. */
export async function readTrial(sql: Sql, agency: string): Promise<Trial | undefined> {
  const { rows } = await sql.query<Trial>(
    `SELECT a.trial, coalesce((SELECT jsonb_agg(jsonb_build_object('key', r.key, 'channel', r.channel) ORDER BY r.created_at, r.key)
       FROM trial_recipients r WHERE r.agency_id = a.id), '[]') AS recipients
     FROM agencies a WHERE a.id = $1`,
    [agency],
  );
  return rows[0];
}

/** In force at the next claim. False where there is no such agency. */
export async function setTrial(sql: Sql, agency: string, trial: boolean): Promise<boolean> {
  const { rowCount } = await sql.query('UPDATE agencies SET trial = $2 WHERE id = $1', [agency, trial]);
  return rowCount === 1;
}

export function trialKey(sealer: Sealer, recipient: TrialRecipient): string {
  return 'citizen' in recipient
    ? `citizen:${recipient.citizen}`
    : `address:${addressIndex(sealer, recipient.channel, recipient.address).toString('hex')}`;
}

/** Returns the keys, in the order given. The agency must exist. */
export async function allowRecipients(
  sql: Sql,
  sealer: Sealer,
  agency: string,
  recipients: readonly TrialRecipient[],
): Promise<string[]> {
  const keys = recipients.map((recipient) => trialKey(sealer, recipient));
  await sql.query(
    `INSERT INTO trial_recipients (agency_id, key, channel) SELECT $1, key, channel FROM unnest($2::text[], $3::text[]) u(key, channel)
     ON CONFLICT DO NOTHING`,
    [agency, keys, recipients.map((recipient) => ('channel' in recipient ? recipient.channel : null))],
  );
  return keys;
}

/** False where it was not on the list. */
export async function disallowRecipient(sql: Sql, agency: string, key: string): Promise<boolean> {
  const { rowCount } = await sql.query('DELETE FROM trial_recipients WHERE agency_id = $1 AND key = $2', [
    agency,
    key,
  ]);
  return rowCount === 1;
}

export type TrialSend = {
  readonly delivery: string;
  readonly citizen: string;
  readonly rule: string;
  readonly stage: string;
  readonly channel: string;
  readonly content: unknown;
  readonly at: Date;
};

/** What an agency's trial would have sent, newest first; without addresses. */
export async function listTrialSends(
  sql: Sql,
  sealer: Sealer,
  agency: string,
  limit: number,
): Promise<TrialSend[]> {
  const { rows } = await sql.query<Omit<TrialSend, 'content'> & { sealed: Buffer }>(
    `SELECT s.delivery_id AS delivery, n.citizen_id AS citizen, r.rule_id AS rule, n.stage_kind AS stage, s.channel, s.sent_at AS at, s.sealed
     FROM simulated_sends s JOIN deliveries d ON d.id = s.delivery_id AND d.code = 'trial'
     JOIN notifications n ON n.id = d.notification_id AND n.month = d.month JOIN stage_runs r ON r.id = n.stage_run_id
     WHERE s.agency_id = $1 ORDER BY s.sent_at DESC LIMIT $2`,
    [agency, limit],
  );
  return rows.map(({ sealed, ...row }) => ({ ...row, content: openSimulatedSend(sealer, sealed).content }));
}
