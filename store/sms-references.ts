/**
 * Which delivery an SMSC means by its own message id. The id of an answer and that of its receipt may be written in two radixes (SMPP 3.4 leaves
 * it open, and many answer in hexadecimal and report in decimal), and an SMSC may count from one again: the number that was written to decides.
 */
import type { DeliveryId } from '../domain/ids.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import { addressIndex } from './contact-points.ts';

export type SmsReference = {
  readonly reference: string;
  readonly delivery: DeliveryId;
  readonly attempt: number;
  /** E.164. */
  readonly address: string;
};

/** Longer than any validity that an SMSC keeps a text for. */
const KEPT_MS = 10 * 86_400_000;

/** Letters small, no zeros in front. */
function canonical(reference: string): string {
  return reference
    .trim()
    .toLowerCase()
    .replace(/^0+(?=[0-9a-f])/, '');
}

/** What the id of an answer may have been, given the id of a receipt: the same first. */
function candidatesOf(reference: string): readonly string[] {
  const same = canonical(reference);
  if (!/^[0-9a-f]{1,32}$/.test(same)) return [same];
  const decimal = BigInt(`0x${same}`).toString();
  return /^\d+$/.test(same) ? [same, BigInt(same).toString(16), decimal] : [same, decimal];
}

export async function saveSmsReferences(
  sql: Sql,
  sealer: Sealer,
  references: readonly SmsReference[],
  nowMs: number,
): Promise<void> {
  await sql.query({
    name: 'save-sms-references',
    text: `INSERT INTO sms_references (reference, delivery_id, attempt, address_index, sent_at)
      SELECT u.*, $5 FROM unnest($1::text[], $2::uuid[], $3::int[], $4::bytea[]) u ON CONFLICT DO NOTHING`,
    values: [
      references.map((r) => canonical(r.reference)),
      references.map((r) => r.delivery),
      references.map((r) => r.attempt),
      references.map((r) => addressIndex(sealer, 'sms', r.address)),
      new Date(nowMs),
    ],
  });
}

export type Meant = { readonly delivery: DeliveryId; readonly attempt: number };

type Asked = {
  readonly id: string;
  readonly reference: string | null;
  readonly exact: boolean;
  readonly addressIndex: Buffer | null;
};

/**
 * The delivery of each receipt, by the receipt's id; what nothing of ours fits is absent, and so is what two deliveries fit in different
 * radixes: a wrong "delivered" is worse than none. Of one radix the youngest counts. Where the id is said to be as the answer had it, no
 * other is looked for. For the others the caller waits until what was being written when the receipt came is written: an older text to the
 * same number may fit in another radix. Without a number the id must be the same.
 */
export async function meantBy(sql: Sql, receipts: readonly Asked[]): Promise<Map<string, Meant>> {
  const meant = new Map<string, Meant>();
  const asked = receipts.flatMap(({ id, reference, exact }) => {
    if (reference === null) return [];
    const candidates = exact ? [canonical(reference)] : candidatesOf(reference);
    return candidates.map((candidate) => ({ id, candidate }));
  });
  if (asked.length === 0) return meant;
  const { rows } = await sql.query<{
    id: string;
    reference: string;
    delivery: DeliveryId;
    attempt: number;
    addressIndex: Buffer;
  }>({
    name: 'sms-references',
    text: `SELECT u.id, s.reference, s.delivery_id AS delivery, s.attempt, s.address_index AS "addressIndex"
      FROM unnest($1::uuid[], $2::text[]) u(id, reference) JOIN sms_references s ON s.reference = u.reference
      ORDER BY s.sent_at DESC, s.attempt DESC`,
    values: [asked.map((one) => one.id), asked.map((one) => one.candidate)],
  });
  const found = Map.groupBy(rows, (row) => row.id);
  for (const receipt of receipts) {
    const same = receipt.reference === null ? '' : canonical(receipt.reference);
    const fitting = (found.get(receipt.id) ?? []).filter((row) =>
      receipt.addressIndex === null ? row.reference === same : row.addressIndex.equals(receipt.addressIndex),
    );
    const youngest = fitting[0];
    if (youngest === undefined || fitting.some((row) => row.reference !== youngest.reference)) continue;
    meant.set(receipt.id, { delivery: youngest.delivery, attempt: youngest.attempt });
  }
  return meant;
}

/** Returns how many there were, up to `limit`. */
export async function forgetSmsReferences(sql: Sql, nowMs: number, limit: number): Promise<number> {
  const { rowCount } = await sql.query(
    `DELETE FROM sms_references WHERE ctid = ANY(ARRAY(SELECT ctid FROM sms_references WHERE sent_at < $1 LIMIT $2))`,
    [new Date(nowMs - KEPT_MS), limit],
  );
  return rowCount ?? 0;
}
