/**
 * T2: plans pages. One transaction locks the fan-outs and the obligations, decides for each match whether, whom and where to tell, and
 * writes told keys, notifications, deliveries, batches, counts and the position. Doing a page twice, or its run again after a shard
 * died, writes the same rows. Never sends, never waits for a queue.
 *
 * Hot: the arithmetic per row is four hashes and a few array pushes; measured figures stand in docs/performance.md.
 */
import type { LogRecord } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { AllimError } from '../domain/errors.ts';
import { type CloudEvent, sequenceOf } from '../domain/event.ts';
import {
  type BatchId,
  besideId,
  type DeliveryId,
  type EventRowId,
  type FanoutId,
  keyId,
  type NotificationId,
  type ObligationId,
} from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { type AudiencePage, decodePage } from '../domain/records.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { deadlineOf, isImmediate, type WorkingDays } from '../domain/timeline.ts';
import type { QueueName } from '../queue/queue.ts';
import type { Catalogue, LiveRule } from '../store/catalogue.ts';
import { loadEvents } from '../store/events.ts';
import { changeObligations, endUnsent, type ObligationChange, obligationId } from '../store/obligations.ts';
import {
  adoptNotifications,
  countPages,
  type DeliveryRow,
  type FanoutContext,
  finishFanout,
  insertDeliveries,
  insertNotifications,
  loadPeople,
  lockFanouts,
  lockObligations,
  type NotificationRow,
  noCounts,
  type ObligationNow,
  type RunCounts,
  startPages,
  tell,
} from '../store/plan.ts';
import { advancePositions } from '../store/positions.ts';
import { dropResolved, saveUnresolved } from '../store/unresolved.ts';
import { expiryOf } from './broadcasts.ts';
import { createCombine } from './combine.ts';
import { obligationKey } from './obligation-changes.ts';
import { judgeRecipient } from './recipients.ts';
import { CORRECTED } from './targeted.ts';

export const BATCH_DELIVERIES = 100;

export type PlannerParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called after a commit that left batches ready for these queues. */
  readonly wake: (queues: ReadonlySet<QueueName>) => void;
};

type Context = FanoutContext & { readonly live: LiveRule; readonly body: CloudEvent | undefined };

/** One matched pair of citizen and event on its way through the decisions. */
type Match = {
  readonly page: AudiencePage;
  readonly context: Context;
  readonly counts: RunCounts;
  readonly index: number;
  readonly citizen: string;
  readonly event: EventRowId;
  readonly body: CloudEvent;
  readonly obligation: ObligationId;
  readonly version: bigint;
  readonly expiresAtMs: number | null;
  stageKind: string;
  previousEvent: EventRowId | null;
};

type Slice = Parameters<typeof advancePositions>[2][number];
type Job = {
  readonly group: string;
  readonly pages: readonly AudiencePage[];
  readonly bytes: number;
  readonly slice: Slice;
};

/**
 * Bytes of pages that are planned in one transaction: one full page, since a citizen takes some 30 bytes, or many small ones of targeted
 * events. And transactions at a time: each of a full page holds some 40 MB here and in the server.
 */
export const PLAN_BYTES = 150_000;
const PLAN_WIDTH = 2;
/** Small pages: what comes while one transaction runs goes together in the next, which costs less than two side by side. */
const URGENT_WIDTH = 1;
const UNIQUE_VIOLATION = '23505';

export type Planner = {
  /** Plans the pages of consecutive records of one partition and moves its position, in one transaction. */
  planRecords(group: string, records: readonly LogRecord[], slice: Slice): Promise<void>;
};

