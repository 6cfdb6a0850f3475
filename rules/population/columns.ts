/**
 * One column of a shard: a catalogue field of every citizen, in blocks of 4,096 slots, as small integers. Code 0 is missing, so validity
 * needs no plane of its own and a leaf tests value and validity in one load. Numbers with fractions are Float64 with NaN as missing.
 * Bytes a citizen: date 4, number 8, boolean and enum 1, integer 1, 2 or 4 by its range, text by how many there are.
 */
import { FIRST_PROFILE_DAY, LAST_PROFILE_DAY, type ScalarField } from '../catalogue.ts';
import type { Source } from '../compile/closure.ts';
import { type NextSection, packed, textSection, unpacked } from './packed.ts';

export const BLOCK_BITS = 12;
export const BLOCK_SLOTS = 1 << BLOCK_BITS;
export const BLOCK_WORDS = BLOCK_SLOTS / 32;

export type Block = Uint8Array | Uint16Array | Int32Array | Float64Array;

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
  /** All of one kind. */
  readonly blocks: Block[] = [];
  /** Texts by code - 1: an enumeration's values, or what was seen so far of a string field. */
  readonly texts: string[] = [];
  private readonly codes = new Map<string, number>();
  private readonly base: number;
  readonly maxCode: number;

  constructor(field: ScalarField) {
    this.field = field;
    const { base, maxCode } = codingOf(field);
    this.base = base;
    this.maxCode = maxCode;
    if (field.type === 'enum') for (const value of field.values) this.codeOfText(value);
  }

  grow(): void {
    if (this.field.type === 'number') this.blocks.push(new Float64Array(BLOCK_SLOTS).fill(Number.NaN));
    else this.blocks.push(new this.codeArray(BLOCK_SLOTS));
  }

  /** What holds all codes that there can be; of texts, all that there are so far. */
  private get codeArray() {
    const most = this.field.type === 'string' ? this.texts.length : this.maxCode;
    return most <= 0xff ? Uint8Array : most <= 0xffff ? Uint16Array : Int32Array;
  }

  /** Bytes of one value. */
  get width(): number {
    return this.field.type === 'number' ? 8 : this.codeArray.BYTES_PER_ELEMENT;
  }

  /** A string not seen before gets the next code: a dictionary that only grows, meant for fields of few values (districts). */
  private codeOfText(text: string): number {
    let code = this.codes.get(text);
    if (code === undefined) {
      code = this.texts.push(text);
      this.codes.set(text, code);
      // A few milliseconds for a million citizens, twice in the life of a column.
      if (code === 0x100 || code === 0x10000)
        this.blocks.forEach((block, at) => {
          this.blocks[at] = this.codeArray.from(block);
        });
    }
    return code;
  }

  get isText(): boolean {
    return this.field.type === 'enum' || this.field.type === 'string';
  }

  set(slot: number, value: number | string | undefined): void {
    // First the code: a new text may put wider blocks in the place of these.
    const raw = this.rawOf(value);
    this.blocks[slot >> BLOCK_BITS]![slot & (BLOCK_SLOTS - 1)] = raw;
  }

  /** As it stands in a block. */
  setRaw(slot: number, raw: number): void {
    this.blocks[slot >> BLOCK_BITS]![slot & (BLOCK_SLOTS - 1)] = raw;
  }

  /** What stands in a block for a value. */
  rawOf(value: number | string | undefined): number {
    if (typeof value === 'string') return this.codeOfText(value);
    if (this.field.type === 'number') return value ?? Number.NaN;
    return value === undefined ? 0 : value - this.base + 1;
  }

  get bytes(): number {
    return this.blocks.reduce((sum, block) => sum + block.byteLength, 0);
  }

  raw(slot: number): number {
    return this.blocks[slot >> BLOCK_BITS]![slot & (BLOCK_SLOTS - 1)]!;
  }

  /** The value behind a code, as the language has it; NaN where missing. Not for texts. */
  numberOf(raw: number): number {
    if (this.field.type === 'number') return raw;
    return raw === 0 ? Number.NaN : raw + this.base - 1;
  }

  textOf(raw: number): string | undefined {
    return raw === 0 ? undefined : this.texts[raw - 1];
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
    yield* packed(this.blocks);
  }

  /** Takes over what `sections` gave, of so many blocks, in an empty column. */
  async restore(next: NextSection, blocks: number): Promise<void> {
    if (this.field.type === 'string')
      for (const text of JSON.parse((await next()).toString()) as string[]) this.codeOfText(text);
    const Codes = this.field.type === 'number' ? Float64Array : this.codeArray;
    const bytes = BLOCK_SLOTS * Codes.BYTES_PER_ELEMENT;
    for (const block of await unpacked(next, new Array(blocks).fill(bytes)))
      this.blocks.push(new Codes(block.buffer as ArrayBuffer, block.byteOffset, BLOCK_SLOTS));
  }
}
