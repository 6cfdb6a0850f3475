/** What a receipt does to a delivery, whenever it comes and however often: once, by the table, never backwards. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createReceipts } from '../../dispatcher/receipts.ts';
import { createStatusRelay } from '../../dispatcher/status-relay.ts';
import type { DeliveryId } from '../../domain/ids.ts';
import type { NewReceipt } from '../../domain/receipt.ts';
import { statusTopicOf } from '../../domain/records.ts';
import type { StatusReport } from '../../domain/status-report.ts';
import { forgetReceipts, saveReceipts } from '../../store/receipts.ts';
import { setSubscription, TOPIC_TARGET } from '../../store/reports.ts';
import { forgetSmsReferences, saveSmsReferences } from '../../store/sms-references.ts';
import { setTrial } from '../../store/trial.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';

const TOPIC = statusTopicOf('nts');
const DAY = 86_400_000;
let it: Installation;
let n = 0;
let who: string;
let phone: string;
let apply: () => Promise<boolean>;
const settled: string[] = [];

beforeAll(async () => {
  it = await install({ partitions: 1 });
  await it.broker.prepare([{ topic: TOPIC, partitions: 1, compacted: false }], { create: true });
  const add = (_name: string, labels: object) => void settled.push(Object.values(labels).join(' '));
  apply = createReceipts({ ...it, metrics: { add, observe: () => {} } as never });
});
afterAll(() => it.close());
beforeEach(async () => {
  n++;
  who = `r-${n}`;
  phone = `+8210${String(40_000_000 + n)}`;
  settled.length = 0;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
  await it.pool.query(
    'DELETE FROM report_subscriptions; DELETE FROM outbox; DELETE FROM receipts; DELETE FROM sms_references',
  );
});

const tax = (more: object = {}) =>
  taxEvent({ id: `r-${n}`, subject: who, allimobligation: `property-tax/r-${n}`, ...more });

/** Planned and in the queue; a text message unless the citizen has a mailbox. */
async function planned(more: object = {}, event: object = {}): Promise<void> {
  await it.citizen({ id: who, sms: phone, ...more });
  await it.publish(tax(event));
  await it.settle();
  await it.pump();
}
async function sent(more: object = {}): Promise<DeliveryId> {
  await planned(more);
  await it.idle();
  return delivery();
}
async function delivery(channel?: string): Promise<DeliveryId> {
  const [row] = await it.rows<{ id: DeliveryId }>(
    `SELECT d.id FROM deliveries d JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id = $1 AND ($2::text IS NULL OR d.channel = $2)`,
    [who, channel ?? null],
  );
  return row!.id;
}
/** From an HTTP gateway unless told otherwise, which knows our id. */
const receipt = (more: Partial<NewReceipt> = {}): NewReceipt => ({
  source: 'sms',
  key: `key-${n}`,
  delivery: null,
  attempt: null,
  reference: null,
  address: null,
  verdict: 'delivered',
  code: null,
  addressDead: false,
  words: null,
  ...more,
});
const store = (...receipts: NewReceipt[]) => saveReceipts(it.pool, it.sealer, receipts, it.clock.nowMs());
const run = async () => {
  while (await apply());
};
/** When a failure is old enough to be believed. */
const runLater = async () => {
  it.at(2_000);
  await run();
};
const told = () => it.told(who);
const states = async () =>
  (await it.rows<{ state: string }>('SELECT state FROM receipts ORDER BY received_at, id')).map(
    (row) => row.state,
  );

let seen = 0;
async function reports(): Promise<string[]> {
  while (await createStatusRelay({ ...it, wake: () => {} })());
  const rows = await it.rows<{ value: Buffer }>(
    `SELECT r.value FROM log_records r JOIN log_topics t ON t.id = r.topic_id WHERE t.topic = $1 ORDER BY r.record_offset OFFSET $2`,
    [TOPIC, seen],
  );
  seen += rows.length;
  return rows
    .map(({ value }) => JSON.parse(value.toString()) as StatusReport)
    .map((r) => `${r.channel} ${r.status} ${r.reason} ${r.evidence}`);
}

