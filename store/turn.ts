/**
 * T4 and T5 in one statement: finished results are written and the next rows claimed together, over all jobs of a process
 * (workers/coalescer.ts). Hot: everything is a lookup by key; the pool of this statement runs with nested loops only, because a plan made
 * while a month was empty would scan it when it is full. What looks into the results themselves is therefore written as NOT IN, which is
 * a hash table in any plan: as NOT EXISTS, 700 results with their batches' ends took 270 ms, most of it in comparing each with each.
 * That a batch is queued is asked as "neither ready nor ended", lest it be looked for among all that are queued instead of by its key.
 */
import type { CloudEvent } from '../domain/event.ts';
import type { BatchId, CampaignId, DeliveryId, NotificationId, SessionId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Category, Channel, DeliveryStatus, Lane } from '../domain/statuses.ts';
import { idArray, plainArray } from './arrays.ts';

export type Result = {
  readonly delivery: DeliveryId;
  readonly month: string;
  readonly attempt: number;
  readonly session: SessionId;
  readonly status: Extract<
    DeliveryStatus,
    'sent' | 'waiting' | 'ambiguous' | 'failed-permanent' | 'failed-temporary' | 'failed-technical'
  >;
  readonly code: string | null;
  readonly reference: string | null;
  /** With `waiting`: when to try again. */
  readonly retryAtMs: number | null;
  /** Nobody knows whether the call was carried out. */
  readonly unclear: boolean;
  /** With `failed-permanent`: the address itself is at fault and must not be used again. */
  readonly addressDead: boolean;
  /** With `waiting`: the row was claimed and never called, because of a stop. It is as if it had not been claimed. */
  readonly uncalled: boolean;
};

export type Claim = {
  readonly batch: BatchId;
  readonly generation: number;
  readonly month: string;
  readonly max: number;
  /** Only rows at these places of the batch, from 1, both included; all of them unless told. A batch is gone through without looking twice. */
  readonly span?: readonly [first: number, last: number];
};

export type End = {
  readonly batch: BatchId;
  readonly generation: number;
  readonly month: string;
  /** Who asks has claimed every row of the batch under this generation, and each of their results that was said before fitted its row. */
  readonly whole: boolean;
};

export type Claimed = {
  readonly id: DeliveryId;
  readonly month: string;
  readonly batch: BatchId;
  readonly attempt: number;
  readonly channel: Channel;
  readonly lane: Lane;
  readonly agency: string;
  readonly category: Category;
  /** `send`, else what it became instead of being called. */
  readonly verdict: string;
  readonly expiresAt: Date | null;
  readonly contactPoint: string;
  readonly address: Buffer | null;
  /** Calls before this one of which nobody knows how they ended. */
  readonly unclear: number;
  /** When it was first called; null where this is the first call. */
  readonly firstAt: Date | null;
  readonly notification: NotificationId;
  readonly template: number;
  readonly locale: string;
  readonly reach: 'certain' | 'possible';
  readonly values: Readonly<Record<string, string | number | boolean | null>> | null;
  readonly stageKind: string;
  readonly event: string;
  /** null for a broadcast: read it once by id. */
  readonly body: CloudEvent | null;
  readonly previousEvent: string | null;
  readonly rule: string;
  readonly ruleVersion: number;
  /** How many deliveries the batch had when it was made. */
  readonly size: number;
  /** The session it was claimed under. */
  readonly session: SessionId;
  readonly campaign: CampaignId;
  /** The agency is in trial and the recipient not on its list: the provider must not be called. */
  readonly simulated: boolean;
  /** When the event came, or, where that is later, its stage fell due. */
  readonly since: Date;
};

/** More than any batch has. */
const MOST_ROWS = 1_000_000;

/**
 * `$now` decides expiry and quiet hours and comes from the worker's clock. A claim needs its session to be alive: FOR KEY SHARE keeps
 * it from being declared dead before the claim has committed. Order of reasons: what ends the notice for good, what suppresses it for
 * this person, what only postpones it.
 */
