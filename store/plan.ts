/**
 * What T2 writes of a plan (dispatcher/planner.ts). Hot: a page of 5,000 is a handful of statements over arrays; rows go in by id order so
 * that two dispatchers that plan the same page wait for each other instead of deadlocking.
 */
import type {
  BatchId,
  DeliveryId,
  EventRowId,
  NotificationId,
  ObligationId,
  RunId,
  StageRunId,
} from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel, Lane } from '../domain/statuses.ts';
import { idArray, plainArray, textArray } from './arrays.ts';
import { groupRows } from './groups.ts';
import type { ObligationState } from './obligations.ts';

export type ObligationNow = { readonly state: ObligationState; readonly version: bigint };

/** Locks obligations in id order and says how they stand. */
export async function lockObligations(
  sql: Sql,
  ids: readonly ObligationId[],
): Promise<Map<ObligationId, ObligationNow>> {
  if (ids.length === 0) return new Map();
  const { rows } = await sql.query<{ id: ObligationId; state: ObligationState; version: string }>({
    name: 'lock-obligations',
    text: 'SELECT id, state, version::text FROM obligations WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE',
    values: [idArray(ids)],
  });
  return new Map(rows.map((row) => [row.id, { state: row.state, version: BigInt(row.version) }]));
}

/** Inserts told keys. Returns those that were new, and of the others the stage run that had told. */
export async function tell(
  sql: Sql,
  rows: readonly { key: string; agency: string; stageRun: StageRunId }[],
): Promise<{ fresh: Set<string>; before: Map<string, StageRunId> }> {
  if (rows.length === 0) return { fresh: new Set(), before: new Map() };
  const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const { groups, of } = groupRows(sorted, (row) => row.stageRun);
  const { rows: inserted } = await sql.query<{ count: number; key: string | null }>({
    name: 'tell',
    // Where all are new, which is nearly always, that is said in one row.
    text: `WITH fresh AS (
        INSERT INTO told (key, agency_id, stage_run_id)
        SELECT key, ($3::text[])[g], ($4::uuid[])[g] FROM unnest($1::uuid[], $2::int[]) u(key, g)
        ON CONFLICT (key) DO NOTHING RETURNING key
      )
      SELECT t.count, f.key FROM (SELECT count(*) AS count FROM fresh) t LEFT JOIN fresh f ON t.count < cardinality($1::uuid[])`,
    values: [
      idArray(sorted.map((r) => r.key)),
      plainArray(of),
      groups.map((r) => r.agency),
      groups.map((r) => r.stageRun),
    ],
  });
  if (inserted[0]?.count === sorted.length)
    return { fresh: new Set(sorted.map((row) => row.key)), before: new Map() };
  const fresh = new Set(inserted.flatMap(({ key }) => key ?? []));
  const rest = sorted.filter((row) => !fresh.has(row.key)).map((row) => row.key);
  const found = await sql.query<{ key: string; stage_run_id: StageRunId }>(
    'SELECT key, stage_run_id FROM told WHERE key = ANY($1::uuid[])',
    [rest],
  );
  return { fresh, before: new Map(found.rows.map((row) => [row.key, row.stage_run_id])) };
}

export type NotificationRow = {
  readonly id: NotificationId;
  readonly month: string;
  readonly agency: string;
  readonly stageRun: StageRunId;
  readonly run: RunId;
  readonly obligation: ObligationId;
  readonly event: EventRowId;
  readonly citizen: string;
  readonly recipient: string;
  readonly stageKind: string;
  readonly version: bigint;
  readonly reach: string;
  readonly template: number;
  readonly locale: string;
  /** What the recipient wanted, where `locale` is what it fell back to; else null. */
  readonly wantedLocale: string | null;
  /** JSON of what depends on the citizen; null where nothing does. */
  readonly values: string | null;
  readonly previousEvent: EventRowId | null;
  readonly noAddress: boolean;
};

/** Connections that plan at once seldom share a slot, so they seldom wait for each other's counts. */
const COUNTING_SLOTS = 64;

