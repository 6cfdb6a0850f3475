import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BatchId } from '../../domain/ids.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool, Statement } from '../../domain/sql.ts';
import type { BatchJob } from '../../queue/queue.ts';
import type { Claimed } from '../../store/turn.ts';
import { type Coalescer, createCoalescer } from '../../workers/coalescer.ts';
import { resultOf } from '../../workers/outcome.ts';
import type { Session } from '../../workers/session.ts';
import { eventually } from '../support/eventually.ts';
import { createLogCapture } from '../support/http.ts';
import { type Installation, install, taxEvent } from '../support/installation.ts';

let it: Installation;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(async () => {
  for (const session of sessions) await session.stop();
  await it.close();
});

/** A batch of its own for each: claimed, and called for all we know. */
async function claimed(coalescer: Coalescer, ids: readonly string[]): Promise<Claimed[]> {
  const rows: Claimed[] = [];
  for (const id of ids) {
    await it.citizen({ id, sms: `+8210000001${String(serial++).padStart(2, '0')}` });
    await it.publish(taxEvent({ id, subject: id, allimobligation: `property-tax/${id}` }));
    await it.settle();
    await it.pump();
    const [job] = it.memory.take('sms-urgent');
    rows.push(...(await coalescer.claim(claimOf(job!))));
  }
  return rows;
}
let serial = 10;

const claimOf = ({ batch, generation, month }: BatchJob) => ({
  batch: batch as BatchId,
  generation,
  month: month!,
  max: 10,
});

/** A session of the test's own: what one coalescer lost it looks for among all rows of its session. */
async function worker(): Promise<{ session: Session }> {
  const by = await it.worker();
  sessions.push(by.session);
  return by;
}
const sessions: Session[] = [];

const sentRow = (row: Claimed) =>
  resultOf(row, row.session, { kind: 'accepted', reference: null }, 'blind', it.clock.nowMs(), 0.5);

test('a result that the ledger refuses is given up alone: those beside it, and claims, are heard', async () => {
  const { session } = await worker();
  const log = createLogCapture();
  const coalescer = createCoalescer({ pool: it.pool, session, clock: it.clock, logger: log.logger });
  const rows = await claimed(coalescer, ['r1', 'r2', 'r3']);
  await it.citizen({ id: 'r4', sms: '+821000000199' });
  await it.publish(taxEvent({ id: 'r4', subject: 'r4', allimobligation: 'property-tax/r4' }));
  await it.settle();
  await it.pump();
  const [job] = it.memory.take('sms-urgent');
  const said = rows.map((row, index) => {
    const result = sentRow(row);
    // Text that Postgres does not take (22021).
    return coalescer.finish(row.batch, index === 1 ? { ...result, reference: 'a\0b' } : result);
  });
  const claim = coalescer.claim(claimOf(job!));
  const [first, second, third] = await Promise.allSettled(said);
  expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await claim).map((row) => row.verdict)).toEqual(['send']);
  expect([await it.told('r1'), await it.told('r2'), await it.told('r3')]).toEqual([
    ['opened sms sent'],
    ['opened sms sending'],
    ['opened sms sent'],
  ]);
  expect(log.lines.filter((line) => line.includes(rows[1]!.id))).toHaveLength(1);
});

test('a batch is counted after the turn that says its results, not beside it', async () => {
  const { session } = await worker();
  const held = Promise.withResolvers<void>();
  const saying = Promise.withResolvers<void>();
  const pool: SqlPool = {
    connect: () => it.pool.connect(),
    async query<R>(statement: Statement, values?: readonly unknown[]) {
      const results =
        typeof statement === 'object' && statement.name === 'turn' ? statement.values?.[2] : '{}';
      if (results !== '{}') {
        saying.resolve();
        await held.promise;
      }
      return it.pool.query<R>(statement, values);
    },
  };
  const coalescer = createCoalescer({ pool, session, clock: it.clock, logger: silentLogger });
  const [row] = await claimed(coalescer, ['n1']);
  const said = coalescer.finish(row!.batch, sentRow(row!));
  // A turn of its own.
  await saying.promise;
  const { rows: batches } = await it.pool.query<{ generation: number }>(
    'SELECT generation FROM batches WHERE id = $1',
    [row!.batch],
  );
  const ended = coalescer.end({
    batch: row!.batch,
    generation: batches[0]!.generation,
    month: row!.month,
    whole: true,
  });
  // Another batch's claim is not kept back.
  await expect(
    coalescer.claim({ batch: row!.batch, generation: 99, month: row!.month, max: 1 }),
  ).resolves.toEqual([]);
  held.resolve();
  await Promise.all([said, ended]);
  const { rows } = await it.pool.query('SELECT state, open FROM batches WHERE id = $1', [row!.batch]);
  expect(rows).toEqual([{ state: 'ended', open: 0 }]);
});

