/**
 * What was given up and a person may put back: deliveries that failed though their address did not, or of which nobody knows; records in
 * quarantine; receipts of nothing. Put back, each keeps its id and goes the whole way again, so that what has become pointless meanwhile (it
 * expired, somebody said no, it was told on another channel) stays where it is.
 */
import { randomId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';

export const DEAD_LETTER_KINDS = ['events', 'deliveries', 'receipts'] as const;
export type DeadLetterKind = (typeof DEAD_LETTER_KINDS)[number];

export const DEAD_STATUSES = ['failed-temporary', 'failed-technical', 'ambiguous'] as const;
export type DeadStatus = (typeof DEAD_STATUSES)[number];

export type DeadLetterFilter = {
  /** null: all agencies'. */
  readonly agency: string | null;
  /** A campaign's id; of deliveries. */
  readonly campaign: string | null;
  /** Of deliveries; a receipt's source is not one. */
  readonly channel: Channel | null;
  readonly code: string | null;
  readonly status: DeadStatus | null;
  /** Given up at or after. */
  readonly since: Date | null;
};

export const EVERYTHING: DeadLetterFilter = {
  agency: null,
  campaign: null,
  channel: null,
  code: null,
  status: null,
  since: null,
};

/** Exact to the microsecond (store/inbox.ts). */
export type Place = { readonly at: string; readonly id: string };

const instant = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export type DeadDelivery = Place & {
  readonly month: string;
  readonly agency: string;
  readonly channel: Channel;
  readonly status: DeadStatus;
  readonly code: string | null;
  readonly attempt: number;
  /** Calls of which nobody knows how they ended. */
  readonly unclear: number;
  readonly rule: string | null;
  readonly campaign: string | null;
  readonly notification: string | null;
};

/** Over the attempts that ended them, which are indexed; a status is not (store/migrations/0012_receipts.sql). $1-$6 are the filter. */
const DEAD = `FROM attempts a JOIN deliveries d ON d.id = a.delivery_id AND d.month = a.month AND d.attempt = a.number
    LEFT JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
    LEFT JOIN stage_runs r ON r.id = n.stage_run_id
  WHERE a.outcome IN ('failed-temporary', 'failed-technical', 'ambiguous') AND NOT a.late
    AND d.status IN ('failed-temporary', 'failed-technical', 'ambiguous')
    AND ($1::text IS NULL OR d.agency_id = $1) AND ($2::uuid IS NULL OR r.campaign_id = $2) AND ($3::text IS NULL OR d.channel = $3)
    AND ($4::text IS NULL OR d.code = $4) AND ($5::text IS NULL OR d.status = $5::delivery_status)
    AND ($6::timestamptz IS NULL OR a.finished_at >= $6)`;

const valuesOf = (filter: DeadLetterFilter) => [
  filter.agency,
  filter.campaign,
  filter.channel,
  filter.code,
  filter.status,
  filter.since,
];

/** Oldest first, from after `after`. */
export async function listDeadDeliveries(
  sql: Sql,
  filter: DeadLetterFilter,
  after: Place | null,
  limit: number,
): Promise<DeadDelivery[]> {
  const { rows } = await sql.query<DeadDelivery>(
    `SELECT d.id, ${instant('a.finished_at')} AS at, d.month, d.agency_id AS agency, d.channel, d.status::text AS status, d.code,
       d.attempt::int AS attempt, d.unclear::int AS unclear, r.rule_id AS rule, r.campaign_id AS campaign, n.id AS notification
     ${DEAD} AND ($7::timestamptz IS NULL OR (a.finished_at, a.delivery_id) > ($7::timestamptz, $8::uuid))
     ORDER BY a.finished_at, a.delivery_id LIMIT $9`,
    [...valuesOf(filter), after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

export type DeadCount = {
  readonly code: string | null;
  readonly status: string;
  readonly channel: string | null;
  readonly count: number;
};

export async function countDeadDeliveries(sql: Sql, filter: DeadLetterFilter): Promise<DeadCount[]> {
  const { rows } = await sql.query<DeadCount>(
    `SELECT d.code, d.status::text AS status, d.channel, count(*)::int AS count ${DEAD} GROUP BY 1, 2, 3 ORDER BY 4 DESC, 2, 3, 1`,
    valuesOf(filter),
  );
  return rows;
}

/** `redriven`, or why it was left alone. */
export type Redriven = { readonly id: string; readonly became: string };

/**
 * Puts rows back, those that may be: `waiting`, due now. The claim judges each as any other. Left alone: what ended another way meanwhile
 * (`changed`), what expired (`expired`), and what another channel has told, is about to, or was the last to try (`another-channel`): of one
 * notice one delivery at most is put back. With `look` nothing is changed. Ambiguous ones only where `ambiguous` says that somebody has chosen
 * them: their call may have arrived. Locked in the order of ids.
 */
export async function redriveDeliveries(
  sql: Sql,
  rows: readonly Pick<DeadDelivery, 'id' | 'month'>[],
  options: { readonly look: boolean; readonly ambiguous: boolean; readonly nowMs: number },
): Promise<Redriven[]> {
  if (rows.length === 0) return [];
  const found = await sql.query<Redriven & { month: string }>(
    `WITH locked AS (
       SELECT d.id, d.month, d.status, d.expires_at, d.claimed_at, d.notification_id FROM unnest($1::uuid[], $2::date[]) u(id, month)
       JOIN deliveries d ON d.id = u.id AND d.month = u.month ORDER BY d.id FOR UPDATE OF d
     )
     SELECT l.id, l.month, CASE
         WHEN l.status NOT IN ('failed-temporary', 'failed-technical', 'ambiguous') THEN 'changed'
         WHEN l.status = 'ambiguous' AND NOT $3 THEN 'ambiguous'
         WHEN l.expires_at <= $4 THEN 'expired'
         WHEN EXISTS (SELECT 1 FROM waiting w WHERE w.delivery_id = l.id) OR EXISTS (
           SELECT 1 FROM deliveries x WHERE x.notification_id = l.notification_id AND x.month = l.month AND x.id <> l.id
             AND (x.status IN ('planned', 'waiting', 'sending', 'sent', 'delivered', 'ambiguous')
               OR x.status IN ('failed-temporary', 'failed-technical') AND (x.claimed_at, x.id) > (l.claimed_at, l.id))) THEN 'another-channel'
         ELSE 'redriven' END AS became
     FROM locked l`,
    [rows.map((row) => row.id), rows.map((row) => row.month), options.ambiguous, new Date(options.nowMs)],
  );
  const back = options.look ? [] : found.rows.filter(({ became }) => became === 'redriven');
  if (back.length > 0)
    await sql.query(
      `WITH back AS (
         UPDATE deliveries d SET status = 'waiting' FROM unnest($1::uuid[], $2::date[]) u(id, month)
         WHERE d.id = u.id AND d.month = u.month RETURNING d.id, d.month, d.agency_id, d.channel, d.lane
       )
       INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
       SELECT $3, b.id, b.month, b.agency_id, b.channel, b.lane, 'retry' FROM back b ON CONFLICT DO NOTHING`,
      [back.map((row) => row.id), back.map((row) => row.month), new Date(options.nowMs)],
    );
  return found.rows.map(({ id, became }) => ({ id, became }));
}

/** Open records of quarantine that an event or a profile can be made of again, oldest first. */
export type DeadEvent = Place & {
  readonly agency: string | null;
  readonly topic: string;
  readonly code: string;
  readonly message: string;
};

const QUARANTINED = `FROM quarantine q WHERE q.state = 'open' AND ($1::text IS NULL OR q.agency_id = $1)
  AND ($2::text IS NULL OR q.code = $2) AND ($3::timestamptz IS NULL OR q.created_at >= $3)`;

export async function listDeadEvents(
  sql: Sql,
  filter: DeadLetterFilter,
  after: Place | null,
  limit: number,
): Promise<DeadEvent[]> {
  const { rows } = await sql.query<DeadEvent>(
    `SELECT q.id, ${instant('q.created_at')} AS at, q.agency_id AS agency, q.topic, q.code, q.message
     ${QUARANTINED} AND ($4::timestamptz IS NULL OR (q.created_at, q.id) > ($4::timestamptz, $5::uuid))
     ORDER BY q.created_at, q.id LIMIT $6`,
    [filter.agency, filter.code, filter.since, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

export async function countDeadEvents(sql: Sql, filter: DeadLetterFilter): Promise<DeadCount[]> {
  const { rows } = await sql.query<DeadCount>(
    `SELECT q.code, 'open' AS status, NULL AS channel, count(*)::int AS count ${QUARANTINED} GROUP BY 1 ORDER BY 4 DESC, 1`,
    [filter.agency, filter.code, filter.since],
  );
  return rows;
}

/** No agency: whose they would be nobody knows. */
export type DeadReceipt = Place & {
  readonly source: string;
  readonly verdict: string;
  readonly code: string | null;
  readonly reference: string | null;
  readonly delivery: string | null;
};

const UNMATCHED = `FROM receipts c WHERE c.state = 'unmatched' AND ($1::text IS NULL OR c.code = $1)
  AND ($2::timestamptz IS NULL OR c.received_at >= $2)`;

export async function listDeadReceipts(
  sql: Sql,
  filter: DeadLetterFilter,
  after: Place | null,
  limit: number,
): Promise<DeadReceipt[]> {
  const { rows } = await sql.query<DeadReceipt>(
    `SELECT c.id, ${instant('c.received_at')} AS at, c.source, c.verdict, c.code, c.reference, c.delivery_id AS delivery
     ${UNMATCHED} AND ($3::timestamptz IS NULL OR (c.received_at, c.id) > ($3::timestamptz, $4::uuid))
     ORDER BY c.received_at, c.id LIMIT $5`,
    [filter.code, filter.since, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

export async function countDeadReceipts(sql: Sql, filter: DeadLetterFilter): Promise<DeadCount[]> {
  const { rows } = await sql.query<DeadCount>(
    `SELECT c.code, 'unmatched' AS status, c.source AS channel, count(*)::int AS count ${UNMATCHED} GROUP BY 1, 3 ORDER BY 4 DESC, 3, 1`,
    [filter.code, filter.since],
  );
  return rows;
}

/** Looked at once more, now; what is still of nothing is given up again at once, since its time is over. */
export async function redriveReceipts(sql: Sql, ids: readonly string[], nowMs: number): Promise<Redriven[]> {
  const { rows } = await sql.query<{ id: string }>(
    `UPDATE receipts SET state = 'waiting', looks = 0, look_at = $2, settled_at = NULL WHERE id = ANY($1::uuid[]) AND state = 'unmatched' RETURNING id`,
    [ids, new Date(nowMs)],
  );
  const back = new Set(rows.map((row) => row.id));
  return ids.map((id) => ({ id, became: back.has(id) ? 'redriven' : 'changed' }));
}

export type RedriveEntry = {
  readonly kind: DeadLetterKind;
  readonly filter: DeadLetterFilter;
  readonly by: string;
  readonly looked: number;
  readonly redriven: number;
  /** How many were left alone, by why. */
  readonly leftAlone: Readonly<Record<string, number>>;
};

export async function saveRedrive(sql: Sql, entry: RedriveEntry, nowMs: number): Promise<void> {
  await sql.query(
    'INSERT INTO redrives (id, kind, agency_id, filter, by, at, looked, redriven, left_alone) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
    [
      randomId(),
      entry.kind,
      entry.filter.agency,
      JSON.stringify(entry.filter),
      entry.by,
      new Date(nowMs),
      entry.looked,
      entry.redriven,
      JSON.stringify(entry.leftAlone),
    ],
  );
}

export type PastRedrive = Place & Omit<RedriveEntry, 'filter'> & { readonly filter: Record<string, unknown> };

/** Newest first; of one agency or of all. */
export async function listRedrives(
  sql: Sql,
  agency: string | null,
  after: Place | null,
  limit: number,
): Promise<PastRedrive[]> {
  const { rows } = await sql.query<PastRedrive>(
    `SELECT id, ${instant('at')} AS at, kind, filter, by, looked, redriven, left_alone AS "leftAlone" FROM redrives
     WHERE ($1::text IS NULL OR agency_id = $1) AND ($2::timestamptz IS NULL OR (redrives.at, id) < ($2::timestamptz, $3::uuid))
     ORDER BY redrives.at DESC, id DESC LIMIT $4`,
    [agency, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}
