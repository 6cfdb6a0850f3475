/** Sets of values as closed spans in ascending order, none of which touch: what a leaf lets through of all the values there can be. */
export type Span = readonly [low: number, high: number];
export type Spans = readonly Span[];

export const ALL: Spans = [[Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]];
export const NOTHING: Spans = [];

/** `step` is the least distance of two values: 1 for what is counted, 0 for numbers with fractions. */
export function joined(spans: Spans, step: number): Spans {
  const sorted = spans.filter(([low, high]) => low <= high).toSorted((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = out.at(-1);
    if (last !== undefined && low <= last[1] + step) last[1] = Math.max(last[1], high);
    else out.push([low, high]);
  }
  return out;
}

export function shared(a: Spans, b: Spans): Spans {
  return joined(
    a.flatMap(([low, high]) => b.map(([from, to]): Span => [Math.max(low, from), Math.min(high, to)])),
    0,
  );
}

/** What is in `of` and not in `a`. */
export function without(of: Spans, a: Spans, step: number): Spans {
  let rest = of;
  for (const [low, high] of a)
    rest = shared(rest, [
      [Number.NEGATIVE_INFINITY, before(low, step)],
      [after(high, step), Number.POSITIVE_INFINITY],
    ]);
  return rest;
}

export function within(a: Spans, b: Spans, step: number): boolean {
  return without(a, b, step).length === 0;
}

export const isNone = (spans: Spans): boolean => spans.length === 0;

export function sameSpans(a: Spans, b: Spans): boolean {
  return a.length === b.length && a.every(([low, high], at) => low === b[at]![0] && high === b[at]![1]);
}

/** The next value above. */
export function after(value: number, step: number): number {
  if (step > 0) return value + step;
  if (!Number.isFinite(value)) return value;
  const bits = new BigInt64Array(1);
  const number = new Float64Array(bits.buffer);
  number[0] = value === 0 ? 0 : value;
  bits[0] = bits[0]! + (value >= 0 ? 1n : -1n);
  return number[0]!;
}

export function before(value: number, step: number): number {
  return -after(-value, step);
}
