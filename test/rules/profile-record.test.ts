import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AllimError } from '../../domain/errors.ts';
import { dayText } from '../../rules/calendar.ts';
import { type Fields, shippedFields } from '../../rules/catalogue.ts';
import { Population } from '../../rules/population/population.ts';
import { layoutOf, type Profile, readProfile } from '../../rules/population/profile.ts';
import { isProfileRecord, MAGIC, ProfileRecords } from '../../rules/population/profile-record.ts';
import { fields } from './fixtures.ts';

const layout = layoutOf(fields);
const records = new ProfileRecords(layout);

const day = fc.integer({ min: -62_091, max: 84_005 }).map(dayText);
const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 8 }),
  fc.constantFrom('서울', '😀', 'x'.repeat(64), '가'.repeat(64), 'abcdef', 'abcdefg', '\ufffd'),
);
/** Now and then what a field may not have. */
const wrong = fc.constantFrom<unknown>(
  '',
  'x\n',
  '2026-02-30',
  1e9,
  -1,
  0.5,
  [],
  {},
  true,
  'violet',
  '\ud800',
);
const maybe = (good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: good },
    { weight: 3, arbitrary: fc.constantFrom(null, undefined) },
    { weight: 1, arbitrary: wrong },
  );
const whole = (min: number, max: number) => maybe(fc.integer({ min, max }));
const child = fc.record(
  {
    id: fc.oneof({ weight: 12, arbitrary: text }, { weight: 1, arbitrary: wrong }),
    birthDate: maybe(day),
    grade: whole(0, 12),
    school: maybe(fc.constantFrom('red', 'green', 'blue')),
    town: maybe(text),
    weight: maybe(fc.double({ noNaN: true, noDefaultInfinity: true })),
    boards: maybe(fc.boolean()),
    unknown: maybe(fc.integer()),
  },
  { requiredKeys: ['id'] },
);
const profiles = fc.record(
  {
    d: maybe(day),
    d2: maybe(day),
    i: whole(0, 10),
    i2: whole(-5, 70_000),
    n: maybe(fc.double({ noNaN: true, noDefaultInfinity: true })),
    b: maybe(fc.boolean()),
    e: maybe(fc.constantFrom('red', 'green', 'blue')),
    s: maybe(text),
    tax: whole(0, 9),
    unknown: maybe(text),
    children: maybe(fc.array(child, { maxLength: 4 })),
    tags: maybe(fc.array(fc.record({ n: whole(0, 9) }), { maxLength: 21 })),
  },
  { requiredKeys: [] },
);

/** What it makes, or where it says that something is wrong. */
function outcome<T>(work: () => T): T | readonly string[] {
  try {
    return work();
  } catch (error) {
    if (error instanceof AllimError && error.code === 'profile-invalid')
      return error.faults.map(({ pointer }) => pointer);
    throw error;
  }
}
/** JSON can say a lone surrogate, which UTF-8 cannot: encoding refuses it, by its place. */
const unspeakable = (profile: unknown): boolean =>
  !JSON.stringify(profile).isWellFormed() || /\\ud[89a-f]/.test(JSON.stringify(profile));
const known = ({ values, lists }: Profile) => ({ values, lists: layout.lists.map((_, at) => lists[at]) });

/** Everything that stands in the columns of one citizen. */
function columnsOf(given: Fields, fill: (population: Population) => void): unknown {
  const population = new Population(given);
  fill(population);
  const slot = population.slotOf('c')!;
  return [
    population.columns.map((column) => column.valueAt(slot)),
    population.lists.map((list) => list.itemsAt(slot)),
  ];
}

describe('a binary profile', () => {
  test('says what its JSON says, in a profile and in columns, and is refused where that is', () => {
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(profiles, (given) => {
        const read = outcome(() => known(readProfile(given, layout)));
        const binary = outcome(() => records.write(given));
        if (Array.isArray(read)) {
          refused++;
          expect(binary).toEqual(read);
          return;
        }
        if (Array.isArray(binary)) {
          expect(unspeakable(given)).toBe(true);
          return;
        }
        taken++;
        records.read(binary as Buffer);
        expect(known(records.profile())).toEqual(read);
        expect(columnsOf(fields, (p) => p.upsertValue('c', binary as Buffer))).toEqual(
          columnsOf(fields, (p) => p.upsert('c', readProfile(given, layout))),
        );
      }),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(20);
  });

  test('written over another leaves nothing of it', () => {
    fc.assert(
      fc.property(profiles, profiles, (first, second) => {
        const [one, two] = [first, second].map((given) => outcome(() => records.write(given)));
        if (!Buffer.isBuffer(one) || !Buffer.isBuffer(two)) return;
        const once = columnsOf(fields, (p) => p.upsertValue('c', two));
        expect(
          columnsOf(fields, (p) => {
            p.upsertValue('c', one);
            p.upsertValue('c', two);
          }),
        ).toEqual(once);
      }),
    );
  });

  const rich = {
    d: '1961-03-02',
    i2: 70_000,
    n: -0.5,
    b: false,
    e: 'blue',
    s: '서울',
    children: [{ id: 'c-1', birthDate: '2020-02-29', weight: 3.5, town: 'x' }, { id: 'c-2' }],
    tags: [],
  };

  test('is refused wherever it ends, and where something follows', () => {
    const record = records.write(rich);
    for (let at = 1; at < record.length; at++)
      expect(() => records.read(record.subarray(0, at))).toThrow(
        expect.objectContaining({ code: 'profile-invalid' }),
      );
    expect(() => records.read(Buffer.concat([record, Buffer.of(0)]))).toThrow(/behind its end/);
  });

  test('says only what JSON may say, whichever byte is another', () => {
    const record = records.write(rich);
    for (const at of record.keys())
      for (const change of [1, 0x20, 0x80, 0xff]) {
        const changed = Buffer.from(record);
        changed[at]! ^= change;
        const read = outcome(() => {
          records.read(changed);
          return records.profile();
        });
        if (Array.isArray(read)) continue;
        // Its values again as JSON: strict reading takes them all.
        const { values, lists } = read as Profile;
        const said = Object.fromEntries([
          ...layout.scalars.map((field, i) => [field.name, json(field.type, values[i])]),
          ...layout.lists.map(({ field, members }, i) => [
            field.name,
            lists[i]?.map((item) => ({
              ...('id' in field.items ? { id: 'c' } : {}),
              ...Object.fromEntries(members.map((member, m) => [member.name, json(member.type, item[m])])),
            })),
          ]),
        ]);
        expect(known(readProfile(said, layout))).toEqual(known(read as Profile));
      }
  });

  test('of another catalogue is refused, and leaves what was there', () => {
    const foreign = new ProfileRecords(layoutOf(shippedFields())).write({ sex: 'F' });
    const population = new Population(fields);
    population.upsertValue('c', records.write({ i: 7 }));
    expect(() => population.upsertValue('c', foreign)).toThrow(/another field catalogue/);
    expect(() => population.upsertValue('d', foreign)).toThrow(/another field catalogue/);
    expect(population.size).toBe(1);
    expect(population.columns.map((column) => column.valueAt(population.slotOf('c')!))).toContain(7);
  });

  test('is told from JSON by its first byte', () => {
    expect(records.write({})[0]).toBe(MAGIC);
    expect([isProfileRecord(records.write({})), isProfileRecord(Buffer.from('{}'))]).toEqual([true, false]);
  });
});

function json(type: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (type === 'date') return dayText(value as number);
  return type === 'boolean' ? value === 1 : value;
}
