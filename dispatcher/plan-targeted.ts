/** Part of T1: what events about one person change and start, whether they came just now or their person was found later. */
import type { Sql } from '../domain/sql.ts';
import { markSuperseded } from '../store/events.ts';
import type { OpenContext } from './broadcasts.ts';
import { foldTargeted, type TargetedEvent } from './obligation-changes.ts';
import { applyChanges, outdated } from './obligation-effects.ts';
import type { Ask } from './requests.ts';
import { openTargeted } from './targeted.ts';

/** Returns the fan-outs to ask for. */
export async function planTargeted(
  sql: Sql,
  targeted: readonly TargetedEvent[],
  context: OpenContext,
): Promise<Ask[]> {
  if (targeted.length === 0) return [];
  const { changes, openings } = foldTargeted(
    targeted,
    (type) => context.snapshot.rulesByEventType.get(type) ?? [],
    context.calendar,
  );
  const changed = await applyChanges(sql, changes, context.nowMs);
  const current = openings.filter((o) => changed.open.get(o.obligation) === o.row);
  await markSuperseded(sql, await outdated(sql, targeted, openings, changed));
  return openTargeted(sql, current, changed.attempted, context);
}
