/**
 * What makes a receipt authentic where its bearer has no account with us: a MAC that travels with the delivery, so that only whoever got the
 * delivery can speak of it. Keyed by the index key with a purpose of its own (domain/sealing.ts), so that no token is good for another use.
 */
import { timingSafeEqual } from 'node:crypto';
import type { DeliveryId } from './ids.ts';
import type { Sealer } from './sealing.ts';

export type Spoken = { readonly delivery: DeliveryId; readonly attempt: number };

export interface ReceiptTokens {
  /** Travels inside the encrypted push message: `<attempt>.<22 base64url characters>`. */
  push(delivery: DeliveryId, attempt: number): string;
  /** The attempt where `token` is good for this delivery, else null. */
  readPush(delivery: DeliveryId, token: string): number | null;
  /** Local part of an envelope sender: at most 64 characters, in lower case, because mail systems fold it. */
  bounce(delivery: DeliveryId, attempt: number): string;
  /** What such a local part speaks of; null where it is not one of ours. */
  readBounce(localPart: string): Spoken | null;
}

type Keyed = Pick<Sealer, 'index'>;

const PUSH_BYTES = 16;
/** 64 bits: guessed over HTTP by nobody, and the local part stays within 64 characters (RFC 5321 §4.5.3.1.1). */
const BOUNCE_BYTES = 8;
const PUSH = /^(\d{1,5})\.([A-Za-z0-9_-]{22})$/;
const BOUNCE = /^bounce\+([0-9a-f]{32})\.(\d{1,5})\.([0-9a-f]{16})$/i;

export function createReceiptTokens(sealer: Keyed): ReceiptTokens {
  const mac = (purpose: string, delivery: DeliveryId, attempt: number, bytes: number) =>
    sealer.index(`receipt/${purpose}`, `${delivery}/${attempt}`).subarray(0, bytes);
  return {
    push: (delivery, attempt) =>
      `${attempt}.${mac('push/shown', delivery, attempt, PUSH_BYTES).toString('base64url')}`,
    readPush(delivery, token) {
      const [, written, given = ''] = PUSH.exec(token) ?? [];
      if (written === undefined) return null;
      const attempt = Number(written);
      const right = mac('push/shown', delivery, attempt, PUSH_BYTES);
      return timingSafeEqual(right, Buffer.from(given, 'base64url')) ? attempt : null;
    },
    bounce: (delivery, attempt) =>
      `bounce+${delivery.replaceAll('-', '')}.${attempt}.${mac('bounce', delivery, attempt, BOUNCE_BYTES).toString('hex')}`,
    readBounce(localPart) {
      const [, hex = '', written, given = ''] = BOUNCE.exec(localPart.toLowerCase()) ?? [];
      if (written === undefined) return null;
      const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
      const delivery = id.join('-') as DeliveryId;
      const attempt = Number(written);
      const right = mac('bounce', delivery, attempt, BOUNCE_BYTES);
      return timingSafeEqual(right, Buffer.from(given, 'hex')) ? { delivery, attempt } : null;
    },
  };
}
