/** Identity links as rows: the agency's own key for a person, and the citizen it means. */

import type { Sealer } from '../../domain/sealing.ts';
import { type SqlPool, transaction } from '../../domain/sql.ts';
import { isSubjectKey, subjectKeyHash } from '../../domain/subject-key.ts';
import { type IdentityLink, saveIdentityLinks } from '../../store/identity-links.ts';
import { isCitizenId } from '../citizen-body.ts';
import { importInvalid, type RowFault, rowFault } from './faults.ts';
import { checkHeader, type Kind } from './kind.ts';

const NAMES = ['key', 'citizen'];

export function linkRows(parts: { readonly pool: SqlPool; readonly sealer: Sealer }): Kind {
  return {
    blockBytes: 65_536,
    check(names, { agency }) {
      if (agency === null)
        throw importInvalid('/agency', 'is missing: the administrator says whose keys these are');
      checkHeader(names, NAMES, (name) => NAMES.includes(name), NAMES.join(', '));
    },
    open(names, job) {
      const agency = job.agency!;
      const [key, citizen] = NAMES.map((name) => names.indexOf(name)) as [number, number];
      return async (rows) => {
        const faults: RowFault[] = [];
        // The last of several about one key holds, as it would in rows of their own.
        const links = new Map<string, IdentityLink>();
        let accepted = 0;
        for (const { line, cells } of rows) {
          const before = faults.length;
          if (!isSubjectKey(cells[key]!))
            faults.push(
              rowFault(line, 'key', 'must be a text of 1 to 128 characters without control characters'),
            );
          if (!isCitizenId(cells[citizen]!))
            faults.push(
              rowFault(line, 'citizen', 'must be the id of a citizen: a text of 1 to 64 characters'),
            );
          if (faults.length > before) continue;
          accepted++;
          const keyHash = subjectKeyHash(parts.sealer, agency, cells[key]!);
          links.set(keyHash.toString('latin1'), { keyHash, citizen: cells[citizen]! });
        }
        return (commit) =>
          transaction(parts.pool, async (sql) => {
            await saveIdentityLinks(sql, agency, [...links.values()]);
            await commit(sql, { accepted, faults, unresolved: 0 });
          });
      };
    },
  };
}
