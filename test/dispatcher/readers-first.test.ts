/** Who waits for a page goes before a fan-out: what is told, what counts, and for how long the fan-out rests. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createReadersFirst } from '../../dispatcher/readers-first.ts';
import { readerWait, sweepReaderWaits, tellReaderWait } from '../../store/reader-waits.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 4 });
});
afterAll(() => database.drop());
beforeEach(() => database.pool.query('DELETE FROM reader_waits'));

/** Work that takes some time, and what was rested before each. */
function startFanout() {
  const rests: number[] = [];
  const inTurn = createReadersFirst({ pool: database.pool }, async (ms) => rests.push(ms));
  const step = () => inTurn(() => database.pool.query('SELECT pg_sleep(0.02)'));
  return { rests, step };
}

test('a fan-out rests for nobody', async () => {
  const { rests, step } = startFanout();
  for (let n = 0; n < 3; n++) await step();
  expect(rests).toEqual([]);
});

test('a fan-out rests the longer the longer people wait, and at most three times as long as it worked', async () => {
  const { rests, step } = startFanout();
  await step();
  for (const wait of [25, 50, 5_000]) {
    await tellReaderWait(database.pool, randomUUID(), wait);
    await step();
  }
  const [even, double, most] = rests as [number, number, number];
  expect(even).toBeGreaterThanOrEqual(20);
  expect(double).toBeGreaterThanOrEqual(40);
  expect(most).toBeGreaterThanOrEqual(60);
  expect(most).toBeLessThanOrEqual(2_000);
});

test('while people wait one step of it runs at a time, and otherwise several', async () => {
  const inTurn = createReadersFirst({ pool: database.pool }, async () => null);
  let running = 0;
  let most = 0;
  const step = () =>
    inTurn(async () => {
      running++;
      most = Math.max(most, running);
      await database.pool.query('SELECT pg_sleep(0.02)');
      running--;
    });
  await Promise.all([step(), step()]);
  expect(most).toBe(2);
  most = 0;
  await tellReaderWait(database.pool, randomUUID(), 60);
  await Promise.all([step(), step(), step()]);
  expect(most).toBe(1);
  // One that fails holds nobody up.
  await expect(inTurn(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await step();
});

test('what was told counts for a second, the longest of all processes', async () => {
  const process = randomUUID();
  await tellReaderWait(database.pool, process, 70);
  await tellReaderWait(database.pool, randomUUID(), 40);
  expect(await readerWait(database.pool)).toBe(70);
  await tellReaderWait(database.pool, process, 30);
  expect(await readerWait(database.pool)).toBe(40);
  await database.pool.query(`UPDATE reader_waits SET at = now() - interval '2 seconds'`);
  expect(await readerWait(database.pool)).toBe(0);
  await database.pool.query(`UPDATE reader_waits SET at = now() - interval '2 days'`);
  await sweepReaderWaits(database.pool);
  expect((await database.pool.query('SELECT 1 FROM reader_waits')).rows).toEqual([]);
});
