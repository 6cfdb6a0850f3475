/** Sorts slots by id with pauses, so that a process that sorts a million goes on beating, answering and fetching. */

/** Sorted or merged between two pauses: some ten milliseconds. */
const STEP = 16_384;

/**
 * A merge sort from runs of STEP: as many comparisons as one sort over all. `slots` is used up; the result is one of two arrays of its
 * size. `pause` is called every STEP slots, and what it throws ends the sort.
 */
export async function sortSlots(
  slots: Int32Array<ArrayBuffer>,
  ids: readonly string[],
  pause: () => Promise<void>,
): Promise<Int32Array<ArrayBuffer>> {
  for (let from = 0; from < slots.length; from += STEP) {
    slots.subarray(from, from + STEP).set([...slots.subarray(from, from + STEP)].sort(byId(ids)));
    await pause();
  }
  let source: Int32Array<ArrayBuffer> = slots;
  let target: Int32Array<ArrayBuffer> = new Int32Array(slots.length);
  for (let width = STEP; width < slots.length; width *= 2) {
    for (let from = 0; from < slots.length; from += 2 * width)
      await merge(source, target, ids, from, Math.min(from + width, slots.length), from + 2 * width, pause);
    [source, target] = [target, source];
  }
  return source;
}

function byId(ids: readonly string[]): (a: number, b: number) => number {
  return (a, b) => (ids[a]! < ids[b]! ? -1 : 1);
}

/** Merges [from, middle) and [middle, end) of `source` into the same place of `target`. */
async function merge(
  source: Int32Array,
  target: Int32Array,
  ids: readonly string[],
  from: number,
  middle: number,
  end: number,
  pause: () => Promise<void>,
): Promise<void> {
  const last = Math.min(end, source.length);
  let left = from;
  let right = middle;
  for (let to = from; to < last; ) {
    const until = Math.min(last, to + STEP);
    for (; to < until; to++) {
      const takeLeft = left < middle && (right >= last || ids[source[left]!]! < ids[source[right]!]!);
      target[to] = source[takeLeft ? left++ : right++]!;
    }
    await pause();
  }
}
