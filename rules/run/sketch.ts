/**
 * 1 KB that stands for a set of citizens so that two sets can be compared later without either being kept. Each citizen's mark is XORed
 * into one of 256 places: two sets that differ in n citizens differ in at most n places, and in none only if they are the same (but for
 * collisions of 24 bits). So fewer than `SINGLED_OUT` places that differ, and at least one, is what a difference that singles people out
 * always shows; one of a few more people rarely does.
 */
export const SKETCH_PLACES = 256;
/** Counts and differences below it single people out. */
export const SINGLED_OUT = 10;

export type Sketch = Uint32Array;

export const emptySketch = (): Sketch => new Uint32Array(SKETCH_PLACES);

/** Adds a citizen, or takes out one that was added. */
export function mix(sketch: Sketch, mark: number): void {
  sketch[mark >>> 24]! ^= mark;
}

export function mixAll(into: Sketch, other: Sketch): void {
  for (let at = 0; at < SKETCH_PLACES; at++) into[at]! ^= other[at]!;
}

/** Places that differ: at most as many as citizens that are in one of the sets alone. */
export function placesApart(a: Sketch, b: Sketch): number {
  let apart = 0;
  for (let at = 0; at < SKETCH_PLACES; at++) apart += Number(a[at] !== b[at]);
  return apart;
}

/** Little-endian, whatever the machine. */
export function sketchBytes(sketch: Sketch): Buffer {
  const bytes = Buffer.alloc(SKETCH_PLACES * 4);
  sketch.forEach((place, at) => {
    bytes.writeUInt32LE(place, at * 4);
  });
  return bytes;
}

export function sketchOf(bytes: Uint8Array): Sketch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: SKETCH_PLACES }, (_, at) => view.getUint32(at * 4, true));
}
