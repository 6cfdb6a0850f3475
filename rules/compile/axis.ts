/**
 * One field of an index over many rules: for each stretch of its values that any rule tells apart, what every rule's question about the
 * field comes to, as two bit vectors. Only the words in which some rule asks at all are held (`segments`), so a field that few ask about
 * costs little. 8 B a stretch for each 32 terms that ask.
 */
import { type Bits, FALSE, type Predicate, type PredicateField } from '../lower/predicates.ts';
import { codingOf } from '../population/columns.ts';

/** What the term at this bit asks of the field. */
export type Asked = { readonly bit: number; readonly predicate: Predicate };

export type Axis = {
  readonly field: PredicateField;
  /** Pairs of words: from, to (exclusive). Their words stand in `data` without the gaps. */
  readonly segments: Int32Array;
  readonly width: number;
  /** By place: the words of `sure`, then those of `open`. Place 0 is where the value is missing. */
  readonly data: Uint32Array;
  /** Ascending; a value stands at 1 + the last border that is not greater. The first is -Infinity. */
  readonly borders: Float64Array;
  /** Of texts: place by text; 1 for all others. */
  readonly texts: ReadonlyMap<string, number> | null;
  /** Of a field of few codes: place by code. */
  readonly places: Uint16Array | null;
};

const TABLE_CODES = 4_096;

/** Gaps of so few words are cheaper to go through than to leave out. */
const GAP = 2;

export function segmentsOf(bits: Iterable<number>): Int32Array {
  const words = [...new Set([...bits].map((bit) => bit >>> 5))].sort((a, b) => a - b);
  const segments: number[] = [];
  for (const word of words) {
    if (segments.length > 0 && word - segments.at(-1)! <= GAP) segments[segments.length - 1] = word + 1;
    else segments.push(word, word + 1);
  }
  return Int32Array.from(segments);
}

/** Where each word of the segments stands among them, by word. */
export function compactWords(segments: Int32Array): Map<number, number> {
  const places = new Map<number, number>();
  for (let s = 0; s < segments.length; s += 2)
    for (let word = segments[s]!; word < segments[s + 1]!; word++) places.set(word, places.size);
  return places;
}

export function axisOf(field: PredicateField, asked: readonly Asked[], segments: Int32Array): Axis {
  const words = compactWords(segments);
  const width = words.size;
  const placed = asked.map(({ bit, predicate }) => ({
    word: words.get(bit >>> 5)!,
    mask: 1 << (bit & 31),
    predicate,
  }));
  const texts = asked[0]?.predicate.kind === 'texts' ? textPlaces(asked) : null;
  const borders = texts === null ? bordersOf(asked) : new Float64Array(0);
  const count = 1 + (texts === null ? borders.length : 1 + texts.size);
  const data = new Uint32Array(count * 2 * width).fill(0xffff_ffff);
  const write = (place: number, at: (typeof placed)[number], bits: Bits): void => {
    const base = place * 2 * width + at.word;
    data[base] = (bits & 1) === 0 ? data[base]! & ~at.mask : data[base]! | at.mask;
    const open = base + width;
    data[open] = bits === FALSE ? data[open]! & ~at.mask : data[open]! | at.mask;
  };
  for (const at of placed) write(0, at, at.predicate.missing);
  if (texts === null) fillStretches(placed, borders, data, width, write);
  else
    for (const at of placed) {
      if (at.predicate.kind !== 'texts') continue;
      write(1, at, at.predicate.other);
      for (const [text, place] of texts) write(place, at, at.predicate.texts.get(text) ?? at.predicate.other);
    }
  return { field, segments, width, data, borders, texts, places: placesOf(field, borders, texts) };
}

type Placed = { readonly word: number; readonly mask: number; readonly predicate: Predicate };

/** Each place is its neighbour with what turns at the border between them. */
function fillStretches(
  placed: readonly Placed[],
  borders: Float64Array,
  data: Uint32Array,
  width: number,
  write: (place: number, at: Placed, bits: Bits) => void,
): void {
  const turns: { at: Placed; bits: Bits }[][] = Array.from({ length: borders.length }, () => []);
  const byBorder = new Map(Array.from(borders, (border, index) => [border, index]));
  for (const at of placed)
    if (at.predicate.kind === 'stretches')
      for (const [i, start] of at.predicate.starts.entries())
        turns[byBorder.get(start)!]!.push({ at, bits: at.predicate.bits[i]! });
  const size = 2 * width;
  for (const [index, turning] of turns.entries()) {
    if (index > 0) data.copyWithin((index + 1) * size, index * size, (index + 1) * size);
    for (const { at, bits } of turning) write(index + 1, at, bits);
  }
}

function bordersOf(asked: readonly Asked[]): Float64Array {
  const starts = new Set<number>();
  for (const { predicate } of asked)
    if (predicate.kind === 'stretches') for (const start of predicate.starts) starts.add(start);
  return Float64Array.from(starts).sort();
}

function textPlaces(asked: readonly Asked[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const { predicate } of asked)
    if (predicate.kind === 'texts')
      for (const text of predicate.texts.keys()) if (!places.has(text)) places.set(text, places.size + 2);
  return places;
}

function placesOf(
  field: PredicateField,
  borders: Float64Array,
  texts: ReadonlyMap<string, number> | null,
): Uint16Array | null {
  if (texts !== null || field.type === 'list' || borders.length > 0xffff) return null;
  const { maxCode } = codingOf(field);
  if (maxCode > TABLE_CODES) return null;
  return Uint16Array.from({ length: maxCode + 1 }, (_, code) => (code === 0 ? 0 : placeOf(borders, code)));
}

/** 1 + the last border that is not greater than the value. */
export function placeOf(borders: Float64Array, value: number): number {
  let low = 0;
  let high = borders.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (borders[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Reads a row's place on an axis: of a column, or of the length of a list. */
export type Place = (row: number) => number;

/** How a row's place is read from its column. What a dictionary gave a code once stays, so places of texts are kept by code. */
export function placeReader(
  axis: Axis,
  column: { raw(row: number): number; textOf(raw: number): string | undefined },
): Place {
  const { borders, places, texts } = axis;
  if (places !== null) return (row) => places[column.raw(row)]!;
  if (texts !== null) {
    const byCode: number[] = [0];
    return (row) => {
      const raw = column.raw(row);
      const known = byCode[raw];
      if (known !== undefined) return known;
      while (byCode.length < raw) byCode.push(texts.get(column.textOf(byCode.length)!) ?? 1);
      const place = texts.get(column.textOf(raw)!) ?? 1;
      byCode[raw] = place;
      return place;
    };
  }
  if (axis.field.type === 'number')
    return (row) => {
      const value = column.raw(row);
      return Number.isNaN(value) ? 0 : placeOf(borders, value);
    };
  return (row) => {
    const code = column.raw(row);
    return code === 0 ? 0 : placeOf(borders, code);
  };
}
