/**
 * The field catalogue: what may be known about a citizen, by name, type, range, sensitivity and who may use it. Everything that reads
 * attributes (profiles, rules, templates) goes through it; a field outside it does not exist.
 */
import { AllimError, type Fault } from '../domain/errors.ts';
import { sigunguName } from '../domain/kr/regions.ts';
import { parseDay } from './calendar.ts';
import shipped from './catalogue.json' with { type: 'json' };

export const SENSITIVITIES = ['ordinary', 'personal', 'sensitive'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** The languages that rules are spoken of in. */
export const LANGUAGES = ['ko', 'en', 'vi'] as const;
export type Language = (typeof LANGUAGES)[number];
export type Labels = Readonly<Record<Language, string>>;

type Common = {
  readonly name: string;
  readonly sensitivity: Sensitivity;
  readonly labels: Labels;
  /** Agencies whose rules and templates may use it; `*` is all. */
  readonly agencies: readonly string[];
  /** What it may be used for and the law that says so; both wherever the field is sensitive. */
  readonly purpose?: Labels;
  readonly legalBasis?: Labels;
};

/** One that has one value a citizen (or an item) and stands in a column. */
export type ScalarField = Common &
  (
    | { readonly type: 'date' | 'boolean' | 'number' }
    | { readonly type: 'integer'; readonly min: number; readonly max: number }
    | {
        readonly type: 'enum';
        readonly values: readonly string[];
        /** By value; every one of `values` has its own. */
        readonly valueLabels: Readonly<Record<string, Labels>>;
      }
    /** Compared for equality only. `pattern` is a regular expression of ours, matched against the whole value. */
    | {
        readonly type: 'string';
        readonly pattern: RegExp | null;
        /** Which of the jurisdiction's codes it holds: their names are what people read. */
        readonly names?: 'sigungu';
      }
  );
/** Another citizen's id: only a member of an item, checked in a profile, outside the language of conditions and kept in no column. */
export type CitizenField = Common & { readonly type: 'citizen' };
/**
 * Items of one kind, at most MAX_ITEMS a citizen. Conditions read them with `some`, `all` and `none`. Members have the sensitivity and the
 * agencies of their list unless the catalogue gives them their own.
 */
export type ListField = Common & {
  readonly type: 'list';
  readonly items: Readonly<Record<string, ScalarField | CitizenField>>;
};
export type Field = ScalarField | ListField;
export type Fields = ReadonlyMap<string, Field>;

/** Dates in a profile; columns count days from the first. */
export const FIRST_PROFILE_DAY = parseDay('1800-01-01');
export const LAST_PROFILE_DAY = parseDay('2199-12-31');
export const MAX_TEXT = 64;
export const MAX_ITEMS = 20;

const NAME = /^[a-z][A-Za-z0-9]{0,39}$/;

type Say = (at: string, message: string) => void;

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function readLabels(given: unknown, at: string, say: Say): Labels {
  if (!isObject(given) || !LANGUAGES.every((l) => typeof given[l] === 'string' && given[l] !== ''))
    say(at, `must have ${LANGUAGES.join(', ')}`);
  return given as Labels;
}

/** `[{ "value": "F", "ko": "여성", "en": "female", "vi": "nữ" }, …]` */
function readValues(given: unknown, say: Say): { values: string[]; valueLabels: Record<string, Labels> } {
  const valueLabels = new Map<string, Labels>();
  if (!Array.isArray(given) || given.length === 0 || given.length > 254) say('/values', 'must be 1 to 254');
  else
    given.forEach((item: unknown, index) => {
      const at = `/values/${index}`;
      if (!isObject(item) || typeof item['value'] !== 'string' || item['value'] === '')
        say(at, 'must have a value and its labels');
      else {
        const { value, ...labels } = item;
        if (valueLabels.has(value as string)) say(at, 'is there twice');
        valueLabels.set(value as string, readLabels(labels, at, say));
      }
    });
  return { values: [...valueLabels.keys()], valueLabels: Object.fromEntries(valueLabels) };
}

function readCommon(given: Record<string, unknown>, say: Say): Common {
  const { name, agencies, sensitivity, purpose, legalBasis } = given;
  if (typeof name !== 'string' || !NAME.test(name)) say('/name', 'must be a name in camel case');
  if (!isTexts(agencies)) say('/agencies', 'must be a list of agencies');
  if (!SENSITIVITIES.includes(sensitivity as Sensitivity))
    say('/sensitivity', `must be one of ${SENSITIVITIES.join(', ')}`);
  if (sensitivity === 'sensitive' && (purpose === undefined || legalBasis === undefined))
    say('/purpose', 'and legalBasis must be given: the field is sensitive');
  return {
    name: name as string,
    labels: readLabels(given['labels'], '/labels', say),
    agencies: agencies as string[],
    sensitivity: sensitivity as Sensitivity,
    ...(purpose === undefined ? {} : { purpose: readLabels(purpose, '/purpose', say) }),
    ...(legalBasis === undefined ? {} : { legalBasis: readLabels(legalBasis, '/legalBasis', say) }),
  };
}

function readScalar(given: Record<string, unknown>, common: Common, say: Say): ScalarField | undefined {
  switch (given['type']) {
    case 'date':
    case 'boolean':
    case 'number':
      return { ...common, type: given['type'] };
    case 'integer': {
      const { min, max } = given;
      if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || (max as number) < (min as number))
        say('/min', 'an integer needs min and max');
      else if ((max as number) - (min as number) > 2 ** 30 - 2) say('/max', 'the range is over 2^30 values');
      return { ...common, type: 'integer', min: min as number, max: max as number };
    }
    case 'enum':
      return { ...common, type: 'enum', ...readValues(given['values'], say) };
    case 'string': {
      const { pattern, names } = given;
      if (pattern !== undefined && typeof pattern !== 'string') say('/pattern', 'must be a text');
      if (names !== undefined && names !== 'sigungu') say('/names', 'must be sigungu');
      return {
        ...common,
        type: 'string',
        pattern: typeof pattern === 'string' ? new RegExp(pattern, 'u') : null,
        ...(names === 'sigungu' ? { names } : {}),
      };
    }
    default:
      return undefined;
  }
}

