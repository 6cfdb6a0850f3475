/** `GET /api/v1/status`: what is left to do now. `idle` is what tests and people wait for, so it must never be said too early. */
import type { Broker } from '../../broker/broker.ts';
import type { Clock } from '../../domain/clock.ts';
import { AGENCY_TOPIC_PREFIX, agencyOfTopic, TOPICS } from '../../domain/records.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { readAsPlatform } from '../../store/agency-pool.ts';
import { countAmbiguous } from '../../store/ambiguous.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { openRestore, type Restore } from '../../store/restores.ts';
import { countImports, countUnrelayed, readLedgerBacklog } from '../../store/status.ts';
import { listStops, type Stop } from '../../store/stops.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

export type Population = {
  readonly citizens: number;
  /** The shards' positions in `citizen-profiles`, by partition; one that nobody serves is 0. */
  readonly offsets: readonly number[];
};

export type StatusParts = {
  readonly pool: SqlPool;
  readonly broker: Pick<Broker, 'ends' | 'begins' | 'topics'>;
  readonly catalogue: Pick<Catalogue, 'current'>;
  readonly clock: Clock;
  /** null where no shard can be asked. */
  readonly population: () => Promise<Population | null>;
};

export type Status = {
  readonly idle: boolean;
  readonly backlog: {
    /** Files of rows. */
    readonly imports: number;
    readonly events: number;
    readonly profiles: number;
    readonly requests: number;
    readonly pages: number;
    readonly schedulesDue: number;
    readonly deliveries: number;
    /** To agencies, before they are on their topic or a webhook's list. */
    readonly reports: number;
    /** From providers, before they are applied. */
    readonly receipts: number;
  };
  readonly population: Population | null;
  /** Open rows; profiles beyond a hundred a minute of one partition and reason are counted apart, without rows. */
  readonly quarantine: number;
  readonly quarantineCounted: number;
  /** Calls of the last seven days of which nobody knows how they ended; `GET /api/v1/deliveries/ambiguous` lists them. */
  readonly ambiguous: number;
  /** In force, of those the caller may see. Whatever shows this shows them: what is stopped is not idle but held. */
  readonly stops: readonly Pick<Stop, 'scope' | 'reason' | 'createdAt'>[];
  /** The database was restored, and what may have been sent is not decided on. */
  readonly restore: Pick<Restore, 'evidence' | 'noticedAt'> | null;
};

/** The dispatcher's groups; their positions move in the transaction that did the work. */
const EVENTS_GROUP = 'allim-dispatcher-events';
const PAGE_TOPICS = [TOPICS.audiences.urgent, TOPICS.audiences.bulk] as const;

/**
 * In the order of the path: files that are not done, what waits for the relay, then the ends of the log, then the ledger in one snapshot. Work that moves on
 * meanwhile is seen at its next place; in any other order it could be missed at both.
 */
export async function readStatus(parts: StatusParts, agency: string | null = null): Promise<Status> {
  const { pool, broker } = parts;
  const imports = await readAsPlatform(() => countImports(pool));
  const unrelayedBefore = await readAsPlatform(() => countUnrelayed(pool));
  // As the dispatcher does it: a topic of an agency that nobody knows is read by nobody.
  const { agencies } = parts.catalogue.current();
  const agencyTopics = await broker.topics(AGENCY_TOPIC_PREFIX);
  const eventTopics = [
    TOPICS.events,
    ...agencyTopics.filter((topic) => agencies.has(agencyOfTopic(topic) ?? '')),
  ];
  const readTopics = [...eventTopics, ...PAGE_TOPICS];
  const ends = new Map<string, readonly number[]>();
  const begins = new Map<string, readonly number[]>();
  for (const topic of [...readTopics, TOPICS.profiles]) ends.set(topic, await broker.ends(topic));
  const population = await parts.population();
  const ledger = await readAsPlatform(() => readLedgerBacklog(pool, readTopics, parts.clock.nowMs()));
  const ambiguous = await countAmbiguous(pool, agency, parts.clock.nowMs());
  const stops = await listStops(pool, agency);
  const restore = await openRestore(pool);
  const positions = new Map<string, number>();
  for (const { group, topic, partition, position } of ledger.positions) {
    if (eventTopics.includes(topic) && group !== EVENTS_GROUP) continue;
    const key = `${topic}/${partition}`;
    positions.set(key, Math.min(position, positions.get(key) ?? Number.POSITIVE_INFINITY));
  }

  async function behind(topic: string): Promise<number> {
    let sum = 0;
    for (const [partition, end] of (ends.get(topic) ?? []).entries()) {
      let position = positions.get(`${topic}/${partition}`);
      if (position === undefined) {
        if (!begins.has(topic)) begins.set(topic, await broker.begins(topic));
        position = begins.get(topic)?.[partition] ?? 0;
      }
      sum += Math.max(0, end - position);
    }
    return sum;
  }

  let events = 0;
  for (const topic of eventTopics) events += await behind(topic);
  let pages = 0;
  for (const topic of PAGE_TOPICS) pages += await behind(topic);
  const profiles =
    population === null
      ? 0
      : (ends.get(TOPICS.profiles) ?? []).reduce(
          (sum, end, partition) => sum + Math.max(0, end - (population.offsets[partition] ?? 0)),
          0,
        );
  const backlog = {
    imports,
    events: Math.max(unrelayedBefore, ledger.unrelayed) + events,
    profiles,
    requests: ledger.requests,
    pages,
    schedulesDue: ledger.schedulesDue,
    deliveries: ledger.deliveries,
    reports: ledger.reports,
    receipts: ledger.receipts,
  };
  return {
    idle: Object.values(backlog).every((count) => count === 0),
    backlog,
    population,
    quarantine: ledger.quarantine,
    quarantineCounted: ledger.quarantineCounted,
    ambiguous,
    stops: stops.map(({ scope, reason, createdAt }) => ({ scope, reason, createdAt })),
    restore: restore === null ? null : { evidence: restore.evidence, noticedAt: restore.noticedAt },
  };
}

export const status = (parts: StatusParts): Endpoint =>
  endpoint({ answer: async ({ caller }) => ok(await readStatus(parts, caller().agency)) });
