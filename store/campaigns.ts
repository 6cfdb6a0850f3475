/** Campaigns: what an event started under a rule, and what ends it. */
import type { CampaignId, EventRowId } from '../domain/ids.ts';
import { keyId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Category } from '../domain/statuses.ts';

export type Campaign = {
  readonly id: CampaignId;
  readonly agency: string;
  readonly rule: string;
  readonly category: Category;
  /** Broadcast: its event. */
  readonly event: EventRowId | null;
  /** Targeted: the day its events were accepted. */
  readonly day: string | null;
  readonly obligationKind: string | null;
  readonly obligationRef: string | null;
  readonly version: bigint;
  readonly deadline: string | null;
  readonly expiresAtMs: number | null;
};

export function broadcastCampaignId(event: EventRowId, rule: string): CampaignId {
  return keyId<CampaignId>('campaign', event, rule);
}

/** `withdrawals`: how often the rule was withdrawn before; what was cancelled with it stays cancelled. */
export function targetedCampaignId(rule: string, day: string, withdrawals = 0): CampaignId {
  return withdrawals === 0
    ? keyId<CampaignId>('campaign-day', rule, day)
    : keyId<CampaignId>('campaign-day', rule, day, withdrawals);
}

export async function saveCampaigns(sql: Sql, campaigns: readonly Campaign[], nowMs: number): Promise<void> {
  if (campaigns.length === 0) return;
  await sql.query({
    name: 'save-campaigns',
    text: `INSERT INTO campaigns (id, agency_id, rule_id, event_id, day, obligation_kind, obligation_ref, version, deadline, expires_at, accepted_at, category)
      SELECT id, agency, rule, event, day, kind, ref, version, deadline, expires, $11, category
      FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::date[], $6::text[], $7::text[], $8::bigint[], $9::date[], $10::timestamptz[], $12::text[])
        u(id, agency, rule, event, day, kind, ref, version, deadline, expires, category)
      ORDER BY id ON CONFLICT (id) DO NOTHING`,
    values: [
      campaigns.map((c) => c.id),
      campaigns.map((c) => c.agency),
      campaigns.map((c) => c.rule),
      campaigns.map((c) => c.event),
      campaigns.map((c) => c.day),
      campaigns.map((c) => c.obligationKind),
      campaigns.map((c) => c.obligationRef),
      campaigns.map((c) => c.version.toString()),
      campaigns.map((c) => c.deadline),
      campaigns.map((c) => (c.expiresAtMs === null ? null : new Date(c.expiresAtMs))),
      new Date(nowMs),
      campaigns.map((c) => c.category),
    ],
  });
}

/** What a broadcast's events are about: agency, kind and reference. */
export type BroadcastKey = Pick<Campaign, 'agency' | 'obligationKind' | 'obligationRef'>;

/**
 * Until the transaction ends, nobody else opens or ends broadcasts about these: of two events that arrive at once in two dispatchers, the
 * second sees the first. Sorted, so that two batches about the same things wait for each other instead of deadlocking.
 */
export async function lockBroadcasts(sql: Sql, keys: readonly BroadcastKey[]): Promise<void> {
  const names = new Set(keys.map((k) => JSON.stringify([k.agency, k.obligationKind, k.obligationRef])));
  for (const name of [...names].sort())
    await sql.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`broadcast ${name}`]);
}

/**
 * Of the broadcast campaigns of one obligation and rule, only the highest version goes on, and none that an accepted event has ended,
 * whether that came before or after: the others are marked and their schedules dropped. A settlement ends every version, a withdrawal
 * those up to its own, one without a sequence all. Needs lockBroadcasts. Returns those that stopped here, and why: `superseded` by a
 * higher version, `ended` by an event.
 */
