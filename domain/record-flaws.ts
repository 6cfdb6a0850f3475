/**
 * What of a log record's key and headers does not fit into text: in Kafka they are bytes, and a header may stand there twice. A record
 * without flaws, which is nearly every one, has none of this.
 */
import { isUtf8 } from 'node:buffer';
import { AllimError } from './errors.ts';

export type RecordFlaws = {
  /** Where it is not UTF-8: `key`, or a header's name. In the text U+FFFD stands for what cannot be read. */
  readonly notUtf8: readonly string[];
  /** Names of headers that stand there more than once; the text has the last. */
  readonly repeated: readonly string[];
  /** As they came. */
  readonly rawKey: Uint8Array | null;
  readonly rawHeaders: readonly (readonly [name: string, value: Uint8Array | null])[];
};

/** Whether decoding `bytes` to `text` lost something. Looks at the bytes only where the text is suspicious: this runs for every record. */
export function lostInText(bytes: Uint8Array, text: string): boolean {
  return text.includes('\ufffd') && !isUtf8(bytes);
}

/** Throws `record-corrupt` naming key and headers that are not UTF-8: guessing at them could make one person of two. */
export function needText(record: { readonly flaws?: RecordFlaws }): void {
  const names = record.flaws?.notUtf8 ?? [];
  if (names.length === 0) return;
  throw new AllimError('record-corrupt', `not UTF-8: ${names.map(printable).join(', ')}`, {
    faults: names.map((name) => ({ pointer: '', message: `${printable(name)} is not UTF-8` })),
  });
}

/** A name from outside, fit for a message. */
function printable(name: string): string {
  return name.slice(0, 80).replaceAll(/[^\x20-\x7e]/g, '?');
}
