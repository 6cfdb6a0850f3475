import { describe, expect, test } from '@jest/globals';
import { AllimError, type Fault } from '../../domain/errors.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { checkRule, readRule } from '../../rules/check/rule.ts';
import { checked, context, eventType, ruleFile } from './fixtures.ts';

function faultsOf(file: unknown): readonly Fault[] {
  try {
    checkRule(file, context);
  } catch (error) {
    if (error instanceof AllimError && error.code === 'rule-invalid') return error.faults;
    throw error;
  }
  return [];
}
const pointers = (file: unknown): string[] => faultsOf(file).map(({ pointer }) => pointer);
const inCondition = (condition: unknown): readonly Fault[] => faultsOf(ruleFile({ condition }));

const d = { var: 'citizen.d' };
const i = { var: 'citizen.i' };
const e = { var: 'citizen.e' };
const kids = { var: 'citizen.children' };

describe('a condition', () => {
  test.each([
    [
      'an unknown field',
      { '==': [{ var: 'citizen.nobody' }, 1] },
      '/condition/==/0/var',
      /not in the field catalogue/,
    ],
    [
      '__proto__ as a field',
      { '==': [{ var: 'citizen.__proto__' }, 1] },
      '/condition/==/0/var',
      /not in the field catalogue/,
    ],
    [
      'constructor of an event',
      { '==': [{ var: 'event.constructor' }, 1] },
      '/condition/==/0/var',
      /not in the schema/,
    ],
    [
      'a path into a scalar',
      { '==': [{ var: 'event.integer.x' }, 1] },
      '/condition/==/0/var',
      /not in the schema/,
    ],
    [
      '__proto__ as an operator',
      JSON.parse('{"__proto__":[1,2]}'),
      '/condition/__proto__',
      /not an operator/,
    ],
    ['an operator of plain JsonLogic', { '+': [i, 1] }, '/condition/+', /is not an operator/],
    ['an operator with a slash', { 'a/b~': [] }, '/condition/a~1b~0', /is not an operator/],
    ['two operators', { and: [], or: [] }, '/condition', /exactly one operator/],
    ['an empty object', {}, '/condition', /exactly one operator/],
    ['another root', { '==': [{ var: 'env.PATH' }, 'x'] }, '/condition/==/0/var', /neither citizen/],
    ['the citizen as a whole', { '==': [{ var: 'citizen' }, 1] }, '/condition/==/0/var', /neither citizen/],
    ['a default', { '==': [{ var: ['citizen.i', 1] }, 1] }, '/condition/==/0/var', /no defaults/],
    ['a list field', { '==': [{ var: 'citizen.children' }, 1] }, '/condition/==/0/var', /is a list/],
    [
      "another agency's field",
      { '==': [{ var: 'citizen.tax' }, 1] },
      '/condition/==/0/var',
      /may not be used by the agency "test"/,
    ],
    ['a number as text', { '==': [i, '1'] }, '/condition/==/1', /an integer is wanted/],
    ['a fraction for an integer', { '>=': [i, 1.5] }, '/condition/>=/1', /an integer is wanted/],
    ['true for a number', { '==': [i, true] }, '/condition/==/1', /an integer is wanted/],
    ['1 for true', { '==': [{ var: 'citizen.b' }, 1] }, '/condition/==/1', /true or false is wanted/],
    ['null', { '==': [i, null] }, '/condition/==/1', /null is no value/],
    ['a number for a date', { '<': [d, 20_000] }, '/condition/</1', /a date .* is wanted/],
    ['30 February', { '<': [d, '2026-02-30'] }, '/condition/</1', /not a day of the calendar/],
    [
      'an instant for a date',
      { '<': [d, '2026-02-01T00:00:00Z'] },
      '/condition/</1',
      /not a day of the calendar/,
    ],
    ['a misspelt value', { '==': [e, 'rde'] }, '/condition/==/1', /none of the values red, green, blue/],
    [
      "a value the event's schema lacks",
      { '==': [{ var: 'event.colour' }, 'blue'] },
      '/condition/==/1',
      /none of the values/,
    ],
    ['a misspelt value in a list', { in: [e, ['red', 'gren']] }, '/condition/in/1/1', /none of the values/],
    ['NUL in a text', { '==': [{ var: 'citizen.s' }, 'a\u0000b'] }, '/condition/==/1', /control character/],
    ['a long text', { '==': [{ var: 'citizen.s' }, 'x'.repeat(201)] }, '/condition/==/1', /longer than 200/],
    [
      'a misspelt value in a choice',
      { '==': [e, { if: [{ var: 'citizen.b' }, 'red', { var: 'citizen.b' }, 'green', 'rde'] }] },
      '/condition/==/1/if/4',
      /none of the values red, green, blue/,
    ],
    [
      'a choice between texts beside a date',
      { '<': [{ if: [{ var: 'citizen.b' }, 'soon', '2026-01-01'] }, d] },
      '/condition/</0/if/1',
      /not a day of the calendar/,
    ],
    ['an order of texts', { '<': [e, 'red'] }, '/condition/</0', /has no order/],
    ['two literals', { '==': [1, 1] }, '/condition/==/0', /literals with each other/],
    ['types that differ', { '==': [d, i] }, '/condition/==/1', /an integer where a date/],
    ['age of a number', { '==': [{ age: [i] }, 1] }, '/condition/==/0/age/0', /an integer where a date/],
    ['three in a row', { '<': [1, i, 3] }, '/condition/<', /takes 2 arguments, 3 are given/],
    ['nothing in and', { and: [] }, '/condition/and', /at least 1/],
    ['a number as condition', 1, '/condition', /true or false is wanted/],
    ['a date as condition', d, '/condition', /a date .* where true or false/],
    ['a list as condition', [], '/condition', /A list may stand only/],
    ['an empty list', { in: [i, []] }, '/condition/in/1', /at least one/],
    ['a text in which to look', { in: ['a', 'abc'] }, '/condition/in/0', /must read something/],
    ['a scalar to look through', { in: [i, { var: 'event.integer' }] }, '/condition/in/1', /must be a list/],
    ['a list of another type', { in: [i, { var: 'event.texts' }] }, '/condition/in/1', /is a list of a text/],
    ['a list compared', { '==': [{ var: 'event.integers' }, 1] }, '/condition/==/0', /is a list where/],
    [
      'if without otherwise',
      { if: [{ var: 'citizen.b' }, true] },
      '/condition/if',
      /one last value for otherwise/,
    ],
    [
      'if of two types',
      { '==': [{ if: [{ var: 'citizen.b' }, i, d] }, 1] },
      '/condition/==/0/if/2',
      /a date/,
    ],
    [
      'months beyond reason',
      { '<': [{ addMonths: [d, 1e6] }, '2026-01-01'] },
      '/condition/</0/addMonths/1',
      /over 100000/,
    ],
    ['an item outside a list', { '==': [{ var: 'item.grade' }, 1] }, '/condition/==/0/var', /only inside/],
    [
      'a list in a list',
      { some: [kids, { all: [kids, true] }] },
      '/condition/some/1/all',
      /inside one another/,
    ],
    [
      'a member that is not there',
      { some: [kids, { '==': [{ var: 'item.x' }, 1] }] },
      '/condition/some/1/==/0/var',
      /no member/,
    ],
    [
      "another citizen's id",
      { some: [kids, { '==': [{ var: 'item.id' }, 'c'] }] },
      '/condition/some/1/==/0/var',
      /another citizen's id/,
    ],
    [
      "another agency's member",
      { some: [kids, { var: 'item.taxed' }] },
      '/condition/some/1/var',
      /may not be used by/,
    ],
    [
      "another agency's list",
      { some: [{ var: 'citizen.tags' }, true] },
      '/condition/some/0/var',
      /may not be used by/,
    ],
    ['a scalar as a list', { some: [i, true] }, '/condition/some/0', /a list field/],
    ['a literal as a list', { none: [[1, 2], true] }, '/condition/none/0', /a list field/],
    [
      'a body that is no condition',
      { all: [kids, { var: 'item.grade' }] },
      '/condition/all/1',
      /an integer where true or false/,
    ],
    ['a list without a body', { some: [kids] }, '/condition/some', /takes 2 arguments, 1 are given/],
    ['known of a literal', { known: [5] }, '/condition/known/0', /one variable/],
    ['known of a calculation', { known: [{ age: [d] }] }, '/condition/known/0', /one variable/],
    [
      'known of an unknown field',
      { known: [{ var: 'citizen.x' }] },
      '/condition/known/0/var',
      /not in the field catalogue/,
    ],
    [
      'months of a number',
      { '<': [{ ageMonths: [i] }, 1] },
      '/condition/</0/ageMonths/0',
      /an integer where a date/,
    ],
    [
      'too many working days',
      { '<': [{ addWorkingDays: [d, 1001] }, '2026-01-01'] },
      '/condition/</0/addWorkingDays/1',
      /over 1000/,
    ],
    [
      'a direction that is none',
      { '<': [{ workingDay: [d, 'up'] }, '2026-01-01'] },
      '/condition/</0/workingDay/1',
      /"next" or "previous"/,
    ],
    [
      'a direction that is read',
      { '<': [{ workingDay: [d, { var: 'event.text' }] }, '2026-01-01'] },
      '/condition/</0/workingDay/1',
      /"next" or "previous"/,
    ],
    ['an unsafe integer', { '==': [i, 1e300] }, '/condition/==/1', /out of the range/],
  ])('refuses %s', (_, condition, pointer, message) => {
    const faults = inCondition(condition);
    expect(faults.map((fault) => fault.pointer)).toContain(pointer);
    expect(faults.find((fault) => fault.pointer === pointer)!.message).toMatch(message);
  });

  test.each([
    [
      'the first day of two, beside a date',
      { '<=': [d, { if: [{ var: 'citizen.b' }, '1980-01-01', '1990-01-01'] }] },
    ],
    [
      'a day or a date of the event',
      { '<=': [d, { if: [{ var: 'citizen.b' }, '1980-01-01', { var: 'event.date' }] }] },
    ],
    ['values of a closed set', { '==': [{ if: [{ var: 'citizen.b' }, 'red', 'green'] }, e] }],
    ['integers and a number', { '<': [i, { if: [{ var: 'citizen.b' }, { var: 'citizen.n' }, 5] }] }],
    [
      'two choices',
      {
        '==': [{ if: [{ var: 'citizen.b' }, 1, 2] }, { if: [{ var: 'citizen.b' }, i, 3] }],
      },
    ],
  ])('takes a choice between %s', (_, condition) => {
    expect(inCondition(condition)).toEqual([]);
  });

  test('lists all its faults at once', () => {
    expect(
      pointers(
        ruleFile({ condition: { and: [{ '==': [i, 'x'] }, { '<': [d, '2026-02-30'] }, { not: [1] }] } }),
      ),
    ).toEqual(['/condition/and/0/==/1', '/condition/and/1/</1', '/condition/and/2/not']);
  });

  test('may be nested 100,000 deep without harm', () => {
    let deep: unknown = { var: 'citizen.b' };
    for (let n = 0; n < 100_000; n++) deep = { '!': [deep] };
    const faults = inCondition(deep);
    expect(faults).toHaveLength(1);
    expect(faults[0]!.message).toBe('The condition is nested deeper than 32.');
  });

  test('has a bound on its breadth', () => {
    const wide = { or: Array.from({ length: 201 }, () => ({ var: 'citizen.b' })) };
    expect(inCondition(wide)[0]).toMatchObject({ pointer: '/condition/or', code: 'too-wide' });
    const many = {
      or: Array.from({ length: 200 }, () => ({ or: [1, 2, 3, 4, 5].map(() => ({ var: 'citizen.b' })) })),
    };
    expect(inCondition(many).at(-1)!.message).toBe('The condition has more than 1000 parts.');
  });

  test('may use an integer where a number is wanted, and both ways to write one argument', () => {
    checked({
      and: [{ '<': [{ var: 'citizen.n' }, 3] }, { '>': [{ age: d }, 3] }, { '!': { var: 'citizen.b' } }],
    });
  });
});

