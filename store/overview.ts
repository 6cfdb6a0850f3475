/**
 * What has happened, counted over everything: for the page of the demonstration. Each is one statement that reads whole tables, tens of
 * milliseconds for some ten thousand notices; nothing here is for millions.
 */
import { ZONE } from '../domain/jurisdiction.ts';
import type { Sql } from '../domain/sql.ts';

export type WeekRow = {
  /** YYYY-MM-DD: the day in the event's own words, else the day we had it. */
  readonly day: string;
  readonly agency: string;
  readonly type: string;
  readonly events: number;
  readonly notices: number;
  readonly push: number;
  readonly email: number;
  readonly sms: number;
  /** Not sent now: waits, ended, or has nowhere to go. */
  readonly unsent: number;
};

/** Events by day, agency and type, and what became of them. */
export async function eventsByDay(sql: Sql): Promise<WeekRow[]> {
  const { rows } = await sql.query<WeekRow>(
    `WITH sent AS (
       SELECT n.event_id, count(DISTINCT n.id) AS notices,
         count(*) FILTER (WHERE d.status IN ('sent', 'delivered') AND d.channel = 'push') AS push,
         count(*) FILTER (WHERE d.status IN ('sent', 'delivered') AND d.channel = 'email') AS email,
         count(*) FILTER (WHERE d.status IN ('sent', 'delivered') AND d.channel = 'sms') AS sms,
         count(*) FILTER (WHERE d.id IS NULL OR d.status NOT IN ('sent', 'delivered', 'planned', 'sending')) AS unsent
       FROM notifications n LEFT JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month GROUP BY 1
     )
     SELECT coalesce(left(e.body->>'time', 10), to_char(e.received_at AT TIME ZONE $1, 'YYYY-MM-DD')) AS day, e.agency_id AS agency, e.type,
       count(*) AS events, coalesce(sum(s.notices), 0)::bigint AS notices, coalesce(sum(s.push), 0)::bigint AS push,
       coalesce(sum(s.email), 0)::bigint AS email, coalesce(sum(s.sms), 0)::bigint AS sms, coalesce(sum(s.unsent), 0)::bigint AS unsent
     FROM events e LEFT JOIN sent s ON s.event_id = e.id GROUP BY 1, 2, 3 ORDER BY 1 DESC, min(e.body->>'time') DESC, e.type`,
    [ZONE],
  );
  return rows;
}

export type RecentEvent = {
  readonly row: string;
  readonly agency: string;
  readonly type: string;
  readonly id: string;
  readonly subject: string | null;
  readonly state: string;
  readonly receivedAt: Date;
  readonly notices: number;
  readonly push: number;
  readonly email: number;
  readonly sms: number;
};

/** The events that came last, each with what it has led to so far. */
export async function recentEvents(sql: Sql, limit: number): Promise<RecentEvent[]> {
  const { rows } = await sql.query<RecentEvent>(
    `WITH last AS (SELECT * FROM events ORDER BY received_at DESC, id LIMIT $1),
     sent AS (
       SELECT n.event_id, count(DISTINCT n.id) AS notices, count(*) FILTER (WHERE d.channel = 'push') AS push,
         count(*) FILTER (WHERE d.channel = 'email') AS email, count(*) FILTER (WHERE d.channel = 'sms') AS sms
       FROM notifications n LEFT JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month AND d.status IN ('sent', 'delivered')
       WHERE n.event_id IN (SELECT id FROM last) GROUP BY 1
     )
     SELECT l.id AS row, l.agency_id AS agency, l.type, l.event_id AS id, l.body->>'subject' AS subject, l.state, l.received_at AS "receivedAt",
       coalesce(s.notices, 0) AS notices, coalesce(s.push, 0) AS push, coalesce(s.email, 0) AS email, coalesce(s.sms, 0) AS sms
     FROM last l LEFT JOIN sent s ON s.event_id = l.id ORDER BY l.received_at DESC, l.id`,
    [limit],
  );
  return rows;
}

