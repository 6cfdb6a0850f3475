/** From a batch to a result: what the claim judges again, how a failure goes on, what a dead session leaves, what a lost queue loses. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { BatchId } from '../../domain/ids.ts';
import { silentLogger } from '../../domain/logger.ts';
import { createBullmqQueue, postgresQueuePool, QUEUE_NAMES } from '../../queue/bullmq.ts';
import type { BatchJob, Queue, QueueName, QueueWorker } from '../../queue/queue.ts';
import { savePreferences } from '../../store/citizens.ts';
import { createPool } from '../../store/postgres.ts';
import { releaseUnheard } from '../../store/sessions.ts';
import { removeStop, saveStop } from '../../store/stops.ts';
import { takeTurn } from '../../store/turn.ts';
import { createWorker } from '../../workers/worker.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, START, taxEvent, windowEvent } from '../support/installation.ts';
import { createDatabase } from '../support/postgres.ts';
import { describeWith, redisUrl } from '../support/services.ts';

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

const tax = (more: object = {}) =>
  taxEvent({ id: `e-${n}`, subject: who, allimobligation: `property-tax/${n}`, ...more });

/** A citizen with a text message planned, and in the queue. */
async function planned(more: object = {}, event: object = {}): Promise<void> {
  await it.citizen({ id: who, sms: `+8210${String(n).padStart(8, '0')}`, ...more });
  await it.publish(tax(event));
  await it.settle();
  await it.pump();
}

async function optOut(channel: string | null): Promise<void> {
  await it.pool.query(
    `INSERT INTO opt_outs (id, citizen_id, channel, source) VALUES (gen_random_uuid(), $1, $2, 'test')`,
    [who, channel],
  );
}

test('a row that is locked when its batch is claimed is sent soon after, without the reconciler', async () => {
  await planned();
  const asked = jest.spyOn(it.pool, 'query');
  const looks = () =>
    asked.mock.calls.filter(([statement]) => (statement as { name?: string }).name === 'count-planned')
      .length;
  const holder = await it.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM deliveries WHERE status = $1 FOR UPDATE', ['planned']);
    const delivered = it.deliver();
    // The claim passed over it, and it is looked for.
    await eventually(() => looks() > 0, { everyMs: 1 });
    await holder.query('COMMIT');
    await delivered;
  } finally {
    asked.mockRestore();
    holder.release();
  }
  expect(await it.told(who)).toEqual(['opened sms sent']);
});

test('a row that stays locked does not keep its job: it is left to the reconciler', async () => {
  await planned();
  const holder = await it.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM deliveries WHERE status = $1 FOR UPDATE', ['planned']);
    await it.deliver();
  } finally {
    await holder.query('COMMIT');
    holder.release();
  }
  expect(await it.told(who)).toEqual(['opened sms planned']);
  it.at(10_001);
  await it.first.reconcile();
  await it.idle();
  expect(await it.told(who)).toEqual(['opened sms sent']);
});

