/**
 * One campaign, counted from the ledger: the equation of its runs, what became of its deliveries, and when. Counting reads the campaign's rows
 * whole: about a second for a million, so whoever shows it live asks once for all who look and no more often than that bears.
 */
import type { CampaignId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel, DeliveryStatus } from '../domain/statuses.ts';
import { staffName } from './audit-trail.ts';

export type CampaignHead = {
  readonly id: CampaignId;
  readonly agency: string;
  readonly rule: string;
  readonly category: string;
  /** Of a broadcast; null for the events of a day that name a person. */
  readonly event: { readonly source: string; readonly id: string; readonly type: string } | null;
  readonly day: string | null;
  readonly acceptedAt: Date;
  readonly deadline: string | null;
  readonly expiresAt: Date | null;
  readonly endedAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly cancelledBy: string | null;
  readonly cancelledByName: string | null;
  readonly cancelReason: string | null;
  /** What holds it now, the widest first. */
  readonly stops: readonly {
    readonly scope: string;
    readonly reason: string;
    readonly by: string;
    readonly byName: string | null;
    readonly at: string;
  }[];
  /** Stages that are still to come; `people`: of how many single obligations. */
  readonly ahead: readonly {
    readonly kind: string;
    readonly firstAt: string;
    readonly lastAt: string;
    readonly people: number;
  }[];
};

export async function campaignHead(sql: Sql, id: string): Promise<CampaignHead | undefined> {
  const { rows } = await sql.query<CampaignHead>(
    `SELECT c.id, c.agency_id AS agency, c.rule_id AS rule, c.category, c.day, c.accepted_at AS "acceptedAt", c.deadline,
       c.expires_at AS "expiresAt", c.superseded_at AS "endedAt", c.cancelled_at AS "cancelledAt", c.cancelled_by AS "cancelledBy",
       ${staffName('c.cancelled_by')} AS "cancelledByName", c.cancel_reason AS "cancelReason",
       CASE WHEN e.id IS NOT NULL THEN jsonb_build_object('source', e.source, 'id', e.event_id, 'type', e.type) END AS event,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('scope', s.scope, 'reason', s.reason, 'by', s.created_by, 'byName', ${staffName('s.created_by')}, 'at', s.created_at)
          ORDER BY s.scope <> 'all', s.scope), '[]')
        FROM stops s WHERE s.scope IN ('all', 'agency:' || c.agency_id, 'campaign:' || c.id::text) OR s.scope LIKE 'channel:%') AS stops,
       (SELECT coalesce(jsonb_agg(a ORDER BY a."firstAt"), '[]') FROM (
          SELECT s.stage_kind AS kind, min(s.due_at) AS "firstAt", max(s.due_at) AS "lastAt", count(s.obligation_id)::int AS people
          FROM schedules s WHERE s.campaign_id = c.id GROUP BY 1) a) AS ahead
     FROM campaigns c LEFT JOIN events e ON e.id = c.event_id WHERE c.id = $1`,
    [id],
  );
  return rows[0];
}

/** matched = notified + told + done + superseded + nobody + optedOut; of recipients: planned = with an address + noAddress. */
export type Equation = Readonly<
  Record<
    | 'matched'
    | 'notified'
    | 'told'
    | 'done'
    | 'superseded'
    | 'nobody'
    | 'optedOut'
    | 'planned'
    | 'noAddress'
    | 'leftBehind',
    number
  >
>;

export type StageCounts = Equation & {
  readonly kind: string;
  readonly dueAt: Date;
  readonly ruleVersion: number;
  readonly shards: number;
  readonly answered: number;
  readonly failed: number;
};

/** Of each fan-out the run that is complete, or else the one that is furthest. */
export async function stageCounts(sql: Sql, campaign: string): Promise<StageCounts[]> {
  const { rows } = await sql.query<StageCounts>(
    `SELECT s.stage_kind AS kind, s.due_at AS "dueAt", s.rule_version AS "ruleVersion", count(f.id)::int AS shards,
       count(f.id) FILTER (WHERE f.state = 'complete')::int AS answered, count(f.id) FILTER (WHERE f.state = 'failed')::int AS failed,
       coalesce(sum(r.matched), 0)::bigint AS matched, coalesce(sum(r.notified), 0)::bigint AS notified, coalesce(sum(r.told), 0)::bigint AS told,
       coalesce(sum(r.done), 0)::bigint AS done, coalesce(sum(r.superseded), 0)::bigint AS superseded, coalesce(sum(r.nobody), 0)::bigint AS nobody,
       coalesce(sum(r.opted_out), 0)::bigint AS "optedOut", coalesce(sum(r.planned), 0)::bigint AS planned,
       coalesce(sum(r.no_address), 0)::bigint AS "noAddress", coalesce(sum(r.left_behind), 0)::bigint AS "leftBehind"
     FROM stage_runs s JOIN fanouts f ON f.stage_run_id = s.id
     LEFT JOIN LATERAL (SELECT * FROM runs u WHERE u.fanout_id = f.id ORDER BY u.run_id = f.run_id DESC NULLS LAST, u.pages_planned DESC LIMIT 1) r ON true
     WHERE s.campaign_id = $1 GROUP BY s.id ORDER BY s.due_at, s.stage_kind`,
    [campaign],
  );
  return rows;
}

export type DeliveryCount = {
  readonly channel: Channel;
  readonly status: DeliveryStatus;
  readonly code: string | null;
  readonly count: number;
};
/** Calls that ended in a span of time. */
export type TimeCount = { readonly at: Date; readonly sent: number; readonly failed: number };

const DELIVERIES = `FROM stage_runs s JOIN fanouts f ON f.stage_run_id = s.id JOIN runs u ON u.fanout_id = f.id
  JOIN notifications n ON n.run_id = u.run_id AND n.month = s.month`;

export async function countDeliveries(
  sql: Sql,
  campaign: string,
  spanMinutes: number,
): Promise<{ deliveries: DeliveryCount[]; overTime: TimeCount[] }> {
  const { rows } = await sql.query<
    { at: Date | null; isTime: number; sent: number; failed: number } & DeliveryCount
  >(
    `SELECT GROUPING(d.channel) AS "isTime", d.channel, d.status::text AS status, d.code, x.at, count(*) AS count,
       count(*) FILTER (WHERE d.status IN ('sent', 'delivered')) AS sent, count(*) FILTER (WHERE d.status::text LIKE 'failed-%') AS failed
     ${DELIVERIES} JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
     CROSS JOIN LATERAL (SELECT date_bin(make_interval(mins => $2), d.finished_at, timestamptz '2000-01-01') AS at) x
     WHERE s.campaign_id = $1
     GROUP BY GROUPING SETS ((d.channel, d.status, d.code), (x.at)) ORDER BY 1, x.at, 2, 3`,
    [campaign, spanMinutes],
  );
  return {
    deliveries: rows
      .filter(({ isTime }) => isTime === 0)
      .map(({ channel, status, code, count }) => ({ channel, status, code, count })),
    overTime: rows.flatMap(({ isTime, at, sent, failed }) =>
      isTime === 0 || at === null || sent + failed === 0 ? [] : [{ at, sent, failed }],
    ),
  };
}

/** Notices that say that it may concern the person, not that it does. */
export async function countPossible(sql: Sql, campaign: string): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT count(*) AS n ${DELIVERIES} WHERE s.campaign_id = $1 AND n.reach = 'possible'`,
    [campaign],
  );
  return rows[0]?.n ?? 0;
}
