/** Everything the ledger knows of single notices: from the event to the provider's last word, with times and reasons. For those who are asked. */
import type { DeliveryId, NotificationId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel, DeliveryStatus } from '../domain/statuses.ts';
import type { Cursor } from './inbox.ts';

export type ChainAttempt = {
  readonly number: number;
  readonly claimedAt: string | null;
  readonly finishedAt: string;
  readonly outcome: string;
  readonly code: string | null;
};

export type ChainDelivery = {
  readonly id: DeliveryId;
  readonly channel: Channel;
  readonly status: DeliveryStatus;
  readonly code: string | null;
  readonly attempt: number;
  readonly claimedAt: string | null;
  readonly finishedAt: string | null;
  /** Until when it waits, and for what. */
  readonly waits: { readonly until: string; readonly reason: string } | null;
  /** Earlier calls, and those that failed. */
  readonly attempts: readonly ChainAttempt[];
  /** What the provider said later. */
  readonly receipts: readonly {
    readonly source: string;
    readonly verdict: string;
    readonly code: string | null;
    readonly at: string;
    readonly state: string;
  }[];
};

export type NoticeChain = Cursor & {
  readonly id: NotificationId;
  readonly agency: string;
  /** Whom it is about, and who was told. */
  readonly citizen: string;
  readonly recipient: string;
  readonly event: {
    readonly row: string;
    readonly source: string;
    readonly id: string;
    readonly type: string;
    readonly time: string | null;
    readonly receivedAt: string;
    readonly acceptedAt: string | null;
    readonly state: string;
  };
  readonly rule: string;
  readonly ruleVersion: number;
  readonly campaign: string;
  readonly campaignCancelledAt: Date | null;
  readonly stage: string;
  readonly dueAt: Date;
  /** The day it was judged as of. */
  readonly asOf: string;
  /** When the shards were asked, and when what they said was planned whole. */
  readonly askedAt: Date | null;
  readonly answeredAt: Date | null;
  readonly plannedAt: Date;
  readonly reach: 'certain' | 'possible';
  readonly locale: string;
  readonly wantedLocale: string | null;
  readonly noAddress: boolean;
  readonly obligation: {
    readonly kind: string;
    readonly ref: string;
    readonly state: string;
    readonly deadline: string | null;
  };
  readonly corrects: boolean;
  readonly deliveries: readonly ChainDelivery[];
};

/** A receipt comes within days of its call; they are found by when they came, since no index has the delivery. */
const RECEIPTS_WITHIN = `interval '4 days'`;

const CHAIN = `
  SELECT n.id, to_char(n.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, n.agency_id AS agency, n.citizen_id AS citizen,
    n.recipient_id AS recipient, n.stage_kind AS stage, n.created_at AS "plannedAt", n.reach, n.locale, n.wanted_locale AS "wantedLocale",
    n.no_address AS "noAddress", n.previous_event_id IS NOT NULL AS corrects,
    jsonb_build_object('row', e.id, 'source', e.source, 'id', e.event_id, 'type', e.type, 'time', e.body->>'time', 'receivedAt', e.received_at,
      'acceptedAt', e.accepted_at, 'state', e.state) AS event,
    r.rule_id AS rule, r.rule_version AS "ruleVersion", r.campaign_id AS campaign, c.cancelled_at AS "campaignCancelledAt", r.due_at AS "dueAt",
    r.as_of AS "asOf", f.requested_at AS "askedAt", f.finished_at AS "answeredAt",
    jsonb_build_object('kind', o.kind, 'ref', o.ref, 'state', o.state, 'deadline', o.deadline) AS obligation,
    coalesce((SELECT jsonb_agg(jsonb_build_object('id', d.id, 'channel', d.channel, 'status', d.status, 'code', d.code, 'attempt', d.attempt,
        'claimedAt', d.claimed_at, 'finishedAt', d.finished_at,
        'waits', (SELECT jsonb_build_object('until', w.due_at, 'reason', w.reason) FROM waiting w WHERE w.delivery_id = d.id ORDER BY w.due_at LIMIT 1),
        'attempts', coalesce((SELECT jsonb_agg(jsonb_build_object('number', a.number, 'claimedAt', a.claimed_at, 'finishedAt', a.finished_at,
            'outcome', a.outcome, 'code', a.code) ORDER BY a.number, a.late)
          FROM attempts a WHERE a.delivery_id = d.id AND a.month = d.month), '[]'),
        'receipts', coalesce((SELECT jsonb_agg(jsonb_build_object('source', x.source, 'verdict', x.verdict, 'code', x.code, 'at', x.received_at,
            'state', x.state) ORDER BY x.received_at)
          FROM receipts x WHERE x.delivery_id = d.id AND x.received_at >= d.claimed_at - interval '1 hour'
            AND x.received_at < d.claimed_at + ${RECEIPTS_WITHIN}), '[]')
      ) ORDER BY d.claimed_at NULLS LAST, d.id)
      FROM deliveries d WHERE d.month = n.month AND (d.notification_id = n.id
        OR d.id IN (SELECT i.delivery_id FROM delivery_items i WHERE i.notification_id = n.id AND i.month = n.month AND d.notification_id IS NULL))
    ), '[]') AS deliveries
  FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
  JOIN events e ON e.id = n.event_id JOIN obligations o ON o.id = n.obligation_id
  LEFT JOIN LATERAL (SELECT f.requested_at, f.finished_at FROM fanouts f JOIN runs u ON u.fanout_id = f.id AND u.run_id = n.run_id
    WHERE f.stage_run_id = r.id LIMIT 1) f ON true`;