describe('the claim judges again', () => {
  test('what has expired', async () => {
    await planned({}, { expirytime: '2026-07-10T13:00:00+09:00' });
    it.at('2026-07-10T13:00:00+09:00');
    await it.deliver();
    expect(await it.told(who)).toEqual(['opened sms expired']);
    expect(it.sent()).toEqual([]);
  });

  test('who has died', async () => {
    await planned();
    await it.pool.query('UPDATE citizens SET dead_at = now() WHERE id = $1', [who]);
    await it.deliver();
    expect(await it.told(who)).toEqual(['opened sms suppressed/dead']);
  });

  test('who has opted out of what may be switched off', async () => {
    await it.citizen({ id: who, sms: '+821099990001', profile: { sigungu: '99001' } });
    await it.publish(
      windowEvent({ id: `w-${n}`, allimobligation: `checkup/${n}`, data: { area: '99001' } as never }),
    );
    await it.settle();
    await it.pump();
    await optOut(null);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms suppressed/opted-out']);
  });

  test('a channel that was withdrawn: a statutory notice moves to the next one', async () => {
    await it.citizen({ id: who, sms: '+821099990002', email: 'x@example.kr' });
    await it.publish(tax());
    await it.settle();
    await it.pump();
    await optOut('email');
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent', 'opened email suppressed/channel-off']);
  });

  test('an address that is no longer good: the next one is used', async () => {
    await it.citizen({ id: who, sms: '+821099990003', email: 'y@example.kr' });
    await it.publish(tax());
    await it.settle();
    await it.pump();
    await it.pool.query(
      `UPDATE contact_points SET invalid_at = now() WHERE citizen_id = $1 AND channel = 'email'`,
      [who],
    );
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent', 'opened email suppressed/address-gone']);
  });

  test.each([
    ['Asia/Seoul', '2026-07-11T08:00:00+09:00'],
    ['Europe/Berlin', '2026-07-11T08:00:00+02:00'],
  ])("a citizen's own quiet hours in %s hold until they end", async (zone, end) => {
    const at = Date.parse(end);
    it.at(at - 3_600_000 - it.clock.nowMs());
    await planned({ zone });
    await savePreferences(it.pool, who, { quietHours: { from: '21:00', to: '08:00' } }, 0);
    await it.deliver();
    expect(await it.told(who)).toEqual(['opened sms waiting/quiet-hours']);
    it.at(3_600_000 - 1);
    await it.idle();
    expect(it.sent()).toEqual([]);
    it.at(1);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });

  test.each(['all', 'agency:nts', 'channel:sms', 'campaign'])(
    'a stop of %s holds, and its release lets go',
    async (given) => {
      await planned();
      const [row] = await it.rows<{ id: string }>(
        `SELECT id FROM campaigns WHERE rule_id = 'nts-property-tax' AND day = '2026-07-10'`,
      );
      const scope = given === 'campaign' ? `campaign:${row!.id}` : given;
      await saveStop(it.pool, { scope, agency: null, reason: 'test', createdBy: 'test' });
      await it.idle();
      const batches = await it.rows('SELECT id FROM batches');
      for (let round = 0; round < 3; round++) {
        it.at(6_000);
        await it.idle();
      }
      expect(await it.told(who)).toEqual(['opened sms waiting/stopped']);
      // Held rows are left alone: put back again and again they would leave a batch each time.
      expect(await it.rows('SELECT id FROM batches')).toHaveLength(batches.length);
      await removeStop(it.pool, scope, null);
      await it.idle();
      expect(await it.told(who)).toEqual(['opened sms sent']);
    },
  );
});

describe('a failure', () => {
  test('for good marks the address and moves to the next channel', async () => {
    await it.citizen({ id: who, sms: '+821099990004', email: 'gone@example.kr' });
    it.providers.email.answer = () => ({ kind: 'permanent', code: 'no-such-user' });
    await it.publish(tax());
    await it.idle();
    expect(await it.told(who)).toEqual(['opened email failed-permanent/no-such-user', 'opened sms sent']);
    expect(
      await it.rows(
        'SELECT channel, invalid_code FROM contact_points WHERE citizen_id = $1 AND invalid_at IS NOT NULL',
        [who],
      ),
    ).toEqual([{ channel: 'email', invalid_code: 'no-such-user' }]);
  });

  test('that passes is tried again with jitter, and ends when the notice expires', async () => {
    it.providers.sms.answer = () => ({ kind: 'temporary', code: 'busy' });
    await planned({}, { expirytime: '2026-07-10T12:00:20+09:00' });
    await it.idle();
    // In the middle of 5 and 10 s, then of 5 s and what is left of the 20, then of 5 and the rest of that.
    const due = async () =>
      (await it.rows<{ due_at: Date }>('SELECT due_at FROM waiting')).map((r) => r.due_at.getTime() - START);
    expect(await due()).toEqual([7_500]);
    it.at(7_500);
    await it.idle();
    expect(await due()).toEqual([7_500 + 8_750]);
    it.at(8_750);
    await it.idle();
    // Less than 5 s are left: there is no other time.
    expect(await it.told(who)).toEqual(['opened sms failed-temporary/busy']);
    expect(it.sent().map((sent) => sent.attempt)).toEqual([1, 2, 3]);
  });

  test('whose code holds a NUL is recorded like any other', async () => {
    it.providers.sms.answer = () => ({ kind: 'permanent', code: 'bad\0code' });
    await planned();
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms failed-permanent/bad code']);
  });

  test('of which nobody knows how it ended is made once more and flagged, the second time it stays ambiguous', async () => {
    it.providers.sms.answer = () => ({ kind: 'unknown', code: 'no-answer' });
    await planned();
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms waiting/no-answer']);
    it.at(15 * 60_000);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms ambiguous/no-answer']);
    expect(
      await it.rows(
        `SELECT a.number, a.outcome, d.unclear FROM attempts a JOIN deliveries d ON d.id = a.delivery_id
         JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1 ORDER BY 1`,
        [who],
      ),
    ).toEqual([
      { number: 1, outcome: 'ambiguous', unclear: 2 },
      { number: 2, outcome: 'ambiguous', unclear: 2 },
    ]);
    it.at(3_600_000);
    await it.idle();
    expect(it.sent()).toHaveLength(2);
  });
});

