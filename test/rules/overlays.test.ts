import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AllimError } from '../../domain/errors.ts';
import type { MatchRequest } from '../../domain/records.ts';
import { parseOverlay } from '../../rules/population/overlays.ts';
import { Population } from '../../rules/population/population.ts';
import { layoutOf, readProfile, withoutFields } from '../../rules/population/profile.ts';
import { resolve } from '../../rules/run/answer.ts';
import { checked, fields } from './fixtures.ts';

const layout = layoutOf(fields);
const read = (value: unknown) => parseOverlay(Buffer.from(JSON.stringify(value)), layout);

describe('an overlay', () => {
  test.each([
    [{}, { disputed: [], deceased: null }],
    [{ disputed: ['i', 'children', 'i'] }, { disputed: ['i', 'children'], deceased: null }],
    [
      { disputed: null, deceased: '2026-05-01' },
      { disputed: [], deceased: '2026-05-01' },
    ],
  ])('%j is read', (given, wanted) => expect(read(given)).toEqual(wanted));

  test.each([
    [[], ''],
    ['x', ''],
    [{ disputed: 'i' }, '/disputed'],
    [{ disputed: ['i', 'income'] }, '/disputed/1'],
    [{ disputed: [7] }, '/disputed/0'],
    [{ deceased: '2026-02-30' }, '/deceased'],
    [{ deceased: true }, '/deceased'],
    [{ dead: '2026-05-01' }, '/dead'],
  ])('%j is refused', (given, pointer) => {
    try {
      read(given);
    } catch (error) {
      expect(error).toMatchObject({ code: 'overlay-invalid' });
      expect((error as AllimError).faults.map((fault) => fault.pointer)).toEqual([pointer]);
      return;
    }
    throw new Error('it was taken');
  });
});

type Step =
  | { readonly kind: 'profile'; readonly id: string; readonly profile: Record<string, unknown> | null }
  | { readonly kind: 'overlay'; readonly id: string; readonly disputed: string[]; readonly dead: boolean };

const id = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('profile' as const),
      id,
      profile: fc.oneof(
        fc.constant(null),
        fc.record({
          i: fc.integer({ min: 0, max: 10 }),
          n: fc.constantFrom(0.5, 3),
          s: fc.constantFrom('x', 'y'),
          children: fc.array(fc.record({ id: fc.constant('k'), grade: fc.integer({ min: 0, max: 12 }) }), {
            maxLength: 3,
          }),
        }),
      ),
    }),
    fc.record({
      kind: fc.constant('overlay' as const),
      id,
      disputed: fc.subarray(['i', 'n', 's', 'children']),
      dead: fc.boolean(),
    }),
  ),
  { maxLength: 30 },
) as fc.Arbitrary<Step[]>;

test('overlays lie over profiles in whatever order both come', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (given, binary) => {
      const population = new Population(fields);
      const profiles = new Map<string, Record<string, unknown>>();
      const overlays = new Map<string, Extract<Step, { kind: 'overlay' }>>();
      for (const step of given)
        if (step.kind === 'overlay') {
          overlays.set(step.id, step);
          population.overlay(step.id, { disputed: step.disputed, deceased: step.dead ? '2026-05-01' : null });
        } else if (step.profile === null) {
          profiles.delete(step.id);
          population.forget(step.id);
        } else {
          profiles.set(step.id, step.profile);
          if (binary) population.upsertValue(step.id, population.records.write(step.profile));
          else population.upsert(step.id, readProfile(step.profile, layout));
        }
      expect(population.size).toBe(profiles.size);
      for (const [who, profile] of profiles) {
        const slot = population.slotOf(who)!;
        const { disputed = [], dead = false } = overlays.get(who) ?? {};
        const wanted = withoutFields(readProfile(profile, layout), disputed, layout);
        expect(population.isLive(slot)).toBe(!dead);
        expect(population.columns.map((column) => column.valueAt(slot))).toEqual(wanted.values);
        expect(population.lists.map((list) => list.itemsAt(slot))).toEqual(
          layout.lists.map((_, at) => wanted.lists[at]),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test('who has died is in no audience and not unknown; what is disputed makes it possible only', () => {
  const population = new Population(fields);
  for (const who of ['alive', 'dead', 'doubtful']) population.upsert(who, readProfile({ b: true }, layout));
  population.overlay('dead', { disputed: [], deceased: '2026-05-01' });
  population.overlay('doubtful', { disputed: ['b'], deceased: null });
  const rule = checked({ var: 'citizen.b' }, { reach: 'possible' });
  const ask = (more: object) =>
    resolve({ asOf: '2026-06-01', ...more } as MatchRequest, rule, [], population);
  const event = { source: '/test', id: '1', data: {} };
  const broadcast = ask({ event });
  expect([broadcast.citizens, Array.from(broadcast.certain)]).toEqual([
    ['alive', 'doubtful'],
    [1, 0],
  ]);
  const pairs = ['alive', 'dead', 'doubtful', 'stranger'].map((citizen) => ({
    citizen,
    event: { ...event, row: citizen },
  }));
  const targeted = ask({ pairs });
  expect(targeted).toMatchObject({ citizens: ['alive', 'doubtful'], unknown: ['stranger'] });
  population.overlay('dead', null);
  population.overlay('doubtful', null);
  expect(Array.from(ask({ event }).certain)).toEqual([1, 1, 1]);
});
