/**
 * Takes events of one caller into the ledger, all or none (LEDGER §5, "Intake over HTTP"). Hot: 3,000 events a second in batches of 100,
 * so an event is parsed, hashed and written as a record once.
 */
import type { Clock } from '../domain/clock.ts';
import { parseEvent, recordOfEvent } from '../domain/cloud-events.ts';
import { AllimError, type ErrorCode, type Fault } from '../domain/errors.ts';
import { type CloudEvent, MAX_EVENT_AGE_MS } from '../domain/event.ts';
import { needEventFits } from '../domain/event-size.ts';
import type { EventRowId } from '../domain/ids.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { type EventRow, eventRow, takeEvents } from '../store/events.ts';
import type { Credential } from './credential.ts';
import type { EventBody } from './event-bodies.ts';
import type { Relay, RelayItem } from './relay.ts';

export type EventIntakeParts = {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly relay: Pick<Relay, 'offer'>;
};

type Checked = EventRow & RelayItem;
type Refusal = { readonly index: number; readonly error: AllimError };

const MAX_FAULTS_AN_EVENT = 10;

/** Resolves when the events are committed; throws what is wrong with them, and then nothing was written. */
export async function takeIn(
  parts: EventIntakeParts,
  credential: Credential,
  body: EventBody,
): Promise<{ source: string; id: string }[]> {
  const checked: Checked[] = [];
  const refusals: Refusal[] = [];
  const indexOf = new Map<EventRowId, { readonly index: number; readonly item: Checked }>();
  let refreshed = false;
  for (const [index, value] of body.values.entries()) {
    try {
      const event = parseEvent(value);
      if (!refreshed && parts.catalogue.current().eventTypes.get(event.type) === undefined) {
        refreshed = true;
        await parts.catalogue.refresh();
      }
      const item = check(parts, credential, event);
      const same = indexOf.get(item.row)?.item;
      if (same !== undefined && !same.hash.equals(item.hash)) throw conflict();
      if (same === undefined) indexOf.set(item.row, { index, item });
      checked.push(item);
    } catch (error) {
      if (!(error instanceof AllimError)) throw error;
      refusals.push({ index, error });
    }
  }
  if (refusals.length > 0) throw refused(refusals, body);
  const items = [...indexOf.values()].map((entry) => entry.item);
  if (items.length > 0) {
    const taken = await transaction(parts.pool, async (sql) => {
      const result = await takeEvents(sql, 'received', items, parts.clock.nowMs());
      const conflicts = items.filter((item) => result.get(item.row) === 'conflict');
      if (conflicts.length > 0)
        throw refused(
          conflicts.map((item) => ({ index: indexOf.get(item.row)!.index, error: conflict() })),
          body,
        );
      return result;
    });
    parts.relay.offer(items.filter((item) => taken.get(item.row) === 'fresh'));
  }
  return checked.map(({ event }) => ({ source: event.source, id: event.id }));
}

function check(parts: EventIntakeParts, credential: Credential, event: CloudEvent): Checked {
  const type = parts.catalogue.current().eventTypes.check(event);
  if (
    credential.agency !== null &&
    (credential.agency !== type.agency || !credential.sources.includes(event.source))
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
  return { ...eventRow(event, type.agency), record };
}

function instantMs(time: string): number {
  return Temporal.Instant.from(time).epochMilliseconds;
}

function conflict(): AllimError {
  return new AllimError('event-conflict', 'an event with this source and id but another content is known', {
    faults: [{ pointer: '/id', message: 'is taken by another content' }],
  });
}

/** One event: its own error. A batch: one error that lists every refused event by its place. */
function refused(refusals: readonly Refusal[], body: EventBody): AllimError {
  const first = refusals[0]!.error;
  if (!body.batch) return first;
  const codes = new Set<ErrorCode>(refusals.map(({ error }) => error.code));
  const faults: Fault[] = refusals.flatMap(({ index, error }) =>
    (error.faults.length > 0 ? error.faults : [{ pointer: '', message: error.message }])
      .slice(0, MAX_FAULTS_AN_EVENT)
      .map((fault) => ({
        pointer: `/${index}${fault.pointer}`,
        message: codes.size > 1 ? `${error.code}: ${fault.message}` : fault.message,
      })),
  );
  return new AllimError(
    codes.size === 1 ? first.code : 'event-invalid',
    `${refusals.length} of ${body.values.length} events were refused, so none was taken`,
    { faults },
  );
}
