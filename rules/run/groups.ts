/**
 * How an audience is broken down: region, age band, sex, and the channels that lead to people. A dimension turns a column's code into one of
 * its cells; the fields are those of the catalogue that carry these names, and one that is not there is left out.
 * Hot: some 10 ns a citizen for all of them, of those who are in the set or of those who are not (everybody.ts).
 */
import { ageOn } from '../calendar.ts';
import type { ScalarField } from '../catalogue.ts';
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS, type Column } from '../population/columns.ts';
import type { Population } from '../population/population.ts';
import { REACHES } from '../population/reachable.ts';
import { emptySketch, type Sketch } from './sketch.ts';

const BAND_YEARS = 10;
const BANDS = 10;
/** What stands for texts that came up only after the question was taken. */
const LATE = '…';

export type Dimension = {
  readonly name: string;
  readonly column: Column;
  /** By cell; the first is the missing one. */
  readonly cells: readonly string[];
  /** Cell by code where they are not the same. */
  readonly cellOf: Uint8Array | null;
};

export function dimensionsOf(population: Population, asOf: number): readonly Dimension[] {
  const dimensions: Dimension[] = [];
  for (const name of ['sido', 'sigungu', 'sex']) {
    const field = population.layout.fields.get(name);
    if (field === undefined || (field.type !== 'enum' && field.type !== 'string')) continue;
    const column = population.column(field);
    dimensions.push({ name, column, cells: ['', ...column.texts, LATE], cellOf: null });
  }
  const birth = population.layout.fields.get('birthDate');
  if (birth?.type === 'date')
    dimensions.push({ name: 'ageBand', ...bandsOf(population.column(birth as ScalarField), asOf) });
  return dimensions;
}

/** Full years as of the day, by tens; who is not born yet counts with the youngest. */
function bandsOf(column: Column, asOf: number): Omit<Dimension, 'name'> {
  const cellOf = new Uint8Array(column.maxCode + 1);
  for (let code = 1; code <= column.maxCode; ) {
    const band = bandOf(column.numberOf(code), asOf);
    let [low, high] = [code, column.maxCode];
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (bandOf(column.numberOf(middle), asOf) === band) low = middle;
      else high = middle - 1;
    }
    cellOf.fill(band + 1, code, low + 1);
    code = low + 1;
  }
  const cells = Array.from({ length: BANDS }, (_, band) =>
    band === BANDS - 1
      ? `${band * BAND_YEARS}+`
      : `${band * BAND_YEARS}-${band * BAND_YEARS + BAND_YEARS - 1}`,
  );
  return { column, cells: ['', ...cells], cellOf };
}

function bandOf(birth: number, asOf: number): number {
  return Math.min(BANDS - 1, Math.floor(Math.max(0, ageOn(birth, asOf)) / BAND_YEARS));
}

export function cellAt({ column, cells, cellOf }: Dimension, slot: number): string | null {
  const code = column.raw(slot);
  return cells[cellOf === null ? Math.min(code, cells.length - 1) : cellOf[code]!] || null;
}

/** Of one block and one set of it. `cells` by dimension and cell, in the order of `dimensionsOf`. */
export type BlockTally = {
  readonly count: number;
  readonly cells: readonly Uint16Array[];
  readonly reaches: Uint16Array;
  readonly sketch: Sketch;
  /** Slots with the smallest marks, for a sample: the same ones whenever it is asked for. */
  readonly lowest: readonly number[];
};

/** Counts the citizens of a plane; null where there are none. `keep`: how many of them may be wanted for a sample. */
export function tally(
  population: Population,
  dimensions: readonly Dimension[],
  block: number,
  plane: Uint32Array,
  keep = 0,
): BlockTally | null {
  const count = slotsOf(plane);
  if (count === 0) return null;
  const sketch = emptySketch();
  const lowest = sketched(population.marks.known(block, scratch.subarray(0, count)), count, sketch, keep);
  const reaches = new Uint16Array(REACHES);
  countReaches(population.reachable.block(block), count, reaches);
  const cells = dimensions.map(({ column, cells: names, cellOf }) => {
    const counts = new Uint16Array(names.length);
    column.codes.countInto(block, scratch, count, cellOf, counts);
    return counts;
  });
  return { count, cells, reaches, sketch, lowest: lowest.map((at) => (block << BLOCK_BITS) + at) };
}

// Loops of their own, so that each is compiled for the arrays that it meets: a nanosecond or two a citizen.

/** Returns the places of the `keep` smallest marks. */
function sketched(marks: Uint32Array, count: number, sketch: Sketch, keep: number): readonly number[] {
  const lowest = new Lowest(keep);
  for (let i = 0; i < count; i++) {
    const mark = marks[scratch[i]!]!;
    sketch[mark >>> 24]! ^= mark;
    if (mark < lowest.below) lowest.take(mark, scratch[i]!);
  }
  return lowest.places;
}

function countReaches(reaches: Uint8Array, count: number, counts: Uint16Array): void {
  for (let i = 0; i < count; i++) counts[reaches[scratch[i]!]!]!++;
}

/** The few smallest of what is offered, in order. */
class Lowest {
  private readonly marks: number[] = [];
  readonly places: number[] = [];
  private readonly keep: number;
  /** Only below it there is a place: nearly every mark is one comparison. */
  below: number;

  constructor(keep: number) {
    this.keep = keep;
    this.below = keep > 0 ? Number.POSITIVE_INFINITY : 0;
  }

  take(mark: number, place: number): void {
    const { marks, places, keep } = this;
    let at = marks.length;
    while (at > 0 && marks[at - 1]! > mark) at--;
    marks.splice(at, 0, mark);
    places.splice(at, 0, place);
    if (marks.length > keep) {
      marks.pop();
      places.pop();
    }
    if (marks.length === keep) this.below = marks[keep - 1]!;
  }
}

const scratch = new Uint16Array(BLOCK_SLOTS);

/** Puts the places of a plane into `scratch`; how many. */
function slotsOf(plane: Uint32Array): number {
  let count = 0;
  for (let w = 0; w < BLOCK_WORDS; w++)
    for (let word = plane[w]!; word !== 0; word &= word - 1)
      scratch[count++] = w * 32 + 31 - Math.clz32(word & -word);
  return count;
}
