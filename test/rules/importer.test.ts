/** Ordinary JsonLogic that comes in: what it becomes, what is refused, and where its own answer differs. */
import { describe, expect, test } from '@jest/globals';
import { differencesOf } from '../../rules/check/import-differences.ts';
import { importJsonLogic } from '../../rules/check/importer.ts';
import { plainAnswer } from '../../rules/check/plain-json-logic.ts';
import { layoutOf } from '../../rules/population/profile.ts';
import { eventType, fields } from './fixtures.ts';

const scope = { fields, agency: 'test', eventType, citizen: true };
const i = { var: 'citizen.i' };
const b = { var: 'citizen.b' };
const e = { var: 'citizen.e' };
const known = (name: string) => ({ known: [{ var: `citizen.${name}` }] });

describe('what is converted', () => {
  test.each([
    [{ '<': [{ var: 'i' }, 5] }, { '<': [i, 5] }, ['was-named']],
    [{ '===': [{ var: ['e'] }, 'red'] }, { '==': [e, 'red'] }, ['was-named']],
    [{ '==': [{ var: 'citizen.i' }, '5'] }, { '==': [i, 5] }, ['was-text']],
    [{ '<': [1, i, 5] }, { and: [{ '>': [i, 1] }, { '<': [i, 5] }] }, ['was-range']],
    [{ '<=': [1, i, 5] }, { between: [i, 1, 5] }, ['was-range']],
    [{ '!!': [b] }, b, []],
    [{ '!!': i }, { and: [known('i'), { '!=': [i, 0] }] }, ['was-presence']],
    [{ and: [e, b] }, { and: [known('e'), b] }, ['was-presence']],
    [
      { '!!': [{ var: 'children' }] },
      { and: [known('children'), { some: [{ var: 'citizen.children' }, true] }] },
      ['was-named', 'was-presence'],
    ],
    [
      { '!': [{ missing: ['citizen.i', 'citizen.e'] }] },
      { '!': [{ or: [{ '!': [known('i')] }, { '!': [known('e')] }] }] },
      ['was-presence'],
    ],
    [
      { missing_some: [1, ['citizen.i', 'citizen.e']] },
      { and: [{ '!': [known('i')] }, { '!': [known('e')] }] },
      ['was-presence'],
    ],
    [{ '==': [i, null] }, { '!': [known('i')] }, ['was-presence']],
    [{ '!=': [null, i] }, known('i'), ['was-presence']],
    [{ '>': [{ var: ['citizen.i', 3] }, 2] }, { '>': [{ if: [known('i'), i, 3] }, 2] }, ['was-default']],
    [{ in: [e, ['red', 'blue']] }, { in: [e, ['red', 'blue']] }, []],
    [{ in: [i, { var: 'event.integers' }] }, { in: [i, { var: 'event.integers' }] }, []],
    [{ if: [b, { '>': [i, 3] }] }, { if: [b, { '>': [i, 3] }, false] }, ['was-incomplete']],
    [
      { some: [{ var: 'children' }, { '<': [{ var: 'grade' }, 3] }] },
      { some: [{ var: 'citizen.children' }, { '<': [{ var: 'item.grade' }, 3] }] },
      ['was-named', 'was-named'],
    ],
    [{ '>=': [{ age: [{ var: 'd' }] }, 65] }, { '>=': [{ age: [{ var: 'citizen.d' }] }, 65] }, ['was-named']],
  ])('%j', (given, wanted, codes) => {
    const { condition, faults, notes } = importJsonLogic(given, scope);
    expect({ condition, faults }).toEqual({ condition: wanted, faults: [] });
    expect(notes.map(({ code }) => code)).toEqual(codes);
  });
});

