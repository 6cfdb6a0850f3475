/** What the doctor found: where, what is wrong, and what mends it, each in one line and without a secret in it. */

export type Finding = {
  /** `fault` must be mended; `note` is a choice that somebody should know of. */
  readonly level: 'fault' | 'note';
  /** A setting, a service, a topic, a file. */
  readonly at: string;
  readonly says: string;
  readonly mend: string;
};

/** What was looked at and is well. */
export type Seen = { readonly at: string; readonly says: string };

export type Examination = { readonly findings: readonly Finding[]; readonly seen: readonly Seen[] };

export class Notes {
  readonly findings: Finding[] = [];
  readonly seen: Seen[] = [];

  fault(at: string, says: string, mend: string): void {
    this.findings.push({ level: 'fault', at, says, mend });
  }

  note(at: string, says: string, mend: string): void {
    this.findings.push({ level: 'note', at, says, mend });
  }

  well(at: string, says: string): void {
    this.seen.push({ at, says });
  }
}

/** Rejects after `ms`: a service that takes the connection and says nothing must not hold the others up. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Our clock against another's that was read between `beforeMs` and `afterMs`; what the way took is no skew. */
export function skewMs(theirsMs: number, beforeMs: number, afterMs: number): number {
  if (theirsMs < beforeMs) return theirsMs - beforeMs;
  return theirsMs > afterMs ? theirsMs - afterMs : 0;
}

/** Leases and stages are compared across machines; a second is what the shortest of them can bear. */
export const MAX_SKEW_MS = 1_000;

export function noteSkew(notes: Notes, at: string, ms: number): void {
  if (Math.abs(ms) > MAX_SKEW_MS)
    notes.fault(
      at,
      `its clock and ours differ by ${(ms / 1_000).toFixed(1)} s`,
      'keep the clocks of all machines by NTP',
    );
}
