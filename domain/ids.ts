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
export type CrossingId = Id<'crossing'>;
export type WebhookId = Id<'webhook'>;

/** Unit separator: cannot occur in an id we accept (control characters are refused at intake), so parts cannot run together. */
const SEPARATOR = '\u001f';

/** A deterministic id. `kind` keeps keys of different tables apart. Hot: 0.9 µs. */
export function keyId<I extends Id<string>>(kind: string, ...parts: readonly (string | number)[]): I {
  return written(hash('sha256', `${kind}${SEPARATOR}${parts.join(SEPARATOR)}`, 'hex'));
}

/** Hex digits of a placed id: of the group, then of the citizen's place in it. The other 100 bits are of the key's hash. */
const GROUP_DIGITS = 4;
const PLACE_DIGITS = 3;

let lastGroup = { key: '', digits: '' };

/**
 * As keyId over (group, citizen), and placed: ids of one group stand together and ascend with their citizens' ids, roughly. An audience
 * comes in that order, so a page writes into few leaves of an index instead of one a row (docs/adr/0011-placed-ids.md). Hot: 2 µs.
 */
export function placedId<I extends Id<string>>(
  kind: string,
  group: readonly (string | number)[],
  citizen: string,
): I {
  const key = `${kind}${SEPARATOR}${group.join(SEPARATOR)}`;
  // The rows of a page have one group.
  if (key !== lastGroup.key) lastGroup = { key, digits: hash('sha256', key, 'hex').slice(0, GROUP_DIGITS) };
  const place = `${lastGroup.digits}${placeOf(citizen)}`;
  return placed(place, hash('sha256', `${key}${SEPARATOR}${citizen}`, 'hex'));
}

/** As keyId over (beside, parts), placed where `beside` stands. */
export function besideId<I extends Id<string>>(
  kind: string,
  beside: Id<string>,
  ...parts: readonly (string | number)[]
): I {
  const key = `${kind}${SEPARATOR}${beside}${SEPARATOR}${parts.join(SEPARATOR)}`;
  return placed(beside.slice(0, GROUP_DIGITS + PLACE_DIGITS), hash('sha256', key, 'hex'));
}

function placed<I extends Id<string>>(place: string, hex: string): I {
  return written(place + hex.slice(place.length));
}

function written<I extends Id<string>>(hex: string): I {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}` as I;
}

/** What registers put before their numbers: it is the same for everybody. */
const TAG = /^[A-Za-z]{1,4}[-_.:]/;
const PLACES = 16 ** PLACE_DIGITS;

/** Hex digits that ascend with a citizen's id: its first four letters and digits as a fraction in base 36. Others count as the nearest. */
function placeOf(citizen: string): string {
  const from = TAG.exec(citizen)?.[0].length ?? 0;
  let fraction = 0;
  for (let at = 0, weight = 1 / 36; at < 4; at++, weight /= 36) {
    const code = from + at < citizen.length ? citizen.charCodeAt(from + at) : 48;
    const digit = code <= 57 ? code - 48 : (code | 32) - 87;
    fraction += Math.min(35, Math.max(0, digit)) * weight;
  }
  return Math.floor(fraction * PLACES)
    .toString(16)
    .padStart(PLACE_DIGITS, '0');
}

/** A random id, for what has no key: sessions and runs. */
export function randomId<I extends Id<string>>(): I {
  return randomUUID() as string as I;
}

/** The 22 base64url characters of a uuid: Web Push `Topic` and notification `tag` (at most 32, base64url alphabet, RFC 8030 §5.4). */
export function shortId(id: Id<string>): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}
