/**
 * Receipts: stored once by a key of their source, applied later. Storing is all that whoever brings one waits for; applying is the
 * dispatcher's (dispatcher/receipts.ts), because the result that a receipt speaks of may not be committed yet, or never be.
 */
import { storable } from '../domain/control-characters.ts';
import { type DeliveryId, keyId } from '../domain/ids.ts';
import type { NewReceipt, Receivable } from '../domain/receipt.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import { addressIndex } from './contact-points.ts';

/** Of what is settled; a source that repeats itself after that is judged by the delivery's status alone. */
const KEPT_MS = 40 * 86_400_000;

export type WaitingReceipt = Pick<NewReceipt, 'source' | 'verdict' | 'code' | 'addressDead' | 'reference'> & {
  readonly exact: boolean;
  readonly id: string;
  readonly delivery: DeliveryId | null;
  readonly attempt: number | null;
  readonly addressIndex: Buffer | null;
  readonly receivedAt: Date;
};

/** What becomes of a receipt; `delivery` where it was found meanwhile. */
export type Settled = {
  readonly id: string;
  readonly state: 'applied' | 'moot' | 'evidence' | 'unmatched';
  readonly delivery: DeliveryId | null;
};

/** Returns how many of them were not known. What says nothing is settled at once. */
export async function saveReceipts(
  sql: Sql,
  sealer: Sealer,
  receipts: readonly NewReceipt[],
  nowMs: number,
): Promise<number> {
  if (receipts.length === 0) return 0;
  const { rowCount } = await sql.query({
    name: 'save-receipts',
    text: `INSERT INTO receipts (id, source, delivery_id, attempt, reference, exact, address_index, verdict, code, address_dead, words, received_at,
        state, look_at, settled_at)
      SELECT u.id, u.source, u.delivery, u.attempt, u.reference, u.exact, u.address, u.verdict, u.code, u.dead, u.words, $11,
        CASE WHEN u.verdict = 'none' THEN 'moot' ELSE 'waiting' END, $11, CASE WHEN u.verdict = 'none' THEN $11::timestamptz END
      FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::int[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::boolean[], $10::bytea[], $12::boolean[])
        u(id, source, delivery, attempt, reference, address, verdict, code, dead, words, exact)
      ORDER BY u.id ON CONFLICT (id) DO NOTHING`,
    values: [
      receipts.map((r) => keyId('receipt', r.source, r.key)),
      receipts.map((r) => r.source),
      receipts.map((r) => r.delivery),
      receipts.map((r) => r.attempt),
      receipts.map((r) => (r.reference === null ? null : storable(r.reference))),
      receipts.map((r) => (r.address === null ? null : addressIndex(sealer, 'sms', r.address))),
      receipts.map((r) => r.verdict),
      receipts.map((r) => (r.code === null ? null : storable(r.code))),
      receipts.map((r) => r.addressDead),
      receipts.map((r) => (r.words === null ? null : sealer.seal('receipt', r.words))),
      new Date(nowMs),
      receipts.map((r) => r.exact ?? false),
    ],
  });
  return rowCount ?? 0;
}

