/**
 * One batch: claim as many rows as may be in flight, render, call, report, and go on until nothing of it is planned. No row is called
 * that was not claimed under a living session; the session and the stops are looked at again immediately before each call.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AMBIGUITY } from '../domain/ambiguity.ts';
import type { Clock } from '../domain/clock.ts';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { BatchId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import type { Metrics } from '../domain/metrics.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import type { BatchJob } from '../queue/queue.ts';
import { countPlanned, monthOfBatch } from '../store/batches.ts';
import { openAddress } from '../store/contact-points.ts';
import type { Claimed, Result } from '../store/turn.ts';
import type { Coalescer } from './coalescer.ts';
import type { FailingStages } from './failing-stages.ts';
import type { Renderer } from './message.ts';
import { resultOf, uncalledResult } from './outcome.ts';
import type { Outcome, OutgoingDelivery, Provider } from './providers/provider.ts';
import type { Session } from './session.ts';
import type { StopWatch } from './stop-watch.ts';

export type DeliverParts = {
  readonly pool: SqlPool;
  readonly coalescer: Coalescer;
  readonly session: Session;
  readonly stops: StopWatch;
  readonly renderer: Renderer;
  /** Hears of every call that failed through us. */
  readonly failing: FailingStages;
  readonly sealer: Sealer;
  readonly providers: Readonly<Record<Channel, Provider>>;
  /** Takes what agencies in trial would have sent. */
  readonly simulated: Readonly<Record<Channel, Provider>>;
  readonly clock: Clock;
  readonly chance: () => number;
  readonly logger: Logger;
  readonly metrics?: Metrics;
};

/**
 * A claim passes over rows that somebody has locked: a correction or a "done" that commits within milliseconds and may leave them planned.
 * They are tried again after these; what is locked for longer is left to the reconciler, so that the job's place is not.
 */
const LOCKED_PAUSES_MS = [10, 20, 40, 80, 160] as const;