function readItems(given: unknown, list: Common, say: Say): ListField['items'] {
  if (!isObject(given) || Object.keys(given).length === 0) {
    say('/items', 'must name the members of an item');
    return {};
  }
  const items: Record<string, ScalarField | CitizenField> = {};
  for (const [name, member] of Object.entries(given)) {
    const at = `/items/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const sayThere: Say = (inner, message) => say(`${at}${inner}`, message);
    if (!isObject(member)) {
      sayThere('', 'must be an object');
      continue;
    }
    const { sensitivity, agencies, purpose, legalBasis } = list;
    const inherited = { sensitivity, agencies, purpose, legalBasis, ...member, name };
    const common = readCommon(inherited, sayThere);
    const field =
      member['type'] === 'citizen'
        ? ({ ...common, type: 'citizen' } as const)
        : readScalar(member, common, sayThere);
    if (field === undefined)
      sayThere('/type', 'must be date, integer, number, boolean, enum, string or citizen');
    else items[name] = field;
  }
  return items;
}

function readField(given: unknown, pointer: string, faults: Fault[]): Field | undefined {
  const before = faults.length;
  const say: Say = (at, message) => faults.push({ pointer: `${pointer}${at}`, message });
  if (!isObject(given)) {
    say('', 'must be an object');
    return undefined;
  }
  const common = readCommon(given, say);
  const field: Field | undefined =
    given['type'] === 'list'
      ? { ...common, type: 'list', items: readItems(given['items'], common, say) }
      : readScalar(given, common, say);
  if (field === undefined) say('/type', 'must be date, integer, number, boolean, enum, string or list');
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
      { faults },
    );
  return fields;
}

/** The catalogue that ships with Allim. */
export function shippedFields(): Fields {
  return readFields(shipped);
}

/** What people read in place of a value; undefined where the value is its own word. */
export function valueName(field: Field, value: string, language: Language): string | undefined {
  if (field.type === 'enum') return field.valueLabels[value]?.[language];
  return field.type === 'string' && field.names === 'sigungu' ? sigunguName(value, language) : undefined;
}

/** The field as `GET /api/v1/fields` shows it. */
export function shownField(field: Field): unknown {
  const shown = (one: Field | CitizenField): unknown =>
    one.type === 'string' ? { ...one, pattern: one.pattern?.source ?? null } : one;
  if (field.type !== 'list') return shown(field);
  const items = Object.entries(field.items).map(([name, member]) => [name, shown(member)]);
  return { ...field, items: Object.fromEntries(items) };
}

export function mayUse(field: Field | CitizenField, agency: string): boolean {
  return field.agencies.includes('*') || field.agencies.includes(agency);
}

/** The members of a list's items that conditions may read and columns hold, in the order in which they stand there. */
export function scalarMembers(list: ListField): readonly ScalarField[] {
  return Object.values(list.items).filter((member): member is ScalarField => member.type !== 'citizen');
}
