/**
 * T2: plans pages. One transaction locks the fan-outs and the obligations, decides for each match whether, whom and where to tell, and
 * writes told keys, notifications, deliveries, batches, counts and the position. Doing a page twice, or its run again after a shard
 * died, writes the same rows. Never sends, never waits for a queue.
 *
 * Hot: the arithmetic per row is four hashes and a few array pushes; measured figures stand in docs/performance.md.
 */
import type { LogRecord } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { createCombine } from '../domain/combine.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import type { Metrics } from '../domain/metrics.ts';
import { type AudiencePage, decodePage } from '../domain/records.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { Lane } from '../domain/statuses.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { QueueName } from '../queue/queue.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { adoptNotifications, insertDeliveries, insertNotifications } from '../store/plan.ts';
import { advancePositions } from '../store/positions.ts';
import { reportNoAddress } from '../store/reports.ts';
import { countPages, finishFanout, lockFanouts, noCounts, startPages } from '../store/runs.ts';
import type { Courtesy } from './courtesy.ts';
import { decideAndTell } from './decide.ts';
import { loadContexts, markLeft, openObligations, toMatches } from './matches.ts';
import type { ReadersFirst } from './readers-first.ts';
import { settleUnknown } from './unknown.ts';

export type PlannerParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Large pages begin after small ones that are under way. */
  readonly courtesy: Courtesy;
  /** And while people wait for their pages, with pauses. */
  readonly readersFirst: ReadersFirst;
  /** Called after a commit that left batches ready for these queues. */
  readonly wake: (queues: ReadonlySet<QueueName>) => void;
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
/**
 * Small pages: what comes while one transaction runs goes together in the next, which costs less than two side by side. Some hundreds of
 * citizens at a time, so that the first of an agency does not wait for all of another.
 */
const URGENT_WIDTH = 1;
export const URGENT_BYTES = 40_000;
const UNIQUE_VIOLATION = '23505';

export type Planner = {
  /** Plans the pages of consecutive records of one partition and moves its position, in one transaction. */
  planRecords(group: string, records: readonly LogRecord[], slice: Slice): Promise<void>;
};

export function createPlanner(parts: PlannerParts): Planner {
  const { pool, catalogue, clock, logger, courtesy } = parts;

  /** The lanes apart, so that the urgent one never waits for a full page of the other. */
  const lanes = new Map<string, (job: Job) => Promise<void>>();

  /** Plans the pages of consecutive records of one partition and moves its position, in one transaction. */
  async function planRecords(group: string, records: readonly LogRecord[], slice: Slice): Promise<void> {
    let plan = lanes.get(group);
    if (plan === undefined) {
      plan = createCombine({
        width: group.endsWith('urgent') ? URGENT_WIDTH : PLAN_WIDTH,
        limit: group.endsWith('urgent') ? URGENT_BYTES : PLAN_BYTES,
        weight: (job) => job.bytes,
        run: group.endsWith('urgent')
          ? (jobs) => courtesy.first(() => planJobs(jobs))
          : (jobs) => courtesy.after().then(() => parts.readersFirst(() => planJobs(jobs))),
      });
      lanes.set(group, plan);
    }
    const bytes = records.reduce((sum, record) => sum + (record.value?.length ?? 0), 0);
    await plan({ group, pages: records.map((record) => decodePage(record.value)), bytes, slice });
  }

  /** After the commit: what was rolled back was not planned. */
  function count(jobs: readonly Job[], planned: readonly QueueName[]): void {
    const { metrics } = parts;
    if (metrics === undefined) return;
    const lane = laneOf(jobs);
    for (const { reach } of jobs.flatMap((job) => job.pages)) {
      const certain = reach.reduce((sum, one) => sum + (one === 'certain' ? 1 : 0), 0);
      metrics.add('pages', { lane });
      metrics.add('matches', { lane, reach: 'certain' }, certain);
      metrics.add('matches', { lane, reach: 'possible' }, reach.length - certain);
    }
    for (const [queue, rows] of Map.groupBy(planned, (name) => name)) {
      const [channel = '', of = ''] = queue.split('-');
      metrics.add('deliveries_planned', { channel, lane: of }, rows.length);
    }
  }

  async function planJobs(jobs: readonly Job[]): Promise<void> {
    const run = (careful: boolean) =>
      transaction(pool, async (sql) => {
        await advancePositions(
          sql,
          jobs[0]!.group,
          jobs.map((job) => job.slice),
        );
        const queues: QueueName[] = [];
        for (const pages of oneRunAFanout(jobs.flatMap((job) => job.pages)))
          for (const queue of await planPages(sql, pages, careful, laneOf(jobs))) queues.push(queue);
        mark('plan:before-commit');
        return queues;
      });
    // A told key that is new has no notification yet, so none is looked for. Should one stand all the same, it is left alone.
    const ready = await run(false).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      return run(true);
    });
    mark('plan:committed');
    count(jobs, ready);
    if (ready.length > 0) parts.wake(new Set(ready));
  }

  /** Returns the queue of each delivery that it planned. */
  async function planPages(
    sql: Sql,
    given: readonly AudiencePage[],
    careful: boolean,
    lane: Lane,
  ): Promise<readonly QueueName[]> {
    const nowMs = clock.nowMs();
    const fanouts = await lockFanouts(sql, [...new Set(given.map((page) => page.fanout))].sort());
    const open = given.filter((page) => {
      const context = fanouts.get(page.fanout);
      // After a restore of the ledger the log may answer questions that it no longer knows of: they are asked anew.
      if (context === undefined) {
        parts.metrics?.add('pages_unknown', { lane });
        logger.warn({ fanout: page.fanout, page: page.page }, 'a page of an unknown fan-out was dropped');
      }
      return context?.state === 'asked';
    });
    if (open.length === 0) return [];
    const keyOf = (page: AudiencePage) => ({
      fanout: page.fanout,
      run: page.run,
      page: page.page,
      agency: fanouts.get(page.fanout)!.agency,
    });
    const started = await startPages(sql, open.map(keyOf), nowMs);
    const pages = open.filter((page) => started.has(`${page.run}/${page.page}`));
    if (pages.length === 0) return [];
    const contexts = await loadContexts(sql, catalogue, fanouts, pages);
    const counts = new Map(pages.map((page) => [page, noCounts()]));
    const matches = await toMatches(sql, parts.calendar, pages, contexts, counts);
    const obligations = await openObligations(sql, matches, nowMs);
    await markLeft(sql, matches);
    const told = await decideAndTell(sql, catalogue.current(), matches, obligations);
    logger.debug({ matches: matches.length, deliveries: told.deliveries.length, nowMs }, 'planned');
    await insertNotifications(sql, told.notifications, nowMs, careful);
    await reportNoAddress(
      sql,
      told.notifications.filter((row) => row.noAddress),
      nowMs,
    );
    await insertDeliveries(sql, told.deliveries, nowMs, careful);
    await adoptNotifications(sql, told.adopted);
    for (const page of pages)
      await settleUnknown(sql, parts.calendar, page, contexts.get(page.fanout)!, counts.get(page)!, nowMs);
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
    return told.deliveries.map((row): QueueName => `${row.channel}-${row.lane}`);
  }

  return { planRecords };
}

const laneOf = (jobs: readonly Job[]): Lane => (jobs[0]?.group.endsWith('urgent') ? 'urgent' : 'bulk');

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
