import { describe, expect, test } from '@jest/globals';
import { AllimError } from '../../domain/errors.ts';
import type { RunId } from '../../domain/ids.ts';
import type { MatchRequest } from '../../domain/records.ts';
import { decodePage } from '../../domain/records.ts';
import { readFields, type ScalarField, shippedFields } from '../../rules/catalogue.ts';
import { Population } from '../../rules/population/population.ts';
import { layoutOf, parseProfile, readProfile } from '../../rules/population/profile.ts';
import { pagesOf, resolve } from '../../rules/run/answer.ts';
import { checked, fields } from './fixtures.ts';

const faultsOf = (work: () => unknown): string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof AllimError) return error.faults.map(({ pointer }) => pointer);
    throw error;
  }
  return [];
};

describe('a profile', () => {
  const layout = layoutOf(shippedFields());

  test('that the contract shows is read whole', () => {
    const profile = {
      birthDate: '1961-03-02',
      sex: 'F',
      sido: '11',
      sigungu: '11680',
      insurance: 'regional',
      lastCheckupYear: 2023,
      children: [{ id: 'c-51b0', birthDate: '2025-08-01' }],
      disabled: false,
    };
    const read = parseProfile(Buffer.from(JSON.stringify(profile)), layout);
    expect(read.ignored).toBe(0);
    expect(read.values.filter((value) => value !== undefined)).toHaveLength(7);
  });

  test.each([
    [{ birthDate: '2026-02-30' }, '/birthDate'],
    [{ birthDate: 19610302 }, '/birthDate'],
    [{ birthDate: '1799-12-31' }, '/birthDate'],
    [{ sex: 'f' }, '/sex'],
    [{ sido: 11 }, '/sido'],
    [{ sido: '99' }, '/sido'],
    [{ sigungu: '1168' }, '/sigungu'],
    [{ sigungu: '11680\n' }, '/sigungu'],
    [{ lastCheckupYear: 2023.5 }, '/lastCheckupYear'],
    [{ lastCheckupYear: '2023' }, '/lastCheckupYear'],
    [{ lastCheckupYear: -1 }, '/lastCheckupYear'],
    [{ disabled: 0 }, '/disabled'],
    [{ incomeBracket: 11 }, '/incomeBracket'],
    [{ children: {} }, '/children'],
    [{ children: [{ birthDate: '2025-08-01' }] }, '/children/0/id'],
    [{ children: [{ id: 'c', birthDate: '2025-08-32' }] }, '/children/0/birthDate'],
    [{ children: [7] }, '/children/0'],
  ])('%j is refused', (profile, pointer) => {
    expect(faultsOf(() => readProfile(profile, layout))).toEqual([pointer]);
  });

  test('names all its faults, never its values', () => {
    const bad = { birthDate: '1961-99-99', sex: 'secret', sido: '11' };
    expect(faultsOf(() => readProfile(bad, layout))).toEqual(['/birthDate', '/sex']);
    for (const text of [JSON.stringify(bad), '{"sex":"secret"', '"secret"'])
      try {
        parseProfile(Buffer.from(text), layout);
        throw new Error('was accepted');
      } catch (error) {
        expect(error).toMatchObject({ code: 'profile-invalid' });
        expect((error as Error).cause).toBeUndefined();
        expect(`${(error as Error).message}${JSON.stringify((error as AllimError).faults)}`).not.toMatch(
          /secret|99-99/,
        );
      }
  });

  test('may hold what the catalogue lacks, which is counted and not kept', () => {
    const read = readProfile(
      JSON.parse('{"sex":"F","name":"…","__proto__":{"sido":"11"},"sido":null}'),
      layout,
    );
    expect(read.ignored).toBe(2);
    expect(read.values.filter((value) => value !== undefined)).toEqual(['F']);
  });
});

describe('a population', () => {
  test('gives back what was written, over blocks, changes and forgotten citizens', () => {
    const population = new Population(fields);
    const source = population.source();
    const seen = new Map<string, Record<string, unknown>>();
    // A fixed sequence that looks random: the same operations in every run.
    let state = 12_345;
    const next = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    for (let step = 0; step < 40_000; step++) {
      const id = `c${next(9_000)}`;
      if (next(3) === 0) {
        expect(population.forget(id)).toBe(seen.delete(id));
        continue;
      }
      const profile = {
        ...(next(2) ? { i2: next(70_000) } : {}),
        ...(next(2) ? { e: ['red', 'green', 'blue'][next(3)] } : {}),
        ...(next(2) ? { n: next(10) / 4 } : {}),
        d: `19${10 + next(90)}-01-31`,
      };
      expect(population.upsert(id, readProfile(profile, population.layout))).toBe(!seen.has(id));
      seen.set(id, profile);
      if (step % 9_999 === 0) population.order();
    }
    expect(population.size).toBe(seen.size);
    expect(population.capacity).toBeLessThan(9_000 + 4_096 + 4_096);
    expect(Array.from(population.order(), (slot) => population.idOf(slot))).toEqual([...seen.keys()].sort());
    const field = (name: string): ScalarField => fields.get(name) as ScalarField;
    const read = {
      i2: source.number(field('i2')),
      n: source.number(field('n')),
      d: source.number(field('d')),
      e: source.text(field('e')),
    };
    const wrong = [...seen].filter(([id, profile]) => {
      const slot = population.slotOf(id)!;
      const days = Temporal.PlainDate.from('1970-01-01').until(profile['d'] as string, {
        largestUnit: 'days',
      }).days;
      return !(
        Object.is(read.i2(slot), profile['i2'] ?? Number.NaN) &&
        Object.is(read.n(slot), profile['n'] ?? Number.NaN) &&
        read.d(slot) === days &&
        read.e(slot) === profile['e']
      );
    });
    expect(wrong).toEqual([]);
  });

  test('answers over many blocks as a plain filter does', () => {
    const population = new Population(fields);
    const people = Array.from({ length: 10_000 }, (_, at) => ({
      id: `c${at}`,
      i: at % 11,
      b: at % 3 === 0 ? undefined : at % 2 === 0,
    }));
    for (const { id, ...profile } of people) population.upsert(id, readProfile(profile, population.layout));
    const rule = checked(
      { and: [{ '<=': [{ var: 'citizen.i' }, 4] }, { var: 'citizen.b' }] },
      { reach: 'possible' },
    );
    const request = {
      asOf: '2026-02-01',
      event: { source: '/test', id: '1', data: {} },
    } as unknown as MatchRequest;
    const answer = resolve(request, rule, [], population);
    const wanted = people.filter(({ i, b }) => i <= 4 && b !== false).sort((x, y) => (x.id < y.id ? -1 : 1));
    expect(answer.citizens).toEqual(wanted.map(({ id }) => id));
    expect(Array.from(answer.certain, Boolean)).toEqual(wanted.map(({ b }) => b === true));
  });
});

