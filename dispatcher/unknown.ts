/** Part of T2: targeted events whose person no shard knows. */
import type { CloudEvent } from '../domain/event.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { AudiencePage } from '../domain/records.ts';
import type { Sql } from '../domain/sql.ts';
import { deadlineOf, type WorkingDays } from '../domain/timeline.ts';
import type { LiveRule } from '../store/catalogue.ts';
import { loadEvents } from '../store/events.ts';
import type { RunCounts } from '../store/runs.ts';
import { dropResolved, saveUnresolved } from '../store/unresolved.ts';
import { expiryOf } from './broadcasts.ts';
import type { Context } from './matches.ts';

/** Targeted events whose citizen the shard does not know wait; those it judged after a wait leave the list. */
export async function settleUnknown(
  sql: Sql,
  calendar: WorkingDays,
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
      expiresAtMs: expiryIn(rule, bodies.get(event), calendar),
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

function expiryIn(
  rule: LiveRule['rule'],
  body: CloudEvent | undefined,
  calendar: WorkingDays,
): number | null {
  return body === undefined ? null : expiryOf(body, deadlineOf(rule, body.data, calendar));
}
