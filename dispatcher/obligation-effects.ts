/** Part of T1: obligations change, what was unsent about them ends, and events that came too late to change anything are told apart. */
import { sequenceOf } from '../domain/event.ts';
import type { EventRowId, ObligationId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import {
  changeObligations,
  dropSchedulesOf,
  endUnsent,
  type ObligationChange,
  obligationId,
} from '../store/obligations.ts';
import { lockObligations } from '../store/plan.ts';
import { type Opening, splitObligation, type TargetedEvent } from './obligation-changes.ts';

export type Changes = {
  /** Obligations that are open now by a change, and the event that opened each. */
  readonly open: ReadonlyMap<ObligationId, EventRowId>;
  readonly cancelled: ReadonlySet<ObligationId>;
  /** Of those with an attempt, the event their person was last told of. */
  readonly attempted: ReadonlyMap<ObligationId, EventRowId>;
};

/** Applies changes, and ends what was unsent about every obligation that existed before. */
export async function applyChanges(
  sql: Sql,
  changes: readonly ObligationChange[],
  nowMs: number,
): Promise<Changes> {
  const changed = await changeObligations(sql, changes, nowMs);
  const byId = new Map(changes.map((change) => [change.id, change]));
  const existed = changed.filter((row) => row.existed);
  const attempted = new Map<ObligationId, EventRowId>();
  for (const [state, code] of [
    ['done', 'done'],
    ['cancelled', 'withdrawn'],
    ['open', 'superseded'],
  ] as const) {
    const rows = existed.filter((row) => row.state === state);
    const below = rows.map((row) => (state === 'open' ? (byId.get(row.id)?.version ?? null) : null));
    const told = await endUnsent(
      sql,
      rows.map((row) => row.id),
      below,
      code,
      nowMs,
    );
    for (const [obligation, event] of told) attempted.set(obligation, event);
  }
  await dropSchedulesOf(
    sql,
    existed.map((row) => row.id),
  );
  const open = new Map(changed.filter((row) => row.state === 'open').map((row) => [row.id, row.event]));
  const cancelled = new Set(changed.filter((row) => row.state === 'cancelled').map((row) => row.id));
  return { open, cancelled, attempted };
}

/**
 * Events that lost to a version that we know, to be recorded as superseded: whose every opening lost, or a withdrawal below the version it
 * would withdraw (one without a sequence has the lowest, so it withdraws only what has none either). An event about something done is not.
 */
export async function outdated(
  sql: Sql,
  targeted: readonly TargetedEvent[],
  openings: readonly Opening[],
  changed: Changes,
): Promise<EventRowId[]> {
  const lost: { row: EventRowId; obligation: ObligationId; version: bigint | null }[] = openings
    .filter((o) => changed.open.get(o.obligation) !== o.row)
    .map((o) => ({ row: o.row, obligation: o.obligation, version: null }));
  for (const { row, event, type, citizen } of targeted) {
    if (type.effect !== 'withdraws') continue;
    const { kind, ref } = splitObligation(event.allimobligation ?? '');
    const obligation = obligationId(type.agency, kind, ref, citizen);
    if (!changed.cancelled.has(obligation)) lost.push({ row, obligation, version: sequenceOf(event) });
  }
  if (lost.length === 0) return [];
  const now = await lockObligations(sql, [...new Set(lost.map((o) => o.obligation))].sort());
  const losers = new Set<EventRowId>();
  for (const { row, obligation, version } of lost) {
    const known = now.get(obligation);
    if (known?.state === 'done') continue;
    if (version === null || (known !== undefined && version < known.version)) losers.add(row);
  }
  return targeted.filter((t) => losers.has(t.row)).map((t) => t.row);
}
