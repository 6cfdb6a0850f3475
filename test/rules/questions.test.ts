/** What the shards answer to staff, held against every citizen judged one by one, while profiles change between its steps. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { createSealer } from '../../domain/sealing.ts';
import { parseDay } from '../../rules/calendar.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { compileNumber } from '../../rules/compile/closure.ts';
import type { Population } from '../../rules/population/population.ts';
import { readProfile } from '../../rules/population/profile.ts';
import { createAsking, type WholeAnswer } from '../../rules/run/asking.ts';
import type { Asked, Question } from '../../rules/run/question.ts';
import { createQuestionServer } from '../../rules/run/question-server.ts';
import { treeOf } from '../../rules/run/question-tree.ts';
import { answerQuestion } from '../../rules/run/questions.ts';
import { Shard } from '../../rules/run/shard.ts';
import { emptySketch, mix, placesApart, sketchBytes, sketchOf } from '../../rules/run/sketch.ts';
import { steadyScan } from '../../rules/run/steady-scan.ts';

const PARTITIONS = 2;
const CITIZENS = 9_000;
/** Nothing here is about being late. */
const PATIENT = { deadlineMs: 60_000 };
const ASOF = '2026-02-01';
const fields = shippedFields();
const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
const clock = { nowMs: () => Date.parse('2026-02-01T00:00:00Z') };

const eventType = {
  type: 'kr.nhis.test.opened',
  agency: 'nhis',
  sources: [],
  effect: 'informs',
  title: { ko: '시험', en: 'Test' },
  schema: { type: 'object', properties: { year: { type: 'integer' } } },
  examples: [{}],
} as const;

const asked = (condition: unknown, more: Partial<Asked> = {}): Asked => ({
  condition: condition as Asked['condition'],
  agency: 'nhis',
  eventType,
  event: {},
  asOf: ASOF,
  reach: 'certain',
  ...more,
});

const EVEN_AND_NOT_EXAMINED = {
  and: [
    { '>=': [{ yearAge: [{ var: 'citizen.birthDate' }] }, 40] },
    { or: [{ '<': [{ var: 'citizen.lastCheckupYear' }, 2025] }, { '==': [{ var: 'citizen.sido' }, '11'] }] },
  ],
};

function profileOf(n: number): Record<string, unknown> {
  return {
    ...(n % 7 === 0 ? {} : { birthDate: `${1930 + (n % 90)}-0${1 + (n % 9)}-11` }),
    ...(n % 5 === 0 ? {} : { lastCheckupYear: 2020 + (n % 7) }),
    ...(n % 11 === 0 ? {} : { sido: n % 3 === 0 ? '11' : '41', sigungu: n % 3 === 0 ? '11680' : '41110' }),
    sex: n % 2 === 0 ? 'F' : 'M',
    ...(n % 4 === 0 ? { children: [{ id: `k${n}`, birthDate: '2020-01-01' }] } : {}),
  };
}

function shardsOf(citizens: number): Shard[] {
  const shards = Array.from(
    { length: PARTITIONS },
    (_, partition) =>
      new Shard({ partition, partitions: PARTITIONS, fields, begin: 0, end: 0, placed: () => {} }),
  );
  for (let n = 0; n < citizens; n++) {
    const { population } = shards[partitionOf(`c-${n}`, PARTITIONS)]!;
    population.upsert(`c-${n}`, readProfile(profileOf(n), population.layout));
    population.setReach(`c-${n}`, n % 8);
    population.reachable.asOfMs = 1;
  }
  return shards;
}

const partsOf = (shards: readonly Shard[]) => ({
  fields,
  shards: () => shards,
  partitions: () => PARTITIONS,
  pseudonym: (_: string, id: string) => sealer.index('sample', id).toString('hex').slice(0, 12),
});

/** Truth of everybody who lives by the closure. */
function judged(population: Population, question: Asked): Map<number, number> {
  const tree = treeOf(question, fields);
  const judge = compileNumber(tree.condition, population.source());
  return new Map(
    [...population.order()]
      .filter((slot) => population.isLive(slot))
      .map((slot) => [slot, judge(slot, { event: {}, asOf: parseDay(ASOF) })]),
  );
}

