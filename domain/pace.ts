/**
 * How fast time-outs, back-offs and looks go: one factor over all of them, so that a fault of minutes can be tried in seconds with the
 * proportions that production has. 1 but where app/trial-conditions.ts set it, before any module that asks was loaded.
 */
let factor = 1;

/** Once, first thing in a process; modules keep what they asked for. `to` is in (0, 1]. */
export function setPace(to: number): void {
  if (!(to > 0 && to <= 1)) throw new RangeError(`a pace is above 0 and at most 1, not ${to}`);
  factor = to;
}

/** `ms` at the pace of this process, and never below `least`: what a loaded machine needs however fast time is meant to go. */
export function paced(ms: number, least = 1): number {
  return Math.max(Math.min(least, ms), Math.round(ms * factor));
}
