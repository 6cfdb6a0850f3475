/** How an agency's own key for a person is kept: a keyed hash, bound to the agency, so that it is found and cannot be read. */
import { CONTROL } from './control-characters.ts';
import { holdsResidentNumber } from './kr/resident-number.ts';
import type { Sealer } from './sealing.ts';

export function subjectKeyHash(sealer: Pick<Sealer, 'index'>, agency: string, key: string): Buffer {
  return sealer.index(`subject-key/${agency}`, key);
}

/** Whether an event may carry this as `allimsubjectkey` (domain/cloud-events.ts): a link of anything else would never be used. */
export function isSubjectKey(key: string): boolean {
  return (
    key.length > 0 &&
    key.length <= 128 &&
    key.isWellFormed() &&
    !CONTROL.test(key) &&
    !holdsResidentNumber(key)
  );
}