export type RuleRow = {
  readonly rule: string;
  readonly agency: string;
  readonly matched: number;
  readonly notified: number;
  readonly told: number;
  readonly done: number;
  readonly superseded: number;
  readonly nobody: number;
  readonly optedOut: number;
  readonly noAddress: number;
};

/** The equation of each rule over its complete runs: matched = notified + told + done + superseded + nobody + opted out. */
export async function matchesByRule(sql: Sql): Promise<RuleRow[]> {
  const { rows } = await sql.query<RuleRow>(
    `SELECT s.rule_id AS rule, s.agency_id AS agency, sum(r.matched)::bigint AS matched, sum(r.notified)::bigint AS notified, sum(r.told)::bigint AS told,
       sum(r.done)::bigint AS done, sum(r.superseded)::bigint AS superseded, sum(r.nobody)::bigint AS nobody, sum(r.opted_out)::bigint AS "optedOut",
       sum(r.no_address)::bigint AS "noAddress"
     FROM runs r JOIN fanouts f ON f.id = r.fanout_id AND f.run_id = r.run_id JOIN stage_runs s ON s.id = f.stage_run_id
     GROUP BY 1, 2 ORDER BY 3 DESC, 1`,
  );
  return rows;
}

export type DeliveryCount = {
  readonly channel: string;
  readonly status: string;
  /** Of what waits the reason, of what ended without a call the cause; null where there is none. */
  readonly reason: string | null;
  readonly count: number;
};

export async function deliveriesByStatus(sql: Sql): Promise<DeliveryCount[]> {
  const { rows } = await sql.query<DeliveryCount>(
    `SELECT d.channel, d.status, CASE WHEN d.status = 'waiting' THEN (SELECT w.reason FROM waiting w WHERE w.delivery_id = d.id LIMIT 1)
         WHEN d.status NOT IN ('sent', 'delivered') THEN d.code END AS reason, count(*) AS count
     FROM deliveries d GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`,
  );
  return rows;
}

export type Totals = {
  readonly events: number;
  readonly citizens: number;
  readonly notices: number;
  /** Events whose person nobody knows yet. */
  readonly unresolved: number;
  readonly quarantine: number;
};

export async function readTotals(sql: Sql): Promise<Totals> {
  const { rows } = await sql.query<Totals>(
    `SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM citizens) AS citizens, (SELECT count(*) FROM notifications) AS notices,
       (SELECT count(*) FROM unresolved) AS unresolved, (SELECT count(*) FROM quarantine WHERE state = 'open') AS quarantine`,
  );
  return rows[0]!;
}

/** Changes whenever something is told, taken in, stopped or ended: cheap enough to look at several times a second. */
export async function pulse(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ pulse: string }>(
    `SELECT concat_ws('/', (SELECT count(*) FROM events), (SELECT count(*) FROM events WHERE state = 'received'), (SELECT count(*) FROM notifications),
       (SELECT count(*) FROM simulated_sends), (SELECT string_agg(status::text || n, ',' ORDER BY status) FROM (SELECT status, count(*) AS n FROM deliveries GROUP BY 1) d),
       (SELECT count(*) || coalesce(max(created_at)::text, '') FROM stops), (SELECT count(*) FROM quarantine)) AS pulse`,
  );
  return rows[0]!.pulse;
}

export type InboxCandidate = {
  readonly citizen: string;
  readonly notices: number;
  /** What it is an example of. */
  readonly kind: 'full' | 'waiting' | 'no-address' | 'refuses' | 'english';
};

