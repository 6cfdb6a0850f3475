/** The oracle of `npm run spine` must itself be able to say no. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import checkup from '../../rules/published/nhis-general-checkup.json' with { type: 'json' };
import tax from '../../rules/published/nts-property-tax.json' with { type: 'json' };
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { copyRows, judge, loadPlan, personRow, pointRows } from './oracle.ts';
import { makePlan, people, UNSYNCHRONISED } from './plan.ts';
import { recognise } from './recognise.ts';

const size = { citizens: 2_000, reachable: 500, districts: 5, targeted: 120, few: 9, late: 5, each: 6 };
const plan = makePlan(11, size, '2026-11-22');

describe('the oracle of the spine', () => {
  let database: TestDatabase;
  const judged = () => judge(database.pool, plan);
  const sql = (text: string) => database.pool.query(text);

  beforeAll(async () => {
    database = await createDatabase({ migrated: false });
    await loadPlan(database.pool, plan);
    const everybody = [...people(plan, 'http://127.0.0.1:1')];
    await copyRows(database.pool, 'people', everybody.map(personRow));
    await copyRows(database.pool, 'points', everybody.flatMap(pointRows));
    // The first judgement, of empty sinks, works out what is wanted.
    const empty = await judged();
    expect(empty.wanted).toBeGreaterThan(300);
    expect(empty.missing).toBe(empty.wanted);
    expect(empty.inboxMissing).toBe(empty.inboxWanted);
    // Perfect sinks and inboxes. Of the races each ends in the way that is always allowed, told of the last version, unless it was settled.
    await sql(`INSERT INTO seen SELECT channel, address, NULL, kind, figure FROM wanted`);
    await sql(
      `INSERT INTO inbox SELECT citizen, event, CASE WHEN corrected THEN 'corrected' ELSE 'opened' END, channel IS NULL FROM expected`,
    );
    await sql(`INSERT INTO seen SELECT c.channel, c.address, NULL, 'tax', r.amount FROM race r JOIN chosen c USING (citizen)
      WHERE r.sequence = 2 AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.obligation = r.obligation)`);
    await sql(`INSERT INTO ledger SELECT r.citizen, r.event, 'opened', c.channel, 'sent', 0 FROM race r JOIN chosen c USING (citizen)
      WHERE r.sequence = 2 AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.obligation = r.obligation)`);
  });

  afterAll(() => database?.drop());

  test('finds nothing wrong where everybody was told once', async () => {
    const verdict = await judged();
    expect(verdict).toMatchObject({
      missing: 0,
      unexpected: 0,
      doubled: 0,
      unflagged: 0,
      inboxMissing: 0,
      inboxUnexpected: 0,
      inboxDoubled: 0,
      badRaces: 0,
      evidence: {},
    });
    expect(verdict.races).toBe(size.few);
  });

  test.each([
    [
      'a notice that never came',
      `DELETE FROM seen WHERE ctid = (SELECT min(ctid) FROM seen WHERE kind = 'checkup')`,
      { missing: 1 },
    ],
    [
      'a notice that came twice',
      `INSERT INTO seen SELECT * FROM seen WHERE kind = 'tax' AND figure < 10100 LIMIT 1`,
      { doubled: 1, unflagged: 1 },
    ],
    [
      'a notice to somebody whom it does not concern',
      `INSERT INTO seen VALUES ('sms', '+821000000000', NULL, 'checkup', 301)`,
      { unexpected: 1 },
    ],
    [
      'a text that nobody can read',
      `INSERT INTO seen SELECT channel, address, NULL, 'unknown', 0 FROM chosen LIMIT 1`,
      { unexpected: 1 },
    ],
    [
      'another channel than the first',
      `UPDATE seen SET channel = 'sms' WHERE ctid = (SELECT min(ctid) FROM seen WHERE channel = 'push' AND kind = 'checkup')`,
      { missing: 1, unexpected: 1 },
    ],
    [
      'an inbox that lacks a notice',
      `DELETE FROM inbox WHERE ctid = (SELECT min(ctid) FROM inbox)`,
      { inboxMissing: 1 },
    ],
    [
      'an inbox notice too many',
      `INSERT INTO inbox SELECT 'c-stranger', event, 'opened', true FROM inbox LIMIT 1`,
      { inboxUnexpected: 1 },
    ],
    [
      'a race that told of what was settled, and the ledger does not know',
      `INSERT INTO seen SELECT c.channel, c.address, NULL, 'tax', r.amount FROM race r JOIN chosen c USING (citizen)
         WHERE EXISTS (SELECT 1 FROM settled s WHERE s.obligation = r.obligation) LIMIT 1`,
      { badRaces: 1 },
    ],
  ])('sees %s', async (_, damage, found) => {
    await sql(`CREATE TABLE seen_before AS TABLE seen`);
    await sql(`CREATE TABLE inbox_before AS TABLE inbox`);
    await sql(damage);
    const verdict = await judged();
    await sql('TRUNCATE seen, inbox');
    await sql('INSERT INTO seen TABLE seen_before');
    await sql('INSERT INTO inbox TABLE inbox_before');
    await sql('DROP TABLE seen_before, inbox_before');
    expect(verdict).toMatchObject(found);
  });

  test('lets a double pass only where the ledger flagged it', async () => {
    await sql(
      `INSERT INTO seen SELECT channel, address, NULL, kind, figure FROM wanted WHERE kind = 'tax' ORDER BY figure LIMIT 1`,
    );
    await sql(
      `INSERT INTO ledger SELECT citizen, event, 'opened', channel, 'sent', 1 FROM wanted WHERE kind = 'tax' ORDER BY figure LIMIT 1`,
    );
    expect(await judged()).toMatchObject({ doubled: 1, unflagged: 0, flagged: 1, missing: 0 });
  });

  test('tells what is lost from what the ledger says nobody knows', async () => {
    await sql(
      `CREATE TABLE lost AS SELECT * FROM wanted w WHERE kind = 'checkup' AND channel = 'sms' LIMIT 2`,
    );
    await sql(
      `DELETE FROM seen s USING lost l WHERE s.address = l.address AND s.kind = l.kind AND s.figure = l.figure`,
    );
    await sql(
      `INSERT INTO ledger SELECT citizen, event, 'opened', channel, 'ambiguous', 1 FROM lost LIMIT 1`,
    );
    expect(await judged()).toMatchObject({ missing: 1, left: 1 });
    await sql('INSERT INTO seen SELECT channel, address, NULL, kind, figure FROM lost');
    await sql('DROP TABLE lost');
    expect(await judged()).toMatchObject({ missing: 0, left: 0 });
  });

  test('reminds nobody on the day that it is made for', () => {
    // As the two rules have it, so that a stage that one of them gains is not overlooked.
    const reminders = [checkup, tax].flatMap(({ stages }) =>
      stages.map(({ offset }) => -Temporal.Duration.from(offset).days).filter((days) => days > 0),
    );
    expect(reminders.length).toBeGreaterThan(0);
    for (const asOf of ['2026-11-24', '2026-12-31', '2027-01-04', '2026-11-30']) {
      const today = Temporal.PlainDate.from(asOf);
      const closing = makePlan(11, size, asOf).said.flatMap(({ data }) => [data['closesOn'], data['dueOn']]);
      const ahead = new Set(
        closing.flatMap((day) => (day === undefined ? [] : [today.until(String(day)).days])),
      );
      expect(reminders.filter((days) => ahead.has(days))).toEqual([]);
    }
  });

  test('says what is said once and in order', () => {
    const ids = plan.said.map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(plan.said.some((event) => event.act === UNSYNCHRONISED)).toBe(true);
    expect(makePlan(11, size, '2026-11-22')).toEqual(plan);
  });

  test.each([
    [
      '[국민건강보험] 올해 건강검진 대상입니다. 2/14까지 받으세요. 문의 1577-1000 확인 K7Q2-93',
      'checkup',
      214,
    ],
    ['건강검진, 12월 3일(목)까지\n올해 받을 차례입니다.', 'checkup', 1203],
    ['[NHIS] Health check-up changed: now by 5 Jan. Tel 1577-1000 Code K7Q2-93', 'checkup-corrected', 105],
    [
      '건강검진 기간이 바뀌었습니다\n2월 1일(월) → 3월 2일(화). 3월 2일(화)까지 받으세요.',
      'checkup-corrected',
      302,
    ],
    [
      'Property tax: the amount changed\n10,007 won → 132,000 won. Pay by Friday, 5 March.',
      'tax-corrected',
      132_000,
    ],
    ['[강남구청] 재산세 132,000원, 7/31까지. 문의 110 확인 K7Q2-93', 'tax', 132_000],
    ['[NHIS] Ky kham suc khoe da doi: han 5/1. DT 1577-1000 Ma K7Q2-93', 'checkup-corrected', 105],
    ['Khám sức khỏe, hạn thứ Năm, ngày 3 tháng 12\nNăm nay đến lượt quý vị.', 'checkup', 1203],
    ['[Thue tai san] 1.132.000 won, han 31/7. DT 110 Ma K7Q2-93', 'tax', 1_132_000],
    ['Hello', 'unknown', 0],
  ])('reads %j', (text, kind, figure) => {
    expect(recognise(text)).toEqual({ kind, figure });
  });
});
