/** Whose a row in flight is: who may call, whose results count, and what a session's end meets that is still under way. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import type { BatchId, SessionId } from '../../domain/ids.ts';
import { silentLogger } from '../../domain/logger.ts';
import { type Claimed, releaseUnheard, takeTurn } from '../../store/deliveries.ts';
import { closeSession, endDeadSessions } from '../../store/sessions.ts';
import { removeStop, saveStop } from '../../store/stops.ts';
import { resultOf } from '../../workers/outcome.ts';
import { createSession, type Session } from '../../workers/session.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
let who: string;
let session: Session;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());
beforeEach(async () => {
  n++;
  who = `c-${n}`;
  it.at(START - it.clock.nowMs());
  session = createSession({ pool: it.pool, logger: silentLogger });
  await session.start();
});
afterEach(async () => {
  await session.stop();
});

type Job = { batch: BatchId; generation: number; month: string; max: number };

/** One text message in the queue. */
async function queued(): Promise<Job> {
  await it.citizen({ id: who, sms: `+8210${String(n).padStart(8, '0')}` });
  await it.publish(taxEvent({ id: `e-${n}`, subject: who, allimobligation: `property-tax/${n}` }));
  await it.settle();
  return (await pumped())!;
}

async function pumped(): Promise<Job | undefined> {
  await it.pump();
  const [job] = it.memory.take('sms-urgent');
  return job === undefined ? undefined : { ...job, batch: job.batch as BatchId, month: job.month!, max: 10 };
}

const claim = async (job: Job, by: SessionId = session.id()): Promise<Claimed> =>
  (await takeTurn(it.pool, by, [], [job], [], it.clock.nowMs())).claimed[0]!;
const say = (row: Claimed, outcome: Parameters<typeof resultOf>[2]) =>
  takeTurn(
    it.pool,
    session.id(),
    [resultOf(row, row.session, outcome, it.providers.sms.repeats, it.clock.nowMs(), 0.5)],
    [],
    [],
    it.clock.nowMs(),
  );
const accepted = { kind: 'accepted', reference: 'late' } as const;
const heartStops = (id: SessionId) =>
  it.pool.query(
    `UPDATE worker_sessions SET heartbeat_at = clock_timestamp() - interval '60 s' WHERE id = $1`,
    [id],
  );
const ofRow = (what: string) =>
  it.rows(
    `SELECT ${what} FROM deliveries d JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1`,
    [who],
  );

test('nothing may be called later than four seconds after the last beat that was answered was sent', () => {
  const id = session.id();
  expect(session.mayCall(id)).toBe(true);
  const now = performance.now();
  const clock = jest.spyOn(performance, 'now').mockReturnValue(now + 4_001);
  try {
    expect(session.mayCall(id)).toBe(false);
  } finally {
    clock.mockRestore();
  }
});

test('nothing more may be called under a session that was declared dead, though another has begun', async () => {
  const old = session.id();
  await closeSession(it.pool, old);
  await eventually(() => session.id() !== old);
  expect(session.mayCall(old)).toBe(false);
  expect(session.mayCall(session.id())).toBe(true);
});

test('a result of an earlier attempt is evidence and no more, though the session is the same', async () => {
  const first = await claim(await queued());
  await say(first, { kind: 'temporary', code: 'busy' });
  it.at(60_000);
  await it.first.due.regroup();
  const second = await claim((await pumped())!);
  expect([second.attempt, second.session]).toEqual([2, first.session]);
  await say(first, accepted);
  expect(await ofRow('d.status::text, d.attempt, d.reference')).toEqual([
    { status: 'sending', attempt: 2, reference: null },
  ]);
  await say(second, { kind: 'accepted', reference: 'second' });
  expect(await ofRow('d.status::text, d.reference')).toEqual([{ status: 'sent', reference: 'second' }]);
});

