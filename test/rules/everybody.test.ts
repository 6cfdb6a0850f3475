import { describe, expect, test } from '@jest/globals';
import { citizens, POPULATION_DAY } from '../../producers/population.ts';
import { parseDay } from '../../rules/calendar.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { BLOCK_WORDS } from '../../rules/population/columns.ts';
import { Population } from '../../rules/population/population.ts';
import { readProfile } from '../../rules/population/profile.ts';
import { everybodyOf } from '../../rules/run/everybody.ts';
import { type BlockTally, tally } from '../../rules/run/groups.ts';

const COUNT = 6_000;
const KEEP = 5;
const ASOF = parseDay(POPULATION_DAY);

function populationOf(): { population: Population; ids: string[] } {
  const population = new Population(shippedFields());
  const ids: string[] = [];
  for (const { id, profile } of citizens(7, COUNT)) {
    population.upsert(id, readProfile({ ...profile }, population.layout));
    population.setReach(id, ids.length & 7);
    ids.push(id);
  }
  return { population, ids };
}

/** Live citizens of a block, but for one in `leftOut` places; nobody where that is 1. */
function planeOf(population: Population, block: number, leftOut: number): Uint32Array {
  const plane = new Uint32Array(BLOCK_WORDS);
  const alive = population.live[block]!;
  for (let at = 0; at < BLOCK_WORDS * 32; at++)
    if (at % leftOut !== 0) plane[at >> 5]! |= alive[at >> 5]! & (1 << (at & 31));
  return plane;
}

const told = (found: BlockTally | null) => found && { ...found, lowest: found.lowest.slice(0, KEEP) };

function expectSame(population: Population, leftOut: number): void {
  const everybody = everybodyOf(population, ASOF, KEEP);
  for (let block = 0; block < population.live.length; block++) {
    const plane = planeOf(population, block, leftOut);
    const found = everybody.tally(block, plane);
    expect(found).toBeDefined();
    expect(told(found!)).toEqual(told(tally(population, everybody.dimensions, block, plane, KEEP)));
  }
}

describe('a set of nearly everybody', () => {
  test('counted by who is not in it is the same as counted by who is', () => {
    const { population } = populationOf();
    for (const leftOut of [3, 10, 1_000_000]) expectSame(population, leftOut);
  });

  test('follows profiles, deaths, channels, who leaves and who takes their place', () => {
    const { population, ids } = populationOf();
    expectSame(population, 10);
    population.forget(ids[17]!);
    expectSame(population, 10);
    population.overlay(ids[4_500]!, { disputed: ['sex'], deceased: null });
    population.overlay(ids[33]!, { disputed: [], deceased: '2026-01-01' });
    expectSame(population, 10);
    population.setReach(ids[40]!, population.reachable.reachOf(population.slotOf(ids[40]!)!) ^ 7);
    expectSame(population, 10);
    population.upsert('c-newcomer', readProfile({ sigungu: '99999', sex: 'F' }, population.layout));
    expectSame(population, 10);
    const names = everybodyOf(population, ASOF, KEEP).dimensions.find(({ name }) => name === 'sigungu');
    expect(names?.cells).toContain('99999');
    population.forgetReach();
    expectSame(population, 10);
  });

  test('is kept while nothing is written, and not used for a set of few', () => {
    const { population, ids } = populationOf();
    const everybody = everybodyOf(population, ASOF, KEEP);
    expect(everybody.tally(0, planeOf(population, 0, 1))).toBeUndefined();
    expect(everybodyOf(population, ASOF, KEEP)).toBe(everybody);
    expect(everybodyOf(population, ASOF + 400, KEEP)).not.toBe(everybody);
    expect(population.slotOf(ids[0]!)).toBe(0);
  });
});
