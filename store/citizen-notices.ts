/**
 * Notices as their recipient reads them. A recipient has some hundred in all, so what is asked for here is theirs by one index; nothing
 * in it is an agency's to see.
 */
import type { CloudEvent } from '../domain/event.ts';
import type { NotificationId } from '../domain/ids.ts';
import type { Reach } from '../domain/rule.ts';
import type { Sql } from '../domain/sql.ts';
import type { Category } from '../domain/statuses.ts';
import type { Cursor } from './inbox.ts';

export type CitizenNotice = {
  readonly id: NotificationId;
  /** RFC 3339 to the microsecond: the place in the list. */
  readonly at: string;
  readonly agency: string;
  readonly category: Category;
  readonly rule: string;
  readonly ruleVersion: number;
  /** The day it was judged on. */
  readonly asOf: string;
  readonly stage: string;
  /** Whom it is about. */
  readonly citizen: string;
  readonly reach: Reach;
  readonly template: number;
  readonly locale: string;
  readonly values: Readonly<Record<string, string | number | boolean | null>> | null;
  readonly body: CloudEvent;
  /** Of a correction: what the person was told before. */
  readonly previous: CloudEvent | null;
  readonly obligation: string;
  readonly obligationState: 'open' | 'done' | 'cancelled';
  readonly saidDone: boolean;
  /** A newer version of the same thing is known. */
  readonly outdated: boolean;
  /** Its campaign was withdrawn by a person. */
  readonly recalled: boolean;
  /** Since when the agency says that there is nothing to do any more: it withdrew this one, or ended the matter for everybody. */
  readonly endedAt: Date | null;
  readonly readAt: Date | null;
};

const instant = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** A campaign that a newer one of the same thing took the place of has not ended: whom that concerns is told by it. */
const ENDED = `CASE WHEN o.state = 'cancelled' THEN o.updated_at
  WHEN c.event_id IS NOT NULL AND c.superseded_at IS NOT NULL AND NOT EXISTS (
    SELECT FROM campaigns b WHERE b.agency_id = c.agency_id AND b.obligation_kind = c.obligation_kind AND b.obligation_ref = c.obligation_ref
      AND b.rule_id = c.rule_id AND b.event_id IS NOT NULL AND b.superseded_at IS NULL) THEN c.superseded_at END`;

const COLUMNS = `n.id, ${instant('n.created_at')} AS at, n.agency_id AS agency, c.category, r.rule_id AS rule, r.rule_version AS "ruleVersion",
  r.as_of AS "asOf", n.stage_kind AS stage, n.citizen_id AS citizen, n.reach, n.template_id AS template, n.locale, n."values", e.body,
  p.body AS previous, n.obligation_id AS obligation, o.state AS "obligationState", o.said_done_at IS NOT NULL AS "saidDone",
  o.version > n.version AS outdated, c.cancelled_at IS NOT NULL AS recalled, ${ENDED} AS "endedAt", d.read_at AS "readAt"`;
const JOINS = `JOIN stage_runs r ON r.id = n.stage_run_id JOIN campaigns c ON c.id = r.campaign_id JOIN obligations o ON o.id = n.obligation_id
  JOIN events e ON e.id = n.event_id LEFT JOIN events p ON p.id = n.previous_event_id
  LEFT JOIN notice_reads d ON d.citizen_id = n.recipient_id AND d.notification_id = n.id`;

/** More than anybody has open; what is over it would be the oldest. */
const MOST_OPEN = 200;

/** The newest notice of each thing that is neither done nor ended, newest first. */
export async function openNotices(sql: Sql, recipient: string): Promise<CitizenNotice[]> {
  const { rows } = await sql.query<CitizenNotice>({
    name: 'open-notices',
    text: `WITH newest AS (
        SELECT DISTINCT ON (n.obligation_id) n.* FROM notifications n WHERE n.recipient_id = $1
        ORDER BY n.obligation_id, n.version DESC, n.created_at DESC, n.id
      )
      SELECT ${COLUMNS} FROM newest n ${JOINS} WHERE o.state = 'open' AND o.version <= n.version AND c.cancelled_at IS NULL
        AND (${ENDED}) IS NULL
      ORDER BY n.created_at DESC, n.id LIMIT ${MOST_OPEN}`,
    values: [recipient],
  });
  return rows;
}

