/**
 * The field catalogue: what may be known about a citizen, by name, type, range, sensitivity and who may use it. Everything that reads
 * attributes (profiles, rules, templates) goes through it; a field outside it does not exist.
 */
import { readFileSync } from 'node:fs';
import { AllimError, type Fault } from '../domain/errors.ts';
import { parseDay } from './calendar.ts';

export const SENSITIVITIES = ['ordinary', 'personal', 'sensitive'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

type Common = {
  readonly name: string;
  readonly sensitivity: Sensitivity;
  readonly labels: { readonly ko: string; readonly en: string };
  /** Agencies whose rules and templates may use it; `*` is all. */
  readonly agencies: readonly string[];
};

/** One that has one value a citizen and stands in a column. */
export type ScalarField = Common &
  (
    | { readonly type: 'date' | 'boolean' | 'number' }
    | { readonly type: 'integer'; readonly min: number; readonly max: number }
    | { readonly type: 'enum'; readonly values: readonly string[] }
    /** Compared for equality only. `pattern` is a regular expression of ours, matched against the whole value. */
    | { readonly type: 'string'; readonly pattern: RegExp | null }
  );
/** Checked in a profile, and not in the language of conditions. */
export type ListField = Common & {
  readonly type: 'list';
  readonly items: Readonly<Record<string, 'citizen' | 'date'>>;
};
export type Field = ScalarField | ListField;
export type Fields = ReadonlyMap<string, Field>;

/** Dates in a profile; columns count days from the first. */
export const FIRST_PROFILE_DAY = parseDay('1800-01-01');
export const LAST_PROFILE_DAY = parseDay('2199-12-31');
export const MAX_TEXT = 64;

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function readField(given: unknown, pointer: string, faults: Fault[]): Field | undefined {
  const before = faults.length;
  const fault = (at: string, message: string): void => {
    faults.push({ pointer: `${pointer}${at}`, message });
  };
  if (!isObject(given)) {
    fault('', 'must be an object');
    return undefined;
  }
  const { name, labels, agencies, sensitivity } = given;
  if (typeof name !== 'string' || !NAME.test(name)) fault('/name', 'must be a name in camel case');
  if (!isObject(labels) || typeof labels['ko'] !== 'string' || typeof labels['en'] !== 'string')
    fault('/labels', 'must have ko and en');
  if (!isTexts(agencies)) fault('/agencies', 'must be a list of agencies');
  if (!SENSITIVITIES.includes(sensitivity as Sensitivity))
    fault('/sensitivity', `must be one of ${SENSITIVITIES.join(', ')}`);
  const common = { name, labels, agencies, sensitivity } as Common;
  let field: Field | undefined;
  switch (given['type']) {
    case 'date':
    case 'boolean':
    case 'number':
      field = { ...common, type: given['type'] };
      break;
    case 'integer': {
      const { min, max } = given;
      if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || (max as number) < (min as number))
        fault('/min', 'an integer needs min and max');
      else if ((max as number) - (min as number) > 2 ** 30 - 2)
        fault('/max', 'the range is over 2^30 values');
      else field = { ...common, type: 'integer', min: min as number, max: max as number };
      break;
    }
    case 'enum':
      if (!isTexts(given['values']) || given['values'].length === 0 || given['values'].length > 254)
        fault('/values', 'must be 1 to 254 texts');
      else field = { ...common, type: 'enum', values: given['values'] };
      break;
    case 'string':
      if (given['pattern'] !== undefined && typeof given['pattern'] !== 'string')
        fault('/pattern', 'must be a text');
      else
        field = {
          ...common,
          type: 'string',
          pattern: given['pattern'] ? new RegExp(given['pattern'], 'u') : null,
        };
      break;
    case 'list':
      if (!isObject(given['items'])) fault('/items', 'must name the members of an item');
      else field = { ...common, type: 'list', items: given['items'] as ListField['items'] };
      break;
    default:
      fault('/type', 'must be date, integer, number, boolean, enum, string or list');
  }
  return faults.length === before ? field : undefined;
}

/** Reads a catalogue, or says with pointers what is wrong with it (`config-invalid`). */
export function readFields(json: unknown): Fields {
  const faults: Fault[] = [];
  const fields = new Map<string, Field>();
  const given = isObject(json) ? json['fields'] : undefined;
  if (!Array.isArray(given)) faults.push({ pointer: '/fields', message: 'must be a list' });
  else
    given.forEach((item, index) => {
      const field = readField(item, `/fields/${index}`, faults);
      if (field === undefined) return;
      if (fields.has(field.name))
        faults.push({ pointer: `/fields/${index}/name`, message: 'is there twice' });
      fields.set(field.name, field);
    });
  if (faults.length > 0)
    throw new AllimError(
      'config-invalid',
      `the field catalogue: ${faults[0]!.pointer} ${faults[0]!.message}`,
      {
        faults,
      },
    );
  return fields;
}

/** The catalogue that ships with Allim. */
export function shippedFields(): Fields {
  return readFields(JSON.parse(readFileSync(new URL('./catalogue.json', import.meta.url), 'utf8')));
}

export function mayUse(field: Field, agency: string): boolean {
  return field.agencies.includes('*') || field.agencies.includes(agency);
}
