/** The shape of a rule file. What stands in its expressions is typing.ts's to judge, so they are open here and never walked by ajv. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { CATEGORIES, CHANNELS } from '../../domain/statuses.ts';
import { type RuleFault, refusal } from '../refusals.ts';
import { escapePointer } from './literals.ts';

const text = (maxLength: number): object => ({ type: 'string', minLength: 1, maxLength });
/** What is written in a certain way: whoever writes it otherwise is shown the examples, and never the pattern. */
const written = (pattern: string, ...examples: readonly string[]) => ({ type: 'string', pattern, examples });
const name = (...examples: readonly string[]) => written('^[a-z0-9][a-z0-9-]{0,63}$', ...examples);
const byLanguage = {
  type: 'object',
  propertyNames: { pattern: '^[a-z]{2}$' },
  additionalProperties: text(200),
};
const titles = { ...byLanguage, required: ['ko', 'en'] };

/** The stage of those who were told of an older version. */
const CORRECTED = 'corrected';

export const RULE_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: [
    'id',
    'agency',
    'title',
    'on',
    'category',
    'reach',
    'condition',
    'stages',
    'channels',
    'templates',
    'tests',
  ],
  properties: {
    id: name('nhis-general-checkup'),
    agency: name('nhis', 'local'),
    title: titles,
    on: { ...written('^[a-z0-9]+([.-][a-z0-9]+)*$', 'kr.nhis.checkup-window.opened'), maxLength: 200 },
    category: { enum: CATEGORIES },
    reach: { enum: ['certain', 'possible'] },
    condition: {},
    obligation: {
      type: 'object',
      additionalProperties: false,
      required: ['kind', 'ref'],
      properties: { kind: name('checkup', 'property-tax'), ref: {} },
    },
    deadline: {
      type: 'object',
      additionalProperties: false,
      required: ['at'],
      properties: { at: {}, ifDayOff: { enum: ['next', 'keep'] } },
    },
    stages: {
      type: 'array',
      minItems: 1,
      maxItems: 20,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['kind', 'anchor', 'offset'],
        properties: {
          kind: { ...name('opened', 'd7'), not: { const: CORRECTED } },
          anchor: {},
          offset: written('^-?P(?=[0-9])([0-9]{1,3}M)?([0-9]{1,3}W)?([0-9]{1,4}D)?$', '-P7D', 'P0D', '-P6M'),
          time: written('^([01][0-9]|2[0-3]):[0-5][0-9]$', '09:00'),
          workingDay: { enum: ['previous', 'next'] },
        },
      },
    },
    channels: { type: 'array', minItems: 1, uniqueItems: true, items: { enum: CHANNELS } },
    cascade: {
      type: 'object',
      additionalProperties: false,
      required: ['after'],
      properties: {
        after: written('^P(?=[0-9T])([0-9]{1,2}D)?(T(?=[0-9])([0-9]{1,3}H)?([0-9]{1,4}M)?)?$', 'PT4H', 'P1D'),
      },
    },
    overflow: { enum: ['inbox', ...CHANNELS] },
    templates: { type: 'object', additionalProperties: name('checkup-reminder') },
    action: {
      type: 'object',
      additionalProperties: false,
      properties: {
        url: { ...written('^https://[^\\s]+$', 'https://www.nhis.or.kr/'), maxLength: 500 },
        tel: written('^[0-9+*#-]{3,20}$', '1577-1000'),
      },
    },
    basis: { type: 'object', additionalProperties: text(500) },
    tests: {
      type: 'array',
      maxItems: 500,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'asOf', 'citizen', 'event', 'expect'],
        properties: {
          name: text(200),
          title: byLanguage,
          asOf: { type: 'string' },
          citizen: { type: 'object' },
          event: { type: 'object' },
          expect: { enum: ['certain', 'possible', 'no'] },
        },
      },
    },
  },
} as const;

