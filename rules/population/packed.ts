/** Many small arrays as few sections of a snapshot, and back: what is written and read at once is about a mebibyte. */
import { invalid } from './sections.ts';

export const SECTION_BYTES = 2 ** 20;

export type NextSection = () => Promise<Buffer>;
type View = { readonly buffer: ArrayBufferLike; readonly byteOffset: number; readonly byteLength: number };

export const bytesOf = ({ buffer, byteOffset, byteLength }: View): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Ends of stretches that are a section each: as many as fit, one at least. */
function* stretches(lengths: readonly number[]): Generator<{ from: number; to: number; bytes: number }> {
  for (let from = 0; from < lengths.length; ) {
    let to = from;
    let bytes = 0;
    do bytes += lengths[to++]!;
    while (to < lengths.length && bytes + lengths[to]! <= SECTION_BYTES);
    yield { from, to, bytes };
    from = to;
  }
}

export function* packed(arrays: readonly View[]): Generator<Uint8Array> {
  for (const { from, to, bytes } of stretches(arrays.map(({ byteLength }) => byteLength))) {
    const section = new Uint8Array(bytes);
    let at = 0;
    for (let i = from; i < to; i++) {
      section.set(bytesOf(arrays[i]!), at);
      at += arrays[i]!.byteLength;
    }
    yield section;
  }
}

/** The arrays of these lengths (bytes) again, as views of the sections that they came in. */
export async function unpacked(next: NextSection, lengths: readonly number[]): Promise<Buffer[]> {
  const arrays: Buffer[] = [];
  for (const { from, to, bytes } of stretches(lengths)) {
    const section = await next();
    if (section.length !== bytes) throw invalid('a section has another length than what it is for');
    let at = 0;
    for (let i = from; i < to; i++) {
      arrays.push(section.subarray(at, at + lengths[i]!));
      at += lengths[i]!;
    }
  }
  return arrays;
}

export const integersOf = ({ buffer, byteOffset, byteLength }: View): Int32Array =>
  new Int32Array(buffer, byteOffset, byteLength >> 2);

/** A long array in pieces, as it stands there. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SECTION_BYTES) yield bytes.subarray(at, at + SECTION_BYTES);
}

/** Fills a long array with its pieces. */
export async function whole(next: NextSection, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const piece = await next();
    if (piece.length === 0 || at + piece.length > bytes.length)
      throw invalid('a section has another length than what it is for');
    bytes.set(piece, at);
    at += piece.length;
  }
}

export const textSection = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

const TEXTS_A_SECTION = 1_000;

/** Many small things as lists of JSON. */
export function* textSections<T>(items: Iterable<T>, written: (item: T) => unknown): Generator<Uint8Array> {
  let some: unknown[] = [];
  for (const item of items) {
    if (some.push(written(item)) < TEXTS_A_SECTION) continue;
    yield textSection(some);
    some = [];
  }
  if (some.length > 0) yield textSection(some);
}