/** Due ones, locked to the end of the transaction; another dispatcher passes over them. */
export async function takeReceipts(sql: Sql, nowMs: number, limit: number): Promise<WaitingReceipt[]> {
  const { rows } = await sql.query<WaitingReceipt>({
    name: 'take-receipts',
    text: `SELECT id, source, delivery_id AS delivery, attempt, reference, exact, address_index AS "addressIndex", verdict, code,
        address_dead AS "addressDead", received_at AS "receivedAt"
      FROM receipts WHERE state = 'waiting' AND look_at <= $1 ORDER BY look_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
    values: [new Date(nowMs), limit],
  });
  return rows;
}

export type ReceivedDelivery = Receivable & {
  readonly id: DeliveryId;
  readonly month: string;
};

/**
 * The rows, locked. One that a claim or a result holds at the moment is left out: a receipt can wait, and nobody is waited for with rows in
 * hand. By id alone: a receipt does not say the month, and each month is one look into its key.
 */
export async function lockReceived(sql: Sql, ids: readonly DeliveryId[]): Promise<ReceivedDelivery[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<ReceivedDelivery>({
    name: 'lock-received',
    text: `SELECT id, month, status::text AS status, attempt::int AS attempt, code FROM deliveries WHERE id = ANY($1::uuid[])
      ORDER BY id FOR UPDATE SKIP LOCKED`,
    values: [ids],
  });
  return rows;
}

export type Change = {
  readonly delivery: DeliveryId;
  readonly month: string;
  readonly status: 'delivered' | 'failed-permanent' | 'failed-temporary' | 'ambiguous';
  readonly code: string | null;
  readonly addressDead: boolean;
  /** Its agency hears of it; not where only the evidence changes. */
  readonly told: boolean;
};

/**
 * Writes what receipts say of rows that `lockReceived` holds, one change a delivery: the status, its report, for what failed the next channel
 * and the evidence. A call that was still to come is taken back: a `planned` row is no longer what a claim looks for.
 */
export async function applyReceipts(sql: Sql, changes: readonly Change[], nowMs: number): Promise<void> {
  if (changes.length === 0) return;
  await sql.query({
    name: 'apply-receipts',
    text: `WITH changed AS (
        UPDATE deliveries d SET status = u.status::delivery_status, code = u.code, finished_at = $6
        FROM unnest($1::uuid[], $2::date[], $3::text[], $4::text[], $5::boolean[], $7::boolean[]) u(id, month, status, code, dead, told)
        WHERE d.id = u.id AND d.month = u.month
        RETURNING d.id, d.month, d.agency_id, d.channel, d.lane, d.attempt, d.session_id, d.claimed_at, d.contact_point_id,
          u.status, u.code, u.dead, u.told
      ), uncalled AS (
        DELETE FROM waiting w USING changed c WHERE w.delivery_id = c.id
      ), evidence AS (
        INSERT INTO attempts (delivery_id, number, month, agency_id, session_id, claimed_at, finished_at, outcome, code)
        SELECT c.id, c.attempt, c.month, c.agency_id, c.session_id, c.claimed_at, $6, c.status, c.code FROM changed c WHERE c.status <> 'delivered'
        ON CONFLICT DO NOTHING
      ), onward AS (
        INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
        SELECT $6, c.id, c.month, c.agency_id, c.channel, c.lane, 'next-channel' FROM changed c
        WHERE c.status IN ('failed-permanent', 'failed-temporary') ON CONFLICT DO NOTHING
      ), dead_address AS (
        UPDATE contact_points p SET invalid_at = $6, invalid_code = c.code FROM changed c WHERE c.dead AND p.id = c.contact_point_id
      )
      INSERT INTO outbox (agency_id, reports, created_at)
      SELECT c.agency_id, jsonb_agg(jsonb_build_array(c.id, c.month, c.status, c.code, CASE WHEN c.status <> 'ambiguous' THEN 'receipt' END)), $6 FROM changed c
      WHERE c.told AND EXISTS (SELECT 1 FROM report_subscriptions s WHERE s.agency_id = c.agency_id) GROUP BY c.agency_id`,
    values: [
      changes.map((c) => c.delivery),
      changes.map((c) => c.month),
      changes.map((c) => c.status),
      changes.map((c) => c.code),
      changes.map((c) => c.addressDead),
      new Date(nowMs),
      changes.map((c) => c.told),
    ],
  });
}

/** An address that leads nowhere, of deliveries that wait for their next call: its claim sees it, and goes on to the next channel. */
export async function markAddressesDead(
  sql: Sql,
  rows: readonly Pick<Change, 'delivery' | 'month' | 'code'>[],
  nowMs: number,
): Promise<void> {
  if (rows.length === 0) return;
  await sql.query(
    `UPDATE contact_points p SET invalid_at = $4, invalid_code = u.code
     FROM unnest($1::uuid[], $2::date[], $3::text[]) u(id, month, code) JOIN deliveries d ON d.id = u.id AND d.month = u.month
     WHERE p.id = d.contact_point_id AND p.invalid_at IS NULL`,
    [rows.map((r) => r.delivery), rows.map((r) => r.month), rows.map((r) => r.code), new Date(nowMs)],
  );
}

export async function settleReceipts(sql: Sql, settled: readonly Settled[], nowMs: number): Promise<void> {
  if (settled.length === 0) return;
  await sql.query({
    name: 'settle-receipts',
    text: `UPDATE receipts r SET state = u.state, delivery_id = coalesce(u.delivery, r.delivery_id), settled_at = $4, looks = r.looks + 1
      FROM unnest($1::uuid[], $2::text[], $3::uuid[]) u(id, state, delivery) WHERE r.id = u.id`,
    values: [
      settled.map((s) => s.id),
      settled.map((s) => s.state),
      settled.map((s) => s.delivery),
      new Date(nowMs),
    ],
  });
}

/** Those of these deliveries that a receipt which has not been applied says were delivered. */
export async function awaitedDelivered(sql: Sql, ids: readonly DeliveryId[]): Promise<Set<DeliveryId>> {
  if (ids.length === 0) return new Set();
  const { rows } = await sql.query<{ delivery: DeliveryId }>({
    name: 'awaited-delivered',
    text: `SELECT DISTINCT delivery_id AS delivery FROM receipts WHERE delivery_id = ANY($1::uuid[]) AND state = 'waiting' AND verdict = 'delivered'`,
    values: [ids],
  });
  return new Set(rows.map((row) => row.delivery));
}

/** `delivery` where it is known by now. */
export async function postponeReceipts(
  sql: Sql,
  rows: readonly { readonly id: string; readonly delivery: DeliveryId | null; readonly lookAtMs: number }[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql.query({
    name: 'postpone-receipts',
    text: `UPDATE receipts r SET looks = r.looks + 1, look_at = u.look_at, delivery_id = coalesce(u.delivery, r.delivery_id)
      FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) u(id, look_at, delivery) WHERE r.id = u.id`,
    values: [rows.map((r) => r.id), rows.map((r) => new Date(r.lookAtMs)), rows.map((r) => r.delivery)],
  });
}

/** The code of a text that stays ambiguous because an orphan receipt speaks for it; one orphan speaks for one text. */
export const ORPHAN_CODE = 'receipt-orphan';

/**
 * The oldest text to this number of which nobody knows whether it left, called before the receipt came and not more than `withinMs` before it:
 * locked, and passed over where somebody holds it. Found over the person, because a delivery is not indexed by its contact point.
 */
export async function lockUnclearText(
  sql: Sql,
  number: Buffer,
  receivedAt: Date,
  withinMs: number,
): Promise<ReceivedDelivery | undefined> {
  const { rows } = await sql.query<ReceivedDelivery>({
    name: 'lock-unclear-text',
    text: `SELECT d.id, d.month, d.status::text AS status, d.attempt::int AS attempt, d.code
      FROM contact_points p JOIN notifications n ON n.recipient_id = p.citizen_id JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
      JOIN attempts a ON a.delivery_id = d.id AND a.month = d.month AND a.number = d.attempt AND NOT a.late AND a.outcome = 'ambiguous'
      WHERE p.address_index = $1 AND p.channel = 'sms' AND d.contact_point_id = p.id AND d.unclear > 0
        AND d.status IN ('waiting', 'planned', 'ambiguous') AND d.claimed_at <= $2 AND d.claimed_at > $3
        AND d.code IS DISTINCT FROM $4
      ORDER BY d.claimed_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED`,
    values: [number, receivedAt, new Date(receivedAt.getTime() - withinMs), ORPHAN_CODE],
  });
  return rows[0];
}

/** Settled long ago. Returns how many there were, up to `limit`. */
export async function forgetReceipts(sql: Sql, nowMs: number, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `DELETE FROM receipts WHERE ctid = ANY(ARRAY(SELECT ctid FROM receipts WHERE received_at < $1 AND state <> 'waiting' LIMIT $2))`,
    [new Date(nowMs - KEPT_MS), limit],
  );
  return rowCount ?? 0;
}
