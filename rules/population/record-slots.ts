/** How the fields of a catalogue stand in a binary profile (profile-record.ts): their widths, codes and texts. */
import { AllimError } from '../../domain/errors.ts';
import { type CitizenField, MAX_TEXT, type ScalarField } from '../catalogue.ts';
import { codingOf } from './columns.ts';
import type { Item } from './profile.ts';

/** A u8 of length and as many bytes as 64 characters may have. */
const MAX_TEXT_BYTES = 1 + 3 * MAX_TEXT;

/** A scalar field as it stands in a record. */
export type Slot = {
  readonly field: ScalarField | CitizenField;
  /** Where a fault in it is; made once, since nearly no field has one. */
  readonly pointer: string;
  /** Bytes; 0 where a length comes first. */
  readonly width: number;
  readonly base: number;
  readonly maxCode: number;
  /** By code - 1. */
  readonly values: readonly string[] | null;
  readonly codes: ReadonlyMap<string, number> | null;
  /** Short texts that were found right, by their bytes as a number. */
  readonly cached: Map<number, string>;
};

export function slotOf(field: ScalarField | CitizenField): Slot {
  const plain = {
    field,
    pointer: `/${field.name}`,
    width: 0,
    base: 0,
    maxCode: 0,
    values: null,
    codes: null,
    cached: new Map<number, string>(),
  };
  if (field.type === 'citizen' || field.type === 'string') return plain;
  if (field.type === 'number') return { ...plain, width: 8 };
  const { base, maxCode } = codingOf(field);
  const width = maxCode <= 0xff ? 1 : maxCode <= 0xffff ? 2 : maxCode <= 0xff_ffff ? 3 : 4;
  const values = field.type === 'enum' ? field.values : null;
  const codes = values === null ? null : new Map(values.map((value, index) => [value, index + 1]));
  return { ...plain, width, base, maxCode, values, codes };
}

/** The pointer is the field's; never a value. */
export function refusal(pointer: string, message: string): AllimError {
  return new AllimError('profile-invalid', `the profile: ${pointer} ${message}`, {
    faults: [{ pointer, message }],
  });
}

export const largest = (slots: readonly Slot[]): number =>
  slots.reduce((sum, { width }) => sum + (width || MAX_TEXT_BYTES), (slots.length + 7) >> 3);

export function valueBehind({ field, values, base }: Slot, raw: number): number | string {
  if (field.type === 'number') return raw;
  return values === null ? raw + base - 1 : values[raw - 1]!;
}

export function writeScalar(
  record: Buffer,
  at: number,
  slot: Slot,
  value: number | string,
  pointer: string,
): number {
  if (slot.width === 8) return record.writeDoubleLE(value as number, at);
  if (slot.width > 0) {
    const code = typeof value === 'string' ? slot.codes!.get(value)! : value - slot.base + 1;
    return record.writeUIntLE(code, at, slot.width);
  }
  if (!(value as string).isWellFormed()) throw refusal(pointer, 'is not a text that the field may have');
  const length = record.write(value as string, at + 1);
  record[at] = length;
  return at + 1 + length;
}

/** Members stand in items without the citizens, whose ids only the JSON has. */
export function writeItem(
  record: Buffer,
  start: number,
  slots: readonly Slot[],
  item: Item,
  given: Readonly<Record<string, string>>,
  pointer: string,
): number {
  let at = start + ((slots.length + 7) >> 3);
  let member = 0;
  slots.forEach((slot, i) => {
    const value = slot.field.type === 'citizen' ? given[slot.field.name] : item[member++];
    if (value === undefined) return;
    record[start + (i >> 3)]! |= 1 << (i & 7);
    at = writeScalar(record, at, slot, value, `${pointer}/${slot.field.name}`);
  });
  return at;
}
