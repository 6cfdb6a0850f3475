/**
 * Whether one event may be taken in: its form, its type, who says it, its age and its size. The same for every way in: HTTP, feeds, calendars
 * and what a person sends again from quarantine. Hot: an event is parsed, hashed and written as a record once.
 */
import type { Clock } from '../domain/clock.ts';
import { parseEvent, recordOfEvent } from '../domain/cloud-events.ts';
import { AllimError } from '../domain/errors.ts';
import { type CloudEvent, MAX_EVENT_AGE_MS } from '../domain/event.ts';
import { needEventFits } from '../domain/event-size.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { type EventRow, eventRow } from '../store/events.ts';
import type { Credential } from './credential.ts';
import type { RelayItem } from './relay.ts';

export type EventCheckParts = { readonly catalogue: Catalogue; readonly clock: Clock };

export type CheckedEvent = EventRow & RelayItem & { readonly bytes: number };

/** Who publishes; null may publish for everybody. */
export type Publisher = Pick<Credential, 'agency' | 'sources'>;

/** An event's text as a body may not be longer than this: data, attributes, and room for blanks and escapes. */
export const MAX_EVENT_TEXT_BYTES = 524_288;

/** One caller's look-ups: a flood of unknown types must not become a flood of questions to the database. */
export type LookedUp = { done: boolean };

/** Throws what is wrong with the event, with pointers into it. Looks an unknown type up once for `lookedUp`. */
export async function checkEvent(
  parts: EventCheckParts,
  publisher: Publisher,
  value: unknown,
  lookedUp: LookedUp,
): Promise<CheckedEvent> {
  const event = parseEvent(value);
  if (!lookedUp.done && parts.catalogue.current().eventTypes.get(event.type) === undefined) {
    lookedUp.done = true;
    await parts.catalogue.refresh();
  }
  return checkParsed(parts, publisher, event);
}

export function checkParsed(parts: EventCheckParts, publisher: Publisher, event: CloudEvent): CheckedEvent {
  const type = parts.catalogue.current().eventTypes.check(event);
  if (
    publisher.agency !== null &&
    (publisher.agency !== type.agency || !publisher.sources.includes(event.source))
  )
    throw new AllimError('source-foreign', 'the credential may not publish for this source', {
      faults: [{ pointer: '/source', message: 'is not bound to the credential' }],
    });
  const nowMs = parts.clock.nowMs();
  if (event.time !== undefined && instantMs(event.time) < nowMs - MAX_EVENT_AGE_MS)
    throw new AllimError('event-too-old', 'the event is older than 400 days', {
      faults: [{ pointer: '/time', message: 'is more than 400 days ago' }],
    });
  // What is done stays done, however late we hear of it.
  const ends = type.effect === 'settles' || type.effect === 'withdraws';
  if (!ends && event.expirytime !== undefined && instantMs(event.expirytime) <= nowMs)
    throw new AllimError('event-expired', 'the event has expired', {
      faults: [{ pointer: '/expirytime', message: 'has passed' }],
    });
  const record = recordOfEvent(event);
  needEventFits(record);
  return { ...eventRow(event, type.agency), record, bytes: record.value.length };
}

/** Of checked attributes; Temporal takes 8 µs and Date one half, but Date reads some forms otherwise. */
const PLAIN_INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(?:\.\d{3})?(?:Z|[+-]\d\d:\d\d)$/;

function instantMs(time: string): number {
  if (PLAIN_INSTANT.test(time)) return Date.parse(time);
  return Temporal.Instant.from(time).epochMilliseconds;
}

export function eventConflict(): AllimError {
  return new AllimError('event-conflict', 'an event with this source and id but another content is known', {
    faults: [{ pointer: '/id', message: 'is taken by another content' }],
  });
}