/** ajv-formats is CommonJS: under Node its function is the module, under some loaders its `default`. */
const addFormats = ((addFormatsModule as unknown as { default?: unknown }).default ?? addFormatsModule) as (
  ajv: Ajv2020,
) => void;

/** `verbose`: errors bring the part of the schema that they come from. */
function newAjv(verbose: boolean): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false, verbose });
  addFormats(ajv);
  return ajv;
}

const validateShape = newAjv(true).compile(RULE_SCHEMA);

/** An input that is wrong in a hundred thousand places is told of the first. */
const TOLD = 200;

function faultsOf(validate: ValidateFunction, value: unknown, prefix: string): RuleFault[] {
  if (validate(value)) return [];
  // Of a name the error that tells which one follows the one that tells what is wrong with it.
  const told = (validate.errors ?? []).filter(({ propertyName }) => propertyName === undefined);
  return told.slice(0, TOLD).map((error) => faultOf(error, prefix));
}

/** How what is of a format is written. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  date: ['2026-12-31'],
  time: ['18:00:00+09:00'],
  'date-time': ['2026-12-31T18:00:00+09:00'],
  email: ['name@example.kr'],
  uri: ['https://www.example.kr/notice'],
};

function faultOf(
  { instancePath, params, keyword, message, parentSchema }: ErrorObject,
  prefix: string,
): RuleFault {
  const at = `${prefix}${instancePath}`;
  if (keyword === 'additionalProperties' || keyword === 'propertyNames') {
    const member = String(params['additionalProperty'] ?? params['propertyName']);
    return refusal('shape-unknown-member', `${at}/${escapePointer(member)}`, member);
  }
  if (keyword === 'required') {
    const member = String(params['missingProperty']);
    return refusal('shape-missing-member', `${at}/${escapePointer(member)}`, member);
  }
  switch (keyword) {
    case 'enum':
      return refusal('shape-value', at, params['allowedValues'] as string[]);
    case 'type':
      // Of several the first: null is the other, where there is another.
      return refusal('shape-type', at, String([params['type']].flat()[0]));
    case 'pattern':
      return refusal('shape-written', at, (parentSchema?.['examples'] ?? []) as readonly string[]);
    case 'format':
      return refusal('shape-written', at, FORMATS[String(params['format'])] ?? []);
    case 'minimum':
      return refusal('shape-too-small', at, Number(params['limit']));
    case 'maximum':
      return refusal('shape-too-large', at, Number(params['limit']));
    case 'not':
      return refusal('stage-reserved', at, CORRECTED);
    case 'minLength':
    case 'minItems':
      return refusal('shape-too-few', at, Number(params['limit']));
    case 'maxLength':
    case 'maxItems':
      return refusal('shape-too-many', at, Number(params['limit']));
    case 'uniqueItems':
      return refusal('shape-repeated', at);
    default:
      return refusal('shape-wrong', at, message ?? 'is not valid');
  }
}

/** What is wrong with the shape of a rule file; empty when nothing is. */
export function shapeFaults(json: unknown): RuleFault[] {
  return faultsOf(validateShape, json, '');
}

/** One for all event types: each of its own would compile the language of schemas first, 20 ms a time. */
const ajv = newAjv(false);

/** By schema, for as long as somebody holds it: a draft is checked again after every pause of who types. */
const compiled = new WeakMap<object, ValidateFunction>();

function compileOnce(schema: object): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  try {
    const validate = ajv.compile(schema);
    compiled.set(schema, validate);
    return validate;
  } finally {
    // The compiler would keep what it compiled for ever; admitted schemas have no names by which two could meet.
    ajv.removeSchema(schema);
  }
}

/** A checker of event data against an event type's schema, which nobody changes afterwards; pointers start with `prefix`. */
export function dataChecker(schema: object): (data: unknown, prefix: string) => RuleFault[] {
  const validate = compileOnce(schema);
  return (data, prefix) => faultsOf(validate, data, prefix);
}
