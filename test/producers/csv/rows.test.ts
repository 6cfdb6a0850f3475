/** Rows of CSV: what is read, on which line it stands, and that a reader may stop and go on anywhere. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_ROW_BYTES, type Place, readHeader, readRows } from '../../../producers/csv/rows.ts';

async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string | Buffer, options: { piece?: number; block?: number; from?: Place } = {}) {
  const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text);
  const header = readHeader(bytes);
  const from = options.from ?? header.next;
  const rows: (readonly [number, ...string[]])[] = [];
  const faults: string[] = [];
  const places: Place[] = [];
  for await (const block of readRows(
    pieces(bytes.subarray(from.at), options.piece ?? 7),
    from,
    header,
    options.block ?? 16,
  )) {
    for (const { line, cells } of block.rows) rows.push([line, ...cells]);
    for (const { line, field, message } of block.faults) faults.push(`${line} ${field}: ${message}`);
    places.push(block.next);
  }
  return { names: header.names, rows, faults, places };
}

describe('rows', () => {
  test('with quotes, line breaks in them, empty lines, CRLF and LF stand on the line they begin on', async () => {
    const text = 'a,b\r\n1,2\r\n\r\n"x\r\ny",3\n"he said ""no""",4\n5,6';
    expect(await read(text)).toMatchObject({
      names: ['a', 'b'],
      rows: [
        [2, '1', '2'],
        [4, 'x\r\ny', '3'],
        [6, 'he said "no"', '4'],
        [7, '5', '6'],
      ],
      faults: [],
    });
  });

  test('ragged ones are faults of their lines, and the others are read', async () => {
    const { rows, faults } = await read('a,b\n1\n2,3\n4,5,6\n');
    expect(rows).toEqual([[3, '2', '3']]);
    expect(faults).toEqual([
      '2 : has 1 fields, and the first line has 2',
      '4 : has 3 fields, and the first line has 2',
    ]);
  });

  test('with a quote in the wrong place are faults of their lines, and those after it keep theirs', async () => {
    const { rows, faults } = await read('a,b\n1,2\n5" pipe,3\n"x\ny",4\n6,7\n', { block: 1_000 });
    expect(rows).toEqual([
      [2, '1', '2'],
      [4, 'x\ny', '4'],
      [6, '6', '7'],
    ]);
    expect(faults.map((fault) => fault.slice(0, 30))).toEqual(['3 : has a quote in the wrong p']);
  });

  test('after text that follows a closing quote are not guessed at: those before are read, and the file ends', async () => {
    const blocks = readRows(
      pieces(Buffer.from('1,2\n"z"!,5\n6,7\n"a",8\n'), 100),
      { at: 4, lines: 1 },
      { names: ['a', 'b'], delimiter: ',' },
      100,
    );
    expect((await blocks.next()).value.rows).toEqual([{ line: 2, cells: ['1', '2'] }]);
    await expect(blocks.next()).rejects.toThrow(/\/line\/3 has a quote in the wrong place.*nothing after it/);
  });

  test('with a NUL or bytes that are no text are faults of the field, and are not repeated', async () => {
    const bytes = Buffer.concat([
      Buffer.from('a,b\n1,secret\0\n'),
      Buffer.from([0xff]),
      Buffer.from('secret,2\n3,4\n'),
    ]);
    const { rows, faults } = await read(bytes);
    expect(rows).toEqual([[4, '3', '4']]);
    expect(faults).toEqual([
      '2 b: holds a NUL character',
      '3 a: holds bytes that are no text in the encoding of the file',
    ]);
  });

  test('separated by semicolons or tabs are told by the first line', async () => {
    expect((await read('a;b;c\n1,5;2;3\n')).rows).toEqual([[2, '1,5', '2', '3']]);
    expect((await read('a\tb\n1,5\t2\n')).rows).toEqual([[2, '1,5', '2']]);
  });

  test('in the first line may be quoted, with line breaks', async () => {
    expect(await read('"a\nb","c,d"\n1,2\n')).toMatchObject({
      names: ['a\nb', 'c,d'],
      rows: [[3, '1', '2']],
    });
  });

  test('that were cut in the middle of a quote end the file, naming the line', async () => {
    await expect(read('a,b\n1,2\n"open,3\n4,5\n')).rejects.toThrow(
      '/line/3 opens a quote that is not closed before the end: the file may have been cut in the middle',
    );
  });

  test('whose quote is never closed are not gathered without end', async () => {
    let given = 0;
    async function* endless() {
      for (;;) {
        given += 65_536;
        yield Buffer.from(`${'x'.repeat(63)}\n`.repeat(1_024));
      }
    }
    async function* opened() {
      yield Buffer.from('1,2\n"');
      yield* endless();
    }
    const all = async () => {
      for await (const _ of readRows(
        opened(),
        { at: 4, lines: 1 },
        { names: ['a', 'b'], delimiter: ',' },
        65_536,
      ));
    };
    await expect(all()).rejects.toThrow('/line/3 opens a quote that is not closed within a megabyte');
    expect(given).toBeLessThan(3 * MAX_ROW_BYTES);
  });

  test('nothing at all is no file', () => {
    expect(() => readHeader(Buffer.from(''))).toThrow('is empty: the first line names the columns');
  });

  test('of any shape are what was written, on their lines, however the bytes come and wherever one goes on', async () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', '가', ',', '"', '\n', '\r\n', ' ', '=', ''),
      maxLength: 4,
    });
    const quote = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.string({ unit: fc.constantFrom('k', '나'), minLength: 1, maxLength: 3 }), cell),
          { maxLength: 12 },
        ),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 60 }),
        async (rows, piece, block) => {
          let line = 2;
          let text = 'a,b\n';
          const expected: [number, string, string][] = [];
          for (const [a, b] of rows) {
            expected.push([line, a, b]);
            const written = `${quote(a)},${quote(b)}\n`;
            text += written;
            line += written.split('\n').length - 1;
          }
          const whole = await read(text, { piece, block });
          expect(whole.rows).toEqual(expected);
          expect(whole.faults).toEqual([]);
          for (const from of whole.places) {
            const rest = await read(text, { piece, block, from });
            expect(rest.rows).toEqual(expected.filter(([at]) => at > from.lines));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