describe('a worker that is stopped during a call', () => {
  test('makes no new call under its dead session; the call may double and is flagged, its late result is evidence', async () => {
    const frozen = await it.worker();
    const { promise: held, resolve: answerNow } = Promise.withResolvers<void>();
    const { promise: called, resolve: calling } = Promise.withResolvers<void>();
    it.providers.sms.answer = async () => {
      calling();
      await held;
      return { kind: 'accepted', reference: 'late' };
    };
    await planned();
    const working = it.deliver(frozen);
    await called;
    const owner = frozen.session.id();
    // What a SIGSTOP does to it: for the database its heart has not been heard of for long.
    await it.pool.query(
      `UPDATE worker_sessions SET heartbeat_at = clock_timestamp() - interval '60 s' WHERE id = $1`,
      [owner],
    );
    expect(await it.endSessions()).toBe(1);
    expect(await it.told(who)).toEqual(['opened sms waiting/session-lost']);
    it.providers.sms.answer = () => ({ kind: 'accepted', reference: 'second' });
    it.at(15 * 60_000);
    await it.idle();
    answerNow();
    await working;
    expect(it.sent()).toHaveLength(2);
    expect(
      await it.rows(
        `SELECT d.status::text, d.unclear, d.attempt, d.reference FROM deliveries d JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1`,
        [who],
      ),
    ).toEqual([{ status: 'sent', unclear: 1, attempt: 2, reference: 'second' }]);
    expect(
      await it.rows(
        `SELECT a.number, a.outcome, a.late FROM attempts a JOIN deliveries d ON d.id = a.delivery_id
         JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1 ORDER BY a.late`,
        [who],
      ),
    ).toEqual([
      { number: 1, outcome: 'ambiguous', late: false },
      { number: 1, outcome: 'sent', late: true },
    ]);
    // Nothing more is claimed under a session that was ended, whatever the worker still believes.
    n++;
    who = `c-${n}`;
    await planned();
    const [job] = await it.rows<{ batch: BatchId; generation: number; month: string }>(
      `SELECT b.id AS batch, b.generation, b.month FROM batches b JOIN deliveries d ON d.batch_id = b.id AND d.month = b.month
       JOIN notifications x ON x.id = d.notification_id WHERE x.recipient_id = $1 AND b.state = 'queued'`,
      [who],
    );
    const turn = await takeTurn(it.pool, owner, [], [{ ...job!, max: 10 }], [], it.clock.nowMs());
    expect(turn.claimed).toEqual([]);
    await frozen.session.stop();
    await it.idle();
  });

  test('lost the answer to its claim: the rows are given back without a call', async () => {
    await planned();
    const { session } = it.hand;
    const jobs = it.memory.take('sms-urgent').concat(it.memory.take('sms-bulk'));
    const claims = jobs.map((job) => ({ ...job, batch: job.batch as BatchId, month: job.month!, max: 10 }));
    await takeTurn(it.pool, session.id(), [], claims, [], it.clock.nowMs());
    expect(await it.told(who)).toEqual(['opened sms sending']);
    expect(await releaseUnheard(it.pool, session.id(), [])).toBe(1);
    for (const job of jobs) await it.hand.deliver('sms', job);
    expect(it.sent().map((sent) => sent.attempt)).toEqual([1]);
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });

  test('gives them back also where the batch was made ready again, its job being gone', async () => {
    await planned();
    const { session } = it.hand;
    const jobs = it.memory.take('sms-urgent').concat(it.memory.take('sms-bulk'));
    const claims = jobs.map((job) => ({ ...job, batch: job.batch as BatchId, month: job.month!, max: 10 }));
    await takeTurn(it.pool, session.id(), [], claims, [], it.clock.nowMs());
    await it.pool.query(`UPDATE batches SET state = 'ready' WHERE id = ANY($1::uuid[])`, [
      jobs.map((job) => job.batch),
    ]);
    expect(await releaseUnheard(it.pool, session.id(), [])).toBe(1);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(it.sent()).toHaveLength(1);
  });
});