describe('a rule file', () => {
  test('that is whole is accepted as it is', () => {
    const file = ruleFile({
      obligation: { kind: 'x', ref: { var: 'event.integer' } },
      deadline: { at: { addDays: [{ var: 'event.date' }, 7] } },
    });
    expect(checkRule(file, context)).toEqual(file);
  });

  test.each([
    ['an unknown member', { wings: 2 }, ['/wings']],
    ['a bad id', { id: 'Test Rule' }, ['/id']],
    ['an unknown event type', { on: 'kr.test.other' }, ['/on']],
    ['a bad category', { category: 'spam' }, ['/category']],
    ['a channel twice', { channels: ['sms', 'sms'] }, ['/channels']],
    ['an unknown channel', { channels: ['fax'] }, ['/channels/0']],
    ['a template without a stage', { templates: { opened: 'a', later: 'b' } }, ['/templates/later']],
    ['a stage without a template', { templates: {} }, ['/templates/opened']],
    [
      'a stage named corrected',
      { stages: [{ kind: 'corrected', anchor: 'event', offset: 'P0D' }] },
      ['/stages/0/kind'],
    ],
    [
      'an offset in hours',
      { stages: [{ kind: 'opened', anchor: 'event', offset: 'PT1H' }] },
      ['/stages/0/offset'],
    ],
    [
      'a time past midnight',
      { stages: [{ kind: 'opened', anchor: 'event', offset: 'P0D', time: '24:00' }] },
      ['/stages/0/time'],
    ],
    [
      'a deadline that is not there',
      { stages: [{ kind: 'opened', anchor: 'deadline', offset: 'P0D' }] },
      ['/stages/0/anchor'],
    ],
    [
      'an anchor that is no date',
      { stages: [{ kind: 'opened', anchor: { var: 'event.integer' }, offset: 'P0D' }] },
      ['/stages/0/anchor'],
    ],
    [
      "an anchor of the citizen's own",
      { stages: [{ kind: 'opened', anchor: { addYears: [d, 65] }, offset: 'P0D' }] },
      ['/stages/0/anchor'],
    ],
    [
      'a reference to the citizen',
      { obligation: { kind: 'x', ref: { var: 'citizen.i' } } },
      ['/obligation/ref/var'],
    ],
    ['a deadline that is no date', { deadline: { at: { var: 'event.integer' } } }, ['/deadline/at']],
    [
      'a reference that the dispatcher cannot evaluate',
      { obligation: { kind: 'x', ref: { yearOf: [{ var: 'event.date' }] } } },
      ['/obligation/ref/yearOf'],
    ],
    [
      'a deadline with a choice inside',
      { deadline: { at: { addDays: [{ if: [true, { var: 'event.date' }, { var: 'event.date' }] }, 1] } } },
      ['/deadline/at/addDays/0/if'],
    ],
    ['a path in a list', { deadline: { at: { var: ['event.date'] } } }, ['/deadline/at/var']],
    ['an address without TLS', { action: { url: 'http://example.kr/' } }, ['/action/url']],
    ['a sensitive field without a law', { condition: { var: 'citizen.ill' } }, ['/basis/law']],
    [
      'a sensitive member without a law',
      { condition: { some: [kids, { var: 'item.secret' }] } },
      ['/basis/law'],
    ],
    [
      'knowledge of a sensitive field without a law',
      { condition: { known: [{ var: 'citizen.ill' }] } },
      ['/basis/law'],
    ],
  ])('with %s is refused', (_, more, wanted) => {
    expect(pointers(ruleFile(more))).toEqual(wanted);
  });

  test.each([[null], [[]], ['rule'], [7], [{}]])('%j is no rule', (file) => {
    expect(faultsOf(file).length).toBeGreaterThan(0);
  });

  test('may not listen to what settles', () => {
    const settling = { ...context, eventType: () => ({ ...eventType, effect: 'settles' as const }) };
    expect(() => checkRule(ruleFile(), settling)).toThrow(/tells nobody/);
  });

  test('with a sensitive field names its law', () => {
    checked({ var: 'citizen.ill' }, { basis: { law: 'Act on Examples, article 1' } });
  });
});

