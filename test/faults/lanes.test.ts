/** How a list of faults is dealt out: to lanes, and marked points to rounds. */
import { describe, expect, test } from '@jest/globals';
import type { Fault, Stage } from './fault.ts';
import { FAULTS } from './faults.ts';
import type { Installation } from './installation.ts';
import { throughLanes } from './lanes.ts';
import { gathered } from './mark-rounds.ts';

const fault = (name: string, more: Partial<Fault> = {}): Fault => ({
  name,
  group: 'load',
  does: name,
  async inflict() {},
  ...more,
});

type Happening = { readonly lane: number; readonly brokers: number; readonly what: string };

/** Goes through `faults`; a round of a name in `breaking` breaks its lane off. */
async function go(lanes: number, faults: readonly Fault[], breaking: readonly string[] = []) {
  const happened: Happening[] = [];
  const broken: number[] = [];
  const running = new Set<Installation>();
  const beside = new Map<string, number>();
  let starting = 0;
  let startingAtOnce = 0;
  await throughLanes({
    lanes,
    faults,
    brokersOf: ({ brokers }) => brokers ?? 1,
    async start(lane, brokers) {
      const installation = { lane, brokers } as unknown as Installation;
      startingAtOnce = Math.max(startingAtOnce, ++starting);
      await new Promise((resume) => setImmediate(resume));
      starting--;
      running.add(installation);
      return installation;
    },
    async round(installation, { name }) {
      const { lane, brokers } = installation as unknown as { lane: number; brokers: number };
      beside.set(name, running.size);
      happened.push({ lane, brokers, what: name });
      await new Promise((resume) => setImmediate(resume));
      if (breaking.includes(name)) throw new Error(name);
    },
    async end(installation) {
      running.delete(installation);
    },
    brokeOff: (lane) => broken.push(lane),
    over: () => false,
  });
  return {
    happened,
    broken,
    beside,
    running,
    startingAtOnce,
    lanesOf: new Set(happened.map(({ lane }) => lane)),
  };
}

const names = (happened: readonly Happening[]) => happened.map(({ what }) => what).sort();
const few = ['a', 'b', 'c', 'd', 'e'].map((name) => fault(name));

describe('lanes', () => {
  test('take every fault once between them, and end what they started', async () => {
    const { happened, lanesOf, running, startingAtOnce } = await go(2, few);
    expect(names(happened)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(lanesOf.size).toBe(2);
    expect(running.size).toBe(0);
    expect(startingAtOnce).toBe(1);
  });

  test('what needs three brokers goes through one lane, on an installation that has them', async () => {
    const three = ['x', 'y', 'z'].map((name) => fault(name, { brokers: 3 }));
    const { happened } = await go(3, [...few, ...three]);
    const those = happened.filter(({ brokers }) => brokers === 3);
    expect(names(those)).toEqual(['x', 'y', 'z']);
    expect(new Set(those.map(({ lane }) => lane)).size).toBe(1);
    expect(happened).toHaveLength(8);
  });

  test('what must be alone comes last, with no other installation beside it', async () => {
    const { happened, beside } = await go(3, [fault('alone', { alone: true }), ...few]);
    expect(happened.at(-1)).toMatchObject({ what: 'alone', lane: 1 });
    expect(beside.get('alone')).toBe(1);
  });

  test('a lane that breaks off is told of, and nothing else is left out', async () => {
    const { happened, broken } = await go(2, [...few, fault('alone', { alone: true })], ['a']);
    expect(names(happened)).toEqual(['a', 'alone', 'b', 'c', 'd', 'e']);
    expect(broken).toEqual([1]);
  });

  test('one lane is enough for everything', async () => {
    const { happened, lanesOf } = await go(1, [fault('x', { brokers: 3 }), ...few]);
    expect(happened).toHaveLength(6);
    expect([...lanesOf]).toEqual([1]);
  });
});

describe('marked points', () => {
  const rounds = gathered(FAULTS).filter(({ members }) => members !== undefined);
  const marks = FAULTS.filter(({ name }) => name.startsWith('mark:'));

  test('share rounds of four at most, each in exactly one, with as many notices as it has alone', () => {
    expect(
      rounds
        .flatMap(({ members }) => members!)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(marks.map(({ name }) => name).sort());
    for (const { members, notices } of rounds) {
      expect(members!.length).toBeLessThanOrEqual(4);
      expect(notices).toBeCloseTo(members!.reduce((sum, one) => sum + (one.notices ?? 1), 0));
    }
  });

  test('no point is judged more mildly than alone', () => {
    for (const { members, doubles, left } of rounds)
      for (const one of members!)
        expect({ doubles: doubles ?? false, left }).toEqual({
          doubles: one.doubles ?? false,
          left: one.left,
        });
  });

  test('a point at which nobody dies is told by name, and the others have their turn', async () => {
    const inflicted: string[] = [];
    const dying = (name: string, fails: boolean) =>
      fault(`mark:${name}`, {
        async inflict() {
          inflicted.push(name);
          if (fails) throw new Error(`nobody died at ${name}`);
        },
      });
    const [round] = gathered([dying('a', false), dying('b', true), dying('c', false)]);
    let produced = 1;
    const stage = {
      notices: 30,
      choicesOf: () => () => 0,
      produceNext: () => produced++,
      arrived: async () => {},
    } as unknown as Stage;
    await round!.prepare?.(stage);
    await expect(round!.inflict(stage)).rejects.toThrow('mark:b: nobody died at b');
    expect(inflicted).toEqual(['a', 'b', 'c']);
    expect(produced).toBe(3);
  });

  test('one that is chosen alone has a round to itself', () => {
    expect(gathered([marks[0]!, fault('other')])).toEqual([marks[0], expect.anything()]);
  });
});
