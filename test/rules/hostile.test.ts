/** What nobody means well by: refused with a fault, or inert. Never thrown as something else, never slow, never executed. */
import { describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import { parseDay } from '../../rules/calendar.ts';
import { LANGUAGES } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { scan } from '../../rules/compile/columns.ts';
import { Population } from '../../rules/population/population.ts';
import { readProfile } from '../../rules/population/profile.ts';
import type { RuleFault } from '../../rules/refusals.ts';
import { checked, context, fields, ruleFile } from './fixtures.ts';

const s = { var: 'citizen.s' };
const MANY = 'x'.repeat(10_000_000);

function faultsOf(file: unknown): readonly RuleFault[] {
  try {
    readRule(file, context);
  } catch (error) {
    if (error instanceof AllimError && error.code === 'rule-invalid')
      return error.faults as readonly RuleFault[];
    throw error;
  }
  return [];
}
const inCondition = (condition: unknown) => faultsOf(ruleFile({ condition }));

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let deep: unknown = { var: 'citizen.b' };
  for (let n = 0; n < depth; n++) deep = wrap(deep);
  return deep;
}

describe('refused', () => {
  test.each([
    ['NUL in a text', { '==': [s, 'a\0b'] }, 'text-unreadable'],
    ['half a character', { '==': [s, 'a\ud800'] }, 'text-unreadable'],
    ['10 MB of text', { '==': [s, MANY] }, 'text-too-long'],
    ['10 MB of a name', { '==': [{ var: `citizen.${MANY}` }, 1] }, 'text-too-long'],
    ['a path of dots', { '==': [{ var: `event${'.'.repeat(1_000_000)}` }, 1] }, 'text-too-long'],
    ['10 MB of an operator', { [MANY]: [] }, 'operator-unknown'],
    ['a million arguments', { and: new Array(1_000_000).fill(true) }, 'too-wide'],
    ['a million values', { in: [s, new Array(1_000_000).fill('a')] }, 'list-too-long'],
    [
      'a million operators',
      Object.fromEntries(Array.from({ length: 1_000_000 }, (_, i) => [i, 1])),
      'not-one-operator',
    ],
    ['1e308', { '<': [{ var: 'citizen.n' }, 1e308] }, 'number-out-of-range'],
    ['infinity', { '<': [{ var: 'citizen.n' }, Number.POSITIVE_INFINITY] }, 'number-out-of-range'],
    ['__proto__ as a field', { '==': [{ var: 'citizen.__proto__' }, 1] }, 'field-unknown'],
    [
      '__proto__ as a member',
      { some: [{ var: 'citizen.children' }, { '==': [{ var: 'item.__proto__' }, 1] }] },
      'member-unknown',
    ],
    ['__proto__ of an event', { '==': [{ var: 'event.__proto__' }, 1] }, 'event-path-unknown'],
    ['constructor as an operator', { constructor: [1] }, 'operator-unknown'],
    ['__proto__ as an operator', JSON.parse('{"__proto__":[1]}'), 'operator-unknown'],
    ['100,000 levels of not', nested(100_000, (inner) => ({ '!': [inner] })), 'too-deep'],
    ['100,000 levels of lists', nested(100_000, (inner) => [inner]), 'list-misplaced'],
    ['100,000 levels of if', nested(100_000, (inner) => ({ if: [inner, true, false] })), 'too-deep'],
    [
      '100,000 levels of children',
      nested(100_000, (inner) => ({ some: [{ var: 'citizen.children' }, inner] })),
      'list-in-list',
    ],
    [
      'a rule that costs too much',
      { or: Array.from({ length: 60 }, () => ({ '<': [{ var: 'citizen.i' }, { var: 'citizen.i2' }] })) },
      'too-costly',
    ],
  ])('%s', (_, condition, code) => {
    const startedAt = performance.now();
    const faults = inCondition(condition);
    expect([...new Set(faults.map((fault) => fault.code))]).toEqual([code]);
    // Kept, logged and answered with: nothing of it is large, and a database takes it.
    const told = JSON.stringify(faults);
    expect(told.length).toBeLessThan(4_000);
    expect(told.isWellFormed() && !told.includes('\\u0000')).toBe(true);
    expect(faults[0]!.pointer.isWellFormed()).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('a deep file around its condition', () => {
    const deep = nested(100_000, (inner) => [inner]);
    for (const more of [
      { deadline: { at: deep } },
      { obligation: { kind: 'x', ref: deep } },
      { basis: { law: deep } },
    ])
      expect(faultsOf(ruleFile(more)).length).toBeGreaterThan(0);
    const one = { name: 'x', asOf: '2026-01-01', citizen: { i: deep }, event: {}, expect: 'no' };
    expect(faultsOf(ruleFile({ tests: [one] }))).toMatchObject([{ code: 'test-citizen-invalid' }]);
  });

  test('a file with a hundred thousand members of its own', () => {
    const file = ruleFile(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x${i}`, 1])));
    expect(faultsOf(file)[0]).toMatchObject({ code: 'shape-unknown-member' });
  });
});

describe('inert', () => {
  const given = { event: {}, asOf: parseDay('2026-02-01') };

  test.each([
    ['O\'Brien"; DROP TABLE citizens; --'],
    [`$\{process.exit(1)}`],
    ['__proto__'],
    ['constructor'],
    ['‮기록‬'],
    ['\u2028'],
  ])('%s compares as the text that it is', (value) => {
    const rule = checked({ '==': [s, value] });
    const population = new Population(fields);
    population.upsert('a', readProfile({ s: value }, population.layout));
    population.upsert('b', readProfile({ s: 'x' }, population.layout));
    expect(scan(rule.condition, population, given).certainCount).toBe(1);
    expect(compileNumber(rule.condition, population.source())(0, given)).toBe(1);
  });

  test('minus zero is zero', () => {
    const rule = checked({
      and: [{ '==': [{ var: 'citizen.n' }, -0] }, { in: [{ var: 'citizen.i' }, [-0]] }],
    });
    expect(JSON.stringify(rule.condition)).not.toContain('-0');
    const population = new Population(fields);
    population.upsert('a', readProfile({ n: -0, i: -0 }, population.layout));
    expect(scan(rule.condition, population, given).certainCount).toBe(1);
    expect(compileNumber(rule.condition, population.source())(0, given)).toBe(1);
  });

  test('an event whose data inherit nothing', () => {
    const rule = checked({ '==': [{ var: 'event.nested.deep' }, 1] });
    const judge = compileNumber(rule.condition, new Population(fields).source());
    for (const nested of [JSON.parse('{"__proto__":{"deep":1}}'), null, 'deep', [1], 7])
      expect(judge(0, { ...given, event: { nested } })).toBeNaN();
  });

  test('the largest number of a profile', () => {
    const rule = checked({ '>': [{ var: 'citizen.n' }, 0.5] });
    const population = new Population(fields);
    population.upsert('a', readProfile({ n: 1e308 }, population.layout));
    population.upsert('b', readProfile({ n: -1e308 }, population.layout));
    expect(scan(rule.condition, population, given)).toMatchObject({ certainCount: 1, possibleCount: 0 });
  });
});

test('every fault of a rule has a code and a sentence in each language', () => {
  const faults = faultsOf(
    ruleFile({ condition: { and: [{ '<': [{ var: 'citizen.d' }, 5] }, { age: [] }, { foo: 1 }] }, wings: 2 }),
  );
  const conditions = inCondition({ and: [{ '<': [{ var: 'citizen.d' }, 5] }, { age: [] }, { foo: 1 }] });
  for (const fault of [...faults, ...conditions]) {
    expect(fault.message).toBe(fault.sentences.en);
    for (const language of LANGUAGES) expect(fault.sentences[language]).toMatch(/[.。]$/);
    expect(fault.sentences.ko).toMatch(/니다\.|시오\.$/);
  }
  expect(conditions.map(({ sentences }) => sentences.ko)).toEqual([
    '날짜(YYYY-MM-DD)가 와야 할 자리에 5가 있습니다.',
    '"age"에는 값이 1개 필요한데 0개가 있습니다.',
    '"foo"는 규칙에서 쓸 수 있는 연산자가 아닙니다.',
  ]);
});
