/**
 * The life of a delivery: one transition table, drawn in docs/sending.md and held by a test. Nothing else decides what may follow what.
 * `waiting` has a row in `waiting` that says until when; `ambiguous` means a call was under way and nobody knows how it ended.
 */
export const DELIVERY_STATUSES = [
  'planned',
  'waiting',
  'sending',
  'sent',
  'delivered',
  'suppressed',
  'expired',
  'cancelled',
  'failed-permanent',
  'failed-temporary',
  'failed-technical',
  'ambiguous',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

export const DELIVERY_TRANSITIONS: Readonly<Record<DeliveryStatus, readonly DeliveryStatus[]>> = {
  // Delivered or ambiguous only where a call was made whose end nobody knew: a receipt came before the next one, or it expired before it.
  planned: ['sending', 'waiting', 'suppressed', 'expired', 'cancelled', 'delivered', 'ambiguous'],
  waiting: [
    'planned',
    'expired',
    'cancelled',
    'suppressed',
    'failed-temporary',
    'failed-technical',
    'delivered',
    'ambiguous',
  ],
  // Back to planned only where the claim's answer was lost, so that no call was made.
  sending: [
    'planned',
    'sent',
    'delivered',
    'waiting',
    'failed-permanent',
    'failed-temporary',
    'failed-technical',
    'ambiguous',
  ],
  ambiguous: [
    'waiting',
    'sent',
    'delivered',
    'failed-permanent',
    'failed-temporary',
    'failed-technical',
    'expired',
    'cancelled',
  ],
  sent: ['delivered', 'failed-permanent', 'failed-temporary'],
  delivered: [],
  suppressed: [],
  expired: [],
  cancelled: [],
  'failed-permanent': [],
  // Put back by a person, and by nobody else (store/dead-letters.ts).
  'failed-temporary': ['waiting'],
  'failed-technical': ['waiting'],
};

export function mayFollow(from: DeliveryStatus, to: DeliveryStatus): boolean {
  return DELIVERY_TRANSITIONS[from].includes(to);
}

export const CHANNELS = ['push', 'email', 'sms'] as const;
export type Channel = (typeof CHANNELS)[number];

export const LANES = ['urgent', 'bulk'] as const;
export type Lane = (typeof LANES)[number];

export const CATEGORIES = ['emergency', 'statutory', 'service', 'information'] as const;
export type Category = (typeof CATEGORIES)[number];
