/** Lists of a shard: given back as they were written, packed, and without a trace of what is gone. */
import { describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import { type ListField, MAX_ITEMS, type ScalarField } from '../../rules/catalogue.ts';
import { Population } from '../../rules/population/population.ts';
import { layoutOf, readProfile, withoutFields } from '../../rules/population/profile.ts';
import { fields } from './fixtures.ts';

const children = fields.get('children') as ListField;
const grade = children.items['grade'] as ScalarField;
const town = children.items['town'] as ScalarField;
type Child = { id: string; grade?: number; town?: string };

/** What closures see of a citizen's list; undefined where it is unknown. */
function seenBy(population: Population): (id: string) => Omit<Child, 'id'>[] | undefined {
  const items = population.source().list(children);
  const [gradeOf, townOf] = [items.number(grade), items.text(town)];
  return (id) => {
    const slot = population.slotOf(id)!;
    const count = items.count(slot);
    if (Number.isNaN(count)) return undefined;
    return Array.from({ length: count }, (_, index) => {
      items.look(slot, index);
      const [g, t] = [gradeOf(slot), townOf(slot)];
      return { ...(Number.isNaN(g) ? {} : { grade: g }), ...(t === undefined ? {} : { town: t }) };
    });
  };
}

/** A fixed sequence that looks random: the same in every run. */
function draws(state: number): (below: number) => number {
  let at = state;
  return (below) => {
    at = (Math.imul(at, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (at >> 8) % below;
  };
}

function someChildren(next: (below: number) => number): Child[] | undefined {
  if (next(4) === 0) return undefined;
  return Array.from({ length: next(next(3) === 0 ? MAX_ITEMS + 1 : 4) }, (_, index) => ({
    id: `k${index}`,
    ...(next(3) === 0 ? {} : { grade: next(13) }),
    ...(next(3) === 0 ? {} : { town: `t${next(5)}` }),
  }));
}

describe('lists in columns', () => {
  test('are what was written last, over changes of length, forgotten citizens and closing up', () => {
    const population = new Population(fields);
    const list = population.list(children);
    const wanted = new Map<string, Child[] | undefined>();
    const next = draws(4_711);
    let most = 0;
    for (let step = 0; step < 60_000; step++) {
      const id = `c${next(4_000)}`;
      // Waves: many come, then many go, so that stretches of every length come free.
      const leaving = Math.floor(step / 10_000) % 2 === 1;
      if (next(10) < (leaving ? 7 : 2)) {
        expect(population.forget(id)).toBe(wanted.delete(id));
        continue;
      }
      const given = someChildren(next);
      population.upsert(id, readProfile(given === undefined ? {} : { children: given }, population.layout));
      wanted.set(id, given);
      most = Math.max(most, list.rows);
    }
    const seen = seenBy(population);
    for (const [id, given] of wanted) expect(seen(id)).toEqual(given?.map(({ id: _, ...rest }) => rest));
    const items = [...wanted.values()].reduce((sum, given) => sum + (given?.length ?? 0), 0);
    expect(list.rows).toBeLessThanOrEqual(2 * items + 4_096 + MAX_ITEMS);
    expect(most).toBeLessThan(80_000);

    for (const id of wanted.keys()) population.forget(id);
    const left = list.members.flatMap((column) =>
      list.live.flatMap((_, at) =>
        [...column.codes.block(at)].filter((byte) => byte !== 0 && !Number.isNaN(byte)),
      ),
    );
    expect(left).toEqual([]);
    expect(
      list.heads.blocks.every(({ count, heads }) => count === 0 && heads.every((head) => head === 0)),
    ).toBe(true);
    expect(list.rows).toBeLessThanOrEqual(4_096 + MAX_ITEMS);
  });

  test('cost what the class says, and no more after a year of changes', () => {
    const population = new Population(fields);
    const next = draws(99);
    for (let i = 0; i < 8_192; i++)
      population.upsert(`c${i}`, readProfile({ children: [{ id: 'k', grade: i % 12 }] }, population.layout));
    const list = population.list(children);
    const members = list.members.reduce((sum, { codes }) => sum + codes.bits / 8, 0);
    const dictionaries = 1_000;
    expect(list.bytes).toBeLessThanOrEqual(8_192 * (6 + members) + (2 * 8_192) / 8 + dictionaries);
    expect(population.bytes).toBeGreaterThan(list.bytes);
    const before = list.bytes;
    for (let i = 0; i < 50_000; i++)
      population.upsert(
        `c${next(8_192)}`,
        readProfile({ children: [{ id: 'k', grade: next(12) }] }, population.layout),
      );
    expect(list.bytes).toBe(before);
  });
});

describe('a profile with a list', () => {
  const layout = layoutOf(fields);
  const faultsOf = (profile: unknown): string[] => {
    try {
      readProfile(profile, layout);
    } catch (error) {
      if (error instanceof AllimError) return error.faults.map(({ pointer }) => pointer);
      throw error;
    }
    return [];
  };

  test('knows an empty one from none', () => {
    expect(readProfile({ children: [] }, layout).lists[0]).toEqual([]);
    expect(readProfile({ children: null }, layout).lists[0]).toBeUndefined();
    expect(readProfile({}, layout).lists[0]).toBeUndefined();
  });

  test('may have twenty items and no more', () => {
    const many = (length: number) => ({ children: Array.from({ length }, () => ({ id: 'k' })) });
    expect(faultsOf(many(MAX_ITEMS))).toEqual([]);
    expect(faultsOf(many(MAX_ITEMS + 1))).toEqual(['/children']);
  });

  test.each([
    [{ id: 'k', grade: 13 }, '/children/0/grade'],
    [{ id: 'k', grade: '1' }, '/children/0/grade'],
    [{ id: 'k', birthDate: '2026-02-30' }, '/children/0/birthDate'],
    [{ id: 'k', school: 'pink' }, '/children/0/school'],
    [{ id: 'k', boards: 1 }, '/children/0/boards'],
    [{ id: 'a\u0000' }, '/children/0/id'],
    [{}, '/children/0/id'],
    [[], '/children/0'],
    [null, '/children/0'],
  ])('%j is refused as a member', (child, pointer) => {
    expect(faultsOf({ children: [child] })).toEqual([pointer]);
  });

  test('counts members that the catalogue lacks, and keeps neither them nor whose child it is', () => {
    const read = readProfile(
      { children: [{ id: 'someone', grade: 3, name: 'Kim', ...JSON.parse('{"__proto__":{"grade":1}}') }] },
      layout,
    );
    expect(read.ignored).toBe(2);
    expect(JSON.stringify(read)).not.toMatch(/someone|Kim/);
  });

  test('without the fields that are disputed lacks them alone', () => {
    const profile = readProfile({ i: 1, b: true, children: [{ id: 'k' }] }, layout);
    const seen = withoutFields(profile, ['i', 'children', 'nothing'], layout);
    expect(seen.values.filter((value) => value !== undefined)).toEqual([1]);
    expect(seen.lists[0]).toBeUndefined();
    expect(profile.lists[0]).toHaveLength(1);
  });
});
