/** The one seam at which a read of staff becomes a read as their agency. Keys, owners, citizens and whatever writes go as the platform. */
import type { FastifyRequest } from 'fastify';
import { readAsAgency } from '../../store/agency-pool.ts';

const READS = new Set(['GET', 'HEAD']);

export function asOwnAgency<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
  const { person, method } = request;
  if (!READS.has(method) || request.routeOptions.config.permission === 'public') return work();
  if (person?.kind !== 'staff' || person.agency === null) return work();
  return readAsAgency(person.agency, work);
}
