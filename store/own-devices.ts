/** Browsers that a citizen subscribed themselves: at most so many, renewed under another endpoint, and which of them a notice was sent to. */
import type { DeliveryId } from '../domain/ids.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { saveCitizen } from './citizens.ts';
import {
  addressIndex,
  type ContactPointId,
  contactPointId,
  openAddress,
  removeContactPoints,
  saveContactPoints,
} from './contact-points.ts';

export const MOST_DEVICES = 20;

type Subscription = { readonly endpoint: string; readonly content: string };

const SUBSCRIBED = 'citizen';

async function keep(
  sql: Sql,
  sealer: Sealer,
  citizen: string,
  given: Subscription,
  nowMs: number,
): Promise<void> {
  const point = { channel: 'push', address: given.endpoint, content: given.content, verified: true } as const;
  await saveContactPoints(sql, sealer, citizen, [point], nowMs, SUBSCRIBED);
  // The oldest go: a browser that is used subscribes anew.
  await sql.query(
    `DELETE FROM contact_points WHERE citizen_id = $1 AND channel = 'push' AND id <> $3 AND id IN (
       SELECT id FROM contact_points WHERE citizen_id = $1 AND channel = 'push' AND id <> $3 ORDER BY created_at DESC, id OFFSET $2)`,
    [citizen, MOST_DEVICES - 1, idOf(sealer, citizen, given.endpoint)],
  );
}

const idOf = (sealer: Sealer, citizen: string, endpoint: string): ContactPointId =>
  contactPointId(citizen, 'push', addressIndex(sealer, 'push', endpoint));

/** Returns the contact point's id, which a renewal names. */
export function subscribe(
  pool: SqlPool,
  sealer: Sealer,
  citizen: string,
  given: Subscription,
  nowMs: number,
): Promise<ContactPointId> {
  return transaction(pool, async (sql) => {
    await saveCitizen(sql, citizen, {}, nowMs);
    await keep(sql, sealer, citizen, given, nowMs);
    return idOf(sealer, citizen, given.endpoint);
  });
}

export function unsubscribe(pool: SqlPool, sealer: Sealer, citizen: string, endpoint: string): Promise<void> {
  return removeContactPoints(pool, sealer, citizen, [{ channel: 'push', address: endpoint }]);
}

/** Puts another subscription in the place of one; undefined where that is not there any more. */
export function renew(
  pool: SqlPool,
  sealer: Sealer,
  old: string,
  given: Subscription,
  nowMs: number,
): Promise<ContactPointId | undefined> {
  return transaction(pool, async (sql) => {
    const { rows } = await sql.query<{ citizen: string }>(
      `DELETE FROM contact_points WHERE id = $1 AND channel = 'push' RETURNING citizen_id AS citizen`,
      [old],
    );
    const citizen = rows[0]?.citizen;
    if (citizen === undefined) return undefined;
    await saveCitizen(sql, citizen, {}, nowMs);
    await keep(sql, sealer, citizen, given, nowMs);
    return idOf(sealer, citizen, given.endpoint);
  });
}

export type ShownOn = { readonly delivery: DeliveryId; readonly address: string };

/** Where a notice may be shown on a device: its deliveries by push that a service took. */
export async function shownOn(
  sql: Sql,
  sealer: Sealer,
  recipient: string,
  notification: string,
): Promise<ShownOn[]> {
  const { rows } = await sql.query<{ delivery: DeliveryId; address: Buffer }>({
    name: 'shown-on',
    text: `SELECT d.id AS delivery, p.address FROM notifications n JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
        JOIN contact_points p ON p.id = d.contact_point_id AND p.invalid_at IS NULL
      WHERE n.id = $2 AND n.recipient_id = $1 AND d.channel = 'push' AND d.status IN ('sent', 'delivered', 'ambiguous')`,
    values: [recipient, notification],
  });
  return rows.map(({ delivery, address }) => ({ delivery, address: openAddress(sealer, 'push', address) }));
}

/** The notice that a delivery of the citizen's own carried. */
export async function noticeOfDelivery(
  sql: Sql,
  recipient: string,
  delivery: string,
): Promise<string | undefined> {
  const { rows } = await sql.query<{ id: string }>(
    `SELECT n.id FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
     WHERE d.id = $2 AND n.recipient_id = $1 LIMIT 1`,
    [recipient, delivery],
  );
  return rows[0]?.id;
}
