/** What was given up and is put back by a person: with its own id, once, through the same judgement as everything else. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createReceipts } from '../../dispatcher/receipts.ts';
import { recordOfEvent } from '../../domain/cloud-events.ts';
import { AllimError } from '../../domain/errors.ts';
import { type DeliveryId, keyId } from '../../domain/ids.ts';
import type { NewReceipt } from '../../domain/receipt.ts';
import type { Credential } from '../../producers/credential.ts';
import { countDeadLetters, listDeadLetters, redriveDeadLetters } from '../../producers/dead-letters.ts';
import type { QuarantineParts } from '../../producers/quarantine.ts';
import { EVERYTHING } from '../../store/dead-letters.ts';
import { saveQuarantine } from '../../store/quarantine.ts';
import { saveReceipts } from '../../store/receipts.ts';
import { removeStop, saveStop } from '../../store/stops.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';

const ADMINISTRATOR: Credential = { id: 'administrator', agency: null, scopes: [], sources: [] };
const NTS: Credential = {
  id: 'key:nts',
  agency: 'nts',
  scopes: ['events', 'read'],
  sources: ['/nts/property-tax'],
};
let it: Installation;
let parts: QuarantineParts;
let n = 0;

beforeAll(async () => {
  it = await install({ partitions: 1 });
  parts = it as unknown as QuarantineParts;
});
afterAll(() => it.close());
beforeEach(async () => {
  n++;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
  await it.pool.query('DELETE FROM quarantine; DELETE FROM receipts; DELETE FROM redrives');
});

const who = (k: number) => `d-${n}-${k}`;
/** Notices of `count` people, each by text message alone unless `more` says otherwise. */
async function publish(count: number, more: object = {}, event: object = {}): Promise<void> {
  for (let k = 0; k < count; k++) {
    await it.citizen({ id: who(k), sms: `+8210${String(50_000_000 + n * 100 + k)}`, ...more });
    await it.publish(
      taxEvent({ id: `d-${n}-${k}`, subject: who(k), allimobligation: `property-tax/d-${n}-${k}`, ...event }),
    );
  }
}
/** Each fails for good through us, after its three tries. */
async function failed(count: number, more: object = {}, event: object = {}): Promise<void> {
  it.providers.sms.answer = () => ({ kind: 'technical', code: 'sender-refused' });
  await publish(count, more, event);
  for (let tries = 0; tries < 8; tries++) {
    await it.idle();
    it.at(30 * 60_000);
  }
  expect((await all()).every((line) => line.includes('failed-technical'))).toBe(true);
  it.forgetSent();
}
const all = async () =>
  (
    await it.rows<{ id: string }>(
      'SELECT DISTINCT recipient_id AS id FROM notifications WHERE recipient_id LIKE $1 ORDER BY 1',
      [`d-${n}-%`],
    )
  ).reduce<Promise<string[]>>(
    async (lines, { id }) => [...(await lines), ...(await it.told(id))],
    Promise.resolve([]),
  );
const redrive = (
  more: object = {},
  look = false,
  caller = ADMINISTRATOR,
  kind: 'deliveries' | 'events' | 'receipts' = 'deliveries',
) => redriveDeadLetters(parts, caller, kind, { ...EVERYTHING, ...more }, { after: null, look });