export async function supersedeCampaigns(
  sql: Sql,
  campaigns: readonly Campaign[],
  nowMs: number,
): Promise<Map<CampaignId, 'superseded' | 'ended'>> {
  const lost = new Map<CampaignId, 'superseded' | 'ended'>();
  const keys = new Set(
    campaigns.map((c) => JSON.stringify([c.agency, c.obligationKind, c.obligationRef, c.rule])),
  );
  for (const key of keys) {
    const [agency, kind, ref, rule] = JSON.parse(key) as [string, string, string, string];
    const { rows } = await sql.query<{ id: CampaignId; ended: boolean }>(
      `WITH mine AS (
         SELECT id, version, superseded_at FROM campaigns
         WHERE agency_id = $1 AND obligation_kind = $2 AND obligation_ref = $3 AND rule_id = $4 AND event_id IS NOT NULL
       ), ending AS (
         SELECT e.sequence, t.definition->>'effect' AS effect FROM events e JOIN event_types t ON t.type = e.type
         WHERE e.body->>'allimobligation' = $2 || '/' || $3 AND e.body->>'subject' IS NULL AND e.body->>'allimsubjectkey' IS NULL
           AND e.agency_id = $1 AND e.state = 'accepted' AND t.definition->>'effect' IN ('settles', 'withdraws')
       ), judged AS (
         SELECT m.id, m.version < (SELECT max(version) FROM mine) AS lower, EXISTS (
           SELECT 1 FROM ending e WHERE e.effect = 'settles' OR e.sequence = 0 OR e.sequence >= m.version) AS ended
         FROM mine m WHERE m.superseded_at IS NULL
       ), marked AS (
         UPDATE campaigns c SET superseded_at = $5 FROM judged j WHERE c.id = j.id AND (j.lower OR j.ended) RETURNING c.id, j.ended
       ), dropped AS (DELETE FROM schedules s USING marked WHERE s.campaign_id = marked.id)
       SELECT id, ended FROM marked`,
      [agency, kind, ref, rule, new Date(nowMs)],
    );
    for (const { id, ended } of rows) lost.set(id, ended ? 'ended' : 'superseded');
  }
  return lost;
}

/**
 * A withdrawal or settlement for everybody: the campaigns of the obligation end, up to `version`; with null, all of them. Openings that
 * come later find the event itself (supersedeCampaigns). Needs lockBroadcasts.
 */
export async function endCampaigns(
  sql: Sql,
  key: BroadcastKey,
  version: bigint | null,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `WITH marked AS (
       UPDATE campaigns SET superseded_at = $5
       WHERE agency_id = $1 AND obligation_kind = $2 AND obligation_ref = $3 AND event_id IS NOT NULL AND superseded_at IS NULL
         AND ($4::bigint IS NULL OR version <= $4::bigint) RETURNING id
     )
     DELETE FROM schedules s USING marked WHERE s.campaign_id = marked.id`,
    [key.agency, key.obligationKind, key.obligationRef, version?.toString() ?? null, new Date(nowMs)],
  );
}

/** The event of each broadcast campaign that still goes on. */
export async function loadCampaignEvents(
  sql: Sql,
  campaigns: readonly CampaignId[],
): Promise<Map<string, EventRowId>> {
  if (campaigns.length === 0) return new Map();
  const { rows } = await sql.query<{ id: CampaignId; event_id: EventRowId }>(
    'SELECT id, event_id FROM campaigns WHERE id = ANY($1::uuid[]) AND event_id IS NOT NULL AND superseded_at IS NULL',
    [[...new Set(campaigns)]],
  );
  return new Map(rows.map((row) => [row.id, row.event_id]));
}

export type OpenCampaign = {
  readonly id: CampaignId;
  readonly agency: string;
  readonly event: EventRowId;
  readonly acceptedMs: number;
};

/** Broadcast campaigns of a rule that may still have stages ahead. */
export async function openCampaigns(sql: Sql, rule: string, nowMs: number): Promise<OpenCampaign[]> {
  const { rows } = await sql.query<{
    id: CampaignId;
    agency_id: string;
    event_id: EventRowId;
    accepted_at: Date;
  }>(
    `SELECT id, agency_id, event_id, accepted_at FROM campaigns
     WHERE rule_id = $1 AND event_id IS NOT NULL AND superseded_at IS NULL AND (expires_at IS NULL OR expires_at > $2)`,
    [rule, new Date(nowMs)],
  );
  return rows.map((row) => ({
    id: row.id,
    agency: row.agency_id,
    event: row.event_id,
    acceptedMs: row.accepted_at.getTime(),
  }));
}