export function createPlanner(parts: PlannerParts): Planner {
  const { pool, catalogue, clock, logger } = parts;

  /** The lanes apart, so that the urgent one never waits for a full page of the other. */
  const lanes = new Map<string, (job: Job) => Promise<void>>();

  /** Plans the pages of consecutive records of one partition and moves its position, in one transaction. */
  async function planRecords(group: string, records: readonly LogRecord[], slice: Slice): Promise<void> {
    let plan = lanes.get(group);
    if (plan === undefined) {
      plan = createCombine({
        width: group.endsWith('urgent') ? URGENT_WIDTH : PLAN_WIDTH,
        limit: PLAN_BYTES,
        weight: (job) => job.bytes,
        run: planJobs,
      });
      lanes.set(group, plan);
    }
    const bytes = records.reduce((sum, record) => sum + (record.value?.length ?? 0), 0);
    await plan({ group, pages: records.map((record) => decodePage(record.value)), bytes, slice });
  }

  async function planJobs(jobs: readonly Job[]): Promise<void> {
    const run = (careful: boolean) =>
      transaction(pool, async (sql) => {
        await advancePositions(
          sql,
          jobs[0]!.group,
          jobs.map((job) => job.slice),
        );
        const queues = new Set<QueueName>();
        for (const pages of oneRunAFanout(jobs.flatMap((job) => job.pages)))
          for (const queue of await planPages(sql, pages, careful)) queues.add(queue);
        return queues;
      });
    // A told key that is new has no notification yet, so none is looked for. Should one stand all the same, it is left alone.
    const ready = await run(false).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      return run(true);
    });
    if (ready.size > 0) parts.wake(ready);
  }

  /** Returns the queues that batches are ready for. */
  async function planPages(
    sql: Sql,
    given: readonly AudiencePage[],
    careful: boolean,
  ): Promise<ReadonlySet<QueueName>> {
    const nowMs = clock.nowMs();
    const fanouts = await lockFanouts(sql, [...new Set(given.map((page) => page.fanout))].sort());
    const open = given.filter((page) => {
      const context = fanouts.get(page.fanout);
      // After a restore of the ledger the log may answer questions that it no longer knows of: they are asked anew.
      if (context === undefined)
        logger.warn({ fanout: page.fanout, page: page.page }, 'a page of an unknown fan-out was dropped');
      return context?.state === 'asked';
    });
    if (open.length === 0) return new Set();
    const keyOf = (page: AudiencePage) => ({
      fanout: page.fanout,
      run: page.run,
      page: page.page,
      agency: fanouts.get(page.fanout)!.agency,
    });
    const started = await startPages(sql, open.map(keyOf), nowMs);
    const pages = open.filter((page) => started.has(`${page.run}/${page.page}`));
    if (pages.length === 0) return new Set();
    const contexts = await loadContexts(sql, fanouts, pages);
    const counts = new Map(pages.map((page) => [page, noCounts()]));
    const matches = await toMatches(sql, pages, contexts, counts);
    const obligations = await openObligations(sql, matches, nowMs);
    const told = await decideAndTell(sql, matches, obligations, nowMs);
    await insertNotifications(sql, told.notifications, nowMs, careful);
    await insertDeliveries(sql, told.deliveries, nowMs, careful);
    await adoptNotifications(sql, told.adopted);
    for (const page of pages)
      await settleUnknown(sql, page, contexts.get(page.fanout)!, counts.get(page)!, nowMs);
    const counted = pages.map((page) => ({
      page: keyOf(page),
      counts: counts.get(page)!,
      total:
        page.last && page.totals !== null ? { pages: page.totals.pages, matched: page.totals.matched } : null,
    }));
    for (const state of await countPages(sql, counted, nowMs)) {
      if (!state.complete || (state.balanced && state.runsOfFanout === 1)) continue;
      await finishFanout(sql, contexts.get(state.fanout)!, state, nowMs);
      if (!state.balanced)
        logger.error(
          { fanout: state.fanout, run: state.run },
          'the counts of a run do not add up: its fan-out failed',
        );
    }
    return new Set(told.deliveries.map((row): QueueName => `${row.channel}-${row.lane}`));
  }

  async function loadContexts(
    sql: Sql,
    fanouts: ReadonlyMap<FanoutId, FanoutContext>,
    pages: readonly AudiencePage[],
  ): Promise<Map<FanoutId, Context>> {
    const contexts = new Map<FanoutId, Context>();
    for (const { fanout } of pages) {
      const context = fanouts.get(fanout)!;
      if (contexts.has(fanout)) continue;
      const live = await catalogue.ruleVersion(context.rule, context.ruleVersion);
      if (live === undefined)
        throw new AllimError('not-found', `rule ${context.rule} has no version ${context.ruleVersion}`, {
          ids: { fanout },
        });
      const body =
        context.event === null ? undefined : (await loadEvents(sql, [context.event])).get(context.event);
      contexts.set(fanout, { ...context, live, body });
    }
    return contexts;
  }

  async function toMatches(
    sql: Sql,
    pages: readonly AudiencePage[],
    contexts: ReadonlyMap<FanoutId, Context>,
    counts: ReadonlyMap<AudiencePage, RunCounts>,
  ): Promise<Match[]> {
    const targeted = [...new Set(pages.flatMap((page) => page.events ?? []))];
    const bodies = targeted.length > 0 ? await loadEvents(sql, targeted) : new Map<string, CloudEvent>();
    const matches: Match[] = [];
    for (const page of pages) {
      const context = contexts.get(page.fanout)!;
      const { rule } = context.live;
      for (const [index, citizen] of page.citizens.entries()) {
        const event = (page.events?.[index] as EventRowId | undefined) ?? context.event;
        const body = context.body ?? (event === null ? undefined : bodies.get(event));
        if (event === null || body === undefined)
          throw new AllimError('record-corrupt', 'a page names an event that the ledger does not know', {
            ids: { fanout: page.fanout },
          });
        const key =
          context.obligationKind !== null && context.obligationRef !== null
            ? { kind: context.obligationKind, ref: context.obligationRef }
            : obligationKey(rule, body, event);
        const broadcast = context.event !== null;
        matches.push({
          page,
          context,
          counts: counts.get(page)!,
          index,
          citizen,
          event,
          body,
          obligation: obligationId(context.agency, key.kind, key.ref, citizen),
          version: broadcast ? context.version : sequenceOf(body),
          expiresAtMs: broadcast
            ? context.expiresAtMs
            : expiryOf(body, deadlineOf(rule, body.data, parts.calendar)),
          stageKind: context.stageKind,
          previousEvent: null,
        });
      }
    }
    return matches;
  }

  /**
   * Locks the obligations of all matches. A broadcast opens or raises its own; where it corrects an older version, what is unsent of that
   * ends here, and those who were attempted get the stage `corrected` in place of the immediate one.
   */
  async function openObligations(
    sql: Sql,
    matches: readonly Match[],
    nowMs: number,
  ): Promise<Map<ObligationId, ObligationNow>> {
    const changes = new Map<ObligationId, ObligationChange>();
    for (const match of matches) {
      const { context } = match;
      if (context.event === null || changes.has(match.obligation)) continue;
      changes.set(match.obligation, {
        id: match.obligation,
        agency: context.agency,
        kind: context.obligationKind!,
        ref: context.obligationRef!,
        citizen: match.citizen,
        version: match.version,
        state: 'open',
        event: match.event,
        deadline: context.deadline,
      });
    }
    const changed = await changeObligations(sql, [...changes.values()], nowMs);
    const now = new Map<ObligationId, ObligationNow>();
    for (const row of changed) now.set(row.id, { state: row.state, version: changes.get(row.id)!.version });
    const rest = [...new Set(matches.map((match) => match.obligation))].filter((id) => !now.has(id)).sort();
    for (const [id, state] of await lockObligations(sql, rest)) now.set(id, state);

    const corrected = matches.filter(({ context, version, obligation, stageKind }) => {
      const stage = context.live.rule.stages.find((s) => s.kind === stageKind);
      const replaces =
        stageKind === CORRECTED || (context.corrects && stage !== undefined && isImmediate(stage));
      return replaces && now.get(obligation)?.state === 'open' && now.get(obligation)?.version === version;
    });
    const attempted = await endUnsent(
      sql,
      corrected.map((match) => match.obligation),
      corrected.map((match) => match.version),
      'superseded',
      nowMs,
    );
    for (const match of corrected) {
      match.previousEvent = attempted.get(match.obligation) ?? null;
      if (match.previousEvent !== null && match.context.live.rule.templates[CORRECTED] !== undefined)
        match.stageKind = CORRECTED;
    }
    return now;
  }

  async function decideAndTell(
    sql: Sql,
    matches: readonly Match[],
    obligations: ReadonlyMap<ObligationId, ObligationNow>,
    nowMs: number,
  ): Promise<{
    notifications: NotificationRow[];
    deliveries: DeliveryRow[];
    adopted: { id: NotificationId; run: AudiencePage['run'] }[];
  }> {
    const people = await loadPeople(sql, [...new Set(matches.map((match) => match.citizen))]);
    const snapshot = catalogue.current();
    const candidates: { match: Match; key: string; contactPoint: { id: string; channel: Channel } | null }[] =
      [];
    for (const match of matches) {
      const { counts, context } = match;
      counts.matched++;
      const obligation = obligations.get(match.obligation);
      if (
        obligation === undefined ||
        obligation.version > match.version ||
        (context.superseded && context.event !== null)
      ) {
        counts.superseded++;
        continue;
      }
      if (obligation.state !== 'open') {
        counts.done++;
        continue;
      }
      const verdict = judgeRecipient(context.live.rule, people.get(match.citizen));
      if (verdict.kind === 'dead') {
        counts.nobody++;
        continue;
      }
      counts.recipients++;
      if (verdict.kind === 'opted-out') {
        counts.optedOut++;
        counts.optedRecipients++;
        continue;
      }
      const key = besideId(
        'told',
        match.obligation,
        context.rule,
        match.stageKind,
        match.version.toString(),
        match.citizen,
      );
      candidates.push({ match, key, contactPoint: verdict.contactPoint });
    }
    const told = await tell(
      sql,
      candidates.map(({ match, key }) => ({
        key,
        agency: match.context.agency,
        stageRun: match.context.stageRun,
      })),
    );
    const notifications: NotificationRow[] = [];
    const deliveries: DeliveryRow[] = [];
    const adopted: { id: NotificationId; run: AudiencePage['run'] }[] = [];
    const filling = new Map<string, { batch: BatchId; size: number }>();
    const seen = new Set<string>();
    for (const { match, key, contactPoint } of candidates) {
      const { counts, context, page } = match;
      const mine = told.fresh.has(key) && !seen.has(key);
      const again = !mine && (seen.has(key) ? false : told.before.get(key) === context.stageRun);
      seen.add(key);
      if (!mine && !again) {
        counts.told++;
        counts.toldRecipients++;
        continue;
      }
      counts.notified++;
      counts.planned++;
      if (contactPoint === null) counts.noAddress++;
      const id = besideId<NotificationId>(
        'notification',
        match.obligation,
        context.stageRun,
        match.version.toString(),
        match.citizen,
      );
      if (again) {
        adopted.push({ id, run: page.run });
        continue;
      }
      notifications.push({
        id,
        month: context.month,
        agency: context.agency,
        stageRun: context.stageRun,
        run: page.run,
        obligation: match.obligation,
        event: match.event,
        citizen: match.citizen,
        recipient: match.citizen,
        stageKind: match.stageKind,
        version: match.version,
        reach: page.reach[match.index] ?? 'certain',
        template: templateOf(context.live, match.stageKind, snapshot.templates),
        locale: people.get(match.citizen)?.locale ?? 'ko',
        values: valuesOf(page, match.index),
        previousEvent: match.previousEvent,
        noAddress: contactPoint === null,
      });
      if (contactPoint === null) continue;
      const bucket = `${context.agency}/${contactPoint.channel}/${context.lane}/${context.month}`;
      // Pages that are planned together share batches. The opener names one: its page is planned once, so no other batch has that id.
      let current = filling.get(bucket);
      if (current === undefined || current.size >= BATCH_DELIVERIES) {
        current = { batch: keyId<BatchId>('batch', page.run, page.page, bucket, match.index), size: 0 };
        filling.set(bucket, current);
      }
      current.size++;
      deliveries.push({
        id: besideId<DeliveryId>('delivery', id, contactPoint.id),
        month: context.month,
        agency: context.agency,
        notification: id,
        contactPoint: contactPoint.id,
        channel: contactPoint.channel,
        lane: context.lane,
        batch: current.batch,
        expiresAtMs: match.expiresAtMs,
      });
    }
    logger.debug({ matches: matches.length, deliveries: deliveries.length, nowMs }, 'planned');
    return { notifications, deliveries, adopted };
  }

  /** Targeted events whose citizen the shard does not know wait; those it judged after a wait leave the list. */
  async function settleUnknown(
    sql: Sql,
    page: AudiencePage,
    context: Context,
    counts: RunCounts,
    nowMs: number,
  ): Promise<void> {
    const unknown = (page.unknownEvents ?? []) as EventRowId[];
    counts.unknown += unknown.length;
    const bodies = unknown.length > 0 ? await loadEvents(sql, unknown) : new Map<string, CloudEvent>();
    const { rule } = context.live;
    await saveUnresolved(
      sql,
      unknown.map((event, index) => ({
        agency: context.agency,
        event,
        stageRun: context.stageRun,
        citizen: page.unknown[index] ?? null,
        subjectKeyHash: null,
        askedOffset: page.profileOffset,
        expiresAtMs: expiryIn(rule, bodies.get(event), parts.calendar),
      })),
      nowMs,
    );
    if (context.reason === 'arrived' && page.last) {
      const still = new Set<string>(unknown);
      await dropResolved(
        sql,
        context.stageRun,
        (context.pairEvents ?? []).filter((event) => !still.has(event)),
      );
    }
  }

  return { planRecords };
}

