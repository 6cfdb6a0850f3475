/** What ships is published at every start, unless a shipped event type would refuse events that were valid. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seedCatalogue } from '../../app/seed.ts';
import { silentLogger } from '../../domain/logger.ts';
import { saveAgency } from '../../store/catalogue.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const TYPE = 'kr.nts.property-tax.paid';
const shipped = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', '..', 'producers', 'catalogue', `${TYPE}.json`), 'utf8'),
) as { schema: { properties: object } };
let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase();
  await saveAgency(database.pool, { id: 'nts', name: { ko: 'nts', en: 'nts' } });
});
afterAll(() => database.drop());

const before = (definition: object) =>
  database.pool.query(
    `INSERT INTO event_types (type, agency_id, definition) VALUES ($1, 'nts', $2)
     ON CONFLICT (type) DO UPDATE SET definition = excluded.definition`,
    [TYPE, JSON.stringify(definition)],
  );
const countTypes = async () =>
  (await database.pool.query<{ n: number }>('SELECT count(*) AS n FROM event_types')).rows[0]!.n;

test('a shipped type that is narrower than the one in use is refused by its file, and nothing is changed', async () => {
  await before({ ...shipped, schema: { type: 'object' } });
  await expect(seedCatalogue(database.pool, silentLogger)).rejects.toMatchObject({
    code: 'event-invalid',
    message: expect.stringMatching(/^kr\.nts\.property-tax\.paid\.json: .*\/schema/),
  });
  expect(await countTypes()).toBe(1);
});

test('one that has changed its effect is refused', async () => {
  await before({ ...shipped, effect: 'withdraws' });
  await expect(seedCatalogue(database.pool, silentLogger)).rejects.toMatchObject({
    faults: [{ pointer: '/effect' }],
  });
});

test('one that admits what was admitted, and the same again, are taken', async () => {
  await before({ ...shipped, title: { ko: '전', en: 'Before' } });
  await seedCatalogue(database.pool, silentLogger);
  const types = await countTypes();
  expect(types).toBeGreaterThan(5);
  await seedCatalogue(database.pool, silentLogger);
  expect(await countTypes()).toBe(types);
});
