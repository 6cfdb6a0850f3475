/** Receipts on the SMPP binding: what is asked for, what is read, and that nothing is acknowledged that is not stored. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import smpp, { type Pdu } from 'smpp';
import { silentLogger } from '../../domain/logger.ts';
import { createSealer } from '../../domain/sealing.ts';
import type { Provider } from '../../workers/providers/provider.ts';
import { isReceipt, readReceipt } from '../../workers/providers/smpp-receipt.ts';
import { createSmsProvider } from '../../workers/providers/sms-smpp.ts';
import { createSmsReceipts } from '../../workers/sms-receipts.ts';
import { type SmscSink, startSmscSink } from '../sinks/smsc.ts';
import { eventually } from '../support/eventually.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createDelivery, yes } from './builders.ts';

const KIM = '+821012345678';
const content = { channel: 'sms', text: '[강남구청] 재산세 132,000원, 7/31까지.' } as const;
const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
let sink: SmscSink;
let sms: Provider;
let database: TestDatabase;
let away = false;

beforeAll(async () => {
  database = await createDatabase({ max: 2 });
  sink = await startSmscSink();
  // A database that cannot be reached, when a test wants one.
  const pool = {
    connect: () => database.pool.connect(),
    query: (...args: Parameters<typeof database.pool.query>) =>
      away
        ? Promise.reject(Object.assign(new Error('away'), { code: 'ECONNREFUSED' }))
        : database.pool.query(...args),
  } as typeof database.pool;
  const receipts = createSmsReceipts({ pool, sealer, clock: { nowMs: Date.now }, logger: silentLogger });
  sms = createSmsProvider({ url: sink.url, source: '15771000', reconnectMs: 10, receipts });
  await sms.start();
});
afterAll(async () => {
  await sms.stop();
  await sink.stop();
  await database.drop();
});
afterEach(async () => {
  away = false;
  sink.receipts(null);
  await database.pool.query('DELETE FROM receipts; DELETE FROM sms_references');
});

const kept = async () =>
  (
    await database.pool.query<{ reference: string; verdict: string; code: string; words: Buffer | null }>(
      'SELECT reference, verdict, code, words FROM receipts ORDER BY received_at, reference',
    )
  ).rows;
const send = () => sms.send(createDelivery(KIM, content), yes);

test('a receipt that comes before the answer is stored, and so is whose text it is, before the outcome is said', async () => {
  sink.receipts({ when: 'before' });
  const outcome = await send();
  if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
  const [row] = await kept();
  expect(row).toMatchObject({ reference: outcome.reference, verdict: 'delivered', code: 'DELIVRD 000' });
  expect(sealer.open('receipt', row!.words!).toString()).toContain('132,000');
  const { rows } = await database.pool.query('SELECT reference FROM sms_references');
  expect(rows).toEqual([{ reference: outcome.reference }]);
  expect(JSON.stringify(await kept())).not.toContain('12345678');
});

test('told twice it is one row, and both are acknowledged', async () => {
  sink.receipts({ when: 'twice' });
  const before = sink.told().taken;
  await send();
  await eventually(() => expect(sink.told().taken - before).toBe(4));
  expect(await kept()).toHaveLength(1);
});

test('what cannot be stored stays with the SMSC, and is taken later', async () => {
  away = true;
  const receipt = { id: '1f', from: KIM };
  expect(await sink.deliver(receipt)).toBe(smpp.errors['ESME_RX_T_APPN']);
  away = false;
  expect(await sink.deliver(receipt)).toBe(0);
  expect(await kept()).toHaveLength(1);
});

test('what is no receipt, or says nothing, is refused for good', async () => {
  expect(await sink.deliver({ id: '', from: KIM })).toBe(smpp.errors['ESME_RX_R_APPN']);
  expect(await kept()).toEqual([]);
});

test('without anywhere to keep them none are asked for', async () => {
  const plain = createSmsProvider({ url: sink.url, source: '15771000', reconnectMs: 10 });
  sink.receipts({ when: 'after' });
  const before = sink.told();
  await plain.start();
  expect(await plain.send(createDelivery(KIM, content), yes)).toMatchObject({ kind: 'accepted' });
  await plain.stop();
  expect(sink.told()).toEqual(before);
});

describe('a receipt is read', () => {
  const pdu = (text: string, more: object = {}): Pdu =>
    ({
      command: 'deliver_sm',
      esm_class: 4,
      source_addr: '821012345678',
      source_addr_ton: 1,
      short_message: { message: text },
      ...more,
    }) as Pdu;
  const text = (stat: string) =>
    `id:0A1b sub:001 dlvrd:001 submit date:2607101200 done date:2607101201 stat:${stat} err:00B Text:hello world`;

  test.each([
    ['DELIVRD', 'delivered'],
    ['EXPIRED', 'temporary'],
    ['DELETED', 'temporary'],
    ['UNDELIV', 'permanent'],
    ['REJECTD', 'permanent'],
    ['ACCEPTD', 'none'],
    ['UNKNOWN', 'none'],
    ['ENROUTE', 'none'],
    ['FOOBAR', 'none'],
  ])('%s as %s', (stat, verdict) => {
    expect(readReceipt(pdu(text(stat)))).toEqual({
      reference: '0A1b',
      exact: false,
      address: KIM,
      state: stat,
      verdict,
      errorCode: '00B',
      doneAt: '2607101201',
      words: 'hello world',
    });
  });

  test('its TLVs before its text', () => {
    const read = readReceipt(pdu(text('ENROUTE'), { receipted_message_id: 'ff01', message_state: 2 }));
    expect(read).toMatchObject({ reference: 'ff01', exact: true, state: 'DELIVRD', verdict: 'delivered' });
    expect(readReceipt(pdu('', { receipted_message_id: 'ff01', message_state: 5 }))).toMatchObject({
      verdict: 'permanent',
      errorCode: null,
      words: null,
    });
  });

  test.each([
    ['821012345678', 1],
    ['821012345678', 0],
    ['01012345678', 2],
    ['+821012345678', 1],
  ])('a number written %s with TON %i', (source_addr, source_addr_ton) => {
    expect(readReceipt(pdu(text('DELIVRD'), { source_addr, source_addr_ton }))?.address).toBe(KIM);
  });

  test('not without an id or a state; and a text that somebody writes is no receipt', () => {
    expect(readReceipt(pdu('stat:DELIVRD'))).toBeNull();
    expect(readReceipt(pdu('id:1 err:000'))).toBeNull();
    expect(readReceipt(pdu(text('DELIVRD'), { source_addr: 'Allim' }))?.address).toBeNull();
    expect(isReceipt(pdu(text('DELIVRD'), { esm_class: 0 }))).toBe(false);
    expect([4, 8, 0x20, 0x44].map((esm_class) => isReceipt(pdu('', { esm_class })))).toEqual([
      true,
      true,
      true,
      true,
    ]);
  });
});
