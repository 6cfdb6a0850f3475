/** How sending goes now: by channel what failed within the last quarter of an hour and through whom, and what waits. */
import type { Sql } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';

export type Flow = {
  readonly failedNetwork: number;
  readonly failedUs: number;
  readonly unclear: number;
  /** Held: for a stop, for quiet hours, for another try, for the next channel. */
  readonly waiting: number;
  /** Planned and not claimed, in batches. */
  readonly queued: number;
};

const NONE: Flow = { failedNetwork: 0, failedUs: 0, unclear: 0, waiting: 0, queued: 0 };

/** Calls that failed are kept, and found by when they ended. */
export async function readFlow(sql: Sql, agency: string | null, nowMs: number): Promise<Map<Channel, Flow>> {
  const { rows } = await sql.query<{ channel: Channel; what: keyof Flow; n: number }>(
    `SELECT d.channel, CASE a.outcome WHEN 'failed-temporary' THEN 'failedNetwork' WHEN 'failed-technical' THEN 'failedUs' ELSE 'unclear' END AS what, count(*) AS n
     FROM (SELECT * FROM attempts a WHERE a.outcome IN ('failed-temporary', 'failed-technical', 'ambiguous') AND NOT a.late
         AND a.finished_at > $2::timestamptz - interval '15 minutes' LIMIT 100000) a
       JOIN deliveries d ON d.id = a.delivery_id AND d.month = a.month
     WHERE ($1::text IS NULL OR a.agency_id = $1) GROUP BY 1, 2
     UNION ALL
     SELECT w.channel, 'waiting', count(*) FROM (SELECT * FROM waiting LIMIT 1000000) w WHERE ($1::text IS NULL OR w.agency_id = $1) GROUP BY 1
     UNION ALL
     SELECT b.channel, 'queued', coalesce(sum(b.open), 0)::bigint FROM batches b
     WHERE b.state IN ('ready', 'queued') AND ($1::text IS NULL OR b.agency_id = $1) GROUP BY 1`,
    [agency, new Date(nowMs)],
  );
  const flow = new Map<Channel, Flow>([
    ['push', NONE],
    ['email', NONE],
    ['sms', NONE],
  ]);
  for (const { channel, what, n } of rows) flow.set(channel, { ...flow.get(channel)!, [what]: n });
  return flow;
}

export type FailingCampaign = {
  readonly campaign: string;
  readonly stage: string;
  readonly rule: string;
  readonly verdict: 'paused' | 'kept';
  readonly failed: number;
  readonly called: number;
  readonly at: Date;
};

/** Campaigns that failed through us, newest first. */
export async function readFailing(sql: Sql, agency: string | null): Promise<FailingCampaign[]> {
  const { rows } = await sql.query<FailingCampaign>(
    `SELECT f.campaign_id AS campaign, f.stage_kind AS stage, c.rule_id AS rule, f.verdict, cardinality(f.failed) AS failed, f.called, f.judged_at AS at
     FROM failing_stages f JOIN campaigns c ON c.id = f.campaign_id
     WHERE f.verdict IN ('paused', 'kept') AND ($1::text IS NULL OR f.agency_id = $1) ORDER BY f.judged_at DESC LIMIT 20`,
    [agency],
  );
  return rows;
}
