/**
 * Rows of a CSV file (RFC 4180; comma, semicolon or tab) from pieces of UTF-8, with the line each begins on, in blocks that a reader can
 * start again from. A faulty row is one fault and the next row is read; what cannot be read any further ends it with `import-invalid`.
 * Hot: 0.5 µs a row without quotes, which need no parser; csv-parse takes 10 µs a row, and is given only the blocks that have some.
 */

import type { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import { importInvalid, type RowFault, rowFault } from './faults.ts';

export type Row = { readonly line: number; readonly cells: readonly string[] };
export type Place = {
  /** Bytes of UTF-8 before it. */
  readonly at: number;
  /** Lines before it. */
  readonly lines: number;
};
export type Block = {
  readonly rows: readonly Row[];
  readonly faults: readonly RowFault[];
  /** Where the next block begins. */
  readonly next: Place;
  /** Some field may hold a NUL or bytes that are no text. */
  readonly unclean: boolean;
};

/** A row, its quotes and line breaks included. */
export const MAX_ROW_BYTES = 1_048_576;
const NL = 0x0a;
const QUOTE = '"';

export const DELIMITERS = [',', '\t', ';'] as const;
export type Delimiter = (typeof DELIMITERS)[number];

/** The first row, with the delimiter that it has most of. Needs the first megabyte of the file, or all of it. */
export function readHeader(head: Buffer): {
  readonly names: readonly string[];
  readonly delimiter: Delimiter;
  readonly next: Place;
} {
  const end = head.indexOf(NL);
  const line = head.toString('utf8', 0, end < 0 ? head.length : end);
  const delimiter = DELIMITERS.reduce((best, one) => (count(line, one) > count(line, best) ? one : best));
  const { rows, faults, next } = line.includes(QUOTE)
    ? parseQuoted(head, { at: 0, lines: 0 }, delimiter, true, 1)
    : splitPlain(head.subarray(0, end < 0 ? head.length : end + 1), { at: 0, lines: 0 }, delimiter);
  const fault = faults[0];
  if (fault !== undefined && (rows[0] === undefined || fault.line <= rows[0].line))
    throw importInvalid(`/line/${fault.line}`, fault.message);
  const [first] = rows;
  if (first === undefined) throw importInvalid('', 'is empty: the first line names the columns');
  return { names: first.cells.map((name) => name.trim()), delimiter, next };
}

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

/** Reads on from `from`; `pieces` begin there. Blocks have about `blockBytes`, and at least one row. */
export async function* readRows(
  pieces: AsyncIterable<Buffer>,
  from: Place,
  header: { readonly names: readonly string[]; readonly delimiter: Delimiter },
  blockBytes: number,
): AsyncGenerator<Block> {
  const { names, delimiter } = header;
  let place = from;
  let held: Buffer = Buffer.alloc(0);
  /** How much of `held` must be there before it is worth another look: an open quote is looked for again and again otherwise. */
  let wanted = 1;
  /** The end of the last look, which was within quotes. */
  let tried = -1;

  const take = (end: number, last: boolean): Block => {
    const part = held.subarray(0, end);
    const block =
      part.indexOf(QUOTE) < 0
        ? splitPlain(part, place, delimiter)
        : parseQuoted(part, place, delimiter, last);
    held = held.subarray(block.next.at - place.at);
    place = block.next;
    return checked(block, names);
  };

  for await (const piece of pieces) {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    for (;;) {
      if (held.length < wanted) break;
      const near = held.lastIndexOf(NL, Math.max(blockBytes, wanted) - 1);
      const end = near > tried ? near : held.indexOf(NL, tried + 1);
      if (end < 0 || end >= MAX_ROW_BYTES) {
        if (held.length > MAX_ROW_BYTES)
          throw tried < 0
            ? tooLong(place.lines + 1)
            : importInvalid(`/line/${place.lines + 1}`, 'opens a quote that is not closed within a megabyte');
        wanted = held.length + 1;
        break;
      }
      const before = place.at;
      const block = take(end + 1, false);
      tried = place.at > before ? -1 : end;
      wanted = tried < 0 ? 1 : Math.min(2 * (end + 1), MAX_ROW_BYTES + 1);
      if (tried < 0) yield block;
    }
  }
  while (held.length > 0) yield take(held.length, true);
}

export function tooLong(line: number): Error {
  return importInvalid(`/line/${line}`, `is longer than ${MAX_ROW_BYTES} bytes`);
}

/** Whole lines without a quote in them. */
function splitPlain(part: Buffer, place: Place, delimiter: Delimiter): Block {
  const text = part.toString('utf8');
  const lines = text.split('\n');
  // What follows the last line break; nothing, but at the end of the file.
  if (lines.at(-1) === '') lines.pop();
  const rows: Row[] = [];
  for (const [index, given] of lines.entries()) {
    const line = given.endsWith('\r') ? given.slice(0, -1) : given;
    if (line === '') continue;
    rows.push({ line: place.lines + index + 1, cells: line.split(delimiter) });
  }
  const next = { at: place.at + part.length, lines: place.lines + lines.length };
  return { rows, faults: [], next, unclean: text.includes('\0') || text.includes('\ufffd') };
}

/** Rows with quotes. Ends before a row that is not complete yet, unless it is the last; `limit` rows at most. */
function parseQuoted(part: Buffer, place: Place, delimiter: Delimiter, last: boolean, limit?: number): Block {
  const rows: Row[] = [];
  const faults: RowFault[] = [];
  let at = 0;
  let line = place.lines + 1;
  /** The line of a quote after which nothing can be told apart. */
  let open: number | undefined;
  let broken: number | undefined;
  let skipped = false;
  const lineAt = (bytes: number): number => line + countLines(part, at, bytes);
  parse(part, {
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_records_with_error: true,
    ...(limit === undefined ? {} : { to: limit }),
    on_record: (cells: string[], { bytes }) => {
      if (broken !== undefined) return null;
      const after = lineAt(bytes);
      // Where a row before was passed over, nobody says how long it was: then from the end of this one.
      const begins = skipped ? after - Number(part[bytes - 1] === NL) - lineBreaks(cells) : line;
      skipped = false;
      line = after;
      at = bytes;
      if (cells.length > 1 || cells[0] !== '') rows.push({ line: begins, cells });
      return null;
    },
    on_skip: (error: CsvError | undefined) => {
      const bytes = Number((error as { bytes?: unknown } | undefined)?.bytes ?? at);
      if (broken !== undefined) return undefined;
      if (error?.code === 'CSV_QUOTE_NOT_CLOSED') open = line;
      else if (error?.code === 'CSV_INVALID_CLOSING_QUOTE') broken = line;
      else {
        const where = lineAt(Math.max(bytes, at));
        if (faults.at(-1)?.line !== where) faults.push(rowFault(where, '', QUOTE_MESSAGE));
        skipped = true;
      }
      return undefined;
    },
  });
  if (open !== undefined || broken !== undefined) {
    // What is whole before it counts; then it is looked at alone.
    if (at === 0 && broken !== undefined)
      throw importInvalid(`/line/${broken}`, `${QUOTE_MESSAGE}; nothing after it can be told apart`);
    if (at === 0 && last)
      throw importInvalid(
        `/line/${open}`,
        'opens a quote that is not closed before the end: the file may have been cut in the middle',
      );
    // What was wrong in the part that is read again is found again.
    const found = faults.filter((fault) => fault.line < line);
    return { rows, faults: found, next: { at: place.at + at, lines: line - 1 }, unclean: true };
  }
  const end = limit === undefined ? part.length : at;
  const next = { at: place.at + end, lines: line - 1 + countLines(part, at, end) };
  return { rows, faults, next, unclean: true };
}

const QUOTE_MESSAGE =
  'has a quote in the wrong place: a field with quotes is quoted as a whole, and quotes in it are doubled';

function lineBreaks(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + count(cell, '\n'), 0);
}

function countLines(part: Buffer, from: number, to: number): number {
  let lines = 0;
  for (let at = part.indexOf(NL, from); at >= 0 && at < to; at = part.indexOf(NL, at + 1)) lines++;
  return lines;
}

/** Rows that have as many fields as the header, and no field that is no text; the others become faults. */
function checked(block: Block, names: readonly string[]): Block {
  const faults = [...block.faults];
  const rows = block.rows.filter(({ line, cells }) => {
    if (cells.length !== names.length) {
      faults.push(rowFault(line, '', `has ${cells.length} fields, and the first line has ${names.length}`));
      return false;
    }
    if (!block.unclean) return true;
    const at = cells.findIndex((cell) => cell.includes('\0') || cell.includes('\ufffd'));
    if (at < 0) return true;
    const what = cells[at]!.includes('\0')
      ? 'holds a NUL character'
      : 'holds bytes that are no text in the encoding of the file';
    faults.push(rowFault(line, names[at]!, what));
    return false;
  });
  return { ...block, rows, faults };
}
