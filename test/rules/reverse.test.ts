/** Who enters and leaves, against matching everybody by brute force before and after: updates, days that begin, entries that come and go. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dayText, parseDay } from '../../rules/calendar.ts';
import { indexOf } from '../../rules/compile/bits.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import { type Profile, profileSource, readProfile } from '../../rules/population/profile.ts';
import type { Positions } from '../../rules/population/snapshot.ts';
import { cohortOf } from '../../rules/run/cohorts.ts';
import { type Entry, entryOf } from '../../rules/run/entry.ts';
import { Reverse } from '../../rules/run/reverse.ts';
import { Shard } from '../../rules/run/shard.ts';
import { citizens, conditions, days, events } from './arbitraries.ts';
import { checked, fields } from './fixtures.ts';

function entry(at: number, condition: unknown, data: Record<string, unknown> = {}, reach = 'certain'): Entry {
  const basis = { law: 'Act on Examples' };
  return entryOf(checked(condition, { id: `rule-${at}`, reach, basis }), 1, {
    source: '/test',
    id: '1',
    data,
  });
}

const entries = fc
  .array(fc.tuple(conditions, events, fc.constantFrom('certain', 'possible')), {
    minLength: 1,
    maxLength: 10,
  })
  .map((all) => all.map(([condition, event, reach], at) => entry(at, condition, event, reach)));

const who = fc.constantFrom('c0', 'c1', 'c2', 'c3');
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('update' as const), who, citizen: citizens }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), who }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('days' as const), days: fc.constantFrom(1, 2, 30, 366) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('swap' as const), kept: fc.integer({ min: 0, max: 1023 }) }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('include' as const), at: fc.nat({ max: 9 }) }) },
  ),
  { minLength: 1, maxLength: 15 },
);

const at = (profiles: number, overlays = 0): Positions => ({ profiles, overlays });

/** One shard, watched from its first record; `said` takes what was found. */
function world(
  index: readonly Entry[],
  asOf: number,
  { announcedFrom = at(0), readTo = at(0), knowsBefore = true } = {},
) {
  const shard = new Shard({ partition: 0, partitions: 1, fields, begin: 0, end: 0, placed: () => {} });
  const reverse = new Reverse({
    partition: 0,
    population: shard.population,
    positions: () => shard.positions,
    index: indexOf(index, asOf),
    announcedFrom,
    readTo,
    knowsBefore,
  });
  shard.watched = reverse;
  const write = (key: string, profile: unknown, headers: Record<string, string> = {}): void => {
    const value = profile === null ? null : Buffer.from(JSON.stringify(profile));
    const offset = shard.position;
    const record = { topic: 'citizen-profiles', partition: 0, offset, key, headers, value };
    shard.apply({ from: offset, next: offset + 1, fence: 0, records: [record] });
    expect(shard.refused).toEqual([]);
  };
  const lay = (key: string, overlay: unknown): void => {
    const value = overlay === null ? null : Buffer.from(JSON.stringify(overlay));
    const offset = shard.positions.overlays;
    const record = { topic: 'citizen-overlays', partition: 0, offset, key, headers: {}, value };
    shard.applyOverlays({ from: offset, next: offset + 1, fence: 0, records: [record] });
    expect(shard.refused).toEqual([]);
  };
  const said = () => {
    reverse.settle();
    return reverse
      .take()
      .map(({ kind, citizen, rule }) => `${kind} ${citizen} ${rule}`)
      .sort();
  };
  return { shard, reverse, write, lay, said };
}

const source = profileSource(world([], 0).shard.population.layout);

function brute(all: readonly Entry[], people: ReadonlyMap<string, Profile>, asOf: number): Set<string> {
  const found = new Set<string>();
  for (const one of all)
    for (const [id, profile] of people) {
      const truth = compileNumber(one.condition, source)(profile, { event: one.event, asOf });
      if (truth === 1 || (Number.isNaN(truth) && one.reachesPossible)) found.add(`${id} ${one.rule}`);
    }
  return found;
}

function difference(before: ReadonlySet<string>, after: ReadonlySet<string>): string[] {
  return [
    ...[...after].filter((one) => !before.has(one)).map((one) => `entered ${one}`),
    ...[...before].filter((one) => !after.has(one)).map((one) => `left ${one}`),
  ].sort();
}

