/**
 * How fast each agency's events about persons come, as this process sees it. One that sends faster than `PAIRS_A_SECOND` for longer than it
 * takes to send `URGENT_PAIRS` more than that leaves the urgent lane with all it has, and is back within seconds of slowing down. What
 * stands unplanned says nothing of a flood that is planned as fast as it is taken in: it would fill the urgent lane for as long as it lasts.
 * Nothing but a lane depends on it, so each dispatcher judges for itself, and a restart forgets.
 */

/** Sustained; a ministry's daily business stays far below it. */
export const PAIRS_A_SECOND = 200;
/**
 * While an agency has fewer unplanned pairs than this, and sent no more than this beyond its pace, its targeted events travel in the urgent
 * lane; the rest in the other, where they are as fast while nobody else is there (docs/adr/0017).
 */
export const URGENT_PAIRS = 500;

export type AgencyPace = {
  /** Notes pairs that are taken in and returns whether their agency flooded before them. */
  floods(agency: string, pairs: number, nowMs: number): boolean;
};

export function createAgencyPace(): AgencyPace {
  /** Pairs beyond the pace, as of `atMs`. */
  const beyond = new Map<string, { readonly pairs: number; readonly atMs: number }>();
  return {
    floods(agency, pairs, nowMs) {
      const last = beyond.get(agency);
      const passedMs = last === undefined ? 0 : Math.max(0, nowMs - last.atMs);
      const left = Math.max(0, (last?.pairs ?? 0) - (passedMs * PAIRS_A_SECOND) / 1_000);
      // Bounded, so that the longest flood is forgotten as soon as a short one.
      beyond.set(agency, { pairs: Math.min(left + pairs, URGENT_PAIRS * 2), atMs: nowMs });
      return left >= URGENT_PAIRS;
    },
  };
}
