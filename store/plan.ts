/**
 * The statements of T2 (dispatcher/planner.ts). Hot: a page of 5,000 is a handful of statements over arrays; rows go in by id order so
 * that two dispatchers that plan the same page wait for each other instead of deadlocking.
 */
import type {
  BatchId,
  CampaignId,
  DeliveryId,
  EventRowId,
  FanoutId,
  NotificationId,
  ObligationId,
  RunId,
  StageRunId,
} from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Channel, Lane } from '../domain/statuses.ts';
import { groupRows } from './groups.ts';
import type { ObligationState } from './obligations.ts';

/** A fan-out with everything its pages are planned by. */
export type FanoutContext = {
  readonly fanout: FanoutId;
  readonly state: 'asked' | 'complete' | 'failed';
  readonly lane: Lane;
  readonly reason: string | null;
  readonly pairEvents: readonly EventRowId[] | null;
  readonly agency: string;
  readonly stageRun: StageRunId;
  readonly rule: string;
  readonly ruleVersion: number;
  readonly stageKind: string;
  readonly month: string;
  readonly campaign: CampaignId;
  /** null for targeted events. */
  readonly event: EventRowId | null;
  readonly obligationKind: string | null;
  readonly obligationRef: string | null;
  readonly version: bigint;
  readonly deadline: string | null;
  readonly expiresAtMs: number | null;
  readonly superseded: boolean;
  /** An older version of the same broadcast exists, so some may have been told of it. */
  readonly corrects: boolean;
};

/** Locks the fan-outs, in id order, against another dispatcher that plans pages of them. */
export async function lockFanouts(sql: Sql, ids: readonly FanoutId[]): Promise<Map<FanoutId, FanoutContext>> {
  type Row = Omit<FanoutContext, 'version' | 'expiresAtMs'> & { version: string; expiresAt: Date | null };
  const { rows } = await sql.query<Row>({
    name: 'lock-fanouts',
    text: `SELECT f.id AS fanout, f.state, f.lane, f.reason, f.pair_events::text[] AS "pairEvents", f.agency_id AS agency, r.id AS "stageRun",
        r.rule_id AS rule, r.rule_version AS "ruleVersion", r.stage_kind AS "stageKind", r.month, c.id AS campaign, c.event_id AS event,
        c.obligation_kind AS "obligationKind", c.obligation_ref AS "obligationRef", c.version::text, c.deadline, c.expires_at AS "expiresAt",
        c.superseded_at IS NOT NULL AS superseded,
        c.event_id IS NOT NULL AND EXISTS (SELECT 1 FROM campaigns o WHERE o.agency_id = c.agency_id AND o.obligation_kind = c.obligation_kind
          AND o.obligation_ref = c.obligation_ref AND o.rule_id = c.rule_id AND o.event_id IS NOT NULL AND o.version < c.version) AS corrects
      FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
      WHERE f.id = ANY($1::uuid[]) ORDER BY f.id FOR UPDATE OF f`,
    values: [ids],
  });
  return new Map(
    rows.map(({ version, expiresAt, ...row }) => [
      row.fanout,
      { ...row, version: BigInt(version), expiresAtMs: expiresAt === null ? null : expiresAt.getTime() },
    ]),
  );
}

export type PageKey = {
  readonly fanout: FanoutId;
  readonly run: RunId;
  readonly page: number;
  readonly agency: string;
};

/** Registers pages; returns those that were not planned before, by `run/page`. */
export async function startPages(sql: Sql, pages: readonly PageKey[], nowMs: number): Promise<Set<string>> {
  const { rows } = await sql.query<{ run_id: RunId; page: number }>({
    name: 'start-pages',
    text: `WITH run AS (
        INSERT INTO runs (fanout_id, run_id, agency_id) SELECT DISTINCT f, r, a FROM unnest($1::uuid[], $2::uuid[], $4::text[]) u(f, r, a)
        ORDER BY 1, 2 ON CONFLICT DO NOTHING
      )
      INSERT INTO pages (run_id, page, agency_id, planned_at)
      SELECT r, p, a, $5 FROM unnest($2::uuid[], $3::int[], $4::text[]) u(r, p, a) ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING run_id, page`,
    values: [
      pages.map((p) => p.fanout),
      pages.map((p) => p.run),
      pages.map((p) => p.page),
      pages.map((p) => p.agency),
      new Date(nowMs),
    ],
  });
  return new Set(rows.map((row) => `${row.run_id}/${row.page}`));
}

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
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, { state: row.state, version: BigInt(row.version) }]));
}

