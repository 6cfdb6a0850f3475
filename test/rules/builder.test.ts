/** Conditions as queries of react-querybuilder and back. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readExpression } from '../../rules/check/typing.ts';
import type { Node } from '../../rules/language.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import { queryOf } from '../../rules/say/builder.ts';
import { conditionOf } from '../../rules/say/builder-query.ts';
import { expressionOf } from '../../rules/say/expression.ts';
import { conditions } from './arbitraries.ts';
import { eventType, fields } from './fixtures.ts';

const tree = (condition: unknown): Node => {
  const faults: RuleFault[] = [];
  const node = readExpression(
    condition,
    '/condition',
    { fields, agency: 'test', eventType, citizen: true },
    faults,
    'boolean',
  );
  if (node === undefined) throw new Error(`${faults[0]!.pointer} ${faults[0]!.message}`);
  return node;
};
const b = { var: 'citizen.b' };
const i = { var: 'citizen.i' };
const d = { var: 'citizen.d' };
const e = { var: 'citizen.e' };
const event = (name: string) => ({ var: `event.${name}` });
const children = { var: 'citizen.children' };

test('whatever a builder shows comes back the same, and the rest is named', () => {
  let shown = 0;
  fc.assert(
    fc.property(conditions, (condition) => {
      const node = tree(condition);
      const result = queryOf(node);
      if ('unshown' in result) {
        expect(result.unshown.length).toBeGreaterThan(0);
        for (const { pointer, sentences } of result.unshown)
          expect([pointer.startsWith('/condition'), Object.keys(sentences)]).toEqual([
            true,
            ['ko', 'en', 'vi'],
          ]);
        return;
      }
      shown++;
      // As it comes back from a browser.
      const back = conditionOf(JSON.parse(JSON.stringify(result.query)));
      expect(tree(back)).toEqual(tree(expressionOf(node)));
      expect(expressionOf(tree(back))).toEqual(expressionOf(node));
    }),
    { numRuns: 400 },
  );
  expect(shown).toBeGreaterThan(100);
});

describe('the query', () => {
  test.each([
    [
      'a group of one',
      { and: [b] },
      { combinator: 'and', rules: [{ field: 'citizen.b', operator: 'isTrue', value: null }] },
    ],
    [
      'a leaf alone',
      { '==': [e, 'red'] },
      { combinator: 'and', bare: true, rules: [{ field: 'citizen.e', operator: '=', value: 'red' }] },
    ],
    [
      'NOT of a group',
      { '!': [{ or: [{ '<': [i, 3] }, { in: [e, ['red', 'blue']] }] }] },
      {
        combinator: 'or',
        not: true,
        rules: [
          { field: 'citizen.i', operator: '<', value: 3 },
          { field: 'citizen.e', operator: 'in', value: ['red', 'blue'] },
        ],
      },
    ],
    [
      'NOT of a leaf, of a range and of a list',
      {
        and: [
          { '!': [{ '==': [i, 3] }] },
          { '!': [{ between: [i, 1, 3] }] },
          { '!': [{ in: [i, event('integers')] }] },
        ],
      },
      {
        combinator: 'and',
        rules: [
          {
            combinator: 'and',
            not: true,
            bare: true,
            rules: [{ field: 'citizen.i', operator: '=', value: 3 }],
          },
          { field: 'citizen.i', operator: 'notBetween', value: [1, 3] },
          { field: 'citizen.i', operator: 'notIn', value: 'event.integers', valueSource: 'field' },
        ],
      },
    ],
    [
      'null and not null',
      { or: [{ known: [d] }, { '!': [{ known: [children] }] }] },
      {
        combinator: 'or',
        rules: [
          { field: 'citizen.d', operator: 'notNull', value: null },
          { field: 'citizen.children', operator: 'null', value: null },
        ],
      },
    ],
    [
      'relative dates',
      {
        and: [
          { '<=': [{ addYears: [d, 65] }, event('date')] },
          { within: [d, 7] },
          { '>=': [{ age: [d] }, 20] },
        ],
      },
      {
        combinator: 'and',
        rules: [
          { field: 'addYears(citizen.d, 65)', operator: '<=', value: 'event.date', valueSource: 'field' },
          { field: 'citizen.d', operator: 'within', value: 7 },
          { field: 'age(citizen.d)', operator: '>=', value: 20 },
        ],
      },
    ],
    [
      'a list of children',
      { none: [children, { '<': [{ var: 'item.birthDate' }, '2020-01-01'] }] },
      {
        combinator: 'and',
        bare: true,
        rules: [
          {
            field: 'citizen.children',
            operator: '=',
            match: { mode: 'none' },
            value: {
              combinator: 'and',
              bare: true,
              rules: [{ field: 'item.birthDate', operator: '<', value: '2020-01-01' }],
            },
          },
        ],
      },
    ],
  ])('of %s', (_, condition, query) => {
    expect(queryOf(tree(condition))).toEqual({ query });
    expect(conditionOf(query)).toEqual(condition);
  });

  test.each([
    [{ if: [b, { '==': [i, 1] }, b] }, 'choice', '/condition/if'],
    [{ and: [b, true] }, 'constant', '/condition/and/1'],
    [{ '<': [3, i] }, 'literal-first', '/condition/<'],
    [{ between: [i, 1, event('integer')] }, 'bounds-mixed', '/condition/between'],
    [{ '<': [{ if: [b, i, 3] }, 4] }, 'term-compared', '/condition/<'],
    [{ '==': [{ known: [d] }, true] }, 'term-compared', '/condition/=='],
  ])('of %j cannot be shown: %s', (condition, code, pointer) => {
    expect(queryOf(tree(condition))).toMatchObject({ unshown: [{ code, pointer }] });
  });
});

test('a group that held one thing and was given another is a group', () => {
  const rules = [
    { field: 'citizen.b', operator: 'isTrue', value: null, id: 'r-1' },
    { field: 'citizen.i', operator: '>', value: 3, id: 'r-2' },
  ];
  expect(conditionOf({ id: 'g', combinator: 'or', bare: true, not: true, rules })).toEqual({
    '!': [{ or: [b, { '>': [i, 3] }] }],
  });
});

test.each([
  [null, ''],
  [{ combinator: 'and', rules: [] }, '/rules'],
  [{ combinator: 'xor', rules: [{}] }, '/combinator'],
  [{ combinator: 'and', rules: [{ field: 'age(', operator: '=', value: 1 }] }, '/rules/0/field'],
  [{ combinator: 'and', rules: [{ field: '__proto__', operator: '=', value: 1 }] }, '/rules/0/field'],
  [
    { combinator: 'and', rules: [{ field: 'citizen.i', operator: 'constructor', value: 1 }] },
    '/rules/0/operator',
  ],
  [{ combinator: 'and', rules: [{ field: 'citizen.i', operator: '=', value: null }] }, '/rules/0/value'],
  [{ combinator: 'and', rules: [{ field: 'citizen.i', operator: 'between', value: [1] }] }, '/rules/0/value'],
  [
    { combinator: 'and', rules: [{ field: 'citizen.i', operator: '=', value: 'x y', valueSource: 'field' }] },
    '/rules/0/value',
  ],
  [
    { combinator: 'and', rules: [{ field: 'citizen.children', match: { mode: 'atLeast' }, value: {} }] },
    '/rules/0/match/mode',
  ],
])('%j is refused at %s', (query, pointer) => {
  expect(() => conditionOf(query)).toThrow(
    expect.objectContaining({ code: 'rule-invalid', faults: [expect.objectContaining({ pointer })] }),
  );
});

test('a query as deep as it likes costs nothing', () => {
  let query: unknown = { field: 'citizen.b', operator: 'isTrue', value: null };
  for (let depth = 0; depth < 100_000; depth++) query = { combinator: 'and', rules: [query] };
  expect(() => conditionOf(query)).toThrow(/nested deeper/);
});