/** Returns the handler of one channel's jobs; `claimSize` is its share of the provider's window. */
export function createDeliver(parts: DeliverParts, channel: Channel, claimSize: number) {
  const { coalescer, session, stops, renderer, sealer, clock, logger } = parts;

  function noteUnsent(rows: readonly Claimed[]): void {
    for (const { verdict } of rows)
      if (verdict !== 'send') parts.metrics?.add('claims_unsent', { channel, verdict });
  }

  /** What nobody knew of the calls before this one is asked first, where it can be. */
  async function call(
    row: Claimed,
    provider: Provider,
    outgoing: OutgoingDelivery,
    mayCall: () => boolean,
    asking: (now: boolean) => void,
  ): Promise<Outcome> {
    if (row.unclear > 0 && AMBIGUITY[provider.repeats][row.category].ask && provider.ask !== undefined) {
      asking(true);
      const answer = await provider.ask(outgoing, mayCall);
      asking(false);
      const said = answer === 'absent' ? 'absent' : answer.kind;
      parts.metrics?.add('ambiguous_asked', { channel, answer: said });
      if (answer !== 'absent') return answer;
    }
    return await provider.send(outgoing, mayCall);
  }

  /** null where a stop came after the claim and nothing was called. */
  async function callOne(
    row: Claimed,
    provider: Provider,
    owner: ReturnType<Session['id']>,
  ): Promise<Outcome | null> {
    let held = false;
    let asking = false;
    /** Bytes of a delivery may have left. */
    let leaving = false;
    let content: Awaited<ReturnType<Renderer['render']>>;
    let address: string;
    try {
      content = await renderer.render(row);
      address = openAddress(sealer, channel, row.address ?? Buffer.alloc(0));
    } catch (error) {
      logger.error(
        { delivery: row.id, template: row.template, err: messageOf(error) },
        'a delivery could not be made ready',
      );
      parts.metrics?.add('deliveries_unready', { channel });
      return error instanceof AllimError && error.retryable
        ? { kind: 'temporary', code: error.code }
        : { kind: 'technical', code: error instanceof AllimError ? error.code : 'unsealable' };
    }
    try {
      await stops.known(row);
      const waitedMs = Math.max(0, clock.nowMs() - row.since.getTime());
      const outgoing = {
        delivery: row.id,
        attempt: row.attempt,
        agency: row.agency,
        address,
        content,
        urgent: row.lane === 'urgent',
        expiresAtMs: row.expiresAt === null ? null : row.expiresAt.getTime(),
      };
      const mayCall = (): boolean => {
        held = !stops.mayCall(row);
        const may = !held && session.mayCall(owner);
        leaving ||= may && !asking;
        return may;
      };
      mark('call:before');
      const outcome = await call(row, provider, outgoing, mayCall, (now) => {
        asking = now;
      });
      mark('call:answered');
      if (held) return null;
      if (row.attempt === 1 && !row.simulated)
        parts.metrics?.observe('event_to_provider_seconds', { channel, lane: row.lane }, waitedMs / 1_000);
      return outcome;
    } catch (error) {
      logger.error(
        { delivery: row.id, provider: provider.name, err: messageOf(error) },
        'a provider adapter threw',
      );
      // After it had been told that it may call, bytes may have left.
      return { kind: leaving ? 'unknown' : 'technical', code: 'adapter-threw' };
    }
  }

  async function deliverRow(row: Claimed, owner: ReturnType<Session['id']>): Promise<Result> {
    const provider = (row.simulated ? parts.simulated : parts.providers)[channel];
    const outcome = await callOne(row, provider, owner);
    const nowMs = clock.nowMs();
    if (outcome === null) return uncalledResult(row, owner, nowMs);
    const result = resultOf(row, owner, outcome, provider.repeats, nowMs, parts.chance());
    if (result.unclear)
      parts.metrics?.add('ambiguous', {
        channel,
        decision: result.status === 'ambiguous' ? 'left' : 'again',
      });
    if (outcome.kind === 'technical') parts.failing.note(row, outcome.code);
    return result;
  }

  async function deliverRows(job: BatchJob): Promise<void> {
    const id = job.batch as BatchId;
    const month = job.month ?? (await monthOfBatch(parts.pool, id));
    if (month === undefined) return;
    const batch = { batch: id, generation: job.generation, month };
    let size = Number.POSITIVE_INFINITY;
    let results: Promise<void>[] = [];
    const refused: unknown[] = [];
    let pauses = 0;
    let seen = 0;
    // Once through the batch, span by span. What is not found so, being locked or not planned, is looked for in all of it.
    let first: number | undefined = 1;
    while (seen < size) {
      await Promise.all(results);
      const last: number = (first ?? 0) + claimSize - 1;
      // The session a claim is made under; a new one may begin while its calls run, and then they may not.
      const rows = await coalescer.claim({
        ...batch,
        max: claimSize,
        ...(first === undefined ? {} : { span: [first, last] }),
      });
      if (rows.length === 0) {
        if (first !== undefined) {
          first = undefined;
          continue;
        }
        const pauseMs = LOCKED_PAUSES_MS[pauses++];
        if (pauseMs === undefined || (await countPlanned(parts.pool, batch)) === 0) break;
        await delay(pauseMs);
        continue;
      }
      const owner = rows[0]!.session;
      size = rows[0]!.size;
      seen += rows.length;
      if (first !== undefined) first = last < size ? last + 1 : undefined;
      noteUnsent(rows);
      const said: Promise<void>[] = [];
      await Promise.all(
        rows.map(async (row) => {
          if (row.verdict !== 'send') return;
          const result = await deliverRow(row, owner);
          said.push(coalescer.finish(id, result).catch((error: unknown) => void refused.push(error)));
        }),
      );
      results = said;
    }
    // In the same breath as the last results: the count takes them for written (store/turn.ts).
    await Promise.all([...results, coalescer.end({ ...batch, whole: seen === size })]);
    // The rest of the batch is done all the same; the queue hears that one row of it is not.
    if (refused.length > 0) throw refused[0];
  }

  return async function deliverBatch(job: BatchJob): Promise<void> {
    const release = stops.watch();
    try {
      await deliverRows(job);
      mark('job:handled');
    } finally {
      release();
    }
  };
}
