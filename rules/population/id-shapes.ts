/**
 * How the ids of a block are written in as few bits as their kind needs: by position the narrowest alphabet of a fixed few that holds what was
 * seen there, and no bits where all have the same character. `c-` and sixteen base-32 characters take ten bytes instead of eighteen, a
 * UUID sixteen or so. An alphabet is wider than what was seen, so that a shape says nothing of anybody who was forgotten. An id that ends
 * before a position has 0 there, which no id holds.
 */
export type Alphabet = {
  readonly bits: number;
  /** By place, and the place by byte; -1 where it has none. */
  readonly symbols: Uint8Array;
  readonly index: Int16Array;
};

function alphabetOf(symbols: Uint8Array): Alphabet {
  const index = new Int16Array(256).fill(-1);
  for (const [place, byte] of symbols.entries()) index[byte] = place;
  return { bits: Math.ceil(Math.log2(symbols.length)), symbols, index };
}

const spanned = (...spans: readonly string[]): Uint8Array =>
  Uint8Array.from(
    spans.flatMap((span) => {
      const [first = 0, last = first] = Buffer.from(span);
      return Array.from({ length: last - first + 1 }, (_, at) => first + at);
    }),
  );

/**
 * Ascending by bits; snapshots name them by place. Parts of what base 32 and hexadecimal share come before either, or the first few ids would
 * decide between them.
 */
const ALPHABETS: readonly Alphabet[] = [
  spanned('27'),
  spanned('af'),
  spanned('AF'),
  spanned('09'),
  spanned('\0', '09'),
  spanned('af', '27'),
  spanned('AF', '27'),
  spanned('09', 'af'),
  spanned('09', 'AF'),
  spanned('az', '27'),
  spanned('AZ', '27'),
  spanned('\0', '09', 'af', '-'),
  spanned('\0', '09', 'az', '-', '_'),
  spanned('09', 'AZ', 'az', '-', '_'),
  spanned('\0', ' ~'),
  Uint8Array.from({ length: 256 }, (_, byte) => byte),
].map(alphabetOf);

const CONSTANTS: readonly Alphabet[] = Array.from({ length: 256 }, (_, byte) =>
  alphabetOf(Uint8Array.of(byte)),
);

/** By position a place in ALPHABETS, or below 0 a character that all have: -1 - byte. */
export type Kinds = readonly number[];

const alphabetBy = (kind: number): Alphabet => (kind < 0 ? CONSTANTS[-1 - kind]! : ALPHABETS[kind]!);

function widened(kind: number | undefined, byte: number): number {
  const had = kind === undefined ? Uint8Array.of(0) : alphabetBy(kind).symbols;
  return ALPHABETS.findIndex(({ index }) => index[byte]! >= 0 && had.every((symbol) => index[symbol]! >= 0));
}

export class Shape {
  readonly kinds: Kinds;
  private readonly positions: readonly Alphabet[];
  /** In bits, from the beginning of a row. */
  private readonly offsets: Int32Array;
  /** Bytes of a row. A block has one more behind its last. */
  readonly width: number;

  constructor(kinds: Kinds) {
    this.kinds = kinds;
    this.positions = kinds.map(alphabetBy);
    this.offsets = new Int32Array(kinds.length);
    let bits = 0;
    for (const [at, alphabet] of this.positions.entries()) {
      this.offsets[at] = bits;
      bits += alphabet.bits;
    }
    this.width = (bits + 7) >> 3;
  }

  /** Writes a row; false where the shape has no room for the id. */
  pack(id: Uint8Array, length: number, row: Uint8Array): boolean {
    const { positions } = this;
    if (length > positions.length) return false;
    let held = 0;
    let bits = 0;
    let to = 0;
    for (let at = 0; at < positions.length; at++) {
      const alphabet = positions[at]!;
      const place = alphabet.index[at < length ? id[at]! : 0]!;
      if (place < 0) return false;
      held |= place << bits;
      bits += alphabet.bits;
      if (bits >= 8) {
        row[to++] = held;
        held >>>= 8;
        bits -= 8;
      }
    }
    if (bits > 0) row[to] = held;
    return true;
  }

  /** The byte of an id at a position; 0 behind its end. */
  byteAt(rows: Uint8Array, from: number, at: number): number {
    if (at >= this.positions.length) return 0;
    const { bits, symbols } = this.positions[at]!;
    if (bits === 0) return symbols[0]!;
    const offset = this.offsets[at]!;
    const byte = from + (offset >> 3);
    return symbols[((rows[byte]! | (rows[byte + 1]! << 8)) >> (offset & 7)) & ((1 << bits) - 1)]!;
  }

  /** Writes the id of a row; its length. */
  unpack(rows: Uint8Array, from: number, id: Uint8Array): number {
    const { length } = this.positions;
    for (let at = 0; at < length; at++) {
      const byte = this.byteAt(rows, from, at);
      if (byte === 0) return at;
      id[at] = byte;
    }
    return length;
  }

  /** One that has room for this id too, and for all that this has room for. */
  widenedFor(id: Uint8Array, length: number): Shape {
    if (this.kinds.length === 0) return new Shape(Array.from(id.subarray(0, length), (byte) => -1 - byte));
    return new Shape(
      Array.from({ length: Math.max(length, this.kinds.length) }, (_, at) => {
        const byte = at < length ? id[at]! : 0;
        const kind = this.kinds[at];
        return kind !== undefined && alphabetBy(kind).index[byte]! >= 0 ? kind : widened(kind, byte);
      }),
    );
  }
}
