/**
 * Whether the audit trail is what was written: every hash is computed anew, every link followed, and the end held against the head. It reads
 * what is there and changes nothing. Whoever rewrote the whole chain and its head is found by a hash that was noted elsewhere (`noted`).
 */
import { AUDIT_ROOT, auditHash } from '../domain/audit-entry.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import { auditHead, readChain } from './audit-trail.ts';

export type AuditFinding = {
  /** The entry; of several that are missing the first. */
  readonly number: number;
  readonly what: 'changed' | 'missing' | 'inserted' | 'unlinked' | 'not-as-noted';
  readonly says: string;
};

export type AuditVerification = {
  readonly ok: boolean;
  readonly entries: number;
  /** The last entry and its hash: note them, and hold the trail against them later. */
  readonly head: { readonly number: number; readonly hash: string };
  readonly findings: readonly AuditFinding[];
};

export type Noted = { readonly number: number; readonly hash: string };

const PAGE = 1_000;
const MOST_FINDINGS = 100;

export async function verifyAudit(pool: SqlPool, noted: Noted | null = null): Promise<AuditVerification> {
  const findings: AuditFinding[] = [];
  const find = (number: number, what: AuditFinding['what'], says: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push({ number, what, says });
  };
  // One snapshot, so that what is written meanwhile is in neither the entries nor the head.
  return transaction(pool, async (sql) => {
    await sql.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const head = await auditHead(sql);
    const last = head?.number ?? 0;
    if (head === undefined) find(0, 'missing', 'the head of the trail is gone');
    let entries = 0;
    let number = 0;
    let before: Buffer = AUDIT_ROOT;
    let notedSeen = noted === null;
    for (;;) {
      const page = await readChain(sql, number, PAGE);
      for (const { previous, hash, ...entry } of page) {
        entries++;
        if (entry.number > number + 1)
          find(
            number + 1,
            'missing',
            entry.number === number + 2
              ? `entry ${number + 1} is missing`
              : `entries ${number + 1} to ${entry.number - 1} are missing`,
          );
        else if (!previous.equals(before))
          find(
            entry.number,
            'unlinked',
            `entry ${entry.number} does not follow entry ${number}: one of the two is not what was written`,
          );
        if (!auditHash(entry, previous).equals(hash))
          find(entry.number, 'changed', `entry ${entry.number} does not say what was written`);
        if (entry.number > last)
          find(entry.number, 'inserted', `entry ${entry.number} lies behind the head, which is ${last}`);
        if (noted?.number === entry.number) {
          notedSeen = true;
          if (noted.hash !== hash.toString('hex'))
            find(entry.number, 'not-as-noted', `entry ${entry.number} has another hash than the one noted`);
        }
        number = entry.number;
        before = hash;
      }
      if (page.length < PAGE) break;
    }
    if (number < last)
      find(
        number + 1,
        'missing',
        last === number + 1 ? `entry ${last} is missing` : `entries ${number + 1} to ${last} are missing`,
      );
    else if (head !== undefined && number === last && !before.equals(head.hash))
      find(last, 'changed', `the head has another hash than entry ${last}`);
    if (!notedSeen && noted !== null && !findings.some(({ number: at }) => at === noted.number))
      find(noted.number, 'missing', `entry ${noted.number}, which was noted, is missing`);
    return {
      ok: findings.length === 0,
      entries,
      head: { number: last, hash: (head?.hash ?? AUDIT_ROOT).toString('hex') },
      findings,
    };
  });
}
