/** What a day and an event make of a condition: the leaves that columns and an index of rules are built from. */
import { expect, test } from '@jest/globals';
import { dayText, parseDay } from '../../rules/calendar.ts';
import { FIRST_PROFILE_DAY } from '../../rules/catalogue.ts';
import { lower } from '../../rules/lower/lower.ts';
import type { Lowered } from '../../rules/lower/lowered.ts';
import { negationNormal } from '../../rules/lower/negation.ts';
import { checked } from './fixtures.ts';

const d = { var: 'citizen.d' };
const i = { var: 'citizen.i' };
const b = { var: 'citizen.b' };
const asOf = parseDay('2026-02-01');
const lowered = (condition: unknown, event: Record<string, unknown> = {}): Lowered =>
  lower(checked(condition).condition, { event, asOf });

/** A range as days, with what it makes of them. */
function daysOf(leaf: Lowered): [string, string, boolean] {
  if (leaf.kind !== 'range') throw new Error(`is a ${leaf.kind}`);
  const day = (code: number): string => dayText(FIRST_PROFILE_DAY + code - 1);
  return [day(leaf.from), day(leaf.to), leaf.negated];
}

test('an age becomes birth days', () => {
  expect(daysOf(lowered({ '>=': [{ age: [d] }, 65] }))).toEqual(['1800-01-01', '1961-02-01', false]);
  expect(daysOf(lowered({ '==': [{ age: [d] }, 65] }))).toEqual(['1960-02-02', '1961-02-01', false]);
  expect(daysOf(lowered({ '!': [{ between: [{ ageMonths: [d] }, 4, 6] }] }))).toEqual([
    '2025-07-02',
    '2025-10-01',
    true,
  ]);
  expect(daysOf(lowered({ within: [{ addYears: [d, 65] }, 30] }))).toEqual([
    '1961-02-01',
    '1961-03-03',
    false,
  ]);
  expect(daysOf(lowered({ '<': [d, { var: 'event.date' }] }, { date: '2000-01-01' }))).toEqual([
    '1800-01-01',
    '1999-12-31',
    false,
  ]);
});

test('working days are a range with an end to what is known', () => {
  const leaf = lowered({ '<=': [{ addWorkingDays: [d, 5] }, '2026-02-23'] });
  expect(daysOf(leaf)).toEqual(['1970-01-01', '2026-02-11', false]);
  expect(leaf).toMatchObject({ knownFrom: parseDay('1970-01-01') - FIRST_PROFILE_DAY + 1 });
});

test('what turns every year, and one of several values, are tables of days', () => {
  for (const condition of [{ between: [{ monthDay: [d] }, 201, 331] }, { in: [{ age: [d] }, [20, 40]] }]) {
    const leaf = lowered(condition);
    expect(leaf).toMatchObject({ kind: 'table' });
  }
  const { bits } = lowered({ '==': [{ monthDay: [d] }, 229] }) as Lowered & { kind: 'table' };
  const at = (day: string): number => bits[parseDay(day) - FIRST_PROFILE_DAY + 1]!;
  expect([at('2024-02-29'), at('2024-02-28'), at('1900-03-01'), bits[0]]).toEqual([1, 2, 2, 0]);
});

test('numbers with fractions are spans, texts are sets', () => {
  expect(lowered({ '<': [2.5, { var: 'citizen.n' }] })).toMatchObject({
    kind: 'span',
    high: 2.5,
    negated: true,
  });
  expect(lowered({ '!=': [{ var: 'citizen.s' }, 'x'] })).toMatchObject({ kind: 'texts', negated: true });
  expect(lowered({ '==': [{ var: 'citizen.s' }, { var: 'event.text' }] })).toEqual({
    kind: 'constant',
    truth: Number.NaN,
  });
});

test('what is constant decides or vanishes', () => {
  const yes = { '==': [{ var: 'event.integer' }, 1] };
  const leaf = lowered(b);
  expect(lowered({ and: [yes, b] }, { integer: 1 })).toEqual(leaf);
  expect(lowered({ and: [yes, b] }, { integer: 2 })).toEqual({ kind: 'constant', truth: 0 });
  expect(lowered({ or: [yes, b] }, { integer: 2 })).toEqual(leaf);
  expect(lowered({ if: [yes, b, { '!': [b] }] }, { integer: 1 })).toEqual(leaf);
  expect(lowered({ and: [yes, b] })).toMatchObject({ kind: 'and', of: [{ truth: Number.NaN }, leaf] });
});

test('two columns are asked row by row, lists by their items', () => {
  expect(lowered({ '<': [i, { var: 'citizen.i2' }] }).kind).toBe('slot');
  const young = { '<': [{ age: [{ var: 'item.birthDate' }] }, 9] };
  const children = { var: 'citizen.children' };
  expect(lowered({ none: [children, young] })).toMatchObject({
    kind: 'list',
    op: 'some',
    negated: true,
    body: { kind: 'range' },
  });
  expect(lowered({ all: [children, { '>': [{ var: 'item.grade' }, i] }] }).kind).toBe('slot');
  expect(lowered({ '!': [{ known: [children] }] })).toMatchObject({ kind: 'known', wanted: false });
});

test('negation goes down to the leaves', () => {
  const { condition } = checked({
    '!': [
      {
        and: [{ '<': [i, 3] }, { or: [b, { some: [{ var: 'citizen.children' }, { var: 'item.boards' }] }] }],
      },
    ],
  });
  expect(negationNormal(condition)).toMatchObject({
    op: 'or',
    args: [{ op: '>=' }, { op: 'and', args: [{ op: '!', args: [{ kind: 'field' }] }, { op: 'none' }] }],
  });
});
