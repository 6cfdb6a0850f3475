/** The shape of a rule file. What stands in its expressions is typing.ts's to judge, so they are open here and never walked by ajv. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormatsModule from 'ajv-formats';
import { CATEGORIES, CHANNELS } from '../../domain/statuses.ts';
import { type RuleFault, refusal } from '../refusals.ts';
import { escapePointer } from './literals.ts';

const text = (maxLength: number): object => ({ type: 'string', minLength: 1, maxLength });
const NAME = '^[a-z0-9][a-z0-9-]{0,63}$';
const byLanguage = {
  type: 'object',
  propertyNames: { pattern: '^[a-z]{2}$' },
  additionalProperties: text(200),
};
const titles = { ...byLanguage, required: ['ko', 'en'] };

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

function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, strict: false });
  addFormats(ajv);
  return ajv;
}

const validateShape = newAjv().compile(RULE_SCHEMA);

/** An input that is wrong in a hundred thousand places is told of the first. */
const TOLD = 200;

/** `wrong` words what is neither unknown nor missing. */
function faultsOf(
  validate: ValidateFunction,
  value: unknown,
  prefix: string,
  wrong: 'shape-wrong' | 'test-event-invalid',
): RuleFault[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).slice(0, TOLD).map((error) => faultOf(error, prefix, wrong));
}

function faultOf(
  { instancePath, params, keyword, message }: ErrorObject,
  prefix: string,
  wrong: 'shape-wrong' | 'test-event-invalid',
): RuleFault {
  const at = `${prefix}${instancePath}`;
  if (keyword === 'additionalProperties') {
    const name = String(params['additionalProperty']);
    return refusal('shape-unknown-member', `${at}/${escapePointer(name)}`, name);
  }
  if (keyword === 'required') {
    const name = String(params['missingProperty']);
    return refusal('shape-missing-member', `${at}/${escapePointer(name)}`, name);
  }
  if (wrong === 'test-event-invalid') return refusal(wrong, at, message ?? 'is not valid');
  switch (keyword) {
    case 'enum':
      return refusal('shape-value', at, params['allowedValues'] as string[]);
    case 'type':
      return refusal('shape-type', at, String(params['type']));
    case 'pattern':
      return refusal('shape-written', at, String(params['pattern']));
    case 'format':
      return refusal('shape-written', at, String(params['format']));
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
  return faultsOf(validateShape, json, '', 'shape-wrong');
}

/** A checker of event data against an event type's schema; pointers start with `prefix`. */
export function dataChecker(schema: object): (data: unknown, prefix: string) => RuleFault[] {
  const validate = newAjv().compile(schema);
  return (data, prefix) => faultsOf(validate, data, prefix, 'test-event-invalid');
}