describe('test citizens', () => {
  const condition = { '>=': [{ age: [d] }, 19] };
  const one = (more: Record<string, unknown>) =>
    ruleFile({
      condition,
      tests: [
        {
          name: 'of age',
          asOf: '2026-03-01',
          citizen: { d: '2007-03-01' },
          event: {},
          expect: 'certain',
          ...more,
        },
      ],
    });

  test('are judged as of their own day', () => {
    expect(faultsOf(one({}))).toEqual([]);
    expect(faultsOf(one({ asOf: '2026-02-28' }))).toMatchObject([
      { pointer: '/tests/0/expect', message: 'The test expects certain, but the condition gives no.' },
    ]);
    expect(faultsOf(one({ citizen: {}, expect: 'possible' }))).toEqual([]);
  });

  test.each([
    [{ asOf: '2026-02-30' }, '/tests/0/asOf'],
    [{ citizen: { d: '2026-02-30' } }, '/tests/0/citizen/d'],
    [{ citizen: { x: 1 } }, '/tests/0/citizen/x'],
    [{ event: { integer: '1' } }, '/tests/0/event/integer'],
    [{ event: { date: '2026-02-30' } }, '/tests/0/event/date'],
  ])('%j is refused', (more, pointer) => {
    expect(pointers(one(more))).toEqual([pointer]);
  });
});

