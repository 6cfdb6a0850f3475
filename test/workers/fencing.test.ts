/** A worker that was stopped for longer than its session, from the side of what it still has to say; and clocks that step. */
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { BatchId } from '../../domain/ids.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool, Statement } from '../../domain/sql.ts';
import { createCoalescer } from '../../workers/coalescer.ts';
import { resultOf } from '../../workers/outcome.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
let who: string;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  who = `c-${n}`;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
});

async function planned() {
  await it.citizen({ id: who, sms: `+8210${String(n).padStart(8, '0')}` });
  await it.publish(taxEvent({ id: `e-${n}`, subject: who, allimobligation: `property-tax/${n}` }));
  await it.settle();
  await it.pump();
  const [job] = it.memory.take('sms-urgent');
  return { batch: job!.batch as BatchId, generation: job!.generation, month: job!.month!, max: 10 };
}

/** For the database its heart has not been heard of for a minute. */
async function declareDead(session: string): Promise<void> {
  await it.pool.query(
    `UPDATE worker_sessions SET heartbeat_at = clock_timestamp() - interval '60 s' WHERE id = $1`,
    [session],
  );
  expect(await it.endSessions()).toBe(1);
}

test.each([
  ['before it was committed', false],
  ['after it was committed, and only its answer was lost', true],
])(
  'results that are said again when their session is dead count once: the statement broke %s',
  async (_when, committed) => {
    const frozen = await it.worker();
    let broken = true;
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const { promise: dead, resolve: sweep } = Promise.withResolvers<void>();
    const pool: SqlPool = {
      connect: () => it.pool.connect(),
      async query<R>(statement: Statement, values?: readonly unknown[]) {
        const says =
          typeof statement === 'object' && statement.name === 'turn' && statement.values?.[2] !== '{}';
        if (!says || !broken) return await it.pool.query<R>(statement, values);
        broken = false;
        if (committed) await it.pool.query<R>(statement, values);
        reach();
        // The process is stopped here, and its session ends meanwhile.
        await dead;
        throw new Error('Connection terminated unexpectedly');
      },
    };
    const coalescer = createCoalescer({
      pool,
      session: frozen.session,
      clock: it.clock,
      logger: silentLogger,
    });
    const job = await planned();
    const [row] = await coalescer.claim(job);
    const outcome = { kind: 'accepted', reference: 'its own' } as const;
    const said = coalescer.finish(
      row!.batch,
      resultOf(row!, row!.session, outcome, 'blind', it.clock.nowMs(), 0.5),
    );
    await reached;
    if (committed) {
      await it.pool.query(
        `UPDATE worker_sessions SET heartbeat_at = clock_timestamp() - interval '60 s' WHERE id = $1`,
        [row!.session],
      );
      expect(await it.endSessions()).toBe(0);
    } else await declareDead(row!.session);
    it.providers.sms.answer = () => ({ kind: 'accepted', reference: 'second' });
    it.at(60_000);
    await it.idle();
    sweep();
    await said;
    const rows = await it.rows(
      `SELECT d.status::text, d.attempt, d.unclear, d.reference,
       (SELECT string_agg(a.number || ' ' || a.outcome || CASE WHEN a.late THEN ' late' ELSE '' END, ', ' ORDER BY a.late)
        FROM attempts a WHERE a.delivery_id = d.id) AS attempts
     FROM deliveries d JOIN notifications x ON x.id = d.notification_id WHERE x.recipient_id = $1`,
      [who],
    );
    expect(rows).toEqual([
      committed
        ? { status: 'sent', attempt: 1, unclear: 0, reference: 'its own', attempts: null }
        : {
            status: 'sent',
            attempt: 2,
            unclear: 1,
            reference: 'second',
            attempts: '1 ambiguous, 1 sent late',
          },
    ]);
    expect(it.sent()).toHaveLength(committed ? 0 : 1);
    await frozen.session.stop();
  },
);

test.each([3_600_000, -3_600_000])(
  'a wall clock that steps by %i ms neither ends a session nor prolongs one',
  async (step) => {
    const { session } = await it.worker();
    const id = session.id();
    const wall = Date.now();
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => wall + step);
    try {
      expect(session.mayCall(id)).toBe(true);
      const beats = async () =>
        (
          await it.rows<{ at: string }>(
            'SELECT heartbeat_at::text AS at FROM worker_sessions WHERE id = $1',
            [id],
          )
        )[0]!.at;
      const before = await beats();
      await eventually(async () => (await beats()) !== before);
      expect(session.id()).toBe(id);
      expect(session.mayCall(id)).toBe(true);
      // Four seconds by the clock that does not step, and it is over.
      const monotonic = performance.now();
      const later = jest.spyOn(performance, 'now').mockReturnValue(monotonic + 5_001);
      expect(session.mayCall(id)).toBe(false);
      later.mockRestore();
    } finally {
      clock.mockRestore();
      await session.stop();
    }
  },
);
