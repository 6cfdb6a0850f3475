/** Imports that are cut off: what was taken stays, what was not is taken by whoever comes next, and nothing is taken twice. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { TOPICS } from '../../domain/records.ts';
import type { TakeEach } from '../../producers/each-event.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
/** What becomes of the next block of events. */
let onTake: (real: TakeEach, ...args: Parameters<TakeEach>) => ReturnType<TakeEach>;
let onAppend: (() => void) | undefined;

beforeAll(async () => {
  api = await createHttpApi({
    imports: false,
    takeEach:
      (real) =>
      (...args) =>
        onTake(real, ...args),
    broker: (real) => ({
      ...real,
      async append(topic, records) {
        const appended = await real.append(topic, records);
        if (topic === TOPICS.profiles) onAppend?.();
        return appended;
      },
    }),
  });
  onTake = (real, ...args) => real(...args);
});
afterAll(() => api.close());

const query = async <R>(text: string, values: unknown[] = []) =>
  (await api.database.pool.query<R>(text, values)).rows;
const jobOf = async (id: string) =>
  (
    await query<{ state: string; rows: number; accepted: number; bytes_done: number; run: number }>(
      'SELECT * FROM imports WHERE id = $1',
      [id],
    )
  )[0]!;

async function receive(kind: string, payload: string): Promise<string> {
  const response = await api.call({
    method: 'POST',
    url: `/api/v1/imports?kind=${kind}`,
    headers: { 'content-type': 'text/csv' },
    payload,
  });
  expect(response.statusCode).toBe(202);
  return (response.json() as { id: string }).id;
}

/** Some blocks of events without ids of their own. */
const EVENTS = 3_000;
const events = `type,source,subject,data.amount,data.dueOn\n${'kr.nts.property-tax.assessed,/nts/property-tax,c-1,1,2026-07-31\n'.repeat(EVENTS)}`;
const gone = () => Object.assign(new Error('Connection terminated'), { code: 'ECONNRESET' });
const taken = (id: string) =>
  query<{ n: number }>('SELECT count(*) AS n FROM events WHERE event_id LIKE $1', [`${id}-%`]);

describe('an import that is cut off', () => {
  test('after its rows were taken and before that was noted takes none of them twice', async () => {
    let calls = 0;
    onTake = async (real, ...args) => {
      const outcome = await real(...args);
      if (++calls === 2) throw gone();
      return outcome;
    };
    const id = await receive('events', events);
    const status = (await api.call({ method: 'GET', url: '/api/v1/status' })).json() as object;
    expect(status).toMatchObject({ idle: false, backlog: { imports: 1 } });
    expect(await query('SELECT count(*) > 0 AS kept FROM import_chunks WHERE import_id = $1', [id])).toEqual([
      { kept: true },
    ]);
    const process = api.another();
    await process.start();
    await eventually(async () => expect((await jobOf(id)).state).toBe('done'), { timeoutMs: 20_000 });
    await process.stop();
    expect(await jobOf(id)).toMatchObject({ rows: EVENTS, accepted: EVENTS, run: 2 });
    expect(await taken(id)).toEqual([{ n: EVENTS }]);
    // What is done needs its file no longer.
    expect(await query('SELECT 1 FROM import_chunks WHERE import_id = $1', [id])).toEqual([]);
  });

  test('with its process goes on in another, and what the first still does is not counted', async () => {
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let calls = 0;
    onTake = async (real, ...args) => {
      if (++calls === 2) {
        reached.resolve();
        await held.promise;
      }
      return real(...args);
    };
    const id = await receive('events', events.replaceAll('c-1', 'c-2'));
    const first = api.another();
    await first.start();
    await reached.promise;
    const before = await jobOf(id);
    expect(before.bytes_done).toBeGreaterThan(0);
    // As if it had died: the server lets go of what it held.
    await query(
      `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND d.datname = current_database()`,
    );
    const second = api.another();
    await second.start();
    await eventually(async () => expect((await jobOf(id)).state).toBe('done'), { timeoutMs: 20_000 });
    held.resolve();
    await first.stop();
    await second.stop();
    expect(await jobOf(id)).toMatchObject({ rows: EVENTS, accepted: EVENTS, run: 2, state: 'done' });
    expect(await taken(id)).toEqual([{ n: EVENTS }]);
  });

  test('between the log and the ledger writes the same citizens and the same records again', async () => {
    let calls = 0;
    onAppend = () => {
      if (++calls === 1) throw gone();
    };
    const id = await receive('citizens', 'citizen,sido,sms\nc-r1,11,+821000000041\nc-r2,26,+821000000042\n');
    const process = api.another();
    await process.start();
    await eventually(async () => expect((await jobOf(id)).state).toBe('done'), { timeoutMs: 20_000 });
    await process.stop();
    expect(await jobOf(id)).toMatchObject({ rows: 2, accepted: 2 });
    expect(
      await query(`SELECT citizen_id, revision FROM merged_profiles WHERE citizen_id LIKE 'c-r%' ORDER BY 1`),
    ).toEqual([
      { citizen_id: 'c-r1', revision: 1 },
      { citizen_id: 'c-r2', revision: 1 },
    ]);
    const records = (await api.records(TOPICS.profiles)).filter((record) => record.key === 'c-r1');
    expect(records.map((record) => JSON.parse(record.value!.toString()))).toEqual([
      { sido: '11' },
      { sido: '11' },
    ]);
  });

  test('by a stop goes on where it was', async () => {
    onTake = (real, ...args) => real(...args);
    const id = await receive('events', events.replaceAll('c-1', 'c-3'));
    const first = api.another();
    await first.start();
    await eventually(async () => expect((await jobOf(id)).bytes_done).toBeGreaterThan(0), { everyMs: 1 });
    await first.stop();
    const second = api.another();
    await second.start();
    await eventually(async () => expect((await jobOf(id)).state).toBe('done'), { timeoutMs: 20_000 });
    await second.stop();
    expect(await jobOf(id)).toMatchObject({ rows: EVENTS, accepted: EVENTS });
    expect(await taken(id)).toEqual([{ n: EVENTS }]);
  });
});
