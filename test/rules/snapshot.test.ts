import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { armMark, disarmMark } from '../../domain/marks.ts';
import { createSealer, type Sealer } from '../../domain/sealing.ts';
import { type Fields, readFields } from '../../rules/catalogue.ts';
import { catalogueHash } from '../../rules/population/catalogue-hash.ts';
import { Population } from '../../rules/population/population.ts';
import { readProfile } from '../../rules/population/profile.ts';
import { openSections, writeSections } from '../../rules/population/sections.ts';
import { readSnapshot, writeSnapshot } from '../../rules/population/snapshot.ts';
import { fields } from './fixtures.ts';

const DAY = 86_400_000;
const facts = { partition: 3, partitions: 8, profiles: 50, overlays: 7, takenAt: 20_000 * DAY };
const edges = { begins: { profiles: 0, overlays: 0 }, ends: { profiles: 60, overlays: 7 } };
const bounds = { ...edges, nowMs: facts.takenAt + 1_000 };
const signal = new AbortController().signal;
const keyed = (byte: number) => createSealer(Buffer.alloc(32, byte), Buffer.alloc(32, 9));

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'allim-snapshot-'));
  file = path.join(folder, 'one');
});
afterEach(async () => {
  disarmMark();
  await rm(folder, { recursive: true });
});

/** `size` citizens with something of every kind, changes, forgotten ones, disputes and deaths. */
async function crowd(size: number): Promise<Population> {
  const population = new Population(fields);
  const write = (at: number, round: number): void => {
    const profile = {
      d: `19${10 + (at % 90)}-0${1 + (at % 9)}-1${at % 9}`,
      ...(at % 3 ? { i2: at % 70_000 } : {}),
      ...(at % 5 ? { n: at / 8 } : {}),
      e: ['red', 'green', 'blue'][at % 3],
      s: `town ${(at + round) % 700}`,
      ...(at % 4
        ? {
            children: Array.from({ length: (at + round) % 5 }, (_, i) => ({
              id: 'c',
              grade: i,
              town: `t${i}`,
            })),
          }
        : {}),
    };
    population.upsert(`${at % 7 ? 'c' : '가나다-'}${at}`, readProfile(profile, population.layout));
  };
  for (let at = 0; at < size; at++) write(at, 0);
  for (let at = 0; at < size; at += 3) write(at, 1);
  for (let at = 1; at < size; at += 10) population.forget(`c${at}`);
  for (let at = 2; at < size; at += 50)
    population.overlay(`c${at}`, { disputed: ['n', 'children'], deceased: null });
  for (let at = 3; at < size; at += 70)
    population.overlay(`c${at}`, { disputed: [], deceased: '2026-05-01' });
  population.overlay('nobody yet', { disputed: ['e'], deceased: null });
  await population.tidy(async () => {});
  return population;
}

/** Everything that can be asked of a population. */
function shown(population: Population): string {
  const order = population.order();
  return JSON.stringify({
    size: population.size,
    people: Array.from(order, (slot) => {
      const id = population.idOf(slot);
      return [
        id,
        population.slotOf(id) === slot,
        population.isLive(slot),
        population.columns.map((column) => column.valueAt(slot)),
        population.lists.map((list) => list.itemsAt(slot)),
      ];
    }),
  });
}

const write = (population: Population, more: Partial<Parameters<typeof writeSnapshot>[3]> = {}) =>
  writeSnapshot(file, population, facts, { sealer: null, signal, written: () => {}, ...more });
const read = (more: Partial<Parameters<typeof readSnapshot>[1]> = {}) =>
  readSnapshot(file, { fields, partition: 3, partitions: 8, bounds, sealer: null, ...more });
const refusedWith = (why: RegExp) =>
  expect.objectContaining({ code: 'snapshot-invalid', message: expect.stringMatching(why) });