/** `careful`: what stands already is left alone and not counted again; otherwise it is an error (23505), which spares each row a look and a log record. */
export async function insertNotifications(
  sql: Sql,
  rows: readonly NotificationRow[],
  nowMs: number,
  careful: boolean,
): Promise<void> {
  if (rows.length === 0) return;
  const { groups, of } = groupRows(
    rows,
    (r) =>
      `${r.run}/${r.stageRun}/${r.event}/${r.stageKind}/${r.version}/${r.template}/${r.locale}/${r.wantedLocale}/${r.reach}/${r.previousEvent}/${r.noAddress}`,
  );
  await sql.query({
    name: `insert-notifications${careful ? '-careful' : ''}`,
    text: `WITH row AS (
      INSERT INTO notifications (id, month, agency_id, stage_run_id, run_id, obligation_id, event_id, citizen_id, recipient_id, stage_kind,
        version, reach, template_id, locale, "values", previous_event_id, no_address, created_at, wanted_locale)
      SELECT id, ($6::date[])[g], ($7::text[])[g], ($8::uuid[])[g], ($9::uuid[])[g], obligation, ($10::uuid[])[g], citizen, coalesce(recipient, citizen),
        ($11::text[])[g], ($12::bigint[])[g], ($13::text[])[g], ($14::int[])[g], ($15::text[])[g], vals::jsonb, ($16::uuid[])[g],
        ($17::boolean[])[g], $18, ($20::text[])[g]
      FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $19::text[]) u(id, g, obligation, citizen, recipient, vals)
      ${careful ? 'ON CONFLICT DO NOTHING' : ''} RETURNING agency_id, template_id, coalesce(wanted_locale, locale) AS wanted, locale AS used
    )
    INSERT INTO locale_counts AS c (agency_id, template_id, wanted, used, slot, notices)
    SELECT agency_id, template_id, wanted, used, pg_backend_pid() % ${COUNTING_SLOTS}, count(*) FROM row
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (agency_id, template_id, wanted, used, slot) DO UPDATE SET notices = c.notices + excluded.notices`,
    values: [
      idArray(rows.map((r) => r.id)),
      plainArray(of),
      idArray(rows.map((r) => r.obligation)),
      textArray(rows.map((r) => r.citizen)),
      // Nearly always the citizens themselves; shorter arrays are filled up with nulls.
      textArray(rows.some((r) => r.recipient !== r.citizen) ? rows.map((r) => r.recipient) : []),
      groups.map((r) => r.month),
      groups.map((r) => r.agency),
      groups.map((r) => r.stageRun),
      groups.map((r) => r.run),
      groups.map((r) => r.event),
      groups.map((r) => r.stageKind),
      groups.map((r) => r.version.toString()),
      groups.map((r) => r.reach),
      groups.map((r) => r.template),
      groups.map((r) => r.locale),
      groups.map((r) => r.previousEvent),
      groups.map((r) => r.noAddress),
      new Date(nowMs),
      rows.some((r) => r.values !== null) ? rows.map((r) => r.values) : [],
      groups.map((r) => r.wantedLocale),
    ],
  });
}

/** Notifications that another run of the fan-out had planned and that this run's answer holds too. */
export async function adoptNotifications(
  sql: Sql,
  rows: readonly { id: NotificationId; run: RunId }[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql.query({
    name: 'adopt-notifications',
    text: `INSERT INTO run_adoptions (run_id, notification_id) SELECT * FROM unnest($1::uuid[], $2::uuid[]) u ORDER BY 1, 2
      ON CONFLICT DO NOTHING`,
    values: [rows.map((r) => r.run), rows.map((r) => r.id)],
  });
}

export type DeliveryRow = {
  readonly id: DeliveryId;
  readonly month: string;
  readonly agency: string;
  readonly notification: NotificationId;
  readonly contactPoint: string;
  readonly channel: Channel;
  readonly lane: Lane;
  readonly batch: BatchId;
  readonly expiresAtMs: number | null;
};

/** Deliveries and the batches that carry them. Ids of both are keys, so a second time writes nothing. */
export async function insertDeliveries(
  sql: Sql,
  rows: readonly DeliveryRow[],
  nowMs: number,
  careful: boolean,
): Promise<void> {
  if (rows.length === 0) return;
  const { groups, of } = groupRows(rows, (r) => `${r.batch}/${r.expiresAtMs}`);
  // A batch is closed by the transaction that makes it, from rows that it inserted.
  await sql.query({
    name: `insert-deliveries${careful ? '-careful' : ''}`,
    text: `WITH row AS (
        INSERT INTO deliveries (id, month, agency_id, notification_id, contact_point_id, channel, lane, status, batch_id, expires_at)
        SELECT id, ($5::date[])[g], ($6::text[])[g], notification, contact_point, ($7::text[])[g], ($8::text[])[g], 'planned',
          ($9::uuid[])[g], ($10::timestamptz[])[g]
        FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::uuid[]) u(id, g, notification, contact_point)
        ${careful ? 'ON CONFLICT DO NOTHING' : ''} RETURNING id, month, agency_id, channel, lane, batch_id
      )
      INSERT INTO batches (id, month, agency_id, channel, lane, state, delivery_ids, open, created_at)
      SELECT batch_id, month, agency_id, channel, lane, 'ready', array_agg(id), count(*), $11 FROM row GROUP BY 1, 2, 3, 4, 5
      ON CONFLICT DO NOTHING`,
    values: [
      idArray(rows.map((r) => r.id)),
      plainArray(of),
      idArray(rows.map((r) => r.notification)),
      idArray(rows.map((r) => r.contactPoint)),
      groups.map((r) => r.month),
      groups.map((r) => r.agency),
      groups.map((r) => r.channel),
      groups.map((r) => r.lane),
      groups.map((r) => r.batch),
      groups.map((r) => (r.expiresAtMs === null ? null : new Date(r.expiresAtMs))),
      new Date(nowMs),
    ],
  });
}
