/** An answer about one audience as the caller may see it. */
import type { WholeAnswer, WholeSet } from '../../rules/run/asking.ts';
import type { SampleRow, SetName } from '../../rules/run/question.ts';
import {
  channelCounts,
  HIDDEN,
  type Shown,
  type ShownCells,
  shownCount,
  shownDistricts,
  shownParts,
  shownShares,
} from './shown-counts.ts';

/** Rows that are shown. */
export const SAMPLE = 20;
/** Of fewer, a sample would be nearly all of them. */
const SAMPLED_FROM = 5 * SAMPLE;

export type ShownAudience = {
  readonly asOf: string;
  readonly certain: Shown;
  readonly possible: Shown;
  /** Dimension → set → cell; `` is where it is missing. */
  readonly breakdown: Readonly<Record<string, Readonly<Record<string, ShownCells>>>>;
  /** By set: citizens that a channel leads to, and `none`; null while that is not known. */
  readonly channels: Readonly<Record<string, ShownCells>> | null;
  /** Of the possible, by field: those for whom it decides and is missing. */
  readonly missing: ShownCells;
  readonly sample: readonly SampleRow[];
  readonly citizens: number;
  readonly offsets: readonly (number | null)[];
  readonly overlayOffsets: readonly (number | null)[];
  readonly reachAt: string | null;
  readonly partial: boolean;
};

/** What every answer says of itself. */
export function stateOf({ citizens, offsets, overlayOffsets, reachAtMs, partial }: WholeAnswer) {
  return {
    citizens,
    offsets,
    overlayOffsets,
    reachAt: reachAtMs === null ? null : new Date(reachAtMs).toISOString(),
    partial,
  };
}

export function shownAudience(answer: WholeAnswer, asOf: string, exact: boolean): ShownAudience {
  const { certain, possible } = answer.sets as Readonly<Record<'certain' | 'possible', WholeSet>>;
  const sets = Object.entries({ certain, possible });
  const bySet = (of: (set: WholeSet) => ShownCells) =>
    Object.fromEntries(sets.map(([name, set]) => [name, of(set)]));
  const dimensions = Object.keys(certain.cells).map((name) => [
    name,
    bySet(({ cells }) =>
      name === 'sigungu'
        ? shownDistricts(cells[name]!, shownParts(cells['sido'] ?? {}, exact), exact)
        : shownParts(cells[name]!, exact),
    ),
  ]);
  const reachable = sets.every(([, set]) => set.reaches !== null);
  const breakdown = Object.fromEntries(dimensions) as ShownAudience['breakdown'];
  return {
    asOf,
    certain: shownCount(certain.count, exact),
    possible: shownCount(possible.count, exact),
    breakdown,
    channels: reachable ? bySet((set) => shownShares(channelCounts(set)!, set.count, exact)) : null,
    missing: shownShares(answer.missing, possible.count, exact),
    sample: shownSample(answer, breakdown, exact),
    ...stateOf(answer),
  };
}

/**
 * In the order of pseudonyms, so that no shard is preferred. Nobody of a small set is among them, and nothing is said of anybody by which
 * they are one of few; districts are too small to stand beside age and sex.
 */
function shownSample(
  { sample, sets }: WholeAnswer,
  breakdown: ShownAudience['breakdown'],
  exact: boolean,
): SampleRow[] {
  const rows = sample.toSorted((a, b) => (a.pseudonym < b.pseudonym ? -1 : 1));
  if (exact) return rows.slice(0, SAMPLE);
  const setOf = ({ certain }: SampleRow): SetName => (certain ? 'certain' : 'possible');
  return rows
    .filter((row) => sets[setOf(row)]!.count >= SAMPLED_FROM)
    .slice(0, SAMPLE)
    .map((row) => {
      const cells = Object.entries(row.cells).filter(([name]) => name !== 'sigungu');
      const isTold = (name: string, value: string | null): boolean =>
        typeof breakdown[name]?.[setOf(row)]?.[value ?? ''] === 'number';
      return {
        ...row,
        cells: Object.fromEntries(cells.map(([name, value]) => [name, isTold(name, value) ? value : HIDDEN])),
      };
    });
}
