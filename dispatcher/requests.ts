/**
 * Questions to the shards: made from what the transaction wrote, sent after its commit, and sent again by the relay where a crash came
 * between. A shard answers a repeated question with a new run; the ledger's keys absorb it.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { CloudEvent } from '../domain/event.ts';
import type { EventRowId, FanoutId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import { paced } from '../domain/pace.ts';
import { encodeRecord, type MatchEvent, type MatchRequest, TOPICS } from '../domain/records.ts';
import type { SqlPool } from '../domain/sql.ts';
import { LANES } from '../domain/statuses.ts';
import { loadEvents } from '../store/events.ts';
import {
  type Fanout,
  failFanouts,
  markRequested,
  type StageRun,
  unrequestedFanouts,
} from '../store/fanouts.ts';

/** A saved fan-out with what its question is made of. Events by row id: the broadcast's own, or those of the pairs. */
export type Ask = { readonly fanout: Fanout; readonly run: StageRun; readonly broadcast: EventRowId | null };
export type EventBodies = ReadonlyMap<string, CloudEvent>;

export type RequestsParts = {
  readonly broker: Broker;
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly logger: Logger;
};

export interface Requests {
  /** Notes what was sent. Call before stopping. */
  settle(): Promise<void>;
  /**
   * Appends the questions and notes that their fan-outs are asked; a question too large for the log fails its fan-out and no other. Rejects
   * where the log cannot be reached: the relay will repeat them.
   */
  send(asks: readonly Ask[], events: EventBodies): Promise<void>;
  /** Repeats questions that were saved before `olderThanMs` and never marked. Returns how many. */
  repeat(olderThanMs: number, limit: number, nowMs: number): Promise<number>;
}

export function matchEvent(event: CloudEvent): MatchEvent {
  return { source: event.source, id: event.id, data: event.data };
}

function requestOf(ask: Ask, events: EventBodies): MatchRequest {
  const { fanout, run } = ask;
  const body = (row: string) => {
    const event = events.get(row);
    if (event === undefined) throw new Error(`event ${row} of fan-out ${fanout.id} is not in the ledger`);
    return matchEvent(event);
  };
  return {
    fanout: fanout.id,
    stageRun: run.id,
    request: fanout.request,
    rule: run.rule,
    ruleVersion: run.ruleVersion,
    asOf: run.asOf,
    stage: run.stageKind,
    minProfileOffset: fanout.minProfileOffset,
    ...(fanout.pairs === null
      ? { event: body(ask.broadcast ?? '') }
      : {
          pairs: fanout.pairs.map(({ event, citizen }) => ({
            event: { ...body(event), row: event },
            citizen,
          })),
        }),
  };
}

/** The only refusal that is the question's own fault: others (a topic, a right that is missing) are mended without it. */
function isTooLarge(error: unknown): error is AllimError {
  return error instanceof AllimError && error.code === 'record-too-large';
}

function rowsOf(ask: Ask): readonly EventRowId[] {
  return ask.broadcast === null ? (ask.fanout.pairs ?? []).map((pair) => pair.event) : [ask.broadcast];
}

const MARK_MS = paced(250, 150);

export function createRequests({ broker, pool, clock, logger }: RequestsParts): Requests {
  const months = new Set<string>();

  /** The month's partitions, before anything can be planned into them; never inside a transaction that holds other locks. */
  async function ensureMonth(month: string): Promise<void> {
    if (months.has(month)) return;
    await pool.query('SELECT ensure_month($1)', [month]);
    months.add(month);
  }

  /** On their way now, so the relay of this process leaves them alone however long that takes. */
  const sending = new Set<string>();
  /** Sent, and not yet noted. */
  const asked = new Set<FanoutId>();
  let marking: NodeJS.Timeout | undefined;

  async function send(asks: readonly Ask[], events: EventBodies): Promise<void> {
    if (asks.length === 0) return;
    for (const ask of asks) sending.add(ask.fanout.id);
    try {
      await appendEach(asks, events);
    } finally {
      for (const ask of asks) sending.delete(ask.fanout.id);
    }
  }

  async function appendEach(asks: readonly Ask[], events: EventBodies): Promise<void> {
    try {
      await append(asks, events);
    } catch (error) {
      if (!isTooLarge(error)) throw error;
      const [only] = asks;
      if (asks.length > 1 || only === undefined) {
        for (const ask of asks) await appendEach([ask], events);
        return;
      }
      logger.error(
        { fanout: only.fanout.id, rule: only.run.rule, err: error.message },
        'a question is too large for the log; its fan-out fails',
      );
      await failFanouts(pool, [only.fanout.id], error.message, clock.nowMs());
    }
  }

  async function append(asks: readonly Ask[], events: EventBodies): Promise<void> {
    for (const { run } of asks) await ensureMonth(run.month);
    mark('questions:before-flush');
    for (const lane of LANES) {
      const mine = asks.filter((ask) => ask.fanout.lane === lane);
      if (mine.length > 0)
        await broker.append(
          TOPICS.requests[lane],
          mine.map((ask) => ({
            key: ask.fanout.id,
            partition: ask.fanout.shard,
            value: encodeRecord(requestOf(ask, events)),
          })),
        );
    }
    mark('questions:flushed');
    for (const ask of asks) asked.add(ask.fanout.id);
    marking ??= setTimeout(() => void note(), MARK_MS);
  }

  /** That a question was sent is noted for many at a time: a crash before costs a repetition, which changes nothing. */
  async function note(): Promise<void> {
    clearTimeout(marking);
    marking = undefined;
    const ids = [...asked];
    if (ids.length === 0) return;
    try {
      await markRequested(pool, ids);
      mark('questions:noted');
    } catch (error) {
      logger.warn(
        { fanouts: ids.length, err: messageOf(error) },
        'questions that were sent could not be noted; some may be repeated',
      );
    }
    for (const id of ids) asked.delete(id);
  }

  return {
    send,
    settle: note,
    async repeat(olderThanMs, limit, nowMs) {
      const left = await unrequestedFanouts(pool, new Date(olderThanMs), limit);
      const asks = left.filter((ask) => !sending.has(ask.fanout.id) && !asked.has(ask.fanout.id));
      if (asks.length === 0) return 0;
      const rows = new Set(asks.flatMap(rowsOf));
      const events = await loadEvents(pool, [...rows]);
      const whole = asks.filter((ask) => rowsOf(ask).every((row) => events.has(row)));
      // An event that is gone (a restore, a month detached) must not keep the others from being asked.
      await failFanouts(
        pool,
        asks.filter((ask) => !whole.includes(ask)).map((ask) => ask.fanout.id),
        'its event is not in the ledger',
        nowMs,
      );
      await send(whole, events);
      await note();
      return asks.length;
    },
  };
}
