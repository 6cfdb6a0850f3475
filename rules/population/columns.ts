/**
 * One column of a shard: a catalogue field of every citizen, in blocks of 4,096 slots, as codes (codes.ts). Numbers with fractions are as
 * they are, NaN where missing. Over the synthetic population 22 B a citizen for 39 fields: half of them take two bits.
 */
import { FIRST_PROFILE_DAY, LAST_PROFILE_DAY, type ScalarField } from '../catalogue.ts';
import type { Source } from '../compile/closure.ts';
import { Codes } from './codes.ts';
import { type NextSection, textSection } from './packed.ts';
import type { Staged } from './staged.ts';

export { BLOCK_BITS, BLOCK_SLOTS, BLOCK_WORDS, type Block } from './codes.ts';

/** How values of a field become codes: code = value - base + 1, and the greatest there can be; Infinity for numbers and strings. */
export type Coding = { readonly base: number; readonly maxCode: number };

export function codingOf(field: ScalarField): Coding {
  switch (field.type) {
    case 'date':
      return { base: FIRST_PROFILE_DAY, maxCode: LAST_PROFILE_DAY - FIRST_PROFILE_DAY + 1 };
    case 'integer':
      return { base: field.min, maxCode: field.max - field.min + 1 };
    case 'boolean':
      return { base: 0, maxCode: 2 };
    case 'enum':
      // By place: the first value has code 1.
      return { base: 0, maxCode: field.values.length };
    default:
      return { base: 0, maxCode: Number.POSITIVE_INFINITY };
  }
}

/** What columns hold row by row: the citizens of a shard, or the items of a list. */
export type Rows = {
  /** One bit a row, a block's words together; rows that are not live are not looked at one by one. */
  readonly live: readonly Uint32Array[];
  column(field: ScalarField): Column;
  source(): Source<number>;
};

export class Column {
  readonly field: ScalarField;
  readonly codes: Codes;
  /** Texts by code - 1: an enumeration's values, or what was seen so far of a string field. */
  readonly texts: string[] = [];
  private readonly codeOf = new Map<string, number>();
  private readonly base: number;
  readonly maxCode: number;

  constructor(field: ScalarField) {
    this.field = field;
    const { base, maxCode } = codingOf(field);
    this.base = base;
    this.maxCode = maxCode;
    this.codes = new Codes(maxCode, field.type === 'number');
    if (field.type === 'enum') for (const value of field.values) this.codeOfText(value);
  }

  grow(): void {
    this.codes.grow();
  }

  /** A string not seen before gets the next code: a dictionary that only grows, meant for fields of few values (districts). */
  private codeOfText(text: string): number {
    let code = this.codeOf.get(text);
    if (code === undefined) {
      code = this.texts.push(text);
      this.codeOf.set(text, code);
    }
    return code;
  }

  get isText(): boolean {
    return this.field.type === 'enum' || this.field.type === 'string';
  }

  set(slot: number, value: number | string | undefined): void {
    this.codes.set(slot, this.rawOf(value));
  }

  /** A code, or a number. */
  setRaw(slot: number, raw: number): void {
    this.codes.set(slot, raw);
  }

  /** Writes what is staged of this column, whose place in the layout is `position`, in as many slots. */
  setStaged(slots: Int32Array, staged: Staged, position: number): void {
    const { rows, width, codes } = staged;
    const values = staged.texts[position] ?? staged.numbers[position];
    if (!values) this.codes.setMany(slots, rows, codes, position, width);
    else for (let row = 0; row < rows; row++) this.set(slots[row]!, values[row]);
  }

  /** The code of a value, or the number. */
  rawOf(value: number | string | undefined): number {
    if (typeof value === 'string') return this.codeOfText(value);
    if (this.field.type === 'number') return value ?? Number.NaN;
    return value === undefined ? 0 : value - this.base + 1;
  }

  get bytes(): number {
    return this.codes.bytes;
  }

  raw(slot: number): number {
    return this.codes.get(slot);
  }

  /** The value behind a code, as the language has it; NaN where missing. Not for texts. */
  numberOf(raw: number): number {
    if (this.field.type === 'number') return raw;
    return raw === 0 ? Number.NaN : raw + this.base - 1;
  }

  textOf(raw: number): string | undefined {
    return raw === 0 ? undefined : this.texts[raw - 1];
  }

  /** For closures: the value of whoever has a slot. */
  numbers(): (slot: number) => number {
    return (slot) => this.numberOf(this.raw(slot));
  }

  strings(): (slot: number) => string | undefined {
    return (slot) => this.textOf(this.raw(slot));
  }

  /** In a profile's terms; undefined where missing. */
  valueAt(slot: number): number | string | undefined {
    const raw = this.raw(slot);
    if (this.isText) return this.textOf(raw);
    const value = this.numberOf(raw);
    return Number.isNaN(value) ? undefined : value;
  }

  *sections(): Generator<Uint8Array> {
    if (this.field.type === 'string') yield textSection(this.texts);
    yield* this.codes.sections();
  }

  /** Takes over what `sections` gave, in an empty column. */
  async restore(next: NextSection): Promise<void> {
    if (this.field.type === 'string')
      for (const text of JSON.parse((await next()).toString()) as string[]) this.codeOfText(text);
    await this.codes.restore(next);
  }
}