describe('what was sent', () => {
  test('is delivered when its receipt says so, and the agency is told once more', async () => {
    await setSubscription(it.pool, 'nts', TOPIC_TARGET, true);
    const id = await sent();
    expect(await store(receipt({ delivery: id }))).toBe(1);
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
    expect(await reports()).toEqual(['sms delivered null accepted', 'sms delivered null receipt']);
    expect(settled).toEqual(['sms applied']);
  });

  test('a receipt that is told again is the same, and one that says the same again changes nothing', async () => {
    await setSubscription(it.pool, 'nts', TOPIC_TARGET, true);
    const id = await sent();
    const once = receipt({ delivery: id });
    expect(await store(once, once)).toBe(1);
    await run();
    expect(await store(once)).toBe(0);
    await store(receipt({ delivery: id, key: 'another' }));
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
    expect(await reports()).toEqual(['sms delivered null accepted', 'sms delivered null receipt']);
    expect((await states()).sort()).toEqual(['applied', 'moot']);
  });

  test('that failed for good moves to the next channel, and the agency is told by whose word', async () => {
    await setSubscription(it.pool, 'nts', TOPIC_TARGET, true);
    const id = await sent({ email: `r${n}@example.kr` });
    await store(
      receipt({
        source: 'email',
        delivery: id,
        attempt: 1,
        verdict: 'permanent',
        code: '5.1.1',
        addressDead: true,
      }),
    );
    await runLater();
    await it.idle();
    expect(await told()).toEqual(['opened email failed-permanent/5.1.1', 'opened sms sent']);
    expect(await reports()).toEqual([
      'email delivered null accepted',
      'email failed address receipt',
      'sms delivered null accepted',
    ]);
    expect(
      await it.rows(
        'SELECT channel, invalid_code FROM contact_points WHERE citizen_id = $1 AND invalid_at IS NOT NULL',
        [who],
      ),
    ).toEqual([{ channel: 'email', invalid_code: '5.1.1' }]);
  });

  test('that a provider gave up on moves to the next channel, and its address stays good', async () => {
    const id = await sent({ email: `r${n}@example.kr` });
    await store(receipt({ source: 'email', delivery: id, attempt: 1, verdict: 'temporary', code: '4.4.7' }));
    await runLater();
    await it.idle();
    expect(await told()).toEqual(['opened email failed-temporary/4.4.7', 'opened sms sent']);
    expect(
      await it.rows('SELECT 1 FROM contact_points WHERE citizen_id = $1 AND invalid_at IS NOT NULL', [who]),
    ).toEqual([]);
  });

  test('a failure that comes close behind "delivered" does not overtake it, though that waits for the result', async () => {
    await planned();
    const id = await delivery();
    it.providers.sms.answer = async () => {
      await store(receipt({ delivery: id, key: 'arrived' }));
      await run();
      return { kind: 'accepted', reference: 'x' };
    };
    await it.deliver();
    it.at(100);
    await store(receipt({ delivery: id, key: 'undeliverable', verdict: 'permanent', code: 'UNDELIV' }));
    await run();
    expect(await told()).toEqual(['opened sms sent']);
    it.at(500);
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
    await runLater();
    expect(await told()).toEqual(['opened sms delivered']);
    expect((await states()).sort()).toEqual(['applied', 'moot']);
  });

  test('a failure waits as long as a "delivered" of the same delivery has not been applied, however old both are', async () => {
    const id = await sent();
    await store(receipt({ delivery: id, key: 'arrived' }));
    await it.pool.query(`UPDATE receipts SET look_at = look_at + interval '1 minute'`);
    await store(receipt({ delivery: id, key: 'undeliverable', verdict: 'permanent', code: 'UNDELIV' }));
    it.at(30_000);
    await run();
    expect(await told()).toEqual(['opened sms sent']);
    it.at(60_000);
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
  });

  test('never goes back: delivered, then "under way" and "undeliverable", in any order they come', async () => {
    const id = await sent();
    await store(
      receipt({ delivery: id, key: 'a', verdict: 'permanent', code: 'UNDELIV', addressDead: true }),
    );
    await store(receipt({ delivery: id, key: 'b', verdict: 'none', code: 'ENROUTE' }));
    await store(receipt({ delivery: id, key: 'c' }));
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
    await store(receipt({ delivery: id, key: 'd', verdict: 'temporary', code: 'EXPIRED' }));
    it.at(DAY);
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
    expect(
      await it.rows('SELECT 1 FROM contact_points WHERE citizen_id = $1 AND invalid_at IS NOT NULL', [who]),
    ).toEqual([]);
    expect((await states()).sort()).toEqual(['applied', 'moot', 'moot', 'moot']);
  });

  test('in a trial cannot have one', async () => {
    await setTrial(it.pool, 'nts', true);
    try {
      const id = await sent();
      await store(receipt({ delivery: id }));
      await run();
      expect(await told()).toEqual(['opened sms sent/trial']);
    } finally {
      await setTrial(it.pool, 'nts', false);
    }
  });
});

