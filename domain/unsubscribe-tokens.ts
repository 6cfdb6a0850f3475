/**
 * What a mail's link to stop mails of its kind shows: the delivery and a MAC over it. It opens nothing else, holds nothing about the person, and
 * whoever was given the mail may use it; keyed by the index key with a purpose of its own (domain/sealing.ts).
 */
import { timingSafeEqual } from 'node:crypto';
import { type DeliveryId, shortId } from './ids.ts';
import type { Sealer } from './sealing.ts';

type Keyed = Pick<Sealer, 'index'>;

const BYTES = 16;
const TOKEN = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{22})$/;

const macOf = (sealer: Keyed, delivery: string) => sealer.index('unsubscribe', delivery).subarray(0, BYTES);

/** 45 characters that need no escaping in an address. */
export function unsubscribeToken(sealer: Keyed, delivery: DeliveryId): string {
  return `${shortId(delivery)}.${macOf(sealer, delivery).toString('base64url')}`;
}

/** null where it is not one of ours. */
export function readUnsubscribeToken(sealer: Keyed, token: string): DeliveryId | null {
  const [, short, given = ''] = TOKEN.exec(token) ?? [];
  if (short === undefined) return null;
  const hex = Buffer.from(short, 'base64url').toString('hex');
  const id = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
    '-',
  );
  return timingSafeEqual(macOf(sealer, id), Buffer.from(given, 'base64url')) ? (id as DeliveryId) : null;
}