describe('entered and left', () => {
  test('are the difference of matching everybody before and after, whatever happens in between', () => {
    fc.assert(
      fc.property(entries, days, steps, (all, day, todo) => {
        let asOf = parseDay(day);
        let live = all.slice(0, Math.ceil(all.length / 2));
        const { shard, reverse, write, said } = world(live, asOf);
        const people = new Map<string, Profile>();
        for (const step of todo) {
          const before = brute(live, people, asOf);
          let wanted: string[] = [];
          if (step.do === 'update') {
            people.set(step.who, readProfile(step.citizen.profile, shard.population.layout));
            write(step.who, step.citizen.profile);
            wanted = difference(before, brute(live, people, asOf));
          } else if (step.do === 'forget') {
            people.delete(step.who);
            write(step.who, null);
            wanted = difference(before, brute(live, people, asOf));
          } else if (step.do === 'days') {
            asOf += step.days;
            // Entries that stand beside the index are in today's or not, as it comes.
            const today = live.filter(
              (_, at) => at % 3 !== 2 || reverse.index.subjects.some((one) => one?.key === live[at]!.key),
            );
            reverse.begin(indexOf(today, asOf));
            wanted = difference(before, brute(live, people, asOf));
          } else if (step.do === 'swap') {
            live = all.filter((_, at) => (step.kept >> at) & 1);
            reverse.swap(indexOf(live, asOf));
            reverse.dropBefore(1);
          } else {
            const one = all[step.at % all.length]!;
            reverse.include(one, 0);
            if (!live.includes(one)) live = [...live, one];
          }
          expect([step.do, said()]).toEqual([step.do, wanted]);
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  const old = (age: number) => ({ '>=': [{ age: [{ var: 'citizen.d' }] }, age] });

  test('say nothing of loads that announce nothing, nor of what was announced before', () => {
    const { write, said } = world([entry(0, old(18))], parseDay('2026-07-10'), { announcedFrom: at(2) });
    write('c0', { d: '1990-01-01' });
    write('c1', { d: '1990-01-01' });
    write('c2', { d: '1990-01-01' }, { 'allim-initial': '1' });
    expect(said()).toEqual([]);
    write('c0', { d: '2020-01-01' });
    write('c2', { d: '2020-01-01' });
    expect(said()).toEqual(['left c0 rule-0', 'left c2 rule-0']);
  });

  test('have one id for one cause, whoever announces it', () => {
    const pages = [1, 2].map(() => {
      const { write, reverse } = world([entry(0, old(18)), entry(1, old(65))], parseDay('2026-07-10'));
      write('c0', { d: '1950-01-01' });
      return reverse.take();
    });
    expect(pages[0]).toHaveLength(2);
    expect(pages[0]).toEqual(pages[1]);
    expect(new Set(pages[0]!.map((page) => page.crossing)).size).toBe(2);
  });

  test('of a shard that is read are said when it was, and of whoever is seen first everything', () => {
    const { write, said, reverse } = world([entry(0, old(18)), entry(1, old(65))], parseDay('2026-07-10'), {
      announcedFrom: at(1),
      readTo: at(4),
    });
    write('c0', { d: '1990-01-01' });
    write('c0', { d: '2020-01-01' });
    write('c1', { d: '1990-01-01' });
    expect([said(), reverse.owes]).toEqual([[], true]);
    write('c1', { d: '1950-01-01' });
    expect(said()).toEqual(['entered c1 rule-0', 'entered c1 rule-1', 'left c0 rule-0']);
    expect(reverse.owes).toBe(false);
  });

  test('where compaction may have taken what was announced, everything is said of whoever changed', () => {
    const { write, said } = world([entry(0, old(18)), entry(1, old(65))], parseDay('2026-07-10'), {
      announcedFrom: at(1),
      readTo: at(2),
      knowsBefore: false,
    });
    write('c0', { d: '1990-01-01' });
    write('c0', { d: '1991-01-01' });
    expect(said()).toEqual(['entered c0 rule-0', 'left c0 rule-1']);
  });

  test('come of disputes and deaths too, in whatever order the topics are read', () => {
    const { write, lay, said, reverse } = world([entry(0, old(18))], parseDay('2026-07-10'), {
      announcedFrom: at(1, 1),
      readTo: at(2, 1),
    });
    // The dispute was announced; the profile that came after it is read before it.
    write('c0', { d: '1990-01-01' });
    write('c0', { d: '1991-01-01' });
    expect(said()).toEqual([]);
    lay('c0', { disputed: ['d'] });
    expect(said()).toEqual(['left c0 rule-0']);
    lay('c0', null);
    expect(said()).toEqual(['entered c0 rule-0']);
    lay('c0', { deceased: '2026-07-09' });
    lay('c1', { deceased: '2026-07-09' });
    write('c1', { d: '1990-01-01' });
    reverse.settle();
    expect(
      reverse.found.map(({ kind, citizen, profileOffset, overlayOffset }) => [
        kind,
        citizen,
        profileOffset,
        overlayOffset,
      ]),
    ).toEqual([['left', 'c0', 2, 3]]);
  });

  test('after a shard came back are judged once it was read on', () => {
    const { write, said, reverse } = world([entry(0, old(18))], parseDay('2026-07-10'));
    write('c0', { d: '1990-01-01' });
    expect(said()).toEqual(['entered c0 rule-0']);
    // Somebody else announced the next record meanwhile.
    reverse.goOn(at(2), at(3));
    write('c0', { d: '2020-01-01' });
    write('c1', { d: '2020-01-01' });
    expect(said()).toEqual(['left c1 rule-0']);
    write('c0', { d: '1990-01-01' });
    expect(said()).toEqual(['entered c0 rule-0']);
  });

  test('of a day are asked of those alone whose birthday a live threshold passes', () => {
    const before = parseDay('2026-02-28');
    const [was, is] = [0, 1].map((day) => indexOf([entry(0, old(18)), entry(1, old(65))], before + day));
    const cohort = cohortOf(was!, is!);
    expect(cohort.whole).toEqual([]);
    const [column] = [...cohort.columns];
    // Born on 29 February 2008, of age on 1 March; and on 1 March of both years.
    const born = column![1].flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, at) => dayText(parseDay('1800-01-01') + from + at - 1)),
    );
    expect(born.sort()).toEqual(['1961-03-01', '2008-02-29', '2008-03-01']);
  });

  test('are found of an entry that opens while its index is built, and once after', () => {
    const [one, two] = [entry(0, old(18)), entry(1, old(65))];
    const { write, reverse, said } = world([one], parseDay('2026-07-10'));
    reverse.include(two, 1);
    write('c0', { d: '1950-01-01' });
    expect(said()).toEqual(['entered c0 rule-0', 'entered c0 rule-1']);
    reverse.swap(indexOf([one, two], parseDay('2026-07-10')));
    write('c0', { d: '1951-01-01' });
    expect(said()).toEqual([]);
    write('c0', { d: '1990-01-01' });
    expect(said()).toEqual(['left c0 rule-1']);
  });
});
