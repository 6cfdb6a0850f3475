/**
 * The one seam at which a read of staff, or of an agency's key, becomes a read as their agency: what a GET reads, what a POST reads that changes
 * nothing, and what a stream looks up before it begins. Owners, the administrator, citizens and whatever writes go as the platform
 * (docs/adr/0023-who-is-signed-in.md).
 */
import type { FastifyRequest } from 'fastify';
import type { Sql, SqlPool } from '../../domain/sql.ts';
import { transaction } from '../../domain/sql.ts';
import type { Credential } from '../../producers/credential.ts';
import { agencyTransaction, readAsAgency } from '../../store/agency-pool.ts';

const READS = new Set(['GET', 'HEAD']);

/** `reads` of the endpoint: a question that is too long for an address. */
export function asOwnAgency<T>(request: FastifyRequest, reads: boolean, work: () => Promise<T>): Promise<T> {
  if (!(reads || READS.has(request.method)) || request.routeOptions.config.permission === 'public')
    return work();
  const agency = request.credential?.agency ?? null;
  return agency === null ? work() : readAsAgency(agency, work);
}

/** For what is read on the way to a change, or to an entry in the trail. */
export function asAgencyOf<T>({ agency }: Credential, work: () => Promise<T>): Promise<T> {
  return agency === null ? work() : readAsAgency(agency, work);
}

/** The same in one snapshot. */
export function snapshotOf<T>(
  pool: SqlPool,
  { agency }: Credential,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return agency === null ? transaction(pool, work) : agencyTransaction(pool, agency, work);
}