test('pages are cut smaller where long ids would make a record too large', () => {
  const population = new Population(fields);
  const long = '가'.repeat(60);
  const pairs = Array.from({ length: 7_000 }, (_, at) => ({
    citizen: `${long}${String(at).padStart(4, '0')}`,
    event: { row: `row-${at}`.padEnd(36, '0'), source: '/test', id: `${at}`, data: {} },
  }));
  for (const { citizen } of pairs.slice(0, 4_000))
    population.upsert(citizen, readProfile({ b: true }, population.layout));
  const request = {
    asOf: '2026-02-01',
    fanout: 'f',
    stageRun: 's',
    request: 0,
    pairs,
  } as unknown as MatchRequest;
  const answer = resolve(request, checked({ var: 'citizen.b' }), ['e'], population);
  const records = [...pagesOf(request, answer, { run: 'r' as RunId, profileOffset: 1 })];
  expect(Math.max(...records.map(({ length }) => length))).toBeLessThan(1_048_576);
  const pages = records.map((record) => decodePage(record));
  expect(pages.flatMap(({ citizens }) => citizens)).toEqual(
    pairs.slice(0, 4_000).map(({ citizen }) => citizen),
  );
  expect(pages.flatMap(({ unknown }) => unknown)).toEqual(pairs.slice(4_000).map(({ citizen }) => citizen));
  expect(pages.flatMap(({ unknownEvents }) => unknownEvents)).toHaveLength(3_000);
  expect(pages.map(({ page, last }) => [page, last])).toEqual(
    pages.map((_, at) => [at, at === pages.length - 1]),
  );
  for (const { citizens, events, reach, values } of pages)
    expect([events!.length, reach.length, values['citizen.e']!.length]).toEqual([
      citizens.length,
      citizens.length,
      citizens.length,
    ]);
});

test('a catalogue that is wrong is refused with its faults', () => {
  const labels = { ko: '가', en: 'a', vi: 'a' };
  const given = {
    fields: [
      { name: 'a', type: 'integer', sensitivity: 'ordinary', agencies: [], labels },
      { name: 'A b', type: 'date', sensitivity: 'ordinary', agencies: [], labels },
      { name: 'c', type: 'money', sensitivity: 'ordinary', agencies: [], labels },
      { name: 'd', type: 'enum', values: [], sensitivity: 'huge', agencies: '*', labels: { ko: '가' } },
    ],
  };
  expect(faultsOf(() => readFields(given))).toEqual([
    '/fields/0/min',
    '/fields/1/name',
    '/fields/2/type',
    '/fields/3/agencies',
    '/fields/3/sensitivity',
    '/fields/3/labels',
    '/fields/3/values',
  ]);
});

describe('the order in steps', () => {
  const empty = parseProfile(Buffer.from('{}'), layoutOf(fields));
  function crowd(size: number): Population {
    const population = new Population(fields);
    // Neither ascending nor descending.
    for (let i = 0; i < size; i++) population.upsert(`c${(i * 7_919) % size}`, empty);
    return population;
  }
  const idsOf = (population: Population) => Array.from(population.order(), (slot) => population.idOf(slot));

  test.each([0, 1, 16_384, 16_385, 50_000])(
    'of %d citizens is the one that is made at once',
    async (size) => {
      const population = crowd(size);
      let pauses = 0;
      await population.orderInSteps(async () => void pauses++);
      expect(idsOf(population)).toEqual(idsOf(crowd(size)));
      // A pause for every 16,384 at the least, so no step is long.
      expect(pauses).toBeGreaterThanOrEqual(Math.floor(size / 16_384));
    },
  );

  test('lets the event loop turn, and keeps nothing of what changed meanwhile', async () => {
    const population = crowd(40_000);
    let turns = 0;
    await population.orderInSteps(async () => {
      if (turns++ === 1) {
        population.forget('c1');
        population.upsert('new', empty);
      }
      await new Promise((resolve) => setImmediate(resolve));
    });
    const ids = idsOf(population);
    expect(ids).toHaveLength(40_000);
    expect(ids).toEqual(ids.toSorted());
    expect([ids.includes('c1'), ids.includes('new')]).toEqual([false, true]);
  });
});
