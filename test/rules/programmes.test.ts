/** The conditions of the programmes that ship, over their own test citizens and synthetic ones: columns, closures and SQL say the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { EventType } from '../../domain/event.ts';
import type { MatchRequest } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import { citizens } from '../../producers/population.ts';
import { parseDay } from '../../rules/calendar.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { type Circumstances, compileNumber } from '../../rules/compile/closure.ts';
import { Population } from '../../rules/population/population.ts';
import { type Profile, profileSource, readProfile } from '../../rules/population/profile.ts';
import { resolve } from '../../rules/run/answer.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createProfiles, type ProfileRow, profileRow, truthsBySql } from './profiles-table.ts';

const root = join(import.meta.dirname, '../..');
const filesIn = <T>(...folder: string[]): T[] =>
  readdirSync(join(root, ...folder)).map(
    (file) => JSON.parse(readFileSync(join(root, ...folder, file), 'utf8')) as T,
  );
const types = new Map(filesIn<EventType>('producers', 'catalogue').map((type) => [type.type, type]));
const rules = filesIn<Rule>('rules', 'published');
const fields = shippedFields();

const SYNTHETIC = 800;
const population = new Population(fields);
const everybody = new Map<string, Profile>();
const rows: ProfileRow[] = [];
function know(id: string, json: Readonly<Record<string, unknown>>): void {
  everybody.set(id, readProfile(json, population.layout));
  rows.push(profileRow(id, json, fields));
}
for (const { id, profile } of citizens(29, SYNTHETIC)) know(id, profile);
for (const { id, tests } of rules)
  for (const [index, { citizen }] of tests.entries()) know(`${id}/${index}`, citizen);
for (const [id, profile] of everybody) population.upsert(id, profile);
population.order();

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 2, migrated: false });
  await createProfiles(database.pool, fields);
});
afterAll(() => database.drop());

/** The days and events that the rule's own tests speak of, each once. */
function occasionsOf(rule: Rule): MatchRequest[] {
  const occasions = new Map(
    rule.tests.map(({ asOf, event }) => [
      JSON.stringify([asOf, event]),
      { asOf, event: { source: '/test', id: '1', data: event } } as unknown as MatchRequest,
    ]),
  );
  return [...occasions.values()];
}

test.each(rules.map((rule) => [rule.id, rule] as const))(
  '%s: the column scan of a shard and SQL find whom closures find, certain and possible',
  async (_, rule) => {
    const checked = readRule(rule, { fields, eventType: (name) => types.get(name) });
    const judge = compileNumber(checked.condition, profileSource(population.layout));
    for (const occasion of occasionsOf(rule)) {
      const given = { event: occasion.event!.data as Circumstances['event'], asOf: parseDay(occasion.asOf) };
      const certain: string[] = [];
      const possible: string[] = [];
      for (const [id, profile] of everybody) {
        const truth = judge(profile, given);
        if (truth !== 0) (Number.isNaN(truth) ? possible : certain).push(id);
      }
      const bySql = await truthsBySql(database.pool, checked.condition, rows, given);
      const where = (wanted: boolean | null) =>
        [...bySql].filter(([, truth]) => truth === wanted).map(([id]) => id);
      expect([occasion.asOf, where(true).sort(), where(null).sort()]).toEqual([
        occasion.asOf,
        certain.toSorted(),
        possible.toSorted(),
      ]);
      const answer = resolve(occasion, checked, [], population);
      const found = answer.citizens.filter((_id, index) => answer.certain[index] === 1);
      expect([occasion.asOf, found.sort()]).toEqual([occasion.asOf, certain.sort()]);
      expect(answer.totals.possible).toBe(possible.length);
      if (rule.reach === 'possible')
        expect(answer.citizens.filter((_id, index) => answer.certain[index] === 0).sort()).toEqual(
          possible.sort(),
        );
    }
  },
);
