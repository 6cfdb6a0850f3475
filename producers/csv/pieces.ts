/**
 * A file on its way in: as UTF-8, in pieces of a megabyte, refused as soon as it is known to be none that can be read. The first piece
 * holds the first row.
 */
import { AllimError } from '../../domain/errors.ts';
import { asUtf8, type Charset } from './encoding.ts';
import { MAX_ROW_BYTES, tooLong } from './rows.ts';

const PIECE = 1_048_576;
export const MAX_FILE_BYTES = 4 * 1_073_741_824;
const NL = 0x0a;

/** Throws `import-invalid` and `payload-too-large`. */
export async function* pieces(
  bytes: AsyncIterable<Uint8Array>,
  charset: Charset | null,
  found: (charset: Charset) => void,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  let total = 0;
  let lines = 0;
  /** Bytes since the last line break. */
  let since = 0;
  const gathered = (): Buffer => {
    const piece = held.length === 1 ? held[0]! : Buffer.concat(held, length);
    held = [];
    length = 0;
    return piece;
  };
  for await (const part of asUtf8(bytes, charset, found)) {
    total += part.length;
    if (total > MAX_FILE_BYTES)
      throw new AllimError('payload-too-large', `a file may have ${MAX_FILE_BYTES} bytes: send it in parts`);
    let from = 0;
    for (let at = part.indexOf(NL); at >= 0; at = part.indexOf(NL, from)) {
      if (since + at - from > MAX_ROW_BYTES) throw tooLong(lines + 1);
      lines++;
      since = 0;
      from = at + 1;
    }
    since += part.length - from;
    if (since > MAX_ROW_BYTES) throw tooLong(lines + 1);
    held.push(part);
    length += part.length;
    // A row is as long as a piece at most, so that the first, which is at least that long, holds it.
    if (length > PIECE) yield gathered();
  }
  if (length > 0 || total === 0) yield gathered();
}