describe('a receipt that comes first', () => {
  test('waits for the result that is not committed yet', async () => {
    await planned();
    const id = await delivery();
    it.providers.sms.answer = async () => {
      await store(receipt({ delivery: id }));
      await run();
      return { kind: 'accepted', reference: 'x' };
    };
    await it.deliver();
    expect(await told()).toEqual(['opened sms sent']);
    expect(await states()).toEqual(['waiting']);
    it.at(1_000);
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
  });

  test('of an SMSC finds its delivery by the id that was kept, in another radix, and only with its number', async () => {
    const id = await sent();
    const reference = { reference: '00A1B2', delivery: id, attempt: 1, address: phone };
    await saveSmsReferences(it.pool, it.sealer, [reference], it.clock.nowMs());
    const smpp = (more: Partial<NewReceipt>) => receipt({ source: 'smpp', address: phone, ...more });
    await store(smpp({ key: 'foreign', reference: 'a1b2', address: '+821099999999', verdict: 'permanent' }));
    await store(smpp({ key: 'unknown', reference: 'ffff', verdict: 'permanent' }));
    await store(
      smpp({ key: 'no number, other radix', reference: '41394', address: null, verdict: 'permanent' }),
    );
    await run();
    expect(await told()).toEqual(['opened sms sent']);
    await store(smpp({ key: 'decimal', reference: String(0xa1b2) }));
    await run();
    // An older text to this number might fit where the one that is meant is still being written.
    expect(await told()).toEqual(['opened sms sent']);
    it.at(12_000);
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
  });

  test('that fits two texts to one number in two radixes is nobody’s', async () => {
    const id = await sent();
    const other = '00000000-0000-4000-8000-000000000001' as DeliveryId;
    await saveSmsReferences(
      it.pool,
      it.sealer,
      [
        { reference: '10', delivery: id, attempt: 1, address: phone },
        { reference: '16', delivery: other, attempt: 1, address: phone },
      ],
      it.clock.nowMs(),
    );
    await store(receipt({ source: 'smpp', reference: '16', address: phone }));
    it.at(12_000);
    await run();
    expect(await told()).toEqual(['opened sms sent']);
    // As the answer had it: not the other.
    await store(receipt({ source: 'smpp', key: 'exact', reference: '10', exact: true, address: phone }));
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
  });

  test('of an exact id is not taken for an older text that fits in another radix', async () => {
    const id = await sent();
    await saveSmsReferences(
      it.pool,
      it.sealer,
      [{ reference: '16', delivery: id, attempt: 1, address: phone }],
      it.clock.nowMs(),
    );
    // The text that was given the id 10 is being written down.
    await store(receipt({ source: 'smpp', reference: '10', exact: true, address: phone }));
    it.at(12_000);
    await run();
    expect(await told()).toEqual(['opened sms sent']);
    expect(await states()).toEqual(['waiting']);
  });

  test('of nothing of ours has no effect, is looked at ever more seldom, and is given up and listed after three days', async () => {
    await store(receipt({ delivery: '00000000-0000-4000-8000-000000000002' as DeliveryId }));
    let looks = 0;
    for (let hour = 0; hour < 80; hour++) {
      while (await apply()) looks++;
      it.at(3_600_000);
    }
    expect(looks).toBeLessThan(80);
    expect(await states()).toEqual(['unmatched']);
    expect(settled).toEqual(['sms unmatched']);
  });
});

