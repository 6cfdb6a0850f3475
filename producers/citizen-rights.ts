/**
 * What an agency's key may change of a citizen: what the agency wrote itself. Else any agency could lead everybody's notices to an address
 * of its own, or silence them. The administrator and a register (ADR 0009) speak for the citizen, and may change everything.
 */
import type { Static } from 'typebox';
import { AllimError, type Fault } from '../domain/errors.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import { type ContactPoint, foreignContactPoints } from '../store/contact-points.ts';
import type { CitizenBody, CitizenChange } from './citizen-body.ts';
import { type Credential, speaksForCitizens } from './credential.ts';

/** Throws `forbidden` where an agency chooses for the citizen or says who is told about whom. */
export function needOwnParts(caller: Credential, citizen: string, body: Static<typeof CitizenBody>): void {
  if (speaksForCitizens(caller)) return;
  const faults: Fault[] = [];
  if (body.preferences !== undefined)
    faults.push({ pointer: '/preferences', message: "are the citizen's own choice" });
  if (body.relations !== undefined)
    faults.push({ pointer: '/relations', message: "are a register's to say" });
  if (faults.length > 0) throw refused(citizen, faults);
}

/**
 * The contact points to write. Throws `forbidden` where a change would remove, verify, un-verify or replace one that another wrote; one
 * that another wrote and that stays as it is needs no writing. Needs the citizen's row locked, so that nobody writes in between.
 */
export async function needContactPointsOwn(
  sql: Sql,
  sealer: Sealer,
  caller: Credential,
  citizen: string,
  change: CitizenChange,
): Promise<readonly ContactPoint[]> {
  const { contactPoints, removedContactPoints } = change;
  if (caller.agency === null || speaksForCitizens(caller)) return contactPoints;
  const foreign = await foreignContactPoints(
    sql,
    sealer,
    citizen,
    [...contactPoints, ...removedContactPoints],
    caller.agency,
  );
  const faults: Fault[] = [];
  const own = contactPoints.filter((point, at) => {
    const known = foreign[at];
    if (known === undefined) return true;
    const verified = point.verified ?? known.verified;
    // To verify an address anew would also clear what a failure has said of it.
    const revives = point.verified === true && known.invalid;
    if (verified !== known.verified || revives || point.content !== known.content)
      faults.push({ pointer: `/contactPoints/${point.place}`, message: 'was written by another' });
    return false;
  });
  for (const [at, { place }] of removedContactPoints.entries())
    if (foreign[contactPoints.length + at] !== undefined)
      faults.push({ pointer: `/contactPoints/${place}`, message: 'was written by another' });
  if (faults.length > 0) throw refused(citizen, faults);
  return own;
}

function refused(citizen: string, faults: readonly Fault[]): AllimError {
  return new AllimError(
    'forbidden',
    `an agency changes what it wrote itself; this needs a key of a register or the administrator: ${faults.map((f) => `${f.pointer} ${f.message}`).join('; ')}`,
    { faults, ids: { citizen } },
  );
}
