/**
 * A rule published anew: what is scheduled follows the new version. Stages it lacks go, moved ones move, new ones that lie ahead come;
 * a stage that is running keeps the version it started with. Each rule in a
 * transaction of its own, so that one at fault does not hold up the others; obligations in pages, so that memory does not grow with them.
 */
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Rule } from '../domain/rule.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { dueOf, isImmediate, type WorkingDays } from '../domain/timeline.ts';
import { openCampaigns } from '../store/campaigns.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { loadEvents } from '../store/events.ts';
import {
  dropOtherStages,
  lockRepublishedRule,
  markScheduled,
  republishedRules,
  type Schedule,
  saveSchedules,
  scheduledObligations,
} from '../store/schedules.ts';

const PAGE = 2_000;
/** After a failure: doubling up to this. A version that is published after it is taken up at once. */
const LONGEST_WAIT_MS = 300_000;
const FIRST_WAIT_MS = 1_000;
const FIRST = '00000000-0000-0000-0000-000000000000';

type Target = Pick<Schedule, 'agency' | 'campaign' | 'obligation' | 'event' | 'citizen'>;

export function createRepublish(parts: {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly clock: Clock;
  readonly logger: Logger;
}) {
  const { pool, catalogue, calendar, clock, logger } = parts;

  function schedulesOf(
    rule: Rule,
    target: Target,
    data: Readonly<Record<string, unknown>>,
    arrivedMs: number,
    nowMs: number,
  ): Schedule[] {
    return rule.stages.flatMap((stage) => {
      if (isImmediate(stage)) return [];
      const dueMs = dueOf(rule, stage, { data, arrivedMs }, calendar);
      return dueMs === null || dueMs <= nowMs
        ? []
        : [{ ...target, rule: rule.id, stageKind: stage.kind, dueMs }];
    });
  }

  async function followRule(sql: Sql, id: string, nowMs: number): Promise<void> {
    const version = await lockRepublishedRule(sql, id);
    const live = version === undefined ? undefined : await catalogue.ruleVersion(id, version);
    if (version === undefined || live === undefined) return;
    const { rule } = live;
    await dropOtherStages(
      sql,
      id,
      rule.stages.filter((stage) => !isImmediate(stage)).map((stage) => stage.kind),
    );
    const campaigns = await openCampaigns(sql, id, nowMs);
    const bodies = await loadEvents(
      sql,
      campaigns.map((campaign) => campaign.event),
    );
    await saveSchedules(
      sql,
      campaigns.flatMap((campaign) => {
        const event = bodies.get(campaign.event);
        const target = {
          agency: campaign.agency,
          campaign: campaign.id,
          obligation: null,
          event: null,
          citizen: null,
        };
        return event === undefined ? [] : schedulesOf(rule, target, event.data, campaign.acceptedMs, nowMs);
      }),
    );
    let obligations = 0;
    for (let after = FIRST; ; ) {
      const page = await scheduledObligations(sql, id, after, PAGE);
      const events = await loadEvents(sql, [...new Set(page.map((row) => row.event))]);
      await saveSchedules(
        sql,
        page.flatMap(({ acceptedMs, ...target }) => {
          const event = events.get(target.event);
          return event === undefined ? [] : schedulesOf(rule, target, event.data, acceptedMs, nowMs);
        }),
      );
      obligations += page.length;
      if (page.length < PAGE) break;
      after = page.at(-1)!.obligation;
    }
    await markScheduled(sql, id, version);
    if (campaigns.length + obligations > 0)
      logger.info(
        { rule: id, version, campaigns: campaigns.length, obligations },
        'schedules follow the new version of a rule',
      );
  }

  /** By `rule@version`, where the last attempt failed: what was wrong, and when the next is due. */
  const failing = new Map<string, { failures: number; nextMs: number; reason: string }>();

  function failed({ id, version }: { id: string; version: number }, error: unknown): void {
    const key = `${id}@${version}`;
    const before = failing.get(key);
    const failures = (before?.failures ?? 0) + 1;
    const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 20));
    const reason = messageOf(error);
    failing.set(key, { failures, nextMs: clock.nowMs() + waitMs, reason });
    if (reason !== before?.reason)
      logger.error(
        { rule: id, version, err: reason },
        'schedules could not follow a rule; tried again, ever more seldom, and told when the reason changes',
      );
  }

  /** Takes every rule whose schedules are behind. Returns false: there is nothing more until something is published. */
  return async function follow(): Promise<boolean> {
    const nowMs = clock.nowMs();
    const behind = await republishedRules(pool);
    const keys = new Set(behind.map(({ id, version }) => `${id}@${version}`));
    for (const key of failing.keys()) if (!keys.has(key)) failing.delete(key);
    for (const rule of behind) {
      if ((failing.get(`${rule.id}@${rule.version}`)?.nextMs ?? 0) > nowMs) continue;
      try {
        await transaction(pool, (sql) => followRule(sql, rule.id, nowMs));
      } catch (error) {
        failed(rule, error);
      }
    }
    return false;
  };
}
