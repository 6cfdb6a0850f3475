/**
 * Counts as people without the right to small ones see them. Under ten is `<10`, nobody included. Where one count could be had by taking others
 * from a total that is shown, it is hidden too: cells that make up a whole are hidden until what is hidden comes to ten people in two cells, and
 * what two rules share and what they do not is rounded where any of it is small.
 */
import { REACH_BITS } from '../../rules/population/reachable.ts';
import type { WholeSet } from '../../rules/run/asking.ts';
import { SINGLED_OUT } from '../../rules/run/sketch.ts';

/** A number, `<10`, `hidden`, or, rounded to hundreds, `<100` or `≈` and a number. */
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

/** Of a count that may not be told as it is: about how many. */
export function shownAbout(count: number): Shown {
  if (count < SINGLED_OUT) return SMALL;
  return count < ROUNDED_TO ? `<${ROUNDED_TO}` : `≈${Math.round(count / ROUNDED_TO) * ROUNDED_TO}`;
}

/** Whether parts of a whole that is known have to be rounded: where one is small, it is what the others leave of it. */
export const mustRound = (parts: Readonly<Record<string, number>>): boolean =>
  Object.values(parts).some((count) => count < SINGLED_OUT);

/** Parts that make up a whole that is known; all of them are rounded, or none. */
export function shownPartition<Name extends string>(
  parts: Readonly<Record<Name, number>>,
  exact: boolean,
): Readonly<Record<Name, Shown>> {
  const round = !exact && mustRound(parts);
  const shown = Object.entries<number>(parts).map(([name, count]) => [
    name,
    round ? shownAbout(count) : shownCount(count, exact),
  ]);
  return Object.fromEntries(shown) as Record<Name, Shown>;
}
