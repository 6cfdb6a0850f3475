/** Every reading of a condition against SQL on a real Postgres, over random rules, events and populations. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MatchRequest } from '../../domain/records.ts';
import { parseDay } from '../../rules/calendar.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { Population } from '../../rules/population/population.ts';
import { profileSource, readProfile } from '../../rules/population/profile.ts';
import { resolve } from '../../rules/run/answer.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { checked, fields } from './fixtures.ts';
import { truths } from './sql-oracle.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 2, migrated: false });
});
afterAll(() => database.drop());

const citizen = (name: string) => fc.constant({ var: `citizen.${name}` });
const event = (name: string) => fc.constant({ var: `event.${name}` });
const date = fc
  .record({
    year: fc.integer({ min: 1996, max: 2028 }),
    month: fc.constantFrom(1, 2, 3, 12),
    day: fc.constantFrom(1, 2, 27, 28, 29, 30, 31),
  })
  .map(({ year, month, day }) =>
    Temporal.PlainDate.from({ year, month, day }, { overflow: 'constrain' }).toString(),
  );
const small = fc.integer({ min: -3, max: 32 });
const colours = fc.constantFrom('red', 'green', 'blue');

const grammar = fc.letrec((tie) => {
  const dates = fc.oneof(
    { weight: 6, arbitrary: fc.oneof(citizen('d'), citizen('d2'), event('date')) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom('addDays', 'addMonths', 'addYears'),
          fc.oneof(citizen('d'), event('date')),
          fc.oneof(small, event('integer')),
        )
        .map(([op, of, amount]) => ({ [op]: [of, amount] })),
    },
  );
  const integers = fc.oneof(
    citizen('i'),
    citizen('i2'),
    event('integer'),
    event('maybe'),
    event('nested.deep'),
    fc
      .tuple(fc.constantFrom('age', 'yearAge', 'parity', 'daysUntil', 'daysSince'), dates)
      .map(([op, of]) => ({ [op]: [of] })),
    fc.tuple(tie('condition'), citizen('i'), citizen('i2')).map((args) => ({ if: args })),
  );
  const orders = fc.constantFrom('==', '!=', '<', '<=', '>', '>=');
  const equals = fc.constantFrom('==', '!=');
  const leaf = fc.oneof(
    fc.tuple(orders, integers, fc.oneof(small, integers)).map(([op, ...args]) => ({ [op]: args })),
    fc.tuple(orders, small, integers).map(([op, ...args]) => ({ [op]: args })),
    fc.tuple(orders, dates, fc.oneof(date, dates)).map(([op, ...args]) => ({ [op]: args })),
    fc
      .tuple(
        orders,
        fc.oneof(citizen('n'), event('number')),
        fc.oneof(fc.constantFrom(0.5, 2.25, 3), integers, citizen('n')),
      )
      .map(([op, ...args]) => ({ [op]: args })),
    fc.tuple(integers, small, small).map((args) => ({ between: args })),
    fc.tuple(dates, date, fc.oneof(date, citizen('d2'))).map((args) => ({ between: args })),
    fc
      .tuple(dates, fc.oneof(fc.integer({ min: -5, max: 4_000 }), event('integer')))
      .map((args) => ({ within: args })),
    fc
      .tuple(integers, fc.oneof(fc.array(small, { minLength: 1, maxLength: 4 }), event('integers')))
      .map((args) => ({ in: args })),
    fc.tuple(dates, fc.array(date, { minLength: 1, maxLength: 3 })).map((args) => ({ in: args })),
    fc
      .tuple(
        equals,
        citizen('e'),
        fc.oneof(colours, citizen('e2'), citizen('s'), event('text'), event('colour')),
      )
      .map(([op, ...args]) => ({ [op]: args })),
    fc.tuple(equals, citizen('s'), fc.oneof(colours, event('text'))).map(([op, ...args]) => ({ [op]: args })),
    fc
      .tuple(
        fc.oneof(citizen('s'), citizen('e')),
        fc.oneof(fc.array(colours, { minLength: 1, maxLength: 2 }), event('texts')),
      )
      .map((args) => ({ in: args })),
    fc
      .tuple(equals, citizen('b'), fc.oneof(fc.boolean(), event('boolean')))
      .map(([op, ...args]) => ({ [op]: args })),
    citizen('b'),
    event('boolean'),
  );
  return {
    condition: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leaf,
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((args) => ({ and: args })),
      fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((args) => ({ or: args })),
      tie('condition').map((arg) => ({ '!': [arg] })),
      fc.tuple(tie('condition'), tie('condition'), tie('condition')).map((args) => ({ if: args })),
    ),
  };
});

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 });
const profiles = fc.array(
  fc.record({
    d: maybe(date),
    d2: maybe(date),
    i: maybe(fc.integer({ min: 0, max: 10 })),
    i2: maybe(fc.integer({ min: -5, max: 40 })),
    n: maybe(fc.constantFrom(0, 0.5, 2, 2.25, 7)),
    b: maybe(fc.boolean()),
    e: maybe(colours),
    e2: maybe(fc.constantFrom('red', 'green', 'grey')),
    s: maybe(fc.constantFrom('red', 'green', 'x')),
  }),
  { minLength: 1, maxLength: 25 },
);
const events = fc.record({
  date: maybe(date),
  integer: maybe(small),
  number: maybe(fc.constantFrom(0.5, 3)),
  boolean: maybe(fc.boolean()),
  text: maybe(fc.constantFrom('red', 'x')),
  colour: maybe(fc.constantFrom('red', 'green')),
  maybe: fc.option(small, { freq: 3 }),
  nested: maybe(fc.record({ deep: small })),
  integers: maybe(fc.array(small, { maxLength: 3 })),
  texts: maybe(fc.array(colours, { maxLength: 3 })),
});

test('closures and the column scan say of everybody what SQL says', async () => {
  await fc.assert(
    fc.asyncProperty(
      grammar.condition,
      profiles,
      events,
      date,
      fc.nat({ max: 5 }),
      async (condition, given, data, asOf, forgotten) => {
        const rule = checked(condition, { reach: 'possible' });
        const citizens = given.map((profile, index) => ({ ...profile, id: `c${index}` }));
        const wanted = await truths(database.pool, condition, citizens, data, asOf);

        const population = new Population(fields);
        // Slots that were used and freed must not shine through.
        for (let i = 0; i < forgotten; i++)
          population.upsert(`gone${i}`, readProfile({ i: 3, b: true, e: 'red' }, population.layout));
        for (let i = 0; i < forgotten; i++) population.forget(`gone${i}`);
        if (forgotten % 2 === 1) population.order();
        for (const { id, ...profile } of citizens)
          population.upsert(id, readProfile(profile, population.layout));

        const circumstances = { event: data, asOf: parseDay(asOf) };
        const bySlot = compileNumber(rule.condition, population.source());
        const byProfile = compileNumber(rule.condition, profileSource(population.layout));
        const three = (truth: number): boolean | null => (Number.isNaN(truth) ? null : truth === 1);
        for (const { id, ...profile } of citizens) {
          const truth = wanted.get(id);
          expect([id, three(bySlot(population.slotOf(id)!, circumstances))]).toEqual([id, truth]);
          expect([id, three(byProfile(readProfile(profile, population.layout), circumstances))]).toEqual([
            id,
            truth,
          ]);
        }

        const request = { asOf, event: { source: '/test', id: '1', data } } as unknown as MatchRequest;
        const answer = resolve(request, rule, [], population);
        const found = answer.citizens.map((id, index) => [id, answer.certain[index] === 1]);
        const matching = [...wanted]
          .filter(([, truth]) => truth !== false)
          .map(([id, truth]) => [id, truth === true]);
        expect(found).toEqual(matching.sort(([a], [b]) => (a! < b! ? -1 : 1)));
        expect(answer.totals.possible).toBe([...wanted.values()].filter((truth) => truth === null).length);
      },
    ),
    { numRuns: 300 },
  );
}, 120_000);