test('an end is counted row by row where a result did not fit its row, in its turn or before', async () => {
  const { session } = await worker();
  const coalescer = createCoalescer({ pool: it.pool, session, clock: it.clock, logger: silentLogger });
  const rows = await claimed(coalescer, ['w1', 'w2']);
  for (const [index, row] of rows.entries()) {
    const { batch, month } = row;
    const { rows: found } = await it.pool.query<{ generation: number }>(
      'SELECT generation FROM batches WHERE id = $1',
      [batch],
    );
    const said = coalescer.finish(batch, { ...sentRow(row), attempt: 9 });
    if (index === 1) await said;
    await coalescer.end({ batch, month, generation: found[0]!.generation, whole: true });
    const { rows: after } = await it.pool.query('SELECT state, open FROM batches WHERE id = $1', [batch]);
    expect(after).toEqual([{ state: 'queued', open: 1 }]);
  }
});

test('what is of another month waits for a turn of its own, and is heard', async () => {
  const { session } = await worker();
  const coalescer = createCoalescer({ pool: it.pool, session, clock: it.clock, logger: silentLogger });
  const [row] = await claimed(coalescer, ['o1']);
  const elsewhere = { batch: row!.batch, generation: 1, month: '2020-01-01', max: 10 };
  const answers = await Promise.all([
    coalescer.claim(elsewhere),
    coalescer.finish(row!.batch, sentRow(row!)),
    coalescer.claim({ ...elsewhere, month: row!.month }),
  ]);
  expect(answers).toEqual([[], undefined, []]);
  expect(await it.told('o1')).toEqual(['opened sms sent']);
});

test('a claim that the ledger refuses rejects alone', async () => {
  const { session } = await worker();
  const coalescer = createCoalescer({ pool: it.pool, session, clock: it.clock, logger: silentLogger });
  const [row] = await claimed(coalescer, ['k1']);
  const bad = coalescer.claim({ batch: 'no id' as BatchId, generation: 1, month: row!.month, max: 10 });
  const empty = coalescer.claim({ batch: row!.batch, generation: 1, month: row!.month, max: 10 });
  await expect(coalescer.finish(row!.batch, sentRow(row!))).resolves.toBeUndefined();
  await expect(bad).rejects.toThrow('uuid');
  await expect(empty).resolves.toEqual([]);
});

test('a result that is refused for a reason of the ledger’s own is said until it is heard', async () => {
  const { session } = await worker();
  let readOnly = 3;
  const pool: SqlPool = {
    connect: () => it.pool.connect(),
    async query<R>(statement: Statement, values?: readonly unknown[]) {
      if (typeof statement === 'object' && statement.name === 'turn' && statement.values?.[2] !== undefined)
        if (statement.values[2] !== '{}' && readOnly-- > 0)
          throw Object.assign(new Error('cannot execute UPDATE in a read-only transaction'), {
            code: '25006',
          });
      return it.pool.query<R>(statement, values);
    },
  };
  const coalescer = createCoalescer({ pool, session, clock: it.clock, logger: silentLogger });
  const [row] = await claimed(coalescer, ['s1']);
  await coalescer.finish(row!.batch, sentRow(row!));
  expect(await it.told('s1')).toEqual(['opened sms sent']);
  expect(readOnly).toBeLessThan(0);
});

test('a claim whose answer is lost is given back in time, though nothing else is to be said', async () => {
  await it.citizen({ id: 'c', sms: '+821000000001' });
  await it.publish(taxEvent({ id: 'e', subject: 'c', allimobligation: 'property-tax/1' }));
  await it.settle();
  await it.pump();
  const [job] = it.memory.take('sms-urgent');
  let losing = true;
  let looks = 0;
  const pool: SqlPool = {
    connect: () => it.pool.connect(),
    async query<R>(statement: Statement, values?: readonly unknown[]) {
      // The database is still away when the lost claim is looked for the first time.
      if (!losing && typeof statement === 'string' && looks++ === 0) throw new Error('Connection terminated');
      const answer = await it.pool.query<R>(statement, values);
      if (losing && typeof statement === 'object' && statement.name === 'turn') {
        losing = false;
        throw new Error('Connection terminated unexpectedly');
      }
      return answer;
    },
  };
  const { session } = it.hand;
  const coalescer = createCoalescer({ pool, session, clock: it.clock, logger: silentLogger });
  const claim = claimOf(job!);
  await expect(coalescer.claim(claim)).rejects.toThrow('terminated');
  await eventually(async () => (await it.told('c'))[0] === 'opened sms planned');
  const rows = await coalescer.claim(claim);
  expect(rows.map((row) => row.attempt)).toEqual([1]);
});

test('a few results wait for those of the same calls, and begin a turn all the same', async () => {
  const { session } = await worker();
  const turns: number[] = [];
  const pool: SqlPool = {
    connect: () => it.pool.connect(),
    query<R>(statement: Statement, values?: readonly unknown[]) {
      if (typeof statement === 'object' && statement.name === 'turn')
        turns.push(String(statement.values?.[2]).split(',').length);
      return it.pool.query<R>(statement, values);
    },
  };
  const coalescer = createCoalescer({ pool, session, clock: it.clock, logger: silentLogger, gatherMs: 500 });
  const rows = await claimed(coalescer, ['few1', 'few2', 'few3']);
  turns.length = 0;
  // Answers of one batch's calls, each in a turn of the event loop of its own.
  const said: Promise<void>[] = [];
  for (const row of rows) {
    said.push(coalescer.finish(row.batch, sentRow(row)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(said);
  expect(turns).toEqual([3]);
});
