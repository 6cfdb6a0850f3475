/**
 * Wrong credentials by address, looked at before a credential is looked up: whoever guesses costs no query any more once they have been
 * wrong too often. Per process, in windows of a minute, for as many addresses as fit; an attacker with more of them is the proxy's to stop.
 */
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';

const WINDOW_MS = 60_000;
const ADDRESSES = 20_000;

export interface Failures {
  /** Seconds until the address may try again, where it was wrong too often. */
  waitSeconds(address: string): number | null;
  /**
   * Counts a try as wrong until it is told to have been right, so that tries under way at the same time count as well.
   * The result takes it back.
   */
  begin(address: string): () => void;
}

type Window = { count: number; readonly endsAt: number };

/** `windowMs`: a minute unless told; then `most` is how many within it. */
export function createFailures(
  most: number,
  now: () => number = () => performance.now(),
  windowMs: number = WINDOW_MS,
): Failures {
  const windows = new LRUCache<string, Window>({ max: ADDRESSES });

  function windowOf(address: string): Window {
    const key = networkOf(address);
    const known = windows.get(key);
    if (known !== undefined && known.endsAt > now()) return known;
    const fresh: Window = { count: 0, endsAt: now() + windowMs };
    windows.set(key, fresh);
    return fresh;
  }

  return {
    waitSeconds(address) {
      const window = windows.get(networkOf(address));
      if (window === undefined || window.count < most || window.endsAt <= now()) return null;
      return Math.ceil((window.endsAt - now()) / 1_000);
    },
    begin(address) {
      const window = windowOf(address);
      window.count++;
      return () => {
        window.count--;
      };
    },
  };
}

/** An IPv6 customer has a /64 and can use every address of it (RFC 6177), so it counts as one. */
function networkOf(address: string): string {
  if (!isIPv6(address) || /^::ffff:\d+\./i.test(address)) return address.replace(/^::ffff:/i, '');
  const [head = '', tail = ''] = address.split('%', 1)[0]!.split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === '' ? [] : tail.split(':');
  const all = address.includes('::')
    ? [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
    : first;
  return all
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':');
}
