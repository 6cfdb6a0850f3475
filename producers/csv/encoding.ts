/**
 * What a file is written in: UTF-8 with or without a byte order mark, or CP949 (what Korean office programs save; EUC-KR is part of it).
 * Whatever comes is handed on as UTF-8, so that everything after knows one encoding. A byte that fits nowhere becomes U+FFFD, which
 * csv/rows.ts reports by line and field.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { importInvalid } from './faults.ts';

export const CHARSETS = ['utf-8', 'cp949'] as const;
export type Charset = (typeof CHARSETS)[number];

const NAMES: Readonly<Record<string, Charset>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  cp949: 'cp949',
  ms949: 'cp949',
  'windows-949': 'cp949',
  uhc: 'cp949',
  'euc-kr': 'cp949',
  'ks_c_5601-1987': 'cp949',
};

/** The charset of a name that people and programs use for it. Throws `import-invalid`. */
export function charsetOf(name: string): Charset {
  const charset = NAMES[name.trim().toLowerCase()];
  if (charset === undefined)
    throw importInvalid(
      '/charset',
      `is not read here: ${CHARSETS.join(' and ')} are, and told apart without being named`,
    );
  return charset;
}

/** Beginnings of files that are no text, by what they are. */
const MAGIC: readonly (readonly [bytes: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive (an Excel workbook is one): save the sheet as CSV'],
  [[0x50, 0x4b, 0x05, 0x06], 'an empty ZIP archive'],
  [[0x1f, 0x8b], 'compressed by gzip: send what is in it'],
  [[0xd0, 0xcf, 0x11, 0xe0], 'an old Excel workbook: save the sheet as CSV'],
  [[0x25, 0x50, 0x44, 0x46], 'a PDF'],
  [[0xff, 0xfe], 'UTF-16: save it as CSV UTF-8'],
  [[0xfe, 0xff], 'UTF-16: save it as CSV UTF-8'],
];
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
/** So much is looked at, from the first byte that is not ASCII, before it is decided what a file is written in. */
const SAMPLE = 65_536;
/** Of the bytes beyond ASCII so many may fit nowhere: a file with a damaged name is still read, one in a third encoding is not. */
const MAX_DAMAGE = 0.02;

/**
 * The bytes of a file as UTF-8 without a byte order mark. `found` is told the charset once it is known, at the latest before the last piece.
 * Throws `import-invalid` where the file is no text or of an encoding that is not read.
 */
export async function* asUtf8(
  bytes: AsyncIterable<Uint8Array>,
  given: Charset | null,
  found: (charset: Charset) => void,
): AsyncGenerator<Buffer> {
  let charset = given;
  let begun = false;
  let held: Buffer = Buffer.alloc(0);
  let decoder: ReturnType<typeof iconv.getDecoder> | undefined;

  const decided = (): Buffer => {
    const piece = held;
    held = Buffer.alloc(0);
    if (charset === 'cp949') {
      decoder ??= iconv.getDecoder('cp949');
      return Buffer.from(decoder.write(piece));
    }
    return piece;
  };
  const decide = (): void => {
    charset ??= detect(held);
    found(charset);
  };

  for await (const piece of bytes) {
    held =
      held.length === 0
        ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
        : Buffer.concat([held, piece]);
    if (!begun) {
      if (held.length < 4) continue;
      begun = true;
      refuseBinary(held);
      if (held.subarray(0, 3).equals(BOM)) {
        if (charset === 'cp949')
          throw importInvalid('/charset', 'is not right: the file says that it is UTF-8');
        held = held.subarray(3);
        charset = 'utf-8';
      }
      if (charset !== null) decide();
    }
    if (charset === null) {
      if (isAscii(held)) {
        if (held.length > 0) yield decided();
        continue;
      }
      if (held.length < SAMPLE) continue;
      decide();
    }
    const text = decided();
    if (text.length > 0) yield text;
  }
  if (!begun) refuseBinary(held);
  if (charset === null) decide();
  const last = held.length > 0 ? decided() : Buffer.alloc(0);
  const rest = decoder?.end();
  if (last.length > 0) yield last;
  if (rest) yield Buffer.from(rest);
}

function refuseBinary(head: Buffer): void {
  for (const [bytes, what] of MAGIC)
    if (head.length >= bytes.length && bytes.every((byte, at) => head[at] === byte))
      throw importInvalid('', `is not CSV but ${what}`);
}

function detect(sample: Buffer): Charset {
  if (isUtf8(complete(sample))) return 'utf-8';
  const beyond = sample.reduce((count, byte) => count + (byte >= 0x80 ? 1 : 0), 0);
  const damage = (text: string) => text.split('\ufffd').length - 1;
  const asUtf8 = damage(complete(sample).toString('utf8'));
  const asCp949 = damage(iconv.decode(sample, 'cp949'));
  const least = Math.min(asUtf8, asCp949);
  // One character is lost at the end where the sample was cut in it.
  if (least - 1 > beyond * MAX_DAMAGE)
    throw importInvalid(
      '',
      'is in an encoding that is not read: neither UTF-8 nor CP949; save it as CSV UTF-8',
    );
  return asUtf8 <= asCp949 ? 'utf-8' : 'cp949';
}

/** Without a character that is cut at the end. */
function complete(sample: Buffer): Buffer {
  let end = sample.length;
  // At most three bytes of a sequence can be there.
  for (let back = 1; back <= 3 && end - back >= 0; back++) {
    const byte = sample[end - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    if (length > back) end -= back;
    break;
  }
  return sample.subarray(0, end);
}