describe('deliveries', () => {
  test('are counted by why, looked at without a change, put back with their ids, and a second time nothing', async () => {
    await failed(2);
    const counts = await countDeadLetters(parts, ADMINISTRATOR, 'deliveries', EVERYTHING);
    expect(counts).toEqual([
      { status: 'failed-technical', channel: 'sms', code: 'sender-refused', count: 2 },
    ]);
    const listed = await listDeadLetters(parts, ADMINISTRATOR, 'deliveries', EVERYTHING, null, 10);
    const dry = await redrive({}, true);
    expect(dry).toEqual({ looked: 2, redriven: 2, leftAlone: {}, next: null });
    expect(await it.rows('SELECT 1 FROM redrives')).toEqual([]);
    expect((await all()).every((line) => line.includes('failed-technical'))).toBe(true);

    expect(await redrive()).toMatchObject({ redriven: 2 });
    expect(await redrive()).toEqual({ looked: 0, redriven: 0, leftAlone: {}, next: null });
    await it.idle();
    expect(
      it
        .sent()
        .map((sent) => sent.delivery)
        .sort(),
    ).toEqual(listed.map((row) => row.id).sort());
    expect(await all()).toEqual(['opened sms sent', 'opened sms sent']);
    expect(await redrive()).toEqual({ looked: 0, redriven: 0, leftAlone: {}, next: null });
    it.at(86_400_000);
    await it.idle();
    expect(it.sent()).toHaveLength(2);
    expect(await it.rows('SELECT kind, by, looked, redriven FROM redrives')).toEqual([
      { kind: 'deliveries', by: 'administrator', looked: 2, redriven: 2 },
    ]);
  });

  test('are put back by pages that go on where the last one ended', async () => {
    await failed(2);
    const rows = await listDeadLetters(parts, ADMINISTRATOR, 'deliveries', EVERYTHING, null, 1);
    const rest = await redriveDeadLetters(parts, ADMINISTRATOR, 'deliveries', EVERYTHING, {
      after: { at: rows[0]!.at, id: rows[0]!.id },
      look: false,
    });
    expect(rest).toMatchObject({ looked: 1, redriven: 1 });
    expect(await redrive()).toMatchObject({ looked: 1, redriven: 1 });
    await it.idle();
    expect(it.sent()).toHaveLength(2);
  });

  test('are chosen by agency, campaign, channel, code, status and time', async () => {
    await failed(1);
    const [row] = (await listDeadLetters(
      parts,
      ADMINISTRATOR,
      'deliveries',
      EVERYTHING,
      null,
      1,
    )) as unknown as { campaign: string }[];
    const none = [
      { agency: 'nhis' },
      { campaign: '00000000-0000-4000-8000-000000000000' },
      { channel: 'push' },
      { code: 'other' },
      { status: 'failed-temporary' },
      { since: new Date(it.clock.nowMs()) },
    ];
    for (const filter of none) expect((await redrive(filter, true)).looked).toBe(0);
    const right = {
      agency: 'nts',
      campaign: row!.campaign,
      channel: 'sms',
      code: 'sender-refused',
      status: 'failed-technical',
      since: new Date(START),
    };
    expect((await redrive(right, true)).looked).toBe(1);
    await expect(redrive({ agency: 'nts' }, true, { ...NTS, agency: 'nhis' })).rejects.toThrow(
      'another agency',
    );
    expect((await redrive({}, true, { ...NTS, agency: 'nhis' })).looked).toBe(0);
    expect((await redrive({}, true, NTS)).looked).toBe(1);
    // What stays dead would be found by the tests that follow.
    expect(await redrive()).toMatchObject({ redriven: 1 });
    await it.idle();
  });

  test('that expired stay, and what expires before its claim expires there', async () => {
    await failed(1, {}, { expirytime: '2026-07-10T18:00:00+09:00' });
    it.at('2026-07-10T17:59:00+09:00');
    expect(await redrive()).toMatchObject({ redriven: 1 });
    it.at('2026-07-10T18:00:00+09:00');
    await it.idle();
    expect(await all()).toEqual(['opened sms expired']);
    expect(it.sent()).toEqual([]);
  });

  test('put back under a stop wait for its end, and a wish not to be reached holds', async () => {
    await failed(2);
    await saveStop(it.pool, { scope: 'agency:nts', agency: 'nts', reason: 'test', createdBy: 'test' });
    expect(await redrive()).toMatchObject({ redriven: 2 });
    await it.idle();
    expect(it.sent()).toEqual([]);
    await it.pool.query('UPDATE citizens SET dead_at = now() WHERE id = $1', [who(0)]);
    await removeStop(it.pool, 'agency:nts', null);
    it.at(10_000);
    await it.idle();
    expect((await all()).sort()).toEqual(['opened sms sent', 'opened sms suppressed/dead']);
  });

  test('of which nobody knows are put back only where they are named', async () => {
    it.providers.sms.answer = () => ({ kind: 'unknown', code: 'no-answer' });
    await publish(1);
    for (let tries = 0; tries < 4; tries++) {
      await it.idle();
      it.at(3_600_000);
    }
    expect(await all()).toEqual(['opened sms ambiguous/no-answer']);
    it.forgetSent();
    expect(await redrive()).toMatchObject({ redriven: 0, leftAlone: { ambiguous: 1 } });
    await it.idle();
    expect(it.sent()).toEqual([]);
    expect(await redrive({ status: 'ambiguous' })).toMatchObject({ redriven: 1 });
    await it.idle();
    expect(await all()).toEqual(['opened sms sent']);
    expect(it.sent()).toHaveLength(1);
  });

  test('of a notice that another channel told stay; of two that failed the last one tried goes', async () => {
    await publish(1, { email: `d${n}@example.kr` });
    await it.idle();
    const [mail] = await it.rows<{ id: DeliveryId }>(
      `SELECT d.id FROM deliveries d JOIN notifications x ON x.id = d.notification_id WHERE x.recipient_id = $1`,
      [who(0)],
    );
    const gaveUp: NewReceipt = {
      source: 'email',
      key: `d-${n}`,
      delivery: mail!.id,
      attempt: 1,
      reference: null,
      address: null,
      verdict: 'temporary',
      code: '4.4.7',
      addressDead: false,
      words: null,
    };
    await saveReceipts(it.pool, it.sealer, [gaveUp], it.clock.nowMs());
    it.at(2_000);
    const apply = createReceipts(it);
    while (await apply());
    // The next channel is on its way.
    expect(await redrive()).toMatchObject({ redriven: 0, leftAlone: { 'another-channel': 1 } });
    it.providers.sms.answer = () => ({ kind: 'technical', code: 'sender-refused' });
    for (let tries = 0; tries < 8; tries++) {
      await it.idle();
      it.at(30 * 60_000);
    }
    expect(await all()).toEqual([
      'opened email failed-temporary/4.4.7',
      'opened sms failed-technical/sender-refused',
    ]);
    it.forgetSent();
    expect(await redrive()).toMatchObject({ redriven: 1, leftAlone: { 'another-channel': 1 } });
    await it.idle();
    expect(await all()).toEqual(['opened email failed-temporary/4.4.7', 'opened sms sent']);
    expect(await redrive()).toMatchObject({ redriven: 0, leftAlone: { 'another-channel': 1 } });
    await it.idle();
    expect(it.sent()).toHaveLength(1);
  });
});

