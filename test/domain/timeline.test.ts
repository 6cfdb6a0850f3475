/** Dates that an event gives and that are none: they yield null and hold nothing up. */
import { describe, expect, test } from '@jest/globals';
import type { Expression, Rule, Stage } from '../../domain/rule.ts';
import { deadlineOf, dueOf } from '../../domain/timeline.ts';
import { evaluateOverEvent } from '../../domain/value.ts';

const calendar = {
  isDayOff: () => false,
  nextWorkingDay: (day: string) => day,
  previousWorkingDay: (day: string) => day,
};
const at: Expression = { var: 'event.day' };
const rule = { deadline: { at } } as unknown as Rule;
const stage = (anchor: Stage['anchor'], offset = 'P1D') => ({ kind: 'x', anchor, offset }) as Stage;

describe('an expression over an event', () => {
  test('gives values and steps', () => {
    expect(evaluateOverEvent({ addMonths: [at, 1] }, { day: '2026-01-31' })).toBe('2026-02-28');
  });

  test.each([
    ['an operator it does not know', { yearOf: [at] }],
    ['an operator of every object', { constructor: [at, 1] }],
    ['a path in a list', { var: ['event.day'] }],
    ['a step without arguments', { addDays: at }],
    ['a step beyond 2199', { addYears: [at, 174] }],
    ['a step before 1800', { addYears: [at, -227] }],
    ['a step that overflows', { addYears: [at, 1e9] }],
    ['half a day', { addDays: [at, 0.5] }],
    ['a day that is none', { addDays: ['2026-02-30', 1] }],
  ])('is null for %s', (_, expression) => {
    expect(evaluateOverEvent(expression as unknown as Expression, { day: '2026-01-31' })).toBeNull();
  });
});

test.each([['soon'], ['2026-02-30'], ['1799-12-31'], ['2200-01-01'], ['2026-01-01T25:00:00Z']])(
  '%s is no deadline, and nothing falls due by it',
  (day) => {
    expect(deadlineOf(rule, { day }, calendar)).toBeNull();
    expect(dueOf(rule, stage('deadline'), { data: { day }, arrivedMs: 0 }, calendar)).toBeNull();
    if (day !== '1799-12-31')
      expect(dueOf(rule, stage(at), { data: { day }, arrivedMs: 0 }, calendar)).toBeNull();
  },
);

test('a deadline is a day of Seoul, and a stage hangs on it', () => {
  expect(deadlineOf(rule, { day: '2026-01-01T16:00:00Z' }, calendar)).toBe('2026-01-02');
  const due = dueOf(rule, stage('deadline', '-P1D'), { data: { day: '2026-01-02' }, arrivedMs: 0 }, calendar);
  expect(due).toBe(Date.parse('2026-01-01T00:00:00+09:00'));
});