/** What decides whether and where a person is told. Absent from the map: we know nothing of them, so there is no address. */
export type Person = {
  locale: string;
  dead: boolean;
  /** Allowed channels; null for all. */
  channels: readonly string[] | null;
  off: readonly string[];
  optOuts: {
    readonly agency: string | null;
    readonly category: string | null;
    readonly channel: string | null;
  }[];
  contactPoints: { readonly id: string; readonly channel: Channel }[];
};

/** `since` is seconds since the epoch, exact to the microsecond. */
type Point = { readonly id: string; readonly channel: Channel; readonly since: number };

export async function loadPeople(sql: Sql, ids: readonly string[]): Promise<Map<string, Person>> {
  const people = new Map<string, Person>();
  const found = await sql.query<{
    id: string;
    locale: string;
    dead: boolean;
    channels: string[] | null;
    off: string[] | null;
  }>({
    name: 'load-people',
    text: `SELECT c.id, c.locale, c.dead_at IS NOT NULL AS dead, p.channels, p.off
      FROM citizens c LEFT JOIN preferences p ON p.citizen_id = c.id WHERE c.id = ANY($1::text[])`,
    values: [ids],
  });
  for (const row of found.rows)
    people.set(row.id, {
      locale: row.locale,
      dead: row.dead,
      channels: row.channels,
      off: row.off ?? [],
      optOuts: [],
      contactPoints: [],
    });
  if (people.size === 0) return people;
  const known = [...people.keys()];
  // Put in order here, a few a person: ordering ten thousand rows costs the server more than finding them.
  const points = await sql.query<Point & { citizen_id: string }>({
    name: 'load-contact-points',
    text: `SELECT citizen_id, id, channel, date_part('epoch', created_at) AS since FROM contact_points
      WHERE citizen_id = ANY($1::text[]) AND verified_at IS NOT NULL AND invalid_at IS NULL`,
    values: [known],
  });
  const pointsOf = Map.groupBy(points.rows, (row) => row.citizen_id);
  for (const [citizen, rows] of pointsOf) {
    if (rows.length > 1) rows.sort((a, b) => a.since - b.since || (a.id < b.id ? -1 : 1));
    for (const { id, channel } of rows) people.get(citizen)?.contactPoints.push({ id, channel });
  }
  const optOuts = await sql.query<{
    citizen_id: string;
    agency: string | null;
    category: string | null;
    channel: string | null;
  }>({
    name: 'load-opt-outs',
    text: `SELECT citizen_id, agency_id AS agency, category, channel FROM opt_outs WHERE citizen_id = ANY($1::text[]) AND ended_at IS NULL`,
    values: [known],
  });
  for (const row of optOuts.rows) people.get(row.citizen_id)?.optOuts.push(row);
  return people;
}

/** Inserts told keys. Returns those that were new, and of the others the stage run that had told. */
export async function tell(
  sql: Sql,
  rows: readonly { key: string; agency: string; stageRun: StageRunId }[],
): Promise<{ fresh: Set<string>; before: Map<string, StageRunId> }> {
  if (rows.length === 0) return { fresh: new Set(), before: new Map() };
  const sorted = rows.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const { groups, of } = groupRows(sorted, (row) => row.stageRun);
  const inserted = await sql.query<{ key: string }>({
    name: 'tell',
    text: `INSERT INTO told (key, agency_id, stage_run_id)
      SELECT key, ($3::text[])[g], ($4::uuid[])[g] FROM unnest($1::uuid[], $2::int[]) u(key, g)
      ON CONFLICT (key) DO NOTHING RETURNING key`,
    values: [sorted.map((r) => r.key), of, groups.map((r) => r.agency), groups.map((r) => r.stageRun)],
  });
  const fresh = new Set(inserted.rows.map((row) => row.key));
  const rest = sorted.filter((row) => !fresh.has(row.key)).map((row) => row.key);
  if (rest.length === 0) return { fresh, before: new Map() };
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
  /** JSON of what depends on the citizen; null where nothing does. */
  readonly values: string | null;
  readonly previousEvent: EventRowId | null;
  readonly noAddress: boolean;
};

