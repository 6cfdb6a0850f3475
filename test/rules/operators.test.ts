/** Every operator with data, and with data missing: the table that says what the language means. */
import { describe, expect, test } from '@jest/globals';
import { parseDay } from '../../rules/calendar.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { scan } from '../../rules/compile/columns.ts';
import { Population } from '../../rules/population/population.ts';
import { readProfile } from '../../rules/population/profile.ts';
import { checked, fields } from './fixtures.ts';

const T = true;
const F = false;
const U = null;

/** The truth as of 2026-02-01, by closure and by scan, which must be one. */
function judge(
  condition: unknown,
  profile: Record<string, unknown>,
  event: Record<string, unknown> = {},
): boolean | null {
  const rule = checked(condition);
  const population = new Population(fields);
  population.upsert('c', readProfile(profile, population.layout));
  const given = { event, asOf: parseDay('2026-02-01') };
  const one = compileNumber(rule.condition, population.source())(0, given);
  const audience = scan(rule.condition, population, given);
  const all = audience.certainCount === 1 ? T : audience.possibleCount === 1 ? U : F;
  expect(all).toBe(Number.isNaN(one) ? U : one === 1);
  return all;
}

const b = { var: 'citizen.b' };
const i = { var: 'citizen.i' };
const d = { var: 'citizen.d' };
const e = { var: 'citizen.e' };
const event = (name: string) => ({ var: `event.${name}` });
/** A condition that is true, false or unknown for everybody. */
const is = (truth: boolean | null) => (truth === null ? event('boolean') : truth);

describe('logic', () => {
  test.each([
    [T, T, T, T],
    [T, F, F, T],
    [T, U, U, T],
    [F, F, F, F],
    [F, U, F, U],
    [U, U, U, U],
  ])('of %s and %s: and is %s, or is %s', (x, y, and, or) => {
    for (const [p, q] of [
      [x, y],
      [y, x],
    ] as const) {
      expect(judge({ and: [is(p), is(q)] }, {})).toBe(and);
      expect(judge({ or: [is(p), is(q)] }, {})).toBe(or);
      // The same with the citizen's value on one side, so that planes are combined and not constants.
      const profile = p === U ? {} : { b: p };
      expect(judge({ and: [b, is(q)] }, profile)).toBe(and);
      expect(judge({ or: [b, is(q)] }, profile)).toBe(or);
    }
  });

  test.each([
    [T, F],
    [F, T],
    [U, U],
  ])('not %s is %s', (x, not) => {
    expect(judge({ '!': [b] }, x === U ? {} : { b: x })).toBe(not);
  });

  test.each([
    [T, T, F, T],
    [F, T, F, F],
    [U, T, F, U],
    [U, T, T, T],
    [U, F, F, F],
    [U, U, U, U],
    [T, T, U, T],
    [F, T, U, U],
  ])('if %s then %s else %s is %s', (x, then, otherwise, wanted) => {
    expect(judge({ if: [b, is(then), is(otherwise)] }, x === U ? {} : { b: x })).toBe(wanted);
  });
});

describe('what is missing never says yes', () => {
  test.each([['=='], ['!='], ['<'], ['<='], ['>'], ['>=']])('%s', (op) => {
    expect(judge({ [op]: [i, 5] }, {})).toBe(U);
    expect(judge({ '!': [{ [op]: [i, 5] }] }, {})).toBe(U);
    expect(judge({ [op]: [i, event('integer')] }, { i: 5 })).toBe(U);
  });

  test.each([
    ['between', { between: [i, 1, 3] }],
    ['in', { in: [i, [1, 2]] }],
    ['in of an event', { in: [i, event('integers')] }],
    ['age', { '<': [{ age: [d] }, 5] }],
    ['yearAge', { '<': [{ yearAge: [d] }, 5] }],
    ['parity', { '==': [{ parity: [d] }, 0] }],
    ['daysUntil', { '<': [{ daysUntil: [d] }, 5] }],
    ['daysSince', { '<': [{ daysSince: [d] }, 5] }],
    ['within', { within: [d, 5] }],
    ['addDays', { '<': [{ addDays: [d, 1] }, '2026-01-01'] }],
    ['addMonths', { '<': [{ addMonths: [d, 1] }, '2026-01-01'] }],
    ['addYears', { '<': [{ addYears: [d, 1] }, '2026-01-01'] }],
    ['ageMonths', { '<': [{ ageMonths: [d] }, 5] }],
    ['monthDay', { '<': [{ monthDay: [d] }, 500] }],
    ['addWorkingDays', { '<': [{ addWorkingDays: [d, 1] }, '2026-01-01'] }],
    ['workingDay', { '<': [{ workingDay: [d, 'next'] }, '2026-01-01'] }],
    ['some', { some: [{ var: 'citizen.children' }, true] }],
    ['all', { all: [{ var: 'citizen.children' }, true] }],
    ['none', { none: [{ var: 'citizen.children' }, true] }],
    ['a text', { '!=': [e, 'red'] }],
    ['a boolean', { '!=': [b, true] }],
    ['a number', { '<': [{ var: 'citizen.n' }, 5] }],
  ])('%s', (_, condition) => {
    expect(judge(condition, {}, { integers: [1] })).toBe(U);
    expect(judge({ '!': [condition] }, {}, { integers: [1] })).toBe(U);
  });

  test('but a bound that is known to fail decides', () => {
    expect(judge({ between: [i, event('integer'), 3] }, { i: 9 })).toBe(F);
    expect(judge({ between: [i, event('integer'), 3] }, { i: 2 })).toBe(U);
    expect(judge({ in: [i, event('integers')] }, {}, { integers: [] })).toBe(F);
  });

  test('a value of an event that is not of its type is missing, never coerced', () => {
    expect(judge({ '==': [i, event('integer')] }, { i: 5 }, { integer: '5' })).toBe(U);
    expect(judge({ '==': [b, event('boolean')] }, { b: true }, { boolean: 1 })).toBe(U);
    expect(judge({ '<': [d, event('date')] }, { d: '2000-01-01' }, { date: '2026-02-30' })).toBe(U);
    expect(judge({ in: [i, event('integers')] }, { i: 5 }, { integers: [5, '6'] })).toBe(U);
    expect(judge({ '==': [e, event('text')] }, { e: 'red' }, { text: 7 })).toBe(U);
    expect(judge({ '==': [i, event('nested.deep')] }, { i: 5 }, { nested: null })).toBe(U);
  });
});

