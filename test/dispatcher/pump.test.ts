import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createPump } from '../../dispatcher/pump.ts';
import { createWindow } from '../../dispatcher/window.ts';
import { AllimError } from '../../domain/errors.ts';
import { randomId } from '../../domain/ids.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { Channel } from '../../domain/statuses.ts';
import type { BatchJob, QueueName } from '../../queue/queue.ts';
import { NO_LIMIT, pumpBatches, pumpLimited } from '../../store/pump.ts';
import { MemoryQueue } from '../support/installation.ts';
import { createDatabase } from '../support/postgres.ts';

const NOW = Date.parse('2026-07-10T12:00:00+09:00');
const MONTH = '2026-07-01';

let database: Awaited<ReturnType<typeof createDatabase>>;
beforeAll(async () => {
  database = await createDatabase({ max: 6 });
  await database.pool.query('SELECT ensure_month($1)', [MONTH]);
  for (const agency of ['big', 'small', 'third'])
    await database.pool.query(`INSERT INTO agencies (id, name) VALUES ($1, '{}')`, [agency]);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('TRUNCATE batches, deliveries, stops, channel_rates');
  await database.pool.query('UPDATE pumps SET let_out = 0');
});

/** Ready batches of so many deliveries each; `at` orders them. */
async function ready(agency: string, batches: number, size = 100, at = 0): Promise<void> {
  await database.pool.query(
    `INSERT INTO batches (id, month, agency_id, channel, lane, state, delivery_ids, open, created_at)
     SELECT gen_random_uuid(), $1, $2, 'sms', 'bulk', 'ready', '{}', $4, $5::timestamptz + make_interval(secs => n)
     FROM generate_series(1, $3) n`,
    [MONTH, agency, batches, size, new Date(NOW + at)],
  );
}