test('the rule that the contract shows is accepted with the shipped catalogue', () => {
  const year = { var: 'event.year' };
  const file = {
    id: 'nhis-general-checkup',
    agency: 'nhis',
    title: { ko: '일반건강검진 안내', en: 'General health check-up' },
    on: 'kr.nhis.checkup-window.opened',
    category: 'service',
    reach: 'certain',
    condition: {
      and: [
        { '>=': [{ yearAge: [{ var: 'citizen.birthDate' }] }, 20] },
        { '==': [{ parity: [{ var: 'citizen.birthDate' }] }, { var: 'event.parity' }] },
        { '!=': [{ var: 'citizen.lastCheckupYear' }, year] },
      ],
    },
    obligation: { kind: 'checkup', ref: year },
    deadline: { at: { var: 'event.closesOn' }, ifDayOff: 'next' },
    stages: [
      { kind: 'opened', anchor: 'event', offset: 'P0D' },
      { kind: 'd7', anchor: 'deadline', offset: '-P7D', time: '09:00', workingDay: 'previous' },
    ],
    channels: ['push', 'email', 'sms'],
    cascade: { after: 'PT4H' },
    overflow: 'inbox',
    templates: { opened: 'checkup-opened', d7: 'checkup-reminder' },
    action: { url: 'https://www.nhis.or.kr/', tel: '1577-1000' },
    basis: { law: '…', source: '…', checkedOn: '2026-11-01' },
    tests: [
      {
        name: 'even year, not yet checked',
        asOf: '2026-02-01',
        citizen: { birthDate: '1980-05-05', lastCheckupYear: 2024 },
        event: { year: 2026, parity: 0, closesOn: '2026-12-31' },
        expect: 'certain',
      },
    ],
  };
  const schema = {
    type: 'object',
    required: ['year', 'parity', 'closesOn'],
    properties: {
      year: { type: 'integer' },
      parity: { type: 'integer' },
      closesOn: { type: 'string', format: 'date' },
    },
  };
  const read = readRule(file, {
    fields: shippedFields(),
    eventType: () => ({ ...eventType, agency: 'nhis', schema }),
  });
  expect(read.rule).toEqual(file);
  expect(read.deadline).toMatchObject({ kind: 'event', type: 'date' });
});

test("a rule listens to its own agency's events only", () => {
  expect(faultsOf(ruleFile({ agency: 'other' }))).toMatchObject([
    { pointer: '/on', message: 'The event type belongs to another agency, "test".' },
  ]);
});
