/**
 * Gathers what all jobs of this process have to say to the ledger and says it in one statement at a time: results, next claims, batches
 * that are over. While one statement runs the next gathers, so that its size follows the load: one row when idle, hundreds when busy.
 */
import type { Clock } from '../domain/clock.ts';
import { messageOf, safeMessage } from '../domain/errors.ts';
import type { BatchId, DeliveryId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import { paced } from '../domain/pace.ts';
import type { SqlPool } from '../domain/sql.ts';
import { isTransient } from '../domain/transient.ts';
import { releaseUnheard } from '../store/sessions.ts';
import { type Claim, type Claimed, type End, type Result, takeTurn } from '../store/turn.ts';
import type { Session } from './session.ts';
import { takeClaims } from './take-claims.ts';

type Waiter<T> = { readonly resolve: (value: T) => void; readonly reject: (error: unknown) => void };
type Said = { readonly batch: BatchId; readonly result: Result; readonly waiter: Waiter<void> };
type Asked = { readonly claim: Claim; readonly waiter: Waiter<readonly Claimed[]> };
type Ended = { readonly end: End; readonly waiter: Waiter<void> };
type Turn = {
  readonly results: readonly Said[];
  readonly claims: readonly Asked[];
  readonly ends: readonly Ended[];
};

export interface Coalescer {
  /** Resolves when the result is committed. Rejects when the ledger refuses it for good, alone too: its row stays with the session. */
  finish(batch: BatchId, result: Result): Promise<void>;
  /** Rows that are now this process's to call, and those that ended at the claim. */
  claim(claim: Claim): Promise<readonly Claimed[]>;
  /** Counts a batch whose results have all been said, and closes it where nothing is left. */
  end(end: End): Promise<void>;
}

/** How many rows one statement may carry: beyond it the lock time of a statement shows in the latency of others. */
const MAX_ROWS = 2_000;
/** Rows that are worth a turn of their own. */
const WORTH_ROWS = 100;
/** How long fewer wait for others: a turn costs 0.8 ms of the server before its first row, and a provider's answers come one by one. */
const GATHER_MS = 5;
const RETRY_MS = paced(200);
const SUSPECTS_MS = paced(2_000);
/** SQLSTATE: data exceptions and integrity. The same row will never be taken. */
const ROW_AT_FAULT = /^2[23][0-9A-Z]{3}$/;
/** When claims whose answer was lost are looked for: a statement whose connection broke may still wait for a lock and commit later. */
const UNHEARD_MS = [RETRY_MS, paced(12_000), paced(60_000)] as const;

export function createCoalescer(parts: {
  pool: SqlPool;
  session: Session;
  clock: Clock;
  logger: Logger;
  width?: number;
  gatherMs?: number;
}): Coalescer {
  const { pool, session, clock, logger } = parts;
  const results: Said[] = [];
  const claims: Asked[] = [];
  let ends: Ended[] = [];
  /** Results that were refused alone for a reason that may pass. */
  const suspects: Said[] = [];
  let running = 0;
  let scheduled = false;
  /** Until what is too little for a turn of its own begins one all the same. */
  let gathering: NodeJS.Timeout | undefined;
  /** Results of each batch that a running turn is saying: two turns run at once and do not see what the other writes. */
  const saying = new Map<BatchId, number>();
  /** Batches with a result that may not have fitted its row, or was refused: their open rows are counted one by one. */
  const doubtful = new Set<BatchId>();
  /** Claimed, and the result not yet committed. */
  const inFlight = new Set<DeliveryId>();
  /** A turn with claims failed: whether they were committed is not known. Looked at when nothing runs, and once more later. */
  const unheard: number[] = [];

  function schedule(): void {
    if (scheduled || running >= (unheard.length > 0 ? 1 : (parts.width ?? 2))) return;
    if (!isWorthATurn()) {
      gathering ??= setTimeout(() => {
        gathering = undefined;
        begin();
      }, parts.gatherMs ?? GATHER_MS);
      return;
    }
    begin();
  }

  /** A job that waits for rows goes on at once, unless others are served just now; a few results wait for those of the same calls. */
  function isWorthATurn(): boolean {
    if (running === 0 && claims.length + ends.length > 0) return true;
    return claims.reduce((rows, { claim }) => rows + claim.max, results.length) >= WORTH_ROWS;
  }

  function begin(): void {
    if (scheduled || running >= (unheard.length > 0 ? 1 : (parts.width ?? 2))) return;
    clearTimeout(gathering);
    gathering = undefined;
    scheduled = true;
    // After the current turn of the event loop, so that everything a finished call set off is gathered.
    setImmediate(() => {
      scheduled = false;
      void turn();
    });
  }

  /** Also where nothing else is to be said until then: rows of a quiet night would stay claimed. */
  function expectUnheard(inMs: number): void {
    unheard.push(performance.now() + inMs);
    setTimeout(begin, inMs + 1).unref();
  }

  /** Gives back what a lost answer claimed. Runs alone, so that no answer can be on its way. */
  async function recover(): Promise<void> {
    const due = unheard.findIndex((at) => at <= performance.now());
    if (due < 0 || running > 0) return;
    running++;
    try {
      const released = await releaseUnheard(pool, session.id(), [...inFlight]);
      unheard.splice(due, 1);
      if (released > 0) logger.warn({ released }, 'claims whose answer was lost were given back');
    } catch (error) {
      logger.warn({ err: messageOf(error) }, 'lost claims could not be looked at');
      unheard.splice(due, 1);
      expectUnheard(1_000);
    } finally {
      running--;
    }
  }

  async function turn(): Promise<void> {
    if (unheard.length > 0) await recover();
    if (results.length + claims.length + ends.length === 0) return;
    const { month } = results[0]?.result ?? claims[0]?.claim ?? ends[0]!.end;
    const mine = {
      results: takeResults(month),
      claims: takeClaims(claims, month, MAX_ROWS),
      // After the results are taken: what of them stays behind keeps its batch back.
      ends: takeEnds(month),
    };
    // Ends that wait for a running turn; it goes on with them.
    if (mine.results.length + mine.claims.length + mine.ends.length === 0) return;
    for (const { batch } of mine.results) saying.set(batch, (saying.get(batch) ?? 0) + 1);
    running++;
    try {
      await say(mine);
    } catch (error) {
      logger.warn(
        { results: mine.results.length, claims: mine.claims.length, err: messageOf(error) },
        'a turn failed',
      );
      if (mine.claims.length > 0) for (const ms of UNHEARD_MS) expectUnheard(ms);
      if (isTransient(error)) giveUp(mine, error);
      else await sayApart(mine);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    } finally {
      running--;
      for (const { batch } of mine.results) {
        const left = saying.get(batch)! - 1;
        if (left > 0) saying.set(batch, left);
        else saying.delete(batch);
      }
    }
    if (results.length + claims.length + ends.length > 0 || unheard.some((at) => at <= performance.now()))
      schedule();
  }

  async function say(turn: Turn): Promise<void> {
    if (turn.results.length > 0) mark('result:before-commit');
    const { claimed: rows, taken } = await takeTurn(
      pool,
      session.id(),
      turn.results.map((r) => r.result),
      turn.claims.map((c) => c.claim),
      turn.ends.map(({ end }) => (end.whole && doubtful.has(end.batch) ? { ...end, whole: false } : end)),
      clock.nowMs(),
    );
    if (turn.results.length > 0) mark('result:committed');
    if (turn.ends.length > 0) mark('batch:ended');
    if (rows.length > 0) mark('claim:committed');
    if (!taken) for (const { batch } of turn.results) doubtful.add(batch);
    for (const { end } of turn.ends) doubtful.delete(end.batch);
    const byBatch = Map.groupBy(rows, (row) => row.batch);
    for (const { result, waiter } of turn.results) {
      inFlight.delete(result.delivery);
      waiter.resolve();
    }
    for (const row of rows) if (row.verdict === 'send') inFlight.add(row.id);
    for (const { claim, waiter } of turn.claims) waiter.resolve(byBatch.get(claim.batch) ?? []);
    for (const { waiter } of turn.ends) waiter.resolve();
  }

  /**
   * Results are facts that exist nowhere else: they are said again until they are heard. Whether the failed statement had committed
   * does not matter, since a result fits its row only once. Claims are given up, and what they may have taken is given back.
   */
  function giveUp(turn: Turn, error: unknown): void {
    results.unshift(...turn.results);
    for (const { waiter } of turn.claims) waiter.reject(error);
    for (const { waiter } of turn.ends) waiter.reject(error);
  }

  /** A turn that the ledger refused: what is at fault must keep back nothing beside it. Results first, then job by job. */
  async function sayApart(turn: Turn): Promise<void> {
    await sayResults(turn.results);
    for (const claim of turn.claims) await sayOne({ results: [], claims: [claim], ends: [] });
    for (const end of turn.ends) await sayOne({ results: [], claims: [], ends: [end] });
  }

  async function sayOne(turn: Turn): Promise<void> {
    await say(turn).catch((error: unknown) => {
      if (turn.claims.length > 0) for (const ms of UNHEARD_MS) expectUnheard(ms);
      giveUp(turn, error);
    });
  }

  /** All of them, else each job's, else each. */
  async function sayResults(said: readonly Said[]): Promise<void> {
    if (said.length === 0) return;
    const months = Map.groupBy(said, ({ result }) => result.month);
    if (months.size > 1) {
      for (const some of months.values()) await sayResults(some);
      return;
    }
    try {
      await say({ results: said, claims: [], ends: [] });
    } catch (error) {
      if (isTransient(error)) results.unshift(...said);
      else if (said.length === 1) refused(said[0]!, error);
      else {
        const jobs = [...Map.groupBy(said, (r) => r.batch).values()];
        for (const piece of jobs.length > 1 ? jobs : said.map((one) => [one])) await sayResults(piece);
      }
    }
  }

  /**
   * A result that is refused alone. Where the row itself is at fault it is given up: the row stays this session's, so that nobody calls it
   * before the session ends, and then it is one whose end nobody knows. Anything else may pass, and it is said again, apart from others.
   */
  function refused(one: Said, error: unknown): void {
    doubtful.add(one.batch);
    const ids = { batch: one.batch, delivery: one.result.delivery, err: safeMessage(error) };
    if (ROW_AT_FAULT.test(String((error as { code?: unknown }).code))) {
      logger.error(ids, 'the ledger refuses a result; its delivery stays in flight until this session ends');
      one.waiter.reject(error);
      return;
    }
    logger.error(ids, 'the ledger refuses a result; it is said again');
    suspects.push(one);
    if (suspects.length === 1)
      setTimeout(() => void sayResults(suspects.splice(0)).then(schedule), SUSPECTS_MS).unref();
  }

  /**
   * A batch is counted when its results are written, or in the statement that writes the last of them. Counted beside a turn that is still
   * saying one, it would find that row under way and stay open until the reconciler looks, ten seconds later.
   */
  function takeEnds(month: string): Ended[] {
    const unsaid = new Set(results.map(({ batch }) => batch));
    const mine: Ended[] = [];
    ends = ends.filter((item) => {
      const { batch } = item.end;
      const ready =
        item.end.month === month && !saying.has(batch) && !unsaid.has(batch) && mine.length < MAX_ROWS;
      if (ready) mine.push(item);
      return !ready;
    });
    return mine;
  }

  /** Of one month, which nearly always are all of them. */
  function takeResults(month: string): Said[] {
    const other = results.findIndex(({ result }) => result.month !== month);
    return results.splice(0, Math.min(MAX_ROWS, other < 0 ? results.length : other));
  }

  return {
    finish: (batch, result) =>
      new Promise((resolve, reject) => {
        results.push({ batch, result, waiter: { resolve, reject } });
        schedule();
      }),
    claim: (claim) =>
      new Promise((resolve, reject) => {
        claims.push({ claim, waiter: { resolve, reject } });
        schedule();
      }),
    end: (end) =>
      new Promise((resolve, reject) => {
        ends.push({ end, waiter: { resolve, reject } });
        schedule();
      }),
  };
}
