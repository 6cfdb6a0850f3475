/** Explanations: that they say of each leaf what SQL says of it, that what they name decides, and how they read. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dayText, parseDay } from '../../rules/calendar.ts';
import { LANGUAGES, shippedFields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { layoutOf, readProfile, withoutFields } from '../../rules/population/profile.ts';
import { claimLeaves, claimOf } from '../../rules/say/claims.ts';
import { explain } from '../../rules/say/explanation.ts';
import { judge } from '../../rules/say/truths.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { citizens, conditions, days, events } from './arbitraries.ts';
import { checked, eventType, fields, ruleFile } from './fixtures.ts';
import { createProfiles, profileRow, truthsBySql } from './profiles-table.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 2, migrated: false });
  await createProfiles(database.pool, fields);
});
afterAll(() => database.drop());

test('every leaf is as SQL has it, and those that are named decide', async () => {
  const layout = layoutOf(fields);
  await fc.assert(
    fc.asyncProperty(conditions, citizens, events, days, async (json, { profile, disputed }, event, day) => {
      const { condition } = checked(json, { basis: { law: 'Act on Examples' } });
      const given = { event, asOf: parseDay(day) };
      const read = withoutFields(readProfile(profile, layout), disputed, layout);
      const about = { profile: read, layout, given, disputed: new Set(disputed) };
      const explained = explain(condition, about, LANGUAGES[event.integer === undefined ? 0 : 1]!);
      const rows = [profileRow('c', profile, fields, disputed)];
      const options = { workingYears: [1990, 2034] } as const;
      const bySql = async (node: Parameters<typeof truthsBySql>[1]) =>
        (await truthsBySql(database.pool, node, rows, given, options)).get('c')!;

      const whole = await bySql(condition);
      expect(explained.reach).toBe(whole === null ? 'possible' : whole ? 'certain' : 'no');
      const claim = claimOf(condition);
      const leaves = claimLeaves(claim);
      const truths = new Map(leaves.map((leaf, index) => [leaf, explained.leaves[index]!.truth]));
      for (const leaf of leaves)
        expect([leaf.pointer, truths.get(leaf)]).toEqual([leaf.pointer, await bySql(leaf.node)]);

      const { truth, deciding } = judge(claim, (leaf) => truths.get(leaf)!);
      // Whatever the others are: what was named makes it so.
      if (truth !== null)
        for (const other of [true, false, null])
          expect(judge(claim, (leaf) => (deciding.includes(leaf) ? truths.get(leaf)! : other)).truth).toBe(
            truth,
          );
      else expect(deciding.some((leaf) => truths.get(leaf) === null)).toBe(true);
    }),
    { numRuns: 40 },
  );
}, 120_000);

const shipped = shippedFields();
const layout = layoutOf(shipped);
const about = (
  citizen: Record<string, unknown>,
  more: { event?: Record<string, unknown>; asOf?: string; disputed?: readonly string[] } = {},
) => ({
  profile: withoutFields(readProfile(citizen, layout), more.disputed ?? [], layout),
  layout,
  given: { event: more.event ?? {}, asOf: parseDay(more.asOf ?? '2026-02-01') },
  disputed: new Set(more.disputed),
  origins: new Map([['birthDate', { source: 'population register', at: '2026-01-01' }]]),
});
const read = (condition: unknown) =>
  readRule(ruleFile({ agency: 'nhis', condition, basis: { law: 'Act on Examples' } }), {
    fields: shipped,
    eventType: () => ({ ...eventType, agency: 'nhis' }),
  }).condition;
const birth = { var: 'citizen.birthDate' };
const sex = { var: 'citizen.sex' };
const year = { var: 'citizen.lastCheckupYear' };

describe('what would have to differ', () => {
  test.each([
    [{ '>=': [{ age: [birth] }, 40] }, { birthDate: '1987-03-01' }, false, '2027-03-01'],
    [{ '<': [{ age: [birth] }, 40] }, { birthDate: '1987-03-01' }, true, '2027-03-01'],
    [{ '>=': [{ age: [birth] }, 26] }, { birthDate: '2000-02-29' }, false, '2026-03-01'],
    [{ '>=': [{ yearAge: [birth] }, 40] }, { birthDate: '1987-12-31' }, false, '2027-01-01'],
    [{ '>=': [{ ageMonths: [birth] }, 1] }, { birthDate: '2026-01-31' }, false, '2026-03-01'],
    [{ '<': [{ age: [birth] }, 40] }, { birthDate: '1980-03-01' }, false, null],
    [{ '==': [sex, 'F'] }, { sex: 'M' }, false, null],
  ])('%j of %j', (condition, citizen, truth, turnsOn) => {
    const [leaf] = explain(read(condition), about(citizen), 'en').leaves;
    expect([leaf!.truth, leaf!.turnsOn]).toEqual([truth, turnsOn]);
    if (turnsOn === null) return;
    // It does turn on that day and not on the one before.
    const truthOn = (asOf: string) =>
      explain(read(condition), about(citizen, { asOf }), 'en').leaves[0]!.truth;
    expect([truthOn(dayText(parseDay(turnsOn) - 1)), truthOn(turnsOn)]).toEqual([truth, !truth]);
  });

  test.each([
    [
      { '>=': [{ age: [birth] }, 40] },
      { birthDate: '1987-03-01' },
      '현재 38세, 40세이면 달라짐; 2027년 3월 1일부터 맞음',
      'is 38; would be otherwise at 40; will hold from 1 March 2027',
    ],
    [
      { '<': [year, 2024] },
      { lastCheckupYear: 2025 },
      '현재 2025년, 2023년이면 달라짐',
      'is 2025; would be otherwise at 2023',
    ],
    [
      { '==': [sex, 'F'] },
      { sex: 'M' },
      '현재 남성, 여성이면 달라짐',
      'is “male”; would be otherwise at “female”',
    ],
    [
      { '<': [year, 2024] },
      {},
      '‘최근 건강검진 연도(받은 적 없으면 0)’를 알면 판정할 수 있음',
      'could be judged if “year of the last health check-up (0: never)” were known',
    ],
    // The next day, half-year or number that there is, and none where there is none.
    [
      { '<=': [{ monthDay: [birth] }, 331] },
      { birthDate: '1987-03-01' },
      '현재 3월 1일, 4월 1일이면 달라짐',
      'is 1 March; would be otherwise at 1 April',
    ],
    [
      { '<': [{ monthDay: [birth] }, 301] },
      { birthDate: '1987-03-01' },
      '현재 3월 1일, 2월 29일이면 달라짐',
      'is 1 March; would be otherwise at 29 February',
    ],
    [
      { '>=': [{ var: 'citizen.lastLiverScreening' }, 20261] },
      { lastLiverScreening: 20262 },
      '현재 2026년 하반기, 2025년 하반기이면 달라짐',
      'is the second half of 2026; would be otherwise at the second half of 2025',
    ],
    [{ '>=': [year, 0] }, { lastCheckupYear: 2025 }, '현재 2025년', 'is 2025'],
    [
      { between: [{ age: [birth] }, 20, 64] },
      { birthDate: '1950-03-01' },
      '현재 75세, 64세이면 달라짐',
      'is 75; would be otherwise at 64',
    ],
  ])('of %j for %j is said', (condition, citizen, ko, en) => {
    const said = (['ko', 'en'] as const).map(
      (language) => explain(read(condition), about(citizen), language).leaves[0]!.change,
    );
    expect(said).toEqual([ko, en]);
  });
});

test('the whole is said with what decides, what was seen, and where it comes from', () => {
  const condition = read({
    and: [
      { '==': [sex, 'F'] },
      { '>=': [{ age: [birth] }, 40] },
      { or: [{ '<': [year, 2024] }, { '==': [year, 2030] }] },
    ],
  });
  const no = explain(condition, about({ sex: 'F', birthDate: '1987-03-01' }), 'ko');
  expect(no.reach).toBe('no');
  expect(no.deciding).toEqual(['/condition/and/1/>=']);
  expect(no.text).toBe(
    '해당하지 않습니다. 다음이 맞지 않기 때문입니다:\n- 만 40세 이상일 것 (현재 38세, 40세이면 달라짐; 2027년 3월 1일부터 맞음)',
  );
  expect(no.leaves[1]!.seen).toEqual([
    {
      name: 'citizen.birthDate',
      label: '생년월일',
      value: '1987년 3월 1일',
      disputed: false,
      origin: { source: 'population register', at: '2026-01-01' },
    },
  ]);
  const open = explain(
    condition,
    about({ sex: 'F', birthDate: '1980-03-01', lastCheckupYear: 2020 }, { disputed: ['lastCheckupYear'] }),
    'en',
  );
  expect([open.reach, open.missing]).toEqual(['possible', ['citizen.lastCheckupYear']]);
  expect(open.leaves[2]!.seen[0]).toMatchObject({ value: null, disputed: true });
  const yes = explain(condition, about({ sex: 'F', birthDate: '1980-03-01', lastCheckupYear: 2020 }), 'vi');
  expect([yes.reach, yes.deciding.length]).toEqual(['certain', 3]);
});

test('items are seen one by one', () => {
  const condition = read({
    some: [{ var: 'citizen.children' }, { '<': [{ age: [{ var: 'item.birthDate' }] }, 6] }],
  });
  const children = [
    { id: 'c-1', birthDate: '2010-01-01' },
    { id: 'c-2', birthDate: '2021-05-05' },
  ];
  const { leaves, reach } = explain(condition, about({ children }), 'ko');
  expect(reach).toBe('certain');
  expect(leaves[0]!.seen.map(({ name, label, value }) => [name, label, value])).toEqual([
    ['citizen.children', '자녀', '2'],
    ['citizen.children.0.birthDate', '생년월일 (1번째)', '2010년 1월 1일'],
    ['citizen.children.1.birthDate', '생년월일 (2번째)', '2021년 5월 5일'],
  ]);
  expect(leaves[0]!.turnsOn).toBe('2027-05-05');
  expect(leaves[0]!.items!.map(({ item, truth, deciding }) => [item, truth, deciding[0]!.change])).toEqual([
    [0, false, '현재 16세, 5세이면 달라짐'],
    [1, true, '현재 4세, 6세이면 달라짐; 2027년 5월 5일부터 맞지 않음'],
  ]);
  expect(explain(condition, about({ children: [children[0], { id: 'c-3' }] }), 'ko').text).toBe(
    '해당하는지 확실하지 않습니다. 다음을 알 수 없기 때문입니다:\n- 만 6세 미만인 자녀가 있을 것 (‘생년월일’을 알면 판정할 수 있음)\n  - 2번째: 알 수 없음: 만 6세 미만일 것 (‘생년월일’을 알면 판정할 수 있음)',
  );
});
