/**
 * Takes events of one caller into the ledger, each judged on its own (LEDGER §5, "Intake over HTTP"). Hot: 10,000 events a second in
 * batches of 100.
 */
import { AllimError } from '../domain/errors.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Backlog } from './backlog.ts';
import type { Credential } from './credential.ts';
import {
  type CheckedEvent,
  checkEvent,
  type EventCheckParts,
  eventConflict,
  type LookedUp,
} from './event-check.ts';
import { createEventWriter, type EventWriterParts } from './event-writer.ts';

export type EventIntakeParts = EventCheckParts & EventWriterParts & { readonly backlog: Backlog };

/** What came: a value, or why there is none. */
export type Given = { readonly value: unknown } | { readonly error: AllimError };
/** What became of it: taken, or why not. */
export type Outcome =
  | { readonly source: string; readonly id: string }
  | { readonly error: AllimError; readonly source?: string; readonly id?: string };

export type EventIntake = {
  /** Throws `too-many-requests` where the caller has to wait. Ask before reading what it sends. */
  admit(caller: Credential): void;
  /** Resolves when what can be taken is committed; the outcomes stand in the order of what was given. Rejects where the database does. */
  take(caller: Credential, given: readonly Given[], lookedUp?: LookedUp): Promise<Outcome[]>;
};

/** The administrator sends for everybody, and takes turns as one. */
const ADMINISTRATOR = 'administrator';

export function createEventIntake(parts: EventIntakeParts): EventIntake {
  const writer = createEventWriter(parts);
  return {
    admit(caller) {
      const agency = caller.agency ?? ADMINISTRATOR;
      writer.admit(agency);
      parts.backlog.admit(caller.agency);
    },
    async take(caller, given, lookedUp = { done: false }) {
      const outcomes: Outcome[] = [];
      const first = new Map<EventRowId, CheckedEvent>();
      const places: { readonly index: number; readonly event: CheckedEvent }[] = [];
      for (const [index, one] of given.entries()) {
        try {
          if ('error' in one) throw one.error;
          const event = await checkEvent(parts, caller, one.value, lookedUp);
          const same = first.get(event.row);
          if (same === undefined) first.set(event.row, event);
          else if (!same.hash.equals(event.hash)) throw eventConflict();
          outcomes[index] = { source: event.event.source, id: event.event.id };
          places.push({ index, event });
        } catch (error) {
          // What the store could not answer says nothing about the event.
          if (!(error instanceof AllimError) || error.retryable) throw error;
          outcomes[index] = { error, ...('value' in one ? namesOf(one.value) : {}) };
        }
      }
      const taken = await writer.write(caller.agency ?? ADMINISTRATOR, [...first.values()]);
      for (const { index, event } of places)
        if (taken.get(event.row) === 'conflict')
          outcomes[index] = { error: eventConflict(), ...namesOf(event.event) };
      return outcomes;
    },
  };
}

/** By which names the sender knows a refused event, where it has them. */
function namesOf(value: unknown): { source?: string; id?: string } {
  const { source, id } = (value ?? {}) as { source?: unknown; id?: unknown };
  return {
    ...(typeof source === 'string' && source.length <= 256 ? { source } : {}),
    ...(typeof id === 'string' && id.length <= 128 ? { id } : {}),
  };
}