/** By their ids; `agency` null sees all. */
export async function chainsOf(
  sql: Sql,
  ids: readonly NotificationId[],
  agency: string | null,
): Promise<NoticeChain[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<NoticeChain>(
    `${CHAIN} WHERE n.id = ANY($1::uuid[]) AND ($2::text IS NULL OR n.agency_id = $2) ORDER BY n.created_at DESC, n.id DESC`,
    [ids, agency],
  );
  return rows;
}

/** What a person was told, newest first. */
export async function chainsTo(
  sql: Sql,
  recipient: string,
  agency: string | null,
  after: Cursor | null,
  limit: number,
): Promise<NoticeChain[]> {
  const { rows } = await sql.query<NoticeChain>(
    `${CHAIN} WHERE n.recipient_id = $1 AND ($2::text IS NULL OR n.agency_id = $2)
       AND ($3::timestamptz IS NULL OR (n.created_at, n.id) < ($3::timestamptz, $4::uuid))
     ORDER BY n.created_at DESC, n.id DESC LIMIT $5`,
    [recipient, agency, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

/** Who has this address, by its blind index. */
export async function citizensOfAddress(sql: Sql, index: Buffer, limit: number): Promise<string[]> {
  const { rows } = await sql.query<{ citizen: string }>(
    'SELECT DISTINCT citizen_id AS citizen FROM contact_points WHERE address_index = $1 ORDER BY 1 LIMIT $2',
    [index, limit],
  );
  return rows.map(({ citizen }) => citizen);
}

/** Data of the event that a rule was last judged over: of this person where one is known, else of everybody. */
export async function lastEventOf(
  sql: Sql,
  rule: string,
  citizen: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { rows } = await sql.query<{ data: Record<string, unknown> }>(
    `(SELECT 0 AS place, n.created_at AS at, e.body->'data' AS data FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id
        JOIN events e ON e.id = n.event_id WHERE n.recipient_id = $2 AND r.rule_id = $1 ORDER BY n.created_at DESC LIMIT 1)
     UNION ALL
     (SELECT 1, c.accepted_at, e.body->'data' FROM campaigns c JOIN events e ON e.id = c.event_id WHERE c.rule_id = $1
        ORDER BY c.accepted_at DESC LIMIT 1)
     ORDER BY place LIMIT 1`,
    [rule, citizen],
  );
  return rows[0]?.data;
}

export type WhyNotFacts = {
  readonly known: boolean;
  readonly dead: boolean;
  /** Usable contact points, by channel. */
  readonly channels: readonly string[];
  readonly off: readonly string[];
  readonly optOuts: readonly {
    readonly agency: string | null;
    readonly category: string | null;
    readonly channel: string | null;
  }[];
  /** Notices of this rule to this person, newest first. */
  readonly notices: readonly { readonly id: NotificationId; readonly at: Date; readonly stage: string }[];
  /** Events of this rule's type that name this person, newest first. */
  readonly events: readonly {
    readonly id: string;
    readonly receivedAt: Date;
    readonly state: string;
    readonly waits: boolean;
  }[];
  readonly obligations: readonly {
    readonly kind: string;
    readonly ref: string;
    readonly state: string;
    readonly deadline: string | null;
  }[];
};

/** What the ledger itself has to say to "why, or why not": of one person and one rule of one agency. */
export async function whyNotFacts(
  sql: Sql,
  given: { readonly citizen: string; readonly rule: string; readonly agency: string; readonly eventType: string },
): Promise<WhyNotFacts> {
  const { rows } = await sql.query<WhyNotFacts>(
    `SELECT EXISTS (SELECT 1 FROM citizens WHERE id = $1) AS known, EXISTS (SELECT 1 FROM citizens WHERE id = $1 AND dead_at IS NOT NULL) AS dead,
       ARRAY(SELECT DISTINCT channel FROM contact_points WHERE citizen_id = $1 AND verified_at IS NOT NULL AND invalid_at IS NULL ORDER BY 1) AS channels,
       coalesce((SELECT off FROM preferences WHERE citizen_id = $1), '{}') AS off,
       coalesce((SELECT jsonb_agg(jsonb_build_object('agency', agency_id, 'category', category, 'channel', channel)) FROM opt_outs
         WHERE citizen_id = $1 AND ended_at IS NULL AND (agency_id IS NULL OR agency_id = $3)), '[]') AS "optOuts",
       coalesce((SELECT jsonb_agg(x) FROM (SELECT n.id, n.created_at AS at, n.stage_kind AS stage FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id
         WHERE n.recipient_id = $1 AND r.rule_id = $2 ORDER BY n.created_at DESC LIMIT 5) x), '[]') AS notices,
       coalesce((SELECT jsonb_agg(x) FROM (SELECT e.event_id AS id, e.received_at AS "receivedAt", e.state, true AS waits FROM unresolved u
         JOIN events e ON e.id = u.event_id WHERE u.citizen_id = $1 AND e.type = $4 ORDER BY e.received_at DESC LIMIT 5) x), '[]') AS events,
       coalesce((SELECT jsonb_agg(x) FROM (SELECT DISTINCT o.kind, o.ref, o.state, o.deadline FROM notifications n JOIN stage_runs r ON r.id = n.stage_run_id
         JOIN obligations o ON o.id = n.obligation_id WHERE n.recipient_id = $1 AND r.rule_id = $2 LIMIT 5) x), '[]') AS obligations`,
    [given.citizen, given.rule, given.agency, given.eventType],
  );
  return rows[0]!;
}
