/**
 * One call to the outside world for one delivery. An adapter translates every answer through one literal table and never throws for an
 * answer it got; what it throws is a bug and counts as technical. No personal data is kept or logged by an adapter.
 */
import type { Content } from '../../domain/content.ts';
import type { Channel } from '../../domain/statuses.ts';

export type { Content };

export type PushSubscription = {
  readonly endpoint: string;
  readonly keys: { readonly p256dh: string; readonly auth: string };
};

export type OutgoingDelivery = {
  /** uuid of the delivery: Message-ID, Web Push Topic and tag, SMS reference are made of it. */
  readonly delivery: string;
  readonly attempt: number;
  readonly agency: string;
  /** E.164 number, mail address, or the JSON of a PushSubscription. */
  readonly address: string;
  readonly content: Content;
  readonly urgent: boolean;
  /** When it is pointless to deliver, ms since the epoch; null if never. Web Push TTL, SMPP validity period. */
  readonly expiresAtMs: number | null;
};

/**
 * `flushed` on failures: whether anything that could lead to delivery had left the process. Only `unknown` is ambiguous: the request was
 * handed over and no answer came.
 */
export type Outcome =
  | { readonly kind: 'accepted'; readonly reference: string | null }
  | { readonly kind: 'permanent'; readonly code: string }
  | { readonly kind: 'temporary'; readonly code: string; readonly retryAfterMs?: number }
  | { readonly kind: 'technical'; readonly code: string }
  | { readonly kind: 'unknown'; readonly code: string };

export interface Provider {
  readonly name: string;
  readonly channel: Channel;
  /** How many calls may be in flight; a worker never hands over more, so no call waits in a library's queue. */
  readonly window: number;
  start(): Promise<void>;
  /** Waits for calls in flight. */
  stop(): Promise<void>;
  /** `mayCall` is looked at immediately before bytes leave; when it says no the outcome is `temporary` with code `session-lost` and nothing left. */
  send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome>;
}
