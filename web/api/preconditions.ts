/** ETag and If-Match (RFC 9110): whoever changes something says what they saw, and is told what is there now where it is another thing. */
import { AllimError } from '../../domain/errors.ts';

/** Strong: of what is kept, byte for byte in the one form. */
export const etagOf = (hash: string): string => `"${hash}"`;

export class PreconditionFailed extends AllimError {
  /** What is there now. */
  readonly current: unknown;
  readonly etag: string | null;

  constructor(message: string, current: { readonly hash: string; readonly shown: unknown } | null) {
    super('precondition-failed', message);
    this.current = current?.shown ?? null;
    this.etag = current === null ? null : etagOf(current.hash);
  }
}

/** Throws where the header names something else than what is there now; `null`: nothing is. Without the header nothing is checked. */
export function checkIfMatch(
  header: string | undefined,
  current: { readonly hash: string; readonly shown: unknown } | null,
): void {
  if (header === undefined) return;
  const named = header.split(',').map((tag) => tag.trim());
  const matches = current !== null && (named.includes('*') || named.includes(etagOf(current.hash)));
  if (!matches)
    throw new PreconditionFailed('somebody has changed it since: look at what is there now', current);
}

export function needIfMatch(header: string | undefined): void {
  if (header === undefined)
    throw new AllimError('precondition-required', 'If-Match has to say which state is changed: its ETag');
}
