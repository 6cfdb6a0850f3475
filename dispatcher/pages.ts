/**
 * Takes pages in for the planner: small ones of targeted events together, a full one alone, each group with the position it moves. A page
 * that cannot be planned is quarantined and its fan-out fails, so that nobody waits for an answer that will not come.
 */
import type { Batch } from '../broker/broker.ts';
import { handleIsolated } from '../broker/isolate.ts';
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import type { Metrics } from '../domain/metrics.ts';
import { decodeCrossing, isCrossing } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import type { Lane } from '../domain/statuses.ts';
import { failFanouts } from '../store/fanouts.ts';
import { advancePosition } from '../store/positions.ts';
import { saveQuarantine } from '../store/quarantine.ts';
import type { createCrossings } from './crossings.ts';
import { PLAN_BYTES, type Planner, URGENT_BYTES } from './planner.ts';

export const PLAN_GROUPS: Readonly<Record<Lane, string>> = {
  urgent: 'allim-dispatcher-audiences-urgent',
  bulk: 'allim-dispatcher-audiences-bulk',
};

export function createPages(parts: {
  readonly pool: SqlPool;
  readonly planner: Planner;
  readonly crossings: ReturnType<typeof createCrossings>;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}) {
  const { pool, planner, crossings, sealer, clock, logger } = parts;

  return function handle(group: string, batch: Batch): Promise<void> {
    return handleIsolated(batch, {
      async handle(chunk) {
        let from = chunk.from;
        for (const records of groupPages(
          chunk.records,
          group === PLAN_GROUPS.urgent ? URGENT_BYTES : PLAN_BYTES,
        )) {
          const last = records === chunk.records || records.at(-1) === chunk.records.at(-1);
          const next = last ? chunk.next : (records.at(-1)?.offset ?? from) + 1;
          const slice = { ...batch, from, next };
          if (isCrossing(records[0]?.value ?? null))
            await crossings(
              group,
              records.map((record) => decodeCrossing(record.value)),
              slice,
            );
          else await planner.planRecords(group, records, slice);
          batch.advance(next);
          from = next;
        }
      },
      async quarantine(record, error, chunk) {
        const fanout = fanoutIn(record.value);
        await transaction(pool, async (sql) => {
          await advancePosition(sql, group, { ...batch, ...chunk });
          await saveQuarantine(sql, sealer, [{ ...record, error }]);
          await failFanouts(
            sql,
            fanout === undefined ? [] : [fanout],
            `page quarantined: ${messageOf(error)}`,
            clock.nowMs(),
          );
        });
        parts.metrics?.add('quarantined_pages', { lane: group === PLAN_GROUPS.urgent ? 'urgent' : 'bulk' });
      },
      logger,
    });
  };
}

/** The fan-out that a page names, also where the rest of it cannot be read: it stands first. */
function fanoutIn(value: Buffer | null): string | undefined {
  return /"fanout"\s*:\s*"([0-9a-f]{8}-[0-9a-f-]{27})"/.exec(value?.toString('utf8', 0, 500) ?? '')?.[1];
}

/**
 * Consecutive records that fit one transaction together: small pages of targeted events, a full one alone; crossings apart from pages, since
 * each locks obligations in one order of its own.
 */
function groupPages<R extends { value: Buffer | null }>(
  records: readonly R[],
  most: number,
): (readonly R[])[] {
  const groups: R[][] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.value?.length ?? 0;
    const current = groups.at(-1);
    const apart = isCrossing(record.value) !== isCrossing(current?.[0]?.value ?? null);
    if (current === undefined || apart || bytes + size > most) {
      groups.push([record]);
      bytes = size;
    } else {
      current.push(record);
      bytes += size;
    }
  }
  // A batch of nothing but holes still moves the position.
  return groups.length === 0 ? [records] : groups;
}
