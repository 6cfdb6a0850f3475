/**
 * Campaigns that a person cancelled, for good: a stop can be lifted, this cannot. The mark on the campaign is what counts: planning and the
 * claim read it, and workers look at it before a call. What was planned already is ended in the background, so that a million rows do not
 * pass through the queue only to be refused.
 */
import type { CampaignId } from '../domain/ids.ts';
import type { Sql, SqlPool } from '../domain/sql.ts';
import { CHANNELS, LANES } from '../domain/statuses.ts';
import type { Cursor } from './inbox.ts';

export type Cancellation = {
  readonly campaign: CampaignId;
  readonly agency: string;
  readonly cancelledAt: Date;
  readonly reason: string;
  /** False where it was cancelled before; the first reason stands. */
  readonly fresh: boolean;
};

/** undefined where there is no such campaign. Its stages that are not due yet go with it. */
export async function cancelCampaign(
  sql: Sql,
  campaign: string,
  given: { readonly by: string; readonly reason: string },
  nowMs: number,
): Promise<Cancellation | undefined> {
  const { rows } = await sql.query<Cancellation>(
    `WITH cancelled AS (
         UPDATE campaigns SET cancelled_at = $2, cancelled_by = $3, cancel_reason = $4, superseded_at = coalesce(superseded_at, $2)
         WHERE id = $1::uuid AND cancelled_at IS NULL RETURNING id, agency_id, cancelled_at, cancel_reason
       ), dropped AS (DELETE FROM schedules s USING cancelled c WHERE s.campaign_id = c.id AND s.obligation_id IS NULL)
       SELECT id AS campaign, agency_id AS agency, cancelled_at AS "cancelledAt", cancel_reason AS reason, true AS fresh FROM cancelled
       UNION ALL
       SELECT id, agency_id, cancelled_at, cancel_reason, false FROM campaigns
       WHERE id = $1::uuid AND NOT EXISTS (SELECT 1 FROM cancelled) AND cancelled_at IS NOT NULL`,
    [campaign, new Date(nowMs), given.by, given.reason],
  );
  return rows[0];
}

/** Of these campaigns, those that were cancelled. */
export async function cancelledOf(sql: Sql, campaigns: readonly CampaignId[]): Promise<Set<CampaignId>> {
  if (campaigns.length === 0) return new Set();
  const { rows } = await sql.query<{ id: CampaignId }>(
    'SELECT id FROM campaigns WHERE id = ANY($1::uuid[]) AND cancelled_at IS NOT NULL',
    [[...new Set(campaigns)]],
  );
  return new Set(rows.map((row) => row.id));
}

export type Unswept = { readonly id: CampaignId; readonly agency: string };

/** Cancelled campaigns of which something may still be planned. */
export async function unsweptCampaigns(sql: Sql): Promise<Unswept[]> {
  const { rows } = await sql.query<Unswept>({
    name: 'unswept-campaigns',
    text: 'SELECT id, agency_id AS agency FROM campaigns WHERE cancelled_at IS NOT NULL AND swept_at IS NULL ORDER BY cancelled_at LIMIT 20',
    values: [],
  });
  return rows;
}

const BATCHES = 50;
const ROWS = 2_000;
/** Sorts before everything. */
const FIRST = { at: '-infinity', id: '00000000-0000-0000-0000-000000000000' };

/**
 * Ends what of a campaign is ready or waits, in short transactions; what is queued ends at its claim. Marks the campaign as swept where no
 * shard's answer is still to come, after a pass that began after the last of it. Returns how many deliveries it ended.
 */