test('events in quarantine are sent again, what is still wrong is counted by why and stays, and twice is once', async () => {
  await it.citizen({ id: who(0), sms: '+821055550000' });
  const record = recordOfEvent(
    taxEvent({ id: `q-${n}`, subject: who(0), data: { amount: 5, dueOn: '2099-01-31' } as never }),
  );
  const save = (offset: number, value: string) =>
    saveQuarantine(it.pool, it.sealer, [
      {
        topic: 'agency-events',
        partition: 0,
        offset,
        key: null,
        headers: record.headers ?? {},
        value: Buffer.from(value),
        agency: 'nts',
        error: new AllimError('event-type-unknown', 'x'),
      },
    ]);
  await save(1_000_001, String(record.value));
  await save(1_000_002, '{"amount":"five"}');
  expect(await countDeadLetters(parts, NTS, 'events', EVERYTHING)).toMatchObject([
    { code: 'event-type-unknown', count: 2 },
  ]);
  expect(await redrive({}, true, NTS, 'events')).toMatchObject({ looked: 2, redriven: 2 });
  expect(await redrive({}, false, NTS, 'events')).toEqual({
    looked: 2,
    redriven: 1,
    leftAlone: { 'event-invalid': 1 },
    next: null,
  });
  expect(await redrive({}, false, NTS, 'events')).toMatchObject({ looked: 1, redriven: 0 });
  expect(await it.rows('SELECT state, closed_by FROM quarantine ORDER BY record_offset')).toEqual([
    { state: 'retried', closed_by: 'key:nts' },
    { state: 'open', closed_by: null },
  ]);
  expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [`q-${n}`])).toEqual([
    { state: 'received' },
  ]);
  await expect(redrive({ channel: 'sms' }, true, NTS, 'events')).rejects.toThrow(
    'no campaign, channel or status',
  );
});

test('receipts of nothing are the administrator’s; put back they are applied where their delivery is there by now, else given up again', async () => {
  await publish(1);
  await it.idle();
  const [row] = await it.rows<{ id: DeliveryId }>(
    `SELECT d.id FROM deliveries d JOIN notifications x ON x.id = d.notification_id WHERE x.recipient_id = $1`,
    [who(0)],
  );
  const one = (key: string, delivery: string): NewReceipt => ({
    source: 'sms',
    key,
    delivery: delivery as DeliveryId,
    attempt: null,
    reference: null,
    address: null,
    verdict: 'delivered',
    code: null,
    addressDead: false,
    words: null,
  });
  await saveReceipts(
    it.pool,
    it.sealer,
    [one('here', row!.id), one('gone', keyId('delivery', 'nobody'))],
    it.clock.nowMs(),
  );
  // As a restore of the database from before its delivery would leave it.
  await it.pool.query(`UPDATE receipts SET state = 'unmatched', settled_at = received_at`);
  it.at(4 * 86_400_000);
  await expect(redrive({}, true, NTS, 'receipts')).rejects.toThrow('administrator');
  expect(await countDeadLetters(parts, ADMINISTRATOR, 'receipts', EVERYTHING)).toMatchObject([
    { channel: 'sms', count: 2 },
  ]);
  expect(await redrive({}, false, ADMINISTRATOR, 'receipts')).toMatchObject({ redriven: 2 });
  const apply = createReceipts(it);
  while (await apply());
  expect(await all()).toEqual(['opened sms delivered']);
  expect((await it.rows('SELECT state FROM receipts ORDER BY state')).map((r) => r['state'])).toEqual([
    'applied',
    'unmatched',
  ]);
});