/** `careful`: what stands already is left alone; otherwise it is an error (23505), which spares each row a look and a log record. */
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
      `${r.run}/${r.stageRun}/${r.event}/${r.stageKind}/${r.version}/${r.template}/${r.locale}/${r.reach}/${r.previousEvent}/${r.noAddress}`,
  );
  await sql.query({
    name: `insert-notifications${careful ? '-careful' : ''}`,
    text: `INSERT INTO notifications (id, month, agency_id, stage_run_id, run_id, obligation_id, event_id, citizen_id, recipient_id, stage_kind,
        version, reach, template_id, locale, "values", previous_event_id, no_address, created_at)
      SELECT id, ($6::date[])[g], ($7::text[])[g], ($8::uuid[])[g], ($9::uuid[])[g], obligation, ($10::uuid[])[g], citizen, recipient,
        ($11::text[])[g], ($12::bigint[])[g], ($13::text[])[g], ($14::int[])[g], ($15::text[])[g], vals::jsonb, ($16::uuid[])[g],
        ($17::boolean[])[g], $18
      FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $19::text[]) u(id, g, obligation, citizen, recipient, vals)
      ${careful ? 'ON CONFLICT DO NOTHING' : ''}`,
    values: [
      rows.map((r) => r.id),
      of,
      rows.map((r) => r.obligation),
      rows.map((r) => r.citizen),
      rows.map((r) => r.recipient),
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
      // Shorter arrays are filled up with nulls.
      rows.some((r) => r.values !== null) ? rows.map((r) => r.values) : [],
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
      rows.map((r) => r.id),
      of,
      rows.map((r) => r.notification),
      rows.map((r) => r.contactPoint),
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

export type RunCounts = {
  matched: number;
  notified: number;
  told: number;
  done: number;
  superseded: number;
  nobody: number;
  optedOut: number;
  recipients: number;
  planned: number;
  toldRecipients: number;
  optedRecipients: number;
  noAddress: number;
  unknown: number;
};

export function noCounts(): RunCounts {
  return {
    matched: 0,
    notified: 0,
    told: 0,
    done: 0,
    superseded: 0,
    nobody: 0,
    optedOut: 0,
    recipients: 0,
    planned: 0,
    toldRecipients: 0,
    optedRecipients: 0,
    noAddress: 0,
    unknown: 0,
  };
}

export type RunState = {
  readonly fanout: FanoutId;
  readonly run: RunId;
  /** All its pages are planned. */
  readonly complete: boolean;
  /** Its equations hold. */
  readonly balanced: boolean;
  readonly runsOfFanout: number;
};

export type PageCounts = {
  readonly page: PageKey;
  readonly counts: RunCounts;
  /** On the last page of the run. */
  readonly total: { readonly pages: number; readonly matched: number } | null;
};

const COUNTED = [
  'matched',
  'notified',
  'told',
  'done',
  'superseded',
  'nobody',
  'optedOut',
  'recipients',
  'planned',
  'toldRecipients',
  'optedRecipients',
  'noAddress',
  'unknown',
] as const satisfies readonly (keyof RunCounts)[];

/**
 * Adds the counts of pages to their runs, one run a fan-out, and completes the fan-outs of runs that are whole, balanced and their fan-out's
 * only one: nearly all. The others are for finishFanout.
 */
export async function countPages(sql: Sql, pages: readonly PageCounts[], nowMs: number): Promise<RunState[]> {
  type Sum = { fanout: FanoutId; run: RunId; pages: number; total: PageCounts['total']; counts: RunCounts };
  const sums = new Map<string, Sum>();
  for (const { page, counts, total } of pages) {
    const sum = sums.get(page.run) ?? {
      fanout: page.fanout,
      run: page.run,
      pages: 0,
      total: null,
      counts: noCounts(),
    };
    sum.pages++;
    sum.total ??= total;
    for (const name of COUNTED) sum.counts[name] += counts[name];
    sums.set(page.run, sum);
  }
  const rows = [...sums.values()].sort((a, b) => (a.fanout < b.fanout ? -1 : 1));
  const states = await sql.query<RunState>({
    name: 'count-pages',
    text: `WITH sum AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
          $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
          u(fanout, run, pages, pages_total, matched_total, matched, notified, told, done, superseded, nobody, opted_out, recipients, planned,
            told_recipients, opted_recipients, no_address, unknown)
      ), counted AS (
        UPDATE runs r SET pages_planned = r.pages_planned + s.pages, pages_total = coalesce(s.pages_total, r.pages_total),
          matched_total = coalesce(s.matched_total, r.matched_total), matched = r.matched + s.matched, notified = r.notified + s.notified,
          told = r.told + s.told, done = r.done + s.done, superseded = r.superseded + s.superseded, nobody = r.nobody + s.nobody,
          opted_out = r.opted_out + s.opted_out, recipients = r.recipients + s.recipients, planned = r.planned + s.planned,
          told_recipients = r.told_recipients + s.told_recipients, opted_recipients = r.opted_recipients + s.opted_recipients,
          no_address = r.no_address + s.no_address, unknown = r.unknown + s.unknown
        FROM sum s WHERE r.fanout_id = s.fanout AND r.run_id = s.run RETURNING r.*, s.pages AS new_pages
      ), state AS (
        SELECT fanout_id, run_id, new_pages, coalesce(pages_planned = pages_total, false) AS complete,
          coalesce(matched = matched_total AND matched = notified + told + done + superseded + nobody + opted_out
            AND recipients = planned + told_recipients + opted_recipients, false) AS balanced,
          (SELECT count(*) FROM runs x WHERE x.fanout_id = c.fanout_id) AS runs
        FROM counted c
      ), finished AS (
        UPDATE fanouts f SET pages_planned = f.pages_planned + s.new_pages,
          state = CASE WHEN s.complete AND s.balanced AND s.runs = 1 THEN 'complete' ELSE f.state END,
          run_id = CASE WHEN s.complete AND s.balanced AND s.runs = 1 THEN s.run_id ELSE f.run_id END,
          finished_at = CASE WHEN s.complete AND s.balanced AND s.runs = 1 THEN $6::timestamptz ELSE f.finished_at END
        FROM state s WHERE f.id = s.fanout_id
      )
      SELECT fanout_id AS fanout, run_id AS run, complete, balanced, runs AS "runsOfFanout" FROM state`,
    values: [
      rows.map((r) => r.fanout),
      rows.map((r) => r.run),
      rows.map((r) => r.pages),
      rows.map((r) => r.total?.pages ?? null),
      rows.map((r) => r.total?.matched ?? null),
      new Date(nowMs),
      ...COUNTED.map((name) => rows.map((r) => r.counts[name])),
    ],
  });
  return states.rows;
}

/** Closes a fan-out. What an abandoned run planned and this one lacks is cancelled if unsent, else counted as left behind. */
export async function finishFanout(
  sql: Sql,
  context: FanoutContext,
  state: RunState,
  nowMs: number,
): Promise<void> {
  const at = new Date(nowMs);
  if (!state.balanced) {
    await sql.query(
      `UPDATE fanouts SET state = 'failed', reason = 'the counts of its run do not add up', finished_at = $2 WHERE id = $1`,
      [context.fanout, at],
    );
    return;
  }
  if (state.runsOfFanout > 1)
    await sql.query(
      `WITH abandoned AS (
         SELECT n.id, n.month FROM runs r JOIN notifications n ON n.run_id = r.run_id AND n.month = $4
         WHERE r.fanout_id = $1 AND r.run_id <> $2
           AND NOT EXISTS (SELECT 1 FROM run_adoptions a WHERE a.run_id = $2 AND a.notification_id = n.id)
       ), forgotten AS (
         DELETE FROM run_adoptions a USING runs r WHERE r.fanout_id = $1 AND a.run_id = r.run_id
       ), rows AS (
         SELECT d.id, d.month, d.status, d.attempt FROM abandoned a JOIN deliveries d ON d.notification_id = a.id AND d.month = a.month
         ORDER BY d.id FOR UPDATE OF d
       ), ended AS (
         UPDATE deliveries d SET status = 'cancelled', code = 'left', finished_at = $3 FROM rows
         WHERE d.id = rows.id AND d.month = rows.month AND d.status IN ('planned', 'waiting') RETURNING d.id
       ), dropped AS (DELETE FROM waiting w USING ended WHERE w.delivery_id = ended.id)
       UPDATE runs SET left_behind = (SELECT count(*) FROM rows WHERE attempt > 0) WHERE fanout_id = $1 AND run_id = $2`,
      [context.fanout, state.run, at, context.month],
    );
  await sql.query({
    name: 'finish-fanout',
    text: `UPDATE fanouts SET state = 'complete', run_id = $2, finished_at = $3 WHERE id = $1 AND state <> 'complete'`,
    values: [context.fanout, state.run, at],
  });
}
