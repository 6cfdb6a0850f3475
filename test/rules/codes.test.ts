/** Columns as narrow as their codes, against a plain array: they widen under what is written, and scans go on saying the truth. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ScalarField } from '../../rules/catalogue.ts';
import { known, range, type Step, table, textsTable } from '../../rules/compile/planes.ts';
import { NO, YES } from '../../rules/lower/lowered.ts';
import { BLOCK_SLOTS, BLOCK_WORDS } from '../../rules/population/codes.ts';
import { Column } from '../../rules/population/columns.ts';
import { fields } from './fixtures.ts';

const BLOCKS = 2;

const columnOf = (name: string): Column => {
  const column = new Column(fields.get(name) as ScalarField);
  for (let block = 0; block < BLOCKS; block++) column.grow();
  return column;
};

/** By slot YES, NO or 0. */
function said(step: Step): number[] {
  const [yes, no] = [new Uint32Array(BLOCK_WORDS), new Uint32Array(BLOCK_WORDS)];
  return Array.from({ length: BLOCKS }, (_, block) => {
    step(block, yes, no);
    const bit = (plane: Uint32Array, at: number): number => (plane[at >> 5]! >>> (at & 31)) & 1;
    return Array.from({ length: BLOCK_SLOTS }, (_, at) => bit(yes, at) * YES + bit(no, at) * NO);
  }).flat();
}

/** Few codes or many, near each other or far apart, in the order in which they are written. */
const writings = fc
  .record({
    different: fc.constantFrom(1, 3, 4, 15, 16, 255, 256, 700),
    step: fc.constantFrom(1, 7, 90, 208),
    from: fc.integer({ min: 1, max: 400 }),
    seed: fc.nat(),
  })
  .map(({ different, step, from, seed }) => {
    let state = seed;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    return Array.from({ length: 3 * different + 50 }, () => ({
      slot: next(BLOCKS * BLOCK_SLOTS),
      code: next(8) === 0 ? 0 : Math.min(from + step * next(different), 146_000),
    }));
  });

describe('a column', () => {
  test.each(['d', 'i2'])('of %s gives back what was written, however wide it had to become', (name) => {
    fc.assert(
      fc.property(writings, fc.nat({ max: 60_000 }), (written, border) => {
        const column = columnOf(name);
        const most = column.maxCode;
        const steps: readonly (readonly [Step, (code: number) => number])[] = [
          [
            range(column, 1 + Math.min(border, 300), border),
            (code) => (code === 0 ? 0 : code > Math.min(border, 300) && code <= border ? YES : NO),
          ],
          [known(column), (code) => (code === 0 ? NO : YES)],
          [
            table(
              column,
              Uint8Array.from({ length: most + 1 }, (_, code) => code % 3),
            ),
            (code) => code % 3,
          ],
        ];
        const wanted = new Array<number>(BLOCKS * BLOCK_SLOTS).fill(0);
        // Steps that were made before the column widened say the truth after it.
        for (const part of [written.slice(0, 40), written.slice(40)]) {
          for (const { slot, code } of part) {
            const fitting = Math.min(code, most);
            column.setRaw(slot, fitting);
            wanted[slot] = fitting;
          }
          expect(wanted.findIndex((code, slot) => column.raw(slot) !== code)).toBe(-1);
          for (const [step, truth] of steps) {
            const found = said(step);
            expect(wanted.findIndex((code, slot) => found[slot] !== truth(code))).toBe(-1);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test('of texts holds more than any width of its dictionary', () => {
    const column = columnOf('s');
    const step = textsTable(column, new Set(['t3', 't299', 't900']));
    for (const many of [2, 9, 200, 260, 1_000]) {
      for (let at = 0; at < many; at++) column.set(at, `t${at}`);
      expect(Array.from({ length: many }, (_, at) => column.valueAt(at))).toEqual(
        Array.from({ length: many }, (_, at) => `t${at}`),
      );
      const wanted = (at: number): number => (at >= many ? 0 : [3, 299, 900].includes(at) ? YES : NO);
      expect(said(step).findIndex((truth, at) => truth !== wanted(at))).toBe(-1);
    }
  });

  test('takes two bits for a yes or no, two bytes for days of this century and the last, and four for all there are', () => {
    const yes = columnOf('b');
    yes.set(0, 1);
    yes.set(1, 0);
    expect([yes.codes.bits, yes.valueAt(0), yes.valueAt(1), yes.valueAt(2)]).toEqual([2, 1, 0, undefined]);
    const born = columnOf('d');
    for (let at = 0; at < 4_000; at++) born.set(at, -14_000 + at * 8);
    expect(born.codes.bits).toBe(16);
    born.set(5_000, -60_000);
    expect([born.codes.bits, born.valueAt(5_000), born.valueAt(7)]).toEqual([32, -60_000, -13_944]);
  });
});
