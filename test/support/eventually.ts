import { setTimeout as delay } from 'node:timers/promises';

/**
 * Tries `check` until it stops throwing (or, where it returns a boolean, until that is true) and gives its value back.
 * The last error is the one the test sees.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      const value = await check();
      if (value !== false) return value;
      if (performance.now() > deadline) throw new Error(`still false after ${timeoutMs} ms`);
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(options.everyMs ?? 10);
  }
}
