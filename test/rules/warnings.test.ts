/** What a condition is warned of, and what it is not. */
import { describe, expect, test } from '@jest/globals';
import { readExpression } from '../../rules/check/typing.ts';
import { WARNING_CODES, warningsOf } from '../../rules/check/warnings.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import { eventType, fields } from './fixtures.ts';

const i = { var: 'citizen.i' };
const d = { var: 'citizen.d' };
const e = { var: 'citizen.e' };
const n = { var: 'citizen.n' };
const age = { age: [d] };

function warningsOfCondition(condition: unknown) {
  const faults: RuleFault[] = [];
  const scope = { fields, agency: 'test', eventType, citizen: true };
  const node = readExpression(condition, '/condition', scope, faults, 'boolean');
  expect(faults).toEqual([]);
  return warningsOf(node!, '/condition');
}
const warned = (condition: unknown): string[] =>
  warningsOfCondition(condition).map(({ code, pointer }) => `${code} ${pointer}`);

const CASES: readonly (readonly [name: string, condition: unknown, warnings: readonly string[]])[] = [
  ['a plain condition', { and: [{ '>=': [i, 3] }, { '==': [e, 'red'] }] }, []],
  ['over the range', { '<=': [i, 10] }, ['leaf-always-true /condition/<=']],
  ['outside the range', { '>': [i, 10] }, ['leaf-always-false /condition/>']],
  ['beyond any age', { '>': [age, 900] }, ['leaf-always-false /condition/>']],
  [
    'every value of an enumeration',
    { in: [e, ['red', 'green', 'blue']] },
    ['leaf-always-true /condition/in'],
  ],
  ['a parity that is none', { '==': [{ parity: [d] }, 2] }, ['leaf-always-false /condition/==']],
  ['low above high', { between: [i, 7, 3] }, ['leaf-always-false /condition/between']],
  [
    'numbers that exclude each other',
    { and: [{ '<': [i, 3] }, { '>': [i, 5] }] },
    ['leaf-contradicts /condition/and/1/>'],
  ],
  [
    'numbers with nothing between them',
    { and: [{ '>': [i, 3] }, { '<': [i, 4] }] },
    ['leaf-contradicts /condition/and/1/<'],
  ],
  ['fractions with something between them', { and: [{ '>': [n, 3] }, { '<': [n, 4] }] }, []],
  [
    'dates that contradict',
    { and: [{ '<': [d, '2000-01-01'] }, { '>=': [d, '2010-01-01'] }] },
    ['dates-contradict /condition/and/1/>='],
  ],
  ['a day before there are any', { '<': [d, '1700-01-01'] }, ['leaf-always-false /condition/<']],
  [
    'a range of days that ends before it begins',
    { between: [d, '2010-01-01', '2000-01-01'] },
    ['dates-contradict /condition/between'],
  ],
  [
    'what follows from a stricter one, before or after it',
    { and: [{ '>=': [age, 20] }, { '==': [e, 'red'] }, { '>=': [age, 40] }] },
    ['leaf-follows /condition/and/0/>='],
  ],
  ['the same twice', { and: [{ '>=': [i, 3] }, { '>=': [i, 3] }] }, ['leaf-follows /condition/and/1/>=']],
  [
    'arms that cover everything',
    { or: [{ '<': [i, 5] }, { '>=': [i, 5] }] },
    ['whole-always-true /condition/or'],
  ],
  [
    'an arm that an earlier one contains',
    { or: [{ '>': [i, 3] }, { '>': [i, 5] }] },
    ['branch-unreachable /condition/or/1/>'],
  ],
  [
    'an arm that contradicts what surrounds it',
    { and: [{ '>': [i, 5] }, { or: [{ '<': [i, 2] }, { '==': [e, 'red'] }] }] },
    ['leaf-contradicts /condition/and/1/or/0/<'],
  ],
  [
    'a branch that was decided before',
    {
      if: [
        { '>': [i, 3] },
        { '==': [e, 'red'] },
        { '>': [i, 5] },
        { '==': [e, 'blue'] },
        { '==': [e, 'green'] },
      ],
    },
    ['branch-unreachable /condition/if/3/==', 'leaf-contradicts /condition/if/2/>'],
  ],
  [
    'what is turned round',
    { '!': [{ in: [e, ['red', 'green', 'blue']] }] },
    ['leaf-always-false /condition/!'],
  ],
  [
    'items of a list',
    {
      some: [
        { var: 'citizen.children' },
        { and: [{ '<': [{ var: 'item.grade' }, 2] }, { '>': [{ var: 'item.grade' }, 4] }] },
      ],
    },
    ['leaf-contradicts /condition/some/1/and/1/>'],
  ],
  ['different things', { and: [{ '<': [i, 3] }, { '>': [{ var: 'citizen.i2' }, 5] }] }, []],
  ['fields against each other', { '<': [i, { var: 'citizen.i2' }] }, []],
  [
    'texts of a closed set',
    { and: [{ '==': [e, 'red'] }, { '==': [e, 'blue'] }] },
    ['leaf-contradicts /condition/and/1/=='],
  ],
  ['texts of an open set', { '!=': [{ var: 'citizen.s' }, 'x'] }, []],
  [
    'closed values of the event',
    { in: [{ var: 'event.colour' }, ['red', 'green']] },
    ['leaf-always-true /condition/in'],
  ],
];

describe('warnings of a condition', () => {
  test.each(CASES)('%s', (_name, condition, warnings) => {
    expect(warned(condition).sort()).toEqual([...warnings].sort());
  });

  test('nothing is said of the whole where a part is meant: under a not or in one of several arms the others remain', () => {
    const past = { '>': [i, 5] };
    for (const [condition, code] of [
      [{ and: [past, { '!': [{ and: [{ '<': [i, 2] }, { '==': [e, 'red'] }] }] }] }, 'leaf-contradicts'],
      [{ and: [past, { or: [{ '>': [i, 3] }, { '==': [e, 'red'] }] }] }, 'leaf-follows'],
    ] as const) {
      const [warning, ...more] = warningsOfCondition(condition);
      expect([warning!.code, more]).toEqual([code, []]);
      expect(warning!.sentences.ko).not.toMatch(/규칙|없어도/);
      expect(warning!.sentences.en).not.toMatch(/nobody\.|without/);
    }
  });

  test('each code is shown above', () => {
    const shown = new Set(CASES.flatMap(([, , warnings]) => warnings.map((one) => one.split(' ')[0])));
    expect([...shown].sort()).toEqual([...WARNING_CODES].sort());
  });
});