export async function sweepCampaign(
  pool: SqlPool,
  { id, agency }: Unswept,
  nowMs: number,
  mayGoOn: () => boolean = () => true,
): Promise<number> {
  const { rows } = await pool.query<{ open: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id WHERE r.campaign_id = $1 AND f.state = 'asked') AS open`,
    [id],
  );
  let ended = 0;
  for (const channel of CHANNELS)
    for (const lane of LANES)
      for (let from: typeof FIRST | null = FIRST; from !== null && mayGoOn(); ) {
        const step: Step = await endReady(pool, { id, agency, channel, lane, from, nowMs });
        ended += step.ended;
        from = step.next;
      }
  for (let from: typeof FIRST | null = FIRST; from !== null && mayGoOn(); ) {
    const step: Step = await endWaiting(pool, { id, agency, from, nowMs });
    ended += step.ended;
    from = step.next;
  }
  if (rows[0]?.open === false && mayGoOn())
    await pool.query('UPDATE campaigns SET swept_at = now() WHERE id = $1 AND swept_at IS NULL', [id]);
  return ended;
}

type From = { readonly at: string; readonly id: string };
type Step = { readonly ended: number; readonly next: From | null };
type StepRow = { readonly ended: number; readonly seen: number; readonly at: string; readonly id: string };

const stepOf = (row: StepRow | undefined, full: number): Step => ({
  ended: row?.ended ?? 0,
  next: row === undefined || row.seen < full ? null : { at: row.at, id: row.id },
});

async function endReady(
  sql: Sql,
  given: Unswept & { channel: string; lane: string; from: From; nowMs: number },
): Promise<Step> {
  const { rows } = await sql.query<StepRow>({
    name: 'cancel-ready',
    text: `WITH seen AS MATERIALIZED (
        SELECT id, month, delivery_ids, created_at FROM batches
        WHERE channel = $1 AND lane = $2 AND state = 'ready' AND agency_id = $3 AND (created_at, id) > ($4::timestamptz, $5::uuid)
        ORDER BY created_at, id LIMIT ${BATCHES}
      ), mine AS (
        SELECT d.id, d.month FROM seen b CROSS JOIN LATERAL unnest(b.delivery_ids) AS x(id)
        JOIN deliveries d ON d.id = x.id AND d.month = b.month JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
        JOIN stage_runs r ON r.id = n.stage_run_id
        WHERE d.batch_id = b.id AND d.status = 'planned' AND r.campaign_id = $6 ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
      ), ended AS (
        UPDATE deliveries d SET status = 'cancelled', code = 'campaign', finished_at = $7 FROM mine m
        WHERE d.id = m.id AND d.month = m.month RETURNING d.batch_id, d.month
      ), closed AS (
        UPDATE batches b SET open = b.open - e.n, state = CASE WHEN b.open <= e.n THEN 'ended' ELSE b.state END
        FROM (SELECT batch_id, month, count(*) AS n FROM ended GROUP BY 1, 2) e
        WHERE b.id = e.batch_id AND b.month = e.month AND b.state = 'ready'
      )
      SELECT (SELECT count(*) FROM ended)::int AS ended, (SELECT count(*) FROM seen)::int AS seen, created_at::text AS at, id
      FROM seen ORDER BY created_at DESC, id DESC LIMIT 1`,
    values: [
      given.channel,
      given.lane,
      given.agency,
      given.from.at,
      given.from.id,
      given.id,
      new Date(given.nowMs),
    ],
  });
  return stepOf(rows[0], BATCHES);
}

async function endWaiting(sql: Sql, given: Unswept & { from: From; nowMs: number }): Promise<Step> {
  const { rows } = await sql.query<StepRow>({
    name: 'cancel-waiting',
    text: `WITH seen AS MATERIALIZED (
        SELECT due_at, delivery_id, month, agency_id FROM waiting WHERE (due_at, delivery_id) > ($1::timestamptz, $2::uuid)
        ORDER BY due_at, delivery_id LIMIT ${ROWS}
      ), mine AS (
        SELECT d.id, d.month FROM seen s JOIN deliveries d ON d.id = s.delivery_id AND d.month = s.month
        JOIN notifications n ON n.id = d.notification_id AND n.month = d.month JOIN stage_runs r ON r.id = n.stage_run_id
        WHERE s.agency_id = $3 AND d.status = 'waiting' AND r.campaign_id = $4 ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
      ), ended AS (
        UPDATE deliveries d SET status = 'cancelled', code = 'campaign', finished_at = $5 FROM mine m
        WHERE d.id = m.id AND d.month = m.month RETURNING d.id
      ), gone AS (DELETE FROM waiting w USING ended e WHERE w.delivery_id = e.id)
      SELECT (SELECT count(*) FROM ended)::int AS ended, (SELECT count(*) FROM seen)::int AS seen, due_at::text AS at, delivery_id AS id
      FROM seen ORDER BY due_at DESC, delivery_id DESC LIMIT 1`,
    values: [given.from.at, given.from.id, given.agency, given.id, new Date(given.nowMs)],
  });
  return stepOf(rows[0], ROWS);
}

export const CAMPAIGN_STATES = ['running', 'paused', 'ended', 'cancelled'] as const;
/** As a list tells them apart cheaply: `running` has not been ended by anything and may have long sent everything. */
export type CampaignListState = (typeof CAMPAIGN_STATES)[number];

export type CampaignRow = Cursor & {
  readonly campaign: CampaignId;
  readonly agency: string;
  readonly rule: string;
  readonly category: string;
  /** Of a broadcast its event's id; null for the events of a day that name a person. */
  readonly event: string | null;
  readonly day: string | null;
  readonly acceptedAt: Date;
  /** Later, or never again: a newer version, a withdrawal or a person ended it. */
  readonly endedAt: Date | null;
  readonly cancelledAt: Date | null;
  readonly reason: string | null;
  readonly state: CampaignListState;
  readonly planned: number;
};

const LISTED = `CASE WHEN c.cancelled_at IS NOT NULL THEN 'cancelled'
  WHEN EXISTS (SELECT 1 FROM stops s WHERE s.scope = 'campaign:' || c.id::text) THEN 'paused'
  WHEN c.superseded_at IS NOT NULL OR c.expires_at < now() THEN 'ended' ELSE 'running' END`;

export type CampaignFilter = {
  /** null sees all agencies'. */
  readonly agency: string | null;
  readonly state: CampaignListState | null;
  readonly rule: string | null;
};

/** Newest first. */
export async function listCampaigns(
  sql: Sql,
  filter: CampaignFilter,
  after: Cursor | null,
  limit: number,
): Promise<CampaignRow[]> {
  const { rows } = await sql.query<CampaignRow>(
    `SELECT to_char(c.accepted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, c.id, c.id AS campaign, c.agency_id AS agency,
       c.rule_id AS rule, c.category, e.event_id AS event, c.day, c.accepted_at AS "acceptedAt",
       c.superseded_at AS "endedAt", c.cancelled_at AS "cancelledAt", c.cancel_reason AS reason, c.state,
       (SELECT coalesce(sum(u.planned), 0) FROM stage_runs r JOIN fanouts f ON f.stage_run_id = r.id JOIN runs u ON u.fanout_id = f.id
        WHERE r.campaign_id = c.id)::bigint AS planned
     FROM (SELECT * FROM (SELECT c.*, ${LISTED} AS state FROM campaigns c
         WHERE ($1::text IS NULL OR c.agency_id = $1) AND ($2::text IS NULL OR c.rule_id = $2)
           AND ($3::timestamptz IS NULL OR (c.accepted_at, c.id) < ($3::timestamptz, $4::uuid))) c
       WHERE $5::text IS NULL OR c.state = $5 ORDER BY c.accepted_at DESC, c.id DESC LIMIT $6) c
     LEFT JOIN events e ON e.id = c.event_id ORDER BY c.accepted_at DESC, c.id DESC`,
    [filter.agency, filter.rule, after?.at ?? null, after?.id ?? null, filter.state, limit],
  );
  return rows;
}
