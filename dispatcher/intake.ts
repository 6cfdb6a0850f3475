/**
 * T1: takes events in. One transaction for a batch of records writes the events, the position, what they do to obligations and campaigns,
 * the schedules, and the stage runs and fan-outs that are due at once; requests leave after the commit, and the relay repeats those that
 * a crash left. Never waits for a shard, never calls a provider. What cannot be taken in is quarantined in the same transaction.
 */
import type { Batch, Broker, LogRecord } from '../broker/broker.ts';
import { handleIsolated } from '../broker/isolate.ts';
import type { Clock } from '../domain/clock.ts';
import { dayOf } from '../domain/clock.ts';
import { eventOfRecord } from '../domain/cloud-events.ts';
import { AllimError, messageOf } from '../domain/errors.ts';
import {
  type CloudEvent,
  type EventType,
  isTargeted,
  MAX_EVENT_AGE_MS,
  MAX_EVENT_BYTES,
} from '../domain/event.ts';
import type { EventRowId, ObligationId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { WorkingDays } from '../domain/timeline.ts';
import type { Catalogue, Snapshot } from '../store/catalogue.ts';
import { type EventRow, eventRow, markSuperseded, takeEvents } from '../store/events.ts';
import {
  changeObligations,
  dropSchedulesOf,
  endUnsent,
  type ObligationChange,
} from '../store/obligations.ts';
import { advancePosition, advancePositions, claimPositions } from '../store/positions.ts';
import { type Rejected, saveQuarantine } from '../store/quarantine.ts';
import { findLinks, saveUnresolved } from '../store/unresolved.ts';
import { openBroadcasts } from './broadcasts.ts';
import { createCombine } from './combine.ts';
import { foldTargeted, type TargetedEvent } from './obligation-changes.ts';
import type { Ask, Requests } from './requests.ts';
import { openTargeted } from './targeted.ts';

export type IntakeParts = {
  readonly broker: Broker;
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly calendar: WorkingDays;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly requests: Requests;
};

export const INTAKE_GROUP = 'allim-dispatcher-events';
/** Events of one transaction, from as many partitions as have some. One at a time: what comes meanwhile goes together in the next. */
const EVENTS_A_TRANSACTION = 500;
const TRANSACTIONS = 1;

type Slice = Parameters<typeof advancePosition>[2];
type Job = { readonly records: readonly LogRecord[]; readonly slice: Slice };
type Accepted = EventRow & { readonly type: EventType; readonly record: LogRecord };

export function createIntake(parts: IntakeParts) {
  const { broker, pool, catalogue, clock, logger } = parts;

  async function parse(
    records: readonly LogRecord[],
  ): Promise<{ accepted: Accepted[]; rejected: Rejected[] }> {
    const accepted: Accepted[] = [];
    const rejected: Rejected[] = [];
    let snapshot = catalogue.current();
    let looked = false;
    for (const record of records) {
      let event: CloudEvent | undefined;
      try {
        event = ofRecord(() => eventOfRecord(record));
        if ((record.value?.length ?? 0) > MAX_EVENT_BYTES)
          throw new AllimError(
            'payload-too-large',
            `an event may have ${MAX_EVENT_BYTES} bytes, this one has ${record.value?.length}`,
          );
        if (
          event.time !== undefined &&
          Temporal.Instant.from(event.time).epochMilliseconds < clock.nowMs() - MAX_EVENT_AGE_MS
        )
          throw new AllimError('event-too-old', 'the event is older than 400 days', {
            faults: [{ pointer: '/time', message: 'is more than 400 days ago' }],
          });
        // Once a batch: a flood of unknown types must not become a flood of look-ups.
        if (!looked && snapshot.eventTypes.get(event.type) === undefined) {
          snapshot = await catalogue.refresh();
          looked = true;
        }
        const read = event;
        const type = ofRecord(() => snapshot.eventTypes.check(read));
        // What has been done or withdrawn stays so; only to announce something has lost its point.
        if (!ends(type) && isExpired(event, clock.nowMs()))
          throw new AllimError('event-expired', 'the event has expired', {
            faults: [{ pointer: '/expirytime', message: 'has passed' }],
          });
        accepted.push({ ...ofRecord(() => eventRow(read, type.agency)), type, record });
      } catch (error) {
        // What was asked of the store says nothing about the record.
        if (!(error instanceof AllimError) || error.retryable) throw error;
        const agency = event === undefined ? undefined : snapshot.eventTypes.get(event.type)?.agency;
        rejected.push({ ...record, error, ...(agency === undefined ? {} : { agency }) });
      }
    }
    return { accepted, rejected };
  }

  const takeIn = createCombine<Job>({
    width: TRANSACTIONS,
    limit: EVENTS_A_TRANSACTION,
    weight: (job) => job.records.length,
    run: takeJobs,
  });

  async function takeJobs(jobs: readonly Job[]): Promise<void> {
    const { accepted, rejected } = await parse(jobs.flatMap((job) => job.records));
    const snapshot = catalogue.current();
    // The end of every shard's profiles after the events were acknowledged: what was acknowledged before them is matched on.
    const profileEnds = accepted.length > 0 ? await broker.ends(TOPICS.profiles) : [];
    const asked = await transaction(pool, async (sql) => {
      await advancePositions(
        sql,
        INTAKE_GROUP,
        jobs.map((job) => job.slice),
      );
      const fresh = await acceptOnce(sql, accepted, rejected);
      await saveQuarantine(sql, parts.sealer, rejected);
      return plan(sql, fresh, snapshot, profileEnds);
    });
    if (rejected.length > 0)
      logger.warn(
        {
          at: rejected.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`),
          quarantined: rejected.length,
        },
        'events were quarantined',
      );
    try {
      await parts.requests.send(asked, new Map(accepted.map((item) => [item.row as string, item.event])));
    } catch (error) {
      // The events are taken in and the fan-outs saved: the relay asks again.
      logger.warn(
        { fanouts: asked.length, err: messageOf(error) },
        'questions could not be sent; the relay will repeat them',
      );
    }
  }

  /** Writes the events and returns those that we had not. The first of two equal ids in a batch wins; another content is a conflict. */
  async function acceptOnce(
    sql: Sql,
    accepted: readonly Accepted[],
    rejected: Rejected[],
  ): Promise<Accepted[]> {
    const first = new Map<EventRowId, Accepted>();
    for (const item of accepted) {
      const same = first.get(item.row);
      if (same === undefined) first.set(item.row, item);
      else if (!same.hash.equals(item.hash)) rejected.push(conflict(item));
    }
    if (first.size === 0) return [];
    const taken = await takeEvents(sql, 'accepted', [...first.values()], clock.nowMs());
    for (const item of first.values()) if (taken.get(item.row) === 'conflict') rejected.push(conflict(item));
    return [...first.values()].filter((item) => taken.get(item.row) === 'fresh');
  }

  /** What fresh events change and start. Returns the fan-outs to ask for. */
  async function plan(
    sql: Sql,
    fresh: readonly Accepted[],
    snapshot: Snapshot,
    profileEnds: readonly number[],
  ): Promise<Ask[]> {
    const nowMs = clock.nowMs();
    const context = { snapshot, calendar: parts.calendar, profileEnds, nowMs, day: dayOf(nowMs) };
    const targeted = await resolveSubjects(
      sql,
      fresh.filter((item) => isTargeted(item.event)),
      nowMs,
    );
    const broadcast = fresh.filter((item) => !isTargeted(item.event));
    const asked: Ask[] = [];
    if (targeted.length > 0) {
      const { changes, openings } = foldTargeted(
        targeted,
        (type) => snapshot.rulesByEventType.get(type) ?? [],
        parts.calendar,
      );
      const changed = await applyChanges(sql, changes, nowMs);
      const current = openings.filter((o) => changed.open.get(o.obligation) === o.row);
      await markSuperseded(sql, await outdated(sql, targeted, openings, changed.open));
      asked.push(...(await openTargeted(sql, current, changed.attempted, context)));
    }
    if (broadcast.length > 0) asked.push(...(await openBroadcasts(sql, broadcast, context)));
    return asked;
  }

  /** Applies changes, and ends what was unsent about every obligation that existed before. */
  async function applyChanges(sql: Sql, changes: readonly ObligationChange[], nowMs: number) {
    const changed = await changeObligations(sql, changes, nowMs);
    const byId = new Map(changes.map((change) => [change.id, change]));
    const existed = changed.filter((row) => row.existed);
    const attempted = new Map<ObligationId, EventRowId>();
    for (const [state, code] of [
      ['done', 'done'],
      ['cancelled', 'withdrawn'],
      ['open', 'superseded'],
    ] as const) {
      const rows = existed.filter((row) => row.state === state);
      const below = rows.map((row) => (state === 'open' ? (byId.get(row.id)?.version ?? null) : null));
      const told = await endUnsent(
        sql,
        rows.map((row) => row.id),
        below,
        code,
        nowMs,
      );
      for (const [obligation, event] of told) attempted.set(obligation, event);
    }
    await dropSchedulesOf(
      sql,
      existed.map((row) => row.id),
    );
    const open = new Map(changed.filter((row) => row.state === 'open').map((row) => [row.id, row.event]));
    return { open, attempted };
  }

  /** Events whose every opening lost to a version that we know: recorded as superseded. An event about something done is not. */
  async function outdated(
    sql: Sql,
    targeted: readonly TargetedEvent[],
    openings: readonly { row: EventRowId; obligation: ObligationId }[],
    open: ReadonlyMap<ObligationId, EventRowId>,
  ): Promise<EventRowId[]> {
    const lost = openings.filter((o) => open.get(o.obligation) !== o.row);
    if (lost.length === 0) return [];
    const { rows } = await sql.query<{ id: ObligationId; state: string }>(
      'SELECT id, state FROM obligations WHERE id = ANY($1::uuid[])',
      [lost.map((o) => o.obligation)],
    );
    const done = new Set(rows.filter((row) => row.state === 'done').map((row) => row.id));
    const losers = new Set(lost.filter((o) => !done.has(o.obligation)).map((o) => o.row));
    return targeted.filter((t) => losers.has(t.row)).map((t) => t.row);
  }

  /** Turns the agency's own keys into citizens; those without a link wait in `unresolved`. */
  async function resolveSubjects(
    sql: Sql,
    events: readonly Accepted[],
    nowMs: number,
  ): Promise<TargetedEvent[]> {
    const keyed = events.filter((item) => item.event.subject === undefined);
    const hashes = keyed.map((item) =>
      subjectKeyHash(parts.sealer, item.agency, item.event.allimsubjectkey ?? ''),
    );
    const links = await findLinks(
      sql,
      keyed.map((item) => item.agency),
      hashes,
    );
    const citizenOf = new Map<EventRowId, string>();
    const unlinked: Parameters<typeof saveUnresolved>[1][number][] = [];
    for (const [index, item] of keyed.entries()) {
      const hash = hashes[index]!;
      const citizen = links.get(`${item.agency}\n${hash.toString('hex')}`);
      if (citizen !== undefined) citizenOf.set(item.row, citizen);
      else
        unlinked.push({
          agency: item.agency,
          event: item.row,
          stageRun: null,
          citizen: null,
          subjectKeyHash: hash,
          askedOffset: null,
          // As long as the ledger remembers the event itself.
          expiresAtMs:
            item.event.expirytime === undefined
              ? nowMs + MAX_EVENT_AGE_MS
              : Temporal.Instant.from(item.event.expirytime).epochMilliseconds,
        });
    }
    await saveUnresolved(sql, unlinked, nowMs);
    return events.flatMap((item) => {
      const citizen = item.event.subject ?? citizenOf.get(item.row);
      return citizen === undefined ? [] : [{ row: item.row, event: item.event, type: item.type, citizen }];
    });
  }

  return {
    group: INTAKE_GROUP,
    assigned: (partitions: Parameters<typeof claimPositions>[2]) =>
      claimPositions(pool, INTAKE_GROUP, partitions, (topic) => broker.begins(topic)),
    handle: (batch: Batch) =>
      handleIsolated(batch, {
        handle: (chunk) => takeIn({ records: chunk.records, slice: { ...batch, ...chunk } }),
        async quarantine(record, error, chunk) {
          await transaction(pool, async (sql) => {
            await advancePosition(sql, INTAKE_GROUP, { ...batch, ...chunk });
            await saveQuarantine(sql, parts.sealer, [{ ...record, error }]);
          });
        },
        logger,
      }),
  };
}

/** The keyed hash of an agency's own key for a person. */
export function subjectKeyHash(sealer: Sealer, agency: string, key: string): Buffer {
  return sealer.index(`subject-key/${agency}`, key);
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

function conflict(item: Accepted): Rejected {
  return {
    ...item.record,
    agency: item.agency,
    error: new AllimError('event-conflict', 'an event with this source and id but another content is known', {
      faults: [{ pointer: '/id', message: 'is taken by another content' }],
    }),
  };
}
