/**
 * The loops that write codes of many citizens into one column, one a width (codes.ts), each with one kind of array. Each begins at row `at`,
 * ends at the first code that has no place yet, or lies outside the window, and says where that was. Hot: nearly all of applying profiles
 * that is not reading them.
 */

/** What 16 bits hold beside the missing 0. */
export const WINDOW = 0xffff;

/** Codes for some slots, as `setMany` has them. */
export type Rows = {
  readonly slots: Int32Array;
  readonly at: number;
  readonly count: number;
  readonly codes: Int32Array;
  readonly from: number;
  readonly stride: number;
};

/** A code without a place, and not the missing 0. Without a branch: whether something is missing is what a processor cannot foresee. */
const isNew = (place: number, code: number): boolean => ((place - 1) & -code) < 0;

/** Two loops with their numbers written out: with them in variables a million citizens took 0.83 us a row of forty columns, and 0.57 so. */
export function fill2(
  stored: Uint8Array,
  { slots, at, count, codes, from, stride }: Rows,
  placeAt: Uint8Array,
): number {
  for (let row = at, of = from + at * stride; row < count; row++, of += stride) {
    const code = codes[of]!;
    const place = code < placeAt.length ? placeAt[code]! : 0;
    if (isNew(place, code)) return row;
    const slot = slots[row]!;
    const shift = (slot & 3) << 1;
    const byte = stored[slot >> 2]!;
    const after = (byte & ~(3 << shift)) | (place << shift);
    // Most of a profile is as it was: what is not written stays clean in the caches.
    if (byte !== after) stored[slot >> 2] = after;
  }
  return count;
}

export function fill4(
  stored: Uint8Array,
  { slots, at, count, codes, from, stride }: Rows,
  placeAt: Uint8Array,
): number {
  for (let row = at, of = from + at * stride; row < count; row++, of += stride) {
    const code = codes[of]!;
    const place = code < placeAt.length ? placeAt[code]! : 0;
    if (isNew(place, code)) return row;
    const slot = slots[row]!;
    const shift = (slot & 1) << 2;
    const byte = stored[slot >> 1]!;
    const after = (byte & ~(15 << shift)) | (place << shift);
    if (byte !== after) stored[slot >> 1] = after;
  }
  return count;
}

export function fillBytes(
  stored: Uint8Array,
  { slots, at, count, codes, from, stride }: Rows,
  placeAt: Uint8Array,
): number {
  for (let row = at; row < count; row++) {
    const code = codes[from + row * stride]!;
    const place = code < placeAt.length ? placeAt[code]! : 0;
    if (isNew(place, code)) return row;
    stored[slots[row]!] = place;
  }
  return count;
}

export function fillWindow(
  stored: Uint16Array,
  { slots, at, count, codes, from, stride }: Rows,
  origin: number,
): number {
  for (let row = at; row < count; row++) {
    const code = codes[from + row * stride]!;
    const inside = code === 0 ? 0 : code - origin;
    if (inside < 0 || inside > WINDOW || (inside === 0 && code !== 0)) return row;
    stored[slots[row]!] = inside;
  }
  return count;
}

export function fillWide(stored: Int32Array, { slots, at, count, codes, from, stride }: Rows): number {
  for (let row = at; row < count; row++) stored[slots[row]!] = codes[from + row * stride]!;
  return count;
}
