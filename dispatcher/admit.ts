/** Part of T1: which records are events that may be taken in, and why the others may not. Reads the catalogue and writes nothing. */
import type { LogRecord } from '../broker/broker.ts';
import { eventOfRecord, recordOfEvent } from '../domain/cloud-events.ts';
import { AllimError } from '../domain/errors.ts';
import { type CloudEvent, type EventType, MAX_EVENT_AGE_MS } from '../domain/event.ts';
import { needEventFits } from '../domain/event-size.ts';
import { agencyOfTopic } from '../domain/records.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { type EventRow, eventRow } from '../store/events.ts';
import type { Rejected } from '../store/quarantine.ts';
import { needTopicOf } from './agency-topics.ts';

export type Accepted = EventRow & { readonly type: EventType; readonly record: LogRecord };
export type Admitted = {
  readonly accepted: readonly Accepted[];
  readonly rejected: Rejected[];
  /** Of the rejected those that are events at all: HTTP may have taken them, when they were in time or their type another. */
  readonly refused: readonly EventRow[];
};

export async function admit(
  catalogue: Catalogue,
  records: readonly LogRecord[],
  nowMs: number,
): Promise<Admitted> {
  const accepted: Accepted[] = [];
  const rejected: Rejected[] = [];
  const refused: EventRow[] = [];
  let snapshot = catalogue.current();
  let looked = false;
  for (const record of records) {
    let event: CloudEvent | undefined;
    try {
      event = ofRecord(() => eventOfRecord(record));
      const read = event;
      ofRecord(() => needEventFits(recordOfEvent(read)));
      if (
        event.time !== undefined &&
        Temporal.Instant.from(event.time).epochMilliseconds < nowMs - MAX_EVENT_AGE_MS
      )
        throw new AllimError('event-too-old', 'the event is older than 400 days', {
          faults: [{ pointer: '/time', message: 'is more than 400 days ago' }],
        });
      // Once a batch: a flood of unknown types must not become a flood of look-ups.
      if (!looked && snapshot.eventTypes.get(event.type) === undefined) {
        snapshot = await catalogue.refresh();
        looked = true;
      }
      const type = ofRecord(() => snapshot.eventTypes.check(read));
      needTopicOf(record.topic, type.agency);
      // What has been done or withdrawn stays so; only to announce something has lost its point.
      if (!ends(type) && isExpired(event, nowMs))
        throw new AllimError('event-expired', 'the event has expired', {
          faults: [{ pointer: '/expirytime', message: 'has passed' }],
        });
      accepted.push({ ...ofRecord(() => eventRow(read, type.agency)), type, record });
    } catch (error) {
      // What was asked of the store says nothing about the record.
      if (!(error instanceof AllimError) || error.retryable) throw error;
      const owner = agencyOfTopic(record.topic);
      const typeAgency = event === undefined ? undefined : snapshot.eventTypes.get(event.type)?.agency;
      // Whoever owns the topic is to see what was refused there, and nobody else.
      const agency = owner ?? typeAgency;
      rejected.push({ ...record, error, ...(agency === undefined ? {} : { agency }) });
      // What an agency says on its topic must not end what another sent over HTTP.
      if (owner !== undefined && owner !== typeAgency) continue;
      const row = event === undefined ? null : rowOf(event, agency ?? '');
      if (row !== null) refused.push(row);
    }
  }
  return { accepted, rejected, refused };
}

/** null for what has no row: it cannot be written canonically, so HTTP has not taken it. */
function rowOf(event: CloudEvent, agency: string): EventRow | null {
  try {
    return eventRow(event, agency);
  } catch {
    return null;
  }
}

/** A step that reads nothing but the record: whatever it throws is the record's fault, and must not stop those beside it. */
function ofRecord<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof AllimError) throw cause;
    throw new AllimError('event-invalid', 'the event cannot be read', {
      cause,
      faults: [{ pointer: '', message: 'cannot be read' }],
    });
  }
}

function ends(type: EventType): boolean {
  return type.effect === 'settles' || type.effect === 'withdraws';
}

function isExpired(event: CloudEvent, nowMs: number): boolean {
  return event.expirytime !== undefined && Temporal.Instant.from(event.expirytime).epochMilliseconds <= nowMs;
}
export function conflict(item: Accepted): Rejected {
  return {
    ...item.record,
    agency: agencyOfTopic(item.record.topic) ?? item.agency,
    error: new AllimError('event-conflict', 'an event with this source and id but another content is known', {
      faults: [{ pointer: '/id', message: 'is taken by another content' }],
    }),
  };
}