describe('questions to the shards', () => {
  const shards = shardsOf(CITIZENS);
  const server = createQuestionServer({
    host: '127.0.0.1',
    port: 0,
    sealer,
    clock,
    logger: silentLogger,
    answer: (question, signal) => answerQuestion(question, partsOf(shards), signal),
  });
  afterAll(() => server.stop());
  const ask = async (question: Question): Promise<WholeAnswer> => {
    await server.start();
    return createAsking({
      processes: async () => ({ urls: [server.url()], shards: PARTITIONS }),
      sealer,
      clock,
      logger: silentLogger,
    })(question, PATIENT);
  };

  test('are counted exactly, spread over regions, ages, sexes and channels, with what is missing', async () => {
    const question = asked(EVEN_AND_NOT_EXAMINED);
    const answer = await ask({ kind: 'audience', asked: question, detail: true, sample: 20 });
    const found = { certain: 0, possible: 0, seoul: 0, women: 0, push: 0, noBirth: 0, noCheckup: 0 };
    for (const { population } of shards)
      for (const [slot, truth] of judged(population, question)) {
        const { values } = population.profileAt(slot);
        const value = (name: string) => values[population.layout.positions.get(name)!];
        if (truth === 1) {
          found.certain++;
          if (value('sido') === '11') found.seoul++;
          if (value('sex') === 'F') found.women++;
          if ((population.reachable.reachOf(slot) & 1) === 1) found.push++;
        } else if (Number.isNaN(truth)) {
          found.possible++;
          if (value('birthDate') === undefined) found.noBirth++;
          // Only where the other arm of the `or` has not settled it.
          if (value('lastCheckupYear') === undefined && value('sido') !== '11') found.noCheckup++;
        }
      }
    const { certain, possible } = answer.sets;
    expect(found.certain).toBeGreaterThan(1_000);
    expect({ certain: certain?.count, possible: possible?.count }).toEqual({
      certain: found.certain,
      possible: found.possible,
    });
    expect(certain?.cells['sido']?.['11']).toBe(found.seoul);
    expect(certain?.cells['sex']?.['F']).toBe(found.women);
    expect(certain?.reaches?.reduce((sum, n, bits) => sum + (bits % 2 === 1 ? n : 0), 0)).toBe(found.push);
    for (const dimension of ['sido', 'sigungu', 'sex', 'ageBand'])
      expect(Object.values(certain!.cells[dimension]!).reduce((a, b) => a + b, 0)).toBe(found.certain);
    expect(answer.missing).toMatchObject({ birthDate: found.noBirth, lastCheckupYear: found.noCheckup });
    expect(answer.sample.length).toBeGreaterThanOrEqual(20);
    expect(answer.sample.every(({ pseudonym }) => !pseudonym.startsWith('c-'))).toBe(true);
    expect(answer).toMatchObject({ offsets: [0, 0], partial: false, reachAtMs: 1, citizens: CITIZENS });
  });

  test('say what two audiences share and what each has alone', async () => {
    const women = asked({ '==': [{ var: 'citizen.sex' }, 'F'] });
    const seoul = asked({ '==': [{ var: 'citizen.sido' }, '11'] }, { reach: 'possible' });
    const { sets } = await ask({ kind: 'pair', first: women, second: seoul });
    const counts = { both: 0, onlyFirst: 0, onlySecond: 0, neither: 0 };
    for (let n = 0; n < CITIZENS; n++) {
      const { sex, sido } = profileOf(n);
      const [first, second] = [sex === 'F', sido !== '41'];
      if (first && second) counts.both++;
      else if (first) counts.onlyFirst++;
      else if (second) counts.onlySecond++;
      else counts.neither++;
    }
    expect(Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, set.count]))).toEqual(counts);
  });

  test('explain one citizen, and know of nobody else', async () => {
    const about = { kind: 'citizen', asked: asked(EVEN_AND_NOT_EXAMINED), language: 'en' } as const;
    const answer = await ask({ ...about, citizen: 'c-7' });
    expect(answer.explanation).toMatchObject({ reach: 'possible', missing: ['citizen.birthDate'] });
    expect((await ask({ ...about, citizen: 'nobody' })).explanation).toBeNull();
  });

  test('judge pairs of past events, known citizens only', async () => {
    const { sets } = await ask({
      kind: 'targets',
      asked: asked({ '==': [{ var: 'citizen.sex' }, 'F'] }),
      pairs: ['c-0', 'c-1', 'c-2', 'nobody'].map((citizen) => ({ citizen, event: {} })),
    });
    expect([sets.certain?.count, sets.possible?.count]).toEqual([2, 0]);
  });

  test('are refused with the pointer where the condition is wrong', async () => {
    await expect(
      ask({
        kind: 'audience',
        asked: asked({ '==': [{ var: 'citizen.nowhere' }, 1] }),
        detail: false,
        sample: 0,
      }),
    ).rejects.toMatchObject({ code: 'rule-invalid', faults: [{ code: 'field-unknown' }] });
  });

  test('are not answered to whoever has another key', async () => {
    await server.start();
    const stranger = createSealer(Buffer.alloc(32, 9), Buffer.alloc(32, 2));
    const processes = async () => ({ urls: [server.url()], shards: PARTITIONS });
    await expect(
      createAsking({ processes, sealer: stranger, clock, logger: silentLogger })({
        kind: 'audience',
        asked: asked(true),
        detail: false,
        sample: 0,
      }),
    ).rejects.toMatchObject({ code: 'shards-unavailable' });
  });

  test('say that they are partial where a shard does not answer', async () => {
    const one = createQuestionServer({
      host: '127.0.0.1',
      port: 0,
      sealer,
      clock,
      logger: silentLogger,
      answer: (question, signal) => answerQuestion(question, partsOf(shards.slice(0, 1)), signal),
    });
    await one.start();
    const processes = async () => ({ urls: [one.url(), 'http://127.0.0.1:1'], shards: PARTITIONS });
    const women = asked({ '==': [{ var: 'citizen.sex' }, 'F'] });
    const answer = await createAsking({ processes, sealer, clock, logger: silentLogger })(
      { kind: 'audience', asked: women, detail: false, sample: 0 },
      PATIENT,
    );
    await one.stop();
    expect(answer).toMatchObject({ partial: true, offsets: [0, null] });
  });
});

