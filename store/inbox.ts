/** Lists that people page through: a citizen's notices, and what could not be taken in. Newest first, by a cursor of time and id. */
import type { Fault } from '../domain/errors.ts';
import type { Sql } from '../domain/sql.ts';

/** RFC 3339, exact to the microsecond: a JavaScript date would round it and skip rows. */
export type Cursor = { readonly at: string; readonly id: string };

const instant = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export type InboxNotice = Cursor & {
  readonly agency: string;
  readonly rule: string;
  readonly stage: string;
  /** Whom it is about. */
  readonly citizen: string;
  readonly event: { readonly source: string; readonly id: string; readonly type: string };
  readonly obligation: string;
  readonly obligationState: string;
  /** YYYY-MM-DD. */
  readonly deadline: string | null;
  readonly reach: string;
  /** The language it was written in, and the one that was wanted where that is another. */
  readonly locale: string;
  readonly wantedLocale: string | null;
  readonly noAddress: boolean;
  readonly deliveries: readonly {
    readonly channel: string;
    readonly status: string;
    readonly code: string | null;
    readonly attempt: number;
    readonly at: string | null;
  }[];
};

/** Notices to a recipient, of one agency or of all. */
export async function listInbox(
  sql: Sql,
  recipient: string,
  agency: string | null,
  after: Cursor | null,
  limit: number,
): Promise<InboxNotice[]> {
  const { rows } = await sql.query<InboxNotice>({
    name: 'list-inbox',
    text: `SELECT n.id, ${instant('n.created_at')} AS at, n.agency_id AS agency, r.rule_id AS rule, n.stage_kind AS stage, n.citizen_id AS citizen,
        jsonb_build_object('source', e.source, 'id', e.event_id, 'type', e.type) AS event,
        o.kind || '/' || o.ref AS obligation, o.state AS "obligationState", o.deadline, n.reach, n.locale, n.wanted_locale AS "wantedLocale",
        n.no_address AS "noAddress",
        coalesce((
          SELECT jsonb_agg(jsonb_build_object('channel', d.channel, 'status', d.status, 'code', d.code, 'attempt', d.attempt,
            'at', coalesce(d.finished_at, d.claimed_at)) ORDER BY d.claimed_at, d.id)
          FROM deliveries d WHERE d.month = n.month AND (d.notification_id = n.id
            OR d.id IN (SELECT i.delivery_id FROM delivery_items i WHERE i.notification_id = n.id AND i.month = n.month AND d.notification_id IS NULL))
        ), '[]') AS deliveries
      FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id JOIN obligations o ON o.id = n.obligation_id JOIN events e ON e.id = n.event_id
      WHERE n.recipient_id = $1 AND ($2::text IS NULL OR n.agency_id = $2)
        AND ($3::timestamptz IS NULL OR (n.created_at, n.id) < ($3::timestamptz, $4::uuid))
      ORDER BY n.created_at DESC, n.id DESC LIMIT $5`,
    values: [recipient, agency, after?.at ?? null, after?.id ?? null, limit],
  });
  return rows;
}

export type QuarantineEntry = Cursor & {
  readonly agency: string | null;
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly key: string | null;
  readonly code: string;
  readonly message: string;
  readonly faults: readonly Fault[];
};

/** Open rows; the records themselves stay sealed. */
export async function listQuarantine(
  sql: Sql,
  agency: string | null,
  after: Cursor | null,
  limit: number,
): Promise<QuarantineEntry[]> {
  const { rows } = await sql.query<QuarantineEntry>(
    `SELECT id, ${instant('created_at')} AS at, agency_id AS agency, topic, partition, record_offset AS "offset", key, code, message, faults
     FROM quarantine WHERE state = 'open' AND ($1::text IS NULL OR agency_id = $1)
       AND ($2::timestamptz IS NULL OR (created_at, id) < ($2::timestamptz, $3::uuid))
     ORDER BY created_at DESC, id DESC LIMIT $4`,
    [agency, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}