const TURN = `
WITH result AS (
  SELECT * FROM unnest($1::uuid[], $3::int[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::boolean[], $10::boolean[], $18::boolean[])
    u(id, attempt, session, status, code, reference, retry_at, unclear, address_dead, uncalled)
), finished AS (
  UPDATE deliveries d SET status = r.status::delivery_status, code = r.code, reference = r.reference, finished_at = $11,
    unclear = d.unclear + CASE WHEN r.unclear THEN 1 ELSE 0 END,
    attempt = d.attempt - CASE WHEN r.uncalled THEN 1 ELSE 0 END,
    session_id = CASE WHEN r.uncalled THEN NULL ELSE d.session_id END,
    claimed_at = CASE WHEN r.uncalled THEN NULL ELSE d.claimed_at END
  FROM result r
  WHERE d.id = r.id AND d.month = $2::date AND d.status = 'sending' AND d.session_id = r.session AND d.attempt = r.attempt
  RETURNING d.id, d.month, d.agency_id, d.channel, d.lane, d.attempt, d.session_id, d.claimed_at, d.contact_point_id, r.status, r.code,
    r.retry_at, r.unclear, r.address_dead, r.uncalled
), evidence AS (
  INSERT INTO attempts (delivery_id, number, month, agency_id, session_id, claimed_at, finished_at, outcome, code, late)
  SELECT f.id, f.attempt, f.month, f.agency_id, f.session_id, f.claimed_at, $11, CASE WHEN f.unclear THEN 'ambiguous' ELSE f.status END, f.code, false
  FROM finished f WHERE f.status <> 'sent' AND NOT f.uncalled
  UNION ALL
  SELECT r.id, r.attempt, d.month, d.agency_id, r.session, NULL, $11, r.status, r.code, true
  FROM result r JOIN deliveries d ON d.id = r.id AND d.month = $2::date WHERE r.id NOT IN (SELECT f.id FROM finished f) AND NOT r.uncalled
    -- Said twice because the first answer was lost: no evidence of anything.
    AND NOT (d.session_id = r.session AND d.attempt = r.attempt AND d.status <> 'sending' AND d.code IS NOT DISTINCT FROM r.code)
  ON CONFLICT DO NOTHING
), later AS (
  INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
  SELECT coalesce(f.retry_at, $11), f.id, f.month, f.agency_id, f.channel, f.lane,
    CASE WHEN f.status = 'failed-permanent' THEN 'next-channel' WHEN f.unclear THEN 'ambiguous' WHEN f.uncalled THEN 'stopped' ELSE 'retry' END
  FROM finished f WHERE f.status IN ('waiting', 'failed-permanent') ON CONFLICT DO NOTHING
), dead_address AS (
  UPDATE contact_points p SET invalid_at = $11, invalid_code = f.code FROM finished f WHERE f.address_dead AND p.id = f.contact_point_id
), alive AS (
  SELECT id FROM worker_sessions WHERE id = $15 AND ended_at IS NULL FOR KEY SHARE
), want AS (
  SELECT * FROM unnest($12::uuid[], $13::int[], $14::int[], $19::int[], $20::int[]) u(batch, generation, max, first, last) WHERE EXISTS (SELECT 1 FROM alive)
), picked AS (
  SELECT x.*, cardinality(b.delivery_ids) AS size, g.trial
  FROM want w JOIN batches b ON b.id = w.batch AND b.month = $2::date AND b.generation = w.generation AND b.state NOT IN ('ready', 'ended')
  JOIN agencies g ON g.id = b.agency_id
  CROSS JOIN LATERAL (
    SELECT d.ctid AS place, d.id, d.month, d.batch_id, d.attempt, d.unclear, d.channel, d.lane, d.agency_id, d.expires_at, d.contact_point_id, d.notification_id
    FROM deliveries d WHERE d.id = ANY(b.delivery_ids[w.first:w.last]) AND d.month = $2::date AND d.batch_id = b.id AND d.status = 'planned'
    LIMIT w.max FOR UPDATE SKIP LOCKED
  ) x
), judged AS (
  SELECT p.*, n.template_id, n.locale, n.reach, n."values", n.stage_kind, n.event_id, n.previous_event_id, c.category, r.rule_id, r.rule_version, r.due_at,
    a.address, c.event_id IS NULL AS targeted, c.id AS campaign_id,
    p.trial AND NOT EXISTS (SELECT 1 FROM trial_recipients w WHERE w.agency_id = p.agency_id
      AND w.key IN ('citizen:' || n.recipient_id, 'address:' || encode(a.address_index, 'hex'))) AS simulated,
    CASE
      -- An earlier call may have arrived: that it only expired would be more than we know.
      WHEN p.expires_at <= $11 THEN CASE WHEN p.unclear > 0 THEN 'ambiguous/expired' ELSE 'expired' END
      WHEN c.cancelled_at IS NOT NULL THEN 'cancelled/campaign'
      WHEN c.event_id IS NOT NULL AND c.superseded_at IS NOT NULL THEN 'cancelled/superseded'
      WHEN o.version > n.version THEN 'cancelled/superseded'
      WHEN o.state = 'done' THEN 'cancelled/done'
      WHEN o.state = 'cancelled' THEN 'cancelled/withdrawn'
      WHEN z.dead_at IS NOT NULL THEN 'suppressed/dead'
      WHEN c.category IN ('service', 'information') AND c.category = ANY(f.off) THEN 'suppressed/opted-out'
      WHEN w.everywhere AND c.category IN ('service', 'information') THEN 'suppressed/opted-out'
      -- Not this channel, or not this address: the notice goes on to the next.
      WHEN NOT p.channel = ANY(f.channels) OR w.here THEN 'suppressed/channel-off'
      WHEN a.id IS NULL OR a.invalid_at IS NOT NULL OR a.verified_at IS NULL THEN 'suppressed/address-gone'
      WHEN (SELECT EXISTS (SELECT 1 FROM stops)) AND EXISTS (SELECT 1 FROM stops s WHERE s.scope IN ('all', 'agency:' || p.agency_id, 'channel:' || p.channel, 'campaign:' || c.id::text)) THEN 'waiting/stopped'
      WHEN c.category <> 'emergency' AND f.quiet_from IS NOT NULL AND f.quiet_to IS NOT NULL AND CASE WHEN f.quiet_from <= f.quiet_to
          THEN local.t >= f.quiet_from AND local.t < f.quiet_to ELSE local.t >= f.quiet_from OR local.t < f.quiet_to END THEN 'waiting/quiet-hours'
      ELSE 'send'
    END AS verdict,
    -- The next time the clock of the citizen shows quiet_to.
    CASE WHEN f.quiet_to IS NOT NULL THEN
      (local.day + f.quiet_to + CASE WHEN local.t >= f.quiet_to THEN interval '1 day' ELSE interval '0' END) AT TIME ZONE z.zone
    END AS quiet_until
  FROM picked p
  JOIN notifications n ON n.id = p.notification_id AND n.month = $2::date
  JOIN stage_runs r ON r.id = n.stage_run_id
  JOIN campaigns c ON c.id = r.campaign_id
  LEFT JOIN obligations o ON o.id = n.obligation_id
  LEFT JOIN contact_points a ON a.id = p.contact_point_id
  LEFT JOIN citizens z ON z.id = n.recipient_id
  LEFT JOIN preferences f ON f.citizen_id = n.recipient_id
  LEFT JOIN LATERAL (
    SELECT bool_or(w.channel IS NULL) AS everywhere, bool_or(w.channel = p.channel) AS here FROM opt_outs w
    WHERE w.citizen_id = n.recipient_id AND w.ended_at IS NULL AND (w.agency_id IS NULL OR w.agency_id = p.agency_id)
      AND (w.category IS NULL OR w.category = c.category)
  ) w ON true
  LEFT JOIN LATERAL (SELECT ($11::timestamptz AT TIME ZONE z.zone)::time AS t, ($11::timestamptz AT TIME ZONE z.zone)::date AS day) local ON true
), claimed AS (
  UPDATE deliveries d SET
    status = CASE WHEN j.verdict = 'send' THEN 'sending' ELSE split_part(j.verdict, '/', 1) END::delivery_status,
    code = CASE WHEN j.verdict = 'send' THEN NULL ELSE nullif(split_part(j.verdict, '/', 2), '') END,
    attempt = d.attempt + CASE WHEN j.verdict = 'send' THEN 1 ELSE 0 END,
    session_id = CASE WHEN j.verdict = 'send' THEN $15::uuid ELSE d.session_id END,
    claimed_at = CASE WHEN j.verdict = 'send' THEN $11 ELSE d.claimed_at END,
    finished_at = CASE WHEN j.verdict = 'send' THEN NULL ELSE $11 END
  -- By its place, which the lock holds: a second look into the index costs as much as the update.
  FROM judged j WHERE d.ctid = j.place AND d.month = $2::date AND d.id = j.id
  RETURNING d.id
), unsent AS (
  SELECT j.* FROM judged j WHERE j.verdict <> 'send' AND (j.id IN (SELECT id FROM claimed)) IS TRUE
), postponed AS (
  INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason)
  SELECT CASE j.verdict WHEN 'waiting/quiet-hours' THEN j.quiet_until WHEN 'waiting/stopped' THEN $11::timestamptz + interval '5 seconds' ELSE $11 END,
    j.id, j.month, j.agency_id, j.channel, j.lane,
    CASE WHEN j.verdict LIKE 'suppressed/%' THEN 'next-channel' ELSE split_part(j.verdict, '/', 2) END
  FROM unsent j WHERE j.verdict LIKE 'waiting/%' OR j.verdict IN ('suppressed/channel-off', 'suppressed/address-gone') ON CONFLICT DO NOTHING
), ended AS (
  UPDATE batches b SET open = x.open, state = CASE WHEN x.open = 0 THEN 'ended' ELSE b.state END
  FROM unnest($16::uuid[], $17::int[], $21::boolean[]) u(id, generation, whole)
  JOIN batches c ON c.id = u.id AND c.month = $2::date AND c.generation = u.generation AND c.state NOT IN ('ready', 'ended')
  CROSS JOIN LATERAL (
    -- Whole, and every result of this statement fitted its row: each of its rows was claimed and settled by its job, and none is open.
    SELECT CASE WHEN u.whole AND (SELECT count(*) FROM finished) = cardinality($1::uuid[]) THEN 0 ELSE (
      SELECT count(*) FROM deliveries d
      WHERE d.id = ANY(c.delivery_ids) AND d.month = $2::date AND d.batch_id = c.id AND (d.status = 'planned'
        -- This statement does not see what it writes itself: rows whose result it takes in are settled.
        OR d.status = 'sending' AND (d.id, d.session_id, d.attempt::int) NOT IN (SELECT r.id, r.session, r.attempt FROM result r))
    ) END AS open
    OFFSET 0
  ) x
  WHERE b.id = c.id AND b.month = $2::date
), told AS (
  -- What agencies are told of (domain/status-report.ts): what ended for good here, but not what they ended themselves. Nothing is gathered
  -- where nobody subscribed: the question is asked once a statement.
  SELECT f.agency_id, f.id, f.month, f.status, f.code FROM finished f
  WHERE f.status <> 'waiting' AND (SELECT EXISTS (SELECT 1 FROM report_subscriptions))
  UNION ALL
  SELECT j.agency_id, j.id, j.month, split_part(j.verdict, '/', 1), nullif(split_part(j.verdict, '/', 2), '')
  FROM unsent j WHERE (j.verdict IN ('expired', 'ambiguous/expired') OR j.verdict LIKE 'suppressed/%') AND (SELECT EXISTS (SELECT 1 FROM report_subscriptions))
), reported AS (
  INSERT INTO outbox (agency_id, reports, created_at)
  SELECT t.agency_id, jsonb_agg(jsonb_build_array(t.id, t.month, t.status, t.code)), $11 FROM told t
  WHERE t.agency_id = ANY(ARRAY(
    SELECT x.agency_id FROM (SELECT DISTINCT agency_id FROM told) x
    WHERE EXISTS (SELECT 1 FROM report_subscriptions s WHERE s.agency_id = x.agency_id)))
  GROUP BY t.agency_id
)
SELECT j.id, j.month, j.batch_id AS batch, j.attempt + 1 AS attempt, j.channel, j.lane, j.agency_id AS agency, j.category, j.verdict,
  -- Nothing is looked up for a first call.
  CASE WHEN j.attempt > 0 THEN (SELECT min(a.claimed_at) FROM attempts a WHERE a.delivery_id = j.id AND a.month = j.month AND a.number = 1) END AS "firstAt",
  j.expires_at AS "expiresAt", j.contact_point_id AS "contactPoint", j.address, j.unclear, j.notification_id AS notification,
  j.template_id AS template, j.locale, j.reach, j."values", j.stage_kind AS "stageKind", j.event_id AS event, e.body,
  j.previous_event_id AS "previousEvent", j.rule_id AS rule, j.rule_version AS "ruleVersion", j.size, $15::uuid AS session,
  j.campaign_id AS campaign, j.simulated,
  greatest(e.received_at, j.due_at) AS since, t.taken
FROM (SELECT count(*) AS taken FROM finished) t
-- A row that changed between this statement's snapshot and its lock is locked in its new place and not updated there: it is not claimed.
-- Not "IN" alone, which is made a join that compares each with each.
LEFT JOIN judged j ON (j.id IN (SELECT id FROM claimed)) IS TRUE
LEFT JOIN events e ON e.id = CASE WHEN j.targeted THEN j.event_id END`;

