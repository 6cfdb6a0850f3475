/**
 * How the words of a block (blocks.ts) are put together for one citizen: beginning with the axis that leaves the fewest of them, whose words
 * are held as a list with what stands in them, so that empty ones are never looked at.
 */
import type { Axis } from './axis.ts';
import type { Block } from './blocks.ts';

/**
 * What a citizen's place on a block's first axis leaves of it: from `starts[place]` to `starts[place + 1]` the words that are not empty, and
 * what stands in them.
 */
export type OpenWords = {
  readonly axis: number;
  readonly starts: Int32Array;
  readonly words: Int32Array;
  readonly sure: Uint32Array;
  readonly open: Uint32Array;
};

/**
 * `axes`: those that are left to put with it, by number. The axis that leaves the fewest words open comes first (`left`; null where nobody
 * asks about any field). Word w of a place is at `start + w` behind where the place begins.
 */
export type BlockAxes = {
  readonly from: number;
  readonly words: number;
  readonly axes: readonly { readonly axis: number; readonly start: number }[];
  readonly left: OpenWords | null;
  /** Whether somebody asks what is open: an entry that reaches the possible, or one that a closure confirms. */
  readonly asksOpen: boolean;
};

export function blockAxes(
  { from, words, fields }: Block,
  axes: readonly Axis[],
  starts: readonly ReadonlyMap<number, number>[],
  base: Base,
): Pick<BlockAxes, 'axes' | 'left'> {
  const of = axes.flatMap(({ field }, axis) =>
    fields.has(field) ? [{ axis, start: starts[axis]!.get(from)! - from }] : [],
  );
  const block = { from, words, ...base };
  let best: { at: number; share: number } | undefined;
  for (const [at, { axis, start }] of of.entries()) {
    let open = 0;
    const places = eachOpen(axes[axis]!, start, block, () => open++);
    if (best === undefined || open / places < best.share) best = { at, share: open / places };
  }
  if (best === undefined) return { axes: [], left: null };
  const { axis, start } = of[best.at]!;
  return { axes: of.toSpliced(best.at, 1), left: openWords(axes[axis]!, axis, start, block) };
}

type Base = { readonly baseSure: Uint32Array; readonly baseOpen: Uint32Array };
type BlockBase = Base & { readonly from: number; readonly words: number };

/** Tells of each word that some place leaves open, place by place; how many places there are. Whoever is sure is open too. */
function eachOpen(
  { data, width }: Axis,
  start: number,
  { from, words, baseSure, baseOpen }: BlockBase,
  tell: (place: number, word: number, sure: number, open: number) => void,
): number {
  const places = data.length / (2 * width);
  for (let place = 0; place < places; place++) {
    const row = place * 2 * width + start;
    for (let w = from; w < from + words; w++) {
      const open = baseOpen[w]! & data[row + width + w]!;
      if (open !== 0) tell(place, w, baseSure[w]! & data[row + w]!, open);
    }
  }
  return places;
}

function openWords(of: Axis, axis: number, start: number, block: BlockBase): OpenWords {
  const [words, sure, open]: [number[], number[], number[]] = [[], [], []];
  const ends: number[] = [];
  const places = eachOpen(of, start, block, (place, word, isSure, isOpen) => {
    words.push(word);
    sure.push(isSure);
    open.push(isOpen);
    ends[place] = words.length;
  });
  const starts = new Int32Array(places + 1);
  for (let place = 0; place < places; place++) starts[place + 1] = ends[place] ?? starts[place]!;
  return {
    axis,
    starts,
    words: Int32Array.from(words),
    sure: Uint32Array.from(sure, (bits) => bits >>> 0),
    open: Uint32Array.from(open, (bits) => bits >>> 0),
  };
}
