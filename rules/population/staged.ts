/**
 * Profiles that were read and stand in no column yet, a row each, so that a column is written for many citizens in one loop: one kind of
 * array, one width and no calls, and their cache lines are waited for together. Written a profile at a time forty columns took four times
 * as long.
 */
import type { Column } from './columns.ts';
import type { Item, Layout, Profile } from './profile.ts';

/** Few enough that all rows stay in the first cache, enough that a column's loop is worth its beginning. */
export const STAGED_ROWS = 128;

export class Staged {
  /** Rows that are whole. Who reads writes the one behind them. */
  rows = 0;
  /** Of a row in `codes`: one for each scalar of the layout. */
  readonly width: number;
  /** Row by row; 0 is missing. Nothing of numbers and strings. */
  readonly codes: Int32Array;
  /** By scalar and row, of numbers alone; NaN is missing. */
  readonly numbers: readonly (Float64Array | null)[];
  /** By scalar and row, of strings alone. */
  readonly texts: readonly ((string | undefined)[] | null)[];
  /** By list and row. */
  readonly items: readonly (readonly Item[] | undefined)[][];
  private readonly withNumbers: readonly Float64Array[];
  private readonly withTexts: readonly (string | undefined)[][];

  constructor({ scalars, lists }: Layout) {
    const places = <T>(value: T): T[] => new Array<T>(STAGED_ROWS).fill(value);
    this.width = scalars.length;
    this.codes = new Int32Array(STAGED_ROWS * scalars.length);
    this.numbers = scalars.map(({ type }) => (type === 'number' ? new Float64Array(STAGED_ROWS) : null));
    this.texts = scalars.map(({ type }) =>
      type === 'string' ? places<string | undefined>(undefined) : null,
    );
    this.items = lists.map(() => places<readonly Item[] | undefined>(undefined));
    this.withNumbers = this.numbers.filter((one) => one !== null);
    this.withTexts = this.texts.filter((one) => one !== null);
  }

  /** Makes the row behind the whole ones one of a citizen of whom nothing is known; where it begins in `codes`. */
  begin(): number {
    const { rows, width, codes } = this;
    const from = rows * width;
    for (let at = from; at < from + width; at++) codes[at] = 0;
    for (const numbers of this.withNumbers) numbers[rows] = Number.NaN;
    for (const texts of this.withTexts) texts[rows] = undefined;
    for (const items of this.items) items[rows] = undefined;
    return from;
  }

  /** Makes it one of a profile that was read as a whole; `columns` are the layout's. */
  put({ values, lists }: Profile, columns: readonly Column[]): void {
    const from = this.begin();
    const { rows, codes, texts, numbers, items } = this;
    for (const [i, column] of columns.entries()) {
      const value = values[i];
      if (texts[i]) texts[i][rows] = value as string | undefined;
      else if (numbers[i]) numbers[i][rows] = (value as number | undefined) ?? Number.NaN;
      else codes[from + i] = column.rawOf(value);
    }
    for (const [i, list] of lists.entries()) items[i]![rows] = list;
  }
}
