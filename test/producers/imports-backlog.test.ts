/** A file of events waits while the log is behind: it is in no hurry, and stops with its process all the same. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventRows } from '../../producers/csv/events.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
beforeAll(async () => {
  api = await createHttpApi({ relay: false, imports: false });
});
afterAll(() => api.close());

test('events of a file wait while too many are not in the log, and let go when the process stops', async () => {
  const { pool } = api.database;
  await pool.query(
    `INSERT INTO events (id, agency_id, source, event_id, type, sequence, state, hash, body, received_at)
     SELECT gen_random_uuid(), 'nts', 's', n::text, 't', 0, 'received', '', '{}', now() FROM generate_series(1, 3) n`,
  );
  let taken = 0;
  const kind = eventRows({
    pool,
    catalogue: api.catalogue,
    sealer: api.sealer,
    maxUnrelayed: 2,
    takeEach: async (_, values) => {
      taken += values.length;
      return values.map(() => null);
    },
  });
  const stop = new AbortController();
  const caller = { id: 'administrator', agency: null, scopes: [], sources: [] };
  const job = { id: 'i' as never, agency: null, caller, options: {}, signal: stop.signal };
  const rows = [{ line: 2, cells: ['t', 's'] }];
  const write = await kind.open(['type', 'source'], job)(rows);
  const waiting = write(async () => undefined);
  stop.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(taken).toBe(0);
  await pool.query(`DELETE FROM events WHERE event_id = '1'`);
  await (await kind.open(['type', 'source'], { ...job, signal: new AbortController().signal })(rows))(
    async () => undefined,
  );
  expect(taken).toBe(1);
});
