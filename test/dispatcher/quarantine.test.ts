/** What arrives by Kafka and cannot be taken in: a quarantine row with the reason and the place, and the partition goes on. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createRulesStore } from '../../app/rules-store.ts';
import type { LogRecord, NewRecord } from '../../broker/broker.ts';
import { admit } from '../../dispatcher/admit.ts';
import { recordOfEvent } from '../../domain/cloud-events.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { RecordFlaws } from '../../domain/record-flaws.ts';
import { TOPICS } from '../../domain/records.ts';
import { createSealer } from '../../domain/sealing.ts';
import { createRelay } from '../../producers/relay.ts';
import { eventRow, takeEvents } from '../../store/events.ts';
import { saveQuarantine } from '../../store/quarantine.ts';
import { readLedgerBacklog } from '../../store/status.ts';
import { readStatus } from '../../web/api/status.ts';
import { type Installation, install, taxEvent, windowEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;

beforeAll(async () => {
  it = await install({ partitions: 1 });
  await it.citizen({ id: 'c', sms: '+821000000001' });
});
afterAll(() => it.close());

const good = () => taxEvent({ id: `good-${++n}`, subject: 'c', allimobligation: `property-tax/${n}` });
/** The record of a good event, changed. */
function bad(headers: Record<string, string> = {}, value?: string | Buffer | null): NewRecord {
  const record = recordOfEvent(good());
  return {
    ...record,
    headers: { ...record.headers, ...headers },
    value: value === undefined ? record.value : value,
  };
}
const structured = (value: unknown): NewRecord => ({
  key: 'c',
  headers: { 'content-type': 'application/cloudevents+json' },
  value: JSON.stringify(value),
});