test('a result of another session is evidence and no more, though the attempt has the same number', async () => {
  const job = await queued();
  const lost = await claim(job);
  expect(await releaseUnheard(it.pool, session.id(), [])).toBe(1);
  const other = await it.worker();
  try {
    const row = await claim(job, other.session.id());
    expect(row.attempt).toBe(lost.attempt);
    await say(lost, accepted);
    expect(await ofRow('d.status::text, d.reference')).toEqual([{ status: 'sending', reference: null }]);
    await say(row, { kind: 'accepted', reference: 'its own' });
    expect(await ofRow('d.status::text, d.reference')).toEqual([{ status: 'sent', reference: 'its own' }]);
  } finally {
    await other.session.stop();
  }
});

test('a session is not declared dead while one of its claims is under way, and is when that is over', async () => {
  const job = await queued();
  const client = await it.pool.connect();
  try {
    await client.query('BEGIN');
    const {
      claimed: [row],
    } = await takeTurn(client, session.id(), [], [job], [], it.clock.nowMs());
    await heartStops(session.id());
    expect(await endDeadSessions(it.pool)).toEqual([]);
    await client.query('COMMIT');
    expect(await endDeadSessions(it.pool)).toEqual([row!.session]);
    expect(await it.endSessions()).toBe(1);
  } finally {
    client.release();
  }
  expect(await ofRow('d.status::text, d.code, d.unclear')).toEqual([
    { status: 'waiting', code: 'session-lost', unclear: 1 },
  ]);
});

test('a session that is closed while the database still runs a claim of it is swept after that claim', async () => {
  const job = await queued();
  const client = await it.pool.connect();
  try {
    await client.query('BEGIN');
    await takeTurn(client, session.id(), [], [job], [], it.clock.nowMs());
    // The connection of the claim is lost for the worker, which stops; the statement is not over for the database.
    await closeSession(it.pool, session.id());
    expect(await it.endSessions()).toBe(0);
    await client.query('COMMIT');
    expect(await it.endSessions()).toBe(1);
  } finally {
    client.release();
  }
  expect(await ofRow('d.status::text, d.code')).toEqual([{ status: 'waiting', code: 'session-lost' }]);
});

test.each([
  ['runs from the call, of which finding the session dead has taken a part', 20_000, 40_000],
  ['is over where finding out took longer', 90_000, 0],
  ['is not longer than from now on where the clock of the worker was ahead', -3_600_000, 60_000],
])('the time for a receipt of a text by SMPP %s', async (_what, laterMs, leftMs) => {
  await claim(await queued());
  await heartStops(session.id());
  await endDeadSessions(it.pool);
  it.at(laterMs);
  const nowMs = it.clock.nowMs();
  expect(await it.endSessions()).toBe(1);
  const [row] = await it.rows(
    `SELECT w.due_at FROM waiting w JOIN deliveries d ON d.id = w.delivery_id JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1`,
    [who],
  );
  expect((row!['due_at'] as Date).getTime()).toBe(nowMs + leftMs);
});

test('nothing is claimed for a session that ends while the claim waits for it', async () => {
  const job = await queued();
  const client = await it.pool.connect();
  try {
    await client.query('BEGIN');
    await heartStops(session.id());
    await endDeadSessions(client);
    const claiming = takeTurn(it.pool, session.id(), [], [job], [], it.clock.nowMs());
    await eventually(
      async () =>
        (
          await it.rows(
            `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
          )
        ).length > 0,
    );
    await client.query('COMMIT');
    expect((await claiming).claimed).toEqual([]);
  } finally {
    client.release();
  }
  expect(await ofRow('d.status::text')).toEqual([{ status: 'planned' }]);
});

test('what is stopped is put aside by the claim itself, and is no attempt', async () => {
  const job = await queued();
  await saveStop(it.pool, { scope: 'channel:sms', agency: null, reason: 'test', createdBy: 'test' });
  try {
    expect((await claim(job)).verdict).toBe('waiting/stopped');
  } finally {
    await removeStop(it.pool, 'channel:sms', null);
  }
  expect(await ofRow('d.status::text, d.attempt, d.session_id')).toEqual([
    { status: 'waiting', attempt: 0, session_id: null },
  ]);
});
