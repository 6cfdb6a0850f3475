/** The oracle of the other programmes must itself be able to say no; and it must find somebody for every rule. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { copyRows, loadPlan, personRow, pointRows } from './oracle.ts';
import { makePlan, PROGRAMMES, people } from './plan.ts';
import { judgeConditions, judgeProgrammes, linesOf, profileCells, widenPeople } from './programme-oracle.ts';
import { makeProgrammes } from './programmes.ts';

const DAY = '2026-11-23';
const size = { citizens: 8_000, reachable: 2_000, districts: 5, targeted: 40, few: 3, late: 5, each: 24 };
const plan = makePlan(11, size, DAY);
const programmes = makeProgrammes(11, size, DAY, PROGRAMMES);
const MADE = 'programme_inbox, sent, programme_seen, entitled, programme_inboxes, programme_sinks';

describe('the oracle of the other programmes', () => {
  let database: TestDatabase;
  const sql = (text: string) => database.pool.query(text);
  const judged = () => judgeProgrammes(database.pool, programmes);

  beforeAll(async () => {
    database = await createDatabase({ migrated: false });
    await loadPlan(database.pool, plan);
    await widenPeople(database.pool);
    const everybody = [...people(plan, 'http://127.0.0.1:1')];
    await copyRows(
      database.pool,
      'people',
      everybody.map((one) => [...personRow(one), ...profileCells(one.profile)]),
    );
    await copyRows(database.pool, 'points', everybody.flatMap(pointRows));
    await judgeConditions(database.pool, DAY, programmes);
    const empty = await judged();
    expect(empty.inboxMissing).toBe(empty.inboxWanted);
    expect(empty.missing).toBe(empty.wanted);
    await sql('CREATE TABLE wanted_then AS TABLE entitled');
  });

  afterAll(() => database?.drop());

  /** Perfect inboxes and sinks, as the product would have left them, to be damaged. */
  async function perfect(): Promise<void> {
    await sql(`DROP TABLE ${MADE}`);
    await sql('TRUNCATE inbox, ledger, seen');
    await sql(
      'INSERT INTO inbox SELECT citizen, event, stage, channel IS NULL, rule, reach FROM wanted_then',
    );
    await sql(`INSERT INTO ledger SELECT citizen, event, stage, channel, 'sent', 0, rule, md5(rule || event || citizen)
      FROM wanted_then WHERE channel IS NOT NULL`);
    await sql(`INSERT INTO seen SELECT channel, address, md5(rule || event || citizen), 'unknown', 0
      FROM wanted_then WHERE channel IS NOT NULL`);
  }

  test('finds nothing wrong where everybody was told once, and somebody for every rule', async () => {
    await perfect();
    const { table, ...verdict } = await judged();
    expect(verdict).toMatchObject({
      inboxMissing: 0,
      inboxUnexpected: 0,
      inboxDoubled: 0,
      missing: 0,
      unexpected: 0,
      doubled: 0,
      evidence: {},
    });
    expect(table).toHaveLength(40);
    expect(table.filter(({ certain, possible }) => certain + possible === 0)).toEqual([]);
    expect(linesOf(table)).toHaveLength(41);
  });

  test.each([
    [
      'an inbox that lacks a notice',
      `DELETE FROM inbox WHERE ctid = (SELECT min(ctid) FROM inbox)`,
      { inboxMissing: 1 },
    ],
    [
      'a notice to somebody whom it does not concern',
      `INSERT INTO inbox SELECT 'c-stranger', event, stage, true, rule, reach FROM inbox LIMIT 1`,
      { inboxUnexpected: 1 },
    ],
    [
      'a possible who is told that it surely concerns him',
      `UPDATE inbox SET reach = 'certain' WHERE ctid = (SELECT min(ctid) FROM inbox WHERE reach = 'possible')`,
      { inboxUnexpected: 1 },
    ],
    [
      'another stage than the one that is due',
      `UPDATE inbox SET stage = 'm1' WHERE ctid = (SELECT min(ctid) FROM inbox WHERE stage = 'm6')`,
      { inboxUnexpected: 1 },
    ],
    [
      'a notice that came twice',
      `INSERT INTO seen SELECT * FROM seen LIMIT 1`,
      { doubled: 1, inboxUnexpected: 0 },
    ],
    [
      'a notice that came to another address',
      `UPDATE seen SET address = '+821000000000' WHERE ctid = (SELECT min(ctid) FROM seen)`,
      { missing: 1, unexpected: 1 },
    ],
  ])('sees %s', async (_, damage, found) => {
    await perfect();
    await sql(damage);
    expect(await judged()).toMatchObject(found);
  });
});

test('every type of event that a published rule is about is said, on any day', () => {
  for (const day of ['2026-11-25', '2027-02-28', '2027-06-30']) {
    const { events, types, notToday } = makeProgrammes(3, size, day, PROGRAMMES);
    const said = new Set(events.map(({ type }) => type));
    expect([...types.keys()].filter((type) => !said.has(type))).toEqual(notToday);
  }
});
