/**
 * Applies receipts to deliveries: each once, by the transition table, whenever it can be. One that comes before the result it speaks of, or
 * speaks of something that nobody knows, waits and is looked at ever more seldom; after three days it is `unmatched`, for a person to look at.
 * An orphan of an SMSC is evidence for a text to that number of which nobody knows whether it left: then it is not called once more.
 */
import type { Clock } from '../domain/clock.ts';
import type { DeliveryId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { Metrics } from '../domain/metrics.ts';
import { paced } from '../domain/pace.ts';
import { type Consequence, judgeReceipt } from '../domain/receipt.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import {
  applyReceipts,
  awaitedDelivered,
  type Change,
  lockReceived,
  lockUnclearText,
  markAddressesDead,
  ORPHAN_CODE,
  postponeReceipts,
  type ReceivedDelivery,
  type Settled,
  settleReceipts,
  takeReceipts,
  type WaitingReceipt,
} from '../store/receipts.ts';
import { meantBy } from '../store/sms-references.ts';

export type ReceiptsParts = {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
};

const A_RUN = 500;
const FIRST_PAUSE_MS = paced(500);
/**
 * How old a failure is before it is believed: what came before it has been looked at by then, and a "delivered" that waits for its result with
 * it, or is in the hands of another dispatcher, is heard first.
 */
const FAILURE_MS = paced(2_000);
const LONGEST_PAUSE_MS = paced(3_600_000);
const GIVEN_UP_MS = paced(3 * 86_400_000);
/** By then whatever was being written when the receipt came stands: only now may its id be read in another radix, or it is an orphan. */
const ORPHAN_MS = paced(10_000);
/** How long before its receipt an unanswered call may have been made: what SMSCs keep a text for. */
const ORPHAN_WITHIN_MS = paced(2 * 86_400_000);

type Judged = {
  readonly receipt: WaitingReceipt;
  readonly row: ReceivedDelivery | undefined;
  readonly consequence: Consequence;
};

/** What says most of a delivery is heard first: of two receipts that came together, in whatever order, the one that it arrived. */
const RANK: Readonly<Record<WaitingReceipt['verdict'], number>> = {
  delivered: 0,
  permanent: 1,
  temporary: 2,
  none: 3,
};

