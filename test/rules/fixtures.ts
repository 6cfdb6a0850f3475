/** Builders with defaults for the tests of rules. */
import type { EventType } from '../../domain/event.ts';
import { readFields } from '../../rules/catalogue.ts';
import type { CheckedRule } from '../../rules/check/rule.ts';
import { readRule } from '../../rules/check/rule.ts';

const labels = { ko: '이름', en: 'name', vi: 'tên' };
const common = { sensitivity: 'ordinary', agencies: ['*'], labels };
const values = (...names: string[]) => names.map((value) => ({ value, ko: value, en: value, vi: value }));
const lawful = { purpose: labels, legalBasis: labels };

/** A field of every type, and lists; `d2`, `i2` and `e2` stand beside their likes, so that fields can be compared with each other. */
export const fields = readFields({
  fields: [
    { ...common, name: 'd', type: 'date' },
    { ...common, name: 'd2', type: 'date' },
    { ...common, name: 'i', type: 'integer', min: 0, max: 10 },
    { ...common, name: 'i2', type: 'integer', min: -5, max: 70_000 },
    { ...common, name: 'n', type: 'number' },
    { ...common, name: 'b', type: 'boolean' },
    { ...common, name: 'e', type: 'enum', values: values('red', 'green', 'blue') },
    { ...common, name: 'e2', type: 'enum', values: values('red', 'green', 'grey') },
    { ...common, name: 's', type: 'string' },
    { ...common, name: 'tax', type: 'integer', min: 0, max: 9, agencies: ['nts'] },
    { ...common, name: 'ill', type: 'boolean', sensitivity: 'sensitive', ...lawful },
    {
      ...common,
      name: 'children',
      type: 'list',
      items: {
        id: { type: 'citizen', labels },
        birthDate: { type: 'date', labels },
        grade: { type: 'integer', min: 0, max: 12, labels },
        school: { type: 'enum', values: values('red', 'green', 'blue'), labels },
        town: { type: 'string', labels },
        weight: { type: 'number', labels },
        boards: { type: 'boolean', labels },
        secret: { type: 'boolean', labels, sensitivity: 'sensitive', ...lawful },
        taxed: { type: 'boolean', labels, agencies: ['nts'] },
      },
    },
    {
      ...common,
      name: 'tags',
      type: 'list',
      agencies: ['nts'],
      items: { n: { type: 'integer', min: 0, max: 9, labels } },
    },
  ],
});

export const eventType: EventType = {
  type: 'kr.test.opened',
  agency: 'test',
  sources: ['/test'],
  effect: 'opens',
  obligationKind: 'test',
  title: { ko: '시험', en: 'Test' },
  schema: {
    type: 'object',
    properties: {
      date: { type: 'string', format: 'date' },
      integer: { type: 'integer' },
      number: { type: 'number' },
      boolean: { type: 'boolean' },
      text: { type: 'string' },
      colour: { type: 'string', enum: ['red', 'green'] },
      integers: { type: 'array', items: { type: 'integer' } },
      texts: { type: 'array', items: { type: 'string' } },
      maybe: { type: ['integer', 'null'] },
      nested: { type: 'object', properties: { deep: { type: 'integer' } } },
    },
  },
  examples: [],
};

export function ruleFile(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'test-rule',
    agency: 'test',
    title: { ko: '시험', en: 'Test' },
    on: eventType.type,
    category: 'service',
    reach: 'certain',
    condition: { '==': [{ var: 'citizen.b' }, true] },
    stages: [{ kind: 'opened', anchor: 'event', offset: 'P0D' }],
    channels: ['sms'],
    templates: { opened: 'test-opened' },
    tests: [],
    ...more,
  };
}

export const context = {
  fields,
  eventType: (name: string) => (name === eventType.type ? eventType : undefined),
};

export function checked(condition: unknown, more: Record<string, unknown> = {}): CheckedRule {
  return readRule(ruleFile({ condition, ...more }), context);
}
