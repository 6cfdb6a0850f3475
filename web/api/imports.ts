/** Lists of what agencies handed in and of what of it waits for somebody. Single imports are read where they are sent (producers/). */
import type { SqlPool } from '../../domain/sql.ts';
import { importAnswer } from '../../producers/imports-http.ts';
import { listImports } from '../../store/imports.ts';
import { listUnresolved } from '../../store/unresolved.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';
import { PageQuery, pageOf, readPage } from './paging.ts';

export const imports = (pool: SqlPool): Endpoint =>
  endpoint({
    query: PageQuery,
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query);
      const { rows, next } = pageOf(await listImports(pool, caller().agency, after, limit + 1), limit);
      return ok({ imports: rows.map(importAnswer), next });
    },
  });

/** By event, since an agency's own keys for people are not kept in clear. */
export const unresolved = (pool: SqlPool): Endpoint =>
  endpoint({
    query: PageQuery,
    answer: async ({ query, caller }) => {
      const { limit, after } = readPage(query);
      const { rows, next } = pageOf(await listUnresolved(pool, caller().agency, after, limit + 1), limit);
      return ok({ unresolved: rows, next });
    },
  });
