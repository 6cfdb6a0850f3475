/** Part of T2: what the pages of a shard say, put beside what the ledger knows: the fan-out, the rule, the event, the obligation. */
import { AllimError } from '../domain/errors.ts';
import { type CloudEvent, sequenceOf } from '../domain/event.ts';
import type { EventRowId, FanoutId, ObligationId } from '../domain/ids.ts';
import type { AudiencePage } from '../domain/records.ts';
import type { Sql } from '../domain/sql.ts';
import { deadlineOf, endOfLateStage, isImmediate, type WorkingDays } from '../domain/timeline.ts';
import type { Catalogue, LiveRule } from '../store/catalogue.ts';
import { leftSince } from '../store/crossings.ts';
import { loadEvents } from '../store/events.ts';
import { changeObligations, endUnsent, type ObligationChange, obligationId } from '../store/obligations.ts';
import { lockObligations, type ObligationNow } from '../store/plan.ts';
import type { FanoutContext, RunCounts } from '../store/runs.ts';
import { expiryOf } from './broadcasts.ts';
import { obligationKey } from './obligation-changes.ts';
import { CORRECTED } from './targeted.ts';

export type Context = FanoutContext & { readonly live: LiveRule; readonly body: CloudEvent | undefined };

/** One matched pair of citizen and event on its way through the decisions. */
export type Match = {
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
  /** Not among those any more whom the broadcast concerns, though the page says so. */
  left: boolean;
};

export async function loadContexts(
  sql: Sql,
  catalogue: Catalogue,
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

/** Every pair of the pages, with the event and the obligation that it is about. */
export async function toMatches(
  sql: Sql,
  calendar: WorkingDays,
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
    const broadcastExpiresAtMs =
      context.body === undefined ? null : expiryOfStage(context, context.body, context.deadline);
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
          ? broadcastExpiresAtMs
          : expiryOfStage(context, body, deadlineOf(rule, body.data, calendar)),
        stageKind: context.stageKind,
        previousEvent: null,
        left: false,
      });
    }
  }
  return matches;
}

/** An overdue notice begins where the others have lost their point; what an agency says of its event holds for every stage of it. */
function expiryOfStage(context: Context, body: CloudEvent, deadline: string | null): number | null {
  const late =
    body.expirytime === undefined ? endOfLateStage(context.live.rule, context.stageKind, deadline) : null;
  return late ?? (context.event === null ? expiryOf(body, deadline) : context.expiresAtMs);
}

/**
 * Locks the obligations of all matches. A broadcast opens or raises its own; where it corrects an older version, what is unsent of that
 * ends here, and those who were attempted get the stage `corrected` in place of the immediate one.
 */
export async function openObligations(
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

/** Marks those who left a broadcast after the page was answered. Call with their obligations locked. */
export async function markLeft(sql: Sql, matches: readonly Match[]): Promise<void> {
  const pages = new Map<AudiencePage, Context>();
  for (const { page, context } of matches) if (context.event !== null) pages.set(page, context);
  const left = await leftSince(
    sql,
    [...pages].map(([page, { campaign, shard, asOf }]) => ({
      campaign,
      shard,
      position: page.profileOffset,
      asOf,
    })),
  );
  if (left.size === 0) return;
  for (const match of matches) match.left = left.has(`${match.context.campaign}/${match.citizen}`);
}
