/** Takes events each on its own where the intake takes all or none: the sound ones go in together, the others are told one by one. */
import { AllimError } from '../domain/errors.ts';
import type { Credential } from './credential.ts';
import { type EventIntakeParts, takeIn } from './event-intake.ts';

/** In the order of the values: null where the event is committed, else what is wrong with it. Rejects for what lies outside of them. */
export type TakeEach = (caller: Credential, values: readonly unknown[]) => Promise<(AllimError | null)[]>;

export function takeEach(parts: EventIntakeParts): TakeEach {
  return async function take(caller, values): Promise<(AllimError | null)[]> {
    if (values.length === 0) return [];
    try {
      await takeIn(parts, caller, { batch: values.length > 1, values });
      return values.map(() => null);
    } catch (error) {
      if (!(error instanceof AllimError) || error.retryable) throw error;
      if (values.length === 1) return [error];
      // Halving costs a look at each event for every doubling, and a faulty row is rare.
      const half = values.length >> 1;
      return [...(await take(caller, values.slice(0, half))), ...(await take(caller, values.slice(half)))];
    }
  };
}
