/** What the adapters share: counting calls in flight, and turning a provider's code into an outcome through the adapter's own table. */
import type { Logger } from '../../domain/logger.ts';
import { readableCode } from '../../domain/provider-codes.ts';
import type { Outcome } from './provider.ts';

export const SESSION_LOST: Outcome = { kind: 'temporary', code: 'session-lost' };

export type Verdict = 'permanent' | 'temporary' | 'technical';

/** An outcome for a code by a literal table. A code the table lacks is worth a retry and a warning: nobody has decided yet what it means. */
export function judged(
  table: Readonly<Record<string, Verdict>>,
  given: string,
  logger: Logger,
  provider: string,
  retryAfterMs?: number,
): Outcome {
  const code = Object.hasOwn(table, given) ? given : readableCode(given);
  const kind = Object.hasOwn(table, code) ? table[code]! : undefined;
  if (kind === undefined)
    logger.warn({ provider, code }, 'the provider answered with a code nobody has classified');
  if (kind === 'permanent' || kind === 'technical') return { kind, code };
  return retryAfterMs === undefined ? { kind: 'temporary', code } : { kind: 'temporary', code, retryAfterMs };
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** How long a text asks to wait: SMTP has no field for it, but those that delay strangers write it ("try again in 300 seconds"). */
export function waitIn(text: string | undefined): number | undefined {
  const [, amount, unit] =
    /\b(?:in|after|for) (\d{1,5}) ?(s|m|h)(?:ec(?:ond)?s?|in(?:ute)?s?|(?:ou)?rs?)?\b/i.exec(text ?? '') ??
    [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit!.toLowerCase()]!;
}

/** Calls in flight; `idle` is what `stop` waits for. */
export class Flights {
  #open = 0;
  #waiting: (() => void)[] = [];

  async track<T>(call: Promise<T>): Promise<T> {
    this.#open++;
    try {
      return await call;
    } finally {
      this.#open--;
      if (this.#open === 0) for (const resume of this.#waiting.splice(0)) resume();
    }
  }

  idle(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
