/**
 * One call to the outside world for one delivery. An adapter translates every answer through one literal table and never throws for an
 * answer it got; what it throws is a bug, and counts as technical where it had not come to `mayCall`: nothing had left.
 * No personal data is kept or logged by an adapter.
 */
import type { Repeats } from '../../domain/ambiguity.ts';
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
 * `unknown` alone is ambiguous: enough had left the process to lead to a delivery, and no answer came that says what became of it. Lost
 * before that, nothing was sent, and the outcome is `temporary`.
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
  /** What the far side makes of the same delivery sent again (domain/ambiguity.ts). */
  readonly repeats: Repeats;
  start(): Promise<void>;
  /** Waits for calls in flight. */
  stop(): Promise<void>;
  /** `mayCall` is looked at immediately before bytes leave, and not earlier; when it says no the outcome is `temporary` with code `session-lost` and nothing left. */
  send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome>;
  /**
   * Where `repeats` is `asked`: what became of an earlier call, by our reference. `absent`: it has never had it. An outcome is the delivery's,
   * as if `send` had said so; `temporary`, also: it could not be asked now.
   */
  ask?(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome | 'absent'>;
}
