/** Who sends more than is got done waits, and nobody else: bounds on what waits for the database and for the log. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../domain/clock.ts';
import { recordOfEvent } from '../../domain/cloud-events.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { createBacklog } from '../../producers/backlog.ts';
import type { CheckedEvent } from '../../producers/event-check.ts';
import { createEventWriter } from '../../producers/event-writer.ts';
import { eventRow } from '../../store/events.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';
import { taxEvent } from '../support/installation.ts';

describe('what waits for the database', () => {
  let number = 0;
  function createEvents(count: number, bytes = 200): CheckedEvent[] {
    return Array.from({ length: count }, () => {
      const event = taxEvent({ id: `w-${++number}` });
      return { ...eventRow(event, 'nts'), record: recordOfEvent(event), bytes };
    });
  }
  /** A database whose statements end when the test says so. */
  function slowWriter() {
    const statements: { readonly ids: readonly string[]; end(error?: Error): void }[] = [];
    const pool = {
      query: (statement: { readonly values: readonly string[] }) =>
        new Promise((resolve, reject) => {
          const ids = statement.values[0]!.split('\u001f');
          statements.push({
            ids,
            end: (error) =>
              error ? reject(error) : resolve({ rows: ids.map((id) => ({ id })), rowCount: ids.length }),
          });
        }),
    } as unknown as SqlPool;
    const offered: unknown[] = [];
    const writer = createEventWriter({
      pool,
      clock: systemClock,
      relay: { offer: (items) => offered.push(...items) },
    });
    return { statements, writer, offered };
  }

  test('a flood is told to come back at its share of the bound, while others are let in', async () => {
    const { statements, writer } = slowWriter();
    const flood = Array.from({ length: 120 }, () => writer.write('nts', createEvents(100)));
    await eventually(() => statements.length === 2);
    expect(() => writer.admit('nts')).toThrow(expect.objectContaining({ code: 'too-many-requests' }));
    expect(() => writer.admit('nhis')).not.toThrow();
    const quiet = writer.write('nhis', createEvents(1));
    const mark = number;
    // The next statement has it, however much of the flood waits.
    statements[0]!.end();
    await eventually(() => statements.length === 3);
    expect(statements[2]!.ids.length).toBeGreaterThan(500);
    for (let at = 1; at < 3; at++) statements[at]!.end();
    expect([...(await quiet).values()]).toEqual(['fresh']);
    expect(mark).toBe(12_001);
    for (let at = 3; at < statements.length || at < 13; at++) {
      await eventually(() => statements.length > at);
      statements[at]!.end();
    }
    await Promise.all(flood);
    expect(() => writer.admit('nts')).not.toThrow();
  });

  test('large events make small statements', async () => {
    const { statements, writer } = slowWriter();
    const all = Array.from({ length: 6 }, () => writer.write('nts', createEvents(10, 262_144)));
    for (let at = 0; at < 6; at++) {
      await eventually(() => statements.length > at);
      statements[at]!.end();
    }
    await Promise.all(all);
    expect(statements.map(({ ids }) => ids.length)).toEqual([10, 10, 10, 10, 10, 10]);
  });

  test('what the database refuses of one caller costs the others of its statement nothing', async () => {
    const { statements, writer, offered } = slowWriter();
    const [bad, good] = [createEvents(1), createEvents(2)];
    const written = Promise.allSettled([writer.write('nts', bad), writer.write('nhis', good)]);
    await eventually(() => statements.length === 1);
    expect(statements[0]!.ids).toHaveLength(3);
    statements[0]!.end(Object.assign(new Error('refused'), { code: '22P05' }));
    await eventually(() => statements.length === 2);
    statements[1]!.end(Object.assign(new Error('refused'), { code: '22P05' }));
    await eventually(() => statements.length === 3);
    statements[2]!.end();
    const [first, second] = await written;
    expect(first).toMatchObject({ status: 'rejected', reason: { message: 'refused' } });
    expect(second.status === 'fulfilled' && [...second.value.values()]).toEqual(['fresh', 'fresh']);
    expect(offered).toHaveLength(2);
  });
});

describe('what waits for the log', () => {
  let api: HttpApi;
  beforeAll(async () => {
    api = await createHttpApi({ relay: false, backlogMax: 10 });
  });
  afterAll(() => api.close());

  const post = (id: string, key: string, agency: 'nts' | 'nhis' = 'nts') =>
    api.call({
      method: 'POST',
      url: '/api/v1/events',
      key,
      headers: { 'content-type': 'application/cloudevents+json' },
      payload: JSON.stringify(
        agency === 'nts'
          ? taxEvent({ id, subject: 'c-1' })
          : {
              specversion: '1.0',
              id,
              source: '/nhis/checkup',
              type: 'kr.nhis.checkup.completed',
              subject: 'c-1',
              allimobligation: `checkup/${id}`,
              data: { year: 2026, completedOn: '2026-03-02' },
            },
      ),
    });

  test('an agency that fills the backlog gets 429 with Retry-After; another is let in; both when the log has caught up', async () => {
    const nts = await api.issueKey('nts', ['events'], ['/nts/property-tax']);
    const nhis = await api.issueKey('nhis', ['events'], ['/nhis/checkup']);
    for (let n = 0; n < 10; n++) expect((await post(`b-${n}`, nts)).statusCode).toBe(202);
    await eventually(
      async () => {
        const response = await post('one-more', nts);
        expect(response.statusCode).toBe(429);
        expect(response.headers['retry-after']).toBe('2');
        expect(response.json()).toMatchObject({ code: 'too-many-requests' });
      },
      { everyMs: 100 },
    );
    const other = await post('other', nhis, 'nhis');
    expect([other.statusCode, other.json()]).toEqual([202, expect.anything()]);
    await api.relay.drain();
    await eventually(async () => expect((await post('after', nts)).statusCode).toBe(202), { everyMs: 100 });
  });

  test('a database that does not answer the question does not close the door', async () => {
    const pool = { query: () => Promise.reject(new Error('away')) } as unknown as SqlPool;
    const backlog = createBacklog({ pool, logger: silentLogger, max: 1 });
    expect(() => backlog.admit('nts')).not.toThrow();
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(() => backlog.admit('nts')).not.toThrow();
  });
});
