/**
 * What an agency's staff look at first: what leaves today by hour, what waits for somebody, and whether all is well. Reads what is open, this
 * day's batches and schedules, and this day's fan-outs; never deliveries one by one.
 */
import type { Sql } from '../domain/sql.ts';
import { staffName } from './audit-trail.ts';

export type TodayHour = {
  /** 0 to 23, in the zone of the state. */
  readonly hour: number;
  /** Deliveries of batches that were made in it. */
  readonly left: number;
  /** Deliveries that are held until then: quiet hours, a budget, a cascade. */
  readonly held: number;
  /** Stages that fall due in it; how many people each concerns is judged then. */
  readonly stages: number;
};

export type TodayRow = {
  readonly hours: readonly TodayHour[];
  /** Versions of rules, and live ones with texts that wait by themselves; the longest waiting first. */
  readonly approvals: readonly {
    readonly rule: string;
    readonly version: number;
    readonly title: Readonly<Record<string, string>>;
    readonly by: string;
    /** null: no member of staff. */
    readonly byName: string | null;
    readonly at: Date;
    /** How many texts are to be approved without the rule; 0 where it is the rule that waits. */
    readonly texts: number;
  }[];
  readonly quarantine: number;
  /** Stages that were paused because they failed over and over. */
  readonly paused: number;
  /** Fan-outs of which a shard's answer failed, of the day. */
  readonly failedFanouts: number;
  /** From event to planned, of the day's fan-outs; null where there was none. */
  readonly plannedMs: { readonly median: number; readonly slowest: number } | null;
  /** In batches that have not ended. */
  readonly underWay: number;
};

type Asked = {
  /** null: all agencies'. */
  readonly agency: string | null;
  readonly from: Date;
  readonly until: Date;
  readonly zone: string;
};

const APPROVALS = 10;

const HOURS = `WITH left_by AS (
    SELECT extract(hour FROM created_at AT TIME ZONE $4)::int AS hour, sum(cardinality(delivery_ids))::bigint AS n
    FROM batches WHERE created_at >= $2 AND created_at < $3 AND month >= date_trunc('month', $2 AT TIME ZONE $4)::date
      AND ($1::text IS NULL OR agency_id = $1) GROUP BY 1),
  held_by AS (
    SELECT extract(hour FROM due_at AT TIME ZONE $4)::int AS hour, count(*) AS n
    FROM waiting WHERE due_at >= $2 AND due_at < $3 AND ($1::text IS NULL OR agency_id = $1) GROUP BY 1),
  stages_by AS (
    SELECT extract(hour FROM due_at AT TIME ZONE $4)::int AS hour, count(*) AS n
    FROM schedules WHERE due_at >= $2 AND due_at < $3 AND ($1::text IS NULL OR agency_id = $1) GROUP BY 1)
  SELECT h.hour, coalesce(l.n, 0)::bigint AS left, coalesce(w.n, 0)::bigint AS held, coalesce(s.n, 0)::bigint AS stages
  FROM generate_series(0, 23) AS h(hour) LEFT JOIN left_by l USING (hour) LEFT JOIN held_by w USING (hour)
    LEFT JOIN stages_by s USING (hour) ORDER BY 1`;

const STATE = `SELECT
  (SELECT count(*) FROM quarantine WHERE state = 'open' AND ($1::text IS NULL OR agency_id = $1))::int AS quarantine,
  (SELECT count(*) FROM failing_stages WHERE verdict = 'paused' AND judged_at >= $2 AND judged_at < $3
    AND ($1::text IS NULL OR agency_id = $1))::int AS paused,
  (SELECT count(*) FROM fanouts WHERE state = 'failed' AND finished_at >= $2 AND finished_at < $3
    AND ($1::text IS NULL OR agency_id = $1))::int AS "failedFanouts",
  ((SELECT coalesce(sum(open), 0) FROM batches WHERE state = 'ready' AND ($1::text IS NULL OR agency_id = $1))
    + (SELECT coalesce(sum(open), 0) FROM batches WHERE state = 'queued' AND ($1::text IS NULL OR agency_id = $1)))::int AS "underWay",
  (SELECT jsonb_build_object('median', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)), 'slowest', round(max(ms)))
   FROM (SELECT extract(epoch FROM finished_at - created_at) * 1000 AS ms FROM fanouts WHERE state = 'complete'
     AND finished_at >= $2 AND finished_at < $3 AND ($1::text IS NULL OR agency_id = $1)) f HAVING count(*) > 0) AS "plannedMs"`;

/** A text that is saved after what is live, and that no version of a rule which still awaits approval will take along. */
const APPROVED = `WITH fresh AS (
    SELECT DISTINCT ON (v.name) v.id, v.name, v.author, v.created_at FROM template_versions v JOIN templates t ON t.name = v.name AND v.id > t.live_id
    WHERE ($1::text IS NULL OR v.agency_id = $1) ORDER BY v.name, v.id DESC),
  waits AS (
  SELECT rule_id AS rule, version, definition -> 'title' AS title, author AS by, created_at AS at, 0 AS texts
  FROM rule_versions WHERE state = 'awaiting' AND ($1::text IS NULL OR agency_id = $1)
  UNION ALL
  SELECT r.id, r.live_version, v.definition -> 'title', min(f.author), min(f.created_at), count(*)::int
  FROM rules r JOIN rule_versions v ON v.rule_id = r.id AND v.version = r.live_version
    JOIN fresh f ON f.name IN (SELECT value FROM jsonb_each_text(v.definition -> 'templates'))
  WHERE NOT EXISTS (SELECT FROM rule_versions w WHERE w.rule_id = r.id AND w.state = 'awaiting')
    AND NOT EXISTS (SELECT FROM rule_version_texts a JOIN rule_versions w USING (rule_id, version)
      WHERE a.template_version = f.id AND w.state = 'approved')
  GROUP BY r.id, r.live_version, v.definition -> 'title'
  ORDER BY at, rule LIMIT ${APPROVALS})
  SELECT *, ${staffName('waits.by')} AS "byName" FROM waits ORDER BY at, rule`;

/** One day, from midnight to midnight of the zone. */
export async function readToday(sql: Sql, { agency, from, until, zone }: Asked): Promise<TodayRow> {
  const [hours, state, approvals] = [
    await sql.query<TodayHour>(HOURS, [agency, from, until, zone]),
    await sql.query<Omit<TodayRow, 'hours' | 'approvals'>>(STATE, [agency, from, until]),
    await sql.query<TodayRow['approvals'][number]>(APPROVED, [agency]),
  ];
  return { ...state.rows[0]!, hours: hours.rows, approvals: approvals.rows };
}
