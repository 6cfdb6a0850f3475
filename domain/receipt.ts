/**
 * What a provider says later of something it took, in our words, and what follows from it. Nothing here goes backwards: what was delivered
 * stays delivered, and what ended otherwise is not called back to life by a receipt.
 */
import type { DeliveryId } from './ids.ts';
import type { DeliveryStatus } from './statuses.ts';

export const RECEIPT_SOURCES = ['smpp', 'sms', 'push', 'email'] as const;
export type ReceiptSource = (typeof RECEIPT_SOURCES)[number];

/**
 * `delivered`: it reached the handset, the mailbox, the screen; `permanent`: it never will, at this address; `temporary`: the provider has given
 * up on it; `none`: it is under way, or nobody knows.
 */
export const RECEIPT_VERDICTS = ['delivered', 'permanent', 'temporary', 'none'] as const;
export type ReceiptVerdict = (typeof RECEIPT_VERDICTS)[number];

export type NewReceipt = {
  readonly source: ReceiptSource;
  /** What makes it this receipt and no other, within its source. */
  readonly key: string;
  readonly delivery: DeliveryId | null;
  /** The attempt it speaks of, where the source knows it. */
  readonly attempt: number | null;
  /** SMPP: the SMSC's own id, as it came. */
  readonly reference: string | null;
  /** SMPP: the id is written as the SMSC's answer had it; a text may have it in another radix. */
  readonly exact?: boolean;
  /** SMPP: E.164; kept as its blind index. */
  readonly address: string | null;
  readonly verdict: ReceiptVerdict;
  readonly code: string | null;
  /** With `permanent`: the address itself leads nowhere and must not be used again. */
  readonly addressDead: boolean;
  /** SMPP: the first words of the text; kept sealed. */
  readonly words: string | null;
};

/** As far as a receipt is concerned with it. */
export type Receivable = {
  readonly status: DeliveryStatus;
  readonly attempt: number;
  readonly code: string | null;
};

/**
 * `later`: the result is not committed yet; `moot`: nothing changes; `address`: the address is at fault, the delivery itself waits for its
 * next call, whose claim sees it.
 */
export type Consequence =
  | 'later'
  | 'moot'
  | 'address'
  | 'delivered'
  | 'failed-permanent'
  | 'failed-temporary';

/** Sent in a trial: nothing had left, so nobody can have a receipt. */
const SIMULATED = 'trial';

export function judgeReceipt(
  delivery: Receivable,
  receipt: Pick<NewReceipt, 'verdict' | 'attempt' | 'addressDead'>,
): Consequence {
  const { status, attempt, code } = delivery;
  const { verdict } = receipt;
  if (status === 'sending') return 'later';
  // Never called, or not by us: an authentic receipt of it cannot exist.
  if (verdict === 'none' || attempt === 0 || code === SIMULATED) return 'moot';
  const earlier = receipt.attempt !== null && receipt.attempt < attempt;
  switch (status) {
    case 'sent':
    case 'ambiguous':
      if (verdict === 'delivered') return 'delivered';
      // Put back by a person and sent again since: the receipt speaks of the attempt before.
      if (earlier) return 'moot';
      return verdict === 'permanent' ? 'failed-permanent' : 'failed-temporary';
    case 'waiting':
    case 'planned':
      // An attempt that nobody knew the end of did arrive: it is not made once more.
      if (verdict === 'delivered') return 'delivered';
      return receipt.addressDead ? 'address' : 'moot';
    default:
      return 'moot';
  }
}
