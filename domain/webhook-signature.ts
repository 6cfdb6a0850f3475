/**
 * Signatures of webhooks as Standard Webhooks has them (standard-webhooks specification 1.0, "symmetric"): HMAC-SHA-256 over
 * `id.timestamp.body`, one signature for each secret that is valid, so that a receiver can change over in between.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const PREFIX = 'whsec_';
/** The specification asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;
/** The specification's: a call that was recorded cannot be played later, and clocks may differ by as much. */
const TOLERANCE_S = 5 * 60;

/** `whsec_` and base64. */
export function newWebhookSecret(): string {
  return `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** The three headers; `body` is what goes over the wire, byte by byte. */
export function webhookHeaders(
  secrets: readonly string[],
  id: string,
  nowMs: number,
  body: string,
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(nowMs / 1_000));
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets
      .map((secret) => `v1,${sign(secret, id, timestamp, body).toString('base64')}`)
      .join(' '),
  };
}

function sign(secret: string, id: string, timestamp: string, body: string | Uint8Array): Buffer {
  return createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest();
}

export function isWebhookSecret(text: string): boolean {
  if (!text.startsWith(PREFIX)) return false;
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64');
  return bytes.length >= 24 && bytes.length <= 64;
}

/**
 * The call's id where one of its signatures is of `secret` over these very bytes and its time is within five minutes of `nowMs`; else null.
 * The same id twice is the same call, whenever it comes: whoever takes it keeps the id.
 */
export function verifiedWebhook(
  secret: string,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: Uint8Array,
  nowMs: number,
): string | null {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string') return null;
  if (!/^[\x21-\x7e]{1,256}$/.test(id) || !/^\d{1,12}$/.test(timestamp)) return null;
  if (Math.abs(Number(timestamp) - nowMs / 1_000) > TOLERANCE_S) return null;
  const right = sign(secret, id, timestamp, body);
  let found = false;
  for (const one of signatures.split(' ')) {
    const given = one.startsWith('v1,') ? Buffer.from(one.slice(3), 'base64') : Buffer.alloc(0);
    if (given.length === right.length && timingSafeEqual(given, right)) found = true;
  }
  return found ? id : null;
}
