/** A campaign as its page shows it: the equation, channels, failures by whose fault, time, and what each action would do now. */
import type { Sql } from '../../domain/sql.ts';
import { CHANNELS, type DeliveryStatus } from '../../domain/statuses.ts';
import {
  type CampaignHead,
  campaignHead,
  countDeliveries,
  countPossible,
  type DeliveryCount,
  type Equation,
  type StageCounts,
  stageCounts,
  type TimeCount,
} from '../../store/campaign-counts.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { type People, people, peopleParts } from './shown-people.ts';

export type CampaignCounts = {
  readonly head: CampaignHead;
  readonly title: Readonly<Record<string, string>> | null;
  readonly stages: readonly StageCounts[];
  readonly deliveries: readonly DeliveryCount[];
  readonly overTime: readonly TimeCount[];
  readonly spanMinutes: number;
  readonly possible: number;
  readonly asOf: Date;
};

export type CampaignState = 'running' | 'paused' | 'done' | 'ended' | 'cancelled';

/** Whose fault a failure is: the status says it (domain/statuses.ts). */
export const FAULT_OF = {
  'failed-permanent': 'address',
  'failed-temporary': 'network',
  'failed-technical': 'us',
  ambiguous: 'unclear',
} as const satisfies Partial<Record<DeliveryStatus, string>>;
type Fault = (typeof FAULT_OF)[keyof typeof FAULT_OF];

const NOT_LEFT: readonly DeliveryStatus[] = ['planned', 'waiting'];

/** Minutes a column of the picture over time stands for. */
function spanOf(ageMs: number): number {
  const hours = ageMs / 3_600_000;
  return hours < 2 ? 1 : hours < 24 ? 15 : hours < 24 * 14 ? 60 : 1_440;
}

/** undefined where there is no such campaign. */
export async function countCampaign(
  sql: Sql,
  catalogue: Pick<Catalogue, 'current'>,
  id: string,
  nowMs: number,
): Promise<CampaignCounts | undefined> {
  const head = await campaignHead(sql, id);
  if (head === undefined) return undefined;
  const spanMinutes = spanOf(nowMs - head.acceptedAt.getTime());
  const stages = await stageCounts(sql, id);
  const counted = await countDeliveries(sql, id, spanMinutes);
  const possible = await countPossible(sql, id);
  const title = catalogue.current().rules.get(head.rule)?.rule.title ?? null;
  return { head, title, stages, ...counted, spanMinutes, possible, asOf: new Date(nowMs) };
}

const sumOf = (deliveries: readonly DeliveryCount[], statuses: readonly DeliveryStatus[]): number =>
  deliveries.reduce((sum, one) => sum + (statuses.includes(one.status) ? one.count : 0), 0);

export function stateOf({ head, stages, deliveries }: CampaignCounts): CampaignState {
  if (head.cancelledAt !== null) return 'cancelled';
  if (head.stops.some(({ scope }) => scope === `campaign:${head.id}`)) return 'paused';
  const open =
    head.ahead.length > 0 ||
    stages.some(({ shards, answered, failed }) => answered + failed < shards) ||
    sumOf(deliveries, [...NOT_LEFT, 'sending']) > 0;
  if (open) return 'running';
  return head.endedAt === null ? 'done' : 'ended';
}

function equationOf(counts: readonly Equation[], exact: boolean) {
  const sum = (name: keyof Equation) => counts.reduce((total, one) => total + one[name], 0);
  const parts = peopleParts(
    {
      notified: sum('notified'),
      told: sum('told'),
      done: sum('done'),
      superseded: sum('superseded'),
      nobody: sum('nobody'),
      optedOut: sum('optedOut'),
    },
    exact,
  );
  return {
    matched: people(sum('matched'), exact),
    ...parts,
    recipients: {
      planned: people(sum('planned'), exact),
      noAddress: people(sum('noAddress'), exact),
      leftBehind: people(sum('leftBehind'), exact),
    },
  };
}

/** What each action would do now, and whether it may be asked for at all. */
export type Actions = {
  readonly pause: { readonly may: boolean; readonly holds: People; readonly stages: number };
  readonly resume: { readonly may: boolean; readonly sends: People };
  readonly cancel: { readonly may: boolean; readonly cancels: People; readonly stages: number };
};

export function actionsOf(counts: CampaignCounts, exact: boolean): Actions {
  const state = stateOf(counts);
  const notLeft = people(sumOf(counts.deliveries, NOT_LEFT), exact);
  const stages = counts.head.ahead.length;
  return {
    pause: { may: state === 'running', holds: notLeft, stages },
    resume: { may: state === 'paused', sends: notLeft },
    cancel: { may: state === 'running' || state === 'paused', cancels: notLeft, stages },
  };
}

function failuresOf(deliveries: readonly DeliveryCount[], exact: boolean) {
  const failed = deliveries.filter((one) => one.status in FAULT_OF);
  const byFault = Map.groupBy(failed, ({ status }): Fault => FAULT_OF[status as keyof typeof FAULT_OF]);
  return [...byFault].map(([fault, own]) => {
    const codes = new Map<string, number>();
    for (const { code, count } of own) codes.set(code ?? 'none', (codes.get(code ?? 'none') ?? 0) + count);
    return {
      fault,
      count: people(
        own.reduce((sum, { count }) => sum + count, 0),
        exact,
      ),
      codes: [...codes]
        .toSorted(([, a], [, b]) => b - a)
        .slice(0, 10)
        .map(([code, count]) => ({ code, count: people(count, exact) })),
    };
  });
}

function channelsOf(deliveries: readonly DeliveryCount[], exact: boolean) {
  return CHANNELS.flatMap((channel) => {
    const own = deliveries.filter((one) => one.channel === channel);
    if (own.length === 0) return [];
    const of = (...statuses: DeliveryStatus[]) => people(sumOf(own, statuses), exact);
    return [
      {
        channel,
        all: people(
          own.reduce((sum, { count }) => sum + count, 0),
          exact,
        ),
        planned: of('planned'),
        waiting: of('waiting'),
        sending: of('sending'),
        sent: of('sent', 'delivered'),
        delivered: of('delivered'),
        failed: of('failed-permanent', 'failed-temporary', 'failed-technical'),
        unclear: of('ambiguous'),
        suppressed: of('suppressed'),
        expired: of('expired'),
        cancelled: of('cancelled'),
      },
    ];
  });
}

export function shownCampaign(counts: CampaignCounts, exact: boolean) {
  const { head, title, stages, deliveries, overTime, spanMinutes, possible, asOf } = counts;
  const { id, ...rest } = head;
  return {
    campaign: id,
    ...rest,
    title,
    state: stateOf(counts),
    asOf,
    equation: equationOf(stages, exact),
    possible: people(possible, exact),
    stages: stages.map(({ kind, dueAt, ruleVersion, shards, answered, failed, ...equation }) => ({
      kind,
      dueAt,
      ruleVersion,
      shards,
      answered,
      failed,
      ...equationOf([equation], exact),
    })),
    channels: channelsOf(deliveries, exact),
    failures: failuresOf(deliveries, exact),
    overTime: {
      spanMinutes,
      columns: overTime.map(({ at, sent, failed }) => ({
        at,
        sent: people(sent, exact),
        failed: people(failed, exact),
      })),
    },
    notLeft: people(sumOf(deliveries, NOT_LEFT), exact),
    actions: actionsOf(counts, exact),
  };
}