/**
 * One turn: writes `results`, claims rows for `claims`, and closes the batches in `ends` whose rows are all settled (their results may
 * come with it). A result whose session or attempt is no longer the row's own is kept as evidence only. All are of one month, so that the
 * others need not be opened: with a dozen of them that took longer than the rows. `taken` is true where every result fitted its row.
 */
export async function takeTurn(
  sql: Sql,
  session: SessionId,
  results: readonly Result[],
  claims: readonly Claim[],
  ends: readonly End[],
  nowMs: number,
): Promise<{ claimed: Claimed[]; taken: boolean }> {
  const months = new Set([...results, ...claims, ...ends].map(({ month }) => month));
  if (months.size === 0) return { claimed: [], taken: true };
  if (months.size > 1) throw new RangeError('a turn is of one month');
  const { rows } = await sql.query<Claimed & { taken: number }>({
    name: 'turn',
    text: TURN,
    values: [
      idArray(results.map((r) => r.delivery)),
      [...months][0],
      plainArray(results.map((r) => r.attempt)),
      idArray(results.map((r) => r.session)),
      plainArray(results.map((r) => r.status)),
      results.map((r) => r.code),
      results.map((r) => r.reference),
      results.map((r) => (r.retryAtMs === null ? null : new Date(r.retryAtMs))),
      plainArray(results.map((r) => r.unclear)),
      plainArray(results.map((r) => r.addressDead)),
      new Date(nowMs),
      claims.map((c) => c.batch),
      claims.map((c) => c.generation),
      claims.map((c) => c.max),
      session,
      ends.map((e) => e.batch),
      ends.map((e) => e.generation),
      plainArray(results.map((r) => r.uncalled)),
      claims.map((c) => c.span?.[0] ?? 1),
      claims.map((c) => c.span?.[1] ?? MOST_ROWS),
      ends.map((e) => e.whole),
    ],
  });
  const taken = rows[0]?.taken === results.length;
  return { claimed: rows[0]?.id === null ? [] : rows, taken };
}
