/** Event types as agencies give them: one must neither break nor slow down the others. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import type { EventType } from '../../domain/event.ts';
import { compileEventTypes, parseEventType } from '../../domain/event-types.ts';

const CATALOGUE = path.join(import.meta.dirname, '../../producers/catalogue');
const shipped = readdirSync(CATALOGUE).map(
  (file) => JSON.parse(readFileSync(path.join(CATALOGUE, file), 'utf8')) as EventType,
);
const withSchema = (schema: Record<string, unknown>, more: Partial<EventType> = {}): EventType => ({
  type: 'kr.x.y',
  agency: 'x',
  sources: ['/x'],
  effect: 'informs',
  title: { ko: '가', en: 'a' },
  schema: { type: 'object', ...schema },
  examples: [{}],
  ...more,
});
const text = (more: Record<string, unknown>) => ({ properties: { a: { type: 'string', ...more } } });

describe('compiled types', () => {
  test.each([
    ['a name for all', { $id: 'https://x.example/s' }, '/schema/$id'],
    ['a pattern that takes for ever', text({ pattern: '^(a+)+$' }), '/schema/properties/a/pattern'],
    ['a keyword that combines', { anyOf: [{}] }, '/schema/anyOf'],
  ])(
    'that were saved with %s are refused at load, and so are their events, with the reason',
    (_, schema, place) => {
      const out: string[] = [];
      const types = compileEventTypes([withSchema(schema), ...shipped], (type) => out.push(type.type));
      expect(out).toEqual(['kr.x.y']);
      expect(types.all).toEqual(shipped);
      const event = { specversion: '1.0', id: '1', source: '/x', type: 'kr.x.y', data: {} } as const;
      expect(() => types.check(event)).toThrow(
        expect.objectContaining({ code: 'event-type-refused', message: expect.stringContaining(place) }),
      );
    },
  );

  test('that do not compile are left out, the others stand', () => {
    const out: string[] = [];
    const broken = withSchema({ required: 3 });
    const types = compileEventTypes([broken, ...shipped], (type) => out.push(type.type));
    expect(out).toEqual(['kr.x.y']);
    expect(types.get('kr.x.y')).toBeUndefined();
    expect(types.all).toEqual(shipped);
  });
});

function faultsOf(type: EventType): readonly string[] {
  try {
    parseEventType(type);
    return [];
  } catch (error) {
    if (error instanceof AllimError && error.code === 'event-invalid')
      return error.faults.map((fault) => fault.pointer);
    throw error;
  }
}
const nested = (depth: number): Record<string, unknown> =>
  Array.from({ length: depth }).reduce<Record<string, unknown>>(
    (inner) => ({ type: 'object', properties: { a: inner } }),
    { type: 'string' },
  );

describe('a schema', () => {
  test.each(shipped.map((type) => [type.type, type] as const))('as shipped for %s passes', (_, type) => {
    expect(faultsOf(type)).toEqual([]);
  });

  test.each([
    [{ $id: 'https://x.example/s' }, '/schema/$id'],
    [{ $anchor: 'a' }, '/schema/$anchor'],
    [{ $dynamicAnchor: 'a' }, '/schema/$dynamicAnchor'],
    [text({ $dynamicRef: '#a' }), '/schema/properties/a/$dynamicRef'],
    [text({ $ref: '#' }), '/schema/properties/a/$ref'],
    [{ properties: { 'a/b': { type: 'string', not: {} } } }, '/schema/properties/a~1b/not'],
    [{ additionalProperties: { type: 'string' } }, '/schema/additionalProperties'],
    [
      { properties: { a: { type: 'array', items: { type: 'string', oneOf: [] } } } },
      '/schema/properties/a/items/oneOf',
    ],
    [{ properties: { a: { type: 'array', uniqueItems: true } } }, '/schema/properties/a/uniqueItems'],
    [
      { properties: { a: { type: 'array', uniqueItems: true, maxItems: 1_001 } } },
      '/schema/properties/a/uniqueItems',
    ],
    [text({ description: 'x'.repeat(33_000) }), '/schema'],
    [{ properties: { a: nested(15) } }, `/schema${'/properties/a'.repeat(16)}`],
    [{ const: nested(100) }, '/schema'],
    [{ properties: { a: true } }, '/schema/properties/a'],
  ])('is refused: %j', (schema, pointer) => {
    expect(faultsOf(withSchema(schema))).toEqual([pointer]);
  });

  test('may be 16 deep and say items are unique up to 1,000 of them', () => {
    expect(faultsOf(withSchema({ properties: { a: nested(14) } }))).toEqual([]);
    const list = { type: 'array', items: { type: 'string' }, uniqueItems: true, maxItems: 1_000 };
    expect(faultsOf(withSchema({ properties: { a: list } }))).toEqual([]);
  });

  test.each([
    '(a+)+',
    '^(?:a*)*$',
    '^((a+)b)*$',
    '^(?:a{2}){3}$',
    '^(a|a)*$',
    '^((a|a)b){30}$',
    '^(?:x(?:a|a))*$',
    '^a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaa$',
    '^a*a*a*b$',
    'a*a*b',
    `^${'(?:a|a)'.repeat(28)}$`,
    '^(a)\\1$',
    '^(?<x>a)\\k<x>$',
    '(?=a)b',
    '(?<!a)b',
    'x{2000}',
    'x'.repeat(201),
    '[',
  ])('may not have the pattern %s', (pattern) => {
    expect(faultsOf(withSchema(text({ pattern })))).toHaveLength(1);
  });

  test.each([
    '^[0-9]{4}-[12]$',
    '^(?:all|[0-9]{2}|[0-9]{5})$',
    '^(?:[01][0-9]|2[0-4]):[0-5][0-9]$',
    '^[A-Z]+-[0-9]+$',
    '^\\p{L}+ [()|*+]{1,3}\\($',
    '^(?:-[0-9][0-9])?(?:abc){2}$',
    '^(?:a|b)?[^\\]x]+?$',
  ])('may have the pattern %s', (pattern) => {
    expect(faultsOf(withSchema(text({ pattern })))).toEqual([]);
  });

  test('tries no pattern on a text of more than 1,000 characters', () => {
    const type = (length: number) =>
      withSchema(text({ pattern: '^a*$' }), { examples: [{ a: 'a'.repeat(length) }] });
    expect(faultsOf(type(1_000))).toEqual([]);
    expect(faultsOf(type(1_001))).toEqual(['/examples/0/a']);
  });
});
