/**
 * A browser's subscription as it comes from outside: an endpoint of a push service that we call, a key that is a point on P-256 and not only as
 * long as one, and a secret of 16 bytes (RFC 8291 §3.1-3.2). What is stored can be written to; where it leads is judged again at every call
 * (domain/public-endpoint.ts, workers/providers/push.ts).
 */
import { ECDH } from 'node:crypto';
import type { Fault } from '../domain/errors.ts';
import { allowedEndpoint } from '../domain/public-endpoint.ts';
import { isPushService } from '../domain/push-services.ts';

export type PushServicesAllowed = {
  readonly services: readonly string[];
  /** For tests: a push service on this machine, by http. */
  readonly allowLoopback: boolean;
};

type Given = {
  readonly endpoint?: unknown;
  readonly keys?: { readonly p256dh?: unknown; readonly auth?: unknown };
};

export type ReadSubscription = {
  readonly endpoint: string;
  /** The JSON that is sealed. */
  readonly content: string;
};

const MAX_ENDPOINT = 2_048;
const BASE64URL = /^[A-Za-z0-9_-]+=*$/;

export function readSubscription(
  given: unknown,
  { services, allowLoopback }: PushServicesAllowed,
): ReadSubscription | { readonly fault: Fault } {
  const fault = (pointer: string, message: string) => ({ fault: { pointer, message } });
  const { endpoint, keys } = (given ?? {}) as Given;
  if (typeof endpoint !== 'string' || endpoint.length > MAX_ENDPOINT)
    return fault('/endpoint', 'is no address');
  const url = allowedEndpoint(endpoint, allowLoopback);
  if (url === null || !(isPushService(url.hostname, services) || (allowLoopback && isLoopback(url))))
    return fault('/endpoint', 'is not of a push service that is used here');
  // No push service listens elsewhere, and a subscription must not pick doors for us.
  if (url.port !== '' && !isLoopback(url)) return fault('/endpoint', 'must not name a port');
  const { p256dh, auth } = keys ?? {};
  if (typeof p256dh !== 'string' || !isPoint(p256dh))
    return fault('/keys/p256dh', 'must be a point on P-256 in base64url');
  if (typeof auth !== 'string' || !BASE64URL.test(auth) || Buffer.from(auth, 'base64url').length !== 16)
    return fault('/keys/auth', 'must be 16 bytes in base64url');
  return { endpoint, content: JSON.stringify({ endpoint, keys: { p256dh, auth } }) };
}

function isLoopback(url: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

/** Uncompressed, and on the curve: a point that is not lets its maker learn our keys bit by bit (invalid curve attacks). */
export function isPoint(text: string): boolean {
  const bytes = BASE64URL.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0);
  if (bytes.length !== 65 || bytes[0] !== 4) return false;
  try {
    ECDH.convertKey(bytes, 'prime256v1');
    return true;
  } catch {
    return false;
  }
}
