/**
 * The property that every reading of a condition says of everybody what SQL says: closures over columns and over a profile, the negation
 * normal form, the column scan, the SQL that compile/sql.ts makes of the tree, and an SQL that the oracle makes of the rule's own JSON.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MatchRequest } from '../../domain/records.ts';
import type { Sql } from '../../domain/sql.ts';
import { dayText, parseDay } from '../../rules/calendar.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { negationNormal } from '../../rules/lower/negation.ts';
import { Population } from '../../rules/population/population.ts';
import { profileSource, readProfile, withoutFields } from '../../rules/population/profile.ts';
import { resolve } from '../../rules/run/answer.ts';
import { citizens, conditions, days, events } from './arbitraries.ts';
import { checked, fields } from './fixtures.ts';
import { createProfiles, profileRow, truthsBySql } from './profiles-table.ts';
import { createWorkingDays, truths } from './sql-oracle.ts';

type Truth = boolean | null;
type Person = {
  readonly id: string;
  readonly profile: Record<string, unknown>;
  readonly disputed: readonly string[];
};

const three = (truth: number): Truth => (Number.isNaN(truth) ? null : truth === 1);
const THOSE_WHO_LEFT = {
  i: 3,
  b: true,
  e: 'red',
  children: Array(2).fill({ id: 'x', birthDate: '2020-02-29', grade: 1, boards: true, school: 'red' }),
};
/** More than a narrow column has different values of. */
const CROWD = 260;
const oneOfMany = (i: number): Record<string, unknown> => ({
  d: dayText(i * 50),
  d2: dayText(i * 300 - 40_000),
  i2: i * 250,
  s: `town${i}`,
  children: [{ id: 'x', birthDate: dayText(10_000 + i), town: `town${i}` }],
});
/** What the arbitraries' dates and amounts stay within; all years would be slow to list. */
const WORKING_YEARS = [1990, 2034] as const;

/** What the property asks in, once for a database. */
export async function createOracle(sql: Sql): Promise<void> {
  await createWorkingDays(sql);
  await createProfiles(sql, fields);
}

/** A random condition, citizens with missing and disputed values, an event and a day, held together. It shrinks to the least of them. */
export function agreement(sql: Sql) {
  return fc.asyncProperty(
    conditions,
    fc.array(citizens, { minLength: 1, maxLength: 25 }),
    events,
    days,
    fc.nat({ max: 5 }),
    async (condition, given, data, asOf, forgotten) => {
      const rule = checked(condition, { reach: 'possible', basis: { law: 'Act on Examples' } });
      const people = given.map((one, index): Person => ({ ...one, id: `c${index}` }));
      const circumstances = { event: data, asOf: parseDay(asOf) };
      const wanted = await byOracle(sql, condition, people, data, asOf);
      const rows = people.map(({ id, profile, disputed }) => profileRow(id, profile, fields, disputed));
      const options = { workingYears: WORKING_YEARS };
      assert.deepEqual(await truthsBySql(sql, rule.condition, rows, circumstances, options), wanted);

      const population = populate(people, forgotten);
      const bySlot = compileNumber(rule.condition, population.source());
      const turned = compileNumber(negationNormal(rule.condition), population.source());
      const byProfile = compileNumber(rule.condition, profileSource(population.layout));
      for (const one of people) {
        const slot = population.slotOf(one.id)!;
        const found = [
          three(bySlot(slot, circumstances)),
          three(turned(slot, circumstances)),
          three(byProfile(seen(one, population), circumstances)),
        ];
        assert.deepEqual([one.id, ...found], [one.id, ...Array(3).fill(wanted.get(one.id))]);
      }

      const request = { asOf, event: { source: '/test', id: '1', data } } as unknown as MatchRequest;
      const answer = resolve(request, rule, [], population);
      const audience = answer.citizens.map((id, index) => [id, answer.certain[index] === 1]);
      const matching = [...wanted].filter(([, truth]) => truth !== false);
      assert.deepEqual(
        audience,
        matching.map(([id, truth]) => [id, truth === true]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
      );
      assert.equal(answer.totals.possible, matching.filter(([, truth]) => truth === null).length);
    },
  );
}

async function byOracle(
  sql: Sql,
  condition: unknown,
  people: readonly Person[],
  data: Record<string, unknown>,
  asOf: string,
): Promise<Map<string, Truth>> {
  const rows = people.map(({ id, profile, disputed }) => ({
    ...Object.fromEntries(Object.entries(profile).filter(([name]) => !disputed.includes(name))),
    id,
  }));
  return await truths(sql, condition, rows, data, asOf);
}

/** What is disputed counts as missing. */
function seen({ profile, disputed }: Person, { layout }: Population) {
  return withoutFields(readProfile(profile, layout), disputed, layout);
}

function populate(people: readonly Person[], forgotten: number): Population {
  const population = new Population(fields);
  // Slots and items that were used and freed must not shine through.
  for (let i = 0; i < forgotten; i++)
    population.upsert(`gone${i}`, readProfile(THOSE_WHO_LEFT, population.layout));
  // And columns that became wide are read as the narrow ones are.
  const crowd = forgotten > 3 ? CROWD : 0;
  for (let i = forgotten; i < forgotten + crowd; i++)
    population.upsert(`gone${i}`, readProfile(oneOfMany(i), population.layout));
  for (let i = 0; i < forgotten + crowd; i++) population.forget(`gone${i}`);
  if (forgotten % 2 === 1) population.order();
  for (const one of people) population.upsert(one.id, seen(one, population));
  return population;
}
