/**
 * Counts as people without the right to small ones see them. Under ten is `<10`, nobody included. Where one count could be had by taking others
 * from a total that is shown, it is hidden too: cells that make up a whole are hidden until what is hidden comes to ten people in two cells, and
 * of two sets that share one, the common part is rounded where the rest is small.
 */
import { REACH_BITS } from '../../rules/population/reachable.ts';
import type { WholeSet } from '../../rules/run/asking.ts';
import { SINGLED_OUT } from '../../rules/run/sketch.ts';

/** A number, `<10`, `hidden`, or `≈` and a number rounded to hundreds. */
export type Shown = number | string;
export type ShownCells = Readonly<Record<string, Shown>>;

export const SMALL = `<${SINGLED_OUT}`;
export const HIDDEN = 'hidden';
const ROUNDED_TO = 100;

export function shownCount(count: number, exact: boolean): Shown {
  return exact || count >= SINGLED_OUT ? count : SMALL;
}

/** Cells that make up a whole whose size is shown. */
export function shownParts(cells: Readonly<Record<string, number>>, exact: boolean): ShownCells {
  if (exact) return cells;
  const shown = new Map<string, Shown>(
    Object.entries(cells).map(([name, count]) => [name, shownCount(count, false)]),
  );
  const bySize = Object.entries(cells).toSorted(([, a], [, b]) => a - b);
  // Empty cells hide nobody: with a single small one beside them, that one is what is left of the total.
  const small = bySize.filter(([, count]) => count > 0 && count < SINGLED_OUT);
  let hidden = small.reduce((sum, [, count]) => sum + count, 0);
  let cellsHidden = small.length;
  for (const [name, count] of bySize) {
    if (cellsHidden === 0 || (cellsHidden >= 2 && hidden >= SINGLED_OUT)) break;
    if (count < SINGLED_OUT) continue;
    shown.set(name, HIDDEN);
    hidden += count;
    cellsHidden++;
  }
  return Object.fromEntries(Object.keys(cells).map((name) => [name, shown.get(name)!]));
}

/** Districts make up their region: where that is not shown, neither are they. The first two digits of a district are its region. */
export function shownDistricts(
  cells: Readonly<Record<string, number>>,
  regions: ShownCells,
  exact: boolean,
): ShownCells {
  if (exact) return cells;
  const byRegion = Map.groupBy(Object.entries(cells), ([name]) => name.slice(0, 2));
  return Object.fromEntries(
    [...byRegion].flatMap(([region, own]) => {
      const shown = shownParts(Object.fromEntries(own), false);
      return typeof regions[region] === 'number' || regions[region] === undefined
        ? Object.entries(shown)
        : own.map(([name, count]): [string, Shown] => [name, count < SINGLED_OUT ? SMALL : HIDDEN]);
    }),
  );
}

/** Cells that may overlap, of a whole of `total`: neither those in one nor those outside it may be few. */
export function shownShares(
  cells: Readonly<Record<string, number>>,
  total: number,
  exact: boolean,
): ShownCells {
  return Object.fromEntries(
    Object.entries(cells).map(([name, count]) => {
      const outside = total - count;
      const few = outside > 0 && outside < SINGLED_OUT;
      return [name, !exact && few && count >= SINGLED_OUT ? HIDDEN : shownCount(count, exact)];
    }),
  );
}

/** Citizens with a usable contact point on each channel, and with none at all. */
export function channelCounts({ reaches }: WholeSet): Readonly<Record<string, number>> | null {
  if (reaches === null) return null;
  const counts = Object.entries(REACH_BITS).map(([channel, bit]): [string, number] => [
    channel,
    reaches.reduce((sum, n, bits) => sum + ((bits & bit) === 0 ? 0 : n), 0),
  ]);
  return { ...Object.fromEntries(counts), none: reaches[0]! };
}

/** What two sets share, and what each has alone. */
export function shownPair(
  { both, first, second }: { readonly both: number; readonly first: number; readonly second: number },
  exact: boolean,
): { readonly both: Shown; readonly first: Shown; readonly second: Shown } {
  const few = [first, second].some((count) => count < SINGLED_OUT);
  return {
    both:
      !exact && few && both >= SINGLED_OUT
        ? `≈${Math.round(both / ROUNDED_TO) * ROUNDED_TO}`
        : shownCount(both, exact),
    first: shownCount(first, exact),
    second: shownCount(second, exact),
  };
}