describe('a queue that was wiped', () => {
  test('is filled again after ten seconds, under a new generation, and an old job that turns up does nothing', async () => {
    await planned();
    const old = it.memory.jobs.get('sms-urgent')!.slice();
    it.memory.wipe();
    it.at(10_000);
    await it.first.reconcile();
    await it.pump();
    expect(it.memory.jobs.get('sms-urgent') ?? []).toEqual([]);
    it.at(1);
    await it.first.reconcile();
    await it.pump();
    expect(it.memory.jobs.get('sms-urgent')).toEqual([{ ...old[0]!, generation: old[0]!.generation + 1 }]);
    for (const job of old) await it.hand.deliver('sms', job);
    expect(it.sent()).toEqual([]);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });
});

/** The same on BullMQ: jobs are obliterated in the store, and real workers deliver what is queued again. */
async function survivesObliteration(
  make: () => Promise<{ queue: Queue; obliterate(): Promise<void>; stop(): Promise<void> }>,
) {
  const made = await make();
  await made.queue.start();
  const other = await install({ partitions: 1, queue: made.queue });
  const worker = createWorker({
    pool: other.pool,
    queue: made.queue,
    catalogue: other.catalogue,
    calendar: other.calendar,
    sealer: other.sealer,
    providers: other.providers,
    simulated: other.simulated,
    clock: other.clock,
    logger: silentLogger,
    chance: () => 0.5,
  });
  try {
    for (let i = 0; i < 20; i++) await other.citizen({ id: `q-${i}`, sms: `+82109000${1000 + i}` });
    await other.publish(windowEvent({ id: 'wiped' }));
    await other.settle();
    expect(await other.pump()).toBeGreaterThan(0);
    await made.obliterate();
    other.at(10_001);
    await other.first.reconcile();
    expect(await other.pump()).toBeGreaterThan(0);
    await worker.start();
    await eventually(() => other.sent().length === 20);
    await eventually(
      async () => (await other.rows(`SELECT 1 FROM batches WHERE state <> 'ended'`)).length === 0,
    );
    expect(new Set(other.sent().map((sent) => sent.address)).size).toBe(20);
  } finally {
    await worker.stop();
    await made.stop();
    await other.close();
  }
}

describe('BullMQ on Postgres, wiped', () => {
  test('is queued again and delivered once', async () => {
    const database = await createDatabase({ migrated: false });
    const pool = createPool({ url: database.url, logger: silentLogger, ...postgresQueuePool(6) });
    const queue = createBullmqQueue({ backend: { pool }, logger: silentLogger });
    await survivesObliteration(async () => ({
      queue,
      async obliterate() {
        const { rows } = await pool.query<{ name: string }>(
          `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename NOT LIKE '%migration%'`,
        );
        await pool.query(`TRUNCATE ${rows.map((row) => row.name).join(', ')} CASCADE`);
      },
      async stop() {
        await queue.stop();
        await pool.end();
        await database.drop();
      },
    }));
  });
});

describeWith('redis', 'BullMQ on Redis, wiped', () => {
  test('is queued again and delivered once', async () => {
    const prefix = `wiped-${process.pid}-${Date.now()}`;
    const { Redis } = await import('ioredis');
    const redis = new Redis(redisUrl());
    const queue = createBullmqQueue({ backend: { redisUrl: redisUrl() }, prefix, logger: silentLogger });
    await survivesObliteration(async () => ({
      queue,
      async obliterate() {
        const keys = await redis.keys(`${prefix}:*`);
        expect(keys.length).toBeGreaterThan(0);
        await redis.del(keys);
      },
      async stop() {
        await queue.stop();
        redis.disconnect();
      },
    }));
  });
});

describe('queues and their workers', () => {
  test('every queue that the pump fills has a worker', async () => {
    const worked = new Set<QueueName>();
    const queue = {
      ...it.queue,
      work(name: QueueName): QueueWorker {
        worked.add(name);
        return { stop: async () => {} };
      },
      add: async (_: QueueName, __: readonly BatchJob[]) => {},
    } as Queue;
    const worker = createWorker({ ...it, queue, logger: silentLogger, chance: () => 0 });
    await worker.start();
    await worker.stop();
    expect([...worked].sort()).toEqual([...QUEUE_NAMES].sort());
  });
});
