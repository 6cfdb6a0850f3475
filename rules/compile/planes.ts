/**
 * The word loops of the column scan: what a leaf writes and how nodes combine, a block of 4,096 citizens at a time in two bit planes,
 * certainly true and certainly false; what is in neither is unknown. Hot: 3-5 ns a citizen and leaf, branch-free.
 */

import { NO, type RangeLeaf, YES } from '../lower/lowered.ts';
import { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS, type Block, type Codes } from '../population/codes.ts';
import type { Column } from '../population/columns.ts';
import type { Circumstances, Numbers } from './closure.ts';

/** Writes the planes of one block: bits of `yes` and `no` never overlap. A step keeps scratch planes and belongs to one scan. */
export type Step = (block: number, yes: Uint32Array, no: Uint32Array) => void;

export function constant(value: number): Step {
  const [sure, never] = [value === 1 ? -1 : 0, value === 0 ? -1 : 0];
  return (_, yes, no) => {
    yes.fill(sure);
    no.fill(never);
  };
}

/** Codes from `first` (1 at least, so never the missing 0) to `last` are true, other codes false, 0 unknown. */
export function range(column: Column, first: number, last: number): Step {
  const { codes } = column;
  return leaf(
    codes,
    (code) => (code === 0 ? 0 : code >= first && code <= last ? YES : NO),
    (block, yes, no) => {
      const below = Math.max(first - codes.origin, 1) - 1;
      rangeBlock(block, below, last - codes.origin + 1, yes, no);
    },
  );
}

/** Branch-free: comparisons are sign bits of differences. */
function rangeBlock(codes: Block, below: number, above: number, yes: Uint32Array, no: Uint32Array): void {
  for (let w = 0, at = 0; w < BLOCK_WORDS; w++) {
    let inside = 0;
    let known = 0;
    for (let bit = 0; bit < 32; bit++, at++) {
      const code = codes[at]! | 0;
      inside |= (((below - code) & (code - above)) >>> 31) << bit;
      known |= (-code >>> 31) << bit;
    }
    yes[w] = inside;
    no[w] = known & ~inside;
  }
}

type BlockScan = (block: Block, yes: Uint32Array, no: Uint32Array) => void;

/**
 * What `truth` says of each code (YES, NO, 0). Narrow columns are read a byte at a time, which is four, two or one of their citizens; wide
 * ones by `wide`. A column may widen, or get a new code, between two blocks.
 */
function leaf(codes: Codes, truth: (code: number) => number, wide: BlockScan): Step {
  let version = -1;
  let bytes: Uint8Array = new Uint8Array(0);
  return (number, yes, no) => {
    const block = codes.block(number);
    if (codes.bits > 8) {
      wide(block, yes, no);
      return;
    }
    if (version !== codes.version) {
      bytes = byByte(codes, truth);
      ({ version } = codes);
    }
    if (codes.bits === 8) tableBlock(block, bytes, yes, no);
    else narrowBlock(block as Uint8Array, bytes, 8 / codes.bits, yes, no);
  };
}

/** By byte of a block: low the bits of those who are certain, and above as many of those who are certainly not. */
function byByte(codes: Codes, truth: (code: number) => number): Uint8Array {
  const truths = codes.byPlace(truth);
  if (codes.bits === 8) return truths;
  const [each, mask] = [8 / codes.bits, (1 << codes.bits) - 1];
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    let found = 0;
    for (let at = 0; at < each; at++) {
      const of = truths[(byte >> (at * codes.bits)) & mask] ?? 0;
      found |= ((of & YES) << at) | ((of >> 1) << (each + at));
    }
    return found;
  });
}

function narrowBlock(
  block: Uint8Array,
  bytes: Uint8Array,
  each: number,
  yes: Uint32Array,
  no: Uint32Array,
): void {
  const mask = (1 << each) - 1;
  for (let w = 0, at = 0; w < BLOCK_WORDS; w++) {
    let sure = 0;
    let never = 0;
    for (let bit = 0; bit < 32; bit += each, at++) {
      const found = bytes[block[at]!]!;
      sure |= (found & mask) << bit;
      never |= (found >> each) << bit;
    }
    yes[w] = sure;
    no[w] = never;
  }
}

/** The same where only some codes have an answer: working days are known for some years. */
export function windowed(column: Column, { from, to, knownFrom, knownTo }: RangeLeaf): Step {
  const inside = range(column, from, to);
  const known = range(column, knownFrom, knownTo);
  const outside = new Uint32Array(BLOCK_WORDS);
  return (block, yes, no) => {
    known(block, no, outside);
    inside(block, yes, outside);
    for (let w = 0; w < BLOCK_WORDS; w++) no[w]! &= ~yes[w]!;
  };
}

export function known(column: Column): Step {
  const isThere = leaf(
    column.codes,
    (code) => (code === 0 ? NO : YES),
    column.field.type === 'number' ? knownNumbers : knownCodes,
  );
  return (block, yes, no) => {
    isThere(block, yes, no);
    for (let w = 0; w < BLOCK_WORDS; w++) no[w] = ~yes[w]!;
  };
}

function knownCodes(codes: Block, yes: Uint32Array): void {
  for (let w = 0, at = 0; w < BLOCK_WORDS; w++) {
    let word = 0;
    for (let bit = 0; bit < 32; bit++, at++) word |= (-codes[at]! >>> 31) << bit;
    yes[w] = word;
  }
}

function knownNumbers(values: Block, yes: Uint32Array): void {
  for (let w = 0, at = 0; w < BLOCK_WORDS; w++) {
    let word = 0;
    for (let bit = 0; bit < 32; bit++, at++) word |= Number(!Number.isNaN(values[at]!)) << bit;
    yes[w] = word;
  }
}