/** All of them, newest first. */
export async function allNotices(
  sql: Sql,
  recipient: string,
  after: Cursor | null,
  limit: number,
): Promise<CitizenNotice[]> {
  const { rows } = await sql.query<CitizenNotice>({
    name: 'all-notices',
    text: `WITH page AS (
        SELECT n.* FROM notifications n WHERE n.recipient_id = $1
          AND ($2::timestamptz IS NULL OR (n.created_at, n.id) < ($2::timestamptz, $3::uuid))
        ORDER BY n.created_at DESC, n.id DESC LIMIT $4
      )
      SELECT ${COLUMNS} FROM page n ${JOINS} ORDER BY n.created_at DESC, n.id DESC`,
    values: [recipient, after?.at ?? null, after?.id ?? null, limit],
  });
  return rows;
}

/** undefined where there is none of theirs under that id. */
export async function noticeOf(sql: Sql, recipient: string, id: string): Promise<CitizenNotice | undefined> {
  const { rows } = await sql.query<CitizenNotice>({
    name: 'notice-of',
    text: `SELECT ${COLUMNS} FROM notifications n ${JOINS} WHERE n.id = $2 AND n.recipient_id = $1 LIMIT 1`,
    values: [recipient, id],
  });
  return rows[0];
}

/** The newest notice about the same thing to the same person. */
export async function newestAbout(
  sql: Sql,
  recipient: string,
  obligation: string,
): Promise<NotificationId | undefined> {
  const { rows } = await sql.query<{ id: NotificationId }>(
    `SELECT id FROM notifications WHERE obligation_id = $2 AND recipient_id = $1 ORDER BY version DESC, created_at DESC, id LIMIT 1`,
    [recipient, obligation],
  );
  return rows[0]?.id;
}

/** What falls due next of what the person was told of already: for an inbox that is empty. */
export type ComingStage = { readonly rule: string; readonly agency: string; readonly dueAt: Date };

export async function comingStages(sql: Sql, citizen: string, limit: number): Promise<ComingStage[]> {
  const { rows } = await sql.query<ComingStage>(
    `SELECT s.rule_id AS rule, s.agency_id AS agency, min(s.due_at) AS "dueAt"
     FROM (SELECT DISTINCT obligation_id FROM notifications WHERE recipient_id = $1) n
     JOIN obligations o ON o.id = n.obligation_id AND o.state = 'open' JOIN schedules s ON s.obligation_id = o.id
     GROUP BY 1, 2 ORDER BY 3 LIMIT $2`,
    [citizen, limit],
  );
  return rows;
}

/** True where it is read for the first time. */
export async function markRead(
  sql: Sql,
  recipient: string,
  notification: string,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query({
    name: 'mark-read',
    text: `INSERT INTO notice_reads (citizen_id, notification_id, read_at) SELECT recipient_id, id, $3 FROM notifications
      WHERE id = $2 AND recipient_id = $1 LIMIT 1 ON CONFLICT DO NOTHING`,
    values: [recipient, notification, new Date(nowMs)],
  });
  return rowCount === 1;
}

export type Arrival = {
  readonly kind: 'notice' | 'read';
  readonly recipient: string;
  readonly id: NotificationId;
};

/**
 * What came for these people, and what they read elsewhere, since an instant. One look into the index a person and month, some 5 µs; the
 * caller looks back over some seconds, since a row becomes visible later than its instant says.
 */
export async function arrivals(
  sql: Sql,
  recipients: readonly string[],
  sinceMs: number,
  months: readonly string[],
): Promise<Arrival[]> {
  const { rows } = await sql.query<Arrival>({
    name: 'arrivals',
    text: `SELECT 'notice' AS kind, n.recipient_id AS recipient, n.id FROM notifications n
        WHERE n.recipient_id = ANY($1::text[]) AND n.month = ANY($3::date[]) AND n.created_at >= $2
      UNION ALL
      SELECT 'read', citizen_id, notification_id FROM notice_reads WHERE read_at >= $2 AND citizen_id = ANY($1::text[])`,
    values: [recipients, new Date(sinceMs), months],
  });
  return rows;
}
