/** The version of a document by its content: SHA-256 over RFC 8785 JSON, 64 hex digits. The order of members does not count. */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';

export function contentHash(value: unknown): string {
  return hash('sha256', canonicalize(value) ?? '', 'hex');
}
