/** Who entered or left those whom an open broadcast concerns: what was said last of each, and what ends by it. */
import type { CampaignId, EventRowId, ObligationId } from '../domain/ids.ts';
import type { MatchEvent } from '../domain/records.ts';
import type { Sql } from '../domain/sql.ts';

/** A broadcast that goes on and has an end. One without an end concerns those whom it concerned when it came. */
const WATCHED = 'c.event_id IS NOT NULL AND c.superseded_at IS NULL AND c.expires_at > $1';

export type WatchedCampaign = {
  /** Of campaign and live version. */
  readonly id: string;
  readonly rule: string;
  readonly version: number;
  readonly event: EventRowId;
};

/** What is open, each under the version of its rule that is live. */
export async function watchedCampaigns(sql: Sql, nowMs: number): Promise<WatchedCampaign[]> {
  const { rows } = await sql.query<WatchedCampaign>({
    name: 'watched-campaigns',
    text: `SELECT c.id || '@' || r.live_version AS id, c.rule_id AS rule, r.live_version AS version, c.event_id AS event
      FROM campaigns c JOIN rules r ON r.id = c.rule_id AND r.live_version IS NOT NULL WHERE ${WATCHED}`,
    values: [new Date(nowMs)],
  });
  return rows;
}

/** What rules may read of events. */
export async function loadMatchEvents(
  sql: Sql,
  ids: readonly EventRowId[],
): Promise<Map<EventRowId, MatchEvent>> {
  const { rows } = await sql.query<{
    id: EventRowId;
    source: string;
    event_id: string;
    data: MatchEvent['data'] | null;
  }>(`SELECT id, source, event_id, body->'data' AS data FROM events WHERE id = ANY($1::uuid[])`, [
    [...new Set(ids)],
  ]);
  return new Map(rows.map((row) => [row.id, { source: row.source, id: row.event_id, data: row.data ?? {} }]));
}

export type CrossedCampaign = {
  readonly id: CampaignId;
  readonly agency: string;
  readonly rule: string;
  readonly event: EventRowId;
  readonly obligationKind: string;
  readonly obligationRef: string;
  readonly version: bigint;
  readonly deadline: string | null;
  readonly acceptedMs: number;
};

/** Of these campaigns, those that go on. */
export async function openCrossed(
  sql: Sql,
  ids: readonly CampaignId[],
  nowMs: number,
): Promise<Map<CampaignId, CrossedCampaign>> {
  type Row = Omit<CrossedCampaign, 'version' | 'acceptedMs'> & { version: string; accepted: Date };
  const { rows } = await sql.query<Row>({
    name: 'open-crossed',
    text: `SELECT c.id, c.agency_id AS agency, c.rule_id AS rule, c.event_id AS event, c.obligation_kind AS "obligationKind",
        c.obligation_ref AS "obligationRef", c.version::text, c.deadline, c.accepted_at AS accepted
      FROM campaigns c WHERE ${WATCHED} AND c.id = ANY($2::uuid[])`,
    values: [new Date(nowMs), ids],
  });
  return new Map(
    rows.map(({ version, accepted, ...row }) => [
      row.id,
      { ...row, version: BigInt(version), acceptedMs: accepted.getTime() },
    ]),
  );
}

export type CrossingRow = {
  readonly campaign: CampaignId;
  readonly citizen: string;
  readonly agency: string;
  readonly shard: number;
  readonly position: number;
  readonly overlays: number;
  /** YYYY-MM-DD. */
  readonly day: string;
  readonly kind: 'entered' | 'left';
};

