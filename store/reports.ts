/**
 * Reports to agencies on their way out: rows of `outbox`, written by the statements that end a delivery (store/turn.ts,
 * store/sessions.ts, and the planner for what has no address), for agencies with a row in `report_subscriptions` and for no others.
 */
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import { type StatusReport, verdictOf } from '../domain/status-report.ts';

/** [delivery or notification, month, status, code], and where a receipt told of it `receipt` (or null). */
type Entry = readonly [
  id: string,
  month: string,
  status: string,
  code: string | null,
  evidence?: 'receipt' | null,
];

export type OutboxRow = {
  readonly number: number;
  readonly reports: readonly Entry[];
  readonly createdAt: Date;
};

/** Whether an agency is told by its topic. Other targets are webhooks, which subscribe themselves (store/webhooks.ts). */
export const TOPIC_TARGET = 'topic';

/** Returns false where nothing changed: it stood so already, or there is no such agency. */
export async function setSubscription(
  sql: Sql,
  agency: string,
  target: string,
  on: boolean,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    on
      ? 'INSERT INTO report_subscriptions (agency_id, target) SELECT id, $2 FROM agencies WHERE id = $1 ON CONFLICT DO NOTHING'
      : 'DELETE FROM report_subscriptions WHERE agency_id = $1 AND target = $2',
    [agency, target],
  );
  return rowCount === 1;
}

/** Notifications that no address was found for; part of the transaction that plans them. */
export async function reportNoAddress(
  sql: Sql,
  rows: readonly { readonly id: string; readonly month: string; readonly agency: string }[],
  nowMs: number,
): Promise<void> {
  if (rows.length === 0) return;
  await sql.query({
    name: 'report-no-address',
    text: `INSERT INTO outbox (agency_id, reports, created_at)
      SELECT u.agency, jsonb_agg(jsonb_build_array(u.id, u.month, 'no-address', NULL)), $4
      FROM unnest($1::uuid[], $2::date[], $3::text[]) u(id, month, agency)
      WHERE u.agency = ANY(ARRAY(SELECT a FROM (SELECT DISTINCT unnest($3::text[]) AS a) x
        WHERE EXISTS (SELECT 1 FROM report_subscriptions s WHERE s.agency_id = x.a)))
      GROUP BY u.agency`,
    values: [rows.map((r) => r.id), rows.map((r) => r.month), rows.map((r) => r.agency), new Date(nowMs)],
  });
}

/** Agencies that have something to be told. One look into the index for each. */
export async function agenciesToTell(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ agency: string }>({
    name: 'agencies-to-tell',
    text: `WITH RECURSIVE agency AS (
        (SELECT agency_id FROM outbox ORDER BY agency_id LIMIT 1)
        UNION ALL
        SELECT (SELECT o.agency_id FROM outbox o WHERE o.agency_id > a.agency_id ORDER BY o.agency_id LIMIT 1) FROM agency a WHERE a.agency_id IS NOT NULL
      ) SELECT agency_id AS agency FROM agency WHERE agency_id IS NOT NULL`,
    values: [],
  });
  return rows.map((row) => row.agency);
}

/**
 * The oldest rows of an agency. A report that follows from another (the next channel after one that failed) has the higher number, because
 * whoever wrote it had seen the first committed.
 */
export async function readOutbox(sql: Sql, agency: string, limit: number): Promise<OutboxRow[]> {
  const { rows } = await sql.query<OutboxRow>({
    name: 'read-outbox',
    text: `SELECT number, reports, created_at AS "createdAt" FROM outbox WHERE agency_id = $1 ORDER BY number LIMIT $2`,
    values: [agency, limit],
  });
  return rows;
}

/** Who is to be told, `topic` or ids of webhooks. */
export async function targetsOf(sql: Sql, agency: string): Promise<string[]> {
  const { rows } = await sql.query<{ target: string }>({
    name: 'report-targets',
    text: 'SELECT target FROM report_subscriptions WHERE agency_id = $1 ORDER BY target',
    values: [agency],
  });
  return rows.map((row) => row.target);
}

/** The reports in full, in order. A digest is one for each of its notices. What is no longer there is left out. */
export async function describeReports(sql: Sql, outbox: readonly OutboxRow[]): Promise<StatusReport[]> {
  const entries = outbox.flatMap((row) =>
    row.reports.map((entry) => ({ entry, at: row.createdAt, number: row.number })),
  );
  if (entries.length === 0) return [];
  const { rows } = await sql.query<{
    place: number;
    source: string;
    event: string;
    citizen: string;
    obligation: string;
    stage: string;
    notification: string;
    channel: string | null;
  }>({
    name: 'describe-reports',
    text: `SELECT u.place, e.source, e.event_id AS event, n.citizen_id AS citizen, o.kind || '/' || o.ref AS obligation, n.stage_kind AS stage,
        n.id AS notification, d.channel
      FROM unnest($1::uuid[], $2::date[]) WITH ORDINALITY u(id, month, place)
      LEFT JOIN deliveries d ON d.id = u.id AND d.month = u.month
      LEFT JOIN delivery_items i ON d.notification_id IS NULL AND i.delivery_id = d.id AND i.month = d.month
      JOIN notifications n ON n.id = coalesce(d.notification_id, i.notification_id, u.id) AND n.month = u.month
      JOIN events e ON e.id = n.event_id JOIN obligations o ON o.id = n.obligation_id
      ORDER BY u.place, n.id`,
    values: [entries.map(({ entry }) => entry[0]), entries.map(({ entry }) => entry[1])],
  });
  return rows.flatMap((row) => {
    const { entry, at, number } = entries[row.place - 1]!;
    const [id, , status, code, evidence] = entry;
    const verdict = verdictOf(status, code, evidence === 'receipt');
    if (verdict === undefined) return [];
    return [
      {
        // Of the row of the outbox: a delivery that is put back and fails again has failed twice, and that is two reports.
        id: keyId('report', number, id, row.notification, status),
        event: { source: row.source, id: row.event },
        citizen: row.citizen,
        obligation: row.obligation,
        stage: row.stage,
        notification: row.notification,
        channel: row.channel,
        ...verdict,
        at: at.toISOString(),
      },
    ];
  });
}

/** Reports that one webhook is told in one call. */
export type NewCall = {
  readonly webhook: string;
  readonly reports: readonly StatusReport[];
};

/** They have left, or stand as calls to webhooks: one statement, so either both or neither. A webhook that is gone meanwhile gets none. */
export async function settleOutbox(
  sql: Sql,
  agency: string,
  numbers: readonly number[],
  calls: readonly NewCall[],
  nowMs: number,
): Promise<void> {
  await sql.query(
    `WITH gone AS (DELETE FROM outbox WHERE agency_id = $1 AND number = ANY($2::bigint[]))
     INSERT INTO webhook_calls (webhook_id, reports, count, created_at)
     SELECT w.id, u.reports::jsonb, u.count, $6 FROM unnest($3::uuid[], $4::text[], $5::int[]) WITH ORDINALITY u(webhook, reports, count, place)
     JOIN webhooks w ON w.id = u.webhook AND w.state = 'active' ORDER BY u.place`,
    [
      agency,
      numbers,
      calls.map((call) => call.webhook),
      calls.map((call) => JSON.stringify(call.reports)),
      calls.map((call) => call.reports.length),
      new Date(nowMs),
    ],
  );
}
