/**
 * How many deliveries of one channel and lane may lie in the queue: five seconds of what the workers have been working off, so that a
 * stop, a cancellation or an expiry meets most of it unsent, and a lost queue loses little time. The pace is measured in the ledger,
 * so it is that of all workers and every dispatcher sees the same.
 */
const MOST = 20_000;
/** Enough to keep the slots of several workers full until the next look, whatever the pace was before. */
const LEAST = 1_000;
const SECONDS = 5;
/** Batches end in steps of a hundred; over less than this a pace is chance. */
const MEASURE_MS = 250;

export interface Window {
  size(): number;
  /** After each round: deliveries worked off, ever, and open now. `nowMs` by a monotonic clock. */
  note(workedOff: number, open: number, nowMs: number): void;
}

/** `perSecond` is the channel's limit where a person set one. */
export function createWindow(perSecond: number | null): Window {
  let last: { readonly workedOff: number; readonly atMs: number } | undefined;
  let pace = 0;
  return {
    size() {
      const permitted = perSecond === null ? pace : Math.min(pace, perSecond);
      const least = perSecond === null ? LEAST : Math.min(LEAST, Math.max(100, SECONDS * perSecond));
      return Math.round(Math.min(MOST, Math.max(least, SECONDS * permitted)));
    },
    note(workedOff, open, nowMs) {
      // What is idle says nothing about how fast the workers are.
      if (open === 0) {
        last = undefined;
        return;
      }
      last ??= { workedOff, atMs: nowMs };
      const ms = nowMs - last.atMs;
      if (ms < MEASURE_MS) return;
      const measured = Math.max(0, ((workedOff - last.workedOff) / ms) * 1_000);
      // Up at once, down slowly: a pause of the providers must not starve the workers when it ends.
      pace = measured > pace ? measured : pace + (measured - pace) * 0.2;
      last = { workedOff, atMs: nowMs };
    },
  };
}
