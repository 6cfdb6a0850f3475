/** Stage runs and the fan-outs they are asked through: one a shard for a broadcast, as many as the pairs need for targeted events. */
import { dayOf, monthOf } from '../domain/clock.ts';
import type { CloudEvent } from '../domain/event.ts';
import type { EventRowId, StageRunId } from '../domain/ids.ts';
import { partitionOf } from '../domain/murmur2.ts';
import type { Rule } from '../domain/rule.ts';
import type { Lane } from '../domain/statuses.ts';
import type { Campaign } from '../store/campaigns.ts';
import type { LiveRule } from '../store/catalogue.ts';
import { fanoutId, type StageRun, stageRunId } from '../store/fanouts.ts';
import { type AgencyPace, URGENT_PAIRS } from './agency-pace.ts';
import { type Ask, matchEvent } from './requests.ts';

/** A page answers a request one to one for targeted events, so a request stays small enough for both records. */
const PAIRS_A_REQUEST = 500;
const REQUEST_BYTES = 600_000;
/** Row id, punctuation and the answer's share of a pair. */
const PAIR_BYTES = 200;
export function stageRunOf(
  campaign: Pick<Campaign, 'id' | 'agency'>,
  live: LiveRule,
  stageKind: string,
  dueMs: number,
): StageRun {
  return {
    id: stageRunId(campaign.id, stageKind, dueMs),
    agency: campaign.agency,
    campaign: campaign.id,
    rule: live.rule.id,
    ruleVersion: live.version,
    stageKind,
    dueMs,
    asOf: dayOf(dueMs),
    month: monthOf(dueMs),
  };
}

export function broadcastFanouts(
  run: StageRun,
  event: EventRowId,
  rule: Rule,
  profileEnds: readonly number[],
): Ask[] {
  const lane: Lane = rule.category === 'emergency' ? 'urgent' : 'bulk';
  return profileEnds.map((end, shard) => ({
    run,
    broadcast: event,
    fanout: {
      id: fanoutId(run.id, shard, 0),
      agency: run.agency,
      stageRun: run.id,
      shard,
      request: 0,
      lane,
      minProfileOffset: end,
      pairs: null,
    },
  }));
}

export type PairOfRun = {
  readonly run: StageRun;
  readonly rule: Rule;
  readonly row: EventRowId;
  readonly event: CloudEvent;
  readonly citizen: string;
};

/** Agencies that have more under way, or send faster, than the urgent lane takes from one. */
export type Busy = {
  readonly pace: AgencyPace;
  /** What each agency already has under way. */
  readonly unplanned: ReadonlyMap<string, number>;
  readonly nowMs: number;
};

/** Cuts pairs into requests by stage run, shard, count and bytes. */
export async function targetedFanouts(
  pairs: readonly PairOfRun[],
  profileEnds: readonly number[],
  busy: Busy,
  takeNumbers: (count: number) => Promise<number[]>,
): Promise<Ask[]> {
  type Group = {
    run: StageRun;
    rule: Rule;
    shard: number;
    bytes: number;
    pairs: { event: EventRowId; citizen: string }[];
  };
  const groups: Group[] = [];
  const current = new Map<string, Group>();
  for (const pair of pairs) {
    const shard = partitionOf(pair.citizen, profileEnds.length);
    const key: `${StageRunId}/${number}` = `${pair.run.id}/${shard}`;
    const bytes =
      Buffer.byteLength(JSON.stringify(matchEvent(pair.event))) +
      Buffer.byteLength(pair.citizen) +
      PAIR_BYTES;
    let group = current.get(key);
    if (group === undefined || group.pairs.length >= PAIRS_A_REQUEST || group.bytes + bytes > REQUEST_BYTES) {
      group = { run: pair.run, rule: pair.rule, shard, bytes: 0, pairs: [] };
      current.set(key, group);
      groups.push(group);
    }
    group.pairs.push({ event: pair.row, citizen: pair.citizen });
    group.bytes += bytes;
  }
  const numbers = await takeNumbers(groups.length);
  const before = new Map(busy.unplanned);
  const flooding = new Set<string>();
  for (const [agency, own] of Map.groupBy(pairs, (pair) => pair.run.agency))
    if (busy.pace.floods(agency, own.length, busy.nowMs)) flooding.add(agency);
  return groups.map((group, index) => {
    const request = numbers[index]!;
    const { agency } = group.run;
    const ahead = before.get(agency) ?? 0;
    before.set(agency, ahead + group.pairs.length);
    const urgent = group.rule.category === 'emergency' || (ahead < URGENT_PAIRS && !flooding.has(agency));
    return {
      run: group.run,
      broadcast: null,
      fanout: {
        id: fanoutId(group.run.id, group.shard, request),
        agency: group.run.agency,
        stageRun: group.run.id,
        shard: group.shard,
        request,
        lane: urgent ? 'urgent' : 'bulk',
        minProfileOffset: profileEnds[group.shard] ?? 0,
        pairs: group.pairs,
      },
    };
  });
}
