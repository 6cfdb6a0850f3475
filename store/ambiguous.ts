/** Calls of which nobody knows how they ended: counted, and listed with why and what was done about it. Never whom or where they were for. */
import type { Sql } from '../domain/sql.ts';
import type { Category, Channel, DeliveryStatus } from '../domain/statuses.ts';
import type { Cursor } from './inbox.ts';

/** How far back they are counted. */
const COUNTED_MS = 7 * 86_400_000;

export type AmbiguousCall = Cursor & {
  readonly delivery: string;
  readonly agency: string;
  readonly channel: Channel;
  readonly category: Category | null;
  readonly campaign: string | null;
  /** Which call of the delivery it was. */
  readonly attempt: number;
  /** `session-lost`: the process that made it died; else what the connection or the provider said last. */
  readonly why: string | null;
  /** `again`: called or asked again since; `held`: that comes at `until`; `left`: nothing more is done by itself. */
  readonly decided: 'again' | 'held' | 'left';
  readonly until: Date | null;
  /** What stands of the delivery now. */
  readonly status: DeliveryStatus;
  /** What the process said of it after its session had been declared dead; evidence and no more. */
  readonly late: string | null;
};

/** Newest first, by a cursor of time and `id`, which is the delivery's. */
export async function listAmbiguous(
  sql: Sql,
  agency: string | null,
  after: Cursor | null,
  limit: number,
): Promise<AmbiguousCall[]> {
  const { rows } = await sql.query<AmbiguousCall>({
    name: 'list-ambiguous',
    text: `SELECT a.delivery_id AS id, to_char(a.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at,
        a.delivery_id AS delivery, a.agency_id AS agency, d.channel, c.category, c.id AS campaign, a.number AS attempt, a.code AS why,
        CASE WHEN d.attempt > a.number THEN 'again' WHEN d.status = 'waiting' THEN 'held' WHEN d.status IN ('planned', 'sending') THEN 'again'
          ELSE 'left' END AS decided,
        CASE WHEN d.status = 'waiting' AND d.attempt = a.number
          THEN (SELECT min(w.due_at) FROM waiting w WHERE w.delivery_id = d.id) END AS until,
        d.status::text AS status,
        (SELECT l.outcome FROM attempts l WHERE l.delivery_id = a.delivery_id AND l.number = a.number AND l.month = a.month AND l.late) AS late
      FROM attempts a JOIN deliveries d ON d.id = a.delivery_id AND d.month = a.month
      LEFT JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
      LEFT JOIN stage_runs r ON r.id = n.stage_run_id LEFT JOIN campaigns c ON c.id = r.campaign_id
      WHERE a.outcome = 'ambiguous' AND NOT a.late AND ($1::text IS NULL OR a.agency_id = $1)
        AND ($2::timestamptz IS NULL OR (a.finished_at, a.delivery_id) < ($2::timestamptz, $3::uuid))
      ORDER BY a.finished_at DESC, a.delivery_id DESC LIMIT $4`,
    values: [agency, after?.at ?? null, after?.id ?? null, limit],
  });
  return rows;
}

/** Of the last seven days; of one agency or of all. */
export async function countAmbiguous(sql: Sql, agency: string | null, nowMs: number): Promise<number> {
  const { rows } = await sql.query<{ n: number }>({
    name: 'count-ambiguous',
    text: `SELECT count(*)::int AS n FROM attempts a WHERE a.outcome = 'ambiguous' AND NOT a.late AND a.finished_at > $2
      AND ($1::text IS NULL OR a.agency_id = $1)`,
    values: [agency, new Date(nowMs - COUNTED_MS)],
  });
  return rows[0]?.n ?? 0;
}
