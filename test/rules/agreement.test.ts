/** Every reading of a condition against SQL on a real Postgres, over random rules, events and populations. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { MatchRequest } from '../../domain/records.ts';
import { parseDay } from '../../rules/calendar.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { negationNormal } from '../../rules/lower/negation.ts';
import { Population } from '../../rules/population/population.ts';
import { profileSource, readProfile, withoutFields } from '../../rules/population/profile.ts';
import { resolve } from '../../rules/run/answer.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { citizens, conditions, days, events } from './arbitraries.ts';
import { checked, fields } from './fixtures.ts';
import { createWorkingDays, truths } from './sql-oracle.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 2, migrated: false });
  await createWorkingDays(database.pool);
});
afterAll(() => database.drop());

test('closures and the column scan say of everybody what SQL says', async () => {
  await fc.assert(
    fc.asyncProperty(
      conditions,
      fc.array(citizens, { minLength: 1, maxLength: 25 }),
      events,
      days,
      fc.nat({ max: 5 }),
      async (condition, given, data, asOf, forgotten) => {
        const rule = checked(condition, { reach: 'possible', basis: { law: 'Act on Examples' } });
        const people = given.map((one, index) => ({ ...one, id: `c${index}` }));
        const rows = people.map(({ id, profile, disputed }) => ({
          ...Object.fromEntries(Object.entries(profile).filter(([name]) => !disputed.includes(name))),
          id,
        }));
        const wanted = await truths(database.pool, condition, rows, data, asOf);

        const population = new Population(fields);
        // Slots and items that were used and freed must not shine through.
        const child = { id: 'x', birthDate: '2020-02-29', grade: 1, boards: true, school: 'red' };
        const gone = readProfile({ i: 3, b: true, e: 'red', children: [child, child] }, population.layout);
        for (let i = 0; i < forgotten; i++) population.upsert(`gone${i}`, gone);
        for (let i = 0; i < forgotten; i++) population.forget(`gone${i}`);
        if (forgotten % 2 === 1) population.order();
        const seen = (one: (typeof people)[number]) =>
          withoutFields(readProfile(one.profile, population.layout), one.disputed, population.layout);
        for (const one of people) population.upsert(one.id, seen(one));

        const circumstances = { event: data, asOf: parseDay(asOf) };
        const bySlot = compileNumber(rule.condition, population.source());
        const turned = compileNumber(negationNormal(rule.condition), population.source());
        const byProfile = compileNumber(rule.condition, profileSource(population.layout));
        const three = (truth: number): boolean | null => (Number.isNaN(truth) ? null : truth === 1);
        for (const one of people) {
          const slot = population.slotOf(one.id)!;
          expect([
            one.id,
            three(bySlot(slot, circumstances)),
            three(turned(slot, circumstances)),
            three(byProfile(seen(one), circumstances)),
          ]).toEqual([one.id, ...Array(3).fill(wanted.get(one.id))]);
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
