/** Which changes of an event type's schema keep every old event valid. An oracle apart tries values against both. */
import { describe, expect, test } from '@jest/globals';
import { createSchemaCompiler } from '../../domain/event-types.ts';
import { narrowingFaults } from '../../domain/schema-evolution.ts';

type Schema = Record<string, unknown>;
const compiler = createSchemaCompiler();
const pointers = (before: Schema, after: Schema) =>
  narrowingFaults(before, after, '/schema', compiler).map((fault) => fault.pointer);
const closed = (properties: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...more,
});
const a = (schema: Schema): Schema => closed({ a: schema });

describe('a schema may become', () => {
  test.each<[string, Schema, Schema]>([
    ['the same', a({ type: 'string', pattern: '^a$' }), a({ type: 'string', pattern: '^a$' })],
    [
      'the same in another order, with values that never fit',
      a({ type: 'string', enum: ['x', 1] }),
      a({ enum: ['x', 1], type: 'string' }),
    ],
    ['one with a new optional member, where others were forbidden', closed({}), a({ type: 'string' })],
    ['one that asks for less', closed({ a: {} }, { required: ['a'] }), closed({ a: {} })],
    ['open', closed({ a: {} }), { type: 'object' }],
    ['wider in type', a({ type: 'integer' }), a({ type: 'number' })],
    ['nullable', a({ type: 'string' }), a({ type: ['string', 'null'] })],
    ['longer in its values', a({ type: 'string', enum: ['x'] }), a({ type: 'string', enum: ['y', 'x'] })],
    [
      'free of values that all fit it',
      a({ type: 'string', enum: ['x', 'yy'] }),
      a({ type: 'string', maxLength: 2 }),
    ],
    ['wider in range', a({ type: 'integer', minimum: 1 }), a({ type: 'integer', exclusiveMinimum: 0 })],
    ['wider in length', a({ type: 'string', maxLength: 5 }), a({ type: 'string', maxLength: 6 })],
    ['free of a pattern', a({ type: 'string', pattern: '^a$' }), a({ type: 'string' })],
    ['one of more items', a({ type: 'array', maxItems: 1 }), a({ type: 'array', maxItems: 2 })],
    ['one of smaller steps', a({ type: 'integer', multipleOf: 6 }), a({ type: 'integer', multipleOf: 3 })],
    [
      'stricter about a type that it did not admit',
      a({ type: 'integer' }),
      a({ type: ['integer', 'string'], minLength: 3 }),
    ],
    ['described in other words', closed({}, { title: 'x' }), closed({}, { title: 'y', examples: [1] })],
  ])('%s', (_name, before, after) => {
    expect(pointers(before, after)).toEqual([]);
  });
});

