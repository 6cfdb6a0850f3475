/** The shape of a rule file. What stands in its expressions is typing.ts's to judge, so they are open here and never walked by ajv. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import type { Fault } from '../../domain/errors.ts';
import { CATEGORIES, CHANNELS } from '../../domain/statuses.ts';

const text = (maxLength: number): object => ({ type: 'string', minLength: 1, maxLength });
const NAME = '^[a-z0-9][a-z0-9-]{0,63}$';
const titles = {
  type: 'object',
  required: ['ko', 'en'],
  propertyNames: { pattern: '^[a-z]{2}$' },
  additionalProperties: text(200),
};

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
    id: { type: 'string', pattern: NAME },
    agency: { type: 'string', pattern: NAME },
    title: titles,
    on: { type: 'string', pattern: '^[a-z0-9]+([.-][a-z0-9]+)*$', maxLength: 200 },
    category: { enum: CATEGORIES },
    reach: { enum: ['certain', 'possible'] },
    condition: {},
    obligation: {
      type: 'object',
      additionalProperties: false,
      required: ['kind', 'ref'],
      properties: { kind: { type: 'string', pattern: NAME }, ref: {} },
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
          kind: { type: 'string', pattern: NAME, not: { const: 'corrected' } },
          anchor: {},
          offset: { type: 'string', pattern: '^-?P(?=[0-9])([0-9]{1,3}M)?([0-9]{1,3}W)?([0-9]{1,4}D)?$' },
          time: { type: 'string', pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$' },
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
        after: {
          type: 'string',
          pattern: '^P(?=[0-9T])([0-9]{1,2}D)?(T(?=[0-9])([0-9]{1,3}H)?([0-9]{1,4}M)?)?$',
        },
      },
    },
    overflow: { enum: ['inbox', ...CHANNELS] },
    templates: { type: 'object', additionalProperties: { type: 'string', pattern: NAME } },
    action: {
      type: 'object',
      additionalProperties: false,
      properties: {
        url: { type: 'string', pattern: '^https://[^\\s]+$', maxLength: 500 },
        tel: { type: 'string', pattern: '^[0-9+*#-]{3,20}$' },
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

function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats(ajv);
  return ajv;
}

const validateShape = newAjv().compile(RULE_SCHEMA);

function faultOf(error: ErrorObject, prefix: string): Fault {
  const { instancePath, params, keyword } = error;
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']).replaceAll('~', '~0').replaceAll('/', '~1');
    return { pointer: `${prefix}${instancePath}/${name}`, message: 'is not known here' };
  }
  if (keyword === 'required')
    return { pointer: `${prefix}${instancePath}/${params['missingProperty']}`, message: 'is missing' };
  const values = keyword === 'enum' ? `: ${(params['allowedValues'] as unknown[]).join(', ')}` : '';
  return { pointer: `${prefix}${instancePath}`, message: `${error.message ?? 'is not valid'}${values}` };
}

function faultsOf(validate: ValidateFunction, value: unknown, prefix: string): Fault[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) => faultOf(error, prefix));
}

/** What is wrong with the shape of a rule file; empty when nothing is. */
export function shapeFaults(json: unknown): Fault[] {
  return faultsOf(validateShape, json, '');
}

/** A checker of event data against an event type's schema; pointers start with `prefix`. */
export function dataChecker(schema: object): (data: unknown, prefix: string) => Fault[] {
  const validate = newAjv().compile(schema);
  return (data, prefix) => faultsOf(validate, data, prefix);
}
