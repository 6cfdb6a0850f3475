/** Deliveries that planning did not make: those on the next channel. */
import type { DeliveryId, NotificationId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel, Lane } from '../domain/statuses.ts';

/** Deliveries on a further contact point of notifications that failed on an earlier one; `waiting` until they are given a batch. */
export async function insertNextDeliveries(
  sql: Sql,
  rows: readonly {
    id: DeliveryId;
    month: string;
    agency: string;
    notification: NotificationId;
    contactPoint: string;
    channel: Channel;
    lane: Lane;
    expiresAt: Date | null;
  }[],
): Promise<{ id: DeliveryId; month: string; agency_id: string; channel: Channel; lane: Lane }[]> {
  if (rows.length === 0) return [];
  const inserted = await sql.query<{
    id: DeliveryId;
    month: string;
    agency_id: string;
    channel: Channel;
    lane: Lane;
  }>(
    `INSERT INTO deliveries (id, month, agency_id, notification_id, contact_point_id, channel, lane, status, expires_at)
     SELECT id, month, agency, notification, contact_point, channel, lane, 'waiting', expires
     FROM unnest($1::uuid[], $2::date[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::timestamptz[])
       u(id, month, agency, notification, contact_point, channel, lane, expires)
     ON CONFLICT DO NOTHING RETURNING id, month, agency_id, channel, lane`,
    [
      rows.map((r) => r.id),
      rows.map((r) => r.month),
      rows.map((r) => r.agency),
      rows.map((r) => r.notification),
      rows.map((r) => r.contactPoint),
      rows.map((r) => r.channel),
      rows.map((r) => r.lane),
      rows.map((r) => r.expiresAt),
    ],
  );
  return inserted.rows;
}
