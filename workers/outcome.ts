/** From a provider's outcome to what the ledger writes: the retry policy, and what counts as whose fault. */
import type { Claimed, Result } from '../store/deliveries.ts';
import type { Outcome } from './providers/provider.ts';

const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 15 * 60_000;
/** After this many temporary failures we stop; full jitter makes that some two hours. */
const MAX_ATTEMPTS = 12;
/** What only we can mend is tried a few times, in case a deployment mends it meanwhile. */
const MAX_TECHNICAL = 3;

/** Full jitter: anywhere between nothing and 5 s · 2^(attempt - 1), at most 15 minutes. `chance` is in [0, 1). */
export function retryDelayMs(attempt: number, chance: number): number {
  return Math.round(chance * Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 1)));
}

type Row = Pick<Claimed, 'id' | 'month' | 'attempt' | 'expiresAt' | 'unclear' | 'simulated'>;

/** What a provider said, as a text column takes it: one NUL would fail the statement, and with it every result beside it, again and again. */
function stored(text: string | null): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
  return text === null ? null : text.replaceAll(/[\u0000-\u001f\u007f]/g, ' ').slice(0, 200);
}

/** What stands as code on a row that was sent in a trial: it went to the outbox and nowhere else. */
export const SIMULATED = 'trial';
/** As the claim postpones what it finds stopped; the regrouping leaves such rows alone while the stop is in force. */
const STOPPED_MS = 5_000;

/** Claimed, and then a stop came: the row goes back as if it had never been claimed. */
export function uncalledResult(row: Row, session: Result['session'], nowMs: number): Result {
  return {
    delivery: row.id,
    month: row.month,
    attempt: row.attempt,
    session,
    status: 'waiting',
    code: 'stopped',
    reference: null,
    retryAtMs: nowMs + STOPPED_MS,
    unclear: false,
    addressDead: false,
    uncalled: true,
  };
}

/** The row that is written for an outcome; `chance` in [0, 1) is the jitter of a retry. */
export function resultOf(
  row: Row,
  session: Result['session'],
  outcome: Outcome,
  nowMs: number,
  chance: number,
): Result {
  const base = {
    delivery: row.id,
    month: row.month,
    attempt: row.attempt,
    session,
    reference: null,
    retryAtMs: null,
    unclear: false,
    addressDead: false,
    uncalled: false,
  };
  const code = outcome.kind === 'accepted' ? null : stored(outcome.code);
  switch (outcome.kind) {
    case 'accepted':
      return row.simulated
        ? { ...base, status: 'sent', code: SIMULATED }
        : { ...base, status: 'sent', code: null, reference: stored(outcome.reference) };
    case 'permanent':
      return { ...base, status: 'failed-permanent', code, addressDead: true };
    case 'unknown':
      // Once more, flagged; the second time nobody can tell what a third would do.
      return row.unclear === 0
        ? { ...base, status: 'waiting', code, unclear: true, retryAtMs: nowMs + FIRST_RETRY_MS }
        : { ...base, status: 'ambiguous', code, unclear: true };
    case 'temporary':
    case 'technical': {
      const failed = outcome.kind === 'temporary' ? 'failed-temporary' : 'failed-technical';
      const given = outcome.kind === 'temporary' ? outcome.retryAfterMs : undefined;
      const retryAtMs = nowMs + Math.max(given ?? 0, retryDelayMs(row.attempt, chance));
      const last = row.attempt >= (outcome.kind === 'temporary' ? MAX_ATTEMPTS : MAX_TECHNICAL);
      if (last || (row.expiresAt !== null && retryAtMs >= row.expiresAt.getTime()))
        return { ...base, status: failed, code };
      return { ...base, status: 'waiting', code, retryAtMs };
    }
  }
}