describe('what is refused, with its place', () => {
  test.each([
    [{ and: [b, { '<': [{ '+': [i, 1] }, 5] }] }, '/and/1/</0/+', 'operator-outside'],
    [{ in: ['a', { var: 'citizen.s' }] }, '/in/1', 'substring'],
    [{ in: [{ var: 'citizen.s' }, 'abc'] }, '/in/1', 'substring'],
    [{ '==': [{ and: [b, i] }, 3] }, '/==/0/and', 'value-of-logic'],
    [{ missing_some: [2, ['citizen.i', 'citizen.e', 'citizen.b']] }, '', 'some-missing'],
    [{ '==': [{ var: { cat: ['a', 'b'] } }, 3] }, '/==/0', 'variable-computed'],
    [{ and: [b, 'yes'] }, '/and/1', 'truth-of-literal'],
    [{ and: [b], or: [b] }, '', 'shape-unknown'],
    [{ filter: [{ var: 'children' }, true] }, '/filter', 'operator-outside'],
    // What the strict profile refuses itself is told at its place in what was given.
    [{ or: [b, { '!': { '<': [1, { var: 'nowhere' }, 5] } }] }, '/or/1/!/</1', 'event-path-unknown'],
    [{ and: [b, { '===': [e, 'pink'] }] }, '/and/1', 'value-unknown'],
    [{ '==': [i, 'many'] }, '', 'literal-wrong'],
    // Whatever is refused has a place.
    [{ in: [] }, '/in/0', 'shape-unknown'],
    [{ some: [] }, '/some/0', 'shape-unknown'],
    [{ and: [b, { in: [i] }] }, '/and/1/in/1', 'shape-unknown'],
    [{ '!': [] }, '/!/0', 'truth-of-literal'],
    [{ if: [] }, '', 'choice-incomplete'],
  ])('%j at %s: %s', (given, pointer, code) => {
    const { condition, faults } = importJsonLogic(given, scope);
    expect(condition).toBeUndefined();
    expect(faults[0]).toMatchObject({ pointer, code });
    expect(Object.keys(faults[0]!.sentences)).toEqual(['ko', 'en', 'vi']);
  });

  test('however deep it is', () => {
    let deep: unknown = b;
    for (let depth = 0; depth < 100_000; depth++) deep = { '!': [deep] };
    expect(importJsonLogic(deep, scope).faults[0]!.code).toBe('shape-unknown');
  });
});

describe('where JsonLogic would have answered otherwise', () => {
  const tests = [{ name: 'poor', asOf: '2026-02-01', citizen: { i: 3, e: 'red' }, event: {} }];
  const differences = (given: unknown) =>
    differencesOf(given, importJsonLogic(given, scope).node!, tests, layoutOf(fields));

  test('a missing value says yes there', () => {
    expect(differences({ '<': [{ var: 'i' }, 5] })).toEqual([
      { citizen: 'poor', without: ['i'], plain: true, strict: 'possible' },
    ]);
    expect(differences({ and: [{ '<': [{ var: 'i' }, 5] }, { '!=': [{ var: 'e' }, 'blue'] }] })).toEqual([
      { citizen: 'poor', without: ['i'], plain: true, strict: 'possible' },
      { citizen: 'poor', without: ['e'], plain: true, strict: 'possible' },
      { citizen: 'poor', without: ['i', 'e'], plain: true, strict: 'possible' },
    ]);
  });

  test('or no, where nobody knows', () => {
    expect(differences({ '>': [{ var: 'i' }, 2] })).toEqual([
      { citizen: 'poor', without: ['i'], plain: false, strict: 'possible' },
    ]);
  });

  test('nowhere, where it asks what is missing', () => {
    expect(differences({ and: [{ '!': { missing: ['i'] } }, { '<': [{ var: 'i' }, 5] }] })).toEqual([]);
    expect(differences({ '>': [{ var: ['i', 3] }, 2] })).toEqual([]);
    expect(differences({ '!!': [{ var: 'i' }] })).toEqual([]);
    for (const children of [undefined, [], [{ id: 'c-1' }]]) {
      const given = { '!!': [{ var: 'children' }] };
      const one = { name: 'parent', asOf: '2026-02-01', citizen: { children }, event: {} };
      expect(differencesOf(given, importJsonLogic(given, scope).node!, [one], layoutOf(fields))).toEqual([]);
    }
  });

  test('it has no answer of its own where our operators are used', () => {
    expect(differences({ '>=': [{ age: [{ var: 'd' }] }, 65] })).toBeNull();
  });
});

test.each([
  // As jsonlogic.com has them.
  [{ '==': [1, '1'] }, {}, true],
  [{ '===': [1, '1'] }, {}, false],
  [{ '<': [{ var: 'x' }, 5] }, {}, true],
  [{ '!': [[]] }, {}, true],
  [{ '!!': ['0'] }, {}, true],
  [{ or: [0, '', 'a'] }, {}, 'a'],
  [{ and: [1, 0, 3] }, {}, 0],
  [{ if: [{ var: 'x' }, 1, 2] }, { x: [] }, 2],
  [{ if: [false, 1] }, {}, null],
  [{ missing: ['a', 'b'] }, { a: 1, b: '' }, ['b']],
  [{ missing_some: [1, ['a', 'b']] }, { a: 1 }, []],
  [{ all: [{ var: 'l' }, true] }, { l: [] }, false],
  [{ none: [{ var: 'l' }, true] }, {}, true],
  [{ some: [{ var: 'l' }, { '>': [{ var: '' }, 1] }] }, { l: [1, 2] }, true],
  [{ in: ['b', 'abc'] }, {}, true],
  [{ var: ['x', 7] }, {}, 7],
  [{ var: '__proto__.x' }, {}, null],
  [{ '<': [1, 2, 3] }, {}, true],
])('plain JsonLogic answers %j of %j with %j', (json, data, answer) => {
  expect(plainAnswer(json, data)).toEqual(answer);
});
