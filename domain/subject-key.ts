/** How an agency's own key for a person is kept: a keyed hash, bound to the agency, so that it is found and cannot be read. */
import type { Sealer } from './sealing.ts';

export function subjectKeyHash(sealer: Pick<Sealer, 'index'>, agency: string, key: string): Buffer {
  return sealer.index(`subject-key/${agency}`, key);
}