describe('an event that cannot be taken in', () => {
  const cases: readonly (readonly [string, () => NewRecord, string, string])[] = [
    ['is malformed JSON', () => bad({}, '{"amount": 1'), 'event-invalid', '/data'],
    ['is not UTF-8', () => bad({}, Buffer.from([0x7b, 0xff, 0x7d])), 'event-invalid', '/data'],
    ['has no value', () => bad({}, null), 'event-invalid', '/data'],
    ['has another content type', () => bad({ 'content-type': 'text/csv' }), 'content-type-unsupported', ''],
    ['is no CloudEvent', () => ({ key: 'c', value: '{}' }), 'event-invalid', ''],
    ['has an unknown type', () => bad({ ce_type: 'kr.nts.nothing.known' }), 'event-type-unknown', '/type'],
    [
      'has data against its schema',
      () => bad({}, JSON.stringify({ amount: 'much', dueOn: '2026-07-31' })),
      'event-invalid',
      '/data/amount',
    ],
    [
      'names a day that does not exist',
      () => bad({}, JSON.stringify({ amount: 1, dueOn: '2026-02-30' })),
      'event-invalid',
      '/data/dueOn',
    ],
    ['comes from a foreign source', () => bad({ ce_source: '/nhis/checkup' }), 'source-foreign', '/source'],
    ['has no id', () => structured({ ...good(), id: undefined }), 'event-invalid', '/id'],
    ['has a sequence of words', () => bad({ ce_sequence: 'first' }), 'event-invalid', '/sequence'],
    ['has data 65 deep', () => bad({}, `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`), 'event-invalid', '/data'],
    [
      'has data that would exhaust a stack',
      () => bad({}, `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
      'event-invalid',
      '/data',
    ],
    [
      'has a number that is infinite',
      () => bad({}, '{"amount": 1e999, "dueOn": "2026-07-31"}'),
      'event-invalid',
      '/data',
    ],
    [
      'has a time with a zone in brackets',
      () => bad({ ce_time: '2026-07-10T09:00:00+09:00[Asia/Seoul]' }),
      'event-invalid',
      '/time',
    ],
    [
      'expires in a year of six digits',
      () => bad({ ce_expirytime: '+200000-01-01T00:00:00Z' }),
      'event-invalid',
      '/expirytime',
    ],
    [
      'has a long extension with the name of an inherited property',
      () => bad({ ce_constructor: 'x'.repeat(1_025) }),
      'event-invalid',
      '/constructor',
    ],
    [
      'is older than the ledger remembers',
      () => bad({ ce_time: '2020-01-01T00:00:00Z' }),
      'event-too-old',
      '/time',
    ],
    [
      'announces something and has expired',
      () => bad({ ce_expirytime: '2026-07-10T11:59:59+09:00' }),
      'event-expired',
      '/expirytime',
    ],
    [
      'is too large',
      () => bad({}, JSON.stringify({ amount: 1, dueOn: '2026-07-31', office: 'x'.repeat(300_000) })),
      'payload-too-large',
      '/data',
    ],
    [
      'is small as it came and too large as we would write it',
      () => bad({}, `{"amount": 1, "dueOn": "2026-07-31", "office": [${'1e20,'.repeat(13_000)}0]}`),
      'payload-too-large',
      '/data',
    ],
    [
      'has more bytes of attributes than an event may have',
      () => bad(Object.fromEntries(Array.from({ length: 35 }, (_, i) => [`ce_x${i}`, 'x'.repeat(1_000)]))),
      'payload-too-large',
      '',
    ],
    [
      'gives an attribute in two headers that differ by case',
      () => bad({ CE_sequence: '7', ce_sequence: '8' }),
      'event-invalid',
      '/sequence',
    ],
  ];
  test.each(cases)(
    '%s: it is quarantined, and those around it are told',
    async (_, record, code, pointer) => {
      const [before, after] = [good(), good()];
      const refused = record();
      await it.append(TOPICS.events, recordOfEvent(before), refused, recordOfEvent(after));
      await it.intake();
      const [row] = await it.rows<{ code: string; faults: { pointer: string }[]; record_offset: number }>(
        `SELECT code, faults, record_offset FROM quarantine ORDER BY record_offset DESC LIMIT 1`,
      );
      expect(row?.code).toBe(code);
      if (pointer !== '') expect(row?.faults.map((fault) => fault.pointer)).toContain(pointer);
      expect(
        await it.rows('SELECT event_id FROM events WHERE event_id = ANY($1::text[])', [
          [before.id, after.id],
        ]),
      ).toHaveLength(2);
    },
  );

  test('has an unknown type, as many beside it: the catalogue is looked at once', async () => {
    const refresh = jest.spyOn(it.catalogue, 'refresh');
    const unknown = () => bad({ ce_type: `kr.nts.nothing.known-${n}` });
    await it.append(TOPICS.events, ...Array.from({ length: 20 }, unknown));
    await it.intake();
    expect(refresh).toHaveBeenCalledTimes(1);
    refresh.mockRestore();
    expect(
      await it.rows(`SELECT count(*)::int AS n FROM quarantine WHERE message LIKE '%nothing.known-%'`),
    ).toEqual([{ n: 20 }]);
  });

  test('cannot be checked for a reason we did not foresee: it alone is refused, at the first attempt', async () => {
    const types = it.catalogue.current().eventTypes;
    const { check } = types;
    const [before, broken, after] = [good(), good(), good()];
    const checking = jest.spyOn(types, 'check').mockImplementation((event) => {
      if (event.id === broken.id) throw new RangeError('Maximum call stack size exceeded');
      return check(event);
    });
    await it.publish(before, broken, after);
    await it.intake();
    expect(checking).toHaveBeenCalledTimes(3);
    checking.mockRestore();
    expect(await it.rows('SELECT code, message FROM quarantine ORDER BY record_offset DESC LIMIT 1')).toEqual(
      [{ code: 'event-invalid', message: 'the event cannot be read' }],
    );
    expect(
      await it.rows('SELECT event_id FROM events WHERE event_id = ANY($1::text[]) ORDER BY event_id', [
        [before.id, broken.id, after.id],
      ]),
    ).toEqual([before.id, after.id].sort().map((event_id) => ({ event_id })));
  });

  test('has the id of another one: the first stands, the second is a conflict, also within one batch', async () => {
    const first = good();
    const other = { ...first, data: { amount: 7, dueOn: '2026-07-31' } };
    await it.publish(first, other);
    await it.intake();
    await it.publish(other);
    await it.intake();
    expect(await it.rows(`SELECT count(*)::int AS n FROM quarantine WHERE code = 'event-conflict'`)).toEqual([
      { n: 2 },
    ]);
    expect(
      await it.rows(`SELECT body->'data'->>'amount' AS amount FROM events WHERE event_id = $1`, [first.id]),
    ).toEqual([{ amount: '132000' }]);
  });
});

test('the key of a refused record lies sealed with it; the column has that of a profile alone', async () => {
  const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  const refused = {
    partition: 9,
    key: '900101-1',
    headers: { h: '1' },
    value: Buffer.from('x'),
    error: new Error('no'),
  };
  await saveQuarantine(it.pool, sealer, [
    { ...refused, topic: TOPICS.events, offset: 1 },
    { ...refused, topic: TOPICS.profiles, offset: 2 },
  ]);
  const rows = await it.rows<{ key: string | null; record: Buffer }>(
    'SELECT key, record FROM quarantine WHERE partition = 9 ORDER BY record_offset',
  );
  expect(rows.map(({ key }) => key)).toEqual([null, '900101-1']);
  for (const { record } of rows)
    expect(JSON.parse(sealer.open('quarantine', record).toString())).toEqual({
      key: '900101-1',
      headers: { h: '1' },
      value: Buffer.from('x').toString('base64'),
    });
});

test('profiles beyond what is kept of a reason are counted once, though they are read again and the minute falls otherwise', async () => {
  const store = createRulesStore(it);
  const record = (offset: number) => ({
    topic: TOPICS.profiles,
    partition: 8,
    offset,
    key: `c-${offset}`,
    headers: {},
    value: Buffer.from('{'),
    error: new AllimError('profile-invalid', 'no'),
  });
  const counted = (...offsets: number[]) => [
    { topic: TOPICS.profiles, partition: 8, code: 'profile-invalid' as const, offsets },
  ];
  await store.quarantineProfiles([record(1), record(2)], counted(3, 4, 6));
  await store.quarantineProfiles([record(1), record(3), record(9)], counted(2, 4, 6, 10));
  expect(await it.rows('SELECT record_offset FROM quarantine WHERE partition = 8 ORDER BY 1')).toEqual(
    [1, 2, 9].map((record_offset) => ({ record_offset })),
  );
  const ledger = await readLedgerBacklog(it.pool, [], it.clock.nowMs());
  expect(ledger.quarantineCounted).toBe(4);
});

test.each([
  ['2026-12-31T23:59:59.123456789+09:00', '2026-12-31T14:59:59.123Z'],
  ['9999-12-31t23:59:59z', '9999-12-31T23:59:59.000Z'],
])('an expiry of %s is kept as the instant it is', async (expirytime, kept) => {
  const event = { ...good(), expirytime };
  await it.publish(event);
  await it.intake();
  expect(await it.rows('SELECT expires_at FROM events WHERE event_id = $1', [event.id])).toEqual([
    { expires_at: new Date(kept) },
  ]);
});

test('an event that is large only by its white space is taken in', async () => {
  const event = good();
  const record = recordOfEvent(event);
  await it.append(TOPICS.events, { ...record, value: record.value.replace(':', `:${' '.repeat(300_000)}`) });
  await it.intake();
  expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [event.id])).toEqual([
    { state: 'accepted' },
  ]);
});

describe('a Kafka record whose headers or key text cannot hold', () => {
  const record = (flaws: RecordFlaws): LogRecord => ({
    ...recordOfEvent(good()),
    topic: TOPICS.events,
    partition: 7,
    offset: ++n,
    value: Buffer.from('{"amount": 1, "dueOn": "2026-07-31"}'),
    timestampMs: 0,
    flaws,
  });
  const bytes = { rawKey: Buffer.from([0x63, 0xff]), rawHeaders: [['ce_id', Buffer.from([0xfe])]] } as const;

  test.each([
    ['key is not UTF-8', { ...bytes, notUtf8: ['key'], repeated: [] }, 'record-corrupt', 'not UTF-8: key'],
    [
      'header is not UTF-8',
      { ...bytes, notUtf8: ['ce_id'], repeated: [] },
      'record-corrupt',
      'not UTF-8: ce_id',
    ],
    [
      'ce_ header is repeated',
      { ...bytes, notUtf8: [], repeated: ['ce_id'] },
      'event-invalid',
      'a header of the event is repeated',
    ],
  ] as const)('%s: it is quarantined with the reason and its bytes', async (_, flaws, code, message) => {
    const { accepted, rejected } = await admit(it.catalogue, [record(flaws)], it.clock.nowMs());
    expect(accepted).toEqual([]);
    await saveQuarantine(it.pool, it.sealer, rejected);
    const [row] = await it.rows<{ code: string; message: string; record: Buffer }>(
      'SELECT code, message, record FROM quarantine WHERE partition = 7 AND record_offset = $1',
      [n],
    );
    expect(row).toMatchObject({ code, message });
    expect(JSON.parse(it.sealer.open('quarantine', row!.record).toString())).toMatchObject({
      rawKey: bytes.rawKey.toString('base64'),
      rawHeaders: [['ce_id', '/g==']],
    });
  });

  test('another header that is repeated says nothing about the event', async () => {
    const traced = record({ ...bytes, notUtf8: [], repeated: ['x-trace'] });
    expect((await admit(it.catalogue, [traced], it.clock.nowMs())).accepted).toHaveLength(1);
  });
});

test('an event that was accepted over HTTP and expires before its turn ends: it is quarantined, its row says so, and nothing is left', async () => {
  const event = { ...good(), expirytime: '2026-07-10T12:00:01+09:00' };
  const other = { ...event, id: `${event.id}-b` };
  await takeEvents(
    it.pool,
    'received',
    [eventRow(event, 'nts'), eventRow({ ...other, data: { amount: 5, dueOn: '2026-07-31' } }, 'nts')],
    it.clock.nowMs(),
  );
  const relay = createRelay({ pool: it.pool, broker: it.broker, clock: it.clock, logger: silentLogger });
  it.at(2_000);
  await relay.drain();
  await it.publish(other);
  await it.settle();
  const state = (id: string) => it.rows('SELECT state FROM events WHERE event_id = $1', [id]);
  expect(await state(event.id)).toEqual([{ state: 'refused' }]);
  expect(
    await it.rows(
      `SELECT code FROM quarantine WHERE code = 'event-expired' AND created_at > now() - interval '1 minute'`,
    ),
  ).not.toHaveLength(0);
  const { idle, backlog } = await readStatus({
    catalogue: it.catalogue,
    pool: it.pool,
    broker: it.broker,
    clock: it.clock,
    population: async () => null,
  });
  expect(backlog.events).toBe(0);
  expect(backlog.requests).toBe(0);
  expect(idle).toBe(backlog.schedulesDue + backlog.deliveries + backlog.pages === 0);
});

describe('a page that cannot be planned', () => {
  async function ask(): Promise<{ fanout: string; stageRun: string; request: number }> {
    await it.publish(windowEvent({ id: `w-${++n}`, allimobligation: `checkup/${n}` }));
    await it.intake();
    const [row] = await it.rows<{ fanout: string; stageRun: string; request: number }>(
      `SELECT f.id AS fanout, f.stage_run_id AS "stageRun", f.request FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id
       JOIN campaigns c ON c.id = r.campaign_id WHERE c.obligation_ref = $1`,
      [String(n)],
    );
    return row!;
  }
  const page = (asked: Record<string, unknown>, more: Record<string, unknown>) => ({
    key: null,
    partition: 0,
    value: JSON.stringify({
      ...asked,
      run: randomUUID(),
      page: 0,
      last: true,
      profileOffset: 0,
      totals: { matched: 1, possible: 0, unknown: 0, pages: 1 },
      citizens: ['c'],
      reach: ['certain'],
      values: {},
      unknown: [],
      ...more,
    }),
  });

  test.each([
    ['lacks its citizens', (asked: object) => page({ ...asked }, { citizens: undefined })],
    ['has citizens that are no list', (asked: object) => page({ ...asked }, { citizens: 5 })],
    ['has a run that is no id', (asked: object) => page({ ...asked }, { run: 'first' })],
    [
      'is cut off',
      (asked: object) => {
        const whole = page({ ...asked }, {});
        return { ...whole, value: whole.value.slice(0, -40) };
      },
    ],
  ])('%s: its fan-out fails, and the next page is planned', async (_, make) => {
    const broken = await ask();
    const whole = await ask();
    const before = await it.rows('SELECT id FROM quarantine');
    await it.append(TOPICS.audiences.bulk, make(broken), page(whole, {}));
    await it.plan();
    expect(await it.rows('SELECT state FROM fanouts WHERE id = $1', [broken.fanout])).toEqual([
      { state: 'failed' },
    ]);
    expect(await it.rows('SELECT state FROM fanouts WHERE id = $1', [whole.fanout])).toEqual([
      { state: 'complete' },
    ]);
    expect(await it.rows('SELECT id FROM quarantine')).toHaveLength(before.length + 1);
  });

  test('is of an unknown fan-out: it is dropped, and the next page is planned', async () => {
    const whole = await ask();
    await it.append(TOPICS.audiences.bulk, page({ ...whole, fanout: randomUUID() }, {}), page(whole, {}));
    await it.plan();
    expect(await it.rows('SELECT state FROM fanouts WHERE id = $1', [whole.fanout])).toEqual([
      { state: 'complete' },
    ]);
  });

  test('whose counts do not add up fails its fan-out', async () => {
    const asked = await ask();
    await it.append(
      TOPICS.audiences.bulk,
      page(asked, { totals: { matched: 2, possible: 0, unknown: 0, pages: 1 } }),
    );
    await it.plan();
    expect(await it.rows('SELECT state FROM fanouts WHERE id = $1', [asked.fanout])).toEqual([
      { state: 'failed' },
    ]);
  });
});
