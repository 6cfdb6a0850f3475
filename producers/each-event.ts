/** Events of a file, by the same way as those of a call. */
import type { AllimError } from '../domain/errors.ts';
import type { Credential } from './credential.ts';
import type { EventIntake } from './event-intake.ts';

/** In the order of the values: null where the event is committed, else what is wrong with it. Rejects for what lies outside of them. */
export type TakeEach = (caller: Credential, values: readonly unknown[]) => Promise<(AllimError | null)[]>;

/** Nobody is told to come back: a file waits for the log by itself, and one of an agency is taken at a time. */
export function takeEach(intake: EventIntake): TakeEach {
  return async (caller, values) => {
    const outcomes = await intake.take(
      caller,
      values.map((value) => ({ value })),
    );
    return outcomes.map((outcome) => ('error' in outcome ? outcome.error : null));
  };
}
