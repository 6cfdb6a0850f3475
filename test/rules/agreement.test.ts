/** Every reading of a condition against SQL on a real Postgres, over random rules, events and populations; `npm run agree` tries more. */
import { afterAll, beforeAll, test } from '@jest/globals';
import fc from 'fast-check';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { agreement, createOracle } from './agreement.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase({ max: 2, migrated: false });
  await createOracle(database.pool);
}, 60_000);
afterAll(() => database.drop());

test('every reading says of everybody what SQL says', async () => {
  await fc.assert(agreement(database.pool), { numRuns: 300 });
}, 120_000);
