/** Two transactions at once, held between two of their steps by hand: what each must wait for, and what must go with what. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type DeliveryRow, insertDeliveries } from '../../store/plan.ts';
import { NO_LIMIT, pumpBatches } from '../../store/pump.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, paidEvent, taxEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
let who: string;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
// Notices that no run planned are written by hand here.
afterAll(() => it.close({ audited: false }));
beforeEach(() => {
  n++;
  who = `c-${n}`;
  it.forgetSent();
});

const tax = (more: object = {}) =>
  taxEvent({ id: `e-${n}`, subject: who, allimobligation: `property-tax/${n}`, ...more });
const paid = () => paidEvent({ id: `paid-${n}`, subject: who, allimobligation: `property-tax/${n}` });
const waiting = async () =>
  (
    await it.rows(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND backend_type = 'client backend'`,
    )
  ).length;

/** While `work` runs nobody reads or writes `table`; what waits for it is let go afterwards. */
async function withTableHeld(table: string, work: () => Promise<void>): Promise<void> {
  const holder = await it.pool.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    await work();
  } finally {
    await holder.query('COMMIT');
    holder.release();
  }
}

/** Whatever is written into `table` is refused, as by a server that goes down in between. */
async function withTableRefused(table: string, work: () => Promise<void>): Promise<void> {
  await it.pool.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the server goes down' USING ERRCODE = '57P01'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON ${table} EXECUTE FUNCTION refuse()`);
  try {
    await work();
  } finally {
    await it.pool.query('DROP FUNCTION refuse CASCADE');
  }
}

describe('planning (T2)', () => {
  test('holds the obligations: a "done" that comes meanwhile waits for the plan, and then ends it', async () => {
    await it.citizen({ id: who, sms: '+821000000001' });
    await it.publish(tax());
    await it.intake();
    await it.answer();
    let planning: Promise<number> | undefined;
    let taking: Promise<unknown> | undefined;
    await withTableHeld('told', async () => {
      planning = it.plan();
      await eventually(async () => (await waiting()) === 1);
      await it.publish(paid());
      let taken = false;
      taking = it.intake().then(() => {
        taken = true;
      });
      // In a tree where T2 locks nothing it is over before the plan is.
      await eventually(async () => taken || (await waiting()) === 2);
    });
    await Promise.all([planning, taking]);
    expect(await it.told(who)).toEqual(['opened sms cancelled/done']);
  });

  test('that fails half-way comes again: the position moves with the work, or not at all', async () => {
    await it.citizen({ id: who, sms: '+821000000002' });
    await it.publish(tax());
    await it.intake();
    await it.answer();
    await withTableRefused('notifications', async () => {
      await expect(it.plan()).rejects.toThrow('the server goes down');
    });
    await it.takeOver();
    await it.plan();
    expect(await it.told(who)).toEqual(['opened sms planned']);
  });

  test('carefully leaves alone what stands already; otherwise that is an error, and the page is planned carefully', async () => {
    await it.citizen({ id: who, sms: '+821000000007' });
    await it.publish(tax());
    await it.settle();
    const [row] = await it.rows<DeliveryRow>(
      `SELECT d.id, d.month, d.agency_id AS agency, n.id AS notification, d.contact_point_id AS "contactPoint", d.channel, d.lane,
         d.batch_id AS batch, NULL AS "expiresAtMs"
       FROM deliveries d JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1`,
      [who],
    );
    const before = await it.rows('SELECT * FROM batches WHERE id = $1', [row!.batch]);
    await insertDeliveries(it.pool, [row!], it.clock.nowMs(), true);
    expect(await it.rows('SELECT * FROM batches WHERE id = $1', [row!.batch])).toEqual(before);
    await expect(insertDeliveries(it.pool, [row!], it.clock.nowMs(), false)).rejects.toMatchObject({
      code: '23505',
    });
    expect(await it.told(who)).toEqual(['opened sms planned']);
  });
});

describe('taking events in (T1)', () => {
  test('that fails half-way comes again: the position moves with the work, or not at all', async () => {
    await it.citizen({ id: who, sms: '+821000000003' });
    await it.publish(tax());
    await withTableRefused('fanouts', async () => {
      await expect(it.intake()).rejects.toThrow('the server goes down');
    });
    await it.takeOver();
    await it.settle();
    expect(await it.told(who)).toEqual(['opened sms planned']);
  });

  test('whose question the log does not take is asked later', async () => {
    await it.citizen({ id: who, sms: '+821000000006' });
    await it.publish(tax());
    const append = jest.spyOn(it.broker, 'append').mockRejectedValueOnce(new Error('the log is away'));
    try {
      await it.intake();
    } finally {
      append.mockRestore();
    }
    await it.first.requests.settle();
    const nowMs = it.clock.nowMs();
    expect(await it.first.requests.repeat(nowMs + 1, 100, nowMs)).toBe(1);
    await it.settle();
    expect(await it.told(who)).toEqual(['opened sms planned']);
  });

  test('by whom a younger dispatcher has taken the partition from changes nothing', async () => {
    await it.citizen({ id: who, sms: '+821000000004' });
    await it.publish(tax());
    const older = it.first;
    await it.takeOver();
    await expect(older.intake()).rejects.toMatchObject({ code: 'position-fenced' });
    expect(await it.rows('SELECT 1 FROM events WHERE event_id = $1', [`e-${n}`])).toEqual([]);
    await it.settle();
    expect(await it.told(who)).toEqual(['opened sms planned']);
  });
});

describe('the claim', () => {
  test('judges what "done" could not end: a next channel that is planned after it', async () => {
    await it.idle();
    it.forgetSent();
    await it.citizen({ id: who, sms: '+821000000005', email: 'gone@example.kr' });
    it.providers.email.answer = () => ({ kind: 'permanent', code: 'no-such-user' });
    await it.publish(tax());
    await it.settle();
    await it.pump();
    await it.deliver();
    await it.publish(paid());
    await it.intake();
    await it.idle();
    expect(await it.told(who)).toEqual([
      'opened email failed-permanent/no-such-user',
      'opened sms cancelled/done',
    ]);
    expect(it.sent().map((sent) => sent.channel)).toEqual(['email']);
  });
});

describe('the pump (T3)', () => {
  const round = (window: number) =>
    pumpBatches(it.pool, {
      channel: 'sms',
      lane: 'urgent',
      window,
      limit: 100,
      credit: NO_LIMIT,
      weights: new Map(),
      nowMs: it.clock.nowMs(),
    });

  test('fills the window once: what is queued is counted in the ledger, not in the queue', async () => {
    await it.pump();
    await it.deliver();
    for (const name of ['a', 'b', 'c']) {
      const id = `${who}-${name}`;
      await it.citizen({ id, sms: `+8210000200${name.charCodeAt(0)}` });
      await it.publish(taxEvent({ id, subject: id, allimobligation: `property-tax/${id}` }));
      await it.settle();
    }
    const first = await round(2);
    expect([first.queued.length, first.more]).toEqual([2, true]);
    expect((await round(2)).queued).toEqual([]);
    await it.memory.add('sms-urgent', first.queued);
    await it.deliver();
    expect((await round(2)).queued).toHaveLength(1);
  });
});
