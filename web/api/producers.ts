/** How the producers that fetch for themselves stand: calendars (the operator's, so for the administrator alone) and an agency's feeds. */
import type { SqlPool } from '../../domain/sql.ts';
import { listCalendars } from '../../store/calendars.ts';
import { listFeeds } from '../../store/feeds.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

export const producers = (pool: SqlPool): Endpoint =>
  endpoint({
    answer: async ({ caller }) => {
      const { agency } = caller();
      return ok({
        feeds: await listFeeds(pool, agency),
        ...(agency === null ? { calendars: await listCalendars(pool) } : {}),
      });
    },
  });