describe('a snapshot', () => {
  test.each([0, 1, 100, 9_000])('of %d citizens gives back everything', async (size) => {
    const population = await crowd(size);
    await write(population);
    const restored = await read();
    expect(restored.facts).toMatchObject(facts);
    expect(shown(restored.population)).toBe(shown(population));
    expect(restored.population.revisions).toHaveLength(population.live.length);
    expect(restored.population.bytes).toBeGreaterThan(0);
  });

  test('goes on as what it was taken of: newcomers, changes, disputes that end', async () => {
    const [one, other] = [await crowd(5_000), await crowd(5_000)];
    await write(other);
    const { population } = await read();
    for (const each of [one, population]) {
      for (let at = 0; at < 6_000; at += 2)
        each.upsert(
          `new-${at % 900}`,
          readProfile({ s: `other ${at % 600}`, tags: [{ n: 1 }] }, each.layout),
        );
      for (let at = 4; at < 5_000; at += 6) each.forget(`c${at}`);
      for (let at = 2; at < 5_000; at += 100) each.overlay(`c${at}`, null);
      for (let at = 3; at < 5_000; at += 140) each.overlay(`c${at}`, null);
      each.upsert('nobody yet', readProfile({ e: 'red' }, each.layout));
    }
    expect(shown(population)).toBe(shown(one));
  });

  test('is sealed whole, and read under its key alone', async () => {
    await write(await crowd(100), { sealer: keyed(1) });
    expect((await readFile(file)).includes('town')).toBe(false);
    expect((await read({ sealer: keyed(1) })).population.size).toBe((await crowd(100)).size);
    await expect(read({ sealer: keyed(2) })).rejects.toEqual(refusedWith(/under a key that is not here/));
    await expect(read()).rejects.toEqual(refusedWith(/under a key that is not here/));
  });

  test.each([
    ['another shard', { partition: 4 }, /of shard 3/],
    ['another number of partitions', { partitions: 16 }, /8 partitions, and there are 16/],
    [
      'a topic that ends before it',
      { bounds: { ...bounds, ends: { profiles: 49, overlays: 7 } } },
      /end at 49/,
    ],
    [
      'overlays that end before it',
      { bounds: { ...bounds, ends: { profiles: 60, overlays: 6 } } },
      /end at 6/,
    ],
    [
      'a topic that begins after it',
      { bounds: { ...bounds, begins: { profiles: 51, overlays: 0 } } },
      /begin at 51/,
    ],
    ['seven days', { bounds: { ...bounds, nowMs: facts.takenAt + 7 * DAY + 1 } }, /older than seven days/],
    ['tomorrow', { bounds: { ...bounds, nowMs: facts.takenAt - DAY - 1 } }, /from tomorrow/],
  ])('is refused for %s', async (_, more, why) => {
    await write(await crowd(10));
    await expect(read(more)).rejects.toEqual(refusedWith(why));
    expect((await read()).population.size).toBeGreaterThan(0);
  });

  test('is refused where the catalogue says something else, not where it only names it otherwise', async () => {
    await write(await crowd(10));
    const changed = (change: (field: Record<string, unknown>) => unknown): Fields => {
      const [first, ...rest] = [...fields.values()];
      return new Map(
        [change({ ...first }), ...rest].map((field) => [(field as { name: string }).name, field]),
      ) as Fields;
    };
    const labels = { ko: '다른', en: 'other', vi: 'khác' };
    expect(catalogueHash(changed((field) => ({ ...field, labels, agencies: ['nts'] })))).toBe(
      catalogueHash(fields),
    );
    await expect(read({ fields: changed((field) => ({ ...field, name: 'x' })) })).rejects.toEqual(
      refusedWith(/another field catalogue/),
    );
    const one = { sensitivity: 'ordinary', agencies: ['*'], labels, name: 'i', type: 'integer', min: 0 };
    const [small, large] = [7, 8].map((max) => catalogueHash(readFields({ fields: [{ ...one, max }] })));
    expect(small).not.toBe(large);
  });
});

