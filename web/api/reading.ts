/** What callers may read. An agency sees its own: an inbox is a citizen's, and shows an agency only what it sent itself. */
import { Type } from 'typebox';
import type { SqlPool } from '../../domain/sql.ts';
import { CITIZEN_ID } from '../../producers/citizen-body.ts';
import { seesSmallCounts } from '../../producers/credential.ts';
import { listAmbiguous } from '../../store/ambiguous.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { listInbox, listQuarantine } from '../../store/inbox.ts';
import { countLocales } from '../../store/locales.ts';
import { type Endpoint, endpoint, needSystem, ok } from './endpoint.ts';
import { PageQuery, pageOf, readPage } from './paging.ts';
import { people } from './shown-people.ts';

export const inbox = (pool: SqlPool): Endpoint =>
  endpoint({
    params: Type.Object({ id: Type.String({ pattern: CITIZEN_ID }) }),
    query: PageQuery,
    answer: async ({ params, query, caller, isPerson }) => {
      needSystem({ isPerson });
      const { limit, after } = readPage(query);
      const { rows, next } = pageOf(
        await listInbox(pool, params.id, caller().agency, after, limit + 1),
        limit,
      );
      return ok({ notifications: rows, next });
    },
  });

export const quarantine = (pool: SqlPool): Endpoint =>
  endpoint({
    query: PageQuery,
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query);
      const { rows, next } = pageOf(await listQuarantine(pool, caller().agency, after, limit + 1), limit);
      return ok({ quarantine: rows, next });
    },
  });

/** Calls of which nobody knows how they ended, and what was done about each. */
export const ambiguous = (pool: SqlPool): Endpoint =>
  endpoint({
    query: PageQuery,
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query);
      const found = pageOf(await listAmbiguous(pool, caller().agency, after, limit + 1), limit);
      return ok({ ambiguous: found.rows.map(({ id: _, ...row }) => row), next: found.next });
    },
  });

export const eventTypes = (catalogue: Catalogue): Endpoint =>
  endpoint({ answer: async () => ok({ eventTypes: (await catalogue.refresh()).eventTypes.all }) });

/** Which language is tried after which, and how many notices were wanted in one and written in another. */
export const locales = (pool: SqlPool, catalogue: Catalogue): Endpoint =>
  endpoint({
    answer: async ({ caller }) => {
      const { localeFallbacks } = await catalogue.refresh();
      const notices = await countLocales(pool, caller().agency);
      const fellBack = notices.reduce((sum, n) => sum + (n.wanted === n.used ? 0 : n.notices), 0);
      const exact = seesSmallCounts(caller());
      return ok({
        fallbacks: localeFallbacks,
        fellBack: people(fellBack, exact),
        notices: notices.map((one) => ({ ...one, notices: people(one.notices, exact) })),
      });
    },
  });

/** The field catalogue belongs to `rules`, so it is handed in. */
export const fields = (list: () => unknown): Endpoint =>
  endpoint({ answer: async () => ok({ fields: list() }) });
