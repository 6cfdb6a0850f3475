/**
 * An entry of the audit trail and its hash: SHA-256 over RFC 8785 JSON of everything it says, with the hash of the entry before. Whoever has
 * the entries can compute it again with nothing of ours.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

export type AuditEntry = {
  /** From 1, without gaps. */
  readonly number: number;
  readonly at: Date;
  /** Whose it is; null where it concerns no one agency. */
  readonly agency: string | null;
  /** As in the log: `staff:…`, `key:…`, `administrator`, `command:…`. */
  readonly actor: string;
  readonly actorName: string | null;
  /** `rule.approved`: a noun and what was done. */
  readonly action: string;
  /** `rule:nhis-checkup/3`. */
  readonly object: string | null;
  readonly reason: string | null;
  /** Never an address, a name of a citizen or a body. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The id of the HTTP request, under which the log has it. */
  readonly request: string | null;
};

/** What the first entry follows. */
export const AUDIT_ROOT: Buffer = hash('sha256', 'allim audit trail', 'buffer');

export function auditHash(entry: AuditEntry, previous: Uint8Array): Buffer {
  const { number, at, agency, actor, actorName, action, object, reason, details, request } = entry;
  const text = canonicalize({
    number,
    at: at.toISOString(),
    agency,
    actor,
    actorName,
    action,
    object,
    reason,
    details,
    request,
    previous: Buffer.from(previous).toString('hex'),
  });
  return hash('sha256', text ?? '', 'buffer');
}
