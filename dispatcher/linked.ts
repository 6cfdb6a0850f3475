/**
 * Events that waited for a link of their agency's key, now that it has come: they do what they would have done when they arrived. One
 * short transaction a run, which ends their waiting and puts the consequence in.
 */
import type { Broker } from '../broker/broker.ts';
import { type Clock, dayOf } from '../domain/clock.ts';
import type { Logger } from '../domain/logger.ts';
import { TOPICS } from '../domain/records.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { loadEvents } from '../store/events.ts';
import { anyLinkedEvents, endLinkedEvents, takeLinkedEvents } from '../store/identity-links.ts';
import type { AgencyPace } from './agency-pace.ts';
import type { TargetedEvent } from './obligation-changes.ts';
import { planTargeted } from './plan-targeted.ts';
import type { Requests } from './requests.ts';

export type LinkedParts = {
  readonly broker: Pick<Broker, 'ends'>;
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requests: Requests;
  readonly pace: AgencyPace;
};

const EVENTS_A_RUN = 500;

/** Returns a run of the task; true where more may wait. */
export function createLinked(parts: LinkedParts): () => Promise<boolean> {
  const { broker, pool, catalogue, clock, logger } = parts;
  return async () => {
    if (!(await anyLinkedEvents(pool))) return false;
    const snapshot = await catalogue.refresh();
    const profileEnds = await broker.ends(TOPICS.profiles);
    const nowMs = clock.nowMs();
    const context = {
      snapshot,
      calendar: parts.calendar,
      profileEnds,
      nowMs,
      day: dayOf(nowMs),
      pace: parts.pace,
    };
    const done = await transaction(pool, async (sql) => {
      const linked = await takeLinkedEvents(sql, EVENTS_A_RUN);
      const rows = linked.map((one) => one.event);
      const bodies = await loadEvents(sql, rows);
      const targeted = linked.flatMap(({ event: row, citizen }): TargetedEvent[] => {
        const event = bodies.get(row);
        const type = event === undefined ? undefined : snapshot.eventTypes.get(event.type);
        if (event === undefined || type === undefined || citizen === null) return [];
        return [{ row, event, type, citizen }];
      });
      const ids = (judged: boolean) =>
        linked.filter((one) => (one.citizen !== null) === judged).map((one) => one.id);
      await endLinkedEvents(sql, ids(true), ids(false));
      return { count: linked.length, asked: await planTargeted(sql, targeted, context), bodies };
    });
    if (done.count > 0) logger.info({ events: done.count }, 'events whose person was linked are judged');
    if (done.asked.length > 0) await parts.requests.send(done.asked, done.bodies);
    return done.count === EVENTS_A_RUN;
  };
}
