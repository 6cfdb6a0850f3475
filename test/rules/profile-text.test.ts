/** The fast way through JSON against the ordinary one: whatever it reads is what profile.ts says, and it reads what registers write. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { citizens } from '../../producers/population.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { Population } from '../../rules/population/population.ts';
import { layoutOf, type Profile, parseProfile } from '../../rules/population/profile.ts';
import { ProfileRecords } from '../../rules/population/profile-record.ts';
import { ProfileTexts } from '../../rules/population/profile-text.ts';
import { fields as fixtures } from './fixtures.ts';

const layout = layoutOf(shippedFields());
const records = new ProfileRecords(layout);
const texts = new ProfileTexts(layout, records.staged);
const some = [...citizens(5, 400)].map(({ profile }) => profile as Readonly<Record<string, unknown>>);

/** What profile.ts says; undefined where it refuses. */
function ordinary(value: Buffer): Profile | undefined {
  try {
    return parseProfile(value, layout);
  } catch {
    return undefined;
  }
}

function holdTogether(text: string): boolean {
  const value = Buffer.from(text, 'latin1');
  if (!texts.read(value)) return false;
  const read = records.profile();
  // Lists that are not there are left out there, and unknown here.
  const wanted = ordinary(value);
  expect(wanted).toBeDefined();
  expect(read.values).toEqual(wanted!.values);
  expect(read.lists).toEqual(layout.lists.map((_, at) => wanted!.lists[at]));
  expect(wanted!.ignored).toBe(0);
  return true;
}

describe('profiles in JSON', () => {
  test('of synthetic citizens are all read the fast way, in any order and with spaces', () => {
    for (const profile of some) {
      expect(holdTogether(JSON.stringify(profile))).toBe(true);
      const turned = Object.fromEntries(Object.entries(profile).toReversed());
      expect(holdTogether(` ${JSON.stringify(turned).replaceAll(/([:,])/g, '$1 ')} `)).toBe(true);
    }
    expect(holdTogether('{}')).toBe(true);
    expect(holdTogether('{"birthDate":null,"children":[]}')).toBe(true);
  });

  test('that somebody tampered with are read as the ordinary way reads them, or not at all', () => {
    const pieces = fc.constantFrom(
      ...[
        '"',
        '\\',
        ',',
        ':',
        '{',
        '}',
        '[',
        ']',
        '0',
        '-',
        '1e3',
        '.5',
        ' ',
        '\n',
        '\0',
        '\x7f',
        '\x80',
        'null',
      ],
      ...[
        'true',
        'falsE',
        '"2026-02-30"',
        '99999999999',
        '""',
        '"sex":"F",',
        '"__proto__":1,',
        '\\u0041',
        '00',
      ],
    );
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 3 }), pieces), {
      minLength: 1,
      maxLength: 3,
    });
    let refused = 0;
    fc.assert(
      fc.property(fc.nat({ max: some.length - 1 }), edits, (of, changes) => {
        let text = JSON.stringify(some[of]);
        for (const [place, gone, piece] of changes) {
          const at = place % text.length;
          text = text.slice(0, at) + piece + text.slice(at + gone);
        }
        if (!holdTogether(text)) refused++;
      }),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  test.each([
    ['a value of another', { sex: 'X' }],
    ['a day that is none', { birthDate: '2025-02-29' }],
    ['a day before all', { birthDate: '1799-12-31' }],
    ['an integer beyond its range', { incomeBracket: 11 }],
    ['a field twice', '{"sex":"F","sex":"M"}'],
    ['a field that is not known', { shoeSize: 42 }],
    ['a child without an id', { children: [{ birthDate: '2020-01-01' }] }],
    ['a child that is not known by a control character', { children: [{ id: 'a\x7f' }] }],
    ['too many children', { children: Array.from({ length: 21 }, (_, at) => ({ id: `c${at}` })) }],
    ['minus zero', '{"incomeBracket":-0}'],
    ['a comma too many', '{"sex":"F",}'],
    ['a colon too few', '{"sex" "F"}'],
    ['something behind it', '{"sex":"F"}}'],
    ['nothing', ''],
  ])('with %s are left to the ordinary way', (_, given) => {
    expect(texts.read(Buffer.from(typeof given === 'string' ? given : JSON.stringify(given)))).toBe(false);
  });

  test('reach the columns either way', () => {
    for (const fields of [shippedFields(), fixtures]) {
      const [fast, slow] = [new Population(fields), new Population(fields)];
      const people =
        fields === fixtures
          ? [{ b: true, n: 0.5, s: '서울', children: [{ id: 'k', weight: 1.5 }] }, { i2: -5, e: 'red' }, {}]
          : [...some, { sigungu: '11680', children: [{ id: 'é' }] }];
      for (const [at, person] of people.entries()) {
        const value = Buffer.from(JSON.stringify(person));
        fast.upsertValue(`c${at % 100}`, value);
        slow.upsert(`c${at % 100}`, parseProfile(value, slow.layout));
      }
      for (let slot = 0; slot < fast.size; slot++) {
        expect(fast.columns.map((column) => column.valueAt(slot))).toEqual(
          slow.columns.map((column) => column.valueAt(slot)),
        );
        expect(fast.lists.map((list) => list.itemsAt(slot))).toEqual(
          slow.lists.map((list) => list.itemsAt(slot)),
        );
      }
      expect(() => fast.upsertValue('c', Buffer.from('{"x":'))).toThrow('not JSON');
    }
  });
});