/** Numbers with fractions from `low` to `high` are true, others false; NaN is in neither comparison, and unknown. */
export function span(column: Column, low: number, high: number): Step {
  return (block, yes, no) => {
    spanBlock(column.codes.block(block) as Float64Array, low, high, yes, no);
  };
}

function spanBlock(values: Float64Array, low: number, high: number, yes: Uint32Array, no: Uint32Array): void {
  for (let w = 0, at = 0; w < BLOCK_WORDS; w++) {
    let inside = 0;
    let outside = 0;
    for (let bit = 0; bit < 32; bit++, at++) {
      const value = values[at]!;
      inside |= (Number(value >= low) & Number(value <= high)) << bit;
      outside |= (Number(value < low) | Number(value > high)) << bit;
    }
    yes[w] = inside;
    no[w] = outside;
  }
}

/** Texts have the codes that this shard gave them. */
export function textsTable(column: Column, texts: ReadonlySet<string>): Step {
  const { texts: all } = column;
  const truth = (code: number): number => (code === 0 ? 0 : texts.has(all[code - 1]!) ? YES : NO);
  const truths = (): Uint8Array => Uint8Array.from({ length: all.length + 1 }, (_, code) => truth(code));
  return byCode(column.codes, truth, truths, () => all.length);
}

export function table(column: Column, bits: Uint8Array): Step {
  return byCode(
    column.codes,
    (code) => bits[code]!,
    () => bits,
    () => bits.length - 1,
  );
}

/**
 * Of wide columns by what is stored; a table of that is made anew where the greatest code or the origin changed. It is cut from `truths`,
 * which are by code: a day of birth has eighty thousand, and each of them asked for alone took longer than judging a shard.
 */
function byCode(
  codes: Codes,
  truth: (code: number) => number,
  truths: () => Uint8Array,
  greatest: () => number,
): Step {
  let version = -1;
  let stored: Uint8Array = new Uint8Array(0);
  return leaf(codes, truth, (block, yes, no) => {
    const { origin } = codes;
    if (version !== codes.version || stored.length !== greatest() - origin + 1) {
      stored = truths().slice(origin);
      stored[0] = truth(0);
      ({ version } = codes);
    }
    tableBlock(block, stored, yes, no);
  });
}

function tableBlock(codes: Block, bits: Uint8Array, yes: Uint32Array, no: Uint32Array): void {
  for (let w = 0, at = 0; w < BLOCK_WORDS; w++) {
    let sure = 0;
    let never = 0;
    for (let bit = 0; bit < 32; bit++, at++) {
      const found = bits[codes[at]!]!;
      sure |= (found & YES) << bit;
      never |= (found >>> 1) << bit;
    }
    yes[w] = sure;
    no[w] = never;
  }
}

/** Asks a closure for each live row. */
export function slotBySlot(
  closure: Numbers<number>,
  live: readonly Uint32Array[],
  given: Circumstances,
): Step {
  return (block, yes, no) => {
    const alive = live[block]!;
    const start = block << BLOCK_BITS;
    yes.fill(0);
    no.fill(0);
    for (let at = 0; at < BLOCK_SLOTS; at++) {
      if (((alive[at >> 5]! >>> (at & 31)) & 1) === 0) continue;
      const value = closure(start + at, given);
      if (value === 1) yes[at >> 5]! |= 1 << (at & 31);
      else if (value === 0) no[at >> 5]! |= 1 << (at & 31);
    }
  };
}

/** Judges a block once, however often it is asked about it in a row. */
export function kept(step: Step): Step {
  const [keptYes, keptNo] = [new Uint32Array(BLOCK_WORDS), new Uint32Array(BLOCK_WORDS)];
  let judged = -1;
  return (block, yes, no) => {
    if (judged !== block) step(block, keptYes, keptNo);
    judged = block;
    yes.set(keptYes);
    no.set(keptNo);
  };
}

export function negated(step: Step): Step {
  return (block, yes, no) => step(block, no, yes);
}

/** True where all are, false where any is; a block that is false throughout is not looked at further. */
export function all(steps: readonly Step[]): Step {
  const moreYes = new Uint32Array(BLOCK_WORDS);
  const moreNo = new Uint32Array(BLOCK_WORDS);
  const [first, ...rest] = steps as [Step, ...Step[]];
  return (block, yes, no) => {
    first(block, yes, no);
    for (const step of rest) {
      let open = 0;
      for (let w = 0; w < BLOCK_WORDS; w++) open |= ~no[w]!;
      if (open === 0) return;
      step(block, moreYes, moreNo);
      for (let w = 0; w < BLOCK_WORDS; w++) {
        yes[w]! &= moreYes[w]!;
        no[w]! |= moreNo[w]!;
      }
    }
  };
}

export function any(steps: readonly Step[]): Step {
  return negated(all(steps.map(negated)));
}

/** Unknown which: an answer only where both ways agree (closure.ts says why). */
export function chosen(condition: Step, then: Step, otherwise: Step): Step {
  const planes = Array.from({ length: 4 }, () => new Uint32Array(BLOCK_WORDS)) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const [conditionYes, conditionNo, thenYes, thenNo] = planes;
  return (block, yes, no) => {
    condition(block, conditionYes, conditionNo);
    then(block, thenYes, thenNo);
    otherwise(block, yes, no);
    for (let w = 0; w < BLOCK_WORDS; w++) {
      const [y, n] = [yes[w]!, no[w]!];
      yes[w] = (conditionYes[w]! & thenYes[w]!) | (conditionNo[w]! & y) | (thenYes[w]! & y);
      no[w] = (conditionYes[w]! & thenNo[w]!) | (conditionNo[w]! & n) | (thenNo[w]! & n);
    }
  };
}
