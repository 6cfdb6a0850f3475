/**
 * Watches for fan-outs that fail through us: a template that throws for everybody should be heard of after a thousand people, not after a
 * million. Costs nothing while nothing fails. What is noted here and lost with the process is noted again by the next failure.
 */
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { DeliveryId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { Metrics } from '../domain/metrics.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import { type FailingStage, noteFailing } from '../store/failing-stages.ts';
import type { Claimed } from '../store/turn.ts';

type Failed = Pick<Claimed, 'id' | 'campaign' | 'stageKind' | 'agency' | 'category'>;

export interface FailingStages {
  /** A delivery failed through us. Returns at once; the campaign is paused soon after, where it is to be. */
  note(row: Failed, code: string): void;
  /** Waits until what was noted is written. */
  stop(): Promise<void>;
}

/** Judged stages are remembered, so that a million failures are not a million statements. */
const REMEMBERED = 10_000;

export function createFailingStages(parts: {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}): FailingStages {
  const { pool, clock, logger, metrics } = parts;
  const judged = new Set<string>();
  const noted = new Map<string, FailingStage & { readonly deliveries: Set<DeliveryId> }>();
  let writing: Promise<void> | undefined;

  async function write(): Promise<void> {
    // What one statement of results brings is written together.
    await new Promise((resolve) => setImmediate(resolve));
    while (noted.size > 0) {
      const [key, stage] = noted.entries().next().value!;
      noted.delete(key);
      try {
        const found = await transaction(pool, (sql) =>
          noteFailing(sql, stage, [...stage.deliveries], clock.nowMs()),
        );
        if (found === null) continue;
        if (judged.size >= REMEMBERED) judged.clear();
        judged.add(key);
        if (found.verdict === 'passed' || !found.now) continue;
        metrics?.add('campaigns_failing', { verdict: found.verdict });
        logger.error(
          {
            campaign: stage.campaign,
            stage: stage.stageKind,
            failed: found.failed,
            called: found.called,
            code: stage.code,
          },
          found.verdict === 'paused'
            ? 'a campaign was paused: too many of its deliveries fail through us; lift its stop when that is mended'
            : 'an emergency fails through us for some; it goes on',
        );
      } catch (error) {
        // The next failure of this stage is noted again.
        logger.warn(
          { campaign: stage.campaign, err: messageOf(error) },
          'a failing stage could not be noted',
        );
      }
    }
  }

  return {
    note(row, code) {
      const key = `${row.campaign}/${row.stageKind}`;
      if (judged.has(key)) return;
      let stage = noted.get(key);
      if (stage === undefined) {
        const { campaign, stageKind, agency, category } = row;
        stage = { campaign, stageKind, agency, category, code, deliveries: new Set() };
        noted.set(key, stage);
      }
      stage.deliveries.add(row.id);
      writing ??= write().finally(() => {
        writing = undefined;
      });
    },
    async stop() {
      await writing;
    },
  };
}