async function queuedBy(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ agency: string; n: number }>(
    `SELECT agency_id AS agency, sum(open)::int AS n FROM batches WHERE state = 'queued' GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ agency, n }) => [agency, n]));
}

const round = (more: Partial<Parameters<typeof pumpBatches>[1]> = {}) => ({
  channel: 'sms' as const,
  lane: 'bulk' as const,
  window: 2_000,
  limit: 250,
  credit: NO_LIMIT,
  weights: new Map<string, number>(),
  nowMs: NOW,
  ...more,
});

describe('the window', () => {
  test('holds no more than its size while one agency is alone', async () => {
    await ready('big', 50);
    const first = await pumpBatches(database.pool, round());
    expect(first).toMatchObject({ locked: true, rows: 2_000, more: true, open: 0 });
    expect(first.queued.every(({ ahead }) => !ahead)).toBe(true);
    expect(await pumpBatches(database.pool, round())).toMatchObject({ rows: 0, more: true, open: 2_000 });
  });

  test('has room for an agency that comes when another has filled it, and lets it go ahead', async () => {
    await ready('big', 50);
    await pumpBatches(database.pool, round());
    await ready('small', 2, 10, 60_000);
    const { queued } = await pumpBatches(database.pool, round());
    expect(queued.map(({ ahead }) => ahead)).toEqual([true, true]);
    expect(await queuedBy()).toEqual({ big: 2_000, small: 20 });
  });

  test('ends in equal shares where everybody has much', async () => {
    await ready('big', 50);
    await pumpBatches(database.pool, round());
    await ready('small', 50, 100, 60_000);
    await ready('third', 50, 100, 60_000);
    for (let turn = 0; turn < 4; turn++) await pumpBatches(database.pool, round());
    expect(await queuedBy()).toEqual({ big: 2_000, small: 700, third: 700 });
  });

  test('shares by weight', async () => {
    await ready('big', 50);
    await ready('small', 50);
    await pumpBatches(database.pool, round({ weights: new Map([['big', 3]]) }));
    expect(await queuedBy()).toEqual({ big: 1_500, small: 500 });
  });

  test('knows how many were worked off, whoever let them out', async () => {
    await ready('big', 50);
    await pumpBatches(database.pool, round());
    await database.pool.query(`UPDATE batches SET open = 40 WHERE state = 'queued'`);
    expect(await pumpBatches(database.pool, round({ limit: 1 }))).toMatchObject({
      open: 800,
      workedOff: 1_200,
    });
  });

  test('leaves alone what is stopped', async () => {
    await ready('big', 1);
    await ready('small', 1);
    await database.pool.query(
      `INSERT INTO stops (scope, reason, created_by) VALUES ('agency:big', 'why', 'administrator')`,
    );
    await pumpBatches(database.pool, round());
    expect(await queuedBy()).toEqual({ small: 100 });
  });
});

describe('a rate', () => {
  const limited = (nowMs: number, lane: 'bulk' | 'urgent' = 'bulk') =>
    pumpLimited(database.pool, round({ nowMs, lane }), {
      perSecond: 200,
      burstMs: lane === 'urgent' ? 1_000 : 500,
    });

  test('lets out no more than a second has, over dispatchers', async () => {
    await ready('big', 200, 20);
    const let_out: number[] = [];
    for (let at = 0; at < 10_000; at += 50) {
      const results = await Promise.all([limited(NOW + at), at % 500 === 0 ? limited(NOW + at) : null]);
      let_out.push(results.reduce((sum, one) => sum + (one?.rows ?? 0), 0));
      // Worked off at once.
      await database.pool.query(`UPDATE batches SET state = 'ended', open = 0 WHERE state = 'queued'`);
    }
    const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
    expect(sum(let_out)).toBeGreaterThanOrEqual(2_000);
    expect(sum(let_out)).toBeLessThanOrEqual(2_120);
    // A second's worth in any second, and at the beginning what may be saved up, to the next whole batch.
    for (let from = 0; from < 180; from++)
      expect(sum(let_out.slice(from, from + 20))).toBeLessThanOrEqual(320);
  });

  test('always leaves some of it to the urgent lane', async () => {
    await ready('big', 50, 20);
    while ((await limited(NOW)).rows > 0);
    await database.pool.query(`UPDATE batches SET lane = 'urgent' WHERE state = 'ready'`);
    expect((await limited(NOW, 'urgent')).rows).toBeGreaterThanOrEqual(80);
  });
});

describe('the size of the window', () => {
  test('is five seconds of what is worked off, within bounds', () => {
    const window = createWindow(null);
    expect(window.size()).toBe(1_000);
    for (let at = 0; at <= 2_000; at += 100) window.note(at, 500, at);
    expect(window.size()).toBe(5_000);
    for (let at = 2_100; at <= 4_000; at += 100) window.note(2_000 + (at - 2_000) * 10, 500, at);
    expect(window.size()).toBe(20_000);
  });

  test('does not forget the pace while there is nothing to do', () => {
    const window = createWindow(null);
    for (let at = 0; at <= 1_000; at += 100) window.note(at * 2, 500, at);
    window.note(2_000, 0, 60_000);
    window.note(2_000, 500, 120_000);
    expect(window.size()).toBe(10_000);
  });

  test('follows a limit', () => {
    const window = createWindow(100);
    for (let at = 0; at <= 1_000; at += 100) window.note(at * 10, 500, at);
    expect(window.size()).toBe(500);
  });
});

describe('the queue', () => {
  class Failing extends MemoryQueue {
    fails = false;
    filled = 0;
    override async add(queue: QueueName, jobs: readonly BatchJob[]): Promise<void> {
      if (this.fails) throw new AllimError('queue-unavailable', 'away');
      await super.add(queue, jobs);
    }
    override async fill(): Promise<number> {
      return this.filled;
    }
  }
  function pumpOf(queue: Failing, rates?: ReadonlyMap<Channel, number>) {
    const { pool } = database;
    const logger = silentLogger;
    return createPump({
      pool,
      queue,
      clock: { nowMs: () => NOW },
      logger,
      ...(rates === undefined ? {} : { rates }),
    });
  }
  /** Batches whose rows are there, so that they can be counted. */
  async function realBatch(): Promise<void> {
    const [batch, delivery] = [randomId(), randomId()];
    await database.pool.query(
      `WITH d AS (INSERT INTO deliveries (id, month, agency_id, contact_point_id, channel, lane, status, batch_id)
         VALUES ($1, $2, 'big', gen_random_uuid(), 'sms', 'bulk', 'planned', $3))
       INSERT INTO batches (id, month, agency_id, channel, lane, state, delivery_ids, open, created_at)
       VALUES ($3, $2, 'big', 'sms', 'bulk', 'ready', ARRAY[$1::uuid], 1, now())`,
      [delivery, MONTH, batch],
    );
  }

  test('that refuses batches gives them back at once, under another generation when it takes them', async () => {
    const queue = new Failing();
    const pump = pumpOf(queue);
    await realBatch();
    queue.fails = true;
    await expect(pump.round('sms', 'bulk')).rejects.toThrow('away');
    expect((await database.pool.query(`SELECT state, generation FROM batches`)).rows).toEqual([
      { state: 'ready', generation: 1 },
    ]);
    queue.fails = false;
    expect(await pump.round('sms', 'bulk')).toMatchObject({ added: 1 });
    expect(queue.take('sms-bulk')).toMatchObject([{ generation: 2 }]);
  });

  test('that is nearly full is given nothing until it drains', async () => {
    const queue = new Failing();
    const pump = pumpOf(queue);
    await realBatch();
    queue.filled = 0.61;
    expect(await pump.round('sms', 'bulk')).toEqual({ added: 0, more: false });
    queue.filled = 0.59;
    expect(await pump.round('sms', 'bulk')).toMatchObject({ added: 1 });
  });
});
