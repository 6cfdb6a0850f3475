/** The index over many rules against the closure of each: the same truth for every rule and every citizen. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseDay } from '../../rules/calendar.ts';
import { BitMatcher } from '../../rules/compile/bit-matcher.ts';
import { has, indexOf, type Subject } from '../../rules/compile/bits.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { Population } from '../../rules/population/population.ts';
import { readProfile, withoutFields } from '../../rules/population/profile.ts';
import { citizens, conditions, days, events } from './arbitraries.ts';
import { checked, fields } from './fixtures.ts';

/** A condition under one event, or under so many that those alike stand in words of their own. */
const subjects = fc
  .tuple(conditions, fc.array(events, { minLength: 1, maxLength: 40 }), fc.boolean())
  .map(([condition, given, reachesPossible]): Subject[] => {
    const { condition: node } = checked(condition);
    return given.map((event) => ({ condition: node, event, reachesPossible }));
  });

function populate(given: readonly { profile: Record<string, unknown>; disputed: readonly string[] }[]) {
  const population = new Population(fields);
  for (const [at, { profile, disputed }] of given.entries())
    population.upsert(
      `c${at}`,
      withoutFields(readProfile(profile, population.layout), disputed, population.layout),
    );
  return population;
}

/** Sure and open. */
const bitsOf = (truth: number): string => (Number.isNaN(truth) ? '01' : truth === 1 ? '11' : '00');
const NOBODYS = '00';

describe('an index over rules', () => {
  test('says of every rule and citizen what its closure says', () => {
    fc.assert(
      fc.property(
        fc.array(subjects, { minLength: 1, maxLength: 8 }).map((all) => all.flat()),
        fc.array(citizens, { minLength: 1, maxLength: 5 }),
        days,
        (rules, people, day) => {
          const population = populate(people);
          const asOf = parseDay(day);
          const matcher = new BitMatcher(indexOf(rules, asOf), population);
          for (let slot = 0; slot < people.length; slot++) {
            matcher.match(slot);
            const bits = (bit: number) =>
              [matcher.sure, matcher.open].map((of) => (of[bit >>> 5]! >>> (bit & 31)) & 1).join('');
            const found = matcher.index.subjects.map((_, bit) => bits(bit));
            const wanted = matcher.index.subjects.map((subject) =>
              subject === undefined
                ? NOBODYS
                : bitsOf(
                    compileNumber(subject.condition, population.source())(slot, {
                      event: subject.event,
                      asOf,
                    }),
                  ),
            );
            expect(found).toEqual(wanted);
            const reached = new Uint32Array(matcher.index.words);
            matcher.reached(slot, reached);
            expect(matcher.index.subjects.map((_, bit) => has(reached, bit))).toEqual(
              matcher.index.subjects.map(
                (subject, bit) =>
                  wanted[bit] === '11' || (subject?.reachesPossible === true && wanted[bit] === '01'),
              ),
            );
          }
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  test('asks closures only about what its terms leave open', () => {
    const condition = (age: number) => ({
      and: [
        { '>=': [{ age: [{ var: 'citizen.d' }] }, age] },
        { some: [{ var: 'citizen.children' }, { '<': [{ var: 'item.birthDate' }, { var: 'citizen.d' }] }] },
      ],
    });
    const rules = [20, 60].map((age) => ({
      condition: checked(condition(age)).condition,
      event: {},
      reachesPossible: false,
    }));
    const population = populate([
      { profile: { d: '1990-01-01', children: [{ id: 'c-1', birthDate: '2020-01-01' }] }, disputed: [] },
      { profile: { d: '1990-01-01', children: [] }, disputed: [] },
      { profile: { d: '2020-01-01' }, disputed: [] },
    ]);
    const matcher = new BitMatcher(indexOf(rules, parseDay('2026-03-01')), population);
    expect(matcher.index.confirmedCount).toBe(2);
    const asked = [0, 1, 2].map((slot) => {
      const before = matcher.confirmations;
      matcher.match(slot);
      return matcher.confirmations - before;
    });
    expect(asked).toEqual([1, 0, 0]);
  });
});
