/**
 * What the SMPP binding keeps in the ledger: which delivery the SMSC means by its message id, before the outcome of the call is said, and the
 * receipts that it delivers, before they are acknowledged. So a receipt finds its delivery however soon it comes, and none is lost.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { DeliveryId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { Metrics } from '../domain/metrics.ts';
import { paced } from '../domain/pace.ts';
import type { NewReceipt } from '../domain/receipt.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { SqlPool } from '../domain/sql.ts';
import { saveReceipts } from '../store/receipts.ts';
import { type SmsReference, saveSmsReferences } from '../store/sms-references.ts';
import { createGatherer } from './gather.ts';
import type { SmppReceipt } from './providers/smpp-receipt.ts';
import type { SmsReceipts } from './providers/sms-smpp.ts';

/** A database that is away keeps the result too, so this may wait as long as a failover takes. */
const PAUSES_MS = [100, 300, 1_000, 3_000, 10_000].map(paced);

export function createSmsReceipts(parts: {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: Metrics;
}): SmsReceipts {
  const { pool, sealer, clock, logger, metrics } = parts;
  const keepReference = createGatherer<SmsReference>((references) =>
    saveSmsReferences(pool, sealer, references, clock.nowMs()),
  );
  const keepReceipt = createGatherer<NewReceipt>(async (receipts) => {
    const fresh = await saveReceipts(pool, sealer, receipts, clock.nowMs());
    metrics?.add('receipts', { source: 'smpp', outcome: 'new' }, fresh);
    metrics?.add('receipts', { source: 'smpp', outcome: 'known' }, receipts.length - fresh);
  });

  return {
    async accepted(reference, { delivery, attempt, address }) {
      const item = { reference, delivery: delivery as DeliveryId, attempt, address };
      for (const pauseMs of [...PAUSES_MS, null])
        try {
          await keepReference(item);
          return;
        } catch (error) {
          if (pauseMs === null) {
            logger.warn({ delivery, err: messageOf(error) }, 'a receipt of this text will not be recognised');
            return;
          }
          await delay(pauseMs);
        }
    },
    received: ({ reference, exact, address, state, errorCode, doneAt, words, verdict }: SmppReceipt) =>
      keepReceipt({
        source: 'smpp',
        // An SMSC may count from one again, hence the number and the time.
        key: [reference, address ?? '', state, errorCode ?? '', doneAt ?? ''].join('\u001f'),
        delivery: null,
        attempt: null,
        reference,
        exact,
        address,
        verdict,
        code: errorCode === null ? state : `${state} ${errorCode}`,
        addressDead: false,
        words,
      }),
    refused: () => metrics?.add('receipts', { source: 'smpp', outcome: 'malformed' }),
  };
}
