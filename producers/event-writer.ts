/**
 * Group commit: events of many callers go to the ledger in one statement, while the one before is under way. So a quiet service answers at
 * once, and a busy one pays a round trip and a flush once for a thousand events. Callers' agencies take turns, so that one that floods
 * waits for itself. A group that fails is written again caller by caller.
 */
import type { Clock } from '../domain/clock.ts';
import { AllimError } from '../domain/errors.ts';
import type { EventRowId } from '../domain/ids.ts';
import { mark } from '../domain/marks.ts';
import type { SqlPool } from '../domain/sql.ts';
import { isTransient } from '../domain/transient.ts';
import { type Taken, takeEvents } from '../store/events.ts';
import type { CheckedEvent } from './event-check.ts';
import type { Relay } from './relay.ts';

export type EventWriterParts = {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly relay: Pick<Relay, 'offer'>;
};

export type EventWriter = {
  /** Resolves when the events (distinct rows) are committed, with what became of each. */
  write(agency: string, events: readonly CheckedEvent[]): Promise<ReadonlyMap<EventRowId, Taken>>;
  /** Throws `too-many-requests` where more waits than the database takes, and this agency has its share of that or more. */
  admit(agency: string): void;
};

/** Statements at a time: more would only make them wait for each other inside the database. */
const WIDTH = 2;
/** Weight of one statement. An event weighs one, and one more for every 4 KiB, so a statement stays at a few MB. */
const GROUP_WEIGHT = 1_000;
const BYTES_A_WEIGHT = 4_096;
/** What may wait: about a second's work, and at most 40 MB. */
const MAX_WAITING = 10_000;

type Job = {
  readonly events: readonly CheckedEvent[];
  readonly weight: number;
  resolve(taken: ReadonlyMap<EventRowId, Taken>): void;
  reject(error: unknown): void;
};

export function weightOf(events: readonly CheckedEvent[]): number {
  return events.reduce((sum, { bytes }) => sum + 1 + Math.floor(bytes / BYTES_A_WEIGHT), 0);
}

export function createEventWriter(parts: EventWriterParts): EventWriter {
  /** By agency, in the order of turns: whoever was served goes to the end. */
  const lanes = new Map<string, { jobs: Job[]; weight: number }>();
  let waiting = 0;
  let running = 0;

  function takeGroup(): Job[] {
    const group: Job[] = [];
    let weight = 0;
    for (const [agency, lane] of lanes) {
      const job = lane.jobs[0]!;
      if (group.length > 0 && weight + job.weight > GROUP_WEIGHT) break;
      lane.jobs.shift();
      lane.weight -= job.weight;
      weight += job.weight;
      group.push(job);
      lanes.delete(agency);
      // The loop over the map comes to it again, after the others.
      if (lane.jobs.length > 0) lanes.set(agency, lane);
    }
    waiting -= weight;
    return group;
  }

  async function run(group: readonly Job[]): Promise<void> {
    /** The first of equal ids is written; what the others say is held against it. */
    const first = new Map<EventRowId, { readonly event: CheckedEvent; readonly job: Job }>();
    for (const job of group)
      for (const event of job.events) if (!first.has(event.row)) first.set(event.row, { event, job });
    const events = [...first.values()].map(({ event }) => event);
    const taken = await takeEvents(parts.pool, 'received', events, parts.clock.nowMs());
    mark('http:committed');
    parts.relay.offer(events.filter(({ row }) => taken.get(row) === 'fresh'));
    for (const job of group)
      job.resolve(
        new Map(
          job.events.map(({ row, hash }) => {
            const own = first.get(row)!;
            const became = taken.get(row)!;
            if (own.job === job || became === 'conflict') return [row, became];
            return [row, own.event.hash.equals(hash) ? 'known' : 'conflict'];
          }),
        ),
      );
  }

  async function work(group: readonly Job[]): Promise<void> {
    try {
      await run(group);
    } catch (error) {
      if (group.length === 1 || isTransient(error)) for (const job of group) job.reject(error);
      else for (const job of group) await work([job]);
    }
  }

  function next(): void {
    while (running < WIDTH && lanes.size > 0) {
      running++;
      void work(takeGroup()).finally(() => {
        running--;
        next();
      });
    }
  }

  return {
    write: (agency, events) =>
      new Promise((resolve, reject) => {
        if (events.length === 0) return resolve(new Map());
        const job = { events, weight: weightOf(events), resolve, reject };
        const lane = lanes.get(agency) ?? { jobs: [], weight: 0 };
        lane.jobs.push(job);
        lane.weight += job.weight;
        lanes.set(agency, lane);
        waiting += job.weight;
        // In the next turn of the loop, so that what is being answered and read now goes along.
        setImmediate(next);
      }),
    admit(agency) {
      if (waiting < MAX_WAITING) return;
      const others = lanes.has(agency) ? lanes.size : lanes.size + 1;
      if ((lanes.get(agency)?.weight ?? 0) >= MAX_WAITING / others)
        throw new AllimError('too-many-requests', 'the database is behind with what this agency has sent', {
          ids: { agency },
        });
    },
  };
}
