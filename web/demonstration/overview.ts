/** Everything that the page shows of the whole, read at once; the sections are made of it without asking again. */
import type { Sealer } from '../../domain/sealing.ts';
import type { SqlPool } from '../../domain/sql.ts';
import type { Catalogue, Snapshot } from '../../store/catalogue.ts';
import * as store from '../../store/overview.ts';
import { latestSimulatedSends, type ShownSend } from '../../store/simulated-sends.ts';
import { listStops, type Stop } from '../../store/stops.ts';

/** How far the week is, as whoever plays it says. */
export type Progress = {
  readonly state: 'running' | 'done' | 'failed';
  /** The last line that was said; in English, as on the terminal. */
  readonly line: string;
  readonly counted: {
    readonly lost: number;
    readonly unexpected: number;
    readonly doubled: number;
    readonly seconds: number;
  } | null;
};

export type Service = {
  readonly name: string;
  /** `PostgreSQL 18.1, bundled`. */
  readonly is: string;
  readonly ok: boolean;
};

export type Overview = {
  readonly at: Date;
  readonly catalogue: Snapshot;
  readonly progress: Progress;
  readonly stops: readonly Stop[];
  readonly totals: store.Totals;
  readonly week: readonly store.WeekRow[];
  readonly recent: readonly store.RecentEvent[];
  readonly rules: readonly store.RuleRow[];
  readonly deliveries: readonly store.DeliveryCount[];
  readonly sends: readonly ShownSend[];
  /** The fullest first, then one of each other kind. */
  readonly inboxes: readonly store.InboxCandidate[];
  readonly services: readonly Service[];
  readonly backlog: Readonly<Record<string, number>>;
};

export type OverviewParts = {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly catalogue: Catalogue;
  readonly clock: { nowMs(): number };
  readonly progress: () => Progress;
  readonly services: () => Promise<readonly Service[]>;
  readonly status: () => Promise<{ readonly backlog: Readonly<Record<string, number>> }>;
};

const RECENT = 6;
/** Of each channel the newest of so many rules. */
const SENDS = 12;
const INBOXES = 3;

/** Some 60 ms for ten thousand notices. */
export async function readOverview(parts: OverviewParts): Promise<Overview> {
  const { pool, sealer, clock } = parts;
  const [stops, totals, week, recent, rules, deliveries, sends, inboxes, services, status] =
    await Promise.all([
      listStops(pool, null),
      store.readTotals(pool),
      store.eventsByDay(pool),
      store.recentEvents(pool, RECENT),
      store.matchesByRule(pool),
      store.deliveriesByStatus(pool),
      latestSimulatedSends(pool, sealer, { perChannel: SENDS }),
      store.inboxesWorthALook(pool, INBOXES),
      parts.services(),
      parts.status(),
    ]);
  return {
    at: new Date(clock.nowMs()),
    catalogue: parts.catalogue.current(),
    progress: parts.progress(),
    stops,
    totals,
    week,
    recent,
    rules,
    deliveries,
    sends,
    inboxes,
    services,
    backlog: status.backlog,
  };
}