describe('a scan in steps', () => {
  test('answers for its last moment, whatever is written in between', async () => {
    const [shard] = shardsOf(30_000) as [Shard];
    const { population } = shard;
    const question = asked(EVEN_AND_NOT_EXAMINED);
    const tree = treeOf(question, fields);
    let writes = 0;
    const write = () => {
      // Citizens of blocks that were read and of those that were not, one that goes and one that comes.
      for (let i = 0; i < 40; i++) {
        const n = (writes++ * 7919) % 30_000;
        const id = `c-${n}`;
        if (population.slotOf(id) !== undefined)
          population.upsert(id, readProfile(profileOf(n + writes), population.layout));
      }
      population.forget(population.idOf(population.order()[writes]!));
      // What changes an answer without a profile: disputes and deaths, and their end.
      const [disputing, dying, wrongly] = [3, 5, 7].map((n) =>
        population.idOf(population.order()[writes + n]!),
      );
      population.overlay(disputing!, { disputed: ['lastCheckupYear', 'sido'], deceased: null });
      population.overlay(dying!, { disputed: [], deceased: '2026-01-01' });
      population.overlay(wrongly!, { disputed: [], deceased: '2026-01-01' });
      population.overlay(wrongly!, null);
      population.upsert(`new-${writes}`, readProfile(profileOf(writes), population.layout));
    };
    let pauses = 0;
    const found = await steadyScan(
      population,
      () => {
        const judge = compileNumber(tree.condition, population.source());
        return (block) => {
          // Slow enough that each block is a step.
          const until = performance.now() + 7;
          let count = 0;
          for (let at = 0; at < 4_096; at++) {
            const slot = (block << 12) + at;
            const alive = (population.live[block]![at >> 5]! >>> (at & 31)) & 1;
            if (alive === 1 && judge(slot, { event: {}, asOf: parseDay(ASOF) }) === 1) count++;
          }
          while (performance.now() < until);
          return count;
        };
      },
      async () => {
        if (pauses++ < 12) write();
      },
      (blocks) => ({
        counted: blocks.reduce((a, b) => a + b, 0),
        right: [...judged(population, question).values()].filter((truth) => truth === 1).length,
      }),
    );
    expect(pauses).toBeGreaterThan(3);
    expect(found.right).toBeGreaterThan(1_000);
    expect(found.counted).toBe(found.right);
  });
});

describe('sketches of sets', () => {
  const sketch = (marks: readonly number[]) => {
    const made = emptySketch();
    for (const mark of marks) mix(made, mark);
    return made;
  };
  const marks = Array.from({ length: 5_000 }, (_, n) => Math.imul(n + 1, 0x9e3779b1) >>> 0);

  test('differ in at most as many places as the sets in citizens, and in none where they are the same', () => {
    const whole = sketch(marks);
    expect(placesApart(whole, sketch(marks.toReversed()))).toBe(0);
    for (let fewer = 1; fewer < 10; fewer++) {
      const apart = placesApart(whole, sketch(marks.slice(fewer)));
      expect(apart).toBeGreaterThan(0);
      expect(apart).toBeLessThanOrEqual(fewer);
    }
    expect(placesApart(whole, sketch(marks.slice(2_500)))).toBeGreaterThan(200);
    expect(placesApart(whole, sketchOf(sketchBytes(whole)))).toBe(0);
  });
});