/** `limit` inboxes with the most rules, then one of each other kind that there is. */
export async function inboxesWorthALook(sql: Sql, limit: number): Promise<InboxCandidate[]> {
  const { rows } = await sql.query<InboxCandidate>(
    `WITH inbox AS (
       SELECT n.recipient_id AS citizen, count(*) AS notices, count(DISTINCT r.rule_id) AS rules, bool_or(n.no_address) AS no_address,
         min(n.locale) AS locale FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id GROUP BY 1
     )
     (SELECT citizen, notices, 'full' AS kind FROM inbox ORDER BY rules DESC, notices DESC, citizen LIMIT $1)
     UNION ALL (SELECT citizen, notices, 'english' FROM inbox WHERE locale = 'en' ORDER BY rules DESC, notices DESC, citizen LIMIT 1)
     UNION ALL (SELECT citizen, notices, 'waiting' FROM inbox WHERE citizen IN (
       SELECT n.recipient_id FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month WHERE d.status = 'waiting')
       ORDER BY rules DESC, citizen LIMIT 1)
     UNION ALL (SELECT citizen, notices, 'no-address' FROM inbox WHERE no_address ORDER BY rules DESC, citizen LIMIT 1)
     UNION ALL (SELECT citizen, notices, 'refuses' FROM inbox WHERE citizen IN (SELECT citizen_id FROM opt_outs WHERE ended_at IS NULL)
       ORDER BY rules DESC, citizen LIMIT 1)`,
    [limit],
  );
  return rows;
}

export type KnownCitizen = {
  readonly locale: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** HH:MM, or null. */
  readonly quietFrom: string | null;
  readonly quietTo: string | null;
  readonly off: readonly string[];
  readonly channels: readonly string[];
};

/** A person with what is held about them here; attributes are empty where a register owns them. */
export async function knownCitizen(sql: Sql, id: string): Promise<KnownCitizen | null> {
  const { rows } = await sql.query<KnownCitizen>(
    `SELECT c.locale, coalesce(m.attributes, '{}') AS attributes, left(p.quiet_from::text, 5) AS "quietFrom", left(p.quiet_to::text, 5) AS "quietTo",
       ARRAY(SELECT DISTINCT category FROM opt_outs o WHERE o.citizen_id = c.id AND o.ended_at IS NULL AND category IS NOT NULL) AS off,
       ARRAY(SELECT DISTINCT channel FROM contact_points k WHERE k.citizen_id = c.id AND k.verified_at IS NOT NULL AND k.invalid_at IS NULL) AS channels
     FROM citizens c LEFT JOIN merged_profiles m ON m.citizen_id = c.id LEFT JOIN preferences p ON p.citizen_id = c.id WHERE c.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

export type Judgement = {
  readonly notification: string;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly asOf: string;
  readonly event: Readonly<Record<string, unknown>>;
};

/** What each notice was judged on: rule version, day, and the event's data. */
export async function judgementsOf(sql: Sql, notifications: readonly string[]): Promise<Judgement[]> {
  const { rows } = await sql.query<Judgement>(
    `SELECT n.id AS notification, r.rule_id AS rule, r.rule_version AS "ruleVersion", r.as_of AS "asOf", e.body->'data' AS event
     FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id JOIN events e ON e.id = n.event_id WHERE n.id = ANY($1::uuid[])`,
    [notifications],
  );
  return rows;
}

export type Process = {
  readonly kind: 'worker' | 'rules';
  readonly host: string | null;
  readonly pid: number | null;
  readonly citizens: number | null;
  /** Seconds since it last said that it lives. */
  readonly age: number;
};

/** Workers and rules processes that have said in the last seconds that they live, wherever they run. */
export async function livingProcesses(sql: Sql): Promise<Process[]> {
  const { rows } = await sql.query<Process>(
    `SELECT 'worker' AS kind, host, pid, NULL::bigint AS citizens, extract(epoch FROM clock_timestamp() - heartbeat_at)::float8 AS age
       FROM worker_sessions WHERE ended_at IS NULL
     UNION ALL
     SELECT 'rules', NULL, NULL, citizens, extract(epoch FROM clock_timestamp() - reported_at)::float8 FROM rules_processes
       WHERE reported_at > clock_timestamp() - interval '10 seconds' ORDER BY 1, 2, 3`,
  );
  return rows;
}

export async function databaseVersion(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ version: string }>(
    `SELECT current_setting('server_version') AS version`,
  );
  return rows[0]!.version.split(' ')[0] ?? '';
}