describe('with data', () => {
  test.each([
    [{ between: [i, 1, 3] }, { i: 3 }, T],
    [{ between: [i, 1, 3] }, { i: 0 }, F],
    [{ between: [i, 3, 1] }, { i: 2 }, F],
    [{ between: [d, '2026-01-01', '2026-01-31'] }, { d: '2026-01-31' }, T],
    [{ between: [d, '2026-01-01', '2026-01-31'] }, { d: '2026-02-01' }, F],
    [{ in: [e, ['red', 'blue']] }, { e: 'blue' }, T],
    [{ in: [e, ['red', 'blue']] }, { e: 'green' }, F],
    [{ '==': [e, { var: 'citizen.e2' }] }, { e: 'red', e2: 'red' }, T],
    [{ '==': [e, { var: 'citizen.e2' }] }, { e: 'red', e2: 'green' }, F],
    [{ '>=': [{ age: [d] }, 26] }, { d: '2000-02-01' }, T],
    [{ '>=': [{ age: [d] }, 26] }, { d: '2000-02-02' }, F],
    [{ '==': [{ yearAge: [d] }, 26] }, { d: '2000-12-31' }, T],
    [{ '==': [{ yearAge: [d] }, 26] }, { d: '1999-12-31' }, F],
    [{ '==': [{ parity: [d] }, 1] }, { d: '1999-12-31' }, T],
    [{ '!=': [{ parity: [d] }, 1] }, { d: '1999-12-31' }, F],
    [{ '==': [{ parity: [d] }, 5] }, { d: '1999-12-31' }, F],
    [{ '==': [{ daysUntil: [d] }, 28] }, { d: '2026-03-01' }, T],
    [{ '==': [{ daysSince: [d] }, 1] }, { d: '2026-01-31' }, T],
    [{ within: [d, 7] }, { d: '2026-02-08' }, T],
    [{ within: [d, 7] }, { d: '2026-02-09' }, F],
    [{ within: [d, 7] }, { d: '2026-01-31' }, F],
    [{ within: [d, 0] }, { d: '2026-02-01' }, T],
    [{ '==': [{ addMonths: [d, 1] }, '2026-02-28'] }, { d: '2026-01-31' }, T],
    [{ '<=': [{ addYears: [d, 65] }, '2026-02-01'] }, { d: '1961-02-01' }, T],
    [{ '<=': [{ addYears: [d, 65] }, '2026-02-01'] }, { d: '1961-02-02' }, F],
    [{ '==': [{ addDays: [d, -1] }, '2024-02-29'] }, { d: '2024-03-01' }, T],
    [{ '>': [{ var: 'citizen.n' }, 2.25] }, { n: 2.5 }, T],
    [{ '>': [{ var: 'citizen.n' }, i] }, { n: 2.5, i: 3 }, F],
    [{ '<': [i, { var: 'citizen.i2' }] }, { i: 3, i2: 70_000 }, T],
    [{ '<': [{ if: [b, i, 9] }, 5] }, { b: true, i: 3 }, T],
    [{ '<': [{ if: [b, i, 9] }, 5] }, { b: false, i: 3 }, F],
    [{ '<': [{ if: [b, i, 9] }, 5] }, { i: 9 }, F],
    [{ '<': [{ if: [b, i, 9] }, 5] }, { i: 3 }, U],
    [{ '==': [{ if: [b, e, 'red'] }, 'red'] }, { b: false, e: 'blue' }, T],
  ])('%j of %j is %s', (condition, profile, wanted) => {
    expect(judge(condition, profile)).toBe(wanted);
  });
});
