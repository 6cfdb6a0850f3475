/**
 * How long and how often a failure is tried again. Permanent is the address and never is; temporary is the network or the provider, until
 * the notice expires or its channel's limit is reached; technical is us, and is tried a few times in case a deployment mends it meanwhile.
 */
import { paced } from './pace.ts';
import type { Category, Channel } from './statuses.ts';

export const FIRST_RETRY_MS = paced(5_000);
export const LONGEST_RETRY_MS = paced(15 * 60_000);
/** Calls that fail through us. */
export const TECHNICAL_ATTEMPTS = 3;

const HOUR = paced(3_600_000);

/**
 * From the first call, in milliseconds. A mail may take days, as RFC 5321 §4.5.4.1 has it (four to five; ours end sooner, for the sake of the
 * next channel and of whoever waits for the report); a text that comes a day late is about something else; push stands between them.
 * An emergency that is older than six hours is over, whichever way it would come.
 */
export const RETRY_LIMIT_MS: Readonly<Record<Channel, Readonly<Record<Category, number>>>> = {
  push: { emergency: 6 * HOUR, statutory: 48 * HOUR, service: 24 * HOUR, information: 12 * HOUR },
  email: { emergency: 6 * HOUR, statutory: 72 * HOUR, service: 48 * HOUR, information: 24 * HOUR },
  sms: { emergency: 6 * HOUR, statutory: 24 * HOUR, service: 12 * HOUR, information: 6 * HOUR },
};

/**
 * Full jitter: anywhere between 5 s and a bound that begins at 10 s and doubles with each attempt (from 1) up to 15 minutes, and that is
 * never beyond `leftMs`. null where fewer than 5 s are left. `chance` is in [0, 1).
 */
export function retryDelayMs(
  attempt: number,
  chance: number,
  leftMs = Number.POSITIVE_INFINITY,
): number | null {
  if (leftMs <= FIRST_RETRY_MS) return null;
  const bound = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 30), leftMs);
  return Math.round(FIRST_RETRY_MS + chance * Math.max(0, bound - FIRST_RETRY_MS));
}
