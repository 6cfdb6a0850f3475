/** From a provider's outcome to what the ledger writes: retries (domain/retry.ts), what nobody knows (domain/ambiguity.ts), whose fault it is. */

import { AMBIGUITY, mayResend, type Repeats } from '../domain/ambiguity.ts';
import { storable } from '../domain/control-characters.ts';
import { RETRY_LIMIT_MS, retryDelayMs, TECHNICAL_ATTEMPTS } from '../domain/retry.ts';
import type { Claimed, Result } from '../store/turn.ts';
import type { Outcome } from './providers/provider.ts';

type Row = Pick<
  Claimed,
  'id' | 'month' | 'attempt' | 'channel' | 'category' | 'expiresAt' | 'firstAt' | 'unclear' | 'simulated'
>;

const stored = (text: string | null): string | null => (text === null ? null : storable(text));

/** What stands as code on a row that was sent in a trial: it went to the outbox and nowhere else. */
export const SIMULATED = 'trial';
/** As the claim postpones what it finds stopped; the regrouping leaves such rows alone while the stop is in force. */
const STOPPED_MS = 5_000;

/** Claimed, and then a stop came: the row goes back as if it had never been claimed. */
export function uncalledResult(
  row: Pick<Row, 'id' | 'month' | 'attempt'>,
  session: Result['session'],
  nowMs: number,
): Result {
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

/** Until when it is tried: the notice's expiry, or the limit of the channel from the first call on. */
function endMsOf(row: Row, nowMs: number): number {
  const limitMs = (row.firstAt?.getTime() ?? nowMs) + RETRY_LIMIT_MS[row.channel][row.category];
  return Math.min(limitMs, row.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
}

/** The row that is written for an outcome of a provider that takes repetitions so; `chance` in [0, 1) is the jitter of a retry. */
export function resultOf(
  row: Row,
  session: Result['session'],
  outcome: Outcome,
  repeats: Repeats,
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
  const leftMs = endMsOf(row, nowMs) - nowMs;
  switch (outcome.kind) {
    case 'accepted':
      return row.simulated
        ? { ...base, status: 'sent', code: SIMULATED }
        : { ...base, status: 'sent', code: null, reference: stored(outcome.reference) };
    case 'permanent':
      return { ...base, status: 'failed-permanent', code, addressDead: true };
    case 'unknown': {
      const policy = AMBIGUITY[repeats][row.category];
      const delayMs = Math.max(policy.holdMs, retryDelayMs(row.attempt, chance, leftMs) ?? leftMs);
      return mayResend(policy, row.unclear + 1) && delayMs < leftMs
        ? { ...base, status: 'waiting', code, unclear: true, retryAtMs: nowMs + delayMs }
        : { ...base, status: 'ambiguous', code, unclear: true };
    }
    case 'temporary':
    case 'technical': {
      const tries = outcome.kind === 'temporary' || row.attempt < TECHNICAL_ATTEMPTS;
      const delayMs = tries ? retryDelayMs(row.attempt, chance, leftMs) : null;
      // Those who were told the same time come apart by as much as the first retry is spread.
      const givenMs = outcome.kind === 'temporary' ? outcome.retryAfterMs : undefined;
      const waitMs =
        delayMs === null || givenMs === undefined
          ? delayMs
          : Math.max(delayMs, givenMs + (retryDelayMs(1, chance) ?? 0));
      if (waitMs !== null && waitMs < leftMs)
        return { ...base, status: 'waiting', code, retryAtMs: nowMs + waitMs };
      // An earlier call of it may have arrived: that it failed would be more than we know.
      if (row.unclear > 0) return { ...base, status: 'ambiguous', code };
      return {
        ...base,
        status: outcome.kind === 'temporary' ? 'failed-temporary' : 'failed-technical',
        code,
      };
    }
  }
}