describe('a call of which nobody knows how it ended', () => {
  async function unclear(): Promise<DeliveryId> {
    it.providers.sms.answer = () => ({ kind: 'unknown', code: 'no-answer' });
    await planned();
    await it.deliver();
    expect(await told()).toEqual(['opened sms waiting/no-answer']);
    return delivery();
  }

  test('is not made once more when its receipt comes', async () => {
    const id = await unclear();
    await store(receipt({ delivery: id }));
    await run();
    expect(await told()).toEqual(['opened sms delivered']);
    it.at(3_600_000);
    await it.idle();
    expect(it.sent()).toHaveLength(1);
    expect(await it.rows('SELECT 1 FROM waiting WHERE delivery_id = $1', [id])).toEqual([]);
  });

  test('nor when it comes after the row was given to a batch again', async () => {
    const id = await unclear();
    it.at(3_600_000);
    await it.first.due.regroup();
    expect(await told()).toEqual(['opened sms planned/no-answer']);
    await store(receipt({ delivery: id }));
    await run();
    await it.idle();
    expect(await told()).toEqual(['opened sms delivered']);
    expect(it.sent()).toHaveLength(1);
    expect(await it.rows(`SELECT 1 FROM batches WHERE state <> 'ended'`)).toEqual([]);
  });

  test('that failed at its address goes to the next channel at its next claim, and is not called', async () => {
    it.providers.email.answer = () => ({ kind: 'unknown', code: 'no-answer' });
    await planned({ email: `r${n}@example.kr` });
    await it.deliver();
    const id = await delivery('email');
    await store(
      receipt({
        source: 'email',
        delivery: id,
        attempt: 1,
        verdict: 'permanent',
        code: '5.1.1',
        addressDead: true,
      }),
    );
    await runLater();
    it.at(3_600_000);
    await it.idle();
    expect((await told()).sort()).toEqual(['opened email suppressed/address-gone', 'opened sms sent']);
    expect(it.providers.email.sent).toHaveLength(1);
  });

  test('is held by an orphan of an SMSC to that number: not called again, ambiguous with that evidence, told so once', async () => {
    await setSubscription(it.pool, 'nts', TOPIC_TARGET, true);
    const id = await unclear();
    await it.pool.query(`UPDATE waiting SET due_at = due_at + interval '15 minutes' WHERE delivery_id = $1`, [
      id,
    ]);
    it.at(1_000);
    const orphan = receipt({ source: 'smpp', reference: 'beef', address: phone, words: '[국세청] 재산세' });
    await store(orphan);
    await store(receipt({ source: 'smpp', key: 'other', reference: 'dead', address: '+821098765432' }));
    await run();
    // It might still be of a text whose id is being written down.
    expect(await told()).toEqual(['opened sms waiting/no-answer']);
    it.at(11_000);
    await run();
    expect(await told()).toEqual(['opened sms ambiguous/receipt-orphan']);
    it.at(3_600_000);
    await it.idle();
    await run();
    expect(it.sent()).toHaveLength(1);
    expect(await reports()).toEqual(['sms failed unclear null']);
    const [kept] = await it.rows<{ delivery_id: string; words: Buffer }>(
      `SELECT delivery_id, words FROM receipts WHERE state = 'evidence'`,
    );
    expect(kept?.delivery_id).toBe(id);
    expect(it.sealer.open('receipt', kept!.words).toString()).toBe('[국세청] 재산세');
  });

  test('is not held by an orphan from before the call, nor by one that says that it failed', async () => {
    await store(receipt({ source: 'smpp', key: 'early', reference: 'aaaa', address: phone }));
    it.at(1_000);
    await unclear();
    await store(
      receipt({ source: 'smpp', key: 'failed', reference: 'bbbb', address: phone, verdict: 'temporary' }),
    );
    it.at(90_000);
    await run();
    it.providers.sms.answer = () => ({ kind: 'accepted', reference: null });
    await it.idle();
    expect(await told()).toEqual(['opened sms sent']);
  });
});

test('a receipt of an attempt before the last says nothing against the last', async () => {
  const id = await sent();
  // As a call that was made once more leaves it.
  await it.pool.query(
    `WITH d AS (UPDATE deliveries SET attempt = 2 WHERE id = $1 RETURNING *)
     INSERT INTO attempts (delivery_id, number, month, agency_id, finished_at, outcome) SELECT id, 1, month, agency_id, finished_at, 'failed-temporary' FROM d`,
    [id],
  );
  await store(receipt({ delivery: id, attempt: 1, verdict: 'temporary', code: 'EXPIRED' }));
  await run();
  expect(await told()).toEqual(['opened sms sent']);
  await store(receipt({ delivery: id, attempt: 1, key: 'arrived' }));
  await run();
  expect(await told()).toEqual(['opened sms delivered']);
});

test('no number stands in clear, and what is old is forgotten but for what waits', async () => {
  const id = await sent();
  await saveSmsReferences(
    it.pool,
    it.sealer,
    [{ reference: '1', delivery: id, attempt: 1, address: phone }],
    START,
  );
  await store(receipt({ source: 'smpp', reference: '1', exact: true, address: phone, words: `to ${phone}` }));
  await store(receipt({ key: 'unknown', delivery: '00000000-0000-4000-8000-000000000003' as DeliveryId }));
  const dump = JSON.stringify(await it.rows('SELECT * FROM receipts, sms_references'));
  expect(dump).not.toContain(phone.slice(1));
  await run();
  const later = START + 41 * DAY;
  expect(await forgetReceipts(it.pool, later, 10)).toBe(1);
  expect(await states()).toEqual(['waiting']);
  expect(await forgetSmsReferences(it.pool, later, 10)).toBe(1);
});

test('two dispatchers at once apply each receipt once', async () => {
  await setSubscription(it.pool, 'nts', TOPIC_TARGET, true);
  const id = await sent();
  await reports();
  await store(...['a', 'b', 'c', 'd'].map((key) => receipt({ delivery: id, key })));
  const other = createReceipts(it);
  await Promise.all([apply(), other(), apply(), other()]);
  it.at(3_000);
  await run();
  expect(await told()).toEqual(['opened sms delivered']);
  expect(await reports()).toEqual(['sms delivered null receipt']);
});