/**
 * Consecutive pages among which no fan-out has two runs: a question that was asked twice is answered twice, often side by side. The run
 * that ends first completes the fan-out, and what follows must see that; judged together, the second would take the first for
 * abandoned and cancel what it had planned.
 */
function oneRunAFanout(pages: readonly AudiencePage[]): AudiencePage[][] {
  const groups: AudiencePage[][] = [];
  let runs = new Map<string, string>();
  for (const page of pages) {
    const run = runs.get(page.fanout);
    if (groups.length === 0 || (run !== undefined && run !== page.run)) {
      groups.push([]);
      runs = new Map();
    }
    runs.set(page.fanout, page.run);
    groups.at(-1)!.push(page);
  }
  return groups;
}

function expiryIn(
  rule: LiveRule['rule'],
  body: CloudEvent | undefined,
  calendar: WorkingDays,
): number | null {
  return body === undefined ? null : expiryOf(body, deadlineOf(rule, body.data, calendar));
}

function templateOf(live: LiveRule, stageKind: string, templates: ReadonlyMap<string, number>): number {
  const name = live.rule.templates[stageKind];
  const id = name === undefined ? undefined : templates.get(name);
  if (id === undefined)
    throw new AllimError(
      'not-found',
      `rule ${live.rule.id} names no template that exists for stage ${stageKind}`,
      {
        ids: { rule: live.rule.id, version: live.version },
      },
    );
  return id;
}

/** The citizen's own values as JSON; null where the page has none. */
function valuesOf(page: AudiencePage, index: number): string | null {
  const names = Object.keys(page.values);
  if (names.length === 0) return null;
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, page.values[name]?.[index] ?? null])));
}
