/**
 * What a member of staff reads, read by the database as one who may see their agency alone: in a transaction of its own that takes the role
 * `allim_staff` and says the agency (migration 0021). The code's own conditions stay; this is what holds where one of them is forgotten.
 * It guards single reads. What writes, and whatever runs in a transaction of its caller's, goes as the owner of the tables.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Sql, type SqlPool, type Statement, transaction } from '../domain/sql.ts';

/** Whose rows are seen in what runs now; null where somebody asked for all. */
const seen = new AsyncLocalStorage<string | null>();

/** Everything that `work` reads through a pool of `createAgencyPool` is this agency's, however deep and however late it asks. */
export function readAsAgency<T>(agency: string, work: () => Promise<T>): Promise<T> {
  return seen.run(agency, work);
}

/** For what is of the installation and names nobody: sums of what waits, the chain of the trail. What it answers must hold no agency's rows. */
export function readAsPlatform<T>(work: () => Promise<T>): Promise<T> {
  return seen.run(null, work);
}

/** `role` and the agency end with the transaction, so a connection goes back to the pool as it came. */
export function agencyTransaction<T>(
  pool: SqlPool,
  agency: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return transaction(pool, async (sql) => {
    await sql.query(
      `SELECT set_config('transaction_read_only', 'on', true), set_config('allim.agency', $1, true), set_config('role', 'allim_staff', true)`,
      [agency],
    );
    return work(sql);
  });
}

/** Locks count as writing: the role may take none. */
const WRITES = /\b(?:INSERT|UPDATE|DELETE|MERGE)\b/i;

const textOf = (statement: Statement): string => (typeof statement === 'string' ? statement : statement.text);

/** The same pool; within `readAsAgency` a read costs three round trips more. */
export function createAgencyPool(pool: SqlPool): SqlPool {
  return {
    connect: () => pool.connect(),
    query<R>(statement: Statement, values?: readonly unknown[]) {
      const agency = seen.getStore() ?? null;
      if (agency === null || WRITES.test(textOf(statement))) return pool.query<R>(statement, values);
      return agencyTransaction(pool, agency, (sql) => sql.query<R>(statement, values));
    },
  };
}
