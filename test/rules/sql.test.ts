/** Conditions in SQL over a real table: its edges. That it says of everybody what the other readings say is agreement.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { WorkingDays } from '../../domain/timeline.ts';
import { parseDay } from '../../rules/calendar.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { compileSql } from '../../rules/compile/sql.ts';
import { layoutOf, profileSource, readProfile } from '../../rules/population/profile.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { conditions, days } from './arbitraries.ts';
import { checked, fields } from './fixtures.ts';
import { createProfiles, fillProfiles, profileRow, truthsBySql } from './profiles-table.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 2, migrated: false });
  await createProfiles(database.pool, fields);
});
afterAll(() => database.drop());

const LAW = { basis: { law: 'Act on Examples' } };

const WEEKENDS: WorkingDays = {
  isDayOff: (day) => Temporal.PlainDate.from(day).dayOfWeek > 5,
  nextWorkingDay: (day) => day,
  previousWorkingDay: (day) => day,
};

async function judge(
  condition: unknown,
  profile: Readonly<Record<string, unknown>> = {},
  event: Readonly<Record<string, unknown>> = {},
  asOf = '2026-02-01',
): Promise<boolean | null> {
  const given = { event, asOf: parseDay(asOf) };
  const rows = [profileRow('c', profile, fields)];
  const { condition: tree } = checked(condition, LAW);
  const truths = await truthsBySql(database.pool, tree, rows, given, { calendar: WEEKENDS });
  return truths.get('c')!;
}

const d = { var: 'citizen.d' };
const s = { var: 'citizen.s' };
const children = { var: 'citizen.children' };
const event = (name: string) => ({ var: `event.${name}` });

test('a table is filled with profiles and asked', async () => {
  const people = [
    {
      d: '1980-02-29',
      i: 5,
      n: 2.5,
      b: true,
      e: 'red',
      s: "o'clock",
      children: [{ id: 'x', birthDate: '2020-01-01' }],
    },
    { d: '1981-03-01', i: null, children: [] },
    {},
  ];
  const rows = people.map((profile, index) => profileRow(`c${index}`, profile, fields));
  await fillProfiles(database.pool, rows);
  const condition = {
    or: [
      { some: [children, { '<': [{ age: [{ var: 'item.birthDate' }] }, 7] }] },
      { '==': [d, '1981-03-01'] },
    ],
  };
  const { text, values } = compileSql(checked(condition).condition, {
    event: {},
    asOf: parseDay('2026-02-01'),
  });
  const { rows: found } = await database.pool.query(
    `SELECT citizen, ${text} AS truth FROM profiles ORDER BY citizen`,
    values,
  );
  expect(found).toEqual([
    { citizen: 'c0', truth: true },
    { citizen: 'c1', truth: true },
    { citizen: 'c2', truth: null },
  ]);
});

test('nothing that a rule or an event says stands in the text', () => {
  const evil = `x'); DROP TABLE profiles; --`;
  const condition = { or: [{ '==': [s, evil] }, { in: [s, [evil, '"; $1']] }, { '==': [s, event('text')] }] };
  const { text, values } = compileSql(checked(condition).condition, {
    event: { text: evil },
    asOf: parseDay('2026-02-01'),
  });
  expect(text).not.toMatch(/DROP|x'/);
  expect(values).toContain(evil);
});

test.each([
  ['\0'],
  ['a\0b'],
  ['\ud800'],
  ["'"],
  ['"'],
  ['\\'],
  ['\u0001"x"'],
  ['__proto__'],
  ['{}'],
  ['NULL'],
  [','],
])('a text that is %j is only itself', async (text) => {
  expect(await judge({ '==': [event('text'), event('text')] }, {}, { text })).toBe(true);
  expect(await judge({ '==': [s, event('text')] }, { s: 'x' }, { text })).toBe(false);
  expect(await judge({ in: [s, event('texts')] }, { s: 'x' }, { texts: [text, 'x'] })).toBe(true);
  expect(await judge({ in: [event('text'), event('texts')] }, {}, { text, texts: ['y', text] })).toBe(true);
  expect(await judge({ in: [event('text'), event('texts')] }, {}, { text, texts: [`${text}?`] })).toBe(false);
});

describe('the ends of the calendar', () => {
  const far = 9_007_199_254_740_991;
  test.each([
    [{ addDays: [event('date'), 1] }, { date: '9999-12-31' }],
    [{ addDays: [event('date'), -1] }, { date: '0001-01-01' }],
    [{ addDays: [event('date'), event('integer')] }, { date: '2026-01-01', integer: far }],
    [{ addDays: [d, event('integer')] }, { integer: -far }],
    [{ addMonths: [event('date'), 1] }, { date: '9999-12-01' }],
    [{ addMonths: [d, event('integer')] }, { integer: far }],
    [{ addYears: [d, event('integer')] }, { integer: -far }],
    [{ addYears: [d, 8_200] }, {}],
    [{ addWorkingDays: [d, 1_000] }, { date: '1969-12-31' }, '1969-12-31'],
    [{ addWorkingDays: [d, event('integer')] }, { integer: 1_001 }],
    [{ workingDay: [d, 'next'] }, {}, '2100-01-01'],
    [{ addDays: [event('date'), 1] }, { date: '2026-02-30' }],
    [{ addDays: [event('date'), 1] }, { date: '0000-01-01' }],
  ])('%j with %j is not known', async (date, data, own = '2000-01-31') => {
    expect(await judge({ '<': [date, d] }, { d: own }, data)).toBe(null);
    expect(await judge({ '>=': [date, d] }, { d: own }, data)).toBe(null);
  });

  test.each([
    [{ addDays: [event('date'), 0] }, '9999-12-31'],
    [{ addMonths: [event('date'), 11] }, '9999-01-31'],
    [{ addYears: [event('date'), -9_998] }, '9999-02-28'],
    [{ addMonths: [event('date'), -99_999] }, '9999-12-31'],
  ])('%j of %s is', async (date, day) => {
    expect(await judge({ '<=': [date, '9999-12-31'] }, {}, { date: day })).toBe(true);
  });
});

test('days off count as the calendar has them', async () => {
  const eve = profileRow('c', { d: '2026-09-23' }, fields);
  const given = { event: {}, asOf: parseDay('2026-02-01') };
  const options = { workingYears: [2026, 2026] } as const;
  // Chuseok: Thursday 24 to Saturday 26 September 2026.
  for (const [date, day] of [
    [{ addWorkingDays: [d, 1] }, '2026-09-28'],
    [{ addWorkingDays: [d, -1] }, '2026-09-22'],
    [{ workingDay: [{ addDays: [d, 1] }, 'next'] }, '2026-09-28'],
    [{ workingDay: [{ addDays: [d, 1] }, 'previous'] }, '2026-09-23'],
    [{ addWorkingDays: [{ addDays: [d, 2] }, -1] }, '2026-09-23'],
    [{ addWorkingDays: [{ addDays: [d, 2] }, 0] }, '2026-09-25'],
  ] as const) {
    const { condition } = checked({ '==': [date, day] });
    expect([date, (await truthsBySql(database.pool, condition, [eve], given, options)).get('c')]).toEqual([
      date,
      true,
    ]);
  }
});

test('numbers are compared without overflow or rounding', async () => {
  const i2 = { var: 'citizen.i2' };
  const n = { var: 'citizen.n' };
  const integer = event('integer');
  expect(await judge({ '<': [i2, integer] }, { i2: 70_000 }, { integer: 9_007_199_254_740_991 })).toBe(true);
  expect(
    await judge({ '==': [integer, 9_007_199_254_740_991] }, {}, { integer: 9_007_199_254_740_990 }),
  ).toBe(false);
  expect(await judge({ '<': [n, 0.1] }, { n: 1e308 })).toBe(false);
  expect(await judge({ '==': [n, 0] }, { n: -0 })).toBe(true);
  expect(await judge({ '==': [n, event('number')] }, { n: 0 }, { number: -0 })).toBe(true);
  expect(await judge({ '==': [n, event('number')] }, { n: 0.1 }, { number: 0.1 })).toBe(true);
  expect(await judge({ '<': [i2, n] }, { i2: 3, n: 3.5 })).toBe(true);
  expect(await judge({ in: [n, event('integers')] }, { n: 3 }, { integers: [1, 3] })).toBe(true);
});

test('a list that is empty, absent, or holds something unknown', async () => {
  const young = { '>': [{ var: 'item.birthDate' }, '2020-01-01'] };
  const of = (...days: (string | undefined)[]) => ({
    children: days.map((birthDate) => ({ id: 'x', ...(birthDate === undefined ? {} : { birthDate }) })),
  });
  const three = async (profile: Record<string, unknown>) => [
    await judge({ some: [children, young] }, profile),
    await judge({ all: [children, young] }, profile),
    await judge({ none: [children, young] }, profile),
    await judge({ known: [children] }, profile),
  ];
  expect(await three({})).toEqual([null, null, null, false]);
  expect(await three(of())).toEqual([false, false, true, true]);
  expect(await three(of('2021-01-01'))).toEqual([true, true, false, true]);
  expect(await three(of('2021-01-01', '2010-01-01'))).toEqual([true, false, false, true]);
  expect(await three(of('2021-01-01', undefined))).toEqual([true, null, false, true]);
  expect(await three(of('2010-01-01', undefined))).toEqual([null, false, null, true]);
  expect(await three(of('2010-01-01'))).toEqual([false, false, true, true]);
});

test('a deep tree is a statement that Postgres plans', async () => {
  let date: unknown = d;
  for (let i = 0; i < 28; i++)
    date = { [['addDays', 'addMonths', 'addYears'][i % 3]!]: [date, i % 2 === 0 ? 1 : -1] };
  expect(await judge({ '>': [date, '1990-01-01'] }, { d: '2000-01-31' })).toBe(true);
  let choice: unknown = { '==': [{ var: 'citizen.i' }, 1] };
  for (let i = 0; i < 28; i++) choice = { if: [{ var: 'citizen.b' }, choice, choice] };
  // Twice below each: cut to what the language allows.
  choice = { '==': [{ var: 'citizen.i' }, 1] };
  for (let i = 0; i < 28; i++)
    choice = { if: [{ var: 'citizen.b' }, choice, { '!': [{ var: 'citizen.b' }] }] };
  expect(await judge(choice, { b: true, i: 1 })).toBe(true);
  expect(await judge(choice, { i: 1 })).toBe(null);
}, 20_000);

const texts = fc.constantFrom(
  '\0',
  'a\0b',
  '\ud800',
  "o'clock",
  '"',
  '\\',
  '__proto__',
  'NULL',
  '{}',
  '$1',
  '\u0001',
  'red',
);
const farDays = fc.constantFrom(
  '0001-01-01',
  '9999-12-31',
  '1800-01-01',
  '2199-12-31',
  '2000-02-29',
  '2026-02-30',
  'x',
);
const farIntegers = fc.constantFrom(2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 31, 120_000, 0, -0, 1.5, '5', null);
const farNumbers = fc.constantFrom(1e308, -1e308, 5e-324, -0, 0.1, Number.NaN, '1');
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 4 });
const farEvents = fc.record({
  date: maybe(farDays),
  integer: maybe(farIntegers),
  number: maybe(farNumbers),
  boolean: maybe(fc.constantFrom(true, false, 1, 'true')),
  text: maybe(texts),
  colour: maybe(texts),
  maybe: maybe(farIntegers),
  nested: maybe(fc.constantFrom(null, { deep: 2 ** 53 - 1 }, { deep: {} }, [])),
  integers: maybe(fc.array(farIntegers, { maxLength: 3 })),
  texts: maybe(fc.array(texts, { maxLength: 3 })),
});
const farCitizens = fc.record({
  d: maybe(fc.constantFrom('1800-01-01', '2199-12-31', '2000-02-29', '1969-12-31', '2100-01-01')),
  d2: maybe(fc.constantFrom('1970-01-01', '2099-12-31')),
  i: maybe(fc.constantFrom(0, 10)),
  i2: maybe(fc.constantFrom(-5, 70_000)),
  n: maybe(fc.constantFrom(1e308, -1e308, 5e-324, -0)),
  b: maybe(fc.boolean()),
  e: maybe(fc.constantFrom('red', 'blue')),
  s: maybe(fc.constantFrom('\ud800', "o'clock", '"', '\\', '__proto__', 'NULL', '{}', '$1')),
  children: maybe(
    fc.array(
      fc.record({
        id: fc.constant('c'),
        birthDate: maybe(fc.constantFrom('1800-01-01', '2199-12-31')),
        town: maybe(fc.constantFrom("o'clock", '\\', '\ud800')),
      }),
      { maxLength: 3 },
    ),
  ),
});

test('whatever stands in events and profiles, SQL says what closures say', async () => {
  const layout = layoutOf(fields);
  await fc.assert(
    fc.asyncProperty(
      conditions,
      fc.array(farCitizens, { minLength: 1, maxLength: 5 }),
      farEvents,
      days,
      async (json, people, data, day) => {
        const { condition } = checked(json, LAW);
        const given = { event: data, asOf: parseDay(day) };
        const closure = compileNumber(condition, profileSource(layout), WEEKENDS);
        const rows = people.map((profile, index) => profileRow(`c${index}`, profile, fields));
        const bySql = await truthsBySql(database.pool, condition, rows, given, { calendar: WEEKENDS });
        const byClosure = people.map((profile, index) => {
          const truth = closure(readProfile(profile, layout), given);
          return [`c${index}`, Number.isNaN(truth) ? null : truth === 1];
        });
        expect([...bySql]).toEqual(byClosure);
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);