describe('a damaged snapshot', () => {
  test('is refused whichever byte is flipped, plain and sealed', async () => {
    const given = [Buffer.from('one section'), Buffer.alloc(0), Buffer.alloc(40, 7)];
    const readAll = async (sealer: Sealer | null): Promise<Buffer[]> => {
      const opened = await openSections(file, sealer);
      try {
        const sections = [await opened.next(), await opened.next(), await opened.next()];
        await opened.end();
        return sections;
      } finally {
        await opened.close();
      }
    };
    for (const sealer of [null, keyed(1)]) {
      await writeSections(file, { of: 'test' }, given, { sealer, signal, written: () => {} });
      expect(await readAll(sealer)).toEqual(given);
      const whole = await readFile(file);
      for (const at of whole.keys()) {
        const flipped = Buffer.from(whole);
        flipped[at]! ^= 1 << (at % 8);
        await writeFile(file, flipped);
        await expect(readAll(sealer)).rejects.toEqual(refusedWith(/./));
      }
    }
  });

  test('is refused whichever of its sections has a flipped bit', async () => {
    await write(await crowd(3));
    const whole = await readFile(file);
    const accepted: number[] = [];
    for (const border of bordersOf(whole)) {
      const flipped = Buffer.from(whole);
      flipped[border - 1]! ^= 1;
      await writeFile(file, flipped);
      await read().then(
        () => accepted.push(border),
        (error: unknown) => expect(error).toEqual(refusedWith(/damaged/)),
      );
    }
    expect(accepted).toEqual([]);
  });

  test('is refused wherever it ends, at the border of a section or within, and where something follows', async () => {
    await write(await crowd(50));
    const whole = await readFile(file);
    const borders = bordersOf(whole);
    expect(borders.length).toBeGreaterThan(30);
    expect(borders.at(-1)).toBe(whole.length);
    await writeFile(file, whole);
    // From behind: each cut is of what the one before left.
    for (const at of [0, 7, ...borders.flatMap((border) => [border - 1, border, border + 5])].toReversed()) {
      if (at >= whole.length) continue;
      await truncate(file, at);
      await expect(read()).rejects.toEqual(refusedWith(/ends too early/));
    }
    await writeFile(file, whole);
    await appendFile(file, '\0');
    await expect(read()).rejects.toEqual(refusedWith(/follows its end/));
  });

  test('is refused where sections are exchanged, and sealed ones where they are from another', async () => {
    await write(await crowd(50));
    const whole = await readFile(file);
    const [, first, second, third] = bordersOf(whole);
    await writeFile(
      file,
      Buffer.concat([
        whole.subarray(0, first),
        whole.subarray(second, third),
        whole.subarray(first, second),
        whole.subarray(third),
      ]),
    );
    await expect(read()).rejects.toEqual(refusedWith(/section 1 is damaged/));

    const sealer = keyed(1);
    await write(await crowd(50), { sealer });
    const mine = await readFile(file);
    const other = { ...facts, takenAt: facts.takenAt + 1 };
    await writeSnapshot(file, await crowd(50), other, { sealer, signal, written: () => {} });
    const theirs = await readFile(file);
    const [header = 0, end = 0] = bordersOf(mine);
    expect(bordersOf(theirs)[0]).toBe(header);
    await writeFile(
      file,
      Buffer.concat([mine.subarray(0, header), theirs.subarray(header, end), mine.subarray(end)]),
    );
    await expect(read({ sealer })).rejects.toEqual(refusedWith(/section 0 was changed/));
  });
});

/** Ends of the header and of each section. */
function bordersOf(bytes: Buffer): number[] {
  let at = 16 + bytes.readUInt32LE(12) + 4;
  const borders = [at];
  while (at < bytes.length) {
    at += 12 + bytes.readUInt32LE(at + 4);
    borders.push(at);
  }
  return borders;
}

describe('writing', () => {
  test.each(['snapshot:written', 'snapshot:synced'] as const)(
    'leaves the name to what it was when it ends at %s',
    async (mark) => {
      await write(await crowd(5));
      const before = await readFile(file);
      armMark(mark, 1, () => {
        throw new Error('here it ended');
      });
      await expect(write(await crowd(500))).rejects.toThrow('here it ended');
      expect((await readFile(file)).equals(before)).toBe(true);
      expect(await readdir(folder)).toEqual(['one']);
    },
  );

  test('that is told to end leaves nothing', async () => {
    const ending = new AbortController();
    ending.abort();
    await expect(write(await crowd(5), { signal: ending.signal })).rejects.toThrow();
    expect(await readdir(folder)).toEqual([]);
  });

  test('lets the event loop turn all the while, and says when the bytes are away', async () => {
    const population = await crowd(9_000);
    let turns = 0;
    let running = true;
    const count = (): void => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    let away = 0;
    await write(population, { written: () => void away++ });
    running = false;
    expect(away).toBe(1);
    expect(turns).toBeGreaterThan(20);
  });
});