/** Returns the task: one round; true where more may be due. */
export function createReceipts(parts: ReceiptsParts): () => Promise<boolean> {
  const { pool, clock, logger, metrics } = parts;

  async function found(sql: Sql, taken: readonly WaitingReceipt[], nowMs: number): Promise<WaitingReceipt[]> {
    const meant = await meantBy(
      sql,
      taken.filter(
        ({ delivery, exact, receivedAt }) =>
          delivery === null && (exact || nowMs - receivedAt.getTime() >= ORPHAN_MS),
      ),
    );
    return taken.map((receipt) => ({ ...receipt, ...meant.get(receipt.id) }));
  }

  /** One receipt a delivery; the others of the same delivery follow in the next round, after what this one did. */
  function firstOfEach(receipts: readonly WaitingReceipt[]): Map<DeliveryId, WaitingReceipt> {
    const first = new Map<DeliveryId, WaitingReceipt>();
    for (const receipt of receipts) {
      if (receipt.delivery === null) continue;
      const before = first.get(receipt.delivery);
      if (before === undefined || RANK[receipt.verdict] < RANK[before.verdict])
        first.set(receipt.delivery, receipt);
    }
    return first;
  }

  async function round(sql: Sql): Promise<number> {
    const nowMs = clock.nowMs();
    const taken = await found(sql, await takeReceipts(sql, nowMs, A_RUN), nowMs);
    if (taken.length === 0) return 0;
    const first = firstOfEach(taken);
    const rows = new Map((await lockReceived(sql, [...first.keys()])).map((row) => [row.id, row]));
    // With the rows locked, so that nobody applies one of these meanwhile.
    const awaited = await awaitedDelivered(
      sql,
      [...first].filter(([, { verdict }]) => verdict !== 'delivered').map(([delivery]) => delivery),
    );
    const judged: Judged[] = taken
      // Of the others the look is due still, and the next round is at once.
      .filter((receipt) => receipt.delivery === null || first.get(receipt.delivery) === receipt)
      .map((receipt) => {
        const row = receipt.delivery === null ? undefined : rows.get(receipt.delivery);
        if (row === undefined) return { receipt, row, consequence: 'later' };
        const consequence = judgeReceipt(row, receipt);
        const early =
          receipt.verdict !== 'delivered' &&
          consequence !== 'moot' &&
          (awaited.has(row.id) || nowMs - receipt.receivedAt.getTime() < FAILURE_MS);
        return { receipt, row, consequence: early ? 'later' : consequence };
      });
    await change(sql, judged, nowMs);
    const settled: Settled[] = judged
      .filter(({ consequence }) => consequence !== 'later')
      .map(({ receipt, consequence }) => ({
        id: receipt.id,
        state: consequence === 'moot' ? 'moot' : 'applied',
        delivery: receipt.delivery,
      }));
    settled.push(...(await wait(sql, judged, nowMs)));
    await settleReceipts(sql, settled, nowMs);
    count(judged, settled);
    return taken.length;
  }

  async function change(sql: Sql, judged: readonly Judged[], nowMs: number): Promise<void> {
    const changes: Change[] = [];
    const dead: Change[] = [];
    for (const { receipt, row, consequence } of judged) {
      if (row === undefined || consequence === 'later' || consequence === 'moot') continue;
      const { addressDead } = receipt;
      const code = consequence === 'delivered' ? null : receipt.code;
      const base = { delivery: row.id, month: row.month, code, addressDead, told: true };
      if (consequence === 'address') dead.push({ ...base, status: 'failed-permanent' });
      else changes.push({ ...base, status: consequence });
    }
    await applyReceipts(sql, changes, nowMs);
    await markAddressesDead(sql, dead, nowMs);
  }

  /** What cannot be applied yet: looked at again later, given up, or taken for what it is evidence of. */
  async function wait(sql: Sql, judged: readonly Judged[], nowMs: number): Promise<Settled[]> {
    const settled: Settled[] = [];
    const postponed: { id: string; delivery: DeliveryId | null; lookAtMs: number }[] = [];
    for (const { receipt, row, consequence } of judged) {
      if (consequence !== 'later') continue;
      const ageMs = nowMs - receipt.receivedAt.getTime();
      const held = await speaksFor(sql, receipt, ageMs, nowMs);
      if (held !== null) settled.push({ id: receipt.id, state: 'evidence', delivery: held });
      else if (ageMs >= GIVEN_UP_MS)
        settled.push({ id: receipt.id, state: 'unmatched', delivery: receipt.delivery });
      else {
        // A row that is there is under way and will not be for long; of one that is not nobody knows.
        const pauseMs = row === undefined ? Math.min(LONGEST_PAUSE_MS, ageMs / 2) : 0;
        postponed.push({
          id: receipt.id,
          delivery: receipt.delivery,
          lookAtMs: nowMs + Math.max(FIRST_PAUSE_MS, Math.round(pauseMs)),
        });
      }
    }
    await postponeReceipts(sql, postponed);
    return settled;
  }

  async function speaksFor(
    sql: Sql,
    receipt: WaitingReceipt,
    ageMs: number,
    nowMs: number,
  ): Promise<DeliveryId | null> {
    const { source, delivery, addressIndex, verdict, receivedAt } = receipt;
    if (source !== 'smpp' || delivery !== null || addressIndex === null) return null;
    if (verdict !== 'delivered' || ageMs < ORPHAN_MS) return null;
    const row = await lockUnclearText(sql, addressIndex, receivedAt, ORPHAN_WITHIN_MS);
    if (row === undefined) return null;
    const told = row.status !== 'ambiguous';
    const stays = { delivery: row.id, month: row.month, status: 'ambiguous', code: ORPHAN_CODE } as const;
    await applyReceipts(sql, [{ ...stays, addressDead: false, told }], nowMs);
    logger.info({ delivery: row.id }, 'an orphan receipt speaks for a text: it is not sent once more');
    return row.id;
  }

  function count(judged: readonly Judged[], settled: readonly Settled[]): void {
    const sources = new Map(judged.map(({ receipt }) => [receipt.id, receipt.source]));
    for (const { id, state } of settled)
      metrics?.add('receipts_settled', { source: sources.get(id) ?? 'smpp', state });
    const lost = settled.filter(({ state }) => state === 'unmatched').length;
    if (lost > 0) logger.warn({ receipts: lost }, 'receipts speak of nothing of ours and were given up');
  }

  return async () => (await transaction(pool, round)) > 0;
}