describe('a schema may not', () => {
  test.each<[string, Schema, Schema, string]>([
    ['require a member more', closed({ a: {} }), closed({ a: {} }, { required: ['a'] }), '/required/0'],
    ['forbid members that were free', { type: 'object' }, closed({}), '/additionalProperties'],
    ['drop a member that it had named', a({ type: 'string' }), closed({}), '/properties/a'],
    [
      'say what a free member must be',
      { type: 'object' },
      { type: 'object', properties: { 'a/b': { type: 'string' } } },
      '/properties/a~1b',
    ],
    ['narrow a type', a({ type: 'number' }), a({ type: 'integer' }), '/properties/a/type'],
    ['drop a branch of a type', a({ type: ['string', 'null'] }), a({ type: 'string' }), '/properties/a/type'],
    ['name a type where there was none', a({}), a({ type: 'string' }), '/properties/a/type'],
    ['drop a value', a({ enum: ['x', 'y'] }), a({ enum: ['x'] }), '/properties/a/enum'],
    [
      'name values where all were free',
      a({ type: 'string' }),
      a({ type: 'string', enum: ['x'] }),
      '/properties/a/enum',
    ],
    ['fix a value', a({ type: 'string' }), a({ type: 'string', const: 'x' }), '/properties/a/const'],
    [
      'raise a minimum',
      a({ type: 'integer', minimum: 1 }),
      a({ type: 'integer', minimum: 2 }),
      '/properties/a/minimum',
    ],
    [
      'exclude a minimum',
      a({ type: 'integer', minimum: 1 }),
      a({ type: 'integer', exclusiveMinimum: 1 }),
      '/properties/a/exclusiveMinimum',
    ],
    ['lower a maximum', a({ type: 'integer' }), a({ type: 'integer', maximum: 9 }), '/properties/a/maximum'],
    [
      'exclude a maximum',
      a({ type: 'number', maximum: 9 }),
      a({ type: 'number', exclusiveMaximum: 9 }),
      '/properties/a/exclusiveMaximum',
    ],
    [
      'take greater steps',
      a({ type: 'integer', multipleOf: 3 }),
      a({ type: 'integer', multipleOf: 6 }),
      '/properties/a/multipleOf',
    ],
    [
      'ask for longer texts',
      a({ type: 'string' }),
      a({ type: 'string', minLength: 1 }),
      '/properties/a/minLength',
    ],
    [
      'ask for shorter texts',
      a({ type: 'string', maxLength: 5 }),
      a({ type: 'string', maxLength: 4 }),
      '/properties/a/maxLength',
    ],
    [
      'have another pattern, since two cannot be compared',
      a({ type: 'string', pattern: '^a$' }),
      a({ type: 'string', pattern: '^[ab]$' }),
      '/properties/a/pattern',
    ],
    ['have a format', a({ type: 'string' }), a({ type: 'string', format: 'date' }), '/properties/a/format'],
    [
      'narrow an item',
      a({ type: 'array', items: { type: 'number' } }),
      a({ type: 'array', items: { type: 'integer' } }),
      '/properties/a/items/type',
    ],
    [
      'say what a free item must be',
      a({ type: 'array' }),
      a({ type: 'array', items: { type: 'integer' } }),
      '/properties/a/items/type',
    ],
    [
      'ask for items that differ',
      a({ type: 'array' }),
      a({ type: 'array', maxItems: 9, uniqueItems: true }),
      '/properties/a/uniqueItems',
    ],
    [
      'narrow far inside',
      a(a({ type: 'string', maxLength: 2 })),
      a(a({ type: 'string', maxLength: 1 })),
      '/properties/a/properties/a/maxLength',
    ],
    ['say what cannot be compared', a({}), a({ anyOf: [{}] }), '/properties/a/anyOf'],
  ])('%s', (_name, before, after, pointer) => {
    expect(pointers(before, after)).toContain(`/schema${pointer}`);
  });
});

test('of all pairs of small schemas, none is let through under which a value that was valid is not', () => {
  const parts: Schema[] = [
    {},
    { type: 'string' },
    { type: 'integer' },
    { type: 'number' },
    { type: ['string', 'null'] },
    { enum: [1, 'a'] },
    { type: 'string', enum: ['a'] },
    { const: 2 },
    { type: 'integer', minimum: 1 },
    { type: 'number', exclusiveMinimum: 0, maximum: 2 },
    { type: 'integer', multipleOf: 2 },
    { type: 'string', minLength: 2 },
    { type: 'string', pattern: '^a+$' },
    { type: 'array', items: { type: 'integer' }, maxItems: 1 },
    { type: 'array' },
  ];
  const schemas = parts.flatMap((part): Schema[] => [
    { type: 'object', properties: { a: part } },
    closed({ a: part }),
    closed({ a: part }, { required: ['a'] }),
  ]);
  const values: unknown[] = [1, 2, 0.5, 0, -1, 4, 'a', 'aa', 'b', '', null, true, [], [1], [1, 2], ['a'], {}];
  const events = [{}, { b: 1 }, ...values.map((value) => ({ a: value })), { a: 1, b: 1 }];
  const valid = schemas.map((schema) => {
    const validate = createSchemaCompiler().compile(schema);
    return events.map((event) => validate(event));
  });
  let admitted = 0;
  for (const [i, before] of schemas.entries())
    for (const [j, after] of schemas.entries()) {
      if (pointers(before, after).length > 0) continue;
      admitted++;
      const lost = events.filter((_, at) => valid[i]![at] && !valid[j]![at]);
      expect({ before, after, lost }).toEqual({ before, after, lost: [] });
    }
  // The same, open ones of closed ones, wider ones of narrower ones.
  expect(admitted).toBeGreaterThan(schemas.length * 3);
});