/** Notes what was said; pairs of campaign and citizen must be distinct. Returns, as `campaign/citizen`, what is news: later than what stood there. */
export async function noteCrossings(
  sql: Sql,
  rows: readonly CrossingRow[],
  nowMs: number,
): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const noted = await sql.query<{ campaign: string; citizen: string }>({
    name: 'note-crossings',
    text: `INSERT INTO crossings AS x (campaign_id, citizen_id, agency_id, shard, position, overlays, day, kind, at)
      SELECT campaign, citizen, agency, shard, position, overlays, day, kind, $9
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::date[], $8::text[])
        u(campaign, citizen, agency, shard, position, overlays, day, kind) ORDER BY campaign, citizen
      ON CONFLICT (campaign_id, citizen_id) DO UPDATE SET position = excluded.position, overlays = excluded.overlays,
        day = excluded.day, kind = excluded.kind, at = excluded.at
        WHERE (x.position, x.overlays, x.day) < (excluded.position, excluded.overlays, excluded.day)
      RETURNING campaign_id AS campaign, citizen_id AS citizen`,
    values: [
      rows.map((r) => r.campaign),
      rows.map((r) => r.citizen),
      rows.map((r) => r.agency),
      rows.map((r) => r.shard),
      rows.map((r) => r.position),
      rows.map((r) => r.overlays),
      rows.map((r) => r.day),
      rows.map((r) => r.kind),
      new Date(nowMs),
    ],
  });
  return new Set(noted.rows.map((row) => `${row.campaign}/${row.citizen}`));
}

/**
 * Ends what is planned and unsent of these campaigns about these obligations (their rows are locked by the caller), in id order. Meets the
 * claim on the delivery row: what was claimed first stays. Returns how many ended.
 */
export async function endLeft(
  sql: Sql,
  left: readonly { readonly obligation: ObligationId; readonly campaign: CampaignId }[],
  nowMs: number,
): Promise<number> {
  if (left.length === 0) return 0;
  const { rows } = await sql.query<{ n: number }>({
    name: 'end-left',
    text: `WITH ending AS (
        SELECT d.id, d.month FROM unnest($1::uuid[], $2::uuid[]) u(obligation, campaign)
        JOIN notifications n ON n.obligation_id = u.obligation
        JOIN stage_runs r ON r.id = n.stage_run_id AND r.campaign_id = u.campaign
        JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
        WHERE d.status IN ('planned', 'waiting') ORDER BY d.id FOR UPDATE OF d
      ), ended AS (
        UPDATE deliveries d SET status = 'cancelled', code = 'left', finished_at = $3 FROM ending e
        WHERE d.id = e.id AND d.month = e.month AND d.status IN ('planned', 'waiting') RETURNING d.id
      ), dropped AS (DELETE FROM waiting w USING ended e WHERE w.delivery_id = e.id)
      SELECT count(*)::int AS n FROM ended`,
    values: [left.map((one) => one.obligation), left.map((one) => one.campaign), new Date(nowMs)],
  });
  return rows[0]?.n ?? 0;
}

/** What a page was judged by. */
export type JudgedPage = {
  readonly campaign: CampaignId;
  readonly shard: number;
  readonly position: number;
  readonly asOf: string;
};

/**
 * Who left since these pages were answered, or as of a later day than they were judged, as `campaign/citizen`. At the same position it was by
 * an overlay, which a page does not name: whoever was in it and had left before is said to have entered again. Ask after their obligations
 * were locked: whoever leaves locks the same, so either this sees them, or they see what is planned here.
 */
export async function leftSince(sql: Sql, pages: readonly JudgedPage[]): Promise<Set<string>> {
  if (pages.length === 0) return new Set();
  const { rows } = await sql.query<{ campaign: string; citizen: string }>({
    name: 'left-since',
    text: `SELECT x.campaign_id AS campaign, x.citizen_id AS citizen
      FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::date[]) u(campaign, shard, position, as_of)
      JOIN crossings x ON x.campaign_id = u.campaign AND x.shard = u.shard AND x.kind = 'left'
        AND (x.position >= u.position OR x.day > u.as_of)`,
    values: [
      pages.map((p) => p.campaign),
      pages.map((p) => p.shard),
      pages.map((p) => p.position),
      pages.map((p) => p.asOf),
    ],
  });
  return new Set(rows.map((row) => `${row.campaign}/${row.citizen}`));
}
